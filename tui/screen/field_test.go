package screen

import (
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"provstation/station"
	"provstation/station/ledger"
	"provstation/tui/board"
)

// asked takes a device that came back through a run for a task, up to and with a phase.
func (s *scenario) asked(task station.Task, facts map[string]string, upTo station.Phase, last station.PhaseStatus) {
	e := s.begin(1, 1)
	s.tell(station.RunStarted{Run: e.Run, Attempt: 1, Slot: e.Slot, Port: "/dev/ttyUSB0", Task: task})
	for _, p := range station.Phases() {
		e.Phase, e.Status, e.ElapsedMS, e.Facts = p, station.PhaseDone, 40, known(1, p)
		switch p {
		case station.PhaseEnroll, station.PhaseAutorenew:
			continue
		case station.PhaseKeygen, station.PhaseCSR:
			if task == station.TaskRenew {
				e.Status, e.Facts = station.PhaseSkipped, nil
			}
		case station.PhaseWireGuard, station.PhaseRegister:
			e.Status = station.PhaseSkipped
		case station.PhaseRenew:
			e.Facts = facts
		case station.PhaseVerify:
			delete(e.Facts, station.FactTunnelAddress) // what the answer of a CA has none of
			delete(e.Facts, station.FactTunnelConf)
		}
		if p == upTo {
			e.Status = last
		}
		s.tell(e)
		if p == upTo {
			break
		}
	}
	if last != station.PhaseDone {
		return
	}
	notAfter := begun.AddDate(1, 0, 0)
	s.tell(station.RunEnded{
		Run: e.Run, Attempt: 1, Slot: e.Slot, Outcome: station.Pass, Proof: station.BrokerDelivered, DeviceID: "dev-0001", Task: task,
		HardwareSerial: "SN-7731-00001", ElapsedMS: 1800, WireTxBytes: 2100, WireRxBytes: 1400, NotAfter: &notAfter,
	})
}

func fieldScenes() map[string]func() *scenario {
	before := map[string]string{station.FactPrevious: strings.Repeat("0c", 32), station.FactPreviousEnd: "2026-12-01T08:01:00Z", station.FactRenewedBy: "token", station.FactTokensLeft: "99"}
	rekeyed := map[string]string{station.FactPrevious: strings.Repeat("0c", 32), station.FactPreviousEnd: "2026-12-01T08:01:00Z", station.FactRenewedBy: "mtls", station.FactUnlocked: "rekey"}
	scene := func(task station.Task, facts map[string]string, upTo station.Phase, last station.PhaseStatus) func() *scenario {
		return func() *scenario {
			s := newScenario()
			s.asked(task, facts, upTo, last)
			return s
		}
	}
	return map[string]func() *scenario{
		"renewed":  scene(station.TaskRenew, before, station.PhaseRecord, station.PhaseDone),
		"renewing": scene(station.TaskRenew, nil, station.PhaseClock, station.PhaseStarted),
		"rekeyed":  scene(station.TaskRekey, rekeyed, station.PhaseRecord, station.PhaseDone),
	}
}

func TestFieldGolden(t *testing.T) {
	for name, make := range fieldScenes() {
		s := make()
		for i, at := range []string{"overview", "certificate", "line"} {
			if i > 0 && name == "renewing" {
				break
			}
			t.Run(name+"-"+at, func(t *testing.T) {
				goldens(t, "detail-"+name+"-"+at, s.at, func() page {
					return &detailPage{board: s.board, slot: "slot 1", turns: []int{0, 1, 4}[i]}
				})
			})
		}
	}
}

// TestFieldSays: what a run was for, what it did, and nothing that it did not do.
func TestFieldSays(t *testing.T) {
	for _, tt := range []struct {
		scene string
		turns int
		want  []string
		never []string
	}{
		{"renewed", 0, []string{"dev-0001 · Renewal", "Certificate renewed until 2027-11-23, and proven. Unplug it.", "■ Renew"}, []string{"Enroll"}},
		{"renewed", 1, []string{"Renewed by      a token of the device", "Old valid until 2026-12-01 08:01", "Tokens left     99"}, nil},
		{"renewed", 4, []string{"a token for the CA, signed by the device", "the new certificate; the rest stays as it was"}, []string{"4 certificates", "the tunnel's settings"}},
		{"renewing", 0, []string{"dev-0001 · Renewal", "Working: Clock", "□ Renew"}, []string{"Enroll"}},
		{"rekeyed", 0, []string{"dev-0001 · New key", "New key and certificate until 2027-11-23, proven. Unplug it."}, []string{"Enroll"}},
		{"rekeyed", 1, []string{"Renewed by      the device's own login", "Unlocked for    a new key"}, nil},
		{"rekeyed", 4, []string{"signatures for the device's login at the CA", "4 certificates, each once"}, []string{"the tunnel's settings"}},
	} {
		got := detailView(t, fieldScenes()[tt.scene](), 100, 60, tt.turns)
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

// taskRows is runs of devices that came back, and others.
func taskRows() []ledger.RunRow {
	rows := fileRows(12)
	rows[1].Task, rows[3].Task, rows[5].Task = station.TaskRenew, station.TaskRekey, station.TaskReenroll
	rows[4].Task, rows[4].Code, rows[4].Params = station.TaskRenew, station.CodeCADown, nil
	return rows
}

func TestRecordsTaskGolden(t *testing.T) {
	rows := taskRows()
	for name, make := range map[string]func() *Records{
		"records-tasks": func() *Records {
			r := NewRecords()
			r.SetRows(rows, false, len(rows))
			r.Move(1)
			return r
		},
		"records-open-renewal": func() *Records {
			r := NewRecords()
			r.SetRows(rows, false, len(rows))
			r.SetDetail(fileDetail(t, rows[1]))
			return r
		},
	} {
		t.Run(name, func(t *testing.T) { goldens(t, name, begun, func() page { return make() }) })
	}
}

// TestRecordsSayTheTask: in a column where there is room and a run that was asked for, and in the sentence anywhere.
func TestRecordsSayTheTask(t *testing.T) {
	for _, w := range []int{80, 120, 200} {
		r := records(t, w, 30, taskRows(), false)
		for i, want := range []string{"", "Renewal, PASS: proven at the broker", "", "New key, PASS", "Renewal: The CA cannot be reached", "New enrollment, PASS"} {
			if got := ansi.Strip(r.View()); !strings.Contains(got, want) {
				t.Errorf("at %d cells, row %d: got no %q in\n%s", w, i, want, got)
			}
			r.Move(1)
		}
		head := func(rows []ledger.RunRow) string {
			r := records(t, w, 30, rows, false)
			return ansi.Strip(r.View())
		}
		if got := strings.Contains(head(taskRows()), " FOR "); got != (w >= 120) {
			t.Errorf("at %d cells: got the column %t", w, got)
		}
		if strings.Contains(head(fileRows(12)), " FOR ") {
			t.Errorf("at %d cells: got the column where nothing was asked for", w)
		}
	}
}

// TestUnknownTask: an event of a station of another version does not put a key of the catalogue on the screen.
func TestUnknownTask(t *testing.T) {
	s := newScenario()
	s.tell(station.RunStarted{Run: "r", Slot: "slot 1", Port: "p", Task: "paint"})
	s.tell(station.RunEnded{Run: "r", Slot: "slot 1", Outcome: station.Pass, Task: "paint"})
	if got := detailView(t, s, 100, 30, 0); strings.Contains(got, "paint") || !strings.Contains(got, "The device is finished and proven.") {
		t.Errorf("got\n%s", got)
	}
}

// TestDaysAreOfTheStation: a sentence says the day of the station's time zone.
func TestDaysAreOfTheStation(t *testing.T) {
	s := fieldScenes()["renewed"]()
	slot := s.board.Slot("slot 1")
	slot.Facts[station.FactNotAfter] = "2027-11-23T23:30:00Z"
	l := lookIn(t, "en", false)
	for _, tt := range []struct {
		zone *time.Location
		want string
	}{{nil, "2027-11-23"}, {time.FixedZone("", 3600), "2027-11-24"}} {
		l.Zone = tt.zone
		if got, _ := l.Sentence(slot); !strings.Contains(got, tt.want) {
			t.Errorf("got %q, want %s in it", got, tt.want)
		}
	}
	var none board.Slot
	if got := l.Day(none.NotAfter()); got != "" {
		t.Errorf("got %q of no certificate", got)
	}
}
