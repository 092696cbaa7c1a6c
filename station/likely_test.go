package station

import (
	"bytes"
	"slices"
	"testing"
	"time"
)

// The chain that will most likely be installed is said with the request for the key: what is pinned for the first device, the
// chain that the one before got for the next.
func TestLikelyChain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k := newKit(t)
		first, second := k.dev(), newFakeDevice("SN-2")
		k.port("s1").unplug()
		go func() {
			<-time.After(time.Second) // the servers have been asked by then
			k.port("s1").plug(first)
		}()
		swapped := false
		k.on = func(_ *Bench, e Event) {
			if _, ok := e.Body.(RunEnded); ok && !swapped {
				swapped = true
				k.port("s1").swapFor(second)
			}
		}
		if list := ends(k.play()); len(list) != 2 || list[0].Outcome != Pass || list[1].Outcome != Pass {
			t.Fatalf("got %+v, want two devices that pass", list)
		}
		pinned := [][]byte{k.pki.ICA.Cert.Raw, k.pki.Root.Cert.Raw}
		if !slices.EqualFunc(first.likely, pinned, bytes.Equal) {
			t.Errorf("the first device: got %d certificates, want the 2 that are pinned", len(first.likely))
		}
		whole := append([][]byte{k.pki.Sub.Cert.Raw}, pinned...)
		if !slices.EqualFunc(second.likely, whole, bytes.Equal) {
			t.Errorf("the second device: got %d certificates, want the 3 of the first one's chain", len(second.likely))
		}
	})
}

// Of many certificates that are pinned nobody knows which ones the next chain is made of.
func TestManyPinsMakeNoLikelyChain(t *testing.T) {
	k := newKit(t)
	a, err := k.trust.Anchors(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	a.Intermediates = slices.Repeat(a.Intermediates, likelyMost)
	var l likely
	l.begin(a)
	if got := l.chain(); got != nil {
		t.Errorf("got %d certificates, want none", len(got))
	}
}
