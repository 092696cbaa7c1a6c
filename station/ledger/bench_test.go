package ledger

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"provstation/station"
)

// fillRuns adds n finished runs of n devices in few large transactions.
func fillRuns(t testing.TB, l *Ledger, n int) {
	t.Helper()
	must(t, l.write.do(t.Context(), func(ctx context.Context, tx *txn) error {
		const nl = "'\n'"
		random := "randomblob(32)"
		if l.Database() == Postgres {
			random = "sha256(CAST('run ' || i AS bytea))"
		}
		_, err := tx.exec(ctx, `WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < ?)
			INSERT INTO runs (run, tenant, site, station, station_id, operator, batch, profile, slot, port, version,
				config_digest, started_at, utc_offset, requested_device_id, requested_key_type, requested_reenroll,
				hardware_serial, attempt, device_id, device_id_fold, outcome, ended_at, leaf, search)
			SELECT 'run-' || substr(CAST(100000000 + i AS TEXT), 2), 'acme', 'hall 2', 'bench-1', 's', 'Ada Lovelace', 'lot-' || (i / 1000), 'agent',
				'slot ' || (i % 64), '/dev/serial/by-path/pci-0000:00:14.0-usb-0:1.2:1.0-port0', '1.0', 'abcd', i * 1000, 0, '',
				'P-256', 0, 'HW' || i, 1, 'dev-HW' || i, 'dev-hw' || i, CASE i % 50 WHEN 0 THEN 'FAIL' ELSE 'SKIPPED' END,
				i * 1000, `+random+`,
				'ada lovelace' || `+nl+` || 'lot-' || (i / 1000) || `+nl+` || 'slot ' || (i % 64) || `+nl+` || 'hw' || i ||
				`+nl+` || 'dev-hw' || i || `+nl+`
			FROM c`, n)
		if err != nil {
			return err
		}
		_, err = tx.exec(ctx, `INSERT INTO devices (tenant, hardware_serial, device_id, device_id_fold, attempts, first_seen,
			updated_at) SELECT tenant, hardware_serial, device_id, device_id_fold, 1, started_at, started_at FROM runs`)
		return err
	}))
}

// lookups asks what a run and a screen ask, about row i.
func lookups(t testing.TB, l *Ledger, i int) {
	t.Helper()
	ctx, serial := t.Context(), fmt.Sprintf("HW%d", i)
	if _, err := l.Device(ctx, "acme", serial); err != nil {
		t.Fatalf("device %s: got %v, want it found", serial, err)
	}
	for _, f := range []Filter{
		{Limit: 20},
		{Tenant: "acme", DeviceID: "DEV-" + serial, Limit: 20},
		{Outcome: station.Fail, Limit: 20},
		{After: fmt.Sprintf("run-%08d", i), Limit: 20},
	} {
		if rows, err := l.Runs(ctx, f); err != nil || len(rows) == 0 {
			t.Fatalf("%+v: got %d rows, %v, want some", f, len(rows), err)
		}
	}
}

// A hundred times the records (ten times under the race detector, where filling is what takes long) must not make a question noticeably dearer: both sizes are measured in turns, in one run.
func TestLookupsStayFast(t *testing.T) {
	small, large := openNew(t), openNew(t)
	fillRuns(t, small, 1_000)
	fillRuns(t, large, largeLedger)
	best := func(l *Ledger, n int) time.Duration {
		shortest := time.Hour
		for k := range 15 {
			begin := time.Now()
			lookups(t, l, n/2+k)
			shortest = min(shortest, time.Since(begin))
		}
		return shortest
	}
	best(small, 1_000)
	best(large, largeLedger)
	ratio := float64(best(large, largeLedger)) / float64(best(small, 1_000))
	t.Logf("%d rows cost %.2f times what 1000 rows cost", largeLedger, ratio)
	if ratio > 5 {
		t.Errorf("got ratio %.2f, want at most 5 (a scan costs in proportion to the rows)", ratio)
	}
	t.Run("search", func(t *testing.T) { checkSearchTimes(t, large) })
}

func BenchmarkLookups(b *testing.B) {
	for _, n := range []int{1_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			l := openNew(b)
			fillRuns(b, l, n)
			i := 0
			for b.Loop() {
				i = i%(n-100) + 50
				lookups(b, l, i)
			}
		})
	}
}

// BenchmarkRun is one whole run's writes, alone and beside 63 others.
func BenchmarkRun(b *testing.B) {
	for _, slots := range []int{1, 64} {
		b.Run(fmt.Sprintf("slots=%d", slots), func(b *testing.B) {
			l := openAt(b, filepath.Join(b.TempDir(), "l.db"), Config{})
			b.SetParallelism((slots + 1) / 2)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := dev(newRun()).pass(b.Context(), l); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

func FuzzText(f *testing.F) {
	f.Add("PrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=", "10.0.0.1/24")
	f.Add("\x00\xff\x1b[0m", "::ffff:1.2.3.4%eth0")
	f.Fuzz(func(t *testing.T, text, addr string) {
		got := free(text)
		if got != free(got) {
			t.Errorf("got %q, then %q, want it settled at once", got, free(got))
		}
		if keyText.MatchString(got) {
			t.Errorf("got %q, want no key in it", got)
		}
		list, err := addresses([]string{addr})
		if err != nil {
			return
		}
		again, err := addresses(list)
		if err != nil || len(list) != 1 || again[0] != list[0] {
			t.Errorf("got %v then %v %v, want one spelling", list, again, err)
		}
	})
}
