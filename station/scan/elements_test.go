package scan

import (
	"strings"
	"testing"
)

// The table is text: what cannot be read from it would only show at a label that uses it.
func TestElementTable(t *testing.T) {
	e := newElements()
	if got := len(e); got < 130 {
		t.Fatalf("got %d identifiers, want the whole table", got)
	}
	for ai, r := range e {
		if len(ai) < 2 || len(ai) > 4 || strings.Trim(ai, "0123456789n") != "" {
			t.Errorf("got identifier %q, want 2 to 4 digits", ai)
		}
		fixed := true
		for _, p := range r.parts {
			if !strings.ContainsRune("NXYZ", rune(p.set)) || p.max < 1 || p.max > 90 || p.min > p.max {
				t.Errorf("(%s): got part %+v, want a known set and a sane length", ai, p)
			}
			fixed = fixed && p.min == p.max
		}
		if len(r.parts) == 0 || r.predefined && !fixed {
			t.Errorf("(%s): got %+v, want parts, and fixed ones where the length is predefined", ai, r)
		}
		for other := range e {
			if other != ai && strings.HasPrefix(other, strings.TrimRight(ai, "n")) && !strings.Contains(ai, "n") {
				t.Errorf("identifier %s begins with identifier %s", other, ai)
			}
		}
	}
}

// GS1 General Specifications 7.8.5: the first two digits say whether the length is predefined, and how long identifier and
// data are together.
func TestPredefinedLengths(t *testing.T) {
	want := map[string]int{
		"00": 20, "01": 16, "02": 16, "03": 16, "11": 8, "12": 8, "13": 8, "15": 8, "16": 8, "17": 8, "20": 4,
		"31": 10, "32": 10, "33": 10, "34": 10, "35": 10, "36": 10, "41": 16,
	}
	for ai, r := range newElements() {
		n, ok := want[ai[:2]]
		if ok != r.predefined {
			t.Errorf("(%s): got predefined %v, want %v", ai, r.predefined, ok)
		} else if got := len(ai) + r.length(); ok && got != n {
			t.Errorf("(%s): got %d characters, want %d", ai, got, n)
		}
	}
}

func TestCheckDigit(t *testing.T) {
	// The examples of GS1 General Specifications 7.9.1 and of a GTIN-8, GTIN-12 and SSCC.
	for _, s := range []string{"6291041500213", "96385074", "036000291452", "106141412345678908", "09506000134352"} {
		if !checkDigit(s) {
			t.Errorf("%s: got a wrong check digit, want it right", s)
		}
		for d := '0'; d <= '9'; d++ {
			if other := s[:len(s)-1] + string(d); other != s && checkDigit(other) {
				t.Errorf("%s: got a right check digit, want it wrong", other)
			}
		}
	}
}

func FuzzElements(f *testing.F) {
	for _, s := range []string{"010950600013435221A-1", "10LOT7\x1d21A", "(01)09506000134352", "8030abc=", "7040" + "1ABC", "433012345-"} {
		f.Add(s)
	}
	e := newElements()
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > MaxText {
			return
		}
		got, err := e.carried(s)
		if err != nil {
			return
		}
		// What people read says the same.
		again, err := e.splitReadable(got.text)
		if err != nil && !strings.Contains(got.text, "(") {
			t.Fatalf("%q: got %q, which does not read back: %v", s, got.text, err)
		}
		if err == nil && render(again) != got.text {
			t.Fatalf("%q: got %q, want %q", s, render(again), got.text)
		}
	})
}
