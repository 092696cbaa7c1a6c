package scanner

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/google/go-cmp/cmp"
)

var t0 = time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)

// key is the press of a key as the terminal reports it.
func key(name string) tea.KeyPressMsg {
	switch name {
	case "enter":
		return tea.KeyPressMsg{Code: tea.KeyEnter}
	case "tab":
		return tea.KeyPressMsg{Code: tea.KeyTab}
	case "esc":
		return tea.KeyPressMsg{Code: tea.KeyEscape}
	case "up":
		return tea.KeyPressMsg{Code: tea.KeyUp}
	case "f1":
		return tea.KeyPressMsg{Code: tea.KeyF1}
	case " ":
		return tea.KeyPressMsg{Code: tea.KeySpace, Text: " "}
	}
	if r, ok := strings.CutPrefix(name, "ctrl+"); ok {
		return tea.KeyPressMsg{Code: rune(r[0]), Mod: tea.ModCtrl}
	}
	k := tea.KeyPressMsg{Code: []rune(name)[0], Text: name}
	if name != strings.ToLower(name) {
		k.Mod = tea.ModShift
	}
	return k
}

// typed is one key and the time since the one before, in milliseconds.
type typed struct {
	name  string
	after int
}

// pace is text at a steady pace, one character per key.
func pace(ms int, text string) []typed {
	var ts []typed
	for _, r := range text {
		ts = append(ts, typed{string(r), ms})
	}
	return ts
}

func join(parts ...[]typed) []typed {
	var ts []typed
	for _, p := range parts {
		ts = append(ts, p...)
	}
	return ts
}

// play types keys and lets every wait end when nothing else comes before. It gives what came out, in words.
func play(t *testing.T, s *Scanner, keys []typed) []string {
	t.Helper()
	var got []string
	now := t0
	pending := Result{}
	due := time.Time{}
	take := func(r Result) {
		for _, o := range r.Out {
			if o.Scan != "" {
				got = append(got, "scan:"+o.Scan)
			} else {
				got = append(got, o.Key.String())
			}
		}
	}
	for _, k := range keys {
		next := now.Add(time.Duration(k.after) * time.Millisecond)
		for pending.Wait > 0 && !due.After(next) {
			now = due
			pending = s.Expire(pending.ID, now)
			take(pending)
			due = now.Add(pending.Wait)
		}
		now = next
		pending = s.Press(key(k.name), now)
		take(pending)
		due = now.Add(pending.Wait)
	}
	for pending.Wait > 0 {
		now = due
		pending = s.Expire(pending.ID, now)
		take(pending)
		due = now.Add(pending.Wait)
	}
	if s.Holding() {
		t.Error("keys are still held")
	}
	return got
}

func TestScanner(t *testing.T) {
	enter := []typed{{"enter", 1}}
	for _, tt := range []struct {
		name   string
		typing bool
		keys   []typed
		want   []string
	}{
		{"one key", false, pace(0, "q"), []string{"q"}},
		{"a person types", false, pace(80, "retry"), []string{"r", "e", "t", "r", "y"}},
		{"a scan ended by enter", false, join(pace(1, "SN-4711"), enter), []string{"scan:SN-4711"}},
		{"a scan ended by tab", false, join(pace(1, "SN-4711"), []typed{{"tab", 1}}), []string{"scan:SN-4711"}},
		{"the shortest scan", false, join(pace(1, "abcd"), enter), []string{"scan:abcd"}},
		{"too short for a scan", false, join(pace(1, "abc"), enter), []string{"a", "b", "c", "enter"}},
		{"the slowest scan", false, join(pace(24, "SN-4711"), []typed{{"enter", 24}}), []string{"scan:SN-4711"}},
		{"enter too late", false, join(pace(1, "SN-4711"), []typed{{"enter", 26}}), []string{"S", "N", "-", "4", "7", "1", "1", "enter"}},
		{"a scanner without a suffix", false, pace(1, "SN-4711x"), []string{"scan:SN-4711x"}},
		{"too short without a suffix", false, pace(1, "SN-4711"), []string{"S", "N", "-", "4", "7", "1", "1"}},
		{"without a suffix in a text field it is typing", true, pace(1, "SN-4711x"), []string{"S", "N", "-", "4", "7", "1", "1", "x"}},
		{"with a suffix in a text field it is a scan", true, join(pace(1, "SN-4711"), enter), []string{"scan:SN-4711"}},
		{"a key held down", false, pace(15, "jjjjjjjjjj"), strings.Split(strings.Repeat("j", 10), "")},
		{"a key held down, then enter", false, join(pace(15, "jjjjjjjjjj"), enter), append(strings.Split(strings.Repeat("j", 10), ""), "enter")},
		{"a label that begins with zeros", false, join(pace(10, "0000000012"), enter), []string{"scan:0000000012"}},
		{"two scans in a row", false, join(pace(1, "SN-1"), enter, pace(1, "SN-2"), enter), []string{"scan:SN-1", "scan:SN-2"}},
		{"carriage return and line feed", false, join(pace(1, "SN-1"), enter, []typed{{"ctrl+j", 1}}), []string{"scan:SN-1"}},
		{"enter and tab", false, join(pace(1, "SN-1"), enter, []typed{{"tab", 1}}), []string{"scan:SN-1"}},
		{"enter of a person after a scan", false, join(pace(1, "SN-1"), enter, []typed{{"enter", 300}}), []string{"scan:SN-1", "enter"}},
		{"GS1 with its separator", false, join(pace(1, "01040"), []typed{{"ctrl+]", 1}}, pace(1, "21X"), enter), []string{"scan:01040\x1d21X"}},
		{"GS1 that begins with its separator", false, join([]typed{{"ctrl+]", 1}}, pace(1, "0104021X"), enter), []string{"scan:\x1d0104021X"}},
		{"an envelope of ISO/IEC 15434", false, join(pace(1, "[)>"), []typed{{"ctrl+^", 1}}, pace(1, "06"), []typed{{"ctrl+]", 1}}, pace(1, "SX1"), []typed{{"ctrl+^", 1}, {"ctrl+d", 1}}, enter), []string{"scan:[)>\x1e06\x1dSX1\x1e\x04"}},
		{"a space is part of a scan", false, join(pace(1, "SN 1"), enter), []string{"scan:SN 1"}},
		{"an arrow passes at once and lets out what came before", false, []typed{{"a", 1}, {"up", 1}, {"b", 1}}, []string{"a", "up", "b"}},
		{"an arrow ends a scan without a suffix", false, join(pace(1, "SN-4711x"), []typed{{"up", 1}}), []string{"scan:SN-4711x", "up"}},
		{"enter alone", false, enter, []string{"enter"}},
		{"a person presses a key, then scans", false, join(pace(1, "1"), []typed{{"1", 400}}, pace(1, "234567"), enter), []string{"1", "scan:1234567"}},
		{"letters that are keys", false, join(pace(1, "qrayoL12340?"), enter), []string{"scan:qrayoL12340?"}},
		{"other scripts", false, join(pace(1, "Gerät5"), enter), []string{"scan:Gerät5"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := New(Config{})
			s.SetTyping(tt.typing)
			if d := cmp.Diff(tt.want, play(t, s, tt.keys)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestConfig(t *testing.T) {
	s := New(Config{Gap: 5 * time.Millisecond, MinLength: 6})
	got := play(t, s, join(pace(4, "abcde"), []typed{{"enter", 4}}, []typed{{"x", 100}}, pace(4, "abcde"), []typed{{"enter", 4}}))
	if d := cmp.Diff([]string{"a", "b", "c", "d", "e", "enter", "scan:xabcde"}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestLongBurst: no key fires, however long the burst is, and all of it comes out.
func TestLongBurst(t *testing.T) {
	for _, n := range []int{255, 256, 257, 258, 512, 700} {
		text := strings.Repeat("qy", n)[:n]
		got := play(t, New(Config{}), join(pace(1, text), []typed{{"enter", 1}}))
		all := ""
		for _, g := range got {
			scan, ok := strings.CutPrefix(g, "scan:")
			if !ok {
				t.Errorf("%d characters: got the key %s, want scans alone", n, g)
			}
			if len(scan) > MaxLength {
				t.Errorf("%d characters: got a scan of %d", n, len(scan))
			}
			all += scan
		}
		if all != text {
			t.Errorf("%d characters: got %d back", n, len(all))
		}
	}
}

// TestHeldKeyIsNotHeldBack: a key that repeats faster than the gap still comes out while it is held down.
func TestHeldKeyIsNotHeldBack(t *testing.T) {
	s := New(Config{})
	now, out := t0, 0
	out += len(s.Press(key("j"), now).Out)
	out += len(s.Expire(1, now.Add(s.Gap())).Out)
	now = now.Add(250 * time.Millisecond)
	for i := range 100 {
		out += len(s.Press(key("j"), now).Out)
		if held := i + 2 - out; held > 3 {
			t.Fatalf("%d keys are held back while the key is down", held)
		}
		now = now.Add(16 * time.Millisecond)
	}
}

// TestNothingIsLost types anything at any pace: the same characters come out in the same order, none twice.
func TestNothingIsLost(t *testing.T) {
	names := []string{"a", "q", "1", "0", "0", "0", "é", " ", "A", "enter", "tab", "esc", "up", "f1", "ctrl+]", "ctrl+c", "ctrl+d"}
	for seed := range uint64(3000) {
		rng := rand.New(rand.NewPCG(seed, 7))
		var keys []typed
		pace := []int{1, 10, 24, 30}[rng.IntN(4)]
		for range 1 + rng.IntN(300) {
			after := pace
			if rng.IntN(20) == 0 {
				after = rng.IntN(60)
			}
			keys = append(keys, typed{names[rng.IntN(len(names))], after})
			if rng.IntN(10) == 0 {
				pace = []int{1, 10, 24, 30}[rng.IntN(4)]
			}
		}
		s := New(Config{})
		s.SetTyping(seed%2 == 0)
		lossless(t, fmt.Sprintf("seed %d", seed), s, keys)
	}
}

// lossless fails unless what comes out is what went in. Line ends may become part of a scan's end.
func lossless(t *testing.T, name string, s *Scanner, keys []typed) {
	t.Helper()
	var want, got strings.Builder
	in := 0
	for _, k := range keys {
		m := key(k.name)
		switch {
		case ends(m):
			in++
		case textOf(m) != "":
			want.WriteString(textOf(m))
		default:
			want.WriteString("<" + m.String() + ">")
		}
	}
	scans := 0
	for _, g := range play(t, s, keys) {
		if scan, ok := strings.CutPrefix(g, "scan:"); ok {
			scans++
			got.WriteString(scan)
			continue
		}
		switch g {
		case "enter", "tab":
			in--
		case "space":
			got.WriteString(" ")
		case "esc", "up", "f1", "ctrl+c":
			got.WriteString("<" + g + ">")
		default:
			got.WriteString(textOf(key(g)))
		}
	}
	if want.String() != got.String() {
		t.Fatalf("%s: characters differ:\n%q\n%q", name, want.String(), got.String())
	}
	if in < 0 || in > 0 && scans == 0 {
		t.Fatalf("%s: %d line ends are missing and there were %d scans", name, in, scans)
	}
}

func FuzzScanner(f *testing.F) {
	f.Add([]byte("abcdefgh\x00"), false)
	f.Add([]byte("\x01\x01\x01\x01"), true)
	names := []string{"enter", "a", "b", "0", "tab", "up", "ctrl+]", "é"}
	f.Fuzz(func(t *testing.T, in []byte, typing bool) {
		if len(in) > 2000 {
			return
		}
		var keys []typed
		for _, b := range in {
			keys = append(keys, typed{names[b%8], int(b / 8 * 2)})
		}
		s := New(Config{})
		s.SetTyping(typing)
		lossless(t, "fuzz", s, keys)
	})
}

// TestLatency waits as a program does: an ordinary key comes out when the gap is over, and not later.
func TestLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{})
		start := time.Now()
		r := s.Press(key("q"), start)
		for r.Wait > 0 {
			<-time.After(r.Wait)
			r = s.Expire(r.ID, time.Now())
		}
		if len(r.Out) != 1 || r.Out[0].Key.String() != "q" {
			t.Fatalf("got %v, want q", r.Out)
		}
		if late := time.Since(start); late > DefaultGap {
			t.Errorf("came out after %v, want at most %v", late, DefaultGap)
		}
	})
}

func TestOldExpiryIsVoid(t *testing.T) {
	s := New(Config{})
	first := s.Press(key("a"), t0)
	s.Press(key("b"), t0.Add(time.Millisecond))
	if r := s.Expire(first.ID, t0.Add(time.Hour)); r.Out != nil || r.Wait != 0 {
		t.Errorf("got %v, want nothing: another key came since", r)
	}
}

func TestPaste(t *testing.T) {
	long := strings.Repeat("x", MaxLength)
	for _, tt := range []struct {
		name, content string
		typing        bool
		want          Pasted
		text          string
	}{
		{"nothing", "", false, PastedNothing, ""},
		{"a line end alone", "\r\n", false, PastedNothing, ""},
		{"one line", "SN-1", false, PastedScan, "SN-1"},
		{"one line with its end", "SN-1\n", false, PastedScan, "SN-1"},
		{"as a terminal sends it", "SN-1\r", false, PastedScan, "SN-1"},
		{"with both", "SN-1\r\n", true, PastedScan, "SN-1"},
		{"into a text field", "SN-1", true, PastedText, "SN-1"},
		{"two lines", "a\nb", false, PastedLines, ""},
		{"two lines into a field", "a\rb\r", true, PastedLines, ""},
		{"the longest", long + "\n", false, PastedScan, long},
		{"too long", long + "x", false, PastedTooLong, ""},
		{"too long and many lines", strings.Repeat("x\n", MaxLength), true, PastedTooLong, ""},
		{"no text", "\xff", false, PastedLines, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, text := Paste(tt.content, tt.typing); got != tt.want || text != tt.text {
				t.Errorf("got %d, %q, want %d, %q", got, text, tt.want, tt.text)
			}
		})
	}
}
