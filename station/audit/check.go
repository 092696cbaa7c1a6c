package audit

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"time"
)

// Kind is what is wrong.
type Kind string

// What can be wrong with a chain, and with the ledger that it tells of.
const (
	Altered      Kind = "altered"    // a row's bytes are not those that were written
	Missing      Kind = "missing"    // rows that others follow are not there
	Reordered    Kind = "reordered"  // a row stands where another one was
	Inserted     Kind = "inserted"   // a row that none of the others knows
	Cut          Kind = "cut"        // the newest rows are not there
	Recomputed   Kind = "recomputed" // the digest is not the one that was signed
	Signature    Kind = "signature"  // a checkpoint's signature does not fit
	Head         Kind = "head"       // the head on record is not the newest row
	ValueDiffers Kind = "value"      // a value of the ledger is not the one in the chain
	RowMissing   Kind = "row-missing"
	RowUnknown   Kind = "row-unknown" // a row of the ledger that the chain does not know
	Heads        Kind = "heads"       // the file of heads is missing, or a line of it is none
	Person       Kind = "person"      // a name does not fit its pseudonym
)

// Finding is one thing that is wrong. N is the chain's row, Last the last of several, or the row that a row was written
// as; Table, Row and Column are the ledger's.
type Finding struct {
	Kind    Kind
	Station string
	N, Last uint64
	Table   string
	Row     string
	Column  string
	Detail  string
}

// String is the finding in stable English.
func (f Finding) String() string {
	if f.Table != "" {
		s := fmt.Sprintf("%s: table %s", f.Kind, f.Table)
		if f.Row != "" {
			s += ", row " + f.Row
		}
		if f.Column != "" {
			s += ", column " + f.Column
		}
		return s + detail(f.Detail)
	}
	s := fmt.Sprintf("%s: chain of station %s, row %d", f.Kind, f.Station, f.N)
	switch {
	case f.Last == 0:
	case f.Kind == Reordered:
		s += fmt.Sprintf(" (written as row %d)", f.Last)
	case f.Last != f.N:
		s += fmt.Sprintf(" to %d", f.Last)
	}
	return s + detail(f.Detail)
}

func detail(s string) string {
	if s == "" {
		return ""
	}
	return ": " + s
}

// Stored is a row as a database holds it.
type Stored struct {
	N      uint64
	Prev   []byte // digest of the row before, as it was when this one was written
	Digest []byte
	Body   []byte
}

// Chain is what Check reads.
type Chain struct {
	Station, Tenant string
	// Rows gives the rows in the order of their numbers; it is gone through twice.
	Rows func() iter.Seq2[Stored, error]
	// Signed are checkpoints whose signature was verified, of whatever origin, of this chain or others.
	Signed []Checkpoint
	// Each, if not nil, is given every row of the station that can be read, sound or not, and the number it stands at.
	Each func(at uint64, r Row) error
}

// Result is what Check found. Last is the newest row that is there, 0 for none.
type Result struct {
	Findings []Finding
	Last     uint64
	Digest   Digest
	Rows     uint64
	Pruned   uint64 // rows up to it were deleted, and that was signed
}

// maxFindings bounds what is reported: a chain that was recomputed is wrong in every row.
const maxFindings = 200

type checker struct {
	c      Chain
	moved  map[uint64]uint64 // number in the body -> place, where they differ
	places map[uint64]bool   // the places of those
	newest uint64            // the highest place
	signed map[uint64][]Checkpoint
	out    Result

	n          uint64 // of the row before
	prev       Digest // its digest
	prevPrev   Digest // digest of the row before that one
	known      bool   // prev can be relied on
	shift      uint64 // place minus number of the rows that were renumbered, modulo 2^64
	recomputed bool
}

// Check goes through a chain and names what is wrong with it, the first wrong row first. An error is one of reading.
func Check(c Chain) (Result, error) {
	k := &checker{
		c: c, moved: map[uint64]uint64{}, places: map[uint64]bool{}, signed: map[uint64][]Checkpoint{},
	}
	base := k.base()
	k.n, k.prev, k.known = base.N, base.Digest, true
	k.out.Pruned = base.N
	if err := k.survey(); err != nil {
		return Result{}, err
	}
	for s, err := range c.Rows() {
		if err != nil {
			return Result{}, err
		}
		if err := k.row(s); err != nil {
			return Result{}, err
		}
	}
	k.end()
	return k.out, nil
}

// base is what the first row follows: the newest signed pruning, or the genesis.
func (k *checker) base() Checkpoint {
	base := Checkpoint{Digest: Genesis(k.c.Station, k.c.Tenant)}
	for _, s := range k.c.Signed {
		if s.Station != k.c.Station {
			continue
		}
		k.signed[s.N] = append(k.signed[s.N], s)
		if s.Purpose == PurposePrune && s.N > base.N {
			base = s
		}
	}
	return base
}

// survey notes which rows do not stand at their own place.
func (k *checker) survey() error {
	for s, err := range k.c.Rows() {
		if err != nil {
			return err
		}
		if r, err := ParseRow(s.Body); err == nil && r.N != s.N && r.Station == k.c.Station {
			k.moved[r.N], k.places[s.N] = s.N, true
		}
		k.newest = max(k.newest, s.N)
	}
	return nil
}

func (k *checker) report(f Finding) {
	f.Station = k.c.Station
	if len(k.out.Findings) < maxFindings {
		k.out.Findings = append(k.out.Findings, f)
	}
}

func (k *checker) row(s Stored) error {
	k.out.Rows++
	if s.N <= k.out.Pruned {
		k.report(Finding{Kind: Inserted, N: s.N, Detail: "the rows up to here were deleted"})
		return nil
	}
	if s.N != k.n+1 {
		k.report(Finding{Kind: Missing, N: k.n + 1, Last: s.N - 1})
		k.known = false
		k.shift = 0
	}
	body, err := ParseRow(s.Body)
	prev, okPrev := DigestOf(s.Prev)
	digest, okDigest := DigestOf(s.Digest)
	sound := err == nil && okPrev && okDigest && Link(prev, s.Body) == digest
	next := okDigest // whether the row after this one can be held against its digest
	switch {
	case !sound:
		k.report(Finding{Kind: Altered, N: s.N})
		next = false
	case body.Station != k.c.Station:
		k.report(Finding{Kind: Inserted, N: s.N, Detail: "a row of another station"})
		next = false
	case digest == k.prev && k.known:
		k.report(Finding{Kind: Altered, N: s.N, Detail: "it is a copy of the row before"})
		next = false
	case prev == k.prevPrev && k.known && prev != k.prev:
		k.report(Finding{Kind: Inserted, N: k.n})
		k.shift = s.N - body.N
	case body.N != s.N && (s.N-body.N != k.shift || prev != k.prev && k.known):
		next = k.misplaced(s, body.N)
	case prev != k.prev && k.known && k.n == k.out.Pruned:
		k.report(Finding{Kind: Recomputed, N: s.N, Detail: "it does not follow the beginning of the chain"})
	case prev != k.prev && k.known:
		k.report(Finding{Kind: Recomputed, N: k.n, Detail: "the row after it follows another one"})
	}
	k.sealed(s.N, digest)
	k.prevPrev, k.n, k.prev, k.known = k.prev, s.N, digest, next
	if k.c.Each != nil && err == nil && body.Station == k.c.Station {
		return k.c.Each(s.N, body)
	}
	return nil
}

// misplaced says why a sound row does not stand at the number that it carries. next is whether the row after it can be
// held against it.
func (k *checker) misplaced(s Stored, written uint64) (next bool) {
	_, elsewhere := k.moved[s.N]
	ownPlace := written <= k.newest && !k.places[written]
	switch {
	case ownPlace:
		k.report(Finding{Kind: Altered, N: s.N, Detail: fmt.Sprintf("it is a copy of row %d", written)})
		return false
	case elsewhere || written < s.N:
		k.report(Finding{Kind: Reordered, N: s.N, Last: written})
		return false
	default:
		k.report(Finding{Kind: Missing, N: s.N, Last: written - 1, Detail: "the rows after were renumbered"})
		k.shift = s.N - written
		return true
	}
}

// sealed holds the row against the checkpoints of its number.
func (k *checker) sealed(n uint64, digest Digest) {
	for _, s := range k.signed[n] {
		if s.Digest != digest && !k.recomputed {
			k.recomputed = true
			k.report(Finding{Kind: Recomputed, N: n, Detail: "another digest was signed at " + s.At.Format(time.RFC3339)})
		}
	}
	k.out.Last, k.out.Digest = n, digest
}

// end looks for signed rows that are not there.
func (k *checker) end() {
	if k.out.Last == 0 {
		k.out.Last, k.out.Digest = k.n, k.prev
	}
	var last Checkpoint
	for _, s := range k.c.Signed {
		if s.Station == k.c.Station && s.N > last.N {
			last = s
		}
	}
	if last.N > k.n {
		k.report(Finding{
			Kind: Cut, N: k.n + 1, Last: last.N,
			Detail: "row " + fmt.Sprint(last.N) + " was signed at " + last.At.Format(time.RFC3339),
		})
	}
	slices.SortStableFunc(k.out.Findings, func(a, b Finding) int { return cmp.Compare(a.N, b.N) })
}
