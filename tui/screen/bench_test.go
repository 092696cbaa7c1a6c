package screen

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"pgregory.net/rapid"

	"provstation/station"
	"provstation/station/words"
	"provstation/tui/board"
	"provstation/tui/theme"
	"provstation/tui/widget"
)

// chrome is the header without a batch, and the footer.
const chrome = HeaderHeight + 2

// mixedBench is a stage with n slots in all states, and two ports that are left alone.
func mixedBench(t testing.TB, locale string, n int) *stage {
	s := newStage(t, locale)
	s.ignored()
	for i := 1; i <= n; i++ {
		s.mixed(i)
	}
	return s
}

func TestBenchGolden(t *testing.T) {
	for _, locale := range words.Locales() {
		for _, n := range []int{0, 1, 3, 8, 16, 32, 64} {
			for _, at := range sizes {
				for _, plain := range []bool{false, true} {
					s := mixedBench(t, locale, n)
					b := s.bench(lookIn(t, locale, plain), at.w, at.h-chrome)
					b.Move(1)
					name := fmt.Sprintf("bench-%d", n)
					view := b.View()
					if plain {
						name, view = name+"-ascii", widget.ASCIIOnly(view)
					}
					checkShape(t, view, at.w, at.h-chrome)
					compare(t, name+"-"+at.String()+"."+locale, ansi.Strip(view))
				}
			}
		}
	}
}

func TestBenchListGolden(t *testing.T) {
	for _, locale := range words.Locales() {
		for _, n := range []int{3, 32} {
			for _, at := range sizes {
				s := mixedBench(t, locale, n)
				b := s.bench(lookIn(t, locale, false), at.w, at.h-chrome)
				b.SetList(true)
				b.Move(n)
				view := b.View()
				checkShape(t, view, at.w, at.h-chrome)
				compare(t, fmt.Sprintf("bench-list-%d-%s.%s", n, at, locale), ansi.Strip(view))
			}
		}
	}
}

// TestBenchShape is what holds for every bench in every window: as many lines of as many cells as there are, the name of
// every slot that is in sight once, every other one counted, and the selected slot in sight.
func TestBenchShape(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		n := rapid.IntRange(0, 80).Draw(r, "slots")
		w := rapid.IntRange(80, 260).Draw(r, "width")
		h := rapid.IntRange(24, 80).Draw(r, "height") - chrome
		locale := rapid.SampledFrom(words.Locales()).Draw(r, "locale")
		s := newStage(t, locale)
		if rapid.Bool().Draw(r, "ports") {
			s.ignored()
		}
		for i := 1; i <= n; i++ {
			s.mixed(i)
		}
		signs := theme.Unicode()
		if rapid.Bool().Draw(r, "ascii") {
			signs = theme.ASCII()
		}
		b := s.bench(s.look(theme.Mono(), signs), w, h)
		for range rapid.IntRange(0, 6).Draw(r, "moves") {
			step := rapid.IntRange(-80, 80).Draw(r, "by")
			switch rapid.IntRange(0, 3).Draw(r, "how") {
			case 0:
				b.MoveX(step)
			case 1:
				b.MoveY(step)
			case 2:
				b.NextAttention()
			case 3:
				b.SetList(step > 60)
			}
		}
		lines := strings.Split(ansi.Strip(b.View()), "\n")
		if len(lines) != h {
			r.Fatalf("got %d lines, want %d", len(lines), h)
		}
		for i, line := range lines {
			if got := ansi.StringWidth(line); got != w {
				r.Fatalf("line %d: got %d cells, want %d: %q", i+1, got, w, line)
			}
		}
		if n > 0 && !b.List() {
			checkTiles(r, b, lines)
		}
	})
}

func checkTiles(r *rapid.T, b *Bench, lines []string) {
	p := b.plan()
	slots := b.board.Slots()
	first, after := b.top*p.cols, min((b.top+p.rows)*p.cols, len(slots))
	for i, s := range slots {
		if i < first || i >= after {
			continue
		}
		row, col := i/p.cols-b.top, i%p.cols
		x := 0
		for c := range col {
			x += p.cellWidth(c)
		}
		title := ansi.Cut(lines[row*p.height], x, x+p.cellWidth(col))
		if words := strings.Fields(title); !strings.Contains(" "+strings.Join(words, " ")+" ", " "+s.Name+" ") {
			r.Fatalf("%s: its card begins with %q, want its name", s.Name, title)
		}
		if (title[0] != ' ') != (s == b.Selected()) {
			r.Fatalf("%s: its card begins with %q, selected is %s", s.Name, title, b.Selected().Name)
		}
	}
	if i := b.index(); i < first || i >= after {
		r.Fatalf("%s is selected and not in sight", b.Selected().Name)
	}
	if first == 0 && after == len(slots) {
		return
	}
	note := lines[p.rows*p.height]
	if below := len(slots) - after; below > 0 && !strings.Contains(note, fmt.Sprint(below)) {
		r.Fatalf("got %q, want a word on the %d slots below", note, below)
	}
	if first > 0 && !strings.Contains(note, fmt.Sprint(first)) {
		r.Fatalf("got %q, want a word on the %d slots above", note, first)
	}
}

// TestSixtyFourSlotsAreInSight: nothing is scrolled at the sizes that a bench of 64 has.
func TestSixtyFourSlotsAreInSight(t *testing.T) {
	for _, at := range sizes {
		s := mixedBench(t, "en", 64)
		b := s.bench(s.look(theme.Dark(), theme.Unicode()), at.w, at.h-chrome)
		if p := b.plan(); p.rows*p.cols < 64 || p.cols != 8 {
			t.Errorf("%s: got %d rows of %d, want 8 of 8", at, p.rows, p.cols)
		}
	}
}

// TestStatesDifferWithoutColour: no two states look the same where there is no colour, at any size of a card.
func TestStatesDifferWithoutColour(t *testing.T) {
	s := mixedBench(t, "en", 16)
	for _, signs := range []theme.Signs{theme.Unicode(), theme.ASCII()} {
		l := s.look(theme.Mono(), signs)
		for _, at := range []size{{24, 1}, {11, 2}, {15, 3}, {16, 5}, {20, 6}, {30, 8}, {50, 16}} {
			seen := map[string]string{}
			for _, slot := range s.board.Slots() {
				c := *slot
				state := fmt.Sprint(c.State, c.End.Outcome, c.PortStatus, c.WantsScan)
				c.Name, c.DeviceID, c.HardwareSerial, c.Run, c.End.Message, c.End.Hint = "slot", "", "", "", "", ""
				drawn := ansi.Strip(strings.Join(l.Card(&c, sceneStart.Add(time.Second), at.w, at.h, false), "\n"))
				if other, ok := seen[drawn]; ok && other != state {
					t.Errorf("%s: %s and %s look the same:\n%s", at, other, state, drawn)
				}
				seen[drawn] = state
			}
			if len(seen) < 13 {
				t.Errorf("%s: got %d different cards, want one for each of 13 states", at, len(seen))
			}
		}
	}
}

// TestWantedLabelStandsOut: a slot that waits for its label says so on its card, in its bar and in its row.
func TestWantedLabelStandsOut(t *testing.T) {
	s := mixedBench(t, "en", 4)
	l := s.look(theme.Mono(), theme.ASCII())
	for _, list := range []bool{false, true} {
		b := s.bench(l, 120, 31)
		b.SetList(list)
		if !b.Select("slot 4") {
			t.Fatal("slot 4 cannot be selected")
		}
		view := ansi.Strip(b.View())
		for _, want := range []string{"SCAN", "The label of the device in slot 4 is wanted.", "Next: Scan the label on the device."} {
			if !strings.Contains(view, want) {
				t.Errorf("list %t: got no %q in\n%s", list, want, view)
			}
		}
	}
}

func TestMoving(t *testing.T) {
	s := mixedBench(t, "en", 10)
	b := s.bench(s.look(theme.Dark(), theme.Unicode()), 120, 31)
	cols := b.plan().cols
	if cols != 4 && cols != 5 {
		t.Fatalf("got %d columns, want 4 or 5", cols)
	}
	at := benchSlot
	for _, tt := range []struct {
		name string
		do   func()
		want string
	}{
		{"nothing", func() {}, at(1)},
		{"right", func() { b.MoveX(1) }, at(2)},
		{"down", func() { b.MoveY(1) }, at(2 + cols)},
		{"up", func() { b.MoveY(-1) }, at(2)},
		{"up at the top", func() { b.MoveY(-1) }, at(2)},
		{"left, left", func() { b.MoveX(-2) }, at(1)},
		{"far down", func() { b.MoveY(1000) }, at(1 + cols*((10-1)/cols))},
		{"far right", func() { b.MoveX(1000) }, at(10)},
		{"down at the bottom", func() { b.MoveY(1) }, at(10)},
		{"by name", func() { b.Select(at(cols)) }, at(cols)},
		{"by a name there is not", func() { b.Select("slot 99") }, at(cols)},
		{"above a gap", func() { b.MoveY(1000) }, at(min(10, cols+cols*((10-1)/cols)))},
	} {
		tt.do()
		b.View()
		if got := b.Selected().Name; got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

// TestAttention goes round the slots that wait for a person.
func TestAttention(t *testing.T) {
	s := mixedBench(t, "en", 9)
	b := s.bench(s.look(theme.Dark(), theme.Unicode()), 120, 31)
	var got []string
	for range 6 {
		if !b.NextAttention() {
			t.Fatal("no slot needs a person")
		}
		got = append(got, b.Selected().Name)
	}
	want := []string{"slot 2", "slot 4", "slot 5", "slot 6", "slot 7", "slot 2"}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	calm := newStage(t, "en")
	calm.mixed(1)
	calm.mixed(3)
	b = calm.bench(calm.look(theme.Dark(), theme.Unicode()), 120, 31)
	if slot := b.Attention(); slot != nil || b.NextAttention() {
		t.Errorf("got %v, want nobody to be needed", slot)
	}
	if empty := newStage(t, "en").bench(calm.look(theme.Dark(), theme.Unicode()), 80, 20); empty.Attention() != nil {
		t.Error("an empty bench needs a person")
	}
}

// TestTakenDeviceNeedsNobody: a failed device that was taken out was seen to.
func TestTakenDeviceNeedsNobody(t *testing.T) {
	s := newStage(t, "en")
	s.mixed(2)
	slot := s.board.Slot(benchSlot(2))
	if !widget.NeedsPerson(slot) {
		t.Error("a failed device in its slot needs nobody")
	}
	s.add(station.PortSeen{Port: benchPort(2), Slot: benchSlot(2), Status: "gone"})
	if widget.NeedsPerson(slot) || slot.State != board.Ended {
		t.Errorf("taken out: needs a person: %t, state %v, want a verdict that needs nobody", widget.NeedsPerson(slot), slot.State)
	}
}

// TestCardsAreDrawnOnce: the cache gives what a fresh drawing gives, after every kind of change.
func TestCardsAreDrawnOnce(t *testing.T) {
	s := mixedBench(t, "en", 12)
	l := s.look(theme.Dark(), theme.Unicode())
	b := s.bench(l, 120, 31)
	now := s.at.Add(3 * time.Second)
	b.View()
	for _, tt := range []struct {
		name string
		do   func()
	}{
		{"an event", func() { s.mixed(8); s.run(8, station.PhaseClock, station.PhaseStarted, 0) }},
		{"time", func() { now = now.Add(1234 * time.Millisecond) }},
		{"a move", func() { b.Move(3) }},
		{"a size", func() { b.SetSize(200, 46) }},
		{"a theme", func() { l = s.look(theme.Light(), theme.Unicode()); b.SetLook(l) }},
		{"a label", func() {
			s.add(station.ScanWanted{Run: "run-3", Slot: benchSlot(3), Wanted: true})
		}},
		{"an unplug", func() { s.add(station.PortSeen{Port: benchPort(1), Slot: benchSlot(1), Status: "gone"}) }},
	} {
		before := b.View()
		tt.do()
		b.SetNow(now)
		fresh := s.bench(l, b.w, b.h)
		fresh.SetNow(now)
		fresh.Select(b.Selected().Name)
		got := b.View()
		if got != fresh.View() {
			t.Errorf("after %s: the cache shows something else than a fresh drawing", tt.name)
		}
		if got == before {
			t.Errorf("after %s: nothing has changed", tt.name)
		}
	}
}

// TestLongAndWideNames: names and ids of any width break neither lines nor columns.
func TestLongAndWideNames(t *testing.T) {
	for _, name := range []string{"platform-xhci-hcd.1-usb-0:1.4.2:1.0-port%d", "日本のスロット%d", "%d", "👩‍🔧 é%d"} {
		for _, n := range []int{1, 5, 16, 64} {
			for _, signs := range []theme.Signs{theme.Unicode(), theme.ASCII()} {
				s := newStage(t, "en")
				for i := 1; i <= n; i++ {
					slot := fmt.Sprintf(name, i)
					s.add(station.PortSeen{Port: benchPort(i), Slot: slot, Status: "listening"})
					if i%3 == 0 {
						s.add(station.PhaseChanged{Run: "r", Attempt: 1, Slot: slot, DeviceID: "デバイス👩‍🔧" + strings.Repeat("x", 200), Phase: station.PhaseClock, Status: station.PhaseStarted})
					}
				}
				for _, at := range append(sizes, size{81, 25}, size{240, 40}, size{300, 90}) {
					for _, list := range []bool{false, true} {
						b := s.bench(s.look(theme.Dark(), signs), at.w, at.h-chrome)
						b.SetList(list)
						b.Move(n / 2)
						checkShape(t, b.View(), at.w, at.h-chrome)
						b.MoveY(n)
						checkShape(t, b.View(), at.w, at.h-chrome)
					}
				}
			}
		}
	}
}
