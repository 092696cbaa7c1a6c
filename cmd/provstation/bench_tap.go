package main

import (
	"bytes"
	"sync"
	"time"

	"provstation/serialproto"
	"provstation/serialproto/link"
)

// Kinds of bytes beside those of frames.
const (
	kindText    = "console text" // printable, and no frame
	kindDamaged = "damaged"      // neither

	kindToDevice = "to device" // where there are no frames of ours
	kindToHost   = "to host"
)

// tap is a port that notes what crosses it, both ways, by kind of frame and time.
type tap struct {
	link.Transport
	plain bool // what crosses are no frames of ours: bytes are told apart by direction alone

	mu      sync.Mutex
	first   time.Time // when the first byte was heard
	rx, tx  cutter
	crossed []crossed
}

// crossed is one frame or piece of text, delimiters included.
type crossed struct {
	at   time.Time // when its last byte was heard, or handed to the port
	kind string
	n    int
}

// Read notes what was heard.
func (t *tap) Read(p []byte) (int, error) {
	n, err := t.Transport.Read(p)
	if n > 0 {
		t.mu.Lock()
		defer t.mu.Unlock()
		now := time.Now()
		if t.first.IsZero() {
			t.first = now
		}
		t.note(&t.rx, kindToHost, p[:n], now)
	}
	return n, err
}

// Write notes what was handed over.
func (t *tap) Write(p []byte) (int, error) {
	now := time.Now()
	n, err := t.Transport.Write(p)
	if n > 0 {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.note(&t.tx, kindToDevice, p[:n], now)
	}
	return n, err
}

// note cuts what crossed into frames. t.mu is held.
func (t *tap) note(c *cutter, direction string, p []byte, now time.Time) {
	if t.plain {
		t.crossed = append(t.crossed, crossed{now, direction, len(p)})
		return
	}
	c.feed(p, func(kind string, n int) { t.crossed = append(t.crossed, crossed{now, kind, n}) })
}

// heard is when the first byte came, and what had crossed by the end, in bytes by kind.
func (t *tap) heard(end time.Time) (first time.Time, kinds map[string]uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	kinds = map[string]uint64{}
	for _, c := range t.crossed {
		if !c.at.After(end) {
			kinds[c.kind] += uint64(c.n) //nolint:gosec // a length
		}
	}
	return t.first, kinds
}

// longestFrame is more than any frame has between its delimiters.
const longestFrame = serialproto.MaxWire

// cutter cuts one direction of a line at its delimiters. It checks no frame: what a header says counts, whether or not the
// rest arrived whole.
type cutter struct{ part []byte }

func (c *cutter) feed(p []byte, piece func(kind string, n int)) {
	for _, b := range p {
		c.part = append(c.part, b)
		body := bytes.TrimLeft(c.part, "\x00")
		if len(body) == 0 || (b != 0 && len(body) <= longestFrame) {
			continue
		}
		piece(kindOf(bytes.TrimRight(body, "\x00")), len(c.part))
		c.part = c.part[:0]
	}
}

// kindOf names what lay between two delimiters.
func kindOf(body []byte) string {
	if f, ok := serialproto.PeekHeader(body); ok {
		return f.Kind.String()
	}
	if bytes.ContainsFunc(body, func(r rune) bool { return r < ' ' && r != '\n' && r != '\r' && r != '\t' && r != 0x1b }) {
		return kindDamaged
	}
	return kindText
}

// taps are the taps of a cell's ports.
type taps struct {
	open func(path string, baud int) (link.Transport, error)

	mu  sync.Mutex
	all map[string]*tap // by path
}

// tapped opens a port and listens in.
func (t *taps) tapped(path string, baud int) (link.Transport, error) {
	port, err := t.open(path, baud)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.all == nil {
		t.all = map[string]*tap{}
	}
	t.all[path] = &tap{Transport: port}
	return t.all[path], nil
}

func (t *taps) of(path string) *tap {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.all[path]
}
