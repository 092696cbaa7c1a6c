package screen

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"provstation/station"
	"provstation/station/ledger"
)

// fileRows is n runs on file, newest first.
func fileRows(n int) []ledger.RunRow {
	outcomes := []station.Outcome{station.Pass, station.Pass, station.Fail, station.Pass, station.Error, station.Pass, station.Skipped, station.Uncertain}
	codes := map[station.Outcome]station.Code{
		station.Fail: station.CodeClockDevice, station.Error: station.CodeBridgeDown, station.Skipped: station.CodeSkipped, station.Uncertain: station.CodeUnknownKey,
	}
	rows := make([]ledger.RunRow, n)
	for i := range rows {
		o := outcomes[i%len(outcomes)]
		rows[i] = ledger.RunRow{
			RunStart: station.RunStart{
				Run: fmt.Sprintf("01936d2e-0000-7000-8000-%012d", n-i), Tenant: "acme", Station: "Kassel line 2", StationID: "kas-2", Operator: "Ilse Brandt",
				Batch: "2026-47-A", Slot: fmt.Sprintf("slot %d", i%8+1), Port: "/dev/ttyUSB0", Version: "0.1.0", ConfigDigest: "ab12",
				StartedAt: begun.Add(-time.Duration(i) * 47 * time.Second),
			},
			HardwareSerial: fmt.Sprintf("SN-7731-%05d", n-i), Attempt: 1, DeviceID: fmt.Sprintf("dev-%04d", n-i), Outcome: o, Code: codes[o],
			Elapsed: 2555 * time.Millisecond, EndedAt: begun.Add(-time.Duration(i)*47*time.Second + 2555*time.Millisecond), WireTx: 4410, WireRx: 1986,
		}
		if o == station.Fail {
			rows[i].Params, rows[i].Phase = map[string]string{"have": "1970-01-01"}, station.PhaseClock
		}
		if o == station.Pass {
			rows[i].Proof, rows[i].Contract, rows[i].NotAfter = station.BrokerDelivered, "deployed", begun.AddDate(1, 0, 0)
		}
	}
	if n > 0 {
		rows[0].Outcome, rows[0].Code, rows[0].EndedAt, rows[0].Elapsed = "", "", time.Time{}, 0
	}
	return rows
}

// issued is a chain of three certificates as DER: two issuers and the root, with ends of their own.
func issued(t testing.TB) [][]byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var ders [][]byte
	for i, name := range []string{"acme Tenant Sub-CA", "Provider ICA", "Provider Root CA"} {
		c := &x509.Certificate{SerialNumber: big.NewInt(int64(i + 1)), Subject: pkix.Name{CommonName: name}, NotBefore: begun, NotAfter: begun.AddDate(2+3*i, 0, 0)}
		der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
		if err != nil {
			t.Fatal(err)
		}
		ders = append(ders, der)
	}
	return ders
}

// fileDetail is everything that was recorded of a run.
// ordinaryPhases are those that every run has, skipped or not.
func ordinaryPhases() []station.Phase {
	return slices.DeleteFunc(station.Phases(), station.Phase.Rare)
}

func fileDetail(t testing.TB, row ledger.RunRow) ledger.RunDetail {
	t.Helper()
	sum := func(b byte) []byte { return []byte(strings.Repeat(string(rune(b)), 32)) }
	d := ledger.RunDetail{RunRow: row}
	d.Override = &station.Override{Code: station.CodeUnknownKey, Run: "01936d2e-0000-7000-8000-000000000007", Reason: "reflashed on purpose", Operator: "Ilse Brandt", Lead: "Jonas Reuter"}
	d.Warnings = []station.Warning{{Code: station.CodeCertShelfWarn, Text: "The certificate ends soon (in 23 h); 30 days would be better."}}
	d.Observations = []ledger.Observation{{Observed: station.Observed{HardwareSerial: row.HardwareSerial, Model: "EdgeBox 210", Firmware: "2.4.1", BootID: "9f31c2", State: station.StateKeyed, ClockOffset: 312 * time.Millisecond, HasClock: true}, At: row.StartedAt}}
	at := row.StartedAt
	for _, p := range ordinaryPhases() {
		end := station.PhaseEnd{Phase: p, Status: station.PhaseDone, StartedAt: at, EndedAt: at.Add(time.Duration(took[p.Index()]) * time.Millisecond), Tries: 1, Facts: known(1, p)}
		if p == station.PhaseEnroll {
			end.Tries = 2
		}
		if p == station.PhaseWireGuard || p == station.PhaseRegister {
			end.Status, end.Facts = station.PhaseSkipped, nil
		}
		at = end.EndedAt
		d.Phases = append(d.Phases, end)
	}
	d.Posts = []ledger.PostRow{{Post: station.Post{ID: "p1", CSRDigest: sum('c'), At: at}, State: ledger.PostIssued, EndedAt: at}}
	d.Proofs = []station.ProofRecord{{Leaf: sum('l'), Proof: station.BrokerDelivered, Broker: "mqtt.tenant.example.com:8883", TLS: "TLS 1.3", MQTT: "5", Readback: map[string]string{"device.pem": "aabb", "wg0.conf": "ccdd"}, At: at}}
	d.Certificates = []ledger.CertRow{{CertRecord: station.CertRecord{
		Subject: "CN=" + row.DeviceID, Issuer: "CN=acme Tenant Sub-CA", CertSerial: "3f9a62e17c0b44d8", Fingerprint: sum('f'), SPKI: sum('s'), NotBefore: begun, NotAfter: begun.AddDate(1, 0, 0),
		Chain: issued(t), WGConf: wgConf, TunnelAddresses: []string{"10.8.0.2/32"},
	}, Current: true}}
	return d
}

func recordsScenes(t testing.TB) map[string]func() *Records {
	loaded := func(rows []ledger.RunRow, more bool, total int, f ledger.Filter) func() *Records {
		return func() *Records {
			r := NewRecords()
			r.SetFilter(f)
			r.SetRows(rows, more, total)
			return r
		}
	}
	rows := fileRows(60)
	return map[string]func() *Records{
		"records-loading": func() *Records { r := NewRecords(); r.SetLoading(true); return r },
		"records-none":    loaded(nil, false, 0, ledger.Filter{Tenant: "acme"}),
		"records-nomatch": loaded(nil, false, 0, ledger.Filter{Tenant: "acme", Text: "dev-99"}),
		"records-rows":    loaded(rows, true, 1240, ledger.Filter{Tenant: "acme"}),
		"records-filter": func() *Records {
			r := loaded(rows[1:9], false, -1, ledger.Filter{Outcomes: []station.Outcome{station.Fail, station.Error}, Batch: "2026-47-A", Operator: "Ilse Brandt", Slot: "slot 3", Since: begun.Add(-12 * time.Hour), Open: true})()
			r.Move(1)
			return r
		},
		"records-error": func() *Records {
			r := loaded(rows[:3], false, 3, ledger.Filter{})()
			r.SetError("open ledger: disk I/O error")
			return r
		},
		"records-open": func() *Records {
			r := loaded(rows, false, 60, ledger.Filter{})()
			r.SetDetail(fileDetail(t, rows[1]))
			return r
		},
		"records-open-failed": func() *Records {
			r := loaded(rows, false, 60, ledger.Filter{})()
			r.SetDetail(ledger.RunDetail{RunRow: rows[2], Phases: []station.PhaseEnd{{Phase: station.PhaseClock, Status: station.PhaseFailed, Code: station.CodeClockDevice, StartedAt: begun, EndedAt: begun.Add(time.Second), Tries: 3}}})
			return r
		},
	}
}

func TestRecordsGolden(t *testing.T) {
	for name, make := range recordsScenes(t) {
		t.Run(name, func(t *testing.T) {
			goldens(t, name, begun, func() page { return make() })
		})
	}
}

// records is a page with rows, drawn once.
func records(t testing.TB, w, h int, rows []ledger.RunRow, more bool) *Records {
	t.Helper()
	r := NewRecords()
	r.SetLook(lookIn(t, "en", false))
	r.SetNow(begun)
	r.SetSize(w, h)
	r.SetRows(rows, more, -1)
	r.View()
	return r
}

func TestRecordsKeepTheSelection(t *testing.T) {
	rows := fileRows(50)
	r := records(t, 120, 30, rows[10:], false)
	r.Move(5)
	before, _ := r.Selected()
	r.SetRows(rows, false, 50)
	if after, ok := r.Selected(); !ok || after.Run != before.Run {
		t.Errorf("got %s selected after ten new runs, want still %s", after.Run, before.Run)
	}
	r.Home()
	r.SetRows(fileRows(51), false, 51)
	if after, _ := r.Selected(); after.DeviceID != "dev-0051" {
		t.Errorf("got %s, want who stands on the newest to stay on the newest", after.DeviceID)
	}
	r.End()
	r.SetRows(rows[:3], false, 3)
	if after, ok := r.Selected(); !ok || after.Run != rows[2].Run {
		t.Errorf("got %s selected, %t, want the last of what is left", after.Run, ok)
	}
	r.SetRows(nil, false, 0)
	if _, ok := r.Selected(); ok {
		t.Error("got a selected row of none")
	}
	r.Move(1)
	r.End()
	r.View()
}

func TestRecordsAskForMoreNearTheEnd(t *testing.T) {
	r := records(t, 80, 20, fileRows(100), true)
	if r.AtEnd() {
		t.Error("got a wish for more on the first of a hundred rows")
	}
	r.End()
	if !r.AtEnd() {
		t.Error("got no wish for more on the last row")
	}
	r.SetLoading(true)
	if r.AtEnd() {
		t.Error("got a second wish while the first is on its way")
	}
	r.SetRows(fileRows(130), false, 130)
	r.End()
	if r.AtEnd() {
		t.Error("got a wish for more where there is none")
	}
	r.SetDetail(ledger.RunDetail{})
	if r.AtEnd() {
		t.Error("got a wish for more rows while one is open")
	}
}

func TestRecordsShowTheSelectedRow(t *testing.T) {
	r := records(t, 80, 20, fileRows(100), false)
	for _, move := range []func(){func() { r.Move(17) }, r.End, func() { r.Move(-r.Page()) }, r.Home, func() { r.Move(3 * r.Page()) }} {
		move()
		row, _ := r.Selected()
		found := false
		for _, line := range strings.Split(ansi.Strip(r.View()), "\n") {
			found = found || (strings.Contains(line, "▌") && strings.Contains(line, row.DeviceID))
		}
		if !found {
			t.Errorf("got no marked row for %s in\n%s", row.DeviceID, ansi.Strip(r.View()))
		}
	}
}

func TestRecordsColumnsAdapt(t *testing.T) {
	for _, tt := range []struct {
		w    int
		want []string
		not  []string
	}{
		{80, []string{"TIME", "DEVICE", "HARDWARE", "VERDICT"}, []string{"OPERATOR", "BATCH"}},
		{120, []string{"TIME", "SLOT", "DEVICE", "HARDWARE", "VERDICT", "CODE", "TOOK"}, nil},
		{200, []string{"TIME", "SLOT", "DEVICE", "HARDWARE", "VERDICT", "CODE", "OPERATOR", "BATCH", "TOOK"}, nil},
	} {
		got := ansi.Strip(records(t, tt.w, 30, fileRows(30), false).View())
		for _, want := range tt.want {
			if !strings.Contains(got, want) {
				t.Errorf("%d cells: got no column %s", tt.w, want)
			}
		}
		for _, not := range tt.not {
			if strings.Contains(got, not) {
				t.Errorf("%d cells: got the column %s, want no room for it", tt.w, not)
			}
		}
	}
}

// TestRecordsShowEverything opens a run and looks for each thing that is on file.
func TestRecordsShowEverything(t *testing.T) {
	r := records(t, 100, 400, fileRows(3), false)
	rows := fileRows(3)
	r.SetDetail(fileDetail(t, rows[1]))
	got := ansi.Strip(r.View())
	for _, want := range []string{
		"dev-0002", "SN-7731-00002", "Ilse Brandt", "Jonas Reuter", "reflashed on purpose", "2026-47-A", "Kassel line 2", "The certificate ends soon",
		"EdgeBox 210 2.4.1", "9f31c2", "312 ms", "Provider Root CA", "└─ dev-0002", "365 days left", "3f9a62e17c0b44d8", "10.8.0.2/32",
		"delivered by the broker", "mqtt.tenant.example.com:8883", "device.pem", "certificate received", "2 tries", "640 ms", "4410 sent, 1986 received",
		"the device's present one", "Endpoint = vpn.tenant.example.com:51820", "PresharedKey = (hidden)",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got no %q in\n%s", want, got)
		}
	}
	if strings.Contains(got, "cGFzcyB0aGlz") {
		t.Error("a preshared key is on the screen")
	}
	if run, ok := r.Opened(); !ok || run != rows[1].Run {
		t.Errorf("got %q open, %t, want %s", run, ok, rows[1].Run)
	}
	r.SetSize(80, 20)
	r.View()
	r.End()
	if got := ansi.Strip(r.View()); strings.Contains(got, "Tenant ") {
		t.Errorf("got the beginning at the end:\n%s", got)
	}
	r.CloseDetail()
	if _, ok := r.Opened(); ok {
		t.Error("got a run open after it was closed")
	}
}

// TestRecordsShowTheDecision: who decided about a held run, or that somebody has to.
func TestRecordsShowTheDecision(t *testing.T) {
	row := fileRows(1)[0]
	row.Outcome, row.Code = station.Uncertain, station.CodeUnknownKey
	for _, tt := range []struct {
		held ledger.Held
		want []string
		not  string
	}{
		{ledger.Held{Open: true}, []string{"Decision", "Nobody has decided about this device yet"}, "Reason"},
		{ledger.Held{Resolution: &station.Resolution{Decision: station.DecisionDecommissioned, By: "Jonas Reuter", Reason: "water in the box", At: begun}}, []string{"Out of service", "Jonas Reuter", "water in the box"}, "Nobody"},
		{ledger.Held{}, nil, "Decision"},
	} {
		r := records(t, 120, 60, []ledger.RunRow{row}, false)
		r.SetDetail(ledger.RunDetail{RunRow: row, Held: tt.held})
		view := ansi.Strip(r.View())
		for _, want := range tt.want {
			if !strings.Contains(view, want) {
				t.Errorf("%+v: got a page without %q:\n%s", tt.held, want, view)
			}
		}
		if strings.Contains(view, tt.not) {
			t.Errorf("%+v: got a page with %q:\n%s", tt.held, tt.not, view)
		}
		if cur, ok := r.Current(); !ok || cur.Run != row.Run {
			t.Errorf("got %q, %v, want the run that is open", cur.Run, ok)
		}
	}
}

// TestRecordsAreCleaned puts escape sequences into every text on file; none reaches the screen.
func TestRecordsAreCleaned(t *testing.T) {
	const bad = "\x1b]0;owned\x07\x1b[2JX\u009b31m\r\n\u202e\x00"
	row := ledger.RunRow{
		RunStart: station.RunStart{
			Run: bad, Tenant: bad, Site: bad, Station: bad, StationID: bad, Operator: bad, Batch: bad, Profile: bad, Slot: bad, Port: bad, Version: bad,
			ConfigDigest: bad, RequestedID: bad, StartedAt: begun, Override: &station.Override{Code: bad, Run: bad, Reason: bad, Operator: bad, Lead: bad},
		},
		HardwareSerial: bad, DeviceID: bad, Outcome: bad, Proof: bad, Phase: bad, Code: bad, Params: map[string]string{bad: bad}, Contract: bad,
		Warnings: []station.Warning{{Code: bad, Text: bad}, {Code: bad}},
	}
	r := NewRecords()
	l := lookIn(t, "en", false)
	l.Text = func(key string, pairs ...string) string { return key + strings.Join(pairs, "") }
	r.SetLook(l)
	r.SetNow(begun)
	r.SetSize(120, 200)
	r.SetFilter(ledger.Filter{Text: bad, DeviceID: bad, Batch: bad, Outcome: bad, Code: bad})
	r.SetRows([]ledger.RunRow{row}, false, 1)
	check := func() {
		t.Helper()
		view := r.View()
		checkShape(t, view, 120, 200)
		plain := ansi.Strip(view)
		for _, c := range []string{"owned", "\x1b", "\x07", "\u009b", "\u202e", "\x00", "\r"} {
			if strings.Contains(plain, c) || (c == "owned" && strings.Contains(view, c)) {
				t.Errorf("got %q on the screen", c)
			}
		}
	}
	check()
	r.SetError(bad)
	check()
	r.SetDetail(ledger.RunDetail{
		RunRow: row, Observations: []ledger.Observation{{Observed: station.Observed{HardwareSerial: bad, Model: bad, Firmware: bad, BootID: bad, State: bad}}},
		Phases: []station.PhaseEnd{{Phase: bad, Status: bad, Code: bad, Facts: map[string]string{bad: bad}}}, Posts: []ledger.PostRow{{State: bad, Reason: bad}},
		Proofs:       []station.ProofRecord{{Proof: bad, Broker: bad, TLS: bad, MQTT: bad, Readback: map[string]string{bad: bad}}},
		Certificates: []ledger.CertRow{{CertRecord: station.CertRecord{Subject: bad, Issuer: bad, CertSerial: bad, WGConf: bad, TunnelAddresses: []string{bad}, Chain: [][]byte{[]byte(bad)}}, RevokeReason: bad, RevokedAt: begun}},
		Held:         ledger.Held{Resolution: &station.Resolution{Decision: bad, By: bad, Reason: bad, At: begun}},
	})
	check()
}
