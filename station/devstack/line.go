package devstack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Verdict is what the end of a run means for the box at its place.
type Verdict int

// Verdicts.
const (
	Good    Verdict = iota + 1 // done with: the next one, please
	Bad                        // failed for good, or given up by a person: it is put aside
	Passing                    // failed by something else than itself: it stays for another try
)

// String implements fmt.Stringer.
func (v Verdict) String() string {
	switch v {
	case Good:
		return "good"
	case Bad:
		return "bad"
	case Passing:
		return "passing"
	}
	return fmt.Sprintf("unknown(%d)", int(v))
}

// End is the end of a run, as the station told of it.
type End struct {
	Slot           string
	HardwareSerial string // empty: the run never came to know it
	Code           string // for the log
	Verdict        Verdict
}

// Plug says that a box was plugged into a place or pulled from it.
type Plug struct {
	Added bool
	Slot  string
	Path  string // the same for a place at all times
	Box   Box
}

// Progress is how far a batch has come. Waiting, Plugged, Done and Aside add up to Boxes, but for the box that is in
// somebody's hand.
type Progress struct {
	Boxes, Waiting, Plugged, Done, Aside int
}

// Line is somebody who stands at the bench all day: takes finished boxes away and plugs in the next ones of a batch. Every
// place is tended on its own. Methods may be called from any goroutine and do not wait.
type Line struct {
	cfg    LineConfig
	bridge *Bridge
	log    *slog.Logger
	labels string // folder

	ctx     context.Context // ends with the stack
	wg      sync.WaitGroup
	through chan struct{}

	mu      sync.Mutex
	boxes   []Box
	devices []*Device // of boxes, by index
	queue   []int     // indexes of boxes that wait
	done    []int     // taken away after a good end
	aside   []int     // taken away otherwise
	places  []*place
	history []Plug
	changed chan struct{} // closed and replaced with every entry of history
}

// place is a slot of the bench.
type place struct {
	slot, path string
	order      chan order // the newest order; buffer 1

	// Below: under Line.mu.
	box  int // index; -1: empty
	good bool
}

// order is what is to be done at a place, unless another order comes before.
type order struct {
	after time.Duration
	what  task
}

type task int

const (
	taskNone   task = iota // forget what was to be done
	taskNext               // take the box away and plug the next one in
	taskReplug             // pull the box and plug it in again
)

// newLine makes the boxes of a stack's devices. Nothing is plugged in.
func newLine(s *Stack) *Line {
	c := s.cfg.Line
	if c.SwapDelay == 0 {
		c.SwapDelay = time.Second
	}
	if c.AsideDelay == 0 {
		c.AsideDelay = 20 * time.Second
	}
	l := &Line{
		cfg: c, bridge: s.Bridge, log: s.cfg.Log, labels: filepath.Join(s.cfg.StateDir, "labels"), devices: s.all,
		through: make(chan struct{}), changed: make(chan struct{}),
	}
	for i, d := range s.all {
		id := "edge-" + strings.ToLower(d.Serial)
		l.boxes = append(l.boxes, Box{Number: i + 1, Name: d.Name, Serial: d.Serial, ID: id, Label: id, Printed: id})
		l.queue = append(l.queue, i)
	}
	mark := func(n int, t Trouble) *Box {
		if n == 0 {
			return &Box{}
		}
		l.boxes[n-1].Trouble = t
		return &l.boxes[n-1]
	}
	mark(c.ClonedKey, ClonedKey)
	if mark(c.BadClock, BadClock); c.BadClock > 0 {
		l.devices[c.BadClock-1].cfg.stuck = true
	}
	if b := mark(c.WrongLabel, WrongLabel); c.WrongLabel > 0 {
		b.Label = l.boxes[farthest(c.WrongLabel-1, len(l.boxes))].Printed
	}
	for i := range s.cfg.Devices {
		l.places = append(l.places, &place{slot: slotName(i), box: -1, order: make(chan order, 1)})
	}
	return l
}

// farthest is the box that is least likely to lie on the bench at the same time as box i: a label that another device waits
// for is taken for that one's.
func farthest(i, boxes int) int {
	if i < boxes/2 {
		return boxes - 1
	}
	return 0
}

// start plugs the first boxes in and begins to tend the places. ctx ends with the stack.
func (l *Line) start(ctx context.Context) error {
	l.ctx = ctx
	if err := os.MkdirAll(l.labels, 0o700); err != nil {
		return err
	}
	for _, p := range l.places {
		i, ok := l.take()
		if !ok {
			break
		}
		if err := l.plug(p, i); err != nil {
			return err
		}
	}
	for _, p := range l.places {
		l.wg.Go(func() { l.tend(p) })
	}
	l.watchBridge()
	return nil
}

// wait returns when nobody touches the boxes any more. The context has ended.
func (l *Line) wait() { l.wg.Wait() }

// watchBridge lets the bridge die when its time has come.
func (l *Line) watchBridge() {
	d := l.cfg.DeadBridge
	if d.For <= 0 || (d.After <= 0 && d.Enrolled <= 0) {
		return
	}
	begin, late := make(chan struct{}), (<-chan time.Time)(nil)
	var once sync.Once
	if d.Enrolled > 0 {
		l.bridge.notify(func(n int) {
			if n >= d.Enrolled {
				once.Do(func() { close(begin) })
			}
		})
	}
	if d.After > 0 {
		late = time.After(d.After)
	}
	l.wg.Go(func() {
		select {
		case <-l.ctx.Done():
			return
		case <-late:
		case <-begin:
		}
		l.log.Info("bridge goes away", "for", d.For)
		l.bridge.Dead(l.ctx, d.For)
		l.log.Info("bridge is back")
	})
}

// tend does what is to be done at a place, until the stack ends.
func (l *Line) tend(p *place) {
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	defer timer.Stop()
	what := taskNone
	for {
		select {
		case <-l.ctx.Done():
			return
		case o := <-p.order:
			what = o.what
			timer.Stop()
			if what != taskNone {
				timer.Reset(o.after)
			}
		case <-timer.C:
			if err := l.do(p, what); err != nil && l.ctx.Err() == nil {
				l.log.Error("place is out of use", "slot", p.slot, "err", err)
				return
			}
		}
	}
}

// do pulls the box of a place and, after a pause, plugs that or the next one in.
func (l *Line) do(p *place, what task) error {
	i, err := l.pull(p, what == taskNext)
	if err != nil || i < 0 {
		return err
	}
	select {
	case <-l.ctx.Done():
		return nil
	case <-time.After(l.cfg.SwapDelay):
	}
	if what == taskNext {
		var ok bool
		if i, ok = l.take(); !ok {
			l.finish()
			return nil
		}
	}
	return l.plug(p, i)
}

// finish tells that the batch is through once every place is empty.
func (l *Line) finish() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.done)+len(l.aside) < len(l.boxes) {
		return
	}
	select {
	case <-l.through:
	default:
		close(l.through)
	}
}

// take takes the next box from the queue. The cloned one waits for a finished box that it can be a clone of, as long as
// there are others.
func (l *Line) take() (int, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) == 0 {
		return 0, false
	}
	at := 0
	if l.boxes[l.queue[0]].Trouble == ClonedKey && len(l.done) == 0 && len(l.queue) > 1 {
		at = 1
	}
	i := l.queue[at]
	l.queue = slices.Delete(l.queue, at, at+1)
	return i, true
}

// plug puts a label beside a place and a box into it.
func (l *Line) plug(p *place, i int) error {
	if err := l.clone(i); err != nil {
		return err
	}
	if err := replaceFile(filepath.Join(l.labels, p.slot), l.boxes[i].Label+"\n"); err != nil {
		return err
	}
	d := l.devices[i]
	if err := d.plug(l.ctx, p.slot); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	p.path, p.box, p.good = d.Path, i, false
	l.tell(Plug{Added: true, Slot: p.slot, Path: p.path, Box: l.boxes[i]})
	l.log.Info("box plugged in", "slot", p.slot, "box", l.boxes[i].Name, "serial", d.Serial, "trouble", l.boxes[i].Trouble)
	return nil
}

// clone gives the cloned box the key of one that was finished.
func (l *Line) clone(i int) error {
	if l.boxes[i].Trouble != ClonedKey || l.devices[i].cfg.keys != nil {
		return nil
	}
	l.mu.Lock()
	from := -1
	if len(l.done) > 0 {
		from = l.done[0]
	}
	l.mu.Unlock()
	if from < 0 {
		l.log.Warn("no box was finished: the cloned one is none", "box", l.boxes[i].Name)
		return nil
	}
	blob, err := keyOf(l.devices[from])
	if err != nil {
		return err
	}
	l.devices[i].cfg.keys = clonedKeys{blob: blob}
	return nil
}

// pull takes the box out of a place, for good or to plug it in again. -1: there was none.
func (l *Line) pull(p *place, forGood bool) (int, error) {
	l.mu.Lock()
	i, good := p.box, p.good
	p.box = -1
	select {
	case <-p.order: // it was for this box
	default:
	}
	l.mu.Unlock()
	if i < 0 {
		return i, nil
	}
	err := l.devices[i].Unplug()
	if rm := os.Remove(filepath.Join(l.labels, p.slot)); !errors.Is(rm, os.ErrNotExist) {
		err = errors.Join(err, rm)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tell(Plug{Slot: p.slot, Path: p.path, Box: l.boxes[i]})
	switch {
	case !forGood:
	case good:
		l.done = append(l.done, i)
	default:
		l.aside = append(l.aside, i)
	}
	l.log.Info("box pulled", "slot", p.slot, "box", l.boxes[i].Name, "for_good", forGood, "done", good)
	return i, err
}
