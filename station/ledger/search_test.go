package ledger

import (
	"context"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"provstation/station"
)

// A run is found by any of its names, as far as they are known, and by nothing else.
func TestSearch(t *testing.T) {
	l, ctx := openNew(t), t.Context()
	done, open, begun := dev("HW_1%"), dev("HWX10"), dev("unseen")
	done.id = "Größe-1"
	must(t, done.pass(ctx, l))
	must(t, open.identify(ctx, l))
	s := begun.start()
	s.Operator, s.Slot, s.Batch = "Zoë\nÅngström", "rack 2/07", `C:\lot`
	must(t, l.BeginRun(ctx, s))
	failed := done.again()
	failed.id = "other-name"
	must(t, failed.identify(ctx, l))
	f := failed.finish(station.Fail)
	f.Leaf, f.DeviceID = nil, ""
	must(t, l.FinishRun(ctx, f))
	fp := hex.EncodeToString(done.leaf)
	colons := strings.ToUpper(fp[:2] + ":" + fp[2:4] + ":" + fp[4:6])
	names := map[string]string{done.run: "done", open.run: "open", begun.run: "begun", failed.run: "failed"}
	for _, tc := range []struct {
		f    Filter
		want string
	}{
		{Filter{Text: "größe"}, "done"},
		{Filter{Text: "GRÖSSE"}, ""},
		{Filter{Text: "GRÖ"}, "done"},
		{Filter{Text: "hw"}, "done failed open"},
		{Filter{Text: "  hwx10 "}, "open"},
		{Filter{Text: "hw_1"}, "done failed"}, // no wildcard
		{Filter{Text: "%"}, "done failed"},
		{Filter{Text: "w%1"}, ""},
		{Filter{Text: `c:\LOT`}, "begun"},
		{Filter{Text: `\`}, "begun"},
		{Filter{Text: "rack 2"}, "begun"},
		{Filter{Text: "zoë"}, "begun"},
		{Filter{Text: "ÅNGS"}, "begun"},
		{Filter{Text: "e-bridge-down"}, "failed"},
		{Filter{Text: "b7"}, "done failed open"},
		{Filter{Text: "ada"}, "done failed open"},
		{Filter{Text: "adab7"}, ""}, // not across two names
		{Filter{Text: "' OR 1=1 --"}, ""},
		{Filter{Text: fp}, "done"},
		{Filter{Text: fp[:fingerprintMin]}, "done"},
		{Filter{Text: fp[:7]}, "done"}, // half a byte
		{Filter{Text: colons}, "done"},
		{Filter{Text: fp[2:40]}, ""}, // a prefix, no other part
		{Filter{Text: fp + "0"}, ""},
		{Filter{Text: "ask-"}, ""}, // what was asked for is no name of the device
		{Filter{Text: "hw", Outcome: station.Pass}, "done"},
		{Filter{Text: "hw", Outcomes: []station.Outcome{station.Pass, station.Fail}}, "done failed"},
		{Filter{Text: "hw", Open: true}, "open"},
		{Filter{Text: "hw", Tenant: "globex"}, ""},
		{Filter{Text: "hw", Tenant: "acme", Since: failed.at}, "failed"},
		{Filter{Slot: "rack 2/07"}, "begun"},
		{Filter{Slot: "RACK 2/07"}, ""},
		{Filter{Slot: "1-1.2", Outcomes: []station.Outcome{station.Fail}}, "failed"},
		{Filter{Outcomes: []station.Outcome{station.Timeout}}, ""},
		{Filter{Text: " "}, "begun done failed open"},
	} {
		rows, err := l.Runs(ctx, tc.f)
		must(t, err)
		found := map[string]bool{}
		for _, r := range rows {
			found[names[r.Run]] = true
		}
		var got []string
		for _, name := range []string{"begun", "done", "failed", "open"} {
			if found[name] {
				got = append(got, name)
			}
		}
		if strings.Join(got, " ") != tc.want {
			t.Errorf("%+v: got %q, want %q", tc.f, got, tc.want)
		}
		n, err := l.Count(ctx, tc.f)
		must(t, err)
		if n != len(rows) {
			t.Errorf("%+v: got count %d, want %d", tc.f, n, len(rows))
		}
	}
}

func TestFilterRefused(t *testing.T) {
	l, ctx := openNew(t), t.Context()
	must(t, dev("A").pass(ctx, l))
	for name, f := range map[string]Filter{
		"long text":     {Text: strings.Repeat("ü", TextMax/2) + "x"},
		"control":       {Text: "a\x1b[2J"},
		"line break":    {Text: "ada\nb7"},
		"invalid text":  {Text: "a\xff"},
		"outcome":       {Outcomes: []station.Outcome{station.Pass, "GOOD"}},
		"empty outcome": {Outcomes: []station.Outcome{""}},
	} {
		rows, err := l.Runs(ctx, f)
		if n, cerr := l.Count(ctx, f); len(rows) != 0 || n != 0 || cerr == nil {
			t.Errorf("%s: got %d rows, count %d, %v, want none and an error", name, len(rows), n, cerr)
		}
		want(t, err, ErrInvalid)
	}
	rows, err := l.Runs(ctx, Filter{Text: strings.Repeat("ü", TextMax/2)})
	must(t, err)
	diff(t, rows, nil)
}

// A name that was mended is not found by what it was before; long names are cut, not refused.
func TestSearchFollows(t *testing.T) {
	l, ctx, d := openNew(t), t.Context(), dev("A")
	s := d.start()
	s.Operator = strings.Repeat("ü", 1000)
	must(t, l.BeginRun(ctx, s))
	_, err := l.IdentifyRun(ctx, d.run, d.observed())
	must(t, err)
	b := d.binding()
	b.DeviceID = "typo-1"
	must(t, l.BindDevice(ctx, b))
	b.DeviceID = "right-1"
	must(t, l.BindDevice(ctx, b))
	for text, want := range map[string]int{"typo-1": 0, "RIGHT-1": 1, "üüü": 1} {
		n, err := l.Count(ctx, Filter{Text: text})
		must(t, err)
		if n != want {
			t.Errorf("%q: got %d, want %d", text, n, want)
		}
	}
}

// checkSearchTimes asks what a records screen asks of a large ledger, at its worst: a search that finds nothing looks at
// every run. The yardstick is one look at every row of the same ledger in the same minute.
func checkSearchTimes(t *testing.T, l *Ledger) {
	scan := time.Hour
	for range 3 {
		var n int
		begin := time.Now()
		must(t, l.read.QueryRowContext(t.Context(), "SELECT count(*) FROM runs WHERE params LIKE '%nowhere%' OR version LIKE '%nowhere%'").Scan(&n))
		scan = min(scan, time.Since(begin))
	}
	const pageLimit, searchLimit = 1, 5 // times such a look
	rare := []station.Outcome{station.Pass, station.Error}
	for _, tc := range []struct {
		name  string
		f     Filter
		rows  int
		limit time.Duration // in looks at every row
	}{
		{"page", Filter{Tenant: "acme"}, 100, pageLimit},
		{"page of all tenants", Filter{}, 100, pageLimit},
		{"page of a slot", Filter{Tenant: "acme", Slot: "slot 3"}, 100, pageLimit},
		{"page of a batch", Filter{Tenant: "acme", Batch: "lot-7"}, 100, pageLimit},
		{"page of failures", Filter{Tenant: "acme", Outcome: station.Fail}, 100, pageLimit},
		{"found at once", Filter{Tenant: "acme", Text: "Lovelace"}, 100, searchLimit},
		{"found last", Filter{Tenant: "acme", Text: "Lot-0"}, 100, searchLimit},
		{"not found", Filter{Tenant: "acme", Text: "nowhere"}, 0, searchLimit},
		{"not found in any tenant", Filter{Text: "nowhere"}, 0, searchLimit},
		{"no such fingerprint", Filter{Tenant: "acme", Text: "ab:cd:ef:01:23"}, 0, searchLimit},
		{"not found under an outcome", Filter{Tenant: "acme", Text: "nowhere", Outcome: station.Skipped}, 0, searchLimit},
		{"not found under outcomes", Filter{Tenant: "acme", Text: "nowhere", Outcomes: rare}, 0, searchLimit},
		{"no such outcomes", Filter{Tenant: "acme", Outcomes: rare}, 0, searchLimit},
	} {
		// The best of a few: a machine that is busy with something else says nothing about the ledger.
		page, count := time.Hour, time.Hour
		for k := 0; k < 3 || k < 20 && (page > tc.limit*scan || count > searchLimit*scan); k++ {
			begin := time.Now()
			rows, err := l.Runs(t.Context(), tc.f)
			page = min(page, time.Since(begin))
			must(t, err)
			if len(rows) != tc.rows {
				t.Errorf("%s: got %d rows, want %d", tc.name, len(rows), tc.rows)
			}
			begin = time.Now()
			_, err = l.Count(t.Context(), tc.f)
			count = min(count, time.Since(begin))
			must(t, err)
		}
		t.Logf("%-28s page %6.1f ms, count %6.1f ms", tc.name, page.Seconds()*1e3, count.Seconds()*1e3)
		if page > tc.limit*scan || count > searchLimit*scan {
			t.Errorf("%s: got %s for a page, %s for a count; a look at every row takes %s", tc.name, page, count, scan)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := l.Count(ctx, Filter{Text: "nowhere"})
	want(t, err, context.Canceled)
}

func FuzzSearch(f *testing.F) {
	f.Add("dev%_\\", "DEV%_\\")
	f.Add("ab:cd:ef", "x")
	f.Add("İ", "i̇")
	l, err := Open(f.Context(), "sqlite::memory:", Config{})
	must(f, err)
	f.Cleanup(func() { _ = l.Close() })
	f.Fuzz(func(t *testing.T, text, slot string) {
		ctx, d := t.Context(), dev("A")
		d.tenant = newRun()
		s := d.start()
		s.Operator, s.Batch, s.Slot = "", "", slot
		if err := l.BeginRun(ctx, s); err != nil {
			t.Fatalf("begin: got %v, want nil", err)
		}
		filter := Filter{Tenant: d.tenant, Text: text}
		n, err := l.Count(ctx, filter)
		if err != nil {
			want(t, err, ErrInvalid)
			return
		}
		trimmed := strings.TrimSpace(text)
		found := strings.Contains(fold(cut(free(slot), maxID)), fold(trimmed))
		if (n == 1) != found {
			t.Errorf("%q in %q: got %d, want found %t", text, slot, n, found)
		}
	})
}
