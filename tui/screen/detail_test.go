package screen

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"provstation/station"
	"provstation/tui/board"
)

// detailPage makes a page of the detail over the whole screen, as the bench shows it.
type detailPage struct {
	pane
	detail Detail
	board  *board.Board
	slot   string
	turns  int
}

func (p *detailPage) View() string {
	draw := func() []string {
		return p.detail.Lines(p.look, p.board, p.board.Slot(p.slot), p.now, p.w, p.h, true)
	}
	lines := draw()
	for ; p.turns > 0; p.turns-- {
		p.detail.NextTab()
		lines = draw()
	}
	return strings.Join(lines, "\n")
}

func detailScenes() map[string]func() *scenario {
	return map[string]func() *scenario{
		"pass": func() *scenario {
			s := newScenario()
			s.openBatch(8)
			s.pass(1, 1)
			return s
		},
		"running": func() *scenario {
			s := newScenario()
			e := s.begin(1, 1)
			s.work(e, 1, station.PhaseKeygen, station.PhaseStarted)
			s.after(400 * time.Millisecond)
			return s
		},
		"warned": func() *scenario {
			s := newScenario()
			e := s.begin(1, 1)
			s.work(e, 1, station.PhaseReadback, station.PhaseDone)
			e.Phase, e.Status = station.PhaseReadback, station.PhaseDone
			e.Facts = map[string]string{station.FactCorroborated: "no", station.FactNotAfter: "2026-11-23T09:30:00Z", station.FactChainNotAfter: "2026-11-23T09:30:00Z <- 2026-11-23T08:00:00Z <- 2026-11-23T09:00:00Z <- 2036-01-01T00:00:00Z"}
			e.Warnings = []station.Warning{{Code: station.CodeNotCorrob, Text: "The device id dev-0001 could not be checked against a second source."}, {Code: station.CodeWGKeyCrossed}}
			s.tell(e)
			return s
		},
		"differs": func() *scenario {
			s := newScenario()
			e := s.begin(1, 1)
			s.work(e, 1, station.PhaseAssign, station.PhaseFailed)
			s.finish(e, 1, station.Fail, station.PhaseAssign, station.CodeScanWrong,
				"The label dev-0001 belongs to another device (hardware SN-7731-00009). In slot 1 is hardware SN-7731-00001.", "Scan the label of the device in slot 1.")
			return s
		},
		"waiting": func() *scenario {
			s := newScenario()
			s.tell(station.PortSeen{Port: "/dev/ttyUSB0", Slot: "slot 1", Status: "listening"})
			s.tell(station.PortSeen{Port: "/dev/ttyS0", Status: "ignored", Code: station.CodePortIgnored})
			return s
		},
	}
}

// The detail says which device profile the slot's port has, at every size.
func TestDetailShowsProfile(t *testing.T) {
	for _, at := range sizes {
		s := newScenario()
		e := s.begin(1, 1)
		e.Phase, e.Status, e.Facts = station.PhaseIdentify, station.PhaseDone, map[string]string{station.FactProfile: "shared-console"}
		s.tell(e)
		p := &detailPage{board: s.board, slot: "slot 1"}
		p.SetLook(lookIn(t, "en", false))
		p.SetNow(s.at)
		p.SetSize(at.w, at.h-HeaderHeight-2)
		view := ansi.Strip(p.View())
		shown := slices.ContainsFunc(strings.Split(view, "\n"), func(line string) bool {
			return strings.Contains(line, "Profile") && strings.Contains(line, "shared-console")
		})
		if !shown {
			t.Errorf("%s: no profile in\n%s", at, view)
		}
	}
}

func TestDetailGolden(t *testing.T) {
	for name, make := range detailScenes() {
		s := make()
		for i, at := range []string{"overview", "certificate", "tunnel", "device", "line"} {
			if i > 0 && name != "pass" && name != "warned" {
				break
			}
			t.Run(name+"-"+at, func(t *testing.T) {
				goldens(t, "detail-"+name+"-"+at, s.at, func() page {
					return &detailPage{board: s.board, slot: "slot 1", turns: i}
				})
			})
		}
	}
}

func detailView(t *testing.T, s *scenario, w, h, turns int) string {
	t.Helper()
	p := &detailPage{board: s.board, slot: "slot 1", turns: turns}
	p.SetLook(lookIn(t, "en", false))
	p.SetNow(s.at)
	p.SetSize(w, h)
	return ansi.Strip(p.View())
}

func TestDetailTabs(t *testing.T) {
	s := detailScenes()["pass"]()
	for i, want := range []string{"Hardware serial", "└─ dev-0001", "PresharedKey = (hidden)", "generation 1 active", "4 certificates, each once", "Hardware serial"} {
		if got := detailView(t, s, 80, 60, i); !strings.Contains(got, want) {
			t.Errorf("after %d turns: got no %q in\n%s", i, want, got)
		}
	}
	p := &detailPage{board: s.board, slot: "slot 1"}
	p.SetLook(lookIn(t, "en", false))
	p.SetSize(80, 20)
	p.View()
	p.detail.PrevTab()
	if got := ansi.Strip(p.View()); !strings.Contains(got, "[Line]") {
		t.Errorf("got no last tab before the first:\n%s", got)
	}
	p.SetSize(200, 46)
	wide := ansi.Strip(p.View())
	for _, want := range []string{"└─ dev-0001", "PresharedKey = (hidden)", "generation 1 active", "4 certificates, each once", "Broker test", "CN dev-0001"} {
		if !strings.Contains(wide, want) {
			t.Errorf("got no %q where everything has room:\n%s", want, wide)
		}
	}
	if p.detail.Tabbed() || strings.Contains(wide, "[Line]") {
		t.Error("got tabs where everything has room")
	}
	p.detail.NextTab()
	p.SetSize(80, 20)
	if got := ansi.Strip(p.View()); !strings.Contains(got, "[Line]") {
		t.Errorf("got another tab after a key that had nothing to turn:\n%s", got)
	}
}

func TestDetailSays(t *testing.T) {
	for _, tt := range []struct {
		scene string
		turns int
		want  []string
		never []string
	}{
		{"pass", 0, []string{"Id, hardware and certificate belong together.", "CN dev-0001", "(scanned label)"}, []string{"DIFFERS", "open"}},
		{"pass", 1, []string{"364 days left", "▲ 189 days left", "Provider Root CA"}, nil},
		{"pass", 4, []string{"4410 sent, 1986 received", "← CSR 412 B, key in secure-element", "→ INSTALL leaf 712 B", "never: the device's private key"}, nil},
		{"running", 0, []string{"Not everything is known yet.", "fits", "not yet", "- - -"}, []string{"belong together"}},
		{"warned", 0, []string{"Nothing confirms the id.", "open", "could not be checked", "The server made the tunnel key"}, []string{"belong together"}},
		{"warned", 1, []string{"✗ EXPIRED", "▲ 57 min left"}, nil},
		{"warned", 4, []string{"the tunnel's key, made by the server"}, []string{"never"}},
		{"differs", 0, []string{"Something does not fit.", "DIFFERS", "Next: Scan the label of the device in slot 1."}, []string{"belong together"}},
		{"differs", 1, []string{"Nothing is known of this yet."}, nil},
	} {
		got := detailView(t, detailScenes()[tt.scene](), 100, 60, tt.turns)
		for _, want := range tt.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s, tab %d: got no %q in\n%s", tt.scene, tt.turns, want, got)
			}
		}
		for _, never := range tt.never {
			if strings.Contains(got, never) {
				t.Errorf("%s, tab %d: got %q, want none, in\n%s", tt.scene, tt.turns, never, got)
			}
		}
	}
}

// TestTriangle holds the picture to what was compared: nothing is equal that no phase has looked at.
func TestTriangle(t *testing.T) {
	run := func(change func(s *board.Slot)) *board.Slot {
		s := &board.Slot{DeviceID: "dev-1", HardwareSerial: "SN-1", Facts: map[string]string{station.FactCorroborated: "yes"}, State: board.Running}
		s.Phases[station.PhaseCSR.Index()].Status = station.PhaseDone
		change(s)
		return s
	}
	ended := func(o station.Outcome, code station.Code) func(*board.Slot) {
		return func(s *board.Slot) { s.State, s.End.Outcome, s.End.Code = board.Ended, o, code }
	}
	noCSR := func(s *board.Slot) { s.Phases[station.PhaseCSR.Index()].Status = station.PhaseSkipped }
	for _, tt := range []struct {
		name string
		slot *board.Slot
		want [3]tie // id-hardware, id-certified, hardware-certified
	}{
		{"all is compared", run(func(*board.Slot) {}), [3]tie{tieSame, tieSame, tieSame}},
		{"nothing is known", &board.Slot{}, [3]tie{}},
		{"no id yet", run(func(s *board.Slot) { s.DeviceID = "" }), [3]tie{}},
		{"no word on the id", run(func(s *board.Slot) { s.Facts = nil }), [3]tie{tieUnknown, tieSame, tieSame}},
		{"nothing confirms the id", run(func(s *board.Slot) { s.Facts[station.FactCorroborated] = "no" }), [3]tie{tieOpen, tieSame, tieSame}},
		{"the request is on its way", run(func(s *board.Slot) { s.Phases[station.PhaseCSR.Index()].Status = station.PhaseStarted }), [3]tie{tieSame, tieUnknown, tieUnknown}},
		{"a wrong label", run(ended(station.Fail, station.CodeScanWrong)), [3]tie{tieDiffers, tieSame, tieSame}},
		{"a swapped board", run(ended(station.Fail, station.CodeSwapped)), [3]tie{tieDiffers, tieSame, tieDiffers}},
		{"a cloned key", run(ended(station.Fail, station.CodeKeyTaken)), [3]tie{tieSame, tieSame, tieDiffers}},
		{"a wrong request", run(func(s *board.Slot) { noCSR(s); ended(station.Fail, station.CodeCSRBad)(s) }), [3]tie{tieSame, tieDiffers, tieUnknown}},
		{"finished before", run(func(s *board.Slot) {
			noCSR(s)
			s.Facts[station.FactChain] = "DEV-1 <- CA"
			ended(station.Skipped, station.CodeSkipped)(s)
		}), [3]tie{tieSame, tieSame, tieSame}},
		{"a certificate of another id", run(func(s *board.Slot) { noCSR(s); s.Facts[station.FactChain] = "dev-2 <- CA" }), [3]tie{tieSame, tieDiffers, tieUnknown}},
	} {
		c := triangleOf(tt.slot)
		if got := [3]tie{c.idHardware, c.idCertified, c.hardwareCertified}; got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
		if c.worst() == tieSame && slices.Contains(tt.want[:], tieDiffers) {
			t.Errorf("%s: got that all is well", tt.name)
		}
	}
}
