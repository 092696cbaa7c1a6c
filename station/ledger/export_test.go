package ledger

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"provstation/station"
)

func export(t testing.TB, l *Ledger, f Filter, format string) (string, int) {
	t.Helper()
	var b bytes.Buffer
	n, err := l.Export(t.Context(), &b, f, format)
	must(t, err)
	return b.String(), n
}

// wantPassed is a PASS with an override as every format says it, in the order of the columns.
func wantPassed(d *device) [][2]any {
	return [][2]any{
		{"run", d.run},
		{"tenant", "acme"},
		{"site", "hall 2"},
		{"station", "bench-1"},
		{"station_id", "st-1"},
		{"operator", "Ada"},
		{"batch", "b7"},
		{"slot", "1-1.2"},
		{"port", "/dev/ttyUSB0"},
		{"profile", "agent"},
		{"started_at", "2026-11-23T10:00:00.123456Z"},
		{"ended_at", "2026-11-23T10:00:02.123456Z"},
		{"elapsed_ms", 1500.0},
		{"outcome", "PASS"},
		{"proof", "broker-acked"},
		{"phase", ""},
		{"code", ""},
		{"params", map[string]any{}},
		{"warnings", []any{"W-CERT-SHELF-LIFE"}},
		{"device_id", "dev-A"},
		{"hardware_serial", "A"},
		{"attempt", 1.0},
		{"spki_sha256", hex.EncodeToString(d.spki)},
		{"cert_fingerprint", hex.EncodeToString(d.leaf)},
		{"not_after", "2026-11-24T10:00:00.123456Z"},
		{"contract", string(station.ContractDeployed)},
		{"wire_tx_bytes", 3000.0},
		{"wire_rx_bytes", 4000.0},
		{"requested_device_id", "ask-dev-A"},
		{"requested_key_type", "P-256"},
		{"reenroll", true},
		{"override_code", "E-ID-OTHER-KEY"},
		{"override_run", "held-run"},
		{"override_reason", "board was repaired"},
		{"override_operator", "Ada"},
		{"override_lead", "Grace"},
		{"version", "1.0"},
		{"config_digest", "abcd"},
		{"task", "rekey"},
	}
}

// The same facts come back from every format, under the same names, in the same order.
func TestExportReadsBack(t *testing.T) {
	l, ctx, d, open := openNew(t), t.Context(), dev("A"), dev("B")
	berlin := time.FixedZone("", 3600)
	must(t, l.BeginRun(ctx, overridden(d)))
	_, err := l.IdentifyRun(ctx, d.run, d.observed())
	must(t, err)
	must(t, l.BindDevice(ctx, d.binding()))
	must(t, l.SaveProof(ctx, d.proof()))
	must(t, l.FinishRun(ctx, d.finish(station.Pass)))
	open.at = t0.Add(-time.Hour).In(berlin)
	must(t, l.BeginRun(ctx, open.start()))

	text, n := export(t, l, Filter{}, ExportJSON)
	var rows []map[string]any
	must(t, json.Unmarshal([]byte(text), &rows))
	if n != 2 || len(rows) != 2 {
		t.Fatalf("json: got %d rows, told %d, want 2", len(rows), n)
	}
	names, wantRow := []string{}, map[string]any{}
	for _, c := range wantPassed(d) {
		names = append(names, c[0].(string))
		wantRow[c[0].(string)] = c[1]
	}
	diff(t, rows[0], wantRow)
	for name, want := range map[string]any{
		"started_at": "2026-11-23T09:00:00.123456Z", "ended_at": nil, "not_after": nil, "outcome": "", "override_lead": "",
		"warnings": []any{}, "cert_fingerprint": "",
	} {
		diff(t, rows[1][name], want)
	}

	lines, n := export(t, l, Filter{}, ExportNDJSON)
	diff(t, n, 2)
	diff(t, strings.ReplaceAll(strings.Trim(text, "[]\n"), ",\n", "\n"), strings.TrimSuffix(lines, "\n"))

	sheet, n := export(t, l, Filter{}, ExportCSV)
	cells, err := csv.NewReader(strings.NewReader(sheet)).ReadAll()
	must(t, err)
	if n != 2 || len(cells) != 3 {
		t.Fatalf("csv: got %d lines, told %d, want 3 and 2", len(cells), n)
	}
	diff(t, cells[0], names)
	for i, c := range wantPassed(d) {
		var want string
		switch v := c[1].(type) {
		case string:
			want = v
		case []any:
			want = fmt.Sprint(v...)
		case map[string]any:
		default:
			want = fmt.Sprint(v)
		}
		if cells[1][i] != want {
			t.Errorf("csv %s: got %q, want %q", c[0], cells[1][i], want)
		}
	}
}

func TestExportEmpty(t *testing.T) {
	l := openNew(t)
	for format, want := range map[string]string{ExportJSON: "[]\n", ExportNDJSON: ""} {
		text, n := export(t, l, Filter{}, format)
		if text != want || n != 0 {
			t.Errorf("%s: got %q, %d rows, want %q", format, text, n, want)
		}
	}
	text, n := export(t, l, Filter{}, ExportCSV)
	if n != 0 || strings.Count(text, "\n") != 1 || !strings.HasPrefix(text, "run,tenant,") {
		t.Errorf("csv: got %q, %d rows, want the header alone", text, n)
	}
}

// No cell is a formula to a spreadsheet; JSON keeps what was recorded.
func TestExportFormulas(t *testing.T) {
	l, ctx := openNew(t), t.Context()
	for text, want := range map[string]string{
		`=HYPERLINK("http://x","y")`: `'=HYPERLINK("http://x","y")`,
		"+1+cmd|' /C calc'!A0":       "'+1+cmd|' /C calc'!A0",
		"-2+3":                       "'-2+3",
		"@SUM(A1)":                   "'@SUM(A1)",
		"\t=1":                       "'\t'=1",
		"\r=1":                       "\uFFFD'=1", // replaced when it was recorded
		"\n=1":                       "'\n'=1",
		"＝1":                         "'＝1",
		"a=1":                        "a=1",
		"a;=1":                       "a;'=1", // a cell where lines are split at semicolons
		"'=1":                        "'=1",
		"a,\"b\"\nc":                 "a,\"b\"\nc",
		"":                           "",
	} {
		d := dev("A")
		d.tenant = newRun()
		s := d.start()
		s.Operator = text
		must(t, l.BeginRun(ctx, s))
		f := Filter{Tenant: d.tenant}
		sheet, _ := export(t, l, f, ExportCSV)
		cells, err := csv.NewReader(strings.NewReader(sheet)).ReadAll()
		must(t, err)
		if got := cells[1][5]; cells[0][5] != "operator" || got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
		var row struct{ Operator string }
		line, _ := export(t, l, f, ExportNDJSON)
		must(t, json.Unmarshal([]byte(line), &row))
		if row.Operator != free(text) {
			t.Errorf("%q: got %q in JSON, want it as recorded", text, row.Operator)
		}
	}
}

// Every row once, over many pages, pairs of equal times included; the filter's own page does not count.
func TestExportAll(t *testing.T) {
	l := openNew(t)
	const n = 3*exportPage + 1
	fillRuns(t, l, n)
	must(t, l.write.do(t.Context(), func(ctx context.Context, tx *txn) error {
		_, err := tx.exec(ctx, "UPDATE runs SET started_at = started_at / 7000 * 7000")
		return err
	}))
	for _, tc := range []struct {
		f    Filter
		want int
	}{
		{Filter{}, n},
		{Filter{Tenant: "acme", Limit: 3, After: "run-00000900"}, n},
		{Filter{Tenant: "acme", Outcome: station.Fail}, n / 50},
		{Filter{Tenant: "acme", Text: "hw1500"}, 1},
	} {
		text, told := export(t, l, tc.f, ExportNDJSON)
		seen := map[string]bool{}
		for line := range strings.Lines(text) {
			var row struct{ Run string }
			must(t, json.Unmarshal([]byte(line), &row))
			seen[row.Run] = true
		}
		if told != tc.want || len(seen) != tc.want || strings.Count(text, "\n") != tc.want {
			t.Errorf("%+v: got %d runs, told %d, want %d", tc.f, len(seen), told, tc.want)
		}
	}
}

// stopAt fails, or does something, once n bytes have gone through.
type stopAt struct {
	n  int
	do func() error
}

func (s *stopAt) Write(b []byte) (int, error) {
	if s.n -= len(b); s.n < 0 {
		if err := s.do(); err != nil {
			return 0, err
		}
	}
	return len(b), nil
}

func TestExportStops(t *testing.T) {
	l := openNew(t)
	fillRuns(t, l, 3*exportPage)
	for _, format := range ExportFormats() {
		full := &stopAt{n: 10_000, do: func() error { return io.ErrShortWrite }}
		n, err := l.Export(t.Context(), full, Filter{}, format)
		want(t, err, io.ErrShortWrite)
		if n < 1 || n > exportPage {
			t.Errorf("%s: got %d rows, want those that were written", format, n)
		}
		ctx, cancel := context.WithCancel(t.Context())
		n, err = l.Export(ctx, &stopAt{n: 10_000, do: func() error { cancel(); return nil }}, Filter{}, format)
		want(t, err, context.Canceled)
		if n != exportPage {
			t.Errorf("%s: got %d rows after a cancel, want the page in hand", format, n)
		}
	}
	for name, tc := range map[string]struct {
		f      Filter
		format string
	}{
		"no format": {Filter{}, ""}, "unknown format": {Filter{}, "xlsx"}, "capitals": {Filter{}, "CSV"},
		"bad filter": {Filter{Text: "\x00"}, ExportCSV},
	} {
		var b bytes.Buffer
		n, err := l.Export(t.Context(), &b, tc.f, tc.format)
		if !errors.Is(err, ErrInvalid) || n != 0 || b.Len() != 0 {
			t.Errorf("%s: got %d rows, %d bytes, %v, want %v and nothing written", name, n, b.Len(), err, ErrInvalid)
		}
	}
}

// What a device wrote on its console does not leave with the records.
func TestExportHoldsNoSecret(t *testing.T) {
	l, ctx, d := openNew(t), t.Context(), dev("A")
	const key = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="
	must(t, d.identify(ctx, l))
	c := d.cert()
	c.PostID = ""
	must(t, l.SaveCertificate(ctx, c))
	f := d.finish(station.Error)
	f.Params = map[string]string{"detail": "PrivateKey = " + key}
	f.Warnings[0].Text = "PresharedKey = " + key
	must(t, l.FinishRun(ctx, f))
	for _, format := range ExportFormats() {
		text, _ := export(t, l, Filter{}, format)
		if strings.Contains(text, key) || strings.Contains(text, "[Interface]") || !strings.Contains(text, "(hidden)") {
			t.Errorf("%s: got %s, want the key hidden and no tunnel configuration", format, text)
		}
	}
}
