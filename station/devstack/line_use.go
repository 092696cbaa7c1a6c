package devstack

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// ErrNoBox says that a place has no box, or that there is no such place.
var ErrNoBox = errors.New("no box at this place")

// Place is a slot of the bench and the path of its port, which it keeps whatever is plugged in.
type Place struct{ Slot, Path string }

// Places lists the bench's places.
func (s *Stack) Places() []Place {
	var list []Place
	if s.Line == nil {
		for _, d := range s.Devices {
			list = append(list, Place{d.Name, d.Path})
		}
		return list
	}
	s.Line.mu.Lock()
	defer s.Line.mu.Unlock()
	for _, p := range s.Line.places {
		list = append(list, Place{p.slot, p.path})
	}
	return list
}

// place finds a place by its name. The caller holds the mutex.
func (l *Line) place(slot string) *place {
	for _, p := range l.places {
		if p.slot == slot {
			return p
		}
	}
	return nil
}

// give gives a place its order, in place of one that was not carried out yet. The caller holds the mutex.
func (p *place) give(o order) {
	select {
	case <-p.order:
	default:
	}
	p.order <- o
}

// Started tells that a run began at a place, or that a person has a hand on its box: it stays where it is until the next
// end.
func (l *Line) Started(slot string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p := l.place(slot); p != nil && p.box >= 0 && !p.good {
		p.give(order{})
	}
}

// Ended tells how a run ended at a place. A good box is taken away after SwapDelay and the next one plugged in; one that
// failed for good is put aside after AsideDelay; one that failed by something else stays for a person to try again, or is
// plugged in anew after Replug. An end of another box than the one that is there now changes nothing.
func (l *Line) Ended(e End) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.place(e.Slot)
	if p == nil || p.box < 0 || p.good {
		return
	}
	if e.HardwareSerial != "" && e.HardwareSerial != l.boxes[p.box].Serial {
		return
	}
	l.log.Info("run ended", "slot", e.Slot, "box", l.boxes[p.box].Name, "verdict", e.Verdict.String(), "code", e.Code)
	switch e.Verdict {
	case Good:
		p.good = true
		p.give(order{l.cfg.SwapDelay, taskNext})
	case Bad:
		p.give(order{l.cfg.AsideDelay, taskNext})
	case Passing:
		if l.cfg.Replug > 0 {
			p.give(order{l.cfg.Replug, taskReplug})
		}
	}
}

// Next takes the box at a place away at once, whatever became of it, and plugs the next one in: a person's decision.
func (l *Line) Next(slot string) error { return l.command(slot, taskNext) }

// Replug pulls the box at a place and plugs it in again.
func (l *Line) Replug(slot string) error { return l.command(slot, taskReplug) }

func (l *Line) command(slot string, what task) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.place(slot)
	if p == nil || p.box < 0 {
		return fmt.Errorf("%s: %w", slot, ErrNoBox)
	}
	p.give(order{0, what})
	return nil
}

// Through is closed when every box was taken away again.
func (l *Line) Through() <-chan struct{} { return l.through }

// Boxes lists the batch.
func (l *Line) Boxes() []Box { return slices.Clone(l.boxes) }

// At is the box at a place.
func (l *Line) At(slot string) (Box, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p := l.place(slot); p != nil && p.box >= 0 {
		return l.boxes[p.box], true
	}
	return Box{}, false
}

// Progress is how far the batch has come.
func (l *Line) Progress() Progress {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := Progress{Boxes: len(l.boxes), Waiting: len(l.queue), Done: len(l.done), Aside: len(l.aside)}
	for _, p := range l.places {
		if p.box >= 0 {
			r.Plugged++
		}
	}
	return r
}

// WriteManifest writes the batch's list as CSV: hardware_serial, device_id, label.
func (l *Line) WriteManifest(path string) error { return writeManifest(path, l.boxes) }

// tell notes a change. The caller holds the mutex.
func (l *Line) tell(p Plug) {
	l.history = append(l.history, p)
	close(l.changed)
	l.changed = make(chan struct{})
}

// Watch tells of every box that is plugged in and then of every change, until ctx ends, when the channel is closed. It is
// for systems on which a place's port is no file that could be watched.
func (l *Line) Watch(ctx context.Context) <-chan Plug {
	l.mu.Lock()
	var todo []Plug
	for _, p := range l.places {
		if p.box >= 0 {
			todo = append(todo, Plug{Added: true, Slot: p.slot, Path: p.path, Box: l.boxes[p.box]})
		}
	}
	seen := len(l.history)
	l.mu.Unlock()
	out := make(chan Plug)
	go func() {
		defer close(out)
		for {
			for _, p := range todo {
				select {
				case out <- p:
				case <-ctx.Done():
					return
				}
			}
			l.mu.Lock()
			todo = slices.Clone(l.history[seen:])
			seen = len(l.history)
			changed := l.changed
			l.mu.Unlock()
			if len(todo) > 0 {
				continue
			}
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}
