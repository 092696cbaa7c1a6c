package link

import (
	"slices"
	"strings"
	"time"

	"provstation/serialproto"
)

// Bounds of the console log.
const (
	consoleKeep    = 64 << 10 // newest bytes kept
	consoleLine    = 512      // longest line handed to the callback
	consoleBurst   = 32 << 10 // bytes the callback takes at once
	consolePerSec  = 8 << 10  // and per second after that
	consoleTrimmed = 2 * consoleKeep
)

// console keeps the newest console text and cuts it into lines for a callback, at a bounded rate.
type console struct {
	keep   []byte
	line   []byte
	budget float64
	last   time.Time
	lines  []string // to be handed out, outside the lock
	want   bool     // a callback is set
	total  uint64
	drop   uint64
}

func (c *console) write(p []byte, now time.Time) {
	c.total += uint64(len(p))
	c.keep = append(c.keep, p...)
	if len(c.keep) > consoleTrimmed {
		c.keep = append(c.keep[:0], c.keep[len(c.keep)-consoleKeep:]...)
	}
	if !c.want {
		return
	}
	for _, b := range p {
		if b != '\n' {
			c.line = append(c.line, b)
		}
		if b == '\n' || len(c.line) >= consoleLine {
			c.flush(now)
		}
	}
}

// flush ends the current line, if there is one.
func (c *console) flush(now time.Time) {
	n := len(c.line)
	for n > 0 && c.line[n-1] == '\r' {
		n--
	}
	if n == 0 {
		c.line = c.line[:0]
		return
	}
	if c.last.IsZero() {
		c.budget = consoleBurst
	} else {
		c.budget = min(consoleBurst, c.budget+now.Sub(c.last).Seconds()*consolePerSec)
	}
	c.last = now
	if c.budget < float64(n) {
		c.drop += uint64(n)
	} else {
		c.budget -= float64(n)
		c.lines = append(c.lines, serialproto.EscapeConsole(c.line[:n]))
	}
	c.line = c.line[:0]
}

// tail returns the newest few bytes, escaped.
func (c *console) tail() string {
	return serialproto.EscapeConsole(c.keep[max(0, len(c.keep)-consoleLine):])
}

// text returns the newest bytes, escaped.
func (c *console) text() string {
	return serialproto.EscapeConsole(c.keep[max(0, len(c.keep)-consoleKeep):])
}

// take returns the lines to hand out.
func (c *console) take() []string {
	lines := c.lines
	c.lines = nil
	return lines
}

// logKeep is how many lines of LOG frames are kept.
const logKeep = 64

// logBook keeps the newest lines of LOG frames, escaped. A frame is one line, whatever is in it.
type logBook []string

func (b *logBook) write(p []byte) {
	if len(*b) == logKeep {
		*b = slices.Delete(*b, 0, 1)
	}
	*b = append(*b, strings.ReplaceAll(serialproto.EscapeConsole(p), "\n", " "))
}
