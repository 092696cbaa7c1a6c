package station

import "slices"

// Outcome is how a run ended.
type Outcome string

// Outcomes. Only Pass says that a broker's proof exists and its record is durable.
const (
	Pass      Outcome = "PASS"
	Fail      Outcome = "FAIL"      // the device or its credentials are bad
	Error     Outcome = "ERROR"     // we could not tell: bridge, broker, disk, cable
	Timeout   Outcome = "TIMEOUT"   // a phase's deadline passed
	Aborted   Outcome = "ABORTED"   // a person or a shutdown stopped it
	Installed Outcome = "INSTALLED" // everything but a broker's proof, where policy switched it off
	Skipped   Outcome = "SKIPPED"   // enrolled already, and the ledger proves it
	Uncertain Outcome = "UNCERTAIN" // repeating would do harm, or device and ledger contradict; held for a person
	Collected Outcome = "COLLECTED" // its request is in the queue, and nothing else was asked for: no certificate yet
)

// Outcomes lists every outcome in the order a summary counts them.
func Outcomes() []Outcome {
	return []Outcome{Pass, Fail, Error, Timeout, Aborted, Installed, Skipped, Uncertain, Collected}
}

// Good reports whether a run that ended so asks nothing more of anybody: exit code 0.
func (o Outcome) Good() bool { return o == Pass || o == Skipped }

// Proof says what a broker has shown.
type Proof string

// Proofs, weaker first.
const (
	NoProof         Proof = ""
	BrokerAcked     Proof = "broker-acked"     // CONNACK and PUBACK
	BrokerDelivered Proof = "broker-delivered" // MQTT 5 success reason, or the message seen back
)

// Phase is one step of a run.
type Phase string

// Phases in the order a run passes them.
const (
	PhaseIdentify  Phase = "identify"
	PhaseAssign    Phase = "assign"
	PhaseClock     Phase = "clock"
	PhaseKeygen    Phase = "keygen"
	PhaseCSR       Phase = "csr"
	PhaseEnroll    Phase = "enroll"
	PhaseRenew     Phase = "renew" // in place of enroll: the CA renews or rekeys what the device has
	PhaseVerify    Phase = "verify"
	PhaseInstall   Phase = "install"
	PhaseReadback  Phase = "readback"
	PhaseMQTT      Phase = "mqtt"
	PhaseWireGuard Phase = "wireguard"
	PhaseRegister  Phase = "register"
	PhaseAutorenew Phase = "autorenew" // the device renews by itself from now on
	PhaseSeal      Phase = "seal"
	PhaseRecord    Phase = "record"
)

// Phases lists every phase in order, the ones a configuration leaves out included.
func Phases() []Phase {
	return []Phase{
		PhaseIdentify, PhaseAssign, PhaseClock, PhaseKeygen, PhaseCSR, PhaseEnroll, PhaseRenew, PhaseVerify, PhaseInstall,
		PhaseReadback, PhaseMQTT, PhaseWireGuard, PhaseRegister, PhaseAutorenew, PhaseSeal, PhaseRecord,
	}
}

// Rare reports whether runs without the phase say nothing of it: not each of them has a line that it was skipped.
func (p Phase) Rare() bool { return p == PhaseRenew || p == PhaseAutorenew }

// Index is the phase's place in [Phases], -1 for an unknown one.
func (p Phase) Index() int { return slices.Index(Phases(), p) }

// Next is the phase that an ordinary run comes to after this one, the last one after the last.
func (p Phase) Next() Phase {
	for _, next := range Phases()[p.Index()+1:] {
		if !next.Rare() {
			return next
		}
	}
	return PhaseRecord
}

// PhaseStatus is how far a phase has come.
type PhaseStatus string

// Phase statuses.
const (
	PhaseStarted  PhaseStatus = "started"
	PhaseProgress PhaseStatus = "progress"
	PhaseDone     PhaseStatus = "done"
	PhaseFailed   PhaseStatus = "failed"
	PhaseSkipped  PhaseStatus = "skipped"
)
