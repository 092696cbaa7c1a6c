package ledger

import (
	"context"
	"testing"
	"time"

	"provstation/station"
)

// installs journals that the device's certificate is put in; result "": nobody heard.
func (d *device) installs(ctx context.Context, l *Ledger, result station.IntentResult) error {
	in := d.intent(station.IntendInstall)
	if err := l.Intend(ctx, in); err != nil || result == "" {
		return err
	}
	return l.Done(ctx, in.ID, result)
}

// replaced is a device that has passed and whose certificate was replaced then by one that nobody has proven: the broker was away.
func (d *device) replaced(ctx context.Context, l *Ledger, result station.IntentResult) (*device, error) {
	if err := d.proven(ctx, l, station.Pass); err != nil {
		return nil, err
	}
	next := d.renewed("second")
	if err := next.received(ctx, l); err != nil {
		return nil, err
	}
	if err := next.installs(ctx, l, result); err != nil {
		return nil, err
	}
	return next, l.FinishRun(ctx, next.finish(station.Error))
}

// A renewal replaces the certificate before it is proven. Until the next PASS both may be at work, and what may be at work is
// nothing to revoke in bulk, whatever became of the proof.
func TestOrphansReplacedNotProven(t *testing.T) {
	ctx := t.Context()
	for _, row := range []struct {
		name   string
		result station.IntentResult
		then   func(l *Ledger, first, next *device) error
		want   []OrphanReason
	}{
		{"the device took it", station.ResultDone, nil, nil},
		{"it was found in the device later", station.ResultFound, nil, nil},
		{"nobody heard whether the device took it", "", nil, nil},
		{"the device did not take it", station.ResultNotFound, nil, []OrphanReason{OrphanNotProven}},
		{"the device refused it", "failed: E-AGENT-REFUSE", nil, []OrphanReason{OrphanNotProven}},
		{"then a PASS with it", station.ResultDone, func(l *Ledger, _, next *device) error {
			again := next.again()
			again.at = next.at.Add(time.Hour)
			if err := again.identify(ctx, l); err != nil {
				return err
			}
			if err := l.SaveProof(ctx, again.proof()); err != nil {
				return err
			}
			return l.FinishRun(ctx, again.finish(station.Pass))
		}, []OrphanReason{OrphanRenewed}},
		{"then a PASS with another key", station.ResultDone, func(l *Ledger, _, next *device) error {
			return next.anew("third").proven(ctx, l, station.Pass)
		}, []OrphanReason{OrphanSuperseded, OrphanNotProven}},
		{"then replaced again, not proven either", station.ResultDone, func(l *Ledger, _, next *device) error {
			third := next.renewed("third")
			if err := third.received(ctx, l); err != nil {
				return err
			}
			if err := third.installs(ctx, l, station.ResultDone); err != nil {
				return err
			}
			return l.FinishRun(ctx, third.finish(station.Error))
		}, []OrphanReason{OrphanNotProven}}, // the second; the first is on file as the last that passed
		{"then a certificate for another key lies beside it", station.ResultDone, func(l *Ledger, _, next *device) error {
			third := next.anew("third")
			if err := third.received(ctx, l); err != nil {
				return err
			}
			if err := third.installs(ctx, l, station.ResultDone); err != nil {
				return err
			}
			return l.FinishRun(ctx, third.finish(station.Error))
		}, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			l := openNew(t)
			first := dev("HW-1")
			next, err := first.replaced(ctx, l, row.result)
			must(t, err)
			if row.then != nil {
				must(t, row.then(l, first, next))
			}
			wantOrphans(t, orphansOf(t, l, OrphanFilter{Tenant: "acme"}), row.want...)
		})
	}
}

// What was replaced is the newest present certificate everywhere: to whoever revokes the one at work, and in the count of a CA's
// devices.
func TestReplacedIsPresent(t *testing.T) {
	ctx, l := t.Context(), openNew(t)
	first := dev("HW-1")
	next, err := first.replaced(ctx, l, station.ResultDone)
	must(t, err)
	for _, d := range []*device{first, next} {
		if c := onFile(t, l, d); !c.Present || c.Orphan != "" {
			t.Errorf("%s: got present %t, orphan %q, want it at work", d.run, c.Present, c.Orphan)
		}
	}
	list, err := l.DeviceCertificates(ctx, "acme", "dev-HW-1")
	must(t, err)
	if len(list) != 2 || string(list[0].Fingerprint) != string(next.leaf) {
		t.Errorf("got %d certificates, want the replaced one first", len(list))
	}
	under, err := l.DevicesUnder(ctx, IssuerOf("acme", list[0].Issuer))
	must(t, err)
	if len(under.Devices) != 1 || string(under.Devices[0].Fingerprint) != string(next.leaf) {
		t.Errorf("got %+v, want the device with the certificate that was put in last", under.Devices)
	}
}

// A certificate that no request made was read from the device: one that renewed by itself has it at work, whatever the run that
// read it came to.
func TestOrphansReadFromDevice(t *testing.T) {
	ctx, l := t.Context(), openNew(t)
	d := dev("HW-1")
	must(t, d.proven(ctx, l, station.Pass))
	own := d.renewed("own")
	must(t, own.identify(ctx, l))
	c := own.cert()
	c.PostID, c.TunnelAddresses = "", nil
	must(t, l.SaveCertificate(ctx, c))
	must(t, l.FinishRun(ctx, own.finish(station.Error)))
	wantOrphans(t, orphansOf(t, l, OrphanFilter{}))
	must(t, own.anew("third").proven(ctx, l, station.Pass))
	wantOrphans(t, orphansOf(t, l, OrphanFilter{}), OrphanSuperseded, OrphanNotProven)
}

// A key that was given up takes its certificate with it.
func TestOrphansAbandoned(t *testing.T) {
	ctx, l := t.Context(), openNew(t)
	d := dev("HW-1")
	must(t, d.proven(ctx, l, station.Pass))
	next := d.anew("second")
	must(t, next.received(ctx, l))
	must(t, next.installs(ctx, l, station.ResultDone))
	gone := next.intent(station.IntendAbandon)
	gone.Leaf, gone.At = nil, gone.At.Add(time.Minute)
	must(t, l.Intend(ctx, gone))
	must(t, l.Done(ctx, gone.ID, station.ResultDone))
	must(t, l.FinishRun(ctx, next.finish(station.Fail)))
	wantOrphans(t, orphansOf(t, l, OrphanFilter{}), OrphanNotProven)
}
