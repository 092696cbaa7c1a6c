package console

import (
	"bytes"
	"regexp"
	"strings"
	"unicode/utf8"

	"provstation/station"
)

const (
	hiddenMark = "(hidden)"
	leastPart  = 3       // bytes of a secret's end or beginning that are hidden where the rest is not there
	hideReach  = 1 << 10 // bytes of older text in which a secret may have begun
)

// hider takes a secret that the box was given out of what the box shows. The zero value hides nothing.
type hider struct {
	secret []byte
	find   *regexp.Regexp
}

// newHider looks for a secret with anything in it that a terminal does not show, or that the kernel says meanwhile. The word around it goes
// as well: what is left of a word would tell what is missing.
func newHider(secret []byte) hider {
	if len(secret) == 0 {
		return hider{}
	}
	h := hider{secret: bytes.Clone(secret)}
	if !utf8.Valid(secret) {
		return h
	}
	var b strings.Builder
	for i, r := range string(secret) {
		if i > 0 {
			b.WriteString(`(?:` + escapes.String() + `|` + kernelText.String() + `|[\x00-\x1f\x7f])*`)
		}
		b.WriteString(regexp.QuoteMeta(string(r)))
	}
	h.find, _ = regexp.Compile(`\S*(?:` + b.String() + `)\S*|\(hidden\)\S+`) // nil, where it is too long: as it stands, then
	return h
}

// whole hides the secret wherever it stands.
func (h hider) whole(text []byte) []byte {
	switch {
	case h.find != nil:
		return h.find.ReplaceAll(text, []byte(hiddenMark))
	case len(h.secret) > 0:
		return bytes.ReplaceAll(text, h.secret, []byte(hiddenMark))
	}
	return text
}

// head hides the end of the secret at the text's beginning: the first part was on its way before.
func (h hider) head(text []byte) []byte {
	for n := len(h.secret) - 1; n >= leastPart; n-- {
		if part := h.secret[len(h.secret)-n:]; bytes.HasPrefix(text, part) {
			return append([]byte(hiddenMark), text[n:]...)
		}
	}
	return text
}

// tail hides the beginning of the secret at the text's end: the rest has not come.
func (h hider) tail(text []byte) []byte {
	for n := len(h.secret) - 1; n >= leastPart; n-- {
		if bytes.HasSuffix(text, h.secret[:n]) {
			return append(bytes.Clone(text[:len(text)-n]), hiddenMark...)
		}
	}
	return text
}

// shown is the screen as people may see it.
func (l *line) shown() string {
	h := l.hider
	return string(h.tail(h.head(h.whole([]byte(plain(h.whole(bytes.Clone(l.screen.text))))))))
}

// said is a fault with a detail in the box's own words. It is the one way of such words into a fault.
func (l *line) said(code station.Code, outcome station.Outcome, words string) *station.Fault {
	return fault(code, outcome, l.clean(words))
}

// clean is text of the box without the secret it was given, also where the secret comes together only in what is printable.
func (l *line) clean(words string) string {
	h := l.hider
	text := h.whole([]byte(printable(string(h.whole([]byte(words))), screenSize)))
	return string(h.tail(h.head(text)))
}
