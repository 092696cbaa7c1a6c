package campaign_test

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	_ "modernc.org/sqlite"

	"provstation/station"
	"provstation/station/devstack"
)

// world is one station with its ledger and the runs that share them.
type world struct {
	site       *site
	number     int
	seed       uint64
	dir        string
	ledgerPath string
	database   *database       // nil: the ledger is the station's alone
	power      context.Context //nolint:containedctx // ends with the world: the devices' power

	telling sync.Mutex // one change of a port at a time, as a system tells of them

	mu    sync.Mutex
	shop  *shop
	units map[string]*unit // by slot
	lines map[string]*unit // by path, those that are plugged in

	quiet  bool         // the faults are over
	jump   atomic.Int64 // what the station's clock is off by, in seconds
	jumped atomic.Bool

	orders chan func()
	plans  map[int]plan                                   // by run
	tamper func()                                         // called before the oracle looks; nil: nobody tampers
	issued func(list []devstack.Issued) []devstack.Issued // what is shown as the CA's list; nil: the list

	// What the oracle holds against the ledger.
	boards     []*board
	started    []string // runs that the events told of, in order
	begun      map[string]bool
	refused    map[string]bool             // runs whose first write the ledger refused
	unfinished map[string]bool             // runs whose last write the station heard to have failed
	ended      map[string]station.RunEnded // by run
	recovered  map[*board]station.RunEnded // how a board's recovery ended
	tries      map[*board]int
	enrolled   map[string]string // enroll id to SPKI, as the boards' files showed it
	receipts   map[receipt]int   // what the ledger said it had written, and of which run of the campaign
	judged     []int             // runs whose boards the oracle has looked at
	bad        []violation
}

// violation is something that must not be.
type violation struct {
	run  int // -1: not one run's
	text string
}

func (w *world) accuse(run int, format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bad = append(w.bad, violation{run, fmt.Sprintf(format, args...)})
}

func (w *world) note(set map[string]bool, run string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	set[run] = true
}

// receive keeps a receipt.
func (w *world) receive(run int, r receipt) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.receipts[r] = run
}

func (w *world) unit(slot string) *unit {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.units[slot]
}

func (w *world) at(path string) *unit {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lines[path]
}

// plugged tells the station of a unit's port.
func (w *world) plugged(u *unit, in bool) {
	w.telling.Lock()
	defer w.telling.Unlock()
	w.mu.Lock()
	if in {
		w.lines[u.path] = u
	} else {
		delete(w.lines, u.path)
	}
	s := w.shop
	w.mu.Unlock()
	if s != nil {
		s.tell(station.PortChange{Added: in, Port: station.PortInfo{Path: u.path, Slot: u.slot}})
	}
}

// heard takes an event of a living station.
func (w *world) heard(e station.Event) {
	switch b := e.Body.(type) {
	case station.RunStarted:
		w.mu.Lock()
		w.started = append(w.started, b.Run)
		w.mu.Unlock()
		w.moved(b.Slot)
	case station.PhaseChanged:
		w.moved(b.Slot)
	case station.RunEnded:
		w.site.tally.add("end "+string(b.Outcome), 1)
		w.site.codes.add(string(b.Outcome)+" "+string(b.Code), 1)
		if show := w.site.show; show != "" && strings.HasPrefix(string(b.Code), show) {
			fmt.Fprintf(os.Stderr, "%s %s %s in %s: %v\n", b.HardwareSerial, b.Outcome, b.Code, b.Phase, b.Params)
		}
		w.mu.Lock()
		w.ended[b.Run] = b
		u := w.units[b.Slot]
		w.mu.Unlock()
		if u != nil {
			u.progress.Add(1)
			u.ends <- b
		}
	}
}

// moved notes progress of what is in a slot.
func (w *world) moved(slot string) {
	if u := w.unit(slot); u != nil {
		u.progress.Add(1)
	}
}

// now is the station's clock.
func (w *world) now() time.Time { return time.Now().Add(time.Duration(w.jump.Load()) * time.Second) }

// order has the station restarted, in order or after its death.
func (w *world) order(s *shop, killed bool) {
	select {
	case w.orders <- func() { w.restart(s, killed) }:
	default:
	}
}

// restart puts a new station where the old one was.
func (w *world) restart(s *shop, killed bool) {
	w.mu.Lock()
	if w.shop != s {
		w.mu.Unlock()
		return
	}
	w.shop = nil
	w.mu.Unlock()
	if killed {
		w.site.tally.add("stations killed", 1)
	} else {
		w.site.tally.add("stations stopped", 1)
	}
	if err := s.close(); err != nil {
		w.accuse(-1, "station does not end well: %v", err)
	}
	if err := w.open(); err != nil {
		w.accuse(-1, "station does not start again: %v", err)
		return
	}
	if killed { // most people pull a cable when a screen is black
		for _, u := range w.all() {
			if !u.plan.left {
				u.order(func() {
					u.unplug(0)
					u.plug(w.power, false)
				})
			}
		}
	}
}

func (w *world) all() []*unit {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []*unit
	for _, u := range w.units {
		list = append(list, u)
	}
	return list
}

// open starts a station and tells it of what is plugged in.
func (w *world) open() error {
	s, err := openShop(w.power, w)
	if err != nil {
		return err
	}
	w.telling.Lock()
	defer w.telling.Unlock()
	w.mu.Lock()
	w.shop = s
	var there []station.PortChange
	for path, u := range w.lines {
		there = append(there, station.PortChange{Added: true, Port: station.PortInfo{Path: path, Slot: u.slot}})
	}
	w.mu.Unlock()
	for _, c := range there {
		s.tell(c)
	}
	return nil
}

// lockLedger is another process that holds the ledger for longer than the station waits. Nil: it did not get it.
func (w *world) lockLedger() (unlock func()) {
	db, err := sql.Open("sqlite", "file:"+w.ledgerPath+"?_pragma=busy_timeout(1000)&_txlock=immediate")
	if err != nil {
		return nil
	}
	tx, err := db.BeginTx(context.Background(), nil)
	if err != nil {
		_ = db.Close()
		return nil
	}
	return func() { _, _ = tx.Rollback(), db.Close() }
}

// heads is the file of signed heads beside the ledger.
func (w *world) heads() string { return w.ledgerPath + ".heads" }

// newWorld makes a world for these plans; the n-th is run first+n.
func newWorld(s *site, number int, seed uint64, first int, plans []plan) (*world, error) {
	w := &world{
		site: s, number: number, seed: seed, dir: filepath.Join(s.dir, fmt.Sprintf("w%d", number)), units: map[string]*unit{},
		lines: map[string]*unit{}, orders: make(chan func(), 64), begun: map[string]bool{}, refused: map[string]bool{}, unfinished: map[string]bool{},
		ended: map[string]station.RunEnded{}, recovered: map[*board]station.RunEnded{}, tries: map[*board]int{}, plans: map[int]plan{}, enrolled: map[string]string{}, receipts: map[receipt]int{},
	}
	if err := os.MkdirAll(w.dir, 0o700); err != nil {
		return nil, err
	}
	w.ledgerPath = filepath.Join(w.dir, "ledger.db")
	if err := os.WriteFile(w.ledgerPath, s.template, 0o600); err != nil {
		return nil, err
	}
	for i, p := range plans {
		run := first + i
		w.plans[run] = p
		slot := fmt.Sprintf("s%d", i+1)
		b := w.board(run, fmt.Sprintf("FC%d-%06d", s.generation, run), slot, false)
		u := newUnit(w, slot, b, p)
		w.units[slot] = u
		s.units.Store(b.id, u)
		if _, ok := p.has("device.swapped"); ok {
			u.spare = w.board(run, fmt.Sprintf("FX%d-%06d", s.generation, run), slot+"x", false)
		}
		if f, ok := p.has("device.twin"); ok {
			b.twin = true
			t := newUnit(w, slot+"t", w.board(run, b.serial, slot+"t", true), plan{})
			t.late = time.Duration(f.n) * 10 * time.Millisecond
			w.units[t.slot] = t
			s.hit(f.kind)
		}
	}
	return w, nil
}

func (w *world) board(run int, serial, name string, twin bool) *board {
	b := &board{run: run, serial: serial, id: idOf(serial), dir: filepath.Join(w.dir, name), twin: twin}
	w.boards = append(w.boards, b)
	return b
}

// execute does the runs, then has every board plugged in again without faults, then asks the oracle.
func (w *world) execute(ctx context.Context) []violation {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w.power = ctx
	for _, b := range w.boards {
		if err := os.MkdirAll(b.dir, 0o700); err != nil {
			w.accuse(b.run, "folder of a board: %v", err)
			return w.bad
		}
	}
	if shares(slices.Collect(maps.Values(w.plans))) {
		w.site.sharing <- struct{}{}
		defer func() { <-w.site.sharing }()
		d, err := newDatabase(ctx, w.site.server, w.schemaOf())
		if err != nil {
			w.accuse(-1, "database: %v", err)
			return w.bad
		}
		w.database = d
		defer func() {
			if err := d.drop(); err != nil {
				w.accuse(-1, "database: %v", err)
			}
		}()
	}
	if err := w.open(); err != nil {
		w.accuse(-1, "station does not start: %v", err)
		return w.bad
	}
	for _, u := range w.all() {
		if f, ok := u.plan.has("station.kill-any"); ok {
			s := w.shop
			t := time.AfterFunc(time.Duration(f.n)*time.Millisecond, func() {
				if s.die() {
					w.site.hit(f.kind)
				}
			})
			defer t.Stop()
		}
	}
	w.stage(ctx, w.all())
	w.calm()
	w.recover(ctx)
	if w.shop != nil {
		if err := w.shop.close(); err != nil {
			w.accuse(-1, "station does not end well: %v", err)
		}
	}
	if err := w.handOver(ctx); err != nil {
		w.accuse(-1, "SHARED: what waits is not taken: %v", err)
	}
	if w.tamper != nil {
		w.tamper()
	}
	if err := w.judge(ctx); err != nil {
		w.accuse(-1, "oracle: %v", err)
	}
	return w.bad
}

// stage lets units live until all are through.
func (w *world) stage(ctx context.Context, units []*unit) {
	var wg sync.WaitGroup
	for _, u := range units {
		wg.Go(func() { u.live(ctx) })
	}
	w.carryOut(wg.Wait)
}

// calm ends the faults: from now on nothing goes wrong any more. A station that was killed at the last moment is started again.
func (w *world) calm() {
	for _, u := range w.all() {
		u.faulty.Store(false)
	}
	w.mu.Lock()
	w.quiet = true
	w.mu.Unlock()
	w.jump.Store(0)
	if w.database != nil {
		if err := w.database.gate.reopen(); err != nil {
			w.accuse(-1, "gate: %v", err)
		}
	}
	w.drain()
}

// carryOut does what is ordered of the world until wait returns.
func (w *world) carryOut(wait func()) {
	done := make(chan struct{})
	go func() {
		wait()
		close(done)
	}()
	for {
		select {
		case f := <-w.orders:
			f()
		case <-done:
			w.drain()
			return
		}
	}
}

// drain carries out what was ordered at the last moment.
func (w *world) drain() {
	for {
		select {
		case f := <-w.orders:
			f()
		default:
			return
		}
	}
}
