package devstack

import (
	"fmt"
	"time"
)

// LineConfig says what goes through the places of a bench. The zero value: nothing does, the devices stay.
type LineConfig struct {
	Boxes int // size of the batch, at least as many as there are places

	// Boxes with a trouble, counted from 1; 0: none. The cloned one is not among those that are plugged in at the start:
	// its key is that of a box that was finished before it.
	WrongLabel, ClonedKey, BadClock int

	DeadBridge DeadBridge

	SwapDelay  time.Duration // a finished box stays so long, and its place is empty so long; 0: a second
	AsideDelay time.Duration // a box that failed for good stays so long, for people to read why; 0: 20 seconds
	Replug     time.Duration // a box that failed in passing is pulled and plugged in again after so long; 0: never
}

// DeadBridge is a time in which the bridge answers nobody. It begins with what comes first.
type DeadBridge struct {
	After    time.Duration // since the start; 0: not by time
	Enrolled int           // devices that have their certificate; 0: not by number
	For      time.Duration // how long; 0: the bridge never dies
}

// MixedLine is a batch with one of every trouble, as far as it has room, and a bridge that is dead for a minute once half
// of the batch has its certificates.
func MixedLine(places, boxes int) LineConfig {
	c := LineConfig{Boxes: boxes, DeadBridge: DeadBridge{Enrolled: max(1, boxes/2), For: time.Minute}}
	if boxes < 4 {
		return c
	}
	c.WrongLabel, c.BadClock = 1+boxes/8, 2+boxes/4
	for n := places + (boxes-places)/4 + 1; n > places && n <= boxes && c.ClonedKey == 0; n++ {
		if n != c.WrongLabel && n != c.BadClock {
			c.ClonedKey = n
		}
	}
	return c
}

func (c LineConfig) check(places int) error {
	if c.Boxes == 0 {
		return nil
	}
	if places < 1 || c.Boxes < places {
		return fmt.Errorf("line: %d boxes for %d places", c.Boxes, places)
	}
	seen := map[int]Trouble{}
	for _, x := range []struct {
		n     int
		what  Trouble
		after int
	}{{c.WrongLabel, WrongLabel, 0}, {c.ClonedKey, ClonedKey, places}, {c.BadClock, BadClock, 0}} {
		switch {
		case x.n == 0:
			continue
		case x.n <= x.after || x.n > c.Boxes:
			return fmt.Errorf("line: %s: no box %d from %d to %d", x.what, x.n, x.after+1, c.Boxes)
		case seen[x.n] != NoTrouble:
			return fmt.Errorf("line: box %d: %s and %s", x.n, seen[x.n], x.what)
		case x.what == WrongLabel && c.Boxes < 2:
			return fmt.Errorf("line: %s: there is no other box", x.what)
		}
		seen[x.n] = x.what
	}
	return nil
}
