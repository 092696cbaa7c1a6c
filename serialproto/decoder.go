package serialproto

// DecoderStats counts what a Decoder has seen.
type DecoderStats struct {
	Bytes     uint64 // all bytes fed
	Frames    uint64 // sound frames
	Broken    uint64 // segments between delimiters that were neither a frame nor text
	Overflows uint64 // segments longer than any frame
	Text      uint64 // bytes delivered as console text
}

// Decoder cuts a byte stream into frames and console text. Its memory is one buffer of 300 bytes. The zero value is
// ready, with session 0. It is not safe for concurrent use.
type Decoder struct {
	session uint32
	n       int
	skip    bool // overflowed: everything up to the next delimiter is no frame
	buf     [bufferSize]byte
	stats   DecoderStats
}

// SetSession sets the session that frames must be sealed with. It may be called from within a callback of Feed and
// counts from the next frame on.
func (d *Decoder) SetSession(session uint32) { d.session = session }

// Stats returns the counters.
func (d *Decoder) Stats() DecoderStats { return d.stats }

// Feed takes bytes as they come. frame is called for each sound frame, which owns its payload; text for bytes that
// belong to no frame, valid only during the call and NOT escaped (see EscapeConsole). Either may be nil.
//
// A segment that is neither a frame nor mostly printable is a damaged frame: it is counted and kept from the console,
// so that a corrupted echo of what we sent never ends in a log.
func (d *Decoder) Feed(p []byte, frame func(Frame), text func([]byte)) {
	d.stats.Bytes += uint64(len(p))
	for _, b := range p {
		if b == 0 {
			d.segment(frame, text)
			d.skip = false
			continue
		}
		if d.n == len(d.buf) {
			if !d.skip {
				d.stats.Overflows++
			}
			d.skip = true
			d.text(text)
		}
		d.buf[d.n] = b
		d.n++
	}
}

// Flush delivers what is left in the buffer as text, for the end of a stream.
func (d *Decoder) Flush(text func([]byte)) {
	if d.n > 0 {
		d.text(text)
	}
}

// Pending is what has come since the last delimiter: text that is not delivered yet, or the beginning of a frame. Valid until the
// next Feed.
func (d *Decoder) Pending() []byte { return d.buf[:d.n] }

func (d *Decoder) segment(frame func(Frame), text func([]byte)) {
	if d.n == 0 {
		return
	}
	if !d.skip {
		f, err := ParseFrame(d.session, d.buf[:d.n])
		if err == nil {
			d.n = 0
			d.stats.Frames++
			if frame != nil {
				frame(f)
			}
			return
		}
	}
	d.text(text)
}

func (d *Decoder) text(text func([]byte)) {
	seg := d.buf[:d.n]
	d.n = 0
	if !looksLikeText(seg) {
		d.stats.Broken++
		return
	}
	d.stats.Text += uint64(len(seg))
	if text != nil {
		text(seg)
	}
}

// looksLikeText reports whether enough of seg is what consoles print. Bytes of 0x80 and above count as half: UTF-8 and
// Latin-1 consoles exist, and so do damaged frames.
func looksLikeText(seg []byte) bool {
	score := 0
	for _, b := range seg {
		switch {
		case b >= 0x20 && b < 0x7f, b == '\n', b == '\r', b == '\t', b == 0x1b, b == 0x08:
			score += 2
		case b >= 0x80:
			score++
		}
	}
	return score*100 >= len(seg)*2*textShare
}
