package campaign_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"database/sql"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"provstation/station"
	"provstation/station/devstack"
)

// held is what a board's own files say, as its programs would read them.
type held struct {
	sealed bool
	leaf   *x509.Certificate // nil: none
	chain  []*x509.Certificate
	anchor []*x509.Certificate
	key    crypto.Signer
}

func (h held) print() (fp [32]byte) {
	if h.leaf != nil {
		fp = sha256.Sum256(h.leaf.Raw)
	}
	return fp
}

// readBoard reads the files.
func readBoard(dir string) (h held, err error) {
	read := func(name string) []byte {
		b, rerr := os.ReadFile(filepath.Join(dir, name))
		if rerr != nil && !errors.Is(rerr, fs.ErrNotExist) {
			err = errors.Join(err, rerr)
		}
		return b
	}
	certs := func(text []byte) (list []*x509.Certificate) {
		for b, rest := pem.Decode(text); b != nil; b, rest = pem.Decode(rest) {
			c, perr := x509.ParseCertificate(b.Bytes)
			if perr != nil {
				err = errors.Join(err, perr)
				return list
			}
			list = append(list, c)
		}
		return list
	}
	h.sealed = read(".enrolled") != nil
	if list := certs(read("device.pem")); len(list) > 0 {
		h.leaf, h.chain = list[0], list[1:]
	}
	h.anchor = certs(read("ca-chain.pem"))
	if b, _ := pem.Decode(read("device-key.pem")); b != nil {
		k, perr := x509.ParsePKCS8PrivateKey(b.Bytes)
		err = errors.Join(err, perr)
		h.key, _ = k.(crypto.Signer)
	}
	return h, err
}

// proves says what keeps the board's files from being a device that works: nil, where nothing does.
func (h held) proves(id string, root *x509.Certificate) error {
	switch {
	case !h.sealed:
		return errors.New("the device is not sealed")
	case h.leaf == nil:
		return errors.New("the device holds no certificate")
	case h.key == nil:
		return errors.New("the device holds no key")
	case h.leaf.Subject.CommonName != id:
		return fmt.Errorf("the device's certificate is for %q, want %q", h.leaf.Subject.CommonName, id)
	}
	pub, err := x509.MarshalPKIXPublicKey(h.key.Public())
	if err != nil {
		return err
	}
	if !bytes.Equal(pub, h.leaf.RawSubjectPublicKeyInfo) {
		return errors.New("the device's key is not its certificate's")
	}
	roots, inter := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(root)
	for _, c := range h.chain {
		inter.AddCert(c)
	}
	if _, err := h.leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: inter, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err != nil {
		return fmt.Errorf("the device's certificate: %w", err)
	}
	if !slices.ContainsFunc(h.anchor, func(c *x509.Certificate) bool { return c.Equal(root) }) {
		return errors.New("the device's CA file lacks the root")
	}
	return nil
}

// rows of the ledger, as far as the oracle looks at them.
type (
	runRow  struct{ run, serial, outcome, proof, code, leaf, spki, id string }
	postRow struct {
		post, state, csr, id string
		begun                time.Time
	}
	keyRow struct{ spki, serial, enroll string }
)

// books is what the ledger's tables hold.
type books struct {
	runs    map[string]runRow
	posts   []postRow
	keys    []keyRow
	serials map[string]bool // certificate serials
	proofs  map[string]bool // run or serial and leaf
}

func readBooks(ctx context.Context, path string) (b books, err error) {
	b = books{runs: map[string]runRow{}, serials: map[string]bool{}, proofs: map[string]bool{}}
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	if err != nil {
		return b, err
	}
	defer db.Close()
	each := func(query string, row func(scan func(...any) error) error) {
		if err != nil {
			return
		}
		rows, qerr := db.QueryContext(ctx, query)
		if qerr != nil {
			err = qerr
			return
		}
		defer rows.Close()
		for rows.Next() {
			if err = row(rows.Scan); err != nil {
				return
			}
		}
		err = rows.Err()
	}
	each(`SELECT run, coalesce(hardware_serial, ''), coalesce(outcome, ''), proof, code, lower(hex(coalesce(leaf, ''))),
		lower(hex(coalesce(spki, ''))), coalesce(device_id, '') FROM runs`, func(scan func(...any) error) error {
		var r runRow
		err := scan(&r.run, &r.serial, &r.outcome, &r.proof, &r.code, &r.leaf, &r.spki, &r.id)
		b.runs[r.run] = r
		return err
	})
	each("SELECT post, state, lower(hex(csr_digest)), device_id, begun_at FROM posts ORDER BY begun_at", func(scan func(...any) error) error {
		var p postRow
		var at int64
		err := scan(&p.post, &p.state, &p.csr, &p.id, &at)
		p.begun = time.UnixMicro(at)
		b.posts = append(b.posts, p)
		return err
	})
	each("SELECT lower(hex(spki)), hardware_serial, lower(hex(coalesce(enroll_id, ''))) FROM keys", func(scan func(...any) error) error {
		var k keyRow
		err := scan(&k.spki, &k.serial, &k.enroll)
		b.keys = append(b.keys, k)
		return err
	})
	each("SELECT cert_serial FROM certificates", func(scan func(...any) error) error {
		var s string
		err := scan(&s)
		b.serials[s] = true
		return err
	})
	each("SELECT hardware_serial, lower(hex(leaf)) FROM proofs", func(scan func(...any) error) error {
		var s, l string
		err := scan(&s, &l)
		b.proofs[s+" "+l] = true
		return err
	})
	return b, err
}

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
	w.judgePasses(b, files)
	w.judgeRecords(b)
	w.judgeIssued(b, mine)
	w.judgeKeys(b, files)
	w.judgeRecovery(b, files)
	w.judgeSecrets()
	return nil
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
func (w *world) judgeIssued(b books, mine map[string]int) {
	taken := map[string]bool{}
	for _, c := range w.site.stack.Issued() {
		run, ours := mine[c.Asked]
		if !ours {
			continue
		}
		w.site.tally.add("certificates in the CA's list", 1)
		if b.serials[c.Serial] {
			continue
		}
		if !take(b.posts, taken, c) {
			w.accuse(run, "UNKNOWN CERTIFICATE: serial %s for %s is in the CA's list, neither on file nor behind an open request of its own", c.Serial, c.Asked)
			continue
		}
		w.site.tally.add("certificates behind a possibly-issued row", 1)
	}
}

// take finds an open request for a certificate: of the same CSR, begun before, not another certificate's.
func take(posts []postRow, taken map[string]bool, c devstack.Issued) bool {
	best := ""
	for _, p := range posts {
		open := p.state == "open" || p.state == "unknown"
		if open && !taken[p.post] && p.csr == hex.EncodeToString(c.CSR[:]) && !p.begun.After(c.At) {
			best = p.post // the newest that fits: older ones are left to older certificates
		}
	}
	taken[best] = best != ""
	return best != ""
}

// judgeKeys: one key for one enrollment id, one device for one key and one id.
func (w *world) judgeKeys(b books, files map[*board]held) {
	byEnroll, bySerial := map[string]string{}, map[string]string{}
	for _, k := range b.keys {
		if had := byEnroll[k.enroll]; k.enroll != "" && had != "" && had != k.spki {
			w.accuse(w.runOf(k.serial), "enrollment id %s has two keys on file: %s and %s", k.enroll, had, k.spki)
		}
		byEnroll[k.enroll] = k.spki
		if had := bySerial[k.spki]; had != "" && had != k.serial {
			w.accuse(w.runOf(k.serial), "key %s belongs to %s and %s", k.spki, had, k.serial)
		}
		bySerial[k.spki] = k.serial
	}
	for key, spki := range w.enrolled {
		_, enroll, _ := strings.Cut(key, " ")
		if had := byEnroll[enroll]; had != "" && had != spki {
			w.accuse(-1, "enrollment id %s has key %s on file and %s on the device", enroll, had, spki)
		}
	}
	owner, names := map[string]*board{}, map[string]*board{}
	for x, h := range files {
		if h.leaf == nil {
			continue
		}
		spki := sha256.Sum256(h.leaf.RawSubjectPublicKeyInfo)
		if o := owner[string(spki[:])]; o != nil {
			w.accuse(x.run, "%s and %s hold the same key", o.dir, x.dir)
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
	good := map[string]int{}
	for _, x := range w.boards {
		e := w.recovered[x]
		if e.Outcome.Good() {
			good[x.serial]++
			if err := files[x].proves(x.id, w.site.root); err != nil {
				w.accuse(x.run, "%s ended %s: %v", x.serial, e.Outcome, err)
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

// judgeSecrets: no private key in any of it.
func (w *world) judgeSecrets() {
	for _, name := range []string{w.ledgerPath, w.ledgerPath + "-wal"} {
		if text, err := os.ReadFile(name); err == nil && bytes.Contains(text, []byte("PRIVATE KEY---")) {
			w.accuse(-1, "%s holds a private key", filepath.Base(name))
		}
	}
}
