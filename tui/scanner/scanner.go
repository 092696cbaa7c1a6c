// Package scanner tells a barcode that a keyboard wedge types from keys that a person presses. A wedge types a whole
// label within milliseconds per character and ends it with Enter or Tab; nobody types like that.
//
// The package is a state machine without a clock: whoever owns it tells the time of each press, and calls
// [Scanner.Expire] when it asked for that. A printable key is held back until it is known what it belongs to, so the
// first letter of a label never acts as a key. Nothing is dropped and nothing changes its order: every character comes
// out once, as a key or inside a scan.
//
// Out of scope: what a scan means, and prefixes that a scanner is configured to send; both are the station's.
package scanner

import (
	"strings"
	"time"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"
)

// Defaults of [Config].
const (
	DefaultGap       = 25 * time.Millisecond
	DefaultMinLength = 4
)

const (
	// MaxLength is the longest scan in bytes. A longer burst comes out as several.
	MaxLength = 256
	// bareLength is the length from which a burst that nothing ended is a scan all the same: a scanner without a suffix.
	bareLength = 8
	// repeatDelay is the longest time that keyboards wait before a held key repeats.
	repeatDelay = time.Second
)

// Config holds the knobs.
type Config struct {
	Gap       time.Duration // longest time between two characters of a scan; 0: DefaultGap
	MinLength int           // characters of the shortest scan that Enter or Tab ends; 0: DefaultMinLength
}

// Output is one thing that came out: a key, or a scan.
type Output struct {
	Key  tea.KeyPressMsg // of a key
	At   time.Time       // when the key was pressed, or the scan's first character
	Scan string          // of a scan; empty: it is a key
}

// Result is what is known after a press, in the order in which it was typed.
type Result struct {
	Out []Output
	// Wait, when positive, asks for a call of Expire with ID after that time.
	Wait time.Duration
	ID   int
}

// Scanner is owned by one goroutine. Make one with [New].
type Scanner struct {
	gap time.Duration
	min int

	typing bool
	held   []Output // keys that may become a scan
	bytes  int      // of their text
	last   time.Time
	id     int

	long  bool // a burst that was cut at MaxLength goes on
	tail  bool // a scan has just ended: another line end belongs to it
	again Output
}

// New makes a scanner at rest.
func New(cfg Config) *Scanner {
	s := &Scanner{gap: cfg.Gap, min: cfg.MinLength}
	if s.gap <= 0 {
		s.gap = DefaultGap
	}
	if s.min <= 0 {
		s.min = DefaultMinLength
	}
	return s
}

// SetTyping tells whether a text field has the focus. There a fast burst without an end is typing, not a scan.
func (s *Scanner) SetTyping(on bool) { s.typing = on }

// Gap is the longest time between two characters of a scan, and the longest that a key is held back.
func (s *Scanner) Gap() time.Duration { return s.gap }

// Holding reports whether keys are held back.
func (s *Scanner) Holding() bool { return len(s.held) > 0 }

// Press takes a key press in.
func (s *Scanner) Press(key tea.KeyPressMsg, at time.Time) Result {
	var r Result
	if gap := at.Sub(s.last); gap > s.gap {
		r.Out = s.flush()
		s.long, s.tail = false, false
	}
	s.last = at
	s.id++
	text := textOf(key)
	switch {
	case text != "":
		s.tail = false
		r.Out = append(r.Out, s.hold(Output{Key: key, At: at}, text)...)
	case ends(key):
		r.Out = append(r.Out, s.end(key, at)...)
	default:
		r.Out = append(r.Out, s.flush()...)
		r.Out = append(r.Out, Output{Key: key, At: at})
		s.tail = false
	}
	if s.Holding() {
		r.Wait, r.ID = s.gap, s.id
	}
	return r
}

// Expire ends the burst that Result's id was given for, unless another press came since. When less than the gap has
// passed it asks to be called again.
func (s *Scanner) Expire(id int, at time.Time) Result {
	if id != s.id || !s.Holding() {
		return Result{}
	}
	if left := s.gap - at.Sub(s.last); left > 0 {
		return Result{Wait: left, ID: id}
	}
	out := s.flush()
	s.long, s.tail = false, false
	return Result{Out: out}
}

// Flush lets out what is held, as Expire does, whatever the time.
func (s *Scanner) Flush() []Output {
	s.id++
	out := s.flush()
	s.long, s.tail = false, false
	return out
}

// hold keeps a character back; what comes out is known to be no part of what follows.
func (s *Scanner) hold(o Output, text string) []Output {
	var out []Output
	if s.bytes+len(text) > MaxLength {
		out = s.cutOff()
	}
	s.held = append(s.held, o)
	s.bytes += len(text)
	if s.repeats(o) {
		return append(out, s.release()...)
	}
	return out
}

// cutOff lets out a burst that is as long as a scan can be, and remembers that what follows belongs to it.
func (s *Scanner) cutOff() []Output {
	if s.same() {
		return s.release()
	}
	s.long = true
	if s.typing {
		return s.release()
	}
	return s.scan()
}

// repeats reports whether the held keys are one key that a person holds down: the same key was pressed alone just
// before, and they have been coming for longer than the gap. A label may begin with several equal characters, so that
// they are equal is not enough.
func (s *Scanner) repeats(o Output) bool {
	first := s.held[0]
	return textOf(s.again.Key) == textOf(o.Key) && s.same() && first.At.Sub(s.again.At) <= repeatDelay && o.At.Sub(first.At) >= s.gap
}

// same reports whether all held characters are one.
func (s *Scanner) same() bool {
	for _, o := range s.held {
		if textOf(o.Key) != textOf(s.held[0].Key) {
			return false
		}
	}
	return true
}

// end takes in Enter, Tab or a line feed.
func (s *Scanner) end(key tea.KeyPressMsg, at time.Time) []Output {
	switch {
	case s.Holding() && (s.long && !s.typing || !s.long && !s.same() && len(s.held) >= s.min):
		s.tail, s.long = true, false
		return s.scan()
	case !s.Holding() && s.tail: // The second half of CR LF, or of Enter and Tab.
		return nil
	case !s.Holding() && s.long && !s.typing: // It ended exactly where it was cut.
		s.tail, s.long = true, false
		return nil
	}
	out := append(s.flush(), Output{Key: key, At: at})
	s.long, s.tail = false, false
	return out
}

// flush ends a burst that Enter did not.
func (s *Scanner) flush() []Output {
	switch {
	case !s.Holding():
		return nil
	case !s.typing && (s.long || !s.same() && len(s.held) >= bareLength):
		return s.scan()
	default:
		return s.release()
	}
}

// release lets out what is held as keys.
func (s *Scanner) release() []Output {
	out := s.held
	if len(out) > 0 {
		s.again = out[len(out)-1]
	}
	s.held, s.bytes = nil, 0
	return out
}

// scan lets out what is held as one scan.
func (s *Scanner) scan() []Output {
	var b strings.Builder
	b.Grow(s.bytes)
	for _, o := range s.held {
		b.WriteString(textOf(o.Key))
	}
	at := s.held[0].At
	s.held, s.bytes, s.again = nil, 0, Output{}
	return []Output{{Scan: b.String(), At: at}}
}

// Control characters that stand in labels: GS ends a field of GS1 data (FNC1), RS and EOT belong to the envelope of
// ISO/IEC 15434. A wedge types them as the control keys that make them.
const (
	gs  = "\x1d"
	rs  = "\x1e"
	eot = "\x04"
)

// textOf is the text that a key puts into a scan; empty for a key that is none.
func textOf(k tea.KeyPressMsg) string {
	if k.Mod == tea.ModCtrl {
		switch k.Code {
		case ']':
			return gs
		case '^':
			return rs
		case 'd':
			return eot
		}
		return ""
	}
	const plain = tea.ModShift | tea.ModCapsLock | tea.ModNumLock | tea.ModScrollLock
	if k.Mod&^plain != 0 || len(k.Text) > MaxLength || !utf8.ValidString(k.Text) {
		return ""
	}
	return k.Text
}

// ends reports whether the key is one that wedges send after a label.
func ends(k tea.KeyPressMsg) bool {
	switch k.Code {
	case tea.KeyEnter, tea.KeyTab, tea.KeyKpEnter:
		return k.Mod == 0
	case 'j', 'm': // The line feed and the carriage return, where the terminal tells them apart from Enter.
		return k.Mod == tea.ModCtrl
	}
	return false
}
