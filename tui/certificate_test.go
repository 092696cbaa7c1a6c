package tui

import (
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/google/go-cmp/cmp"

	"provstation/station"
	"provstation/tui/keymap"
)

// renewing takes slot i through a run that renews, up to and with a phase.
func (s *script) renewing(i int, upTo station.Phase, last station.PhaseStatus) {
	s.begin(i)
	for _, p := range station.Phases() {
		status := station.PhaseDone
		switch p {
		case upTo:
			status = last
		case station.PhaseEnroll, station.PhaseAutorenew:
			continue
		case station.PhaseKeygen, station.PhaseCSR, station.PhaseWireGuard, station.PhaseRegister:
			status = station.PhaseSkipped
		}
		s.phase(i, p, status)
		if p == station.PhaseRenew && status == station.PhaseDone {
			s.add(station.PhaseChanged{
				Run: runID(i), Attempt: 1, Slot: slotName(i), DeviceID: deviceID(i), Phase: p, Status: status, ElapsedMS: 210,
				Facts: map[string]string{
					station.FactPrevious: strings.Repeat("0c", 32), station.FactPreviousEnd: "2026-12-01T14:02:00Z",
					station.FactRenewedBy: "token", station.FactTokensLeft: "99",
				},
			})
		}
		if p == upTo {
			return
		}
	}
}

// sceneField is a bench on which devices have come back: finished, finished before, expired, being renewed, renewed, not
// renewed, held, and one that was never finished.
func sceneField(s *script, w faulter) {
	for i := 1; i <= 8; i++ {
		s.listen(i)
	}
	s.pass(1)
	over := time.Date(2026, 11, 1, 14, 2, 0, 0, time.UTC)
	ended := func(i int, o station.Outcome, code station.Code, params map[string]string, at *time.Time) {
		message, hint := w.Fault(code, params)
		s.end(i, o, station.RunEnded{Code: code, Params: params, Message: message, Hint: hint, NotAfter: at})
	}
	soon := time.Date(2026, 12, 1, 14, 2, 0, 0, time.UTC)
	s.work(2, station.PhaseIdentify, station.PhaseDone)
	ended(2, station.Skipped, station.CodeSkipped, map[string]string{"left": "7 days"}, &soon)
	s.work(3, station.PhaseIdentify, station.PhaseFailed)
	ended(3, station.Fail, station.CodeCertExpired, map[string]string{"not_after": "2026-11-01T14:02:00Z"}, &over)
	s.fail(7, station.PhaseIdentify, station.Uncertain, station.CodeUnknownKey, map[string]string{"hardware_serial": "SN-7731-00007"}, w)
	s.fail(8, station.PhaseMQTT, station.Fail, station.CodeBrokerCert, map[string]string{"broker": "mqtt.tenant.example.com:8883", "alert": "48"}, w)
	s.task = station.TaskRenew
	s.renewing(5, station.PhaseRecord, station.PhaseDone)
	s.end(5, station.Pass, station.RunEnded{})
	s.work(6, station.PhaseIdentify, station.PhaseFailed)
	ended(6, station.Error, station.CodeCANone, nil, nil)
	s.task = station.TaskRekey
	s.renewing(4, station.PhaseRenew, station.PhaseStarted)
	s.task = station.TaskProvision
	s.after(300 * time.Millisecond)
}

// sceneFieldPaused is the same with a batch that is paused.
func sceneFieldPaused(s *script, w faulter) {
	sceneField(s, w)
	s.add(station.BatchChanged{Batch: "lot-7", State: station.BatchPaused, Expected: 2})
}

func TestCertificateFlows(t *testing.T) {
	anew := append([]string{"c", "end", "enter"}, append(letters("slot 1"), "enter")...)
	to := func(slot int, keys ...string) []string {
		var all []string
		for range slot - 1 {
			all = append(all, "tab")
		}
		return append(all, keys...)
	}
	for _, tt := range []struct {
		name  string
		scene scene
		set   func(*recorder)
		keys  []string
		want  []string
		ends  keymap.Screen
		says  string
	}{
		{"renew", sceneField, nil, []string{"c", "enter"}, []string{"ask slot 1 renew"}, keymap.Bench, "slot 1: asked to renew its certificate."},
		{"renew from the details", sceneField, nil, []string{"enter", "c", "enter"}, []string{"ask slot 1 renew"}, keymap.Details, "slot 1: asked to renew its certificate."},
		{"a new key", sceneField, nil, []string{"c", "down", "enter"}, []string{"ask slot 1 rekey"}, keymap.Bench, "slot 1: asked to make a new key."},
		{"the dialog says how long it lasts", sceneField, nil, []string{"c"}, nil, keymap.Choice, "dev-0041: its certificate ends on 2027-11-23 (364 days left)."},
		{"enroll anew asks first", sceneField, nil, []string{"c", "end", "enter"}, nil, keymap.Text, "What it has now is replaced."},
		{"enroll anew", sceneField, nil, anew, []string{"ask slot 1 re-enroll"}, keymap.Bench, "slot 1: asked to enroll anew."},
		{"enroll anew, another slot typed", sceneField, nil, append([]string{"c", "end", "enter"}, append(letters("slot 2"), "enter")...), nil, keymap.Text, "Type exactly: slot 1"},
		{"enroll anew, turned back", sceneField, nil, []string{"c", "end", "enter", "esc"}, nil, keymap.Bench, ""},
		{"turned back", sceneField, nil, []string{"c", "down", "esc"}, nil, keymap.Bench, ""},
		{"of one that was finished before", sceneField, nil, to(2, "c", "enter"), []string{"ask slot 2 renew"}, keymap.Bench, "asked to renew"},
		{"of an expired one, from the top", sceneField, nil, to(3, "c", "home", "enter"), nil, keymap.Choice, "Not now: the certificate has ended. Enroll the device anew."},
		{"of an expired one", sceneField, nil, to(3, append([]string{"c", "enter"}, append(letters("slot 3"), "enter")...)...), []string{"ask slot 3 re-enroll"}, keymap.Bench, "slot 3: asked to enroll anew."},
		{"of one at work", sceneField, nil, to(4, "c"), nil, keymap.Bench, "c: the run is still going; abort it first."},
		{"of one that was renewed", sceneField, nil, to(5, "c", "enter"), []string{"ask slot 5 renew"}, keymap.Bench, "asked to renew"},
		{"of one that was not renewed", sceneField, nil, to(6, "c", "enter"), []string{"ask slot 6 renew"}, keymap.Bench, "asked to renew"},
		{"of one that is held", sceneField, nil, to(7, "c"), nil, keymap.Bench, "c: the device in this slot is not finished."},
		{"of one that is not finished", sceneField, nil, to(8, "c"), nil, keymap.Bench, "c: the device in this slot is not finished."},
		{"of nothing", sceneListening, nil, []string{"c"}, nil, keymap.Bench, "c: nothing has run in this slot yet"},
		{"of no slot", sceneEmpty, nil, []string{"c"}, nil, keymap.Bench, "c: no slot is selected."},
		{"of what was unplugged", func(s *script, w faulter) {
			scenePass(s, w)
			s.add(station.PortSeen{Port: portName(1), Slot: slotName(1), Status: "gone"})
		}, nil, []string{"c"}, nil, keymap.Bench, "c: the device was unplugged"},
		{"of one that is another procedure's", func(s *script, w faulter) {
			s.listen(1)
			s.work(1, station.PhaseIdentify, station.PhaseDone)
			s.add(station.PhaseChanged{Run: runID(1), Attempt: 1, Slot: slotName(1), Phase: station.PhaseIdentify, Status: station.PhaseDone, Facts: map[string]string{station.FactDeviceState: "foreign"}})
			s.end(1, station.Skipped, station.RunEnded{Code: station.CodeSkipped})
		}, nil, []string{"c"}, nil, keymap.Bench, "c: another procedure set this device up."},
		{"refused", sceneField, refusing(station.CodeSlotRunning, "slot", "slot 1"), []string{"c", "enter"}, []string{"ask slot 1 renew"}, keymap.Bench, "fault"},
		{"enroll anew refused", sceneField, refusing(station.CodeSlotRunning, "slot", "slot 1"), anew, []string{"ask slot 1 re-enroll"}, keymap.Text, "fault"},
		{"renew while the batch is paused", sceneFieldPaused, nil, []string{"c", "enter"}, []string{"ask slot 1 renew"}, keymap.Bench, "slot 1: starts when the batch goes on. Press p."},
		{"renew all asks first", sceneField, nil, []string{"C"}, nil, keymap.Consent, "Finished devices that are plugged in: 3."},
		{"renew all says what is left out", sceneField, nil, []string{"C"}, nil, keymap.Consent, "because their certificate has ended: 1."},
		{"renew all", sceneField, nil, []string{"C", "enter"}, []string{"ask all renew"}, keymap.Bench, "Devices asked to renew their certificates: 2."},
		{"renew all from the details", sceneField, nil, []string{"enter", "C", "enter"}, []string{"ask all renew"}, keymap.Details, "asked to renew their certificates: 2."},
		{"renew all, turned back", sceneField, nil, []string{"C", "esc"}, nil, keymap.Bench, ""},
		{"renew all refused", sceneField, refusing(station.CodeSlotIdle, "slot", "all slots"), []string{"C", "enter"}, []string{"ask all renew"}, keymap.Bench, "fault"},
		{"renew all while the batch is paused", sceneFieldPaused, nil, []string{"C", "enter"}, []string{"ask all renew"}, keymap.Bench, "when the batch goes on: 2. Press p."},
		{"renew all of none", sceneRunning, nil, []string{"C"}, nil, keymap.Bench, "C: no finished device is plugged in"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, rec := benchModel(t, tt.scene, 90, 30, utf8Env)
			if tt.set != nil {
				tt.set(rec)
			}
			clockOf(m).people(m, tt.keys...)
			if d := cmp.Diff(tt.want, rec.intents()); d != "" {
				t.Errorf("asked for (-want +got):\n%s", d)
			}
			says := tt.says
			if f, ok := station.AsFault(rec.err); ok {
				what, next := catalogue(t).Fault(f.Code, f.Params)
				says = what + " " + next
			}
			view := strings.Join(strings.Fields(strings.ReplaceAll(plainView(m), "│", "")), " ")
			if m.mode.screen != tt.ends || !strings.Contains(view, says) {
				t.Errorf("got screen %d, want %d and the words %q:\n%s", m.mode.screen, tt.ends, says, plainView(m))
			}
		})
	}
}

// TestCertificateOfAnother: what a person said of one device is never done to the one that took its place meanwhile.
func TestCertificateOfAnother(t *testing.T) {
	for name, happens := range map[string]station.Body{
		"another is at work": station.RunStarted{Run: runID(77), Attempt: 1, Slot: slotName(1), Port: portName(1)},
		"another has ended":  station.RunEnded{Run: runID(77), Attempt: 1, Slot: slotName(1), Port: portName(1), Outcome: station.Pass},
		"it was unplugged":   station.PortSeen{Port: portName(1), Slot: slotName(1), Status: "gone"},
	} {
		for way, keys := range map[string][2][]string{
			"renew":       {{"c"}, {"enter"}},
			"enroll anew": {{"c", "end", "enter"}, append(letters("slot 1"), "enter")},
		} {
			t.Run(name+", "+way, func(t *testing.T) {
				m, rec := benchModel(t, sceneField, 100, 30, utf8Env)
				c := clockOf(m)
				c.people(m, keys[0]...)
				tell(m, 900, happens)
				c.people(m, keys[1]...)
				if got := rec.intents(); got != nil || m.mode.screen != keymap.Bench {
					t.Errorf("got %v asked, screen %d", got, m.mode.screen)
				}
				if !strings.Contains(plainView(m), "something else has happened there meanwhile") {
					t.Errorf("does not say that nothing was done:\n%s", plainView(m))
				}
			})
		}
	}
}

// TestCertificateIsNotScanned: a scanner that reads what the dialogs ask for asks for nothing.
func TestCertificateIsNotScanned(t *testing.T) {
	for name, keys := range map[string][]string{
		"the choice": {"c"}, "anew": {"c", "end", "enter"}, "all": {"C"}, "the bench": nil,
	} {
		for _, text := range []string{"slot 1", "c", "Cc\r", "jj"} {
			t.Run(name+", "+text, func(t *testing.T) {
				m, rec := benchModel(t, sceneField, 100, 30, utf8Env)
				c := clockOf(m)
				c.people(m, keys...)
				before := m.mode
				c.at = c.at.Add(time.Second)
				_, cmd := m.Update(tea.PasteMsg{Content: text + "\r"})
				settle(m, cmd)
				if len(text) > 3 { // a wedge is known by its speed
					c.at = c.at.Add(time.Second)
					c.scan(m, text)
				}
				for _, got := range rec.intents() {
					if strings.HasPrefix(got, "ask") {
						t.Errorf("a scan asked for %q", got)
					}
				}
				wantMode(t, m, before)
			})
		}
	}
}

// TestExpiredNamesItsKey: what to do next says a key, so that is in sight.
func TestExpiredNamesItsKey(t *testing.T) {
	m, _ := benchModel(t, sceneField, 120, 35, utf8Env)
	footer := func() string {
		lines := strings.Split(plainView(m), "\n")
		return lines[len(lines)-1]
	}
	const key = "c new certificate"
	if got := footer(); strings.Contains(got, key) {
		t.Errorf("got %q beside a device that is finished", got)
	}
	press(m, "tab", "tab")
	if got := footer(); !strings.Contains(got, key) {
		t.Errorf("got %q, want %q in it", got, key)
	}
	if view := plainView(m); !strings.Contains(view, "Press c to enroll it anew") {
		t.Errorf("does not say which key:\n%s", view)
	}
}
