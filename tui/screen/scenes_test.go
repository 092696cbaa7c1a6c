package screen

import (
	"fmt"
	"strconv"
	"time"

	"provstation/station"
	"provstation/tui/board"
)

var begun = time.Date(2026, 11, 23, 8, 2, 0, 0, time.UTC)

// scenario writes events as a bench would, straight onto a board.
type scenario struct {
	board *board.Board
	seq   uint64
	at    time.Time
	runs  int
}

func newScenario() *scenario {
	s := &scenario{board: board.New(), at: begun}
	s.tell(station.StationInfo{Schema: 1, StationID: "kas-2", Station: "Kassel line 2", Tenant: "acme", Bridge: "https://tenant.example.com/api", Broker: "mqtt.tenant.example.com:8883"})
	return s
}

func (s *scenario) tell(b station.Body) {
	s.seq++
	s.board.Apply(station.Event{Seq: s.seq, Time: s.at, Body: b})
}

func (s *scenario) after(d time.Duration) { s.at = s.at.Add(d) }

// list is n devices that a batch expects.
func list(n int) []station.BatchDevice {
	devices := make([]station.BatchDevice, n)
	for i := range devices {
		devices[i] = station.BatchDevice{Line: i + 2, HardwareSerial: fmt.Sprintf("SN-7731-%05d", i+1), DeviceID: fmt.Sprintf("dev-%04d", i+1)}
	}
	return devices
}

func (s *scenario) openBatch(n int) {
	s.tell(station.BatchChanged{Batch: "2026-47-A", State: station.BatchOpen, By: "Ilse Brandt", Expected: n, OpenedAt: s.at, Devices: list(n)})
}

// took is how long each phase takes, in milliseconds.
var took = [...]int64{180, 4, 12, 640, 3, 148, 0, 5, 820, 210, 431, 0, 0, 0, 95, 7}

// begin starts the run of device n in a slot.
func (s *scenario) begin(slot, n int) station.PhaseChanged {
	s.runs++
	run := fmt.Sprintf("01936d2e-0000-7000-8000-%012d", s.runs)
	name := "slot " + strconv.Itoa(slot)
	s.tell(station.RunStarted{Run: run, Attempt: 1, Slot: name, Port: "/dev/ttyUSB" + strconv.Itoa(slot-1), Batch: s.board.Batch.Batch, Operator: "Ilse Brandt"})
	return station.PhaseChanged{Run: run, Attempt: 1, Slot: name, DeviceID: fmt.Sprintf("dev-%04d", n)}
}

// work takes a run up to and with a phase, which ends as last says.
func (s *scenario) work(e station.PhaseChanged, n int, upTo station.Phase, last station.PhaseStatus) {
	for i, p := range station.Phases() {
		if p.Rare() {
			continue
		}
		e.Phase, e.Status, e.Facts, e.ElapsedMS, e.Step = p, station.PhaseStarted, nil, 0, ""
		if p == station.PhaseWireGuard || p == station.PhaseRegister {
			e.Status = station.PhaseSkipped
			s.tell(e)
			continue
		}
		s.tell(e)
		if p == upTo && last == station.PhaseStarted {
			return
		}
		if p == station.PhaseMQTT {
			for k, name := range []string{"resolve", "tcp", "tls", "certificate", "connack", "publish"} {
				e.Status, e.Step, e.Facts = station.PhaseProgress, name, map[string]string{station.FactStepMS: strconv.Itoa(3 + 17*k), station.FactStepOK: "yes"}
				s.tell(e)
			}
		}
		ms := took[i] + int64(n%7)*took[i]/20
		s.after(time.Duration(ms) * time.Millisecond)
		e.Status, e.ElapsedMS, e.Facts, e.Step = station.PhaseDone, ms, known(n, p), ""
		if p == upTo {
			e.Status = last
		}
		s.tell(e)
		if p == upTo {
			return
		}
	}
}

// finish ends a run.
func (s *scenario) finish(e station.PhaseChanged, n int, o station.Outcome, p station.Phase, code station.Code, what, next string) {
	end := station.RunEnded{
		Run: e.Run, Attempt: 1, Slot: e.Slot, Outcome: o, Phase: p, Code: code, Message: what, Hint: next, Batch: s.board.Batch.Batch,
		DeviceID: fmt.Sprintf("dev-%04d", n), HardwareSerial: fmt.Sprintf("SN-7731-%05d", n), ElapsedMS: 2555, WireTxBytes: 4410, WireRxBytes: 1986,
	}
	if o == station.Pass {
		notAfter := begun.AddDate(1, 0, 0)
		end.NotAfter, end.Proof, end.Contract = &notAfter, station.BrokerDelivered, "deployed"
	}
	s.tell(end)
}

func (s *scenario) pass(slot, n int) {
	e := s.begin(slot, n)
	s.work(e, n, station.PhaseRecord, station.PhaseDone)
	s.finish(e, n, station.Pass, "", "", "", "")
}

func (s *scenario) fail(slot, n int, p station.Phase, o station.Outcome, code station.Code) {
	e := s.begin(slot, n)
	s.work(e, n, p, station.PhaseFailed)
	s.finish(e, n, o, p, code, "", "")
}

const wgConf = `[Interface]
Address = 10.8.0.2/32
DNS = 10.8.0.1
MTU = 1380

[Peer]
PublicKey = hT2vZ8u0p1mGq3yX4sWk5nRb6cJd7eLf9aQo0iUtYw0=
PresharedKey = cGFzcyB0aGlzIG9uIGFuZCB5b3UgYXJlIG91dCBub3c=
AllowedIPs = 10.8.0.0/24
Endpoint = vpn.tenant.example.com:51820
PersistentKeepalive = 25`

const bootText = "U-Boot 2024.01 (Jan 10 2026)\nModel: EdgeBox 210 rev C\nStarting kernel ...\n[    2.113044] systemd[1]: Reached target Basic System.\n[    2.540117] EXT4-fs (mmcblk0p3): mounted filesystem with ordered data mode\nEdgeBox login:"

// known is what a phase finds out.
func known(n int, p station.Phase) map[string]string {
	switch p {
	case station.PhaseIdentify:
		return map[string]string{
			station.FactHardwareSerial: fmt.Sprintf("SN-7731-%05d", n), station.FactModel: "EdgeBox 210", station.FactFirmware: "2.4.1",
			station.FactDeviceState: "empty", station.FactBootLog: bootText,
			station.FactWireLog: fmt.Sprintf("-> HELLO\n<- WELCOME SN-7731-%05d, EdgeBox 210 2.4.1, empty", n),
		}
	case station.PhaseAssign:
		return map[string]string{station.FactIDSource: "scan", station.FactCorroborated: "yes"}
	case station.PhaseClock:
		return map[string]string{station.FactDeviceClock: "2026-11-23T08:02:01Z", station.FactClockOffset: "312ms"}
	case station.PhaseKeygen:
		return map[string]string{
			station.FactKeyType: "P-256", station.FactKeyStore: "secure-element",
			station.FactSPKI:         "5f3c9a1c7be04d8e9b6a25417f30c2d48a61e7b05c94f2d3a81b7e60cc9d2f14",
			station.FactWireLog:      fmt.Sprintf("-> ENROLL P-256 for dev-%04d\n<- CSR 412 B, key in secure-element", n),
			station.FactWireGuardKey: "hT2vZ8u0p1mGq3yX4sWk5nRb6cJd7eLf9aQo0iUtYw0=",
		}
	case station.PhaseEnroll:
		return map[string]string{station.FactContract: "deployed"}
	case station.PhaseVerify:
		return map[string]string{
			station.FactCertSerial: "3f9a62e17c0b44d88e1f5a7d20c6b913", station.FactIssuer: "acme Tenant Sub-CA",
			station.FactFingerprint: "9d41b7e2f06a4c53a8d90e17b2c6f48531ed7a90bc42f6d8057ea3914cbd6f20",
			station.FactNotBefore:   "2026-11-23T08:01:00Z", station.FactNotAfter: "2027-11-23T08:01:00Z",
			station.FactChain:         fmt.Sprintf("dev-%04d <- acme Tenant Sub-CA <- Provider ICA <- Provider Root CA", n),
			station.FactChainNotAfter: "2027-11-23T08:01:00Z <- 2027-06-01T00:00:00Z <- 2031-01-01T00:00:00Z <- 2036-01-01T00:00:00Z",
			station.FactTunnelAddress: "10.8.0.2/32", station.FactTunnelConf: wgConf,
		}
	case station.PhaseInstall:
		return map[string]string{
			station.FactDeviceLog: "install: generation 1 staged\ninstall: certificate matches key\ninstall: generation 1 active",
			station.FactWireLog:   "-> INSTALL leaf 712 B, 3 certificates 1893 B, wg0.conf 214 B\n<- stored, 4 digests read back",
		}
	case station.PhaseSeal:
		return map[string]string{station.FactWireLog: "-> LOCK\n<- sealed"}
	case station.PhaseMQTT:
		return map[string]string{station.FactProof: "broker-delivered", station.FactTLS: "TLS 1.3 TLS_AES_128_GCM_SHA256", station.FactMQTT: "5", station.FactWireLog: "-> SIGN one TLS handshake"}
	default:
		return nil
	}
}

// morning lets a part of a list go through eight slots, with a cable that is bad and a bridge that is away for a while.
func (s *scenario) morning(devices int) {
	for n := 1; n <= devices; n++ {
		slot := (n-1)%8 + 1
		switch {
		case slot == 3:
			s.fail(slot, n, station.PhaseInstall, station.Error, station.CodeLineNoise)
			s.after(9 * time.Second)
			if n%16 == 11 {
				s.fail(slot, n, station.PhaseInstall, station.Error, station.CodePortGone)
				s.after(9 * time.Second)
			}
		case n == 14 || n == 16:
			s.fail(slot, n, station.PhaseEnroll, station.Error, station.CodeBridgeDown)
			s.after(20 * time.Second)
		case n == 21:
			s.fail(slot, n, station.PhaseClock, station.Fail, station.CodeClockDevice)
		}
		if n != 21 {
			s.pass(slot, n)
		}
		s.after(11 * time.Second)
	}
}
