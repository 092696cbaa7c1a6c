package station

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// EventSchema is the version of the event stream's shape, said in the first event.
const EventSchema = 1

// Event is one thing that happened on the bench. Seq counts from 1 without gaps within one process.
type Event struct {
	Seq  uint64
	Time time.Time // UTC
	Body Body
}

// Body is what an event says. The set is closed: [StationInfo], [PortSeen], [RunStarted], [PhaseChanged], [RunEnded],
// [OperatorChanged], [BatchChanged], [ScanWanted], [ScanTaken], [LearnChanged], [LabelPrinted], [LedgerChanged],
// [DuplicateFound], [RelayChanged], [RelaySummary], [Summary].
type Body interface{ eventType() string }

// Type is the event's name in NDJSON.
func (e Event) Type() string {
	if e.Body == nil {
		return ""
	}
	return e.Body.eventType()
}

// MarshalJSON writes one flat object: seq, time (RFC 3339, UTC), type, then the body's own fields.
func (e Event) MarshalJSON() ([]byte, error) {
	head, err := json.Marshal(struct {
		Seq  uint64 `json:"seq"`
		Time string `json:"time"`
		Type string `json:"type"`
	}{e.Seq, e.Time.UTC().Format("2006-01-02T15:04:05.000000Z"), e.Type()})
	if err != nil {
		return nil, err
	}
	if e.Body == nil {
		return nil, fmt.Errorf("marshal event %d: no body", e.Seq)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // "<-" in a chain is for people's eyes, too
	if err := enc.Encode(e.Body); err != nil {
		return nil, fmt.Errorf("marshal %s event: %w", e.Type(), err)
	}
	body := bytes.TrimSpace(b.Bytes())
	if len(body) <= 2 { // "{}"
		return head, nil
	}
	return append(append(head[:len(head)-1], ','), body[1:]...), nil
}

// StationInfo is the first event of a process.
type StationInfo struct { //nolint:revive // named after its event, as the others are
	Schema       int    `json:"schema"`
	StationID    string `json:"station_id"`
	Station      string `json:"station"`
	Tenant       string `json:"tenant"`
	Site         string `json:"site,omitempty"`
	Version      string `json:"version"`
	ConfigDigest string `json:"config_digest"`
	Bridge       string `json:"bridge"`                // base URL, without credentials
	Broker       string `json:"broker"`                // host:port
	Interrupted  int    `json:"interrupted,omitempty"` // runs that an earlier process left open, ended now
}

// PortSeen tells of a port that is there but is not (or not yet) a device: the reason is said, nothing counts it.
type PortSeen struct {
	Port   string `json:"port"`
	Slot   string `json:"slot,omitempty"`
	Status string `json:"status"` // listening|ignored|silent|busy|denied|gone|error|held
	Code   Code   `json:"code,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// RunStarted opens a run: a device announced itself on a slot's port.
type RunStarted struct {
	Run     string `json:"run"` // UUIDv7
	Attempt int    `json:"attempt"`
	Slot    string `json:"slot"`
	Port    string `json:"port"`

	Batch    string `json:"batch,omitempty"`
	Operator string `json:"operator,omitempty"`
	Task     Task   `json:"task,omitempty"` // renew, rekey or re-enroll, where a person asked for that
}

// PhaseChanged tells of one phase's progress.
type PhaseChanged struct {
	Run       string            `json:"run"`
	Attempt   int               `json:"attempt"`
	Slot      string            `json:"slot"`
	DeviceID  string            `json:"device_id,omitempty"`
	Phase     Phase             `json:"phase"`
	Status    PhaseStatus       `json:"status"`
	ElapsedMS int64             `json:"elapsed_ms"` // of the phase
	Step      string            `json:"step,omitempty"`
	Code      Code              `json:"code,omitempty"`
	Params    map[string]string `json:"params,omitempty"`
	Facts     map[string]string `json:"facts,omitempty"` // what the phase found out, in stable names: see Fact constants
	Warnings  []Warning         `json:"warnings,omitempty"`
	At        time.Time         `json:"-"` // when it happened; the event's time is when it was told
}

// Warning is something a phase let pass by policy, and says.
type Warning struct {
	Code   Code              `json:"code"`
	Params map[string]string `json:"params,omitempty"`
	Text   string            `json:"text"` // the catalogue's sentence in the station's language
}

// RunEnded closes a run.
type RunEnded struct {
	Run             string            `json:"run"`
	Attempt         int               `json:"attempt"`
	Slot            string            `json:"slot"`
	Port            string            `json:"port"`
	Outcome         Outcome           `json:"outcome"`
	Proof           Proof             `json:"proof,omitempty"`
	Phase           Phase             `json:"phase,omitempty"` // the phase it ended in, when it did not end well
	Code            Code              `json:"code,omitempty"`
	Params          map[string]string `json:"params,omitempty"`
	Message         string            `json:"message,omitempty"` // what happened, in the station's language
	Hint            string            `json:"hint,omitempty"`    // what to do next, in the station's language
	DeviceID        string            `json:"device_id,omitempty"`
	HardwareSerial  string            `json:"hardware_serial,omitempty"`
	Task            Task              `json:"task,omitempty"`
	CertFingerprint string            `json:"cert_fingerprint,omitempty"` // SHA-256 of the leaf's DER, hex
	NotAfter        *time.Time        `json:"not_after,omitempty"`
	Contract        string            `json:"contract,omitempty"`
	Batch           string            `json:"batch,omitempty"`
	Adopted         string            `json:"adopted,omitempty"` // what an earlier run had done: key, certificate, files, proof
	ElapsedMS       int64             `json:"elapsed_ms"`        // first byte heard to durable record
	WireTxBytes     uint64            `json:"wire_tx_bytes"`
	WireRxBytes     uint64            `json:"wire_rx_bytes"`
}

// OperatorChanged tells who works at the bench from now on. Operator is empty when nobody is signed in.
type OperatorChanged struct {
	Operator string `json:"operator"`
	Role     Role   `json:"role,omitempty"`
	Required bool   `json:"required,omitempty"` // no run starts without somebody signed in
}

// BatchChanged tells how it stands with the batch. Devices is filled in only when State is open and the batch was opened
// or carried on just now; who follows the events keeps the list.
type BatchChanged struct {
	Batch    string        `json:"batch"`
	State    BatchState    `json:"state"`
	By       string        `json:"by,omitempty"` // person; empty: the station itself
	Code     Code          `json:"code,omitempty"`
	Reason   string        `json:"reason,omitempty"` // a person's words, or the catalogue's sentence
	Expected int           `json:"expected"`
	Done     int           `json:"done"`
	OpenedAt time.Time     `json:"opened_at"`
	Devices  []BatchDevice `json:"-"`
}

// ScanWanted tells that a run waits for the label of its device, or that it does so no longer.
type ScanWanted struct {
	Run            string `json:"run"`
	Slot           string `json:"slot"`
	HardwareSerial string `json:"hardware_serial"`
	Wanted         bool   `json:"wanted"`
}

// Kinds of a scan.
const (
	ScanLabel   = "label"
	ScanCommand = "command"
	ScanBadge   = "badge"
	ScanUnknown = "unknown"
)

// ScanTaken tells what became of a scan. Code is empty when it was taken. Text is never a badge's.
type ScanTaken struct {
	Kind           string            `json:"kind"`
	Text           string            `json:"text,omitempty"` // printable
	Command        string            `json:"command,omitempty"`
	Slot           string            `json:"slot,omitempty"` // that it went to
	DeviceID       string            `json:"device_id,omitempty"`
	HardwareSerial string            `json:"hardware_serial,omitempty"`
	Code           Code              `json:"code,omitempty"`
	Params         map[string]string `json:"params,omitempty"`
	Message        string            `json:"message,omitempty"` // in the station's language
	Hint           string            `json:"hint,omitempty"`
}

// LearnChanged tells of teaching the bench which place is which slot. State is waiting (plug a device into Slot now),
// learned, refused (Code says why; it waits on) or ended.
type LearnChanged struct {
	State  string `json:"state"`
	Slot   string `json:"slot,omitempty"`
	Key    string `json:"key,omitempty"` // of the place
	Port   string `json:"port,omitempty"`
	Code   Code   `json:"code,omitempty"`
	Reason string `json:"reason,omitempty"` // in the station's language
}

// LabelPrinted tells of a label that went to the printer, or did not (Code). Copy counts from 1.
type LabelPrinted struct {
	Slot           string            `json:"slot,omitempty"`
	DeviceID       string            `json:"device_id"`
	HardwareSerial string            `json:"hardware_serial"`
	Template       string            `json:"template"`
	Copy           int               `json:"copy"`
	Code           Code              `json:"code,omitempty"`
	Params         map[string]string `json:"params,omitempty"`
	Message        string            `json:"message,omitempty"`
}

// Summary is the last event of a process.
type Summary struct {
	Devices   int   `json:"devices"`
	Pass      int   `json:"pass"`
	Fail      int   `json:"fail"`
	Error     int   `json:"error"`
	Timeout   int   `json:"timeout"`
	Aborted   int   `json:"aborted"`
	Installed int   `json:"installed"`
	Skipped   int   `json:"skipped"`
	Uncertain int   `json:"uncertain"`
	Collected int   `json:"collected,omitempty"`
	ElapsedMS int64 `json:"elapsed_ms"`

	// Runs that carried on from where an earlier one was cut, and what they took over.
	Adopted             int `json:"adopted,omitempty"`
	AdoptedKeys         int `json:"adopted_keys,omitempty"`
	AdoptedCertificates int `json:"adopted_certificates,omitempty"`
	AdoptedFiles        int `json:"adopted_files,omitempty"`
	AdoptedProofs       int `json:"adopted_proofs,omitempty"`
}

// Adopt counts what one run took over, as [RunEnded.Adopted] says it.
func (s *Summary) Adopt(what string) {
	if what == "" {
		return
	}
	s.Adopted++
	for w := range strings.SplitSeq(what, ", ") {
		switch w {
		case AdoptedKey:
			s.AdoptedKeys++
		case AdoptedCertificate:
			s.AdoptedCertificates++
		case AdoptedFiles:
			s.AdoptedFiles++
		case AdoptedProof:
			s.AdoptedProofs++
		}
	}
}

// Count adds one run's end.
func (s *Summary) Count(o Outcome) {
	s.Devices++
	switch o {
	case Pass:
		s.Pass++
	case Fail:
		s.Fail++
	case Error:
		s.Error++
	case Timeout:
		s.Timeout++
	case Aborted:
		s.Aborted++
	case Installed:
		s.Installed++
	case Skipped:
		s.Skipped++
	case Uncertain:
		s.Uncertain++
	case Collected:
		s.Collected++
	default:
		s.Error++
	}
}

func (StationInfo) eventType() string  { return "station" }
func (PortSeen) eventType() string     { return "port" }
func (RunStarted) eventType() string   { return "run-start" }
func (PhaseChanged) eventType() string { return "phase" }
func (RunEnded) eventType() string     { return "run-end" }
func (Summary) eventType() string      { return "summary" }

func (OperatorChanged) eventType() string { return "operator" }
func (BatchChanged) eventType() string    { return "batch" }
func (ScanWanted) eventType() string      { return "scan-wanted" }
func (ScanTaken) eventType() string       { return "scan" }
func (LearnChanged) eventType() string    { return "learn" }
func (LabelPrinted) eventType() string    { return "label" }

// Names of facts a phase reports in [PhaseChanged.Facts]. Values are text for people and scripts, never secrets.
const (
	FactProfile         = "profile" // the device profile of the port
	FactHardwareSerial  = "hardware_serial"
	FactModel           = "model"
	FactFirmware        = "firmware"
	FactDeviceState     = "device_state"
	FactDeviceClock     = "device_clock"      // RFC 3339
	FactClockOffset     = "clock_offset"      // device minus station, Go duration text
	FactIDSource        = "id_source"         // template|manifest|scan|flag|device
	FactCorroborated    = "corroborated"      // yes|no
	FactSPKI            = "spki_sha256"       // hex
	FactKeyStore        = "key_store"         // secure-element|tee|flash
	FactKeyType         = "key_type"          // P-256|P-384|Ed25519
	FactWireGuardKey    = "wireguard_key"     // public key, base64
	FactCSR             = "csr_sha256"        // hex
	FactContract        = "contract"          // documented|deployed
	FactCertSerial      = "cert_serial"       // hex
	FactFingerprint     = "fingerprint"       // SHA-256 of the leaf's DER, hex
	FactIssuer          = "issuer"            // issuer's common name
	FactNotBefore       = "not_before"        // RFC 3339
	FactNotAfter        = "not_after"         // RFC 3339
	FactChain           = "chain"             // subjects, leaf first, separated by " <- "
	FactTunnelAddress   = "tunnel_address"    // wg0.conf Address
	FactTunnelConf      = "tunnel_conf"       // wg0.conf as pushed, PrivateKey never in it
	FactTunnelWay       = "tunnel_way"        // who saw the tunnel's handshake: device|server|ping
	FactTunnelHandshake = "tunnel_handshake"  // RFC 3339
	FactTunnelEndpoint  = "tunnel_endpoint"   // the device as the server saw it, or the server as the device did
	FactTunnelRoundTrip = "tunnel_round_trip" // of a ping through the tunnel, Go duration text
	FactProof           = "proof"             // broker-acked|broker-delivered
	FactTLS             = "tls"               // TLS version and cipher suite
	FactMQTT            = "mqtt"              // 5|3.1.1
	FactBootLog         = "boot_log"          // last lines of console text, escaped
	FactChainNotAfter   = "chain_not_after"   // ends of the certificates of FactChain, RFC 3339, separated by " <- "
	FactWireLog         = "wire_log"          // what crossed the line in this phase, one message a line: "-> ENROLL", "<- CSR 412 B"
	FactDeviceLog       = "device_log"        // last lines of what the device's agent logged
	FactStepMS          = "step_ms"           // duration of PhaseChanged.Step, milliseconds
	FactStepOK          = "step_ok"           // yes|no
	FactReconciled      = "reconciled"        // what earlier runs began, and whether the device shows that it was done

	FactPrevious    = "previous"           // SHA-256 of the certificate that is renewed, hex
	FactPreviousEnd = "previous_not_after" // RFC 3339
	FactRenewedBy   = "renewed_by"         // token|mtls
	FactTokensLeft  = "tokens_left"        // how many more the device signs
	FactUnlocked    = "unlocked"           // what for, as [UnlockPurpose]
	FactRenewalURL  = "renewal_url"        // where the device renews by itself
	FactRenewalNext = "renewal_next"       // RFC 3339

	FactThingsBoardID = "thingsboard_id"     // its own id of the device
	FactThingsBoardOn = "thingsboard_active" // yes|no, as its connectivity state says; absent where it says nothing
	FactHawkBitStatus = "hawkbit_status"     // update status of the target, as unknown or in_sync
	FactHawkBitNames  = "hawkbit_attributes" // names of the target's attributes, separated by ", "
)
