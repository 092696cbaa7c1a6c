package station

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
)

// A certificate whose tunnel address another device has is not installed, and not taken from the file by the next run either.
func TestTakenAddressIsNotUsedAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k := newKit(t)
		saved := 0
		k.ledger.fail = func(_ context.Context, method string) error {
			if method == "SaveCertificate" {
				if saved++; saved == 2 { // as it passed its checks
					return ErrAddressTaken
				}
			}
			return nil
		}
		wantEnd(t, k.play(), Fail, CodeWGAddress)
		if n := k.dev().installs; n != 0 {
			t.Errorf("installed %d times, want never", n)
		}
		k.replug()
		wantEnd(t, k.play(), Pass, "")
		if n := len(k.bridge.asked); n != 2 {
			t.Errorf("asked for %d certificates, want another one for the second run", n)
		}
	})
}

// lossy is a ledger that accepts the key of a device, and loses it.
type lossy struct{ *fakeLedger }

func (l lossy) BindKeySoon(ctx context.Context, k KeyRecord) (Saved, error) {
	if _, err := l.fakeLedger.BindKeySoon(ctx, k); err != nil {
		return nil, err
	}
	return func() error { return errors.New("disk full") }, nil
}

// Nothing is asked of the bridge for a key that is not on record, and nobody is told that a certificate may exist.
func TestLostKeyIsNotPosted(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k := newKit(t)
		k.wrapLedger = func(l Ledger) Ledger { return lossy{k.ledger} }
		wantEnd(t, k.play(), Error, CodeLedger)
		if n := len(k.bridge.asked); n != 0 {
			t.Errorf("asked the bridge %d times, want never", n)
		}
		for id, state := range k.ledger.posts {
			if !strings.HasPrefix(state, "not posted") {
				t.Errorf("request %s: got %q, want it not posted", id, state)
			}
		}
		if !slices.Contains(k.ledger.calls, "PostBegun") {
			t.Error("the request was never begun: nothing is shown")
		}
	})
}
