package campaign_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"provstation/station/stationtest"
)

const (
	together = 8    // runs that share a station
	perStack = 2000 // runs that share a tenant stack

	few        = 4 // worlds that are at work whatever else this machine does
	sayEvery   = 15 * time.Second
	beforeNext = time.Second // and how long one more waits at most for the machine to have time
)

// least is from how many runs on every kind of fault is expected to have happened.
var least = 6 * len(kinds)

// setting is what was asked for, by the environment: `make faults` sets it.
type setting struct {
	n        int
	seed     uint64
	only     int     // -1: all
	plan     []fault // of the only run, in place of the one that was drawn
	replaced bool
	parallel int // worlds at a time
	full     bool
}

// settings reads FAULTS_N, FAULTS_SEED (a number, or "random"), FAULTS_RUN, FAULTS_PLAN and FAULTS_PARALLEL.
func settings(t *testing.T) setting {
	t.Helper()
	number := func(name string, otherwise int) int {
		v := os.Getenv(name)
		if v == "" {
			return otherwise
		}
		n, err := strconv.Atoi(v)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return n
	}
	s := setting{
		n: number("FAULTS_N", least), seed: 1, only: number("FAULTS_RUN", -1), parallel: number("FAULTS_PARALLEL", 12),
		full: os.Getenv("FAULTS_N") != "",
	}
	switch v := os.Getenv("FAULTS_SEED"); v {
	case "":
	case "random":
		s.seed = rand.Uint64() >> 33
	default:
		n, err := strconv.ParseUint(v, 10, 64)
		if err != nil {
			t.Fatalf("FAULTS_SEED: %v", err)
		}
		s.seed = n
	}
	if v := os.Getenv("FAULTS_PLAN"); v != "" {
		if s.only < 0 {
			t.Fatal("FAULTS_PLAN: of which run? Give FAULTS_RUN, too")
		}
		list, err := parsePlan(v)
		if err != nil {
			t.Fatalf("FAULTS_PLAN: %v", err)
		}
		s.plan, s.replaced = list, true
	}
	return s
}

// scratch is a folder in memory where there is one: what is tested is not the disk, and syncing takes most of the time.
func scratch(t *testing.T) string {
	t.Helper()
	if runtime.GOOS == "linux" {
		if dir, err := os.MkdirTemp("/dev/shm", "provstation-faults-"); err == nil { //nolint:usetesting // TempDir is on a disk
			t.Cleanup(func() { _ = os.RemoveAll(dir) })
			return dir
		}
	}
	return t.TempDir()
}

// campaign is one execution of many worlds.
type campaign struct {
	t        *testing.T
	s        setting
	dir      string
	template []byte
	tallies  tallies
	pulse    *pulse
	began    time.Time
	said     time.Time // how far it is
	plans    []plan
	bad      []violation
	stop     context.Context //nolint:containedctx // done with the first signal; nil: none is heeded
	judged   map[int]bool    // runs whose devices the oracle has looked at
	tamper   func(*world)    // what a product that is broken would do, for the campaign's own tests; nil: nothing
}

func newCampaign(t *testing.T, s setting) *campaign {
	t.Helper()
	c := &campaign{t: t, s: s, dir: scratch(t), tallies: newTallies(), pulse: newPulse(t.Context()), judged: map[int]bool{}}
	before := debug.SetGCPercent(400) // there is memory to spare, and no time
	t.Cleanup(func() { debug.SetGCPercent(before) })
	var err error
	if c.template, err = emptyLedger(t.Context(), c.dir); err != nil {
		t.Fatal(err)
	}
	for run := range s.n {
		c.plans = append(c.plans, drawPlan(s.seed, run))
	}
	return c
}

// run executes the worlds with the given numbers, one stack after the other.
func (c *campaign) run(ctx context.Context, worlds []int, plans []plan) {
	var mu sync.Mutex
	server := ""
	if shares(plans) {
		server = stationtest.StartPostgres(c.t).URL
	}
	stack := max(1, perStack/together)
	for i := 0; i < len(worlds); i += stack {
		some := worlds[i:min(len(worlds), i+stack)]
		dir := filepath.Join(c.dir, fmt.Sprintf("stack-%d", i))
		s, err := openSite(ctx, dir, some[0]/stack, c.template, c.tallies, c.pulse) // the same boards in a replay
		if err != nil {
			c.t.Fatal(err)
		}
		s.server = server
		var wg sync.WaitGroup
		slots := make(chan struct{}, c.s.parallel)
		for _, n := range some {
			slots <- struct{}{}
			if c.stopped() {
				break
			}
			if len(slots) > few {
				c.pulse.calm(ctx, beforeNext)
			}
			wg.Go(func() {
				defer func() { <-slots }()
				bad, judged := c.world(ctx, s, n, plans)
				mu.Lock()
				c.bad = append(c.bad, bad...)
				for _, run := range judged {
					c.judged[run] = true
				}
				c.progress()
				mu.Unlock()
				for _, v := range bad {
					fmt.Printf("run %d (%s): %s\n", v.run, plans[v.run], v.text)
				}
			})
		}
		wg.Wait()
		if err := s.close(); err != nil {
			c.t.Error(err)
		}
		if c.stopped() {
			return
		}
		_ = os.RemoveAll(dir)
	}
}

// stopped reports whether a signal came: no world begins any more, and those that have go on to their end, so that there is a
// table of what was done.
func (c *campaign) stopped() bool { return c.stop != nil && c.stop.Err() != nil }

// progress says how far it is, in a campaign that somebody waits for.
func (c *campaign) progress() {
	if c.s.full && time.Since(c.said) > sayEvery {
		c.said = time.Now()
		fmt.Printf("%d runs, %d violations, %v, lag %v\n", len(c.judged), len(c.bad), c.said.Sub(c.began).Round(time.Second),
			time.Duration(c.pulse.lag.Load())*time.Microsecond)
	}
}

// world executes one world.
func (c *campaign) world(ctx context.Context, s *site, n int, plans []plan) (bad []violation, judged []int) {
	first := n * together
	w, err := newWorld(s, n, c.s.seed, first, plans[first:min(len(plans), first+together)])
	if err != nil {
		return []violation{{first, err.Error()}}, nil
	}
	if c.tamper != nil {
		w.tamper = func() { c.tamper(w) }
	}
	bad = w.execute(ctx)
	for i := range bad {
		if bad[i].run < 0 && len(bad) > 0 {
			bad[i].run = first
		}
	}
	s.tally.add("station runs", len(w.started))
	for id := range s.units.Range {
		if name, ok := id.(string); ok && slices.ContainsFunc(w.boards, func(b *board) bool { return b.id == name }) {
			s.units.Delete(id)
		}
	}
	_ = os.RemoveAll(w.dir)
	return bad, w.judged
}

// Every run draws its faults from the seed; the oracle asks the devices' files, the ledger and the CA, not the station.
func TestCampaign(t *testing.T) {
	s := settings(t)
	c := newCampaign(t, s)
	var worlds []int
	for n := range (s.n + together - 1) / together {
		worlds = append(worlds, n)
	}
	if s.only >= 0 {
		if s.only >= s.n {
			t.Fatalf("run %d of %d", s.only, s.n)
		}
		worlds = []int{s.only / together}
		if s.replaced {
			c.alone(s.only, s.plan)
		}
		for i := worlds[0] * together; i < min(s.n, (worlds[0]+1)*together); i++ {
			t.Logf("run %d: %s", i, c.plans[i])
		}
	}
	fmt.Printf("seed %d, %d runs\n", s.seed, s.n)
	stop, ignore := signal.NotifyContext(t.Context(), os.Interrupt, syscall.SIGTERM)
	defer ignore()
	c.stop, c.began = stop, time.Now()
	c.run(t.Context(), worlds, c.plans)
	c.report(c.began)
	for i, v := range c.bad {
		if i == 20 {
			t.Errorf("and %d more", len(c.bad)-i)
			break
		}
		t.Errorf("run %d (%s): %s\n  make faults N=%d SEED=%d RUN=%d", v.run, c.plans[v.run], v.text, s.n, s.seed, v.run)
	}
	var missed []int
	for _, n := range worlds {
		for run := n * together; run < min(s.n, (n+1)*together); run++ {
			if !c.judged[run] {
				missed = append(missed, run)
			}
		}
	}
	switch {
	case len(missed) > 0 && c.stopped():
		t.Errorf("stopped by a signal: %d runs were not done", len(missed))
	case len(missed) > 0:
		t.Errorf("the oracle never looked at %d runs, the first is %d", len(missed), missed[0])
	}
	c.smallest()
	if s.only < 0 && len(c.judged) >= least {
		for _, k := range kinds {
			if c.tallies.hits.of(k.name) == 0 {
				t.Errorf("%s never happened: the campaign says nothing about it", k.name)
			}
		}
	}
}
