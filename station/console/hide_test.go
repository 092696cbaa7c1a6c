package console

import (
	"strings"
	"testing"
	"time"
)

// TestHideWord: a password that is an ordinary word is not told by what is hidden: what stood there before it was sent stays, and
// what goes with it goes whole.
func TestHideWord(t *testing.T) {
	m := newTerm(nil, "console", time.Duration(0))
	m.record([]byte("Welcome, administrator\r\nadmin login: admin\r\nPassword: "))
	m.hide(newHider([]byte("admin")))
	for _, s := range []string{"\r\nad", "min", "istrator may do that\r\n", "the password is \x1b[1mad\x1b[0mmin\r\n", "ad"} {
		m.record([]byte(s))
	}
	if got, want := strings.Count(m.text(), "admin"), 3; got != want {
		t.Errorf("got %d times, want the %d before it was sent: %q", got, want, m.text())
	}
	if s := m.text(); strings.Contains(s, "hidden)istrator") || !strings.Contains(s, "may do that") {
		t.Errorf("got %q, want the word hidden whole", s)
	}
}

// TestHideReach: what is hidden stays hidden, in pieces of any size and after the record was cut.
func TestHideReach(t *testing.T) {
	const secret = "Tr0ub4dor&3;$x"
	for size := 1; size < 20; size++ {
		m := newTerm(nil, "console", 0)
		m.hide(newHider([]byte(secret)))
		text := []byte(strings.Repeat("x "+secret+" y\r\n", 200))
		for i := 0; i < len(text); i += size {
			m.record(text[i:min(i+size, len(text))])
		}
		if s := m.text(); strings.Contains(s, secret[:4]) || strings.Contains(s, secret[8:]) {
			t.Errorf("pieces of %d: the password was kept", size)
		}
	}
	m := newTerm(nil, "console", 0)
	m.record([]byte(strings.Repeat("z", logKeep)))
	m.hide(newHider([]byte(secret)))
	for range 40 {
		m.record([]byte(strings.Repeat("z ", 2000) + secret[:6]))
		m.record([]byte(secret[6:] + "\n"))
	}
	if s := m.text(); strings.Contains(s, secret[:6]) || strings.Contains(s, secret[6:]) {
		t.Error("the password was kept after the record was cut")
	}
}

func FuzzHide(f *testing.F) {
	f.Add([]byte("s3cret"), []byte("a s3c\x1b[1mret b"))
	f.Add([]byte("\xff("), []byte("\xff("))
	f.Fuzz(func(t *testing.T, secret, text []byte) {
		if len(secret) < leastPart || len(secret) > 64 || strings.Contains(hiddenMark, string(secret)) {
			return
		}
		l := &line{hider: newHider(secret)}
		l.screen.text = text
		if s := string(l.hider.whole(append([]byte(nil), text...))); strings.Contains(s, string(secret)) && !strings.Contains(string(secret), "(") && !strings.Contains(string(secret), ")") {
			t.Errorf("%q in %q", secret, s)
		}
		_ = l.clean(l.shown())
	})
}
