package station

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// Events are told in their order, none before its record; one whose record was lost is told as that; what comes after the end is
// dropped, and does no harm.
func TestTeller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(time.Now)
		events := h.subscribe()
		tl := newTeller(h)
		saved := make(chan error)
		wait := func() error { return <-saved }
		port := func(path string) Body { return PortSeen{Port: path} }
		tl.tellSaved(wait, port("first"), port("lost"))
		tl.tell(port("second"))
		synctest.Wait()
		select {
		case e := <-events:
			t.Errorf("got %+v before it was on record", e.Body)
		default:
		}
		saved <- nil
		gone := errors.New("disk full")
		tl.tellSaved(func() error { return gone }, port("third"), port("third lost"))
		tl.close()
		tl.tell(port("late"))
		if !errors.Is(tl.failed(), gone) {
			t.Errorf("got %v, want what was lost", tl.failed())
		}
		h.close()
		var got []string
		for e := range events {
			got = append(got, e.Body.(PortSeen).Port)
		}
		want := []string{"first", "second", "third lost"}
		if len(got) != len(want) || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

// A run is told of once it is on record that it began: whoever was told of it finds it there, even if the station was killed then.
func TestRunIsTold(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k := newKit(t)
		k.ledger.lag = 10 * time.Second
		began := time.Now()
		events := k.play()
		wantEnd(t, events, Pass, "")
		for _, e := range events {
			switch e.Body.(type) {
			case RunStarted, PhaseChanged:
				if at := e.Time.Sub(began); at < k.ledger.lag {
					t.Errorf("got %+v after %s, want it when the run is durable, after %s", e.Body, at, k.ledger.lag)
				}
			}
		}
	})
}

// A device is not sealed by a run that lost a record, whether it was proven or need not be.
func TestLostRecordDoesNotSeal(t *testing.T) {
	for _, off := range []bool{false, true} {
		bubble(t, func(t *testing.T) {
			k := newKit(t)
			k.cfg.MQTTOff = off
			k.ledger.lose = PhaseReadback
			wantEnd(t, k.play(), Error, CodeLedger)
			if n := k.dev().seals; n != 0 {
				t.Errorf("MQTT off %v: sealed %d times, want never", off, n)
			}
		})
	}
}
