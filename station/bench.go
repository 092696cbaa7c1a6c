package station

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"provstation/station/scan"
)

// BenchConfig is what a bench needs beside its parts. Zero values are said with each field.
type BenchConfig struct {
	Info StationInfo // the first event; Schema is filled in

	Ports     PortRules
	SaveSlots func(slots map[string]string) error // makes what was taught durable; nil: it holds for the process

	Staff     Staff        // who may sign in; nil: nobody
	SignIn    bool         // no run begins before somebody has signed in
	Scans     *scan.Reader // reads what a scanner reads; nil: scans are refused
	Batches   Batches      // memory of batches; nil: none
	HoldAfter int          // the batch is held after so many devices in a row failed with the same code; 0: never

	// Only says which devices are worked on; nil: all. The others are left alone, which is said.
	Only func(a Announcement) bool

	SilentAfter time.Duration // how long an open port may say nothing before it is shown as silent; 0: 3 s
	// Profiles chooses how the devices of a port are treated; nil: all alike.
	Profiles  func(p PortInfo) Profile
	StopAfter int           // end when so many runs have ended well; 0: never
	Settle    time.Duration // end when every open port has finished or said nothing for so long; 0: never

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

	rules    PortRules
	operator Person
	teaching bool                  // slots are being taught
	learning string                // the name that the next place gets
	roll     *roll                 // the open batch; nil: none
	closing  bool                  // it is being closed: no run begins
	asks     map[string]*ask       // runs that wait for a label, by slot
	early    map[string]scan.Label // labels that were scanned before their device asked, by hardware serial

	opening sync.Mutex     // one change of the batch at a time, its record included
	saving  sync.WaitGroup // records on their way
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
		keepers: map[string]*keeper{}, active: map[string]string{}, rules: cfg.Ports,
		asks: map[string]*ask{}, early: map[string]scan.Label{},
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

	b.cfg.Info.Interrupted = b.endInterrupted(ctx)
	b.hub.emit(b.cfg.Info)
	if b.cfg.Staff != nil {
		p := Person{Name: b.runner.cfg.Start.Operator, Role: RoleOperator}
		if known, ok := b.cfg.Staff.ByName(p.Name); ok && p.Name != "" {
			p = known
		}
		b.signIn(p)
	}
	defer b.followLedger()()
	if err := b.carryOn(ctx); err != nil {
		b.finish(started)
		return b.summary, err
	}
	changes, err := b.watcher.Watch(ctx)
	if err != nil {
		b.finish(started)
		return b.summary, fmt.Errorf("watch ports: %w", err)
	}
	b.armSettle()

	var wg sync.WaitGroup
	wg.Go(func() { b.runner.askAhead(ctx) })
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
	b.saving.Wait()
	b.finish(started)
	return b.summary, err
}

// endInterrupted ends the runs that an earlier process of this station left open. A ledger that cannot be written says so
// again in every run.
func (b *Bench) endInterrupted(ctx context.Context) int {
	if b.cfg.Info.StationID == "" {
		return 0
	}
	n, err := b.runner.ledger.EndInterrupted(ctx, b.cfg.Info.StationID, b.now().UTC())
	switch {
	case err != nil:
		b.log.Error("runs that were cut are still open on record", "err", err)
	case n > 0:
		b.log.Warn("ended runs that were cut", "runs", n)
	}
	crash(pointInterrupted)
	return n
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
	b.learn(c.Port)
	slot, why, use := b.portRules().Use(c.Port)
	if !use {
		b.leave(c.Port, slot, why)
		return
	}
	kctx, end := context.WithCancelCause(ctx)
	ports[c.Port.Path] = end
	c.Port.SlotName = slot
	k := &keeper{b: b, port: c.Port, slot: slot, profile: b.profileOf(c.Port)}
	b.mu.Lock()
	before := b.keepers[slot]
	b.keepers[slot] = k
	b.mu.Unlock()
	if before != nil { // its name was taught to another place
		if end, there := ports[before.port.Path]; there && before.port.Path != c.Port.Path {
			delete(ports, before.port.Path)
			end(errUnplugged)
		}
	}
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

// portRules are the rules as they hold now; their map is never changed.
func (b *Bench) portRules() PortRules {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.rules
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
		return nil, &Fault{Code: CodeSlotEmpty, Params: map[string]string{"slot": printable(slot)}}
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

// ended counts a run's end. Runs in flight are never cut off because enough have ended well.
func (b *Bench) ended(e RunEnded) {
	b.mu.Lock()
	b.hub.emit(e)
	b.running--
	b.summary.Count(e.Outcome)
	b.summary.Adopt(e.Adopted)
	if e.Outcome.Good() || e.Outcome == Collected {
		b.good++
	}
	b.counted(e)
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
