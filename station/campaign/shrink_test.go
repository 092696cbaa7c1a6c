package campaign_test

import (
	"slices"
)

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

// smallest says how the first failure is had with the fewest faults.
func (c *campaign) smallest() {
	if len(c.bad) == 0 || c.s.replaced {
		return
	}
	run := c.bad[0].run
	if left, alone := c.shrink(run); alone {
		c.t.Logf("smallest: make faults N=%d SEED=%d RUN=%d PLAN=%s", c.s.n, c.s.seed, run, plan{faults: left})
	} else {
		c.t.Logf("run %d alone does not fail: it takes its neighbours, or the moment", run)
	}
}

// shrink looks for a smaller plan with which a run fails as well. Not alone: it does not fail without its neighbours' faults.
func (c *campaign) shrink(run int) (left []fault, alone bool) {
	fails := func(faults []fault) bool {
		d := &campaign{t: c.t, s: c.s, dir: c.dir, template: c.template, tallies: newTallies(), pulse: c.pulse, tamper: c.tamper, judged: map[int]bool{}}
		d.plans = slices.Clone(c.plans)
		d.alone(run, faults)
		d.run(c.t.Context(), []int{run / together}, d.plans)
		return len(d.bad) > 0
	}
	left = slices.Clone(c.plans[run].faults)
	if !fails(left) {
		return left, false
	}
	for i := 0; i < len(left) && len(left) > 1; {
		if fewer := slices.Delete(slices.Clone(left), i, i+1); fails(fewer) {
			left = fewer
		} else {
			i++
		}
	}
	return left, true
}
