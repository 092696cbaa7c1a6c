package prototest

import (
	"bytes"
	"math/rand/v2"

	"provstation/serialproto"
)

// Faults are damages by chance, each a probability per byte, drawn from a generator of their own: the same seed and the
// same bytes suffer the same.
type Faults struct {
	Seed       uint64
	Drop       float64 // the byte is lost
	Flip       float64 // one of its bits is inverted
	Duplicate  float64 // it arrives twice
	InsertZero float64 // a 0x00 comes before it, as from a BREAK or framing error
	InsertFF   float64 // a 0xff comes before it
	Swap       float64 // the 16-byte block it begins changes places with the next one
	Burst      float64 // it and the BurstLen-1 bytes after it become noise
	BurstLen   int     // default 8
	TextEvery  int     // after this many bytes Text is inserted, wherever in a frame that is; 0: never
	Text       string  // default: a kernel line of 75 bytes

	Count func(kind string) // told of every damage, by its name in small letters; nil: nobody is. It must not block
}

// KernelLine is the default of Faults.Text: 75 bytes, as a kernel prints to a console it shares.
const KernelLine = "[  123.456789] usb 1-1.4: new high-speed USB device number 7 using xhci_hc\n"

// noise applies Faults to a stream.
type noise struct {
	f      Faults
	rng    *rand.Rand
	burst  int
	since  int // bytes since the last Text
	swap   []byte
	active bool
}

func (n *noise) init(f Faults) {
	if f.BurstLen <= 0 {
		f.BurstLen = 8
	}
	if f.Text == "" {
		f.Text = KernelLine
	}
	n.f, n.rng = f, rand.New(rand.NewPCG(f.Seed, 0x5350_3120))
	n.active = f.Drop > 0 || f.Flip > 0 || f.Duplicate > 0 || f.InsertZero > 0 || f.InsertFF > 0 || f.Swap > 0 || f.Burst > 0 || f.TextEvery > 0
}

// hit draws, and tells of a hit by its name.
func (n *noise) hit(kind string, p float64) bool {
	if p <= 0 || n.rng.Float64() >= p {
		return false
	}
	n.tell(kind)
	return true
}

func (n *noise) tell(kind string) {
	if n.f.Count != nil {
		n.f.Count(kind)
	}
}

func (n *noise) apply(p []byte) []byte {
	if !n.active {
		return p
	}
	out := make([]byte, 0, len(p)+8)
	for _, b := range p {
		if n.f.TextEvery > 0 {
			if n.since++; n.since > n.f.TextEvery {
				n.tell("text")
				out = append(out, n.f.Text...)
				n.since = 0
			}
		}
		if n.hit("zero", n.f.InsertZero) {
			out = append(out, 0)
		}
		if n.hit("ff", n.f.InsertFF) {
			out = append(out, 0xff)
		}
		if n.hit("burst", n.f.Burst) {
			n.burst = n.f.BurstLen
		}
		if n.burst > 0 {
			n.burst--
			b = byte(n.rng.Uint32())
		}
		if n.hit("drop", n.f.Drop) {
			continue
		}
		if n.hit("flip", n.f.Flip) {
			b ^= 1 << n.rng.IntN(8)
		}
		out = append(out, b)
		if n.hit("duplicate", n.f.Duplicate) {
			out = append(out, b)
		}
	}
	return n.swapped(out)
}

// swapped exchanges a block of up to 16 bytes with its successor within what is under way: the order of two transfers
// is all that a driver ever mixes up.
func (n *noise) swapped(p []byte) []byte {
	if n.f.Swap <= 0 {
		return p
	}
	if n.swap != nil {
		p = append(p, n.swap...)
		n.swap = nil
		return p
	}
	for range p {
		if n.hit("swap", n.f.Swap) {
			k := min(piece, len(p))
			n.swap = bytes.Clone(p[len(p)-k:])
			return p[:len(p)-k]
		}
	}
	return p
}

// rewriter cuts what is written into frames for Line.Rewrite.
type rewriter struct {
	fn    func(f serialproto.Frame, n int, raw []byte) []byte
	part  []byte
	count [32]int
}

func (r *rewriter) apply(p []byte) []byte {
	if r.fn == nil {
		return p
	}
	var out []byte
	for _, b := range p {
		r.part = append(r.part, b)
		if b != 0 || len(r.part) == 1 {
			continue
		}
		if f, ok := serialproto.PeekHeader(bytes.Trim(r.part, "\x00")); ok {
			k := int(f.Dir)<<4 | int(f.Kind)
			r.count[k]++
			out = append(out, r.fn(f, r.count[k], bytes.Clone(r.part))...)
		} else {
			out = append(out, r.part...)
		}
		r.part = r.part[:0]
	}
	return out
}

// Rewriter is the type of Line.Rewrite.
type Rewriter = func(f serialproto.Frame, n int, raw []byte) []byte

// DropNth loses the frames of kind with these numbers, counted from 1.
func DropNth(kind serialproto.Kind, nth ...int) Rewriter {
	return onNth(kind, nth, func([]byte) []byte { return nil })
}

// DuplicateNth says these frames twice.
func DuplicateNth(kind serialproto.Kind, nth ...int) Rewriter {
	return onNth(kind, nth, func(raw []byte) []byte { return append(raw, raw...) })
}

// TruncateNth loses the second half of these frames, delimiter included.
func TruncateNth(kind serialproto.Kind, nth ...int) Rewriter {
	return onNth(kind, nth, func(raw []byte) []byte { return raw[:len(raw)/2] })
}

// MergeNth loses both delimiters of these frames.
func MergeNth(kind serialproto.Kind, nth ...int) Rewriter {
	return onNth(kind, nth, func(raw []byte) []byte { return bytes.Trim(raw, "\x00") })
}

// SplitNth puts a delimiter into the middle of these frames.
func SplitNth(kind serialproto.Kind, nth ...int) Rewriter {
	return onNth(kind, nth, func(raw []byte) []byte {
		h := len(raw) / 2
		return append(append(bytes.Clone(raw[:h]), 0), raw[h:]...)
	})
}

// onNth applies change to the frames of kind with these numbers, to all of them where none is given.
func onNth(kind serialproto.Kind, nth []int, change func(raw []byte) []byte) Rewriter {
	return func(f serialproto.Frame, n int, raw []byte) []byte {
		if f.Kind != kind {
			return raw
		}
		for _, k := range nth {
			if k == n {
				return change(raw)
			}
		}
		if len(nth) == 0 {
			return change(raw)
		}
		return raw
	}
}
