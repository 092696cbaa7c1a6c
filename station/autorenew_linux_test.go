package station_test

import (
	"crypto/tls"
	"crypto/x509"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"provstation/station"
	"provstation/station/devstack"
	"provstation/station/stationtest"
)

// TestBoxRenewsItself: a real step-ca whose certificates live for a few seconds is no reason to refuse a device that is told to
// renew by itself. It does so from its seal on, and a bench that sees it again proves the certificate that it has fetched.
func TestBoxRenewsItself(t *testing.T) {
	r := newRig(t, devstack.Config{
		Devices: 1, Signer: devstack.SignerStepCA, StepCA: stationtest.Program(t, "step-ca"), Lifetime: 20 * time.Second,
	})
	r.cfg.Autorenew = station.AutorenewPolicy{Mode: station.AutorenewSet, URL: r.stack.StepCAURL + "/1.0/renew", Refuse: true}
	r.cfg.MinValidity, r.cfg.ShelfRefuse = 30*24*time.Hour, true
	r.start(r.stack.Devices...)
	e := r.end()
	r.check("provisioned", e, station.Pass, "")
	if !r.warned(e.Run, station.CodeCertRenews) {
		t.Error("nobody says that the box renews a certificate that ends in seconds")
	}
	first := e.CertFingerprint
	leaf := func() *x509.Certificate {
		dir := r.stack.Devices[0].Dir
		pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "device.pem"), filepath.Join(dir, "device-key.pem"))
		must(t, err)
		return pair.Leaf
	}
	began := leaf()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for leaf().Equal(began) {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("not renewed within %v; it ended %v", patience, began.NotAfter)
		}
	}
	r.stop()
	r.start(r.stack.Devices...)
	e = r.end()
	r.check("seen again", e, station.Pass, "") // same key, another certificate: adopted and proven
	if e.CertFingerprint == first || !r.warned(e.Run, station.CodeCertRenews) {
		t.Errorf("got certificate %s, want another one than before, and that the box renews it", e.CertFingerprint)
	}
	if url := r.factOf(e.Run, station.PhaseAutorenew, "renewal_url"); url != r.cfg.Autorenew.URL {
		t.Errorf("it renews at %q, want %q", url, r.cfg.Autorenew.URL)
	}
}

// warned reports whether a phase of the run warned of a code.
func (r *rig) warned(run string, code station.Code) bool {
	return slices.ContainsFunc(r.seen, func(e station.Event) bool {
		p, ok := e.Body.(station.PhaseChanged)
		return ok && p.Run == run && slices.ContainsFunc(p.Warnings, func(w station.Warning) bool { return w.Code == code })
	})
}
