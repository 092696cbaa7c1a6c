package campaign_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	together = 8    // runs that share a station
	perStack = 2000 // runs that share a tenant stack
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
	tallies  [3]*tally
	plans    []plan
	bad      []violation
}

func newCampaign(t *testing.T, s setting) *campaign {
	t.Helper()
	c := &campaign{t: t, s: s, dir: scratch(t), tallies: [3]*tally{newTally(), newTally(), newTally()}}
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
	stack := max(1, perStack/together)
	for i := 0; i < len(worlds); i += stack {
		some := worlds[i:min(len(worlds), i+stack)]
		dir := filepath.Join(c.dir, fmt.Sprintf("stack-%d", i))
		s, err := openSite(ctx, dir, i, c.template, c.tallies)
		if err != nil {
			c.t.Fatal(err)
		}
		var wg sync.WaitGroup
		slots := make(chan struct{}, c.s.parallel)
		for _, n := range some {
			slots <- struct{}{}
			wg.Go(func() {
				defer func() { <-slots }()
				bad := c.world(ctx, s, n, plans)
				mu.Lock()
				c.bad = append(c.bad, bad...)
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
		if c.s.full {
			fmt.Printf("%d runs, %d violations\n", min(c.s.n, (i+len(some))*together), len(c.bad))
		}
		_ = os.RemoveAll(dir)
	}
}

// world executes one world.
func (c *campaign) world(ctx context.Context, s *site, n int, plans []plan) []violation {
	first := n * together
	w, err := newWorld(s, n, c.s.seed, first, plans[first:min(len(plans), first+together)])
	if err != nil {
		return []violation{{-1, err.Error()}}
	}
	bad := w.execute(ctx)
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
	return bad
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
	began := time.Now()
	c.run(t.Context(), worlds, c.plans)
	c.report(began)
	for i, v := range c.bad {
		if i == 20 {
			t.Errorf("and %d more", len(c.bad)-i)
			break
		}
		t.Errorf("run %d (%s): %s\n  make faults N=%d SEED=%d RUN=%d", v.run, c.plans[v.run], v.text, s.n, s.seed, v.run)
	}
	c.shrink()
	if s.only < 0 && s.n >= least {
		for _, k := range kinds {
			if c.tallies[2].of(k.name) == 0 {
				t.Errorf("%s never happened: the campaign says nothing about it", k.name)
			}
		}
	}
}

// alone leaves one run of its world its faults, or others, and takes all others away.
func (c *campaign) alone(run int, faults []fault) []plan {
	first := run / together * together
	for i := first; i < min(len(c.plans), first+together); i++ {
		if i != run {
			c.plans[i].faults = nil
		}
	}
	c.plans[run].faults = faults
	return c.plans
}

// shrink looks for a smaller plan that fails as well, for the first run that failed.
func (c *campaign) shrink() {
	if len(c.bad) == 0 || c.s.replaced {
		return
	}
	run := c.bad[0].run
	fails := func(faults []fault) bool {
		d := &campaign{t: c.t, s: c.s, dir: c.dir, template: c.template, tallies: [3]*tally{newTally(), newTally(), newTally()}}
		d.plans = slices.Clone(c.plans)
		d.alone(run, faults)
		d.run(c.t.Context(), []int{run / together}, d.plans)
		return len(d.bad) > 0
	}
	left := slices.Clone(c.plans[run].faults)
	if !fails(left) {
		c.t.Logf("run %d alone does not fail: it takes its neighbours, or the moment", run)
		return
	}
	for i := 0; i < len(left) && len(left) > 1; {
		if fewer := slices.Delete(slices.Clone(left), i, i+1); fails(fewer) {
			left = fewer
		} else {
			i++
		}
	}
	c.t.Logf("smallest: make faults N=%d SEED=%d RUN=%d PLAN=%s", c.s.n, c.s.seed, run, plan{faults: left})
}

// report prints what was done and what came of it.
func (c *campaign) report(began time.Time) {
	count := func(what string) (n int) {
		for _, v := range c.bad {
			if strings.HasPrefix(v.text, what) {
				n++
			}
		}
		return n
	}
	total := 0
	for _, k := range kinds {
		total += c.tallies[2].of(k.name)
	}
	runs := c.s.n
	if c.s.only >= 0 {
		runs = min(together, c.s.n)
	}
	c.t.Logf("seed %d: %d runs, %d station runs, %d faults of %d kinds, %v", c.s.seed, runs, c.tallies[0].of("station runs"), total, len(kinds), time.Since(began).Round(time.Second))
	c.t.Logf("faults: %s", c.tallies[2])
	c.t.Logf("ends: %s", c.tallies[1])
	c.t.Logf("counted: %s", c.tallies[0])
	c.t.Logf("false PASS %d, lost records %d, unknown certificates %d, not recovered %d, all violations %d",
		count("FALSE PASS"), count("LOST RECORD"), count("UNKNOWN CERTIFICATE"), count("NOT RECOVERED"), len(c.bad))
}
