package theme

import (
	"image/color"
	"math"
	"slices"
	"strings"
	"testing"

	"provstation/station"
)

// coloured are all themes with colours, both grounds of those that have two.
func coloured(t *testing.T) []Theme {
	t.Helper()
	var all []Theme
	for _, name := range Names() {
		for _, dark := range []bool{true, false} {
			th, ok := ByName(name, dark)
			if !ok {
				t.Fatalf("ByName(%q): got false, want a theme", name)
			}
			known := slices.ContainsFunc(all, func(x Theme) bool { return x == th })
			if !th.Mono && !known {
				all = append(all, th)
			}
		}
	}
	if len(all) != 6 {
		t.Fatalf("got %d themes with colours, want 6", len(all))
	}
	return all
}

type tokens map[string]color.Color

// TestContrast is WCAG 2.2: 1.4.3 (4.5:1 for text), 1.4.6 (7:1) for the contrast theme, 1.4.11 (3:1) for lines.
func TestContrast(t *testing.T) {
	for _, th := range coloured(t) {
		want := 4.5
		if th.Name == "contrast" {
			want = 7
		}
		check := func(what string, text, ground color.Color, want float64) {
			if got := Contrast(text, ground); got < want {
				t.Errorf("%s on %v: %s: got %.2f:1, want %g:1", th.Name, th.Ground, what, got, want)
			}
		}
		verdicts := tokens{"good": th.GoodText, "bad": th.BadText, "warn": th.WarnText, "busy": th.BusyText, "ask": th.AskText, "text": th.Text, "muted": th.Muted}
		for name, ground := range (tokens{"ground": th.Ground, "work": th.Work, "idle": th.Idle}) {
			for word, text := range verdicts {
				check(word+" on "+name, text, ground, want)
			}
		}
		check("accent on ground", th.Accent, th.Ground, want)
		check("off on ground", th.Off, th.Ground, want)
		check("rule on ground", th.Rule, th.Ground, 3)
		for name, ground := range (tokens{"good": th.Good, "bad": th.Bad, "warn": th.Warn, "busy": th.Busy, "ask": th.Ask, "muted": th.Muted, "accent": th.Accent}) {
			check("ink on "+name, Ink(ground), ground, want)
		}
	}
}

// TestColourVision simulates the three dichromacies (Machado, Oliveira, Fernandes 2009, severity 1.0) and wants the
// grounds of verdicts to stay apart by at least 20 in CIE 1976 ΔE*ab; 2.3 is what is just noticeable side by side. In
// every theme that holds for good, bad and warn, and but for tritanopia, one in 30,000, for ask too; in the one for the
// colour-blind it holds for all five.
func TestColourVision(t *testing.T) {
	const apart = 20
	for _, th := range coloured(t) {
		least := math.Inf(1)
		all := tokens{"good": th.Good, "bad": th.Bad, "warn": th.Warn, "ask": th.Ask, "busy": th.Busy}
		for vision, m := range visions {
			for a, ca := range all {
				for b, cb := range all {
					safe := th.Name == "colourblind"
					switch {
					case a >= b,
						!safe && (a == "busy" || b == "busy"),
						!safe && vision == "tritanopia" && (a == "ask" || b == "ask"):
						continue
					}
					d := difference(ca, cb, m)
					least = min(least, d)
					if d < apart {
						t.Errorf("%s on %v: %s and %s are %.1f apart with %s, want %d", th.Name, th.Ground, a, b, d, vision, apart)
					}
				}
			}
		}
		t.Logf("%s on %v: at least %.1f apart", th.Name, th.Ground, least)
	}
}

var visions = map[string][3][3]float64{
	"full":         {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
	"protanopia":   {{0.152286, 1.052583, -0.204868}, {0.114503, 0.786281, 0.099216}, {-0.003882, -0.048116, 1.051998}},
	"deuteranopia": {{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413}, {-0.011820, 0.042940, 0.968881}},
	"tritanopia":   {{1.255528, -0.076749, -0.178779}, {-0.078411, 0.930809, 0.147602}, {0.004733, 0.691367, 0.303900}},
}

func difference(a, b color.Color, m [3][3]float64) float64 {
	x, y := lab(a, m), lab(b, m)
	return math.Hypot(math.Hypot(x[0]-y[0], x[1]-y[1]), x[2]-y[2])
}

// lab is CIE 1976 L*a*b* under D65 of a colour as it is seen.
func lab(c color.Color, m [3][3]float64) [3]float64 {
	r, g, b := Linear(c)
	var s [3]float64
	for i := range s {
		s[i] = min(1, max(0, m[i][0]*r+m[i][1]*g+m[i][2]*b))
	}
	f := func(v float64) float64 {
		if v > 216.0/24389 {
			return math.Cbrt(v)
		}
		return (24389.0/27*v + 16) / 116
	}
	x := f((0.4124*s[0] + 0.3576*s[1] + 0.1805*s[2]) / 0.95047)
	y := f(0.2126*s[0] + 0.7152*s[1] + 0.0722*s[2])
	z := f((0.0193*s[0] + 0.1192*s[1] + 0.9505*s[2]) / 1.08883)
	return [3]float64{116*y - 16, 500 * (x - y), 200 * (y - z)}
}

func TestByName(t *testing.T) {
	for _, tt := range []struct {
		name string
		dark bool
		want string
		ok   bool
	}{
		{"", true, "dark", true},
		{"", false, "light", true},
		{"auto", false, "light", true},
		{"dark", false, "dark", true},
		{"light", true, "light", true},
		{"contrast", false, "contrast", true},
		{"colourblind", true, "colourblind", true},
		{"mono", true, "mono", true},
		{"drak", true, "dark", false},
		{"DARK", false, "light", false},
	} {
		if got, ok := ByName(tt.name, tt.dark); got.Name != tt.want || ok != tt.ok {
			t.Errorf("ByName(%q, %t): got %s, %t, want %s, %t", tt.name, tt.dark, got.Name, ok, tt.want, tt.ok)
		}
	}
}

// TestMonoShowsWhoNeedsAPerson keeps what needs a person apart from what does not, where there are no colours.
func TestMonoShowsWhoNeedsAPerson(t *testing.T) {
	s := Mono().Styles()
	for _, m := range Moods() {
		want := m == MoodBad || m == MoodWarn || m == MoodAsk
		if got := strings.Contains(s.Card(m).Loud.Render("x"), "7m"); got != want {
			t.Errorf("mood %d: reversed is %t, want %t", m, got, want)
		}
	}
}

// TestEveryOutcomeHasItsSign: no two outcomes share a sign, in either set.
func TestEveryOutcomeHasItsSign(t *testing.T) {
	for _, signs := range []Signs{Unicode(), ASCII()} {
		seen := map[string]station.Outcome{}
		for _, o := range station.Outcomes() {
			sign := signs.Outcome(o)
			if other, ok := seen[sign]; ok {
				t.Errorf("%s and %s have the same sign %q", o, other, sign)
			}
			seen[sign] = o
		}
	}
}
