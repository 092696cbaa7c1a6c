package ledger

import (
	"cmp"
	"context"
	"testing"
	"time"

	"provstation/station"
)

// A device of the list that has its PASS from before the batch needs no run, as long as its certificate is good.
func TestBatchCountsWhatIsFinished(t *testing.T) {
	for name, tc := range map[string]struct {
		serial, id string // else those of line 2
		line       int
		spoil      func(t *testing.T, l *Ledger, d *device)
		now        func(d *device) time.Time
		want       bool
	}{
		"good":                    {want: true},
		"good, by its serial":     {serial: "HW2", id: "any", line: 3, want: true},
		"good, by its id":         {serial: "HW9", id: "DEV-3", line: 5, want: true},
		"good, by its label":      {serial: "HW9", id: "dev-4", line: 6, want: true},
		"another with its serial": {serial: "HW1", id: "dev-9"},
		"another with its id":     {serial: "HW9", id: "dev-1"},
		"over":                    {now: func(d *device) time.Time { return d.cert().NotAfter.Add(time.Second) }},
		"revoked": {spoil: func(t *testing.T, l *Ledger, d *device) {
			must(t, l.RevokeCertificate(t.Context(), d.tenant, d.cert().Fingerprint, "lost", t0))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			d := dev(cmp.Or(tc.serial, "HW1"))
			d.id = cmp.Or(tc.id, "Dev-1")
			now := d.cert().NotBefore.Add(time.Minute)
			if tc.now != nil {
				now = tc.now(d)
			}
			l := openWith(t, Config{Now: func() time.Time { return now }})
			must(t, d.pass(t.Context(), l))
			if tc.spoil != nil {
				tc.spoil(t, l, d)
			}
			b := opened(t, l, lot("lot"))
			var done []int
			for _, d := range b.Devices {
				if d.Done {
					done = append(done, d.Line)
				}
			}
			line := cmp.Or(tc.line, 2)
			if got := len(done) == 1 && done[0] == line; got != tc.want {
				t.Errorf("done lines: got %v, want line %d alone: %v", done, line, tc.want)
			}
			if tc.want && b.State != station.BatchOpen {
				t.Errorf("got %s, want it open", b.State)
			}
		})
	}
}

// Years of devices that passed do not hold up the opening of a list that none of them is on.
func TestBatchAfterManyDevices(t *testing.T) {
	l, b := openNew(t), largeLot(largeBatch)
	opened(t, l, b)
	must(t, dev("HW1").pass(t.Context(), l))
	must(t, l.write.do(t.Context(), func(ctx context.Context, tx *txn) error {
		_, err := tx.exec(ctx, `INSERT INTO devices (tenant, hardware_serial, device_id, device_id_fold, leaf, pass_run, first_seen, updated_at)
			SELECT b.tenant, 'old-' || b.hardware_serial, 'old-' || b.device_id, 'old-' || b.device_id_fold, d.leaf, d.pass_run, 0, 0
			FROM batch_devices b, devices d WHERE d.hardware_serial = 'HW1'`)
		return err
	}))
	begin := time.Now()
	if _, err := l.CurrentBatch(t.Context(), "acme", "bench-1"); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("reading %d devices beside %d others: got %v, want 5 s at most", largeBatch, largeBatch, took)
	}
}
