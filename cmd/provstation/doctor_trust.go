package main

import (
	"context"
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
	"time"

	"provstation/station"
	"provstation/station/pki"
	"provstation/station/stepca"
)

// anchorsFound is the tenant's trust, looked for once for all checks.
type anchorsFound struct {
	done chan struct{}
	station.Anchors
	err error
}

// anchorsLimit leaves those who wait for the anchors some time of their own.
const anchorsLimit = checkLimit * 3 / 4

// findAnchors waits for the tenant's trust anchors.
func (d *doctor) findAnchors(ctx context.Context) (station.Anchors, error) {
	d.anchorsOnce.Do(func() {
		d.anchors.done = make(chan struct{})
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), anchorsLimit) // not one check's: all wait for it
		go func() {
			defer cancel()
			defer close(d.anchors.done)
			d.anchors.Anchors, d.anchors.err = (&trustSource{cfg: d.cfg}).Anchors(ctx)
		}()
	})
	select {
	case <-d.anchors.done:
		return d.anchors.Anchors, d.anchors.err
	case <-ctx.Done():
		return station.Anchors{}, ctx.Err()
	}
}

// soon is how long before its end a CA certificate is worth a word.
const soon = 30 * 24 * time.Hour

const renewCAFix = "ask the tenant for the CA's successor, and plan the change: devices carry the CA file"

// checkTrust: the anchors load, complete a chain, and hold for a while.
func (d *doctor) checkTrust(ctx context.Context) []finding {
	const name = "trust"
	a, err := d.findAnchors(ctx)
	if err != nil {
		return []finding{failed(name, trustFix(err), "the tenant's trust anchors cannot be had: %v", err)}
	}
	now := d.sys.now()
	margin := max(soon, d.cfg.PKI.MinValidity.D())
	var list []finding
	for _, c := range append(append([]*x509.Certificate{}, a.Roots...), a.Intermediates...) {
		switch left := c.NotAfter.Sub(now); {
		case now.Before(c.NotBefore):
			list = append(list, failed(name, clockFix, "%q is not valid before %s: this station's clock is behind, or the CA's was ahead",
				c.Subject.CommonName, day(c.NotBefore)))
		case left <= 0:
			list = append(list, failed(name, renewCAFix, "%q ended on %s", c.Subject.CommonName, day(c.NotAfter)))
		case left < margin:
			list = append(list, warned(name, renewCAFix, "%q ends in %d days, on %s", c.Subject.CommonName, days(left), day(c.NotAfter)))
		}
	}
	list = append(list, completeFindings(a, now)...)
	if len(list) > 0 {
		return list
	}
	root := a.Roots[0]
	return []finding{ok(name, "%q (%.12s), %d days left; %d intermediates chain to it, %d days left", root.Subject.CommonName,
		pki.Fingerprint(root), days(root.NotAfter.Sub(now)), len(a.Intermediates), leastDays(a.Intermediates, now))}
}

// completeFindings: what the bridge leaves out of a chain is known, and fits the pinned root.
func completeFindings(a station.Anchors, now time.Time) []finding {
	const name = "trust"
	if len(a.Intermediates) == 0 {
		return []finding{warned(name, "set pki.step_ca_url, or pki.intermediates_file to a PEM file of Sub-CA and ICA",
			"no intermediate is known: if the bridge sends the issuing CA alone, no chain can be completed to the root")}
	}
	roots, others := x509.NewCertPool(), x509.NewCertPool()
	for _, c := range a.Roots {
		roots.AddCert(c)
	}
	for _, c := range a.Intermediates {
		others.AddCert(c)
	}
	var list []finding
	for _, c := range a.Intermediates {
		if now.After(c.NotAfter) || now.Before(c.NotBefore) {
			continue // said already
		}
		_, err := c.Verify(x509.VerifyOptions{
			Roots: roots, Intermediates: others, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
		})
		if err != nil {
			list = append(list, failed(name, "get root and intermediates from the same tenant: compare pki.root_fingerprint or pki.root_file with its CA",
				"intermediate %q does not chain to the pinned root %q: %v", c.Subject.CommonName, a.Roots[0].Subject.CommonName, err))
		}
	}
	return list
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

func days(d time.Duration) int { return int(d / (24 * time.Hour)) }

func leastDays(certs []*x509.Certificate, now time.Time) int {
	least := 1 << 20
	for _, c := range certs {
		least = min(least, days(c.NotAfter.Sub(now)))
	}
	return least
}

// trustFix says how to mend trust anchors that cannot be had.
func trustFix(err error) string {
	switch {
	case errors.Is(err, stepca.ErrUnknownRoot), errors.Is(err, stepca.ErrOtherRoot), pki.CheckOf(err) == pki.CheckFingerprint:
		return "the pinned fingerprint is not this CA's: compare pki.root_fingerprint with the tenant's STEP_CA_FINGERPRINT (step certificate fingerprint root.crt)"
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission):
		return "see that pki.root_file and pki.intermediates_file name files that this user may read"
	case pki.CheckOf(err) != "":
		return "pki.root_file must hold self-signed roots and pki.intermediates_file CA certificates below them, PEM and nothing else"
	case errors.Is(err, stepca.ErrAnswer), errors.Is(err, stepca.ErrAddress):
		return "pki.step_ca_url does not name a step-ca: the path may be missing (as in https://tenant.example.com/pki)"
	}
	if fix := networkFix(err, "pki.step_ca_url", "pki.step_ca_url"); fix != "" {
		return fix + "; with pki.root_file and pki.intermediates_file the bench needs no step-ca"
	}
	return "see sections pki of the configuration and of the tenant's notes"
}

// checkStepCA: it answers, and its root is the pinned one.
func (d *doctor) checkStepCA(ctx context.Context) []finding {
	const name = "step-ca"
	p := d.cfg.PKI
	if p.StepCAURL == "" {
		return []finding{skipped(name, "pki.step_ca_url is not set")}
	}
	pin := p.RootFingerprint
	if pin == "" {
		text, err := os.ReadFile(p.RootFile)
		if err != nil {
			return []finding{skipped(name, "needs the root: %v", err)}
		}
		roots, err := pki.LoadRoots(text)
		if err != nil {
			return []finding{skipped(name, "needs the root: %v", err)}
		}
		pin = pki.Fingerprint(roots[0])
	}
	root, err := stepca.FetchRoot(ctx, p.StepCAURL, pin)
	if err != nil {
		return []finding{failed(name, trustFix(err), "%v", err)}
	}
	return []finding{ok(name, "%s answers, and its root %q has the pinned fingerprint", p.StepCAURL, root.Subject.CommonName)}
}
