package campaign_test

import (
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"strings"

	"provstation/station"
)

// judgeKeys: one key for one enrollment id, one device for one key and one id.
func (w *world) judgeKeys(b books, files map[*board]held) {
	byEnroll, bySerial := map[string]string{}, map[string]string{}
	for _, k := range b.keys {
		if had := byEnroll[k.enroll]; k.enroll != "" && had != "" && had != k.spki {
			w.accuse(w.runOf(k.serial), "SECOND KEY: enrollment id %s has two keys on file: %s and %s", k.enroll, had, k.spki)
		}
		byEnroll[k.enroll] = k.spki
		if had := bySerial[k.spki]; had != "" && had != k.serial {
			w.accuse(w.runOf(k.serial), "SECOND KEY: key %s belongs to %s and %s", k.spki, had, k.serial)
		}
		bySerial[k.spki] = k.serial
	}
	for key, spki := range w.enrolled {
		_, enroll, _ := strings.Cut(key, " ")
		if had := byEnroll[enroll]; had != "" && had != spki {
			w.accuse(-1, "SECOND KEY: enrollment id %s has key %s on file and %s on the device", enroll, had, spki)
		}
	}
	w.site.tally.add("enrollment ids on devices, each with one key", len(w.enrolled))
	owner, names := map[string]*board{}, map[string]*board{}
	for x, h := range files {
		if h.leaf == nil {
			continue
		}
		spki := sha256.Sum256(h.leaf.RawSubjectPublicKeyInfo)
		if h.sealed && bySerial[hex.EncodeToString(spki[:])] != x.serial {
			w.accuse(x.run, "SECOND KEY: %s is sealed with a key that is not on file as its own", x.serial)
		}
		if o := owner[string(spki[:])]; o != nil {
			w.accuse(x.run, "SECOND KEY: %s and %s hold the same key", o.dir, x.dir)
		}
		owner[string(spki[:])] = x
		id := h.leaf.Subject.CommonName
		if o := names[id]; o != nil && h.sealed {
			w.accuse(x.run, "%s and %s are both sealed as %s", o.dir, x.dir, id)
		}
		if h.sealed {
			names[id] = x
		}
	}
}

// judgeRecovery: every board came to its PASS; of two with one serial just one, and the other is held.
func (w *world) judgeRecovery(b books, files map[*board]held) {
	good, passed := map[string]int{}, map[string]bool{}
	for _, r := range b.runs {
		passed[r.serial+" "+r.leaf] = passed[r.serial+" "+r.leaf] || r.outcome == string(station.Pass)
	}
	for _, x := range w.boards {
		e := w.recovered[x]
		if e.Outcome.Good() {
			good[x.serial]++
			if err := files[x].proves(x.id, w.site.root); err != nil {
				w.accuse(x.run, "NOT RECOVERED: %s ended %s: %v", x.serial, e.Outcome, err)
			}
			fp := files[x].print()
			if leaf := hex.EncodeToString(fp[:]); !passed[x.serial+" "+leaf] || !b.proofs[x.serial+" "+leaf] {
				w.accuse(x.run, "NOT RECOVERED: %s ended %s, and no PASS with its certificate is on file", x.serial, e.Outcome)
			}
		}
		switch {
		case x.twin && (e.Outcome == station.Uncertain || e.Outcome == station.Fail):
			w.site.tally.add("twins held", 1)
		case !e.Outcome.Good():
			w.accuse(x.run, "NOT RECOVERED: %s (%s): %s %s in %q %v, %s", x.serial, filepath.Base(x.dir), e.Outcome, e.Code, e.Phase, e.Params, w.story(b, x.serial))
		case w.tries[x] > 1:
			w.site.tally.add("recovered by the second plug-in", 1)
		default:
			w.site.tally.add("recovered", 1)
		}
	}
	for _, x := range w.boards {
		if x.twin && good[x.serial] != 1 {
			w.accuse(x.run, "of two boards with serial %s, %d ended well, want 1", x.serial, good[x.serial])
		}
	}
}

// story is the runs of a board.
func (w *world) story(b books, serial string) string {
	var list []string
	for _, run := range w.started {
		if r := b.runs[run]; r.serial == serial {
			list = append(list, r.outcome+" "+r.code)
		}
	}
	return strings.Join(list, "; ")
}
