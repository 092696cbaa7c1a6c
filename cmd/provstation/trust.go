package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"provstation/station"
	"provstation/station/bridge"
	"provstation/station/config"
	"provstation/station/pki"
	"provstation/station/stepca"
)

// trustSource finds the tenant's trust anchors once and keeps them: from files, or from step-ca, whose root must have the
// pinned fingerprint. It asks again after a failure. Runs that need them at the same time share one question, and each
// waits no longer than its own context.
type trustSource struct {
	cfg *config.Config

	asking singleflight.Group
	found  atomic.Pointer[station.Anchors]
}

// trustTimeout bounds one question to step-ca.
const trustTimeout = 30 * time.Second

// Anchors gives the anchors. The error is a *station.Fault, or ctx's.
func (t *trustSource) Anchors(ctx context.Context) (station.Anchors, error) {
	if a := t.found.Load(); a != nil {
		return *a, nil
	}
	answer := t.asking.DoChan("", func() (any, error) {
		actx, cancel := context.WithTimeout(context.WithoutCancel(ctx), trustTimeout)
		defer cancel()
		a, err := t.find(actx)
		if err != nil {
			return nil, anchorsFault(err)
		}
		t.found.Store(&a)
		return a, nil
	})
	select {
	case <-ctx.Done():
		return station.Anchors{}, ctx.Err()
	case r := <-answer:
		a, _ := r.Val.(station.Anchors)
		return a, r.Err
	}
}

// anchorsFault tells a CA that did not answer, which a person waits for, from anchors that are not there.
func anchorsFault(err error) error {
	var se *stepca.Error
	if errors.As(err, &se) && se.Status == 0 && errors.Is(err, stepca.ErrUnreachable) {
		return station.CAFault(err)
	}
	return trustFault(err)
}

func trustFault(err error) *station.Fault {
	f := &station.Fault{
		Code: station.CodeTrustMissing, Outcome: station.Error, Class: station.Misconfigured,
		Params: map[string]string{"detail": err.Error()}, Err: err,
	}
	var se *stepca.Error
	if errors.As(err, &se) && se.Status == 0 && !errors.Is(err, stepca.ErrOtherRoot) {
		f.Class = station.Passing // it did not answer
	}
	return f
}

func (t *trustSource) find(ctx context.Context) (a station.Anchors, err error) {
	pins := t.cfg.PKI
	if pins.RootFile != "" {
		text, err := os.ReadFile(pins.RootFile)
		if err != nil {
			return a, fmt.Errorf("trust anchor: %w", err)
		}
		if pins.RootFingerprint != "" {
			root, err := pki.PinRoot(text, pins.RootFingerprint)
			if err != nil {
				return a, fmt.Errorf("trust anchor %s: %w", pins.RootFile, err)
			}
			a.Roots = []*x509.Certificate{root}
		} else if a.Roots, err = pki.LoadRoots(text); err != nil {
			return a, fmt.Errorf("trust anchor %s: %w", pins.RootFile, err)
		}
	} else {
		root, err := stepca.FetchRoot(ctx, pins.StepCAURL, pins.RootFingerprint)
		if err != nil {
			return a, fmt.Errorf("trust anchor: %w", err)
		}
		a.Roots = []*x509.Certificate{root}
	}
	if pins.IntermediatesFile != "" {
		text, err := os.ReadFile(pins.IntermediatesFile)
		if err != nil {
			return a, fmt.Errorf("intermediates: %w", err)
		}
		if a.Intermediates, err = pki.LoadIntermediates(text); err != nil {
			return a, fmt.Errorf("intermediates %s: %w", pins.IntermediatesFile, err)
		}
	}
	if pins.StepCAURL == "" || len(a.Intermediates) > 0 {
		return a, nil
	}
	ca, err := caClient(ctx, t.cfg, a.Roots)
	if err != nil {
		return a, fmt.Errorf("intermediates: %w", err)
	}
	defer ca.Close()
	if a.Intermediates, err = ca.Intermediates(ctx); err != nil {
		return a, fmt.Errorf("intermediates: %w", err)
	}
	return a, nil
}

// bridgeTrust is whom the station believes to be the bridge.
func bridgeTrust(c *config.Config) bridge.Trust { return trustBy(c, c.Bridge.TLS) }
