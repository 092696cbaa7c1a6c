package campaign_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"provstation/station"
)

// recover plugs every board in again, without faults. Boards that share a serial come one after the other: which of them
// is the real one nobody can know, and the second has to be held.
func (w *world) recover(ctx context.Context) {
	w.mu.Lock()
	w.units = map[string]*unit{}
	w.mu.Unlock()
	groups := map[string][]*board{}
	for _, b := range w.boards {
		groups[b.serial] = append(groups[b.serial], b)
	}
	var wg sync.WaitGroup
	for _, g := range groups {
		wg.Go(func() {
			for _, b := range g {
				w.recoverOne(ctx, b)
			}
		})
	}
	w.carryOut(wg.Wait)
}

// Tries of a recovery, and how many more there are where the machine was too busy for what a station waits for.
const (
	recoverTries = 2
	spoiledTries = 6
)

// recoverOne plugs a board in until a run has ended well, twice at most. A try that ran out of time while this process could
// not run proves nothing and is made again.
func (w *world) recoverOne(ctx context.Context, b *board) {
	w.observe(b)
	defer w.observe(b)
	u := newUnit(w, filepath.Base(b.dir), b, plan{})
	u.plugs = recovering // a path of its own tells its ends from those of the runs before
	w.mu.Lock()
	w.units[u.slot] = u
	w.mu.Unlock()
	for try, spoiled := 1, 0; try <= recoverTries; try++ {
		before := w.site.pulse.hitches.Load()
		u.plug(ctx, try > 1 || spoiled > 0)
		e := u.ended(ctx)
		u.unplug(0)
		w.mu.Lock()
		w.recovered[b], w.tries[b] = e, try
		w.mu.Unlock()
		if e.Outcome.Good() || b.twin && !ranOut(e.Code) {
			return
		}
		if ranOut(e.Code) && spoiled < spoiledTries && w.site.pulse.hitches.Load() > before {
			w.site.tally.add("tries that a busy machine spoiled", 1)
			spoiled++
			try--
			w.site.pulse.calm(ctx, quiet)
		}
	}
}

// ranOut reports whether a run ended because something took too long. Neither line nor neighbours have a fault then.
func ranOut(c station.Code) bool {
	switch c {
	case station.CodeDeadline, station.CodeLineNoise, station.CodeBridgeTimeout, station.CodeBrokerTimeout, station.CodeLedger:
		return true
	default:
		return false
	}
}

// recovering is from which number on a unit's ports are those of the recovery.
const recovering = 1000

// ended waits for the end of a run on the unit's present port.
func (u *unit) ended(ctx context.Context) (e station.RunEnded) {
	patience := u.w.site.pulse.patience()
	for {
		select {
		case e = <-u.ends:
			if e.Port == u.path {
				return e
			}
		case <-u.w.site.pulse.ticked():
			if patience.over(u.progress.Load()) {
				return station.RunEnded{}
			}
		case <-ctx.Done():
			return station.RunEnded{}
		}
	}
}

// observe reads which key each enrollment id has on a board that is off.
func (w *world) observe(b *board) {
	files, err := filepath.Glob(filepath.Join(b.dir, "generations", "*", "generation.json"))
	if err != nil {
		return
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		var g struct {
			EnrollID []byte `json:"enroll_id"`
			SPKI     []byte `json:"spki_sha256"`
		}
		if err := json.Unmarshal(text, &g); err != nil {
			w.accuse(b.run, "%s does not read: %v", f, err)
			continue
		}
		key, spki := fmt.Sprintf("%s %x", b.serial, g.EnrollID), hex.EncodeToString(g.SPKI)
		if b.twin {
			key = b.dir + " " + key
		}
		w.mu.Lock()
		had := w.enrolled[key]
		w.enrolled[key] = spki
		w.mu.Unlock()
		if had != "" && had != spki {
			w.accuse(b.run, "SECOND KEY: enrollment id %x has two keys on the device: %s and %s", g.EnrollID, had, spki)
		}
	}
}
