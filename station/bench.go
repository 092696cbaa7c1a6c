package station

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"sync"
	"time"

	"github.com/google/uuid"
)

// BenchConfig is what a bench needs beside its parts. Zero values are said with each field.
type BenchConfig struct {
	Info StationInfo // the first event; Schema is filled in

	Include []string          // port patterns (path.Match on path, slot key or by-id name); empty: every USB port
	Exclude []string          // port patterns that are never opened, whatever Include says
	Slots   map[string]string // port path or slot key to the slot's name

	SilentAfter time.Duration // how long an open port may say nothing before it is shown as silent; 0: 3 s
	StopAfter   int           // end when so many runs have ended well; 0: never
	Settle      time.Duration // end when every open port has finished or said nothing for so long; 0: never

	Now    func() time.Time // nil: time.Now
	Logger *slog.Logger     // nil: discard
}

// Bench turns ports into runs: one goroutine per open port, no shared state between slots but the ledger.
type Bench struct {
	cfg       BenchConfig
	watcher   Watcher
	connector Connector
	runner    *Runner
	hub       *hub
	log       *slog.Logger
	now       func() time.Time

	mu      sync.Mutex
	keepers map[string]*keeper // by slot name
	active  map[string]string  // hardware serial of a run in flight to slot name
	summary Summary
	good    int // runs that ended well
	running int // runs in flight
	stop    context.CancelCauseFunc
	settle  *time.Timer
}

// Reasons a bench or a run was stopped for, found in context.Cause.
var (
	errAborted   = errors.New("aborted by a person")
	errUnplugged = errors.New("the port was unplugged")
	errShutdown  = errors.New("the station is shutting down")
	errFinished  = errors.New("the bench has done what was asked")
)

// NewBench puts a bench together.
func NewBench(cfg BenchConfig, w Watcher, c Connector, r *Runner) *Bench {
	if cfg.SilentAfter == 0 {
		cfg.SilentAfter = 3 * time.Second
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	cfg.Info.Schema = EventSchema
	return &Bench{
		cfg: cfg, watcher: w, connector: c, runner: r, hub: newHub(cfg.Now), log: cfg.Logger, now: cfg.Now,
		keepers: map[string]*keeper{}, active: map[string]string{},
	}
}

// Subscribe returns every event from now on, in order, none dropped. The channel closes after the summary. Subscribe
// before Run to see all.
func (b *Bench) Subscribe() <-chan Event { return b.hub.subscribe() }

// Run works the bench until ctx ends or what was asked for is done, waits for the runs in flight to end in order, and
// says the summary. The error is not nil only when the station itself failed.
func (b *Bench) Run(ctx context.Context) (Summary, error) {
	started := b.now()
	defer b.hub.close()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	b.mu.Lock()
	b.stop = cancel
	b.mu.Unlock()

	b.hub.emit(b.cfg.Info)
	changes, err := b.watcher.Watch(ctx)
	if err != nil {
		b.finish(started)
		return b.summary, fmt.Errorf("watch ports: %w", err)
	}
	b.armSettle()

	var wg sync.WaitGroup
	ports := map[string]context.CancelCauseFunc{} // by path
	for open := true; open; {
		select {
		case <-ctx.Done():
			open = false
		case c, ok := <-changes:
			if !ok {
				open = false
				if ctx.Err() == nil {
					err = errors.New("watch ports: the system stopped telling of ports")
				}
				break
			}
			b.portChanged(ctx, &wg, ports, c)
		}
	}
	cancel(errShutdown)
	wg.Wait()
	b.finish(started)
	return b.summary, err
}

// portChanged starts or ends the keeper of a port.
func (b *Bench) portChanged(ctx context.Context, wg *sync.WaitGroup, ports map[string]context.CancelCauseFunc, c PortChange) {
	if !c.Added {
		end, ok := ports[c.Port.Path]
		if !ok {
			b.hub.emit(PortSeen{Port: c.Port.Path, Status: "gone", Code: CodePortGone}) // it was ignored
			return
		}
		delete(ports, c.Port.Path)
		end(errUnplugged)
		return
	}
	if _, ok := ports[c.Port.Path]; ok {
		return
	}
	slot, why, use := PortUse(b.cfg.Include, b.cfg.Exclude, b.cfg.Slots, c.Port)
	if !use {
		reason, _ := b.runner.words.Fault(CodePortIgnored, map[string]string{"port": c.Port.Path, "reason": why})
		b.hub.emit(PortSeen{Port: c.Port.Path, Slot: slot, Status: "ignored", Code: CodePortIgnored, Reason: reason})
		return
	}
	kctx, end := context.WithCancelCause(ctx)
	ports[c.Port.Path] = end
	k := &keeper{b: b, port: c.Port, slot: slot}
	b.mu.Lock()
	before := b.keepers[slot]
	b.keepers[slot] = k
	b.mu.Unlock()
	wg.Go(func() {
		defer end(nil)
		if before != nil { // the device came back under another name: let its old port end first
			<-before.done()
		}
		k.keep(kctx)
		b.mu.Lock()
		if b.keepers[slot] == k {
			delete(b.keepers, slot)
		}
		b.mu.Unlock()
		b.settled()
	})
}

// PortUse decides what a port is to the bench: its slot's name, and whether it is used; if not, why, in stable English
// (excluded, not-included, not-usb). Without include patterns every USB port is used.
func PortUse(include, exclude []string, slots map[string]string, p PortInfo) (slot, why string, use bool) {
	slot = p.Path
	if p.Slot != "" {
		slot = p.Slot
	}
	for _, key := range []string{p.Slot, p.Path} {
		if name, ok := slots[key]; ok && key != "" {
			slot = name
		}
	}
	switch {
	case matchPort(exclude, p):
		return slot, "excluded", false
	case len(include) == 0 && p.VID == "":
		return slot, "not-usb", false
	case len(include) > 0 && !matchPort(include, p):
		return slot, "not-included", false
	default:
		return slot, "", true
	}
}

// matchPort reports whether a pattern fits the port's path, slot key or by-id name.
func matchPort(patterns []string, p PortInfo) bool {
	for _, pat := range patterns {
		for _, name := range []string{p.Path, p.Slot, p.ByID} {
			if name == "" {
				continue
			}
			if ok, err := path.Match(pat, name); pat == name || (err == nil && ok) {
				return true
			}
		}
	}
	return false
}

// Retry starts the slot's run again. It fails where there is nothing to retry.
func (b *Bench) Retry(slot string) error {
	k, err := b.keeper(slot)
	if err != nil {
		return err
	}
	return k.retry()
}

// Abort stops the slot's run in flight.
func (b *Bench) Abort(slot string) error {
	k, err := b.keeper(slot)
	if err != nil {
		return err
	}
	return k.abort()
}

// Quit ends the bench: runs in flight end ABORTED, in order.
func (b *Bench) Quit() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stop != nil {
		b.stop(errShutdown)
	}
}

func (b *Bench) keeper(slot string) (*keeper, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	k, ok := b.keepers[slot]
	if !ok {
		return nil, fmt.Errorf("%s is empty: plug a device in", slot)
	}
	return k, nil
}

// claim notes that the hardware is being worked on in the slot; false if another slot has it right now.
func (b *Bench) claim(serial, slot string) (other string, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if at, busy := b.active[serial]; busy && at != slot {
		return at, false
	}
	b.active[serial] = slot
	return "", true
}

func (b *Bench) release(serial, slot string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.active[serial] == slot {
		delete(b.active, serial)
	}
}

// begin asks leave for one more run. There is none once as many as asked for have ended well or are on their way, and
// none on a bench that is ending.
func (b *Bench) begin(ctx context.Context) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if ctx.Err() != nil {
		return false
	}
	if b.cfg.StopAfter > 0 && b.good+b.running >= b.cfg.StopAfter {
		return false
	}
	b.running++
	return true
}

// ended counts a run's end. Runs in flight are never cut off because enough have ended well.
func (b *Bench) ended(e RunEnded) {
	b.hub.emit(e)
	b.mu.Lock()
	b.running--
	b.summary.Count(e.Outcome)
	if e.Outcome.Good() {
		b.good++
	}
	done := b.cfg.StopAfter > 0 && b.good >= b.cfg.StopAfter && b.running == 0
	stop := b.stop
	b.mu.Unlock()
	if done {
		stop(errFinished)
	}
	b.settled()
}

// armSettle gives ports that are slow to appear the same grace as one that says nothing.
func (b *Bench) armSettle() {
	if b.cfg.Settle == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.settle = time.AfterFunc(b.cfg.Settle, b.settleNow)
}

// settled is called when something on the bench has come to rest.
func (b *Bench) settled() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.settle != nil {
		b.settle.Reset(b.cfg.Settle)
	}
}

// settleNow ends the bench if no run is in flight; else the end of that run arms the timer again.
func (b *Bench) settleNow() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.running == 0 {
		b.stop(errFinished)
	}
}

func (b *Bench) finish(started time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.settle != nil {
		b.settle.Stop()
	}
	b.summary.ElapsedMS = b.now().Sub(started).Milliseconds()
	b.hub.emit(b.summary)
}

// newID gives a UUIDv7 (RFC 9562 5.7).
func newID() string { return uuid.Must(uuid.NewV7()).String() }
