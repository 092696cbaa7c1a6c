package ledger

import (
	"bytes"
	"context"
	"crypto/sha256"
	"strings"
	"testing"
	"time"

	"provstation/station"
)

// anew is the same device later, with another key and certificate.
func (d *device) anew(name string) *device {
	c := d.renewed(name)
	c.spki = sum("spki", name)
	return c
}

// renewed is the same device later, with another certificate for the same key.
func (d *device) renewed(name string) *device {
	c := d.again()
	c.at = d.at.Add(time.Hour)
	c.der = der("leaf " + name)
	fp := sha256.Sum256(c.der)
	c.leaf = fp[:]
	return c
}

// received takes the run as far as a certificate on file.
func (d *device) received(ctx context.Context, l *Ledger) error {
	for _, step := range []func() error{
		func() error { return d.identify(ctx, l) },
		func() error { return l.BindDevice(ctx, d.binding()) },
		func() error {
			k := d.key()
			k.WireGuardKey, k.Generation = nil, 0
			k.EnrollID = station.EnrollID{}
			return l.BindKey(ctx, k)
		},
		func() error { return l.PostBegun(ctx, d.posted()) },
		func() error { c := d.cert(); c.TunnelAddresses = nil; return l.SaveCertificate(ctx, c) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (d *device) proven(ctx context.Context, l *Ledger, o station.Outcome) error {
	if err := d.received(ctx, l); err != nil {
		return err
	}
	if err := l.SaveProof(ctx, d.proof()); err != nil {
		return err
	}
	return l.FinishRun(ctx, d.finish(o))
}

func orphansOf(t *testing.T, l *Ledger, f OrphanFilter) []Orphan {
	t.Helper()
	if f.Now.IsZero() {
		f.Now = t0
	}
	list, _, err := l.Orphans(t.Context(), f)
	must(t, err)
	return list
}

func wantOrphans(t *testing.T, list []Orphan, want ...OrphanReason) {
	t.Helper()
	var got []string
	for _, o := range list {
		got = append(got, string(o.Reason))
	}
	var exp []string
	for _, r := range want {
		exp = append(exp, string(r))
	}
	if strings.Join(got, " ") != strings.Join(exp, " ") {
		t.Errorf("got orphans [%s], want [%s]", strings.Join(got, " "), strings.Join(exp, " "))
	}
}

func TestOrphans(t *testing.T) {
	ctx := t.Context()
	for _, row := range []struct {
		name string
		do   func(l *Ledger, d *device) error
		want []OrphanReason
	}{
		{"a PASS", func(l *Ledger, d *device) error { return d.proven(ctx, l, station.Pass) }, nil},
		{"received, never proven", func(l *Ledger, d *device) error {
			if err := d.received(ctx, l); err != nil {
				return err
			}
			return l.FinishRun(ctx, d.finish(station.Error))
		}, []OrphanReason{OrphanNotProven}},
		{"received, then proven by a later run", func(l *Ledger, d *device) error {
			if err := d.received(ctx, l); err != nil {
				return err
			}
			if err := l.FinishRun(ctx, d.finish(station.Error)); err != nil {
				return err
			}
			next := d.again()
			if err := next.identify(ctx, l); err != nil {
				return err
			}
			if err := l.SaveProof(ctx, next.proof()); err != nil {
				return err
			}
			return l.FinishRun(ctx, next.finish(station.Pass))
		}, nil},
		{"sealed with a proof, the record of its PASS lost", func(l *Ledger, d *device) error { return d.proven(ctx, l, station.Error) }, nil},
		{"re-enrolled", func(l *Ledger, d *device) error {
			if err := d.proven(ctx, l, station.Pass); err != nil {
				return err
			}
			return d.anew("second").proven(ctx, l, station.Pass)
		}, []OrphanReason{OrphanSuperseded}},
		{"renewed", func(l *Ledger, d *device) error {
			if err := d.proven(ctx, l, station.Pass); err != nil {
				return err
			}
			return d.renewed("second").proven(ctx, l, station.Pass)
		}, []OrphanReason{OrphanRenewed}},
		{"re-enrollment sealed, the record of its PASS lost", func(l *Ledger, d *device) error {
			if err := d.proven(ctx, l, station.Pass); err != nil {
				return err
			}
			return d.anew("second").proven(ctx, l, station.Error)
		}, nil},
		{"re-enrollment given up: the old generation is at work", func(l *Ledger, d *device) error {
			if err := d.proven(ctx, l, station.Pass); err != nil {
				return err
			}
			next := d.anew("second")
			if err := next.received(ctx, l); err != nil {
				return err
			}
			return l.FinishRun(ctx, next.finish(station.Fail))
		}, []OrphanReason{OrphanNotProven}},
		{"installed, where policy wants no proof", func(l *Ledger, d *device) error {
			if err := d.received(ctx, l); err != nil {
				return err
			}
			return l.FinishRun(ctx, d.finish(station.Installed))
		}, nil},
		{"installed twice", func(l *Ledger, d *device) error {
			for i, c := range []*device{d, d.anew("second")} {
				if err := c.received(ctx, l); err != nil {
					return err
				}
				_ = i
				if err := l.FinishRun(ctx, c.finish(station.Installed)); err != nil {
					return err
				}
			}
			return nil
		}, []OrphanReason{OrphanSuperseded}},
		{"the answer never came", func(l *Ledger, d *device) error {
			if err := d.identify(ctx, l); err != nil {
				return err
			}
			if err := l.PostBegun(ctx, d.posted()); err != nil {
				return err
			}
			return l.FinishRun(ctx, d.finish(station.Error))
		}, []OrphanReason{OrphanPossiblyIssued}},
		{"the bridge said no", func(l *Ledger, d *device) error {
			if err := d.identify(ctx, l); err != nil {
				return err
			}
			if err := l.PostBegun(ctx, d.posted()); err != nil {
				return err
			}
			if err := l.PostEnded(ctx, d.post, "422"); err != nil {
				return err
			}
			return l.FinishRun(ctx, d.finish(station.Fail))
		}, nil},
		{"revoked already", func(l *Ledger, d *device) error {
			if err := d.received(ctx, l); err != nil {
				return err
			}
			if err := l.FinishRun(ctx, d.finish(station.Error)); err != nil {
				return err
			}
			return l.RevokeCertificate(ctx, d.tenant, d.leaf, "orphan", t0)
		}, nil},
		{"out of service", func(l *Ledger, d *device) error {
			if err := d.proven(ctx, l, station.Pass); err != nil {
				return err
			}
			next := d.again()
			if err := next.held(ctx, l, station.CodeUnknownKey, nil); err != nil {
				return err
			}
			_, err := l.Resolve(ctx, next.decide(station.DecisionDecommissioned))
			return err
		}, []OrphanReason{OrphanDecommissioned}},
	} {
		t.Run(row.name, func(t *testing.T) {
			l := openNew(t)
			must(t, row.do(l, dev("HW-1")))
			list := orphansOf(t, l, OrphanFilter{Tenant: "acme"})
			wantOrphans(t, list, row.want...)
			for _, o := range list {
				if o.DeviceID != "dev-HW-1" || o.HardwareSerial != "HW-1" || o.Run == "" || len(o.SPKI) != 32 || o.At.IsZero() {
					t.Errorf("got %+v, want device, hardware, run, key and time", o)
				}
				if o.Reason != OrphanPossiblyIssued && (o.CertSerial == "" || o.Issuer != "CN=Tenant Sub-CA" || len(o.Fingerprint) != 32 || o.NotAfter.IsZero()) {
					t.Errorf("got %+v, want what a CA needs to revoke it", o)
				}
			}
			wantOrphans(t, orphansOf(t, l, OrphanFilter{Tenant: "other"}))
			wantOrphans(t, orphansOf(t, l, OrphanFilter{DeviceID: "DEV-hw-1"}), row.want...)
			wantOrphans(t, orphansOf(t, l, OrphanFilter{DeviceID: "dev-HW-2"}))
		})
	}
}

// What is in flight is nobody's orphan yet; what has ended needs no revoking.
func TestOrphansPendingAndExpired(t *testing.T) {
	ctx, l := t.Context(), openNew(t)
	d := dev("HW-1")
	must(t, d.received(ctx, l))
	asked := dev("HW-2")
	must(t, asked.identify(ctx, l))
	must(t, l.PostBegun(ctx, asked.posted()))
	list, pending, err := l.Orphans(ctx, OrphanFilter{Now: t0})
	must(t, err)
	if len(list) != 0 || pending != 2 {
		t.Errorf("in flight: got %d orphans, %d pending, want 0 and 2", len(list), pending)
	}
	must(t, l.FinishRun(ctx, d.finish(station.Error)))
	must(t, l.FinishRun(ctx, asked.finish(station.Error)))
	wantOrphans(t, orphansOf(t, l, OrphanFilter{}), OrphanNotProven, OrphanPossiblyIssued)
	after := t0.Add(25 * time.Hour)
	wantOrphans(t, orphansOf(t, l, OrphanFilter{Now: after}), OrphanPossiblyIssued)
	wantOrphans(t, orphansOf(t, l, OrphanFilter{Now: after, Expired: true}), OrphanNotProven, OrphanPossiblyIssued)
}

func TestWriteOrphans(t *testing.T) {
	list := []Orphan{{Reason: OrphanNotProven, DeviceID: "=cmd()", CertSerial: "0aff", Fingerprint: sum("f"), At: t0}}
	for format, want := range map[string]string{
		ExportCSV:    "\nnot-proven,'=cmd(),,0aff,",
		ExportJSON:   `"device_id":"=cmd()"`,
		ExportNDJSON: `{"reason":"not-proven",`,
	} {
		var b bytes.Buffer
		must(t, WriteOrphans(&b, list, format))
		if !strings.Contains(b.String(), want) {
			t.Errorf("%s: got %s, want %q in it", format, b.String(), want)
		}
	}
	want(t, WriteOrphans(new(bytes.Buffer), list, "xml"), ErrInvalid)
}
