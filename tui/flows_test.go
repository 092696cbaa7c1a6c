package tui

import (
	"errors"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/google/go-cmp/cmp"

	"provstation/station"
	"provstation/station/batch"
	"provstation/station/ledger"
	"provstation/tui/keymap"
)

// TestFlows goes through every conversation and looks at what is asked, in which order, and what the operator is told.
func TestFlows(t *testing.T) {
	join := func(parts ...[]string) []string {
		var out []string
		for _, p := range parts {
			out = append(out, p...)
		}
		return out
	}
	enter := []string{"enter"}
	for _, tt := range []struct {
		name  string
		scene scene
		set   func(*recorder)
		keys  []string
		want  []string
		ends  keymap.Screen
		says  string
	}{
		{"sign in by name", sceneMixed, nil, join([]string{"i"}, letters("Ada"), enter), []string{"sign in Ada"}, keymap.Bench, "Ada works here now."},
		{"sign in without a name", sceneMixed, nil, []string{"i", "enter"}, nil, keymap.Text, "Type your name, or scan your badge."},
		{"sign in refused", sceneMixed, refusing(station.CodeNameUnknown, "name", "Ada"), join([]string{"i"}, letters("Ada"), enter), []string{"sign in Ada"}, keymap.Text, "fault"},
		{"sign in given up", sceneMixed, nil, []string{"i", "a", "esc"}, nil, keymap.Bench, ""},
		{"sign out", sceneSignedIn, nil, []string{"I"}, []string{"sign out"}, keymap.Bench, "Ada has signed out."},
		{"sign out of nobody", sceneMixed, nil, []string{"I"}, nil, keymap.Bench, "I: nobody is signed in."},
		{"override", sceneMixed, nil, join([]string{"o"}, letters("checked"), enter, letters("slot 1"), enter, letters("B77"), enter), []string{"override slot 1, checked, B77"}, keymap.Bench, "slot 1: a line lead let the device go on."},
		{"override without a reason", sceneMixed, nil, []string{"o", "x", "enter"}, nil, keymap.Text, "Say in a few words why."},
		{"override with another slot's name", sceneMixed, nil, join([]string{"o"}, letters("checked"), enter, letters("slot 2"), enter), nil, keymap.Text, "Type exactly: slot 1"},
		{"override with the wrong badge", sceneMixed, refusing(station.CodeOverrideBadge), join([]string{"o"}, letters("checked"), enter, letters("slot 1"), enter, letters("B77"), enter), []string{"override slot 1, checked, B77"}, keymap.Text, "fault"},
		{"override of what is not held", scenePass, nil, []string{"o"}, nil, keymap.Bench, "o: nothing is held in this slot."},
		{"retry all", sceneMixed, nil, []string{"R"}, []string{"retry failed"}, keymap.Bench, "Slots asked to start again: 3."},
		{"retry all refused", sceneMixed, refusing(station.CodeHeldPaused), []string{"R"}, []string{"retry failed"}, keymap.Bench, "fault"},
		{"retry all of none", scenePass, nil, []string{"R"}, nil, keymap.Bench, "R: nothing has failed."},
		{"retry all of a held batch", sceneHeld, nil, []string{"esc", "R"}, []string{"retry failed"}, keymap.Bench, "when the batch goes on: 3. Press p."},
		{"pause", sceneBatch, nil, join([]string{"p"}, letters("lunch"), enter), []string{"pause lunch"}, keymap.Bench, "Batch lot-7 is paused."},
		{"pause without a reason", sceneBatch, nil, []string{"p", "enter"}, []string{"pause "}, keymap.Bench, "Batch lot-7 is paused."},
		{"go on", sceneHeld, nil, []string{"esc", "p"}, []string{"resume"}, keymap.Bench, "Batch lot-7 goes on."},
		{"pause without a batch", sceneMixed, nil, []string{"p"}, nil, keymap.Bench, "p: no batch is open."},
		{"learn", sceneMixed, nil, []string{"L", "enter"}, []string{"learn slot 9"}, keymap.Info, "Plug a device into slot 9 now."},
		{"learn another name", sceneMixed, nil, join([]string{"L", "backspace"}, letters("12"), enter), []string{"learn slot 12"}, keymap.Info, "Plug a device into slot 12 now."},
		{"learn refused", sceneMixed, refusing(station.CodeSlotRunning, "slot", "slot 9"), []string{"L", "enter"}, []string{"learn slot 9"}, keymap.Text, "fault"},
		{"learning ended", sceneMixed, nil, []string{"L", "enter", "esc"}, []string{"learn slot 9", "end learning"}, keymap.Bench, "no longer being taught"},
		{"open a batch", sceneMixed, nil, []string{"b", "down", "enter", "enter"}, []string{"manifests", "check /srv/lists/lot-6.csv", "open batch lot-7"}, keymap.Bench, "Batch lot-7 is open. Devices: 2."},
		{"open a batch, seen and left", sceneMixed, nil, []string{"b", "enter", "esc"}, []string{"manifests", "check /srv/lists/lot-7.csv"}, keymap.Bench, ""},
		{"open a batch from another file", sceneMixed, nil, join([]string{"b", "end", "enter"}, letters("/a.csv"), enter, enter), []string{"manifests", "check /a.csv", "open batch lot-7"}, keymap.Bench, "Batch lot-7 is open."},
		{"open a batch where no list is", sceneMixed, func(r *recorder) { r.manifests = nil }, []string{"b"}, []string{"manifests"}, keymap.Text, "Where is the list"},
		{"open a batch with faults", sceneMixed, faulty, []string{"b", "enter"}, []string{"manifests", "check /srv/lists/lot-7.csv"}, keymap.Info, "Line 3, id: Twice. Mend it."},
		{"open a batch with faults, enter opens nothing", sceneMixed, faulty, []string{"b", "enter", "enter"}, []string{"manifests", "check /srv/lists/lot-7.csv"}, keymap.Bench, ""},
		{"open a batch, but there is one", sceneBatch, nil, []string{"b"}, nil, keymap.Bench, "b: a batch is open; close it first."},
		{"lists cannot be had", sceneMixed, func(r *recorder) { r.err = errors.New("read /srv: no such folder") }, []string{"b"}, []string{"manifests"}, keymap.Info, "no such folder"},
		{"close a batch", sceneBatch, nil, join([]string{"2", "c"}, letters("scrapped"), enter, letters("lot-7"), enter), []string{"close batch scrapped"}, keymap.Batch, "Its report: /var/lib/report.html"},
		{"close a batch without a reason", sceneBatch, nil, []string{"2", "c", "enter"}, nil, keymap.Text, "Say in a few words why."},
		{"close a batch, wrong name", sceneBatch, nil, join([]string{"2", "c"}, letters("scrapped"), enter, letters("lot"), enter), nil, keymap.Text, "Type exactly: lot-7"},
		{"close no batch", sceneMixed, nil, []string{"2", "c"}, nil, keymap.Batch, "c: no batch is open."},
		{"label", scenePass, nil, []string{"l", "enter"}, []string{"preview " + runID(1), "print " + runID(1) + " "}, keymap.Bench, "The label went to the printer."},
		{"label once more", scenePass, func(r *recorder) { r.preview.Copies = 2 }, join([]string{"l", "enter"}, letters("torn"), enter), []string{"preview " + runID(1), "print " + runID(1) + " torn"}, keymap.Bench, "The label went to the printer."},
		{"label once more without a reason", scenePass, func(r *recorder) { r.preview.Copies = 2 }, []string{"l", "enter", "enter"}, []string{"preview " + runID(1)}, keymap.Text, "Say in a few words why."},
		{"label of what failed", sceneMixed, nil, []string{"l"}, nil, keymap.Bench, "l: there is no finished device in this slot."},
		{"label of a record", sceneMixed, nil, []string{"3", "enter", "l", "enter"}, []string{"runs  ", "run " + runID(0), "preview " + runID(0), "print " + runID(0) + " "}, keymap.Record, "The label went to the printer."},
		{"records", sceneMixed, nil, []string{"3", "down", "enter"}, []string{"runs  ", "run " + runID(1)}, keymap.Record, ""},
		{"search", sceneMixed, nil, join([]string{"3", "/"}, letters("SN-3"), enter), []string{"runs  ", "runs SN-3 "}, keymap.Records, ""},
		{"filter", sceneMixed, nil, []string{"3", "f", "down", "enter"}, []string{"runs  ", "runs  "}, keymap.Records, ""},
		{"export", sceneMixed, nil, []string{"3", "e", "down", "down", "enter"}, []string{"runs  ", "export ndjson"}, keymap.Records, "Written: /var/lib/runs.ndjson"},
		{"decide about a held run", sceneSignedIn, heldRun, join([]string{"3", "u", "up", "up", "enter"}, letters("reflashed"), enter, letters("dev-0"), enter), []string{"runs  ", "run " + runID(0), "resolve " + runID(0) + " re-enroll, reflashed", "run " + runID(0), "runs  "}, keymap.Records, "The decision is on file."},
		{"decide about an open record", sceneSignedIn, heldRun, join([]string{"3", "enter", "u", "enter"}, letters("seen to"), enter, letters("dev-0"), enter), []string{"runs  ", "run " + runID(0), "run " + runID(0), "resolve " + runID(0) + " ignore, seen to", "run " + runID(0)}, keymap.Record, "The decision is on file."},
		{"decide without a reason", sceneSignedIn, heldRun, []string{"3", "u", "enter", "x", "enter"}, []string{"runs  ", "run " + runID(0)}, keymap.Text, "Say in a few words why."},
		{"decide, another device typed", sceneSignedIn, heldRun, join([]string{"3", "u", "enter"}, letters("seen to"), enter, letters("dev-1"), enter), []string{"runs  ", "run " + runID(0)}, keymap.Text, "Type exactly: dev-0"},
		{"decide, turned back", sceneSignedIn, heldRun, []string{"3", "u", "esc"}, []string{"runs  ", "run " + runID(0)}, keymap.Records, ""},
		{"decide refused", sceneSignedIn, func(r *recorder) { heldRun(r); r.resolveErr = &station.Fault{Code: station.CodeResolveLead} }, join([]string{"3", "u", "enter"}, letters("seen to"), enter, letters("dev-0"), enter), []string{"runs  ", "run " + runID(0), "resolve " + runID(0) + " ignore, seen to"}, keymap.Info, "Only a line lead may decide"},
		{"decide about what was decided", sceneSignedIn, func(r *recorder) {
			heldRun(r)
			r.detail.Held = ledger.Held{Resolution: &station.Resolution{Decision: station.DecisionIgnore, By: "Lea"}}
		}, []string{"3", "u"}, []string{"runs  ", "run " + runID(0)}, keymap.Info, "Looked at it: nothing changes, Lea"},
		{"decide about a PASS", sceneSignedIn, nil, []string{"3", "u"}, []string{"runs  "}, keymap.Records, "u: this run waits for no decision."},
		{"decide, and nobody is signed in", sceneMixed, heldRun, []string{"3", "u"}, []string{"runs  "}, keymap.Records, "u: nobody is signed in."},
		{"held runs", sceneSignedIn, nil, []string{"3", "f", "down", "down", "down", "down", "enter"}, []string{"runs  ", "runs  "}, keymap.Records, "held, not decided"},
		{"records cannot be had", sceneMixed, func(r *recorder) { r.err = errors.New("disk is gone") }, []string{"3"}, []string{"runs  "}, keymap.Records, "disk is gone"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, rec := benchModel(t, tt.scene, 80, 30, utf8Env)
			rec.stocked()
			if tt.set != nil {
				tt.set(rec)
			}
			clockOf(m).people(m, tt.keys...)
			if d := cmp.Diff(tt.want, rec.intents()); d != "" {
				t.Errorf("asked for (-want +got):\n%s", d)
			}
			view := strings.Join(strings.Fields(strings.ReplaceAll(plainView(m), "│", "")), " ")
			says := tt.says
			if f, ok := station.AsFault(rec.err); ok && says == "fault" {
				what, next := catalogue(t).Fault(f.Code, f.Params)
				says = what + " " + next
			}
			if m.mode.screen != tt.ends || !strings.Contains(view, says) {
				t.Errorf("got screen %d, want %d and the words %q:\n%s", m.mode.screen, tt.ends, says, plainView(m))
			}
		})
	}
}

// heldRun has the newest run held, with a device that came back empty.
func heldRun(r *recorder) {
	r.rows[0].Outcome, r.rows[0].Code = station.Uncertain, station.CodeUnknownKey
	r.detail = ledger.RunDetail{RunRow: r.rows[0], Held: ledger.Held{
		Open: true, Choices: station.DecisionsFor(station.CodeUnknownKey, station.StateEmpty, false),
	}}
}

func refusing(code station.Code, pairs ...string) func(*recorder) {
	return func(r *recorder) {
		f := &station.Fault{Code: code, Params: map[string]string{}}
		for i := 0; i+1 < len(pairs); i += 2 {
			f.Params[pairs[i]] = pairs[i+1]
		}
		r.err = f
	}
}

func faulty(r *recorder) {
	r.listErr = &batch.ManifestError{Path: "/srv/lists/lot-7.csv", Faults: []batch.Fault{{Line: 3, Column: "id", Problem: "Twice.", Next: "Mend it."}}}
}

// TestBadgeStaysHidden types a badge: it is a secret of the person.
func TestBadgeStaysHidden(t *testing.T) {
	m, rec := benchModel(t, sceneMixed, 100, 30, utf8Env)
	c := clockOf(m)
	c.people(m, append(append([]string{"o"}, append(letters("checked"), "enter")...), append(letters("slot 1"), "enter")...)...)
	rec.err = &station.Fault{Code: station.CodeOverrideBadge}
	c.people(m, letters("SECRET")...)
	if view := plainView(m); strings.Contains(view, "SECRET") || !strings.Contains(view, "******") {
		t.Errorf("the badge is shown:\n%s", view)
	}
	c.people(m, "enter")
	c.scan(m, "BADGE-OF-LEAD")
	if view := plainView(m); strings.Contains(view, "SECRET") || strings.Contains(view, "BADGE-OF-LEAD") {
		t.Errorf("the badge is shown:\n%s", view)
	}
}

// TestLearnGoesOn follows the learning from slot to slot.
func TestLearnGoesOn(t *testing.T) {
	m, rec := benchModel(t, sceneEmpty, 100, 30, utf8Env)
	c := clockOf(m)
	seq := uint64(900)
	tell := func(b station.Body) {
		seq++
		_, cmd := m.Update(eventsArrived{events: []station.Event{{Seq: seq, Time: scriptStart, Body: b}}})
		settle(m, cmd)
	}
	c.people(m, "L", "enter")
	tell(station.LearnChanged{State: "refused", Slot: "slot 1", Code: station.CodeSlotTaken, Reason: "This place is slot 4 already."})
	if !strings.Contains(plainView(m), "This place is slot 4 already.") {
		t.Errorf("does not say what was wrong:\n%s", plainView(m))
	}
	tell(station.LearnChanged{State: "learned", Slot: "slot 1", Key: "1-1", Port: "/dev/ttyUSB0"})
	if !strings.Contains(plainView(m), "Plug a device into slot 2 now.") {
		t.Errorf("does not go on with the next slot:\n%s", plainView(m))
	}
	tell(station.LearnChanged{State: "learned", Slot: "slot 2", Key: "1-2", Port: "/dev/ttyUSB1"})
	c.people(m, "esc")
	want := []string{"learn slot 1", "learn slot 2", "learn slot 3", "end learning"}
	if d := cmp.Diff(want, rec.intents()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if m.mode.screen != keymap.Bench {
		t.Errorf("got screen %d, want the bench", m.mode.screen)
	}
}

// TestLateAnswers: what comes after the operator turned back changes nothing.
func TestLateAnswers(t *testing.T) {
	m, rec := benchModel(t, sceneMixed, 100, 30, utf8Env)
	rec.stocked()
	c := clockOf(m)
	cmd := press(m, "b")[0]
	c.people(m, "esc")
	msg := cmd()
	if _, next := m.Update(msg); next != nil || m.mode.screen != keymap.Bench {
		t.Errorf("a list that came too late opened screen %d", m.mode.screen)
	}
	c.people(m, "3")
	first := press(m, "r")[0]
	second := press(m, "r")[0]
	rec.rows = rec.rows[:1]
	m.Update(second())
	rec.rows = nil
	m.Update(first())
	if _, ok := m.records.page.Selected(); !ok {
		t.Error("an older answer took the place of the newest one")
	}
}

// TestLearnTurnedBack: whoever turns back before the desk has answered does not leave the bench learning.
func TestLearnTurnedBack(t *testing.T) {
	m, rec := benchModel(t, sceneMixed, 100, 30, utf8Env)
	c := clockOf(m)
	c.people(m, "L")
	_, cmd := m.Update(keyPress("enter"))
	c.people(m, "esc")
	settle(m, cmd)
	if d := cmp.Diff([]string{"learn slot 9", "end learning"}, rec.intents()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestDialogsCloseThemselves when what they are about has happened otherwise.
func TestDialogsCloseThemselves(t *testing.T) {
	for _, tt := range []struct {
		name  string
		scene scene
		event station.Body
	}{
		{"signed in", sceneSignIn, station.OperatorChanged{Operator: "Ada", Required: true}},
		{"goes on", sceneHeld, station.BatchChanged{Batch: "lot-7", State: station.BatchOpen, Expected: 2}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, _ := benchModel(t, tt.scene, 100, 30, utf8Env)
			if !m.mode.screen.IsDialog() {
				t.Fatal("no dialog opened by itself")
			}
			m.Update(eventsArrived{events: []station.Event{{Seq: 900, Time: scriptStart, Body: tt.event}}})
			if m.mode.screen != keymap.Bench {
				t.Errorf("got screen %d, want the bench", m.mode.screen)
			}
		})
	}
}

// TestDialogsWaitTheirTurn: a dialog does not open by itself over something that an operator is doing.
func TestDialogsWaitTheirTurn(t *testing.T) {
	m, _ := benchModel(t, sceneMixed, 100, 30, utf8Env)
	c := clockOf(m)
	c.people(m, append([]string{"o"}, letters("half a rea")...)...)
	m.Update(eventsArrived{events: []station.Event{{Seq: 900, Time: scriptStart, Body: station.OperatorChanged{Required: true}}}})
	if !strings.Contains(plainView(m), "half a rea") {
		t.Fatalf("what was being typed is gone:\n%s", plainView(m))
	}
	c.people(m, "esc")
	if !strings.Contains(plainView(m), "Who works here?") {
		t.Errorf("the sign-in does not follow:\n%s", plainView(m))
	}
}

// TestInterruptFromADialog: ctrl+c asks once and leaves at the second, wherever it is pressed.
func TestInterruptFromADialog(t *testing.T) {
	for _, p := range places() {
		m, rec, c := p.visit(t)
		c.at = c.at.Add(time.Second)
		c.people(m, "ctrl+c")
		if s := m.mode.screen; s != keymap.Question && s != keymap.Ending {
			t.Errorf("%s: after ctrl+c got screen %d, want the question or the end", p.name, s)
		}
		if p.screen == keymap.Ending {
			continue
		}
		_, cmd := m.Update(keyPress("ctrl+c"))
		if _, left := settle(m, cmd); !left && m.board.Running > 0 {
			t.Errorf("%s: the second ctrl+c does not leave", p.name)
		}
		if m.talk.dialog != nil {
			t.Errorf("%s: the dialog is still there", p.name)
		}
		_ = rec
	}
}

func TestWithoutADesk(t *testing.T) {
	s, c := newScript(), catalogue(t)
	sceneBatch(s, c)
	rec := &recorder{}
	m := New(Config{Events: make(chan station.Event), Intents: rec, Words: c, Now: func() time.Time { return s.at }, Environ: utf8Env})
	clock := clockOf(m)
	m.Update(tea.WindowSizeMsg{Width: 100, Height: 30})
	m.Update(eventsArrived{events: s.events})
	for _, key := range []string{"o", "i", "R", "p", "L", "b", "l", "c", "C"} {
		clock.people(m, key)
		if m.mode.screen != keymap.Bench || !strings.Contains(plainView(m), "not available at this station") {
			t.Errorf("%s: does not say that it is not available:\n%s", key, plainView(m))
		}
	}
	clock.scan(m, "SN-4711")
	if !strings.Contains(plainView(m), "The scan was not taken") {
		t.Error("does not say that the scan was not taken")
	}
	for _, key := range []string{"2", "3", "4", "1"} {
		clock.people(m, key)
		checkShape(t, plainView(m), 100, 30)
	}
}

func TestNextSlotName(t *testing.T) {
	for _, tt := range []struct {
		have  []string
		after string
		want  string
	}{
		{nil, "", "slot 1"},
		{[]string{"slot 1", "slot 2"}, "", "slot 3"},
		{[]string{"slot 1", "slot 3"}, "", "slot 2"},
		{[]string{"slot-01", "slot-02"}, "", "slot-03"},
		{[]string{"slot-09"}, "slot-09", "slot-10"},
		{[]string{"A1"}, "A1", "A2"},
		{[]string{"1", "2"}, "", "3"},
		{[]string{"1-4.2"}, "", "slot 1"},
		{[]string{"left"}, "left", "slot 1"},
		{[]string{"slot 3", "slot 4"}, "slot 3", "slot 5"},
	} {
		m, _ := benchModel(t, func(s *script, _ faulter) {
			for _, name := range tt.have {
				s.add(station.PortSeen{Port: name, Slot: name, Status: "listening"})
			}
		}, 100, 30, utf8Env)
		got := m.freeSlot()
		if tt.after != "" {
			got = m.slotAfter(tt.after)
		}
		if got != tt.want {
			t.Errorf("%v after %q: got %q, want %q", tt.have, tt.after, got, tt.want)
		}
	}
}

// TestOthersScansLeaveTheSelection: what somebody else scans does not change what the next key acts upon.
func TestOthersScansLeaveTheSelection(t *testing.T) {
	taken := station.ScanTaken{Kind: station.ScanLabel, Text: "dev-9", Slot: "slot 5"}
	m, _ := benchModel(t, sceneMixed, 100, 30, utf8Env)
	c := clockOf(m)
	c.people(m, "right")
	tell(m, 900, taken)
	if got := selected(m); got != "slot 2" {
		t.Errorf("got %s, want slot 2: somebody is at the keys", got)
	}
	c.at = c.at.Add(handsAway)
	tell(m, 901, taken)
	if got := selected(m); got != "slot 5" {
		t.Errorf("got %s, want slot 5", got)
	}
	c.people(m, "left")
	c.scan(m, "dev-9")
	tell(m, 902, taken)
	if got := selected(m); got != "slot 5" {
		t.Errorf("got %s, want slot 5: it was scanned here", got)
	}
}

// TestHoldSaysTheFault: a code alone says nothing to an operator.
func TestHoldSaysTheFault(t *testing.T) {
	held := func(s *script, w faulter) {
		sceneBatch(s, w)
		s.add(station.BatchChanged{Batch: "lot-7", State: station.BatchHeld, Code: station.CodeBridgeDown, Reason: "The same fault (E-BRIDGE-DOWN) came 3 times.", Expected: 2})
	}
	m, _ := benchModel(t, held, 120, 35, utf8Env)
	view := plainView(m)
	for _, want := range []string{"The same fault (E-BRIDGE-DOWN) came 3 times.", "The enrollment server cannot be reached."} {
		if !strings.Contains(view, want) {
			t.Errorf("got no %q in\n%s", want, view)
		}
	}
}

// TestHoldIsToldOnce: devices that were in work when the batch was held end one after the other; a person who has read of
// the hold does not read of it again, but of the next one.
func TestHoldIsToldOnce(t *testing.T) {
	m, _ := benchModel(t, sceneHeld, 100, 30, utf8Env)
	c := clockOf(m)
	seq := uint64(900)
	tell := func(state station.BatchState, done int) {
		seq++
		m.Update(eventsArrived{events: []station.Event{{Seq: seq, Time: scriptStart, Body: station.BatchChanged{Batch: "lot-7", State: state, Expected: 2, Done: done}}}})
	}
	c.people(m, "esc")
	tell(station.BatchHeld, 1)
	if m.mode.screen != keymap.Bench {
		t.Fatalf("the hold is told again:\n%s", plainView(m))
	}
	tell(station.BatchOpen, 1)
	tell(station.BatchHeld, 1)
	if m.mode.screen != keymap.Info {
		t.Errorf("the next hold is not told:\n%s", plainView(m))
	}
}
