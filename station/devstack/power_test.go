package devstack

import (
	"context"
	"crypto"
	"sync/atomic"
	"testing"
	"time"

	"provstation/serialproto"
	"provstation/serialproto/agent"
	"provstation/serialproto/link"
)

// countingKeys counts the keys that are made.
type countingKeys struct {
	agent.FlashKeys
	made *atomic.Int64
}

func (k countingKeys) New(alg serialproto.Alg) (crypto.Signer, agent.Secret, error) {
	k.made.Add(1)
	return k.FlashKeys.New(alg)
}

// Ports without power are silent; with power the devices say which CA certificates their firmware has, and use the key store
// that they were given.
func TestPowerOn(t *testing.T) {
	var made atomic.Int64
	serials := make(chan string, 1)
	s, err := Start(t.Context(), Config{
		StateDir: t.TempDir(), Devices: 1, Baud: fast, Quiet: true, Unpowered: true, KnownChain: true, Memory: true,
		Keys: func(serial string) agent.KeyStore {
			serials <- serial
			return countingKeys{made: &made}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	d := s.Devices[0]
	if got := <-serials; got != d.Serial {
		t.Errorf("key store asked for %q, want %q", got, d.Serial)
	}
	end, ok := s.Open(d.Path)
	if !ok {
		t.Fatalf("no port at %q before the device has power", d.Path)
	}
	h := link.NewHost(end, link.HostConfig{})
	t.Cleanup(func() { _ = h.Close() })
	silent, cancel := context.WithTimeout(t.Context(), 600*time.Millisecond) // it would announce itself four times a second
	defer cancel()
	if _, err := h.NextAnnounce(silent); silent.Err() == nil {
		t.Fatalf("heard a device without power (%v)", err)
	}
	if err := s.PowerOn(0); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	w, err := h.Greet(ctx)
	if err != nil || len(w.Known) != 3 {
		t.Fatalf("got %d known certificates (%v), want the 3 of the tenant's chain", len(w.Known), err)
	}
	var r serialproto.EnrollResult
	args := &serialproto.EnrollArgs{Op: serialproto.OpEnroll, Alg: serialproto.AlgP256, DeviceID: "edge-1", EnrollID: []byte("12345678")}
	if err := h.Call(ctx, args, &r); err != nil || made.Load() != 1 {
		t.Errorf("got %d keys from the given store (%v), want 1", made.Load(), err)
	}
}
