package mqttcheck

import (
	"crypto/tls"
	"time"
)

// Step names a part of the check.
type Step string

// The steps in their order.
const (
	// StepPrepare checks configuration and identity. It is never in
	// Result.Steps and only named by errors.
	StepPrepare Step = "prepare"
	// StepResolve finds the host's addresses.
	StepResolve Step = "resolve"
	// StepTCP opens the connection.
	StepTCP Step = "tcp"
	// StepTLS lasts until the broker's certificate is verified and the broker
	// has asked for the device's.
	StepTLS Step = "tls"
	// StepCertificate is the device's certificate and signature. It lasts until
	// the broker has accepted them: TLS 1.2, the end of the handshake; TLS 1.3,
	// the first MQTT packet.
	StepCertificate Step = "certificate"
	// StepConnack lasts from CONNECT to CONNACK.
	StepConnack Step = "connack"
	// StepPublish lasts from PUBLISH to the proof.
	StepPublish Step = "publish"
)

// StepResult is how a step ended.
type StepResult struct {
	Step    Step          `json:"step"`
	Attempt int           `json:"attempt"` // 1, or 2 for the second connection of ProtocolAuto
	OK      bool          `json:"ok"`
	Took    time.Duration `json:"took_ns"`
}

// Proof is what a passed check proves.
type Proof string

// The proofs, weaker first. The zero value is no proof.
const (
	ProofNone            Proof = ""
	ProofBrokerAcked     Proof = "broker-acked"
	ProofBrokerDelivered Proof = "broker-delivered"
)

// Result is what a check found. After an error Proof is ProofNone and the other
// fields tell how far it came.
type Result struct {
	Proof Proof `json:"proof"`
	// Addr is the address and port that was connected to.
	Addr string `json:"addr"`
	// TLSVersion and CipherSuite are the negotiated numbers, set as soon as the
	// broker has shown its certificate; TLSName and
	// CipherName put them into words.
	TLSVersion  uint16 `json:"tls_version"`
	CipherSuite uint16 `json:"cipher_suite"`
	// ServerFingerprint is the lower-case hex SHA-256 of the broker's
	// certificate (DER), set once it was verified.
	ServerFingerprint string `json:"server_fingerprint"`
	// MQTTVersion is the version that was spoken, or tried last.
	MQTTVersion Protocol `json:"mqtt_version"`
	// PubackCode is the reason code of an MQTT 5 PUBACK: 0x00, or 0x10 for no
	// matching subscribers.
	PubackCode byte `json:"puback_code"`
	// Signatures is how many signatures were asked of the device: 1, or 2 if
	// ProtocolAuto needed a second connection. Counted also if it failed.
	Signatures int `json:"signatures"`
	// Steps are the steps that ended, in order of their ends.
	Steps []StepResult `json:"steps"`
}

// TLSName returns "TLS 1.2" or "TLS 1.3", or "" before a handshake.
func (r Result) TLSName() string {
	if r.TLSVersion == 0 {
		return ""
	}
	return tls.VersionName(r.TLSVersion)
}

// CipherName returns the IANA name of the cipher suite, or "".
func (r Result) CipherName() string {
	if r.CipherSuite == 0 {
		return ""
	}
	return tls.CipherSuiteName(r.CipherSuite)
}

// tracker times the steps of one connection.
type tracker struct {
	attempt int
	now     func() time.Time
	report  func(StepResult)
	started map[Step]time.Time
}

// begin starts a step that is not running yet.
func (t *tracker) begin(s Step) {
	if _, running := t.started[s]; !running {
		t.started[s] = t.now()
	}
}

// end ends a step that was begun; a second end, or one without begin, is ignored.
func (t *tracker) end(s Step, ok bool) {
	start, running := t.started[s]
	if !running || start.IsZero() {
		return
	}
	t.started[s] = time.Time{}
	t.report(StepResult{Step: s, Attempt: t.attempt, OK: ok, Took: t.now().Sub(start)})
}
