package screen

import (
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"pgregory.net/rapid"

	"provstation/station"
	"provstation/station/ledger"
	"provstation/station/words"
	"provstation/tui/widget"
)

// TestPagesKeepTheirShape: at every size, in every language and state, wherever it is scrolled to, a page is exactly as
// wide and as high as it was told to be, and ASCII where it must be.
func TestPagesKeepTheirShape(t *testing.T) {
	type drawn struct {
		page
		move func(n int)
	}
	pages := map[string]func() drawn{}
	for name, make := range batchScenes() {
		pages[name] = func() drawn { p := NewBatch(make().board); return drawn{p, p.Scroll} }
	}
	for name, make := range doctorScenes() {
		pages[name] = func() drawn { p := make(); return drawn{p, p.Scroll} }
	}
	for name, make := range recordsScenes(t) {
		pages[name] = func() drawn { p := make(); return drawn{p, p.Move} }
	}
	for name, make := range detailScenes() {
		pages["detail-"+name] = func() drawn {
			p := &detailPage{board: make().board, slot: "slot 1"}
			return drawn{p, func(n int) { p.turns = max(0, n%5); p.detail.Scroll(n) }}
		}
	}
	type key struct {
		locale string
		plain  bool
	}
	looks := map[key]widget.Look{}
	for _, locale := range words.Locales() {
		for _, plain := range []bool{false, true} {
			looks[key{locale, plain}] = lookIn(t, locale, plain)
		}
	}
	for _, plain := range []bool{false, true} { // A language whose every sentence is half as long again.
		look := looks[key{words.Default, plain}]
		text := look.Text
		look.Text = func(key string, pairs ...string) string {
			s := text(key, pairs...)
			return s + strings.Repeat("n", len(s)/2)
		}
		looks[key{"long", plain}] = look
	}
	names := make([]string, 0, len(pages))
	for name := range pages {
		names = append(names, name)
	}
	rapid.Check(t, func(t *rapid.T) {
		p := pages[rapid.SampledFrom(names).Draw(t, "page")]()
		k := key{rapid.SampledFrom(append(words.Locales(), "long")).Draw(t, "locale"), rapid.Bool().Draw(t, "plain")}
		p.SetLook(looks[k])
		p.SetNow(begun.Add(time.Duration(rapid.Int64Range(0, 1e15).Draw(t, "after"))))
		for range 3 {
			w, h := rapid.IntRange(80, 260).Draw(t, "w"), rapid.IntRange(20, 90).Draw(t, "h")
			p.SetSize(w, h)
			p.move(rapid.IntRange(-200, 200).Draw(t, "move"))
			view := p.View()
			if k.plain {
				view = widget.ASCIIOnly(view)
				if strings.ContainsFunc(view, func(r rune) bool { return r > 0x7e }) {
					t.Fatal("got more than ASCII")
				}
			}
			lines := strings.Split(view, "\n")
			if len(lines) != h {
				t.Fatalf("at %dx%d: got %d lines, want %d", w, h, len(lines), h)
			}
			for i, line := range lines {
				if got := ansi.StringWidth(line); got != w {
					t.Fatalf("at %dx%d: line %d is %d cells wide: %q", w, h, i, got, ansi.Strip(line))
				}
			}
		}
	})
}

// TestPagesBearAnySize draws where nobody works: nothing breaks.
func TestPagesBearAnySize(t *testing.T) {
	s := batchScenes()["batch-open"]()
	r := recordsScenes(t)["records-filter"]()
	o := recordsScenes(t)["records-open"]()
	pages := []page{NewBatch(s.board), doctorScenes()["doctor-bad"](), r, o, &detailPage{board: s.board, slot: "slot 1"}}
	look := lookIn(t, "en", false)
	for _, p := range pages {
		p.SetLook(look)
		p.SetNow(begun)
		for _, at := range []size{{0, 0}, {1, 1}, {2, 3}, {10, 2}, {20, 5}, {40, 12}, {79, 1}, {300, 0}} {
			p.SetSize(at.w, at.h)
			_ = p.View()
		}
	}
}

// TestPagesBearWideText puts names that are wider than their letters, and far longer than any room, into every place.
func TestPagesBearWideText(t *testing.T) {
	long := strings.Repeat("長い名前", 60)
	s := newScenario()
	devices := []station.BatchDevice{{DeviceID: long, HardwareSerial: long}, {DeviceID: "x"}}
	s.tell(station.BatchChanged{Batch: long, State: station.BatchPaused, By: long, Reason: long, Expected: 2, OpenedAt: s.at, Devices: devices})
	s.tell(station.RunStarted{Run: "r", Attempt: 3, Slot: long, Port: long, Batch: long, Operator: long})
	s.tell(station.PhaseChanged{Run: "r", Slot: long, DeviceID: long, Phase: station.PhaseVerify, Status: station.PhaseDone, Step: long, Facts: map[string]string{
		station.FactChain: long + " <- " + long, station.FactTunnelConf: long, station.FactBootLog: long, station.FactWireLog: long, station.FactDeviceLog: long,
		station.FactHardwareSerial: long, station.FactIDSource: long, station.FactTunnelAddress: long,
	}, Warnings: []station.Warning{{Code: "W", Text: long}}})
	s.tell(station.RunEnded{Run: "r", Slot: long, Outcome: station.Fail, Code: station.Code(long), Phase: station.PhaseVerify, Message: long, Hint: long})
	r := NewRecords()
	row := ledger.RunRow{RunStart: station.RunStart{Slot: long, Operator: long, Batch: long, StartedAt: begun}, DeviceID: long, HardwareSerial: long, Outcome: station.Fail, Code: station.Code(long)}
	r.SetFilter(ledger.Filter{Text: long, Operator: long})
	r.SetRows([]ledger.RunRow{row, row}, true, 9)
	o := NewRecords()
	o.SetDetail(ledger.RunDetail{RunRow: row, Phases: []station.PhaseEnd{{Phase: station.Phase(long), Facts: map[string]string{long: long}}}})
	d := NewDoctor()
	d.Begin()
	d.Add(Check{Title: long, Detail: long, Next: long, Status: "fail"})
	look := lookIn(t, "en", false)
	text := look.Text
	look.Text = func(key string, pairs ...string) string {
		if strings.Contains(key, "長") {
			return key
		}
		return text(key, pairs...)
	}
	for i, p := range []page{NewBatch(s.board), r, o, d, &detailPage{board: s.board, slot: s.board.Slots()[0].Name}} {
		p.SetLook(look)
		p.SetNow(s.at)
		for _, at := range sizes {
			p.SetSize(at.w, at.h)
			t.Logf("page %d at %v", i, at)
			checkShape(t, p.View(), at.w, at.h)
		}
	}
}
