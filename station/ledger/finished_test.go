package ledger

import (
	"testing"
	"time"

	"provstation/station"
)

// A device of the list that has its PASS from before the batch needs no run, as long as its certificate is good.
func TestBatchCountsWhatIsFinished(t *testing.T) {
	for name, tc := range map[string]struct {
		spoil func(t *testing.T, l *Ledger, d *device)
		now   func(d *device) time.Time
		want  bool
	}{
		"good": {want: true},
		"over": {now: func(d *device) time.Time { return d.cert().NotAfter.Add(time.Second) }},
		"revoked": {spoil: func(t *testing.T, l *Ledger, d *device) {
			must(t, l.RevokeCertificate(t.Context(), d.tenant, d.cert().Fingerprint, "lost", t0))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			d := dev("HW1")
			d.id = "Dev-1"
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
			if got := len(done) == 1 && done[0] == 2; got != tc.want {
				t.Errorf("done lines: got %v, want line 2 alone: %v", done, tc.want)
			}
			if tc.want && b.State != station.BatchOpen {
				t.Errorf("got %s, want it open", b.State)
			}
		})
	}
}
