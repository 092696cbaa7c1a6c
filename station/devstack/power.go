package devstack

import (
	"context"
	"crypto/x509"
	"errors"
	"sync"
	"time"

	"provstation/serialproto/agent"
)

// PowerOn switches the devices of an unpowered stack on, one after the other in even steps over this time; 0: all at the same
// moment. It returns when the last one is on. Devices that are on restart.
func (s *Stack) PowerOn(over time.Duration) error { return s.power(over) }

// powerOn starts devices beside one another, as one switch would, or a hand that plugs them in: each has power until ctx ends.
func powerOn(ctx context.Context, devices []*Device, over time.Duration) error {
	errs := make([]error, len(devices))
	step := over / time.Duration(max(1, len(devices)-1))
	began := time.Now()
	var wg sync.WaitGroup
	for i, d := range devices {
		select {
		case <-time.After(time.Until(began.Add(time.Duration(i) * step))):
		case <-ctx.Done():
		}
		wg.Go(func() { errs[i] = d.Reset(ctx) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// firmwareAnchors are the CA certificates that the devices' firmware brings along.
func (s *Stack) firmwareAnchors() []*x509.Certificate {
	if !s.cfg.KnownChain {
		return nil
	}
	return []*x509.Certificate{s.pki.sub, s.pki.ica, s.pki.root}
}

// keysOf is the key store of a device; nil: flash.
func (s *Stack) keysOf(serial string) agent.KeyStore {
	if s.cfg.Keys == nil {
		return nil
	}
	return s.cfg.Keys(serial)
}
