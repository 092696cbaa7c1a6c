package campaign_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"slices"

	"provstation/station"
	"provstation/station/audit"
	"provstation/station/devstack"
	"provstation/station/ledger"
)

// judge holds the books against the devices, the CA's list and what the broker saw.
func (w *world) judge(ctx context.Context) error {
	b, err := readBooks(ctx, w.ledgerPath)
	if err != nil {
		return err
	}
	mine := map[string]int{} // device id to run
	files := map[*board]held{}
	for _, x := range w.boards {
		mine[x.id] = x.run
		h, err := readBoard(x.dir)
		if err != nil {
			w.accuse(x.run, "files of %s: %v", x.serial, err)
		}
		files[x] = h
	}
	if len(w.boards) == 0 {
		return errors.New("there was no board to look at")
	}
	issued := w.site.stack.Issued()
	if w.issued != nil {
		issued = w.issued(issued)
	}
	w.judgePasses(b, files)
	w.judgeRecords(b)
	w.judgeReceipts(b)
	w.judgeIssued(b, mine, issued)
	w.judgeHeld(files, issued)
	w.judgeKeys(b, files)
	w.judgeRecovery(b, files)
	w.judgeSecrets()
	if err := w.judgeChain(ctx); err != nil {
		return err
	}
	if err := w.judgeShared(ctx); err != nil {
		return err
	}
	for _, x := range w.boards {
		w.judged = append(w.judged, x.run)
	}
	return nil
}

// judgeChain: the ledger's own hash chain has every row of it, unaltered.
func (w *world) judgeChain(ctx context.Context) error {
	l, err := ledger.Open(ctx, "sqlite:"+w.ledgerPath, ledger.Config{Readers: 1})
	if err != nil {
		return err
	}
	defer l.Close()
	text, err := os.Open(w.heads())
	if err != nil {
		return err
	}
	defer text.Close()
	heads, _, err := ledger.ReadHeads(text)
	if err != nil {
		return err
	}
	r, err := l.Verify(ctx, ledger.VerifyConfig{Keys: audit.NewKeys(w.site.signer.Public), Own: stationID, Heads: heads})
	if err != nil {
		return err
	}
	for _, f := range r.Findings {
		w.accuse(-1, "CHAIN: %v", f)
	}
	if r.Rows == 0 || len(heads) == 0 {
		w.accuse(-1, "CHAIN: it covers nothing")
	}
	w.site.tally.add("rows held against the hash chain", r.Rows)
	return nil
}

// judgeReceipts: what the ledger said it had written is there.
func (w *world) judgeReceipts(b books) {
	for r, run := range w.receipts {
		if !b.rows[r] {
			w.accuse(run, "LOST RECORD: the ledger has not what it said it had: %s", r)
		}
	}
	w.site.tally.add("writes found again", len(w.receipts))
}

// judgeHeld: what a device that is finished holds is in the CA's list, or the list is not the CA's.
func (w *world) judgeHeld(files map[*board]held, issued []devstack.Issued) {
	known := map[[32]byte]bool{}
	for _, c := range issued {
		known[c.Fingerprint] = true
	}
	for x, h := range files {
		if h.sealed && !known[h.print()] {
			w.accuse(x.run, "UNKNOWN CERTIFICATE: %s is sealed with one that is not in the CA's list", x.serial)
		}
	}
}

// judgePasses: no PASS without a device that works.
func (w *world) judgePasses(b books, files map[*board]held) {
	type seen struct {
		id   string
		leaf [32]byte
	}
	met := map[seen]bool{}
	for _, s := range w.site.stack.Seen() {
		met[seen{s.ClientID, s.Leaf}] = true
	}
	for _, r := range b.runs {
		if r.outcome != "PASS" {
			continue
		}
		w.site.tally.add("PASS rows held against files", 1)
		run, found, why := -1, false, errors.New("no board has its serial")
		for x, h := range files {
			if x.serial != r.serial {
				continue
			}
			fp := h.print()
			run, why = x.run, h.proves(r.id, w.site.root)
			switch {
			case why != nil:
			case hex.EncodeToString(fp[:]) != r.leaf:
				why = errors.New("the device holds another certificate")
			case !met[seen{r.id, fp}]:
				why = errors.New("the broker never saw it")
			case r.proof == "" || !b.proofs[r.serial+" "+r.leaf]:
				why = errors.New("no proof is on file")
			default:
				found = true
			}
			if found {
				break
			}
		}
		if !found {
			w.accuse(run, "FALSE PASS of %s in run %s: %v", r.serial, r.run, why)
		}
	}
	for run, e := range w.ended {
		if e.Outcome == station.Pass && b.runs[run].outcome != "PASS" {
			w.accuse(w.runOf(e.HardwareSerial), "FALSE PASS: run %s was shown as PASS and is on record as %q", run, b.runs[run].outcome)
		}
	}
}

func (w *world) runOf(serial string) int {
	for _, b := range w.boards {
		if b.serial == serial {
			return b.run
		}
	}
	return -1
}

// judgeRecords: no run without a record of its end, but those that are on record as open for a reason.
func (w *world) judgeRecords(b books) {
	for _, run := range w.started {
		row, there := b.runs[run]
		e, ended := w.ended[run]
		switch {
		case !there && w.begun[run]:
			w.accuse(w.runOf(e.HardwareSerial), "LOST RECORD: run %s was on file and is not any more", run)
		case !there && ended && (!w.refused[run] || e.Outcome.Good()):
			w.accuse(w.runOf(e.HardwareSerial), "LOST RECORD: run %s ended %s and was never on file", run, e.Outcome)
		case !there:
			w.site.tally.add("refused by the ledger at their first write", 1)
		case row.outcome == "" && ended && !w.unfinished[run]:
			w.accuse(w.runOf(e.HardwareSerial), "LOST RECORD: run %s ended %s and is on file as open", run, e.Outcome)
		case row.outcome == "" || row.code == string(station.CodeInterrupted):
			w.site.tally.add("on file as interrupted", 1)
		case ended && row.outcome != string(e.Outcome) && !w.unfinished[run]:
			w.accuse(w.runOf(e.HardwareSerial), "LOST RECORD: run %s ended %s and is on file as %s", run, e.Outcome, row.outcome)
		}
	}
	for run, row := range b.runs {
		if _, ended := w.ended[run]; row.outcome != "" && !ended && !slices.Contains(w.started, run) {
			w.site.tally.add("on file, told by a station that was killed", 1)
		}
	}
}

// judgeIssued: every certificate of the CA's list is on file, or belongs to a request of its own that is open.
func (w *world) judgeIssued(b books, mine map[string]int, issued []devstack.Issued) {
	taken := map[string]bool{}
	for _, c := range issued {
		run, ours := mine[c.Asked]
		if !ours {
			continue
		}
		w.site.tally.add("certificates in the CA's list", 1)
		if b.serials[c.Serial] {
			continue
		}
		if !take(b.posts, taken, c, w.jumped.Load()) {
			w.accuse(run, "UNKNOWN CERTIFICATE: serial %s for %s is in the CA's list, neither on file nor behind an open request of its own", c.Serial, c.Asked)
			continue
		}
		w.site.tally.add("certificates behind a possibly-issued row", 1)
	}
}

// take finds an open request for a certificate: of the same CSR, not another certificate's, and begun before, unless the
// station's clock was wrong.
func take(posts []postRow, taken map[string]bool, c devstack.Issued, anyTime bool) bool {
	best := ""
	for _, p := range posts {
		open := p.state == "open" || p.state == "unknown"
		if open && !taken[p.post] && p.csr == hex.EncodeToString(c.CSR[:]) && (anyTime || !p.begun.After(c.At)) {
			best = p.post // the newest that fits: older ones are left to older certificates
		}
	}
	taken[best] = best != ""
	return best != ""
}

// judgeSecrets: no private key in any of it.
func (w *world) judgeSecrets() {
	for _, name := range []string{w.ledgerPath, w.ledgerPath + "-wal"} {
		if text, err := os.ReadFile(name); err == nil && bytes.Contains(text, []byte("PRIVATE KEY---")) {
			w.accuse(-1, "%s holds a private key", filepath.Base(name))
		}
	}
}
