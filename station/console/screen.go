package console

import (
	"slices"
	"time"
)

const (
	screenSize = 8 << 10 // newest bytes in which a prompt is looked for
	overlap    = 256     // bytes before new ones in which boot text may have begun; none is half as long
)

// screen is what a console has shown lately.
type screen struct {
	text  []byte
	boot  bool      // boot text was heard since the last prompt
	reset bool      // boot text was heard since the box was last known
	at    time.Time // of the newest boot text, or of what followed it closely

	tail []byte // newest bytes that may be the beginning of boot text
	near int    // bytes that may still follow the newest boot text closely

	booted time.Time // when the newest boot text was heard
	asked  string    // a prompt that may be a boot's
	since  time.Time // and since when it stands
}

// add takes new text. A booting box says much, a few bytes at a time: what this costs hangs on the bytes that are new, not on those
// that are kept.
func (c *screen) add(p []byte) {
	c.text = append(c.text, p...)
	if len(c.text) > 2*screenSize {
		c.text = append(c.text[:0], c.text[len(c.text)-screenSize:]...)
	}
	c.near = max(c.near-len(p), 0)
	var heard bool
	if heard, c.tail = bootIn(c.tail, p); heard {
		c.boot, c.reset, c.near, c.booted = true, true, screenSize, time.Now()
	}
	if c.near > 0 {
		c.at = time.Now()
	}
}

// bootIn looks for boot text that ends in p; tail is what came before. It gives what may be the beginning of more: at most overlap
// bytes, and nothing of what was found, so that none is found twice.
func bootIn(tail, p []byte) (heard bool, rest []byte) {
	all := slices.Concat(tail, p)
	text := plain(all)
	found := bootText.FindAllStringIndex(text, -1)
	if len(found) > 0 {
		all = []byte(text[found[len(found)-1][1]:])
	}
	if n := len(all) - overlap; n > 0 {
		all = append(all[:0], all[n:]...)
	}
	return len(found) > 0, all
}

// clear forgets what was shown; whether the box has booted stays.
func (c *screen) clear() { c.text, c.tail, c.near = c.text[:0], c.tail[:0], 0 }
