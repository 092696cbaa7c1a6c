package screen

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"provstation/station"
	"provstation/station/words"
	"provstation/tui/widget"
)

// headerScenes are the headers that there are.
func headerScenes(s *stage) []func() {
	opened := sceneStart.Add(-time.Hour)
	devices := make([]station.BatchDevice, 40)
	for i := range devices {
		devices[i] = station.BatchDevice{Line: i + 2, DeviceID: fmt.Sprintf("dev-%04d", 41+i)}
	}
	held, _ := s.words.Fault(station.CodeHeldFailures, map[string]string{"count": "3", "code": "E-BROKER-CERT"})
	return []func(){
		func() {},
		func() { s.add(station.OperatorChanged{Required: true}) },
		func() {
			s.add(station.OperatorChanged{Operator: "Anna Schmidt", Role: station.RoleOperator, Required: true})
		},
		func() {
			s.add(station.BatchChanged{Batch: "B-2026-117", State: station.BatchOpen, Expected: 40, OpenedAt: opened, Devices: devices})
		},
		func() {
			for i := range 16 {
				s.mixed(i + 1)
				s.at = s.at.Add(5 * time.Second) // a pace is told of ends that lie apart
			}
		},
		func() {
			s.add(station.BatchChanged{Batch: "B-2026-117", State: station.BatchPaused, By: "Anna Schmidt", Reason: "lunch", Expected: 40, OpenedAt: opened})
		},
		func() {
			s.add(station.OperatorChanged{Operator: "Bartholomäus Ziegenhain-Obermüller", Role: station.RoleLead, Required: true})
			s.add(station.BatchChanged{Batch: "B-2026-117", State: station.BatchHeld, Code: station.CodeHeldFailures, Reason: held, Expected: 40, OpenedAt: opened})
		},
		func() {
			s.add(station.BatchChanged{Batch: "B-2026-117", State: station.BatchClosed, Expected: 40, Done: 4, OpenedAt: opened})
		},
	}
}

func TestHeaderGolden(t *testing.T) {
	for _, locale := range words.Locales() {
		for _, plain := range []bool{false, true} {
			for _, at := range sizes {
				s := newStage(t, locale)
				l := lookIn(t, locale, plain)
				var all []string
				for _, scene := range headerScenes(s) {
					scene()
					view := Header(l, s.board, "provstation", s.at, at.w)
					name := "header"
					if plain {
						name, view = name+"-ascii", widget.ASCIIOnly(view)
					}
					checkShape(t, view, at.w, HeaderLines(s.board))
					all = append(all, ansi.Strip(view), "")
					if len(all) == 16 {
						compare(t, fmt.Sprintf("%s-%d.%s", name, at.w, locale), strings.Join(all, "\n"))
					}
				}
			}
		}
	}
}

// TestHeaderSharingGolden draws what the header says of the ledger that stations share.
func TestHeaderSharingGolden(t *testing.T) {
	oldest, yesterday := sceneStart.Add(time.Minute), sceneStart.AddDate(0, 0, -1)
	away := func(n int, since *time.Time) station.LedgerChanged {
		return station.LedgerChanged{Status: station.LedgerAway, Waiting: n, Since: since}
	}
	scenes := []func(*stage){
		func(s *stage) { s.add(away(0, nil)) },
		func(s *stage) { s.at = s.at.Add(2 * time.Minute); s.add(away(1, &oldest)) },
		func(s *stage) { s.add(away(12345, &yesterday)) },
		func(s *stage) {
			s.add(station.BatchChanged{Batch: "B-2026-117", State: station.BatchOpen, Expected: 40, OpenedAt: s.at})
			s.add(station.DuplicateFound{Duplicate: "1", HardwareSerial: "SN-7731-00001", OtherSerial: "SN-7731-00002"})
		},
		func(s *stage) { s.add(station.DuplicateFound{Duplicate: "2", HardwareSerial: "SN-7731-00001"}) },
		func(s *stage) { s.board.Acknowledge(); s.add(station.LedgerChanged{Status: station.LedgerShared}) },
		func(s *stage) {
			s.add(station.DuplicateFound{Duplicate: "3", HardwareSerial: strings.Repeat("S", 40), OtherSerial: strings.Repeat("T", 40)})
		},
		func(s *stage) {
			s.board.Acknowledge()
			s.add(station.DuplicateFound{Duplicate: "4", Kind: "lease", HardwareSerial: "SN-7731-00001", OtherSerial: "SN-7731-00001"})
		},
	}
	for _, locale := range words.Locales() {
		for _, plain := range []bool{false, true} {
			for _, at := range sizes {
				s := newStage(t, locale)
				l := lookIn(t, locale, plain)
				var all []string
				for _, scene := range scenes {
					scene(s)
					view := Header(l, s.board, "provstation", s.at, at.w)
					name := "header-sharing"
					if plain {
						name, view = name+"-ascii", widget.ASCIIOnly(view)
					}
					checkShape(t, view, at.w, HeaderLines(s.board))
					all = append(all, ansi.Strip(view), "")
					if len(all) == 2*len(scenes) {
						compare(t, fmt.Sprintf("%s-%d.%s", name, at.w, locale), strings.Join(all, "\n"))
					}
				}
			}
		}
	}
}

// TestHeaderKeepsWhatMatters: in the narrowest window the header still says that nobody is signed in, who needs a
// person, that the batch stands still, and the time.
func TestHeaderKeepsWhatMatters(t *testing.T) {
	s := mixedBench(t, "en", 32)
	s.add(station.OperatorChanged{Required: true})
	s.add(station.BatchChanged{Batch: strings.Repeat("long", 16), State: station.BatchHeld, Reason: strings.Repeat("because ", 30), Expected: 40, Done: 3})
	got := ansi.Strip(Header(lookIn(t, "en", true), s.board, "provstation", s.at, 80))
	for _, want := range []string{"NOT SIGNED IN", "14:03", "To do: 14", "PASS 6", "FAIL 2", "HELD", "3 of 40 done"} {
		if !strings.Contains(got, want) {
			t.Errorf("got no %q in\n%s", want, got)
		}
	}
}

func TestHeaderLines(t *testing.T) {
	s := newStage(t, "en")
	for _, tt := range []struct {
		state station.BatchState
		want  int
	}{
		{"", 2},
		{station.BatchOpen, 3},
		{station.BatchPaused, 3},
		{station.BatchHeld, 3},
		{station.BatchClosed, 2},
	} {
		if tt.state != "" {
			s.add(station.BatchChanged{Batch: "B", State: tt.state, Expected: 1})
		}
		if got := HeaderLines(s.board); got != tt.want {
			t.Errorf("batch %q: got %d lines, want %d", tt.state, got, tt.want)
		}
	}
}

// TestHaltReason: a sentence that does not fit gives way to the fault's name, which does.
func TestHaltReason(t *testing.T) {
	const sentence = "Stopped. The same fault came three times."
	for _, tt := range []struct {
		e    station.BatchChanged
		w    int
		want string
	}{
		{station.BatchChanged{Reason: sentence, Code: station.CodeBridgeDown}, 60, sentence},
		{station.BatchChanged{Reason: sentence, Code: station.CodeBridgeDown}, 30, "E-BRIDGE-DOWN"},
		{station.BatchChanged{Reason: sentence, Code: station.CodeHeldFailures}, 30, sentence},
		{station.BatchChanged{Reason: "lunch"}, 3, "lunch"},
		{station.BatchChanged{Code: station.CodeBridgeDown}, 30, "E-BRIDGE-DOWN"},
		{station.BatchChanged{Code: station.CodeHeldFailures}, 30, ""},
	} {
		if got := haltReason(tt.e, tt.w); got != tt.want {
			t.Errorf("%+v in %d cells: got %q, want %q", tt.e, tt.w, got, tt.want)
		}
	}
}
