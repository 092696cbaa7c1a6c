package devstack

import (
	"context"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"provstation/serialproto"
	"provstation/serialproto/agent"
	"provstation/station/onbox"
)

// ownRenewal is the part of a virtual device that renews its certificate: the code of a box, which works once a station has
// said where. Its agent is another one than that of the line, as on a box, and both keep out of each other's way.
type ownRenewal struct {
	files   onbox.Files
	renewer *onbox.Renewer
	store   sync.Mutex
	woken   chan struct{} // capacity 1
}

var _ agent.Renewal = (*ownRenewal)(nil)

func newOwnRenewal(f onbox.Files) *ownRenewal {
	return &ownRenewal{files: f, woken: make(chan struct{}, 1)}
}

// guard keeps the device's two agents apart.
func (o *ownRenewal) guard() (release func(), err error) {
	o.store.Lock()
	return o.store.Unlock, nil
}

// Set stores where to renew.
func (o *ownRenewal) Set(url, audience string) error {
	err := o.files.Set(url, audience)
	o.wake()
	return err
}

// wake has it look anew.
func (o *ownRenewal) wake() {
	select {
	case o.woken <- struct{}{}:
	default: // it has not looked yet
	}
}

// Get says where to renew.
func (o *ownRenewal) Get() (url, audience string, err error) { return o.files.Get() }

// State says how it goes.
func (o *ownRenewal) State() (serialproto.RenewalState, error) { return o.files.State() }

// run renews where a station has said where, and looks anew when that is said or the device is sealed. A device that nobody
// told does nothing.
func (o *ownRenewal) run(ctx context.Context) {
	for ctx.Err() == nil {
		rctx, stop := context.WithCancel(ctx)
		var wg sync.WaitGroup
		if url, _, err := o.files.Get(); err == nil && url != "" {
			wg.Go(func() { o.renewer.Run(rctx) })
		}
		select {
		case <-ctx.Done():
		case <-o.woken:
		}
		stop()
		wg.Wait()
	}
}

// renewer makes the renewer, on an agent of its own that says nothing on the line.
func (d *Device) renewer(store agent.Store, c agent.Config, files onbox.Files) (*onbox.Renewer, error) {
	a, err := agent.New(store, c)
	if err != nil {
		return nil, err
	}
	return onbox.New(a, onbox.Config{Files: files, Log: d.cfg.log.With("device", d.Name), Roots: func() (*x509.CertPool, error) {
		b, err := os.ReadFile(filepath.Join(d.Dir, "ca-chain.pem"))
		if err != nil {
			return nil, fmt.Errorf("CA file of %s: %w", d.Name, err)
		}
		return onbox.RootsOf(b)
	}}), nil
}
