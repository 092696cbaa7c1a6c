package devstack

import (
	"context"
	"crypto/x509"
	"errors"
	"sync"

	"provstation/serialproto/agent"
)

// PowerOn switches the devices of an unpowered stack on, all at the same moment. Devices that are on restart.
func (s *Stack) PowerOn() error { return s.power() }

// powerOn starts devices beside one another, as one switch would: each has power until ctx ends.
func powerOn(ctx context.Context, devices []*Device) error {
	errs := make([]error, len(devices))
	var wg sync.WaitGroup
	for i, d := range devices {
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
