package tui

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"provstation/station"
)

// script writes an event stream as a bench would.
type script struct {
	seq    uint64
	at     time.Time
	events []station.Event
	task   station.Task // of the runs that begin from now on
}

var scriptStart = time.Date(2026, 11, 23, 14, 3, 0, 0, time.UTC)

func newScript() *script {
	s := &script{at: scriptStart}
	s.add(station.StationInfo{
		Schema: 1, StationID: "kas-2", Station: "Kassel line 2", Tenant: "acme", Version: "0.1.0", ConfigDigest: "ab12",
		Bridge: "https://tenant.example.com/api", Broker: "mqtt.tenant.example.com:8883",
	})
	return s
}

func (s *script) add(b station.Body) {
	s.seq++
	s.events = append(s.events, station.Event{Seq: s.seq, Time: s.at, Body: b})
}

func (s *script) after(d time.Duration) { s.at = s.at.Add(d) }

func slotName(i int) string { return "slot " + strconv.Itoa(i) }
func runID(i int) string    { return fmt.Sprintf("01936d2e-0000-7000-8000-%012d", i) }
func portName(i int) string { return "/dev/ttyUSB" + strconv.Itoa(i-1) }

func (s *script) listen(i int) {
	s.add(station.PortSeen{Port: portName(i), Slot: slotName(i), Status: "listening"})
}

func (s *script) begin(i int) {
	s.add(station.RunStarted{Run: runID(i), Attempt: 1, Slot: slotName(i), Port: portName(i), Task: s.task})
}

// ordinaryPhases are those that every run has, skipped or not.
func ordinaryPhases() []station.Phase { return slices.DeleteFunc(station.Phases(), station.Phase.Rare) }

// phaseTook is how long each phase takes in a script, in milliseconds.
var phaseTook = [...]int64{180, 4, 12, 640, 3, 148, 0, 5, 820, 210, 431, 0, 0, 0, 95, 7}

func deviceID(i int) string { return fmt.Sprintf("dev-%04d", 40+i) }

// phase lets a phase of slot i go from start to its end.
func (s *script) phase(i int, p station.Phase, status station.PhaseStatus) {
	took := phaseTook[p.Index()]
	e := station.PhaseChanged{Run: runID(i), Attempt: 1, Slot: slotName(i), Phase: p, Status: station.PhaseStarted}
	if p.Index() > 1 {
		e.DeviceID = deviceID(i)
	}
	if status == station.PhaseSkipped {
		e.Status = status
		s.add(e)
		return
	}
	s.add(e)
	if status == station.PhaseStarted {
		return
	}
	if p == station.PhaseMQTT {
		s.steps(i, e, status)
	}
	s.after(time.Duration(took) * time.Millisecond)
	e.Status, e.ElapsedMS, e.Facts = status, took, facts(i, p)
	s.add(e)
}

func (s *script) steps(i int, e station.PhaseChanged, status station.PhaseStatus) {
	names := []string{"resolve", "tcp", "tls", "certificate", "connack", "publish"}
	for n, name := range names {
		ok := "yes"
		if status == station.PhaseFailed && n == 3 {
			ok = "no"
		}
		e.Status, e.Step = station.PhaseProgress, name
		e.Facts = map[string]string{station.FactStepMS: strconv.Itoa(3 + 17*n), station.FactStepOK: ok}
		s.add(e)
		if ok == "no" {
			return
		}
	}
}

func facts(i int, p station.Phase) map[string]string {
	switch p {
	case station.PhaseIdentify:
		return map[string]string{
			station.FactHardwareSerial: fmt.Sprintf("SN-7731-%05d", i), station.FactModel: "EdgeBox 210", station.FactFirmware: "2.4.1",
			station.FactDeviceState: "empty", station.FactBootLog: "U-Boot 2024.01 (Jan 10 2026)\nStarting kernel ...\n[    2.113044] systemd[1]: Reached target Basic System.\nEdgeBox login:",
		}
	case station.PhaseAssign:
		return map[string]string{station.FactIDSource: "template", station.FactCorroborated: "yes"}
	case station.PhaseClock:
		return map[string]string{station.FactDeviceClock: "2026-11-23T14:03:01Z", station.FactClockOffset: "312ms"}
	case station.PhaseKeygen:
		return map[string]string{
			station.FactKeyType: "P-256", station.FactKeyStore: "secure-element",
			station.FactSPKI:         "5f3c9a1c7be04d8e9b6a25417f30c2d48a61e7b05c94f2d3a81b7e60cc9d2f14",
			station.FactWireGuardKey: "hT2vZ8u0p1mGq3yX4sWk5nRb6cJd7eLf9aQo0iUtYw0=",
		}
	case station.PhaseEnroll:
		return map[string]string{station.FactContract: "deployed"}
	case station.PhaseVerify:
		return map[string]string{
			station.FactCertSerial: "3f9a62e17c0b44d88e1f5a7d20c6b913", station.FactIssuer: "acme Tenant Sub-CA",
			station.FactFingerprint: "9d41b7e2f06a4c53a8d90e17b2c6f48531ed7a90bc42f6d8057ea3914cbd6f20",
			station.FactNotBefore:   "2026-11-23T14:02:00Z", station.FactNotAfter: "2027-11-23T14:02:00Z",
			station.FactChain:         "CN=" + deviceID(i) + " <- CN=acme Tenant Sub-CA <- CN=Provider ICA <- CN=Provider Root CA",
			station.FactTunnelAddress: fmt.Sprintf("10.8.0.%d/32", i+1),
		}
	case station.PhaseMQTT:
		return map[string]string{station.FactProof: "broker-delivered", station.FactTLS: "TLS 1.3 TLS_AES_128_GCM_SHA256", station.FactMQTT: "5"}
	default:
		return nil
	}
}

// work takes slot i through its phases up to and with the one named; the last one stays in the given status.
func (s *script) work(i int, upTo station.Phase, last station.PhaseStatus) {
	s.begin(i)
	for _, p := range station.Phases() {
		switch p {
		case upTo:
			s.phase(i, p, last)
			return
		case station.PhaseRenew, station.PhaseAutorenew:
		case station.PhaseWireGuard, station.PhaseRegister:
			s.phase(i, p, station.PhaseSkipped)
		default:
			s.phase(i, p, station.PhaseDone)
		}
	}
}

func (s *script) end(i int, o station.Outcome, e station.RunEnded) {
	notAfter := time.Date(2027, 11, 23, 14, 2, 0, 0, time.UTC)
	e.Run, e.Attempt, e.Slot, e.Port, e.Outcome, e.Task = runID(i), 1, slotName(i), portName(i), o, s.task
	e.DeviceID, e.HardwareSerial = deviceID(i), fmt.Sprintf("SN-7731-%05d", i)
	e.ElapsedMS, e.WireTxBytes, e.WireRxBytes = 2555, 4410, 1986
	if o == station.Pass {
		e.NotAfter, e.Proof, e.Contract = &notAfter, station.BrokerDelivered, "deployed"
	}
	s.add(e)
}

func (s *script) pass(i int) {
	s.work(i, station.PhaseRecord, station.PhaseDone)
	s.end(i, station.Pass, station.RunEnded{})
}

// fail ends slot i in a phase with a code, in the catalogue's words.
func (s *script) fail(i int, p station.Phase, o station.Outcome, code station.Code, params map[string]string, w interface {
	Fault(code station.Code, params map[string]string) (string, string)
},
) {
	s.work(i, p, station.PhaseFailed)
	message, hint := w.Fault(code, params)
	s.end(i, o, station.RunEnded{Phase: p, Code: code, Params: params, Message: message, Hint: hint})
}

// scene is a bench at one moment.
type scene func(s *script, w faulter)

type faulter = interface {
	Fault(code station.Code, params map[string]string) (string, string)
}

func sceneEmpty(s *script, _ faulter) {
	s.add(station.PortSeen{Port: "/dev/ttyS0", Status: "ignored", Code: station.CodePortIgnored, Reason: "not a USB port; name it in ports.include to use it"})
	s.add(station.PortSeen{Port: "/dev/ttyACM3", Slot: "1-4", Status: "ignored", Code: station.CodePortIgnored, Reason: "excluded by ports.exclude: /dev/ttyACM*"})
}

func sceneListening(s *script, w faulter) {
	sceneEmpty(s, w)
	for i := 1; i <= 4; i++ {
		s.listen(i)
	}
	s.add(station.PortSeen{Port: portName(3), Slot: slotName(3), Status: "silent", Code: station.CodePortSilent})
	message, _ := w.Fault(station.CodePortBusy, map[string]string{"port": portName(4), "holder": "ModemManager"})
	s.add(station.PortSeen{Port: portName(4), Slot: slotName(4), Status: "busy", Code: station.CodePortBusy, Reason: message})
}

func sceneRunning(s *script, _ faulter) {
	phases := ordinaryPhases()
	for i := 1; i <= 8; i++ {
		s.listen(i)
	}
	for i := 1; i <= 8; i++ {
		s.work(i, phases[(i*5)%10], station.PhaseStarted)
	}
	s.after(300 * time.Millisecond)
}

func scenePass(s *script, _ faulter) {
	for i := 1; i <= 8; i++ {
		s.listen(i)
		s.pass(i)
	}
}

func sceneMixed(s *script, w faulter) {
	for i := 1; i <= 8; i++ {
		s.listen(i)
	}
	s.fail(1, station.PhaseMQTT, station.Fail, station.CodeBrokerCert, map[string]string{"broker": "mqtt.tenant.example.com:8883", "alert": "48"}, w)
	s.pass(2)
	s.fail(3, station.PhaseEnroll, station.Error, station.CodeBridgeCADown, nil, w)
	s.fail(4, station.PhaseInstall, station.Timeout, station.CodeDeadline, map[string]string{"phase": "install", "limit": "30s"}, w)
	s.fail(5, station.PhaseKeygen, station.Aborted, station.CodeAborted, nil, w)
	s.fail(6, station.PhaseIdentify, station.Uncertain, station.CodeUnknownKey, map[string]string{"hardware_serial": "SN-7731-00006"}, w)
	s.work(7, station.PhaseRecord, station.PhaseDone)
	message, hint := w.Fault(station.CodeSkipped, map[string]string{"left": "364 days"})
	s.end(7, station.Skipped, station.RunEnded{Code: station.CodeSkipped, Message: message, Hint: hint})
	s.work(8, station.PhaseReadback, station.PhaseStarted)
	s.add(station.PhaseChanged{
		Run: runID(8), Attempt: 1, Slot: slotName(8), DeviceID: deviceID(8), Phase: station.PhaseReadback, Status: station.PhaseProgress,
		Warnings: []station.Warning{{Code: station.CodeCertShelfWarn, Text: "The certificate ends soon (in 23 h); 30 days would be better."}},
	})
	s.after(1200 * time.Millisecond)
}

func scene64(s *script, w faulter) {
	for i := 1; i <= 64; i++ {
		s.listen(i)
	}
	for i := 1; i <= 64; i++ {
		switch i % 4 {
		case 0:
			s.pass(i)
		case 1:
			s.fail(i, station.PhaseEnroll, station.Error, station.CodeBridgeDown, map[string]string{"bridge": "tenant.example.com"}, w)
		default:
			s.work(i, ordinaryPhases()[i%10], station.PhaseStarted)
		}
	}
}
