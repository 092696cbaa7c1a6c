package tui

import (
	"strconv"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/google/go-cmp/cmp"

	"provstation/station"
	"provstation/station/words"
	"provstation/tui/keymap"
)

// clone is the n-th contradiction of a kind that this station and another one have recorded.
func clone(n int, kind string) station.DuplicateFound {
	i := strconv.Itoa(n)
	return station.DuplicateFound{
		Duplicate: "dup-" + i, Kind: kind, HardwareSerial: "SN-7731-0000" + i, DeviceID: deviceID(n), Station: "kas-2", StationName: "Kassel line 2",
		OtherSerial: "SN-7731-0010" + i, OtherID: deviceID(100 + n), OtherStation: "0193-other", OtherName: "Kassel line 1",
		Detail:  "public key 5f3c9a1c: public key belongs to another device",
		FoundAt: scriptStart, Code: station.CodeDuplicate,
	}
}

// sceneAway is a bench whose shared database is lost: two devices go on, two are held.
func sceneAway(s *script, w faulter) {
	for i := 1; i <= 4; i++ {
		s.listen(i)
	}
	s.pass(1)
	s.work(2, station.PhaseMQTT, station.PhaseStarted)
	oldest := s.at.Add(20 * time.Second)
	e := station.LedgerChanged{Status: station.LedgerAway, Code: station.CodeLedgerAway, Reason: "dial tcp 10.0.0.5:5432: connection refused"}
	s.add(e)
	message, _ := w.Fault(station.CodeLedgerAway, nil)
	for i := 3; i <= 4; i++ {
		s.add(station.PortSeen{Port: portName(i), Slot: slotName(i), Status: "held", Code: station.CodeLedgerAway, Reason: message})
	}
	s.after(3 * time.Minute)
	e.Waiting, e.Since = 12, &oldest
	s.add(e)
}

func sceneAlarm(s *script, w faulter) {
	sceneMixed(s, w)
	s.add(clone(2, "key"))
}

func sceneAlarms(s *script, w faulter) {
	sceneAway(s, w)
	for i, kind := range []string{"key", "device-id", "address", "lease", "record", "a kind of tomorrow"} {
		d := clone(i+1, kind)
		if kind == "lease" {
			d.OtherSerial, d.OtherID = d.HardwareSerial, d.DeviceID
		}
		if kind == "record" {
			d.OtherSerial, d.OtherID, d.OtherName = "", "", ""
		}
		s.add(d)
	}
}

// TestGoldenSharing draws what a person sees of the ledger that stations share.
func TestGoldenSharing(t *testing.T) {
	for _, tt := range []struct {
		name  string
		scene scene
		keys  []string
	}{
		{"away", sceneAway, nil},
		{"away-slot", sceneAway, []string{"right", "right"}},
		{"away-records", sceneAway, []string{"3", "d"}},
		{"duplicate", sceneAlarm, nil},
		{"duplicates", sceneAlarms, nil},
		{"duplicates-list", sceneMixed, []string{"3", "d"}},
		{"duplicates-one", sceneMixed, []string{"3", "d", "enter"}},
		{"records-help", sceneMixed, []string{"3", "?"}},
	} {
		for _, locale := range words.Locales() {
			for ascii, env := range map[string][]string{"": utf8Env, "-ascii": asciiEnv} {
				for _, size := range [][2]int{{80, 24}, {120, 35}, {200, 50}} {
					w, h := size[0], size[1]
					name := "sharing-" + tt.name + ascii + "-" + strconv.Itoa(w) + "x" + strconv.Itoa(h) + "." + locale
					t.Run(name, func(t *testing.T) {
						c, err := words.Load(locale)
						if err != nil {
							t.Fatal(err)
						}
						m, rec := benchIn(t, c, tt.scene, w, h, env)
						rec.stocked()
						rec.duplicates = []station.DuplicateFound{clone(1, "key"), clone(2, "lease")}
						if tt.name == "away-records" {
							rec.duplicates = nil
						}
						clockOf(m).people(m, tt.keys...)
						got := plainView(m)
						checkShape(t, got, w, h)
						golden(t, name, got)
					})
				}
			}
		}
	}
}

func telling(m *Model, seq uint64, bodies ...station.Body) {
	for i, b := range bodies {
		m.Update(eventsArrived{events: []station.Event{{Seq: seq + uint64(i), Time: scriptStart, Body: b}}})
	}
}

// TestAwayComesAndGoes: the header says that the database is away as long as it is, and a note what was handed over.
func TestAwayComesAndGoes(t *testing.T) {
	m, _ := benchModel(t, sceneAway, 100, 30, utf8Env)
	if view := plainView(m); !strings.Contains(view, "Shared database away since 14:03.") || !strings.Contains(view, "12 records wait, since 14:03") {
		t.Fatalf("the header does not say it:\n%s", view)
	}
	for _, tt := range []struct {
		event station.LedgerChanged
		says  string
	}{
		{station.LedgerChanged{Status: station.LedgerShared, Waiting: 12}, "Records that are handed over: 12."},
		{station.LedgerChanged{Status: station.LedgerShared, HandedOver: 14}, "Records handed over: 14."},
		{station.LedgerChanged{Status: station.LedgerAway}, ""},
		{station.LedgerChanged{Status: station.LedgerShared}, "The shared database is back."},
	} {
		telling(m, 900, tt.event)
		view := plainView(m)
		checkShape(t, view, 100, 30)
		if !strings.Contains(view, tt.says) {
			t.Errorf("%+v: got no %q in\n%s", tt.event, tt.says, view)
		}
		if got, want := strings.Contains(view, "Shared database away"), tt.event.Status == station.LedgerAway; got != want {
			t.Errorf("%+v: the header says away: %t, want %t\n%s", tt.event, got, want, view)
		}
	}
	m.setNow(m.now.Add(time.Minute))
	if view := plainView(m); strings.Contains(view, "The shared database is back.") {
		t.Errorf("the note stays:\n%s", view)
	}
}

// TestFirstStandingIsNoNews: a station whose database is there says nothing of it.
func TestFirstStandingIsNoNews(t *testing.T) {
	m, _ := benchModel(t, sceneMixed, 100, 30, utf8Env)
	before := plainView(m)
	telling(m, 0, station.LedgerChanged{Status: station.LedgerShared})
	if d := cmp.Diff(before, plainView(m)); d != "" {
		t.Errorf("(-before +after):\n%s", d)
	}
}

// TestAlarmStays until a key was pressed for it: not by what is being typed when it opens, not by a scan, not in a window
// where it is not in sight; and one that comes meanwhile is read before the key counts.
func TestAlarmStays(t *testing.T) {
	m, rec := benchModel(t, sceneMixed, 100, 30, utf8Env)
	c := clockOf(m)
	alarmed := func(when string, n int) {
		t.Helper()
		if got := strings.Count(plainView(m), "at station Kassel line 2 (this one)"); m.mode.screen != keymap.Info || got != n {
			t.Fatalf("%s: got %d contradictions in sight, want %d:\n%s", when, got, n, plainView(m))
		}
		if view := plainView(m); !strings.Contains(view, "CONTRADICTION") {
			t.Errorf("%s: the header does not say it:\n%s", when, view)
		}
	}
	c.press(m, 50*time.Millisecond, "right")
	telling(m, 900, clone(1, "key"))
	c.press(m, 50*time.Millisecond, "right", "enter", "esc")
	alarmed("typed at once", 1)
	c.at = c.at.Add(time.Second)
	c.scan(m, "dev-0041")
	alarmed("scanned", 1)
	if d := cmp.Diff([]string{"scan dev-0041 @" + selected(m)}, rec.intents()); d != "" {
		t.Errorf("the scan (-want +got):\n%s", d)
	}
	m.Update(tea.WindowSizeMsg{Width: 60, Height: 20})
	c.people(m, "enter", "esc")
	m.Update(tea.WindowSizeMsg{Width: 100, Height: 30})
	alarmed("in a small window", 1)

	telling(m, 901, clone(1, "key")) // the same one
	alarmed("told twice", 1)
	telling(m, 902, clone(2, "lease"))
	c.press(m, 50*time.Millisecond, "enter")
	alarmed("another one", 2)
	c.people(m, "enter")
	view := plainView(m)
	checkShape(t, view, 100, 30)
	if m.mode.screen != keymap.Bench || strings.Contains(view, "CONTRADICTION") {
		t.Errorf("it is there after it was acknowledged:\n%s", view)
	}
	telling(m, 903, clone(3, "key"))
	alarmed("a new one", 1)
}

// TestAlarmGoesFirst: before whatever else opens by itself, which follows; and behind what a person is doing, while the header
// says it.
func TestAlarmGoesFirst(t *testing.T) {
	m, _ := benchModel(t, func(s *script, w faulter) { sceneSignIn(s, w); s.add(clone(1, "key")) }, 100, 30, utf8Env)
	c := clockOf(m)
	if view := plainView(m); !strings.Contains(view, "Two records contradict each other") {
		t.Fatalf("the alarm is not in front:\n%s", view)
	}
	c.people(m, "enter")
	if view := plainView(m); !strings.Contains(view, "Who works here?") {
		t.Fatalf("the sign-in does not follow:\n%s", view)
	}
	c.people(m, letters("Ad")...)
	telling(m, 900, clone(2, "key"))
	view := plainView(m)
	checkShape(t, view, 100, 30)
	if !strings.Contains(view, "Ad") || !strings.Contains(view, "Who works here?") || !strings.Contains(view, "CONTRADICTION: SN-7731-00002 and SN-7731-00102.") {
		t.Errorf("want the sign-in, and the header saying it:\n%s", view)
	}
	c.people(m, "esc")
	if view := plainView(m); !strings.Contains(view, "Two records contradict each other") {
		t.Errorf("the alarm does not follow:\n%s", view)
	}
}

// TestAlarmOutlivesCtrlC: who wants to quit, and then does not, is still told.
func TestAlarmOutlivesCtrlC(t *testing.T) {
	m, _ := benchModel(t, sceneRunning, 100, 30, utf8Env)
	c := clockOf(m)
	c.press(m, 50*time.Millisecond, "right")
	telling(m, 900, clone(1, "key"))
	c.press(m, 50*time.Millisecond, "ctrl+c", "n")
	m.Update(nil)
	if view := plainView(m); !strings.Contains(view, "Two records contradict each other") {
		t.Errorf("the alarm is gone:\n%s", view)
	}
}

// TestManyAlarms: thousands are one dialog, and the memory for them is bounded.
func TestManyAlarms(t *testing.T) {
	m, _ := benchModel(t, sceneMixed, 80, 24, utf8Env)
	for i := range 2000 {
		d := clone(1, "key")
		d.Duplicate = strconv.Itoa(i)
		telling(m, 900+uint64(i), d)
	}
	view := plainView(m)
	checkShape(t, view, 80, 24)
	if !strings.Contains(view, "CONTRADICTIONS: 2000.") || !strings.Contains(view, "(2000)") || len(m.board.Duplicates) > 64 {
		t.Errorf("got %d kept:\n%s", len(m.board.Duplicates), view)
	}
	c := clockOf(m)
	c.people(m, "end")
	if view := plainView(m); !strings.Contains(view, "1936 more are on the page Records, key d.") {
		t.Errorf("what is left out is not said:\n%s", view)
	}
	c.people(m, "esc")
	if m.mode.screen != keymap.Bench {
		t.Errorf("got screen %d, want the bench", m.mode.screen)
	}
}

// TestDuplicatesOnRecords leads from a contradiction to the runs of one of its devices.
func TestDuplicatesOnRecords(t *testing.T) {
	m, rec := benchModel(t, sceneMixed, 100, 30, utf8Env)
	rec.stocked()
	rec.duplicates = []station.DuplicateFound{clone(1, "key"), clone(2, "key")}
	c := clockOf(m)
	c.people(m, "3", "d", "down", "enter", "down", "enter")
	if d := cmp.Diff([]string{"runs  ", "duplicates", "runs SN-7731-00102 "}, rec.intents()); d != "" {
		t.Errorf("asked for (-want +got):\n%s", d)
	}
	if m.mode.screen != keymap.Records || !strings.Contains(plainView(m), "SN-7731-00102") {
		t.Errorf("want the records of the other device:\n%s", plainView(m))
	}
}
