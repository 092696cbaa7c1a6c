package screen

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"provstation/station"
	"provstation/station/words"
	"provstation/tui/board"
	"provstation/tui/theme"
	"provstation/tui/widget"
)

var sceneStart = time.Date(2026, 11, 23, 14, 3, 0, 0, time.UTC)

// stage plays events onto a board.
type stage struct {
	board *board.Board
	seq   uint64
	at    time.Time
	words *words.Catalogue
}

func newStage(t testing.TB, locale string) *stage {
	t.Helper()
	c, err := words.Load(locale)
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{board: board.New(), at: sceneStart, words: c}
	s.add(station.StationInfo{
		Schema: 1, StationID: "kas-2", Station: "Kassel line 2", Tenant: "acme", Version: "0.1.0", ConfigDigest: "ab12",
		Bridge: "https://tenant.example.com/api", Broker: "mqtt.tenant.example.com:8883",
	})
	return s
}

func (s *stage) add(b station.Body) {
	s.seq++
	s.board.Apply(station.Event{Seq: s.seq, Time: s.at, Body: b})
}

func (s *stage) batch() string { return s.board.Batch.Batch }

func benchSlot(i int) string { return "slot " + strconv.Itoa(i) }

func benchPort(i int) string { return "/dev/ttyUSB" + strconv.Itoa(i-1) }

func (s *stage) listen(i int) {
	s.add(station.PortSeen{Port: benchPort(i), Slot: benchSlot(i), Status: "listening"})
}

// run takes slot i up to a phase, which stays in the given status, at the time the run has taken so long.
func (s *stage) run(i int, upTo station.Phase, last station.PhaseStatus, took time.Duration) {
	id := fmt.Sprintf("run-%d", i)
	began := s.at
	s.add(station.RunStarted{Run: id, Attempt: 1, Slot: benchSlot(i), Port: benchPort(i), Batch: s.batch()})
	for _, p := range ordinaryPhases() {
		e := station.PhaseChanged{Run: id, Attempt: 1, Slot: benchSlot(i), Phase: p, Status: station.PhaseDone, ElapsedMS: 5}
		if p.Index() > 1 {
			e.DeviceID = fmt.Sprintf("dev-%04d", 40+i)
		}
		if p == station.PhaseIdentify {
			e.Facts = map[string]string{station.FactHardwareSerial: fmt.Sprintf("SN-7731-%05d", i)}
		}
		if p == upTo {
			e.Status = last
			s.add(e)
			break
		}
		s.add(e)
	}
	s.at = began.Add(took)
}

func (s *stage) end(i int, o station.Outcome, p station.Phase, code station.Code, params map[string]string) {
	e := station.RunEnded{
		Run: fmt.Sprintf("run-%d", i), Attempt: 1, Slot: benchSlot(i), Port: benchPort(i), Outcome: o, Phase: p, Code: code, Batch: s.batch(),
		DeviceID: fmt.Sprintf("dev-%04d", 40+i), HardwareSerial: fmt.Sprintf("SN-7731-%05d", i), ElapsedMS: 2555,
	}
	if code != "" {
		e.Message, e.Hint = s.words.Fault(code, params)
	}
	s.add(e)
}

// mixed puts slot i into one of the states a bench knows, all of them in turn.
func (s *stage) mixed(i int) {
	s.listen(i)
	began := s.at
	switch (i - 1) % 16 {
	case 0, 9, 13:
		s.run(i, station.PhaseRecord, station.PhaseDone, time.Second)
		s.end(i, station.Pass, "", "", nil)
	case 1:
		s.run(i, station.PhaseMQTT, station.PhaseFailed, time.Second)
		s.end(i, station.Fail, station.PhaseMQTT, station.CodeBrokerCert, map[string]string{"broker": "mqtt.tenant.example.com:8883", "alert": "48"})
	case 2, 8:
		s.run(i, station.PhaseReadback, station.PhaseStarted, 3*time.Second)
	case 3:
		s.run(i, station.PhaseAssign, station.PhaseStarted, 2*time.Second)
		s.add(station.ScanWanted{Run: fmt.Sprintf("run-%d", i), Slot: benchSlot(i), HardwareSerial: fmt.Sprintf("SN-7731-%05d", i), Wanted: true})
	case 4:
		s.run(i, station.PhaseEnroll, station.PhaseFailed, time.Second)
		s.end(i, station.Error, station.PhaseEnroll, station.CodeBridgeCADown, nil)
	case 5:
		message, _ := s.words.Fault(station.CodeHeldPaused, map[string]string{"reason": "lunch"})
		s.add(station.PortSeen{Port: benchPort(i), Slot: benchSlot(i), Status: "held", Code: station.CodeHeldPaused, Reason: message})
	case 6:
		s.run(i, station.PhaseInstall, station.PhaseFailed, time.Second)
		s.end(i, station.Uncertain, station.PhaseIdentify, station.CodeUnknownKey, map[string]string{"hardware_serial": fmt.Sprintf("SN-7731-%05d", i)})
	case 7:
	case 10:
		s.run(i, station.PhaseInstall, station.PhaseFailed, time.Second)
		s.end(i, station.Timeout, station.PhaseInstall, station.CodeDeadline, map[string]string{"phase": "install", "limit": "30s"})
	case 11:
		s.run(i, station.PhaseKeygen, station.PhaseFailed, time.Second)
		s.end(i, station.Aborted, station.PhaseKeygen, station.CodeAborted, nil)
	case 12:
		s.run(i, station.PhaseRecord, station.PhaseDone, time.Second)
		s.end(i, station.Skipped, "", station.CodeSkipped, nil)
	case 14:
		s.add(station.PortSeen{Port: benchPort(i), Slot: benchSlot(i), Status: "silent", Code: station.CodePortSilent})
	case 15:
		s.run(i, station.PhaseRecord, station.PhaseDone, time.Second)
		s.end(i, station.Installed, "", "", nil)
		s.add(station.PortSeen{Port: benchPort(i), Slot: benchSlot(i), Status: "gone"})
	}
	s.at = began
}

func (s *stage) ignored() {
	s.add(station.PortSeen{Port: "/dev/ttyS0", Status: "ignored", Code: station.CodePortIgnored, Reason: "not a USB port; name it in ports.include to use it"})
	s.add(station.PortSeen{Port: "/dev/ttyACM3", Slot: "1-4", Status: "ignored", Code: station.CodePortIgnored, Reason: "excluded by ports.exclude: /dev/ttyACM*"})
}

func (s *stage) look(th theme.Theme, signs theme.Signs) widget.Look {
	return widget.Look{Styles: th.Styles(), Signs: signs, Text: func(key string, pairs ...string) string {
		params := map[string]string{}
		for i := 0; i+1 < len(pairs); i += 2 {
			params[pairs[i]] = pairs[i+1]
		}
		return s.words.Text(key, params)
	}}
}

// bench is the screen for the stage at a size.
func (s *stage) bench(l widget.Look, w, h int) *Bench {
	b := NewBench(s.board)
	b.SetLook(l)
	b.SetSize(w, h)
	b.SetNow(s.at.Add(3 * time.Second))
	return b
}
