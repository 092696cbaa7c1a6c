package ledger

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"provstation/station"
)

func detail(t testing.TB, l *Ledger, run string) RunDetail {
	t.Helper()
	d, err := l.Run(t.Context(), run)
	must(t, err)
	return d
}

func diff[T any](t testing.TB, got, want T) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// What went in comes out, requested facts apart from observed ones.
func TestRunDetail(t *testing.T) {
	clock := t0.Add(time.Hour)
	l := openWith(t, Config{Now: func() time.Time { return clock }})
	ctx, d := t.Context(), dev("A")
	must(t, d.pass(ctx, l))
	rebooted := d.observed()
	rebooted.BootID, rebooted.State, rebooted.HasClock, rebooted.ClockOffset = "b002", station.StateKeyed, false, 0
	n, err := l.IdentifyRun(ctx, d.run, rebooted)
	must(t, err)
	if n != 1 {
		t.Errorf("attempt: got %d, want 1", n)
	}
	f, posted := d.finish(station.Pass), d.posted()
	cert := d.cert()
	diff(t, detail(t, l, d.run), RunDetail{
		RunRow: RunRow{
			RunStart: d.start(), HardwareSerial: "A", Attempt: 1, DeviceID: "dev-A", Outcome: station.Pass,
			Proof: station.BrokerAcked, Warnings: f.Warnings, SPKI: d.spki, Leaf: d.leaf, NotAfter: f.NotAfter,
			Contract: f.Contract, WireTx: 3000, WireRx: 4000, Elapsed: f.Elapsed, EndedAt: f.EndedAt,
		},
		Observations: []Observation{{d.observed(), clock}, {rebooted, clock}},
		Phases:       []station.PhaseEnd{d.phase(station.PhaseIdentify)},
		Posts:        []PostRow{{Post: posted, State: PostIssued, EndedAt: d.at}},
		Proofs:       []station.ProofRecord{d.proof()},
		Certificates: []CertRow{{CertRecord: cert, Current: true}},
	})
	key, err := l.Key(ctx, d.tenant, d.spki)
	must(t, err)
	diff(t, key, d.key())
}

// Old certificates stay listed after a new enrollment, newest first.
func TestCertificatesOf(t *testing.T) {
	l, ctx, first := openNew(t), t.Context(), dev("A")
	must(t, first.pass(ctx, l))
	second := first.again()
	second.spki = sum("second key")
	fresh := dev("fresh")
	second.der, second.leaf = fresh.der, fresh.leaf
	must(t, second.identify(ctx, l))
	must(t, l.BindDevice(ctx, second.binding()))
	k := second.key()
	k.EnrollID, k.Generation = station.EnrollID{9}, 2
	must(t, l.BindKey(ctx, k))
	must(t, l.PostBegun(ctx, second.posted()))
	must(t, l.SaveCertificate(ctx, second.cert()))
	must(t, l.SaveProof(ctx, second.proof()))
	must(t, l.FinishRun(ctx, second.finish(station.Pass)))
	rows, err := l.CertificatesOf(ctx, "acme", "dev-A")
	must(t, err)
	if len(rows) != 2 {
		t.Fatalf("got %d certificates, want 2", len(rows))
	}
	diff(t, []bool{rows[0].Current, rows[1].Current}, []bool{true, false})
	diff(t, [][]byte{rows[0].Fingerprint, rows[1].Fingerprint}, [][]byte{second.leaf, first.leaf})
	devices, err := l.Devices(ctx, DeviceFilter{DeviceID: "DEV-A", Tenant: "acme"})
	must(t, err)
	if len(devices) != 1 || devices[0].Attempts != 2 || devices[0].PassRun != second.run {
		t.Errorf("got %+v, want one device, 2 attempts, passed in %s", devices, second.run)
	}
}

func TestFilterAndPages(t *testing.T) {
	l, ctx := openNew(t), t.Context()
	var all []string
	for i := range 25 {
		d := dev(fmt.Sprintf("HW%02d", i))
		d.at = t0.Add(time.Duration(i/2) * time.Second) // pairs share a time
		must(t, d.identify(ctx, l))
		if i%5 != 0 {
			must(t, l.FinishRun(ctx, d.finish([]station.Outcome{station.Fail, station.Error}[i%2])))
		}
		all = append(all, d.run)
	}
	var got []string
	f := Filter{Limit: 7}
	for {
		rows, err := l.Runs(ctx, f)
		must(t, err)
		if len(rows) == 0 {
			break
		}
		for i, r := range rows {
			if i > 0 && r.StartedAt.After(rows[i-1].StartedAt) {
				t.Errorf("order: %s after %s, want newest first", r.StartedAt, rows[i-1].StartedAt)
			}
			got = append(got, r.Run)
		}
		f.After = rows[len(rows)-1].Run
	}
	seen := map[string]int{}
	for _, r := range got {
		seen[r]++
	}
	if len(got) != len(all) || len(seen) != len(all) {
		t.Errorf("pages: got %d rows of %d runs, want %d each once", len(got), len(seen), len(all))
	}
	for _, tc := range []struct {
		f    Filter
		want int
	}{
		{Filter{Tenant: "acme"}, 25},
		{Filter{Tenant: "globex"}, 0},
		{Filter{Tenant: "acme", HardwareSerial: "HW03"}, 1},
		{Filter{Open: true}, 5},
		{Filter{Outcome: station.Fail}, 10},
		{Filter{Outcome: station.Error}, 10},
		{Filter{Since: t0.Add(12 * time.Second)}, 1},
		{Filter{Until: t0.Add(time.Second)}, 2},
		{Filter{Code: station.CodeBridgeDown}, 20},
		{Filter{Tenant: "acme", Batch: "b7"}, 25},
		{Filter{Operator: "Ada"}, 25},
		{Filter{Station: "bench-2"}, 0},
		{Filter{Tenant: "acme", DeviceID: "DEV-hw04"}, 1},
	} {
		rows, err := l.Runs(ctx, tc.f)
		must(t, err)
		if len(rows) != tc.want {
			t.Errorf("%+v: got %d rows, want %d", tc.f, len(rows), tc.want)
		}
	}
	c, err := l.Counts(ctx, t0.Add(time.Second))
	must(t, err)
	diff(t, c, Counts{
		Runs: 23, Open: 4, ByOutcome: map[station.Outcome]int{station.Fail: 10, station.Error: 9}, Devices: 25,
	})
	var serials []string
	df := DeviceFilter{Limit: 10}
	for {
		rows, err := l.Devices(ctx, df)
		must(t, err)
		if len(rows) == 0 {
			break
		}
		for _, r := range rows {
			serials = append(serials, r.HardwareSerial)
		}
		df.AfterTenant, df.After = rows[len(rows)-1].Tenant, rows[len(rows)-1].HardwareSerial
	}
	if len(serials) != 25 || serials[0] != "HW00" || serials[24] != "HW24" {
		t.Errorf("devices: got %v, want 25 in order", serials)
	}
}

// Every question a screen asks comes from an index, in order: no scan of a table, no sort.
func TestPlans(t *testing.T) {
	l := openNew(t)
	queries := map[string][]any{
		"SELECT * FROM keys WHERE spki = ?":                                                                 {[]byte{1}},
		"SELECT * FROM proofs WHERE leaf = ?":                                                               {[]byte{1}},
		"SELECT * FROM certificates WHERE run = ?":                                                          {""},
		"SELECT * FROM certificates WHERE post = ?":                                                         {""},
		"SELECT * FROM posts WHERE run = ?":                                                                 {""},
		"SELECT * FROM devices WHERE leaf = ?":                                                              {[]byte{1}},
		"SELECT coalesce(max(n), 0) FROM phases WHERE run = ?":                                              {""},
		"SELECT * FROM posts WHERE state IN ('open', 'unknown') ORDER BY begun_at, post LIMIT 9":            nil,
		"SELECT * FROM certificates WHERE tenant = ? AND device_id_fold = ? ORDER BY received_at DESC":      {"", ""},
		"SELECT * FROM certificates WHERE tenant = ? AND spki = ? ORDER BY received_at DESC":                {"", ""},
		"SELECT * FROM runs WHERE leaf = ? AND outcome = 'PASS' AND spki = ?":                               {"", ""},
		"SELECT coalesce(outcome, ''), count(*) FROM runs WHERE started_at >= 5 GROUP BY started_at":        nil,
		"SELECT * FROM batches WHERE tenant = ? AND batch = ?":                                              {"", ""},
		"SELECT * FROM batches WHERE tenant = ? AND station = ? AND state <> 'closed'":                      {"", ""},
		"SELECT * FROM batches WHERE tenant = ? ORDER BY opened_at DESC, batch DESC LIMIT 9":                {""},
		"SELECT * FROM batch_devices WHERE tenant = ? AND batch = ? ORDER BY line":                          {"", ""},
		"SELECT * FROM batch_states WHERE tenant = ? AND batch = ? ORDER BY n":                              {"", ""},
		"SELECT * FROM label_prints WHERE tenant = ? AND device_id_fold = ? ORDER BY at DESC, print DESC":   {"", ""},
		"SELECT * FROM certificates WHERE tenant = ? AND issuer IN (?, ?)":                                  {"", "", ""},
		"SELECT DISTINCT issuer FROM certificates WHERE tenant = ?":                                         {""},
		"SELECT * FROM revocations WHERE tenant = ? AND cert_serial = ? ORDER BY begun_at":                  {"", ""},
		"SELECT * FROM retirements WHERE tenant = ? AND device_id_fold = ? AND ended_at IS NULL":            {"", ""},
		"SELECT * FROM retirements WHERE tenant = ? AND device_id_fold = ? ORDER BY begun_at DESC LIMIT 1":  {"", ""},
		"SELECT * FROM retirements WHERE tenant = ? AND hardware_serial = ? ORDER BY ended_at DESC LIMIT 1": {"", ""},
		finishedQuery: {"", ""},
	}
	for _, f := range []Filter{
		{},
		{Tenant: "t"},
		{Open: true},
		{Outcome: station.Fail},
		{Code: "E-X"},
		{Tenant: "t", Batch: "b"},
		{Tenant: "t", DeviceID: "d"},
		{Tenant: "t", HardwareSerial: "h"},
		{Since: t0},
		{After: "r"},
		{Tenant: "t", DeviceID: "d", After: "r", Since: t0, Until: t0},
		{Tenant: "t", Slot: "s"},
		{Tenant: "t", Slot: "s", After: "r"},
		{Tenant: "t", Text: "x"},
		{Tenant: "t", Text: "abcd", After: "r"},
		{Text: "x"},
		{Tenant: "t", Outcomes: []station.Outcome{station.Fail, station.Error}},
		{Outcomes: []station.Outcome{station.Fail, station.Error}},
	} {
		q, args := runsQuery(f)
		queries[q] = args
	}
	for _, f := range []DeviceFilter{{}, {Tenant: "t"}, {Tenant: "t", HardwareSerial: "h"}, {Tenant: "t", After: "h"}, {Tenant: "t", DeviceID: "d"}} {
		q, args := devicesQuery(f)
		queries[q] = args
	}
	for q, args := range queries {
		rows, err := l.read.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+q, args...)
		must(t, err)
		var plan []string
		for rows.Next() {
			var id, parent, unused int
			var step string
			must(t, rows.Scan(&id, &parent, &unused, &step))
			plan = append(plan, step)
		}
		must(t, rows.Err())
		must(t, rows.Close()) //nolint:sqlclosecheck // one per turn of the loop
		text := strings.Join(plan, "; ")
		for _, s := range plan {
			if strings.HasPrefix(s, "SCAN") && !strings.Contains(s, "INDEX") {
				t.Errorf("%s:\ngot plan %s, want no scan", q, text)
			}
		}
		if strings.Contains(text, "TEMP B-TREE") && !strings.Contains(q, "d.device_id_fold") {
			t.Errorf("%s:\ngot plan %s, want no sort", q, text)
		}
	}
}

var hostile = []string{
	"'; DROP TABLE runs; --", `" OR 1=1 --`, "%_%", "a\\'b", "?1 $1 :x", "\u0130stanbul", "Größe ß ẞ", "设备-1", "👩‍🔧", "e\u0301",
	strings.Repeat("ü", 100),
}

// SQL in a text is text, and every script of the world is kept byte for byte.
func TestHostileText(t *testing.T) {
	l, ctx := openNew(t), t.Context()
	for _, s := range hostile {
		d := dev(s)
		d.tenant, d.id = "t-"+s, s
		must(t, d.pass(ctx, l))
		rec, err := l.Device(ctx, d.tenant, s)
		must(t, err)
		if rec.DeviceID != s || rec.HardwareSerial != s {
			t.Errorf("got %q, want %q", rec.DeviceID, s)
		}
		rows, err := l.Runs(ctx, Filter{Tenant: d.tenant, DeviceID: s, HardwareSerial: s})
		must(t, err)
		if len(rows) != 1 {
			t.Errorf("%q: got %d runs, want 1", s, len(rows))
		}
	}
	for _, s := range []string{"a\x00b", "a\nb", "\x1b[2J", "bad\xff", strings.Repeat("x", 300)} {
		d := dev(s)
		d.id = "ok"
		want(t, d.identify(ctx, l), ErrInvalid)
	}
	d := dev("free")
	r := d.start()
	r.Operator, r.Batch = "\x1b[2J\x00Eve\xff", "line\r\nbreak"
	must(t, l.BeginRun(ctx, r))
	got := detail(t, l, d.run)
	if got.Operator != "\uFFFD[2J\uFFFDEve\uFFFD" || got.Batch != "line\uFFFD\nbreak" {
		t.Errorf("got %q %q, want control characters replaced", got.Operator, got.Batch)
	}
	c, err := l.Counts(ctx, time.Unix(0, 0))
	must(t, err)
	if want := len(hostile) + 1 + 5; c.Runs != want {
		t.Errorf("runs: got %d, want %d", c.Runs, want)
	}
}

// A query is asked many times at once, more kinds of it than are kept, and means the same each time.
func TestPreparedQueries(t *testing.T) {
	l, ctx := openNew(t), t.Context()
	must(t, dev("SN-1").pass(ctx, l))
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 2 * mostPrepared {
				var n int
				// The same text in every goroutine; another one each round.
				err := l.read.QueryRowContext(ctx, fmt.Sprintf("SELECT count(*) + %d FROM runs WHERE tenant <> ?", i), "nobody").Scan(&n)
				if err != nil || n != i+1 {
					t.Errorf("goroutine %d, query %d: got %d, %v, want %d", g, i, n, err, i+1)
					return
				}
			}
		})
	}
	wg.Wait()
	if n := len(l.read.kept.stmts); n > mostPrepared+8 {
		t.Errorf("got %d queries kept, want %d, and at most one more for each who asked at once", n, mostPrepared)
	}
}
