package console

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"
)

const testToken = "0123456789abcdef"

// framed is an answer as the box's shell prints it.
func framed(token string, seq uint64, text string, status int) []string {
	raw := text + "\n"
	enc := base64.StdEncoding.EncodeToString([]byte(raw))
	var lines []string
	for i := 0; len(enc) > 0; {
		n := min(76, len(enc))
		i++
		lines = append(lines, fmt.Sprintf("%s %d %d %s %s", token, seq, i, enc[:n], token))
		enc = enc[n:]
	}
	sum := sha256.Sum256([]byte(raw))
	return append(lines, fmt.Sprintf("%s %d . %d %d %s %s", token, seq, len(lines), status, hex.EncodeToString(sum[:8]), token))
}

func collect(seq uint64, lines []string) (answer, error) {
	c := newCollector(seq)
	for _, l := range lines {
		if err := c.add(parseFrame(testToken, l)); err != nil {
			return answer{}, err
		}
	}
	return c.whole()
}

func TestParseFrame(t *testing.T) {
	for _, row := range []struct {
		line string
		want frameKind
	}{
		{testToken + " 7 1 YWJj " + testToken, frameData},
		{testToken + " 7 . 1 0 0123456789abcdef " + testToken, frameEnd},
		{testToken + " ! " + testToken, frameUnheard},
		{testToken + " . " + testToken, frameUnheard},
		{testToken + " ready " + testToken, frameWord},
		{"", frameNone},
		{testToken, frameNone},
		{testToken + " 7 1 YWJj", frameNone},
		{"7 1 YWJj " + testToken, frameNone},
		{testToken + " 7 1 YW[  1.0] usb Jj " + testToken, frameNone},
		{testToken + " 7 0 YWJj " + testToken, frameNone},
		{testToken + " 7 -1 YWJj " + testToken, frameNone},
		{testToken + " 7 99999999 YWJj " + testToken, frameNone},
		{testToken + " 7 . 99999999 0 0123456789abcdef " + testToken, frameNone},
		{testToken + " 7 . 1 256 0123456789abcdef " + testToken, frameNone},
		{testToken + " 7 . 1 0 0123456789ABCDEF " + testToken, frameNone},
		{testToken + " 7 1  " + testToken, frameNone},
		{"fedcba9876543210 7 1 YWJj fedcba9876543210", frameNone},
		{"\"$T 7 1 YWJj $T\"", frameNone},
		{testToken + " 7 1 " + strings.Repeat("A", 2000) + " " + testToken, frameNone},
	} {
		if got := parseFrame(testToken, row.line); got.kind != row.want {
			t.Errorf("%q: got kind %d, want %d", row.line, got.kind, row.want)
		}
	}
}

func TestCollector(t *testing.T) {
	text := strings.Repeat("some output, more than a line of it\n", 20) + "the end"
	lines := framed(testToken, 3, text, 4)
	if a, err := collect(3, lines); err != nil || a.text != text || a.status != 4 {
		t.Errorf("whole: got %q, %d, %v", a.text, a.status, err)
	}
	if _, err := collect(4, lines); !errors.Is(err, errPartial) {
		t.Errorf("of another request: got %v, want that it is not whole", err)
	}
	holed := append(append([]string{}, lines[:2]...), lines[3:]...)
	if _, err := collect(3, holed); !errors.Is(err, errPartial) {
		t.Errorf("a line lost: got %v, want that it is not whole", err)
	}
	if a, err := collect(3, append(holed, lines...)); err != nil || a.text != text {
		t.Errorf("sent twice: got %v, want it whole", err)
	}
	changed := append([]string{}, lines...)
	changed[1] = strings.Replace(changed[1], "c", "d", 1)
	if _, err := collect(3, changed); !errors.Is(err, errPartial) {
		t.Errorf("a byte changed: got %v, want that it is not whole", err)
	}
	c := newCollector(3)
	var err error
	for i := 1; err == nil && i <= maxAnswerLines; i++ {
		err = c.add(frame{kind: frameData, seq: 3, index: i, data: strings.Repeat("A", 900)})
	}
	if !errors.Is(err, errTooMuch) {
		t.Errorf("without end: got %v, want an end", err)
	}
}

// FuzzAnswer: whatever noise makes of an answer, what is taken for it is what the box has printed, or nothing.
func FuzzAnswer(f *testing.F) {
	f.Add("uid=0\nnow=1", "[   12.345678] usb 1-1: reset", uint64(1), 2)
	f.Add("", "", uint64(9), 0)
	f.Add("err=space", testToken+" 1 1 ZXJyPQ== "+testToken, uint64(3), 1)
	f.Add("x", testToken+" 1 . 0 0 e3b0c44298fc1c14 "+testToken, uint64(4), 3)
	f.Fuzz(func(t *testing.T, text, noise string, seed uint64, times int) {
		text = strings.TrimRight(text, "\n")
		if strings.Contains(noise, testToken) { // nobody but the box knows it
			noise = strings.ReplaceAll(noise, testToken, "fedcba9876543210")
		}
		r := rand.New(rand.NewPCG(seed, 1))
		stream := strings.Join(framed(testToken, 1, text, 0), "\n") + "\n"
		for range min(max(times, 0), 8) {
			at := r.IntN(len(stream) + 1)
			stream = stream[:at] + noise + stream[at:]
			if at < len(stream) && r.IntN(2) == 0 {
				stream = stream[:at] + stream[at+1:]
			}
		}
		a, err := collect(1, strings.Split(stream, "\n"))
		if err != nil {
			if a != (answer{}) {
				t.Errorf("an error, and %+v beside it", a)
			}
			return
		}
		if a.text != text || a.status != 0 {
			t.Errorf("got %q, %d, want %q, 0", a.text, a.status, text)
		}
	})
}

// FuzzLook: no text of a console does harm, and what is shown of it is printable.
func FuzzLook(f *testing.F) {
	for _, row := range prompts {
		f.Add(row.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p := plain([]byte(text))
		look(p, nil)
		if s := printable(lastLine(p), 160); !utf8.ValidString(s) || len(s) > 160 || strings.ContainsAny(s, "\x1b\r\n\x00") {
			t.Errorf("got %q from %q", s, text)
		}
		readFacts(fields(p), testTime)
		if _, err := readHolding(fields(p)); err != nil && err.Error() == "" {
			t.Error("an error that says nothing")
		}
		_, _ = parsePEM(text)
	})
}
