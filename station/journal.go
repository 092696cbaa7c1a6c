package station

import (
	"context"
	"time"
)

// Journal is the part of a [Ledger] that knows what was begun: every side effect is written down before it is caused, with
// what is needed to find out later whether it was, and again when its result is known. The requests to the bridge have a
// journal of their own, [Ledger.PostBegun].
type Journal interface {
	// Intend writes down what is about to be done to a device.
	Intend(ctx context.Context, in Intent) error
	// Done writes down what came of it. The first result stays. Where a phase ends just then, PhaseEnd.Results does the
	// same without a write of its own.
	Done(ctx context.Context, id string, result IntentResult) error
	// OpenIntents lists what was begun with the hardware and never heard of again, oldest first.
	OpenIntents(ctx context.Context, tenant, hardwareSerial string) ([]Intent, error)

	// RefuseCertificate notes that a certificate on file is not to be used again, whatever becomes of this process.
	RefuseCertificate(ctx context.Context, r Refusal) error
	// EndInterrupted ends the runs that an earlier process of the station left open, as ABORTED with E-INTERRUPTED, and
	// says how many there were. It does nothing while another process of the station is at work.
	EndInterrupted(ctx context.Context, stationID string, at time.Time) (int, error)
}

// IntentKind is a kind of side effect.
type IntentKind string

// Kinds of side effects.
const (
	IntendKey     IntentKind = "make-key"
	IntendInstall IntentKind = "install"
	IntendSeal    IntentKind = "seal"
	IntendAbandon IntentKind = "abandon"
	IntendClock   IntentKind = "set-clock"
	IntendRevoke  IntentKind = "revoke"
)

// IntentKinds lists every kind.
func IntentKinds() []IntentKind {
	return []IntentKind{IntendKey, IntendInstall, IntendSeal, IntendAbandon, IntendClock, IntendRevoke}
}

// IntentResult says what came of an intent: one of the constants, or "failed: " and a code.
type IntentResult string

// Results. Found: the answer was never heard, and what the device held the next time it was seen tells.
const (
	ResultDone     IntentResult = "done"
	ResultFound    IntentResult = "found done"
	ResultNotFound IntentResult = "found not done"
)

func failedWith(c Code) IntentResult { return "failed: " + IntentResult(c) }

// Intent is one side effect that is about to be caused.
type Intent struct {
	ID, Run, Tenant, HardwareSerial string // ID: UUIDv7
	Kind                            IntentKind
	DeviceID                        string
	EnrollID                        EnrollID
	SPKI                            []byte // SHA-256; nil where the key is not known yet
	Leaf                            []byte // SHA-256; nil where it is about no certificate
	At                              time.Time
}

// Refusal says why a certificate is not to be used.
type Refusal struct {
	Run         string
	Fingerprint []byte // SHA-256 of the DER
	Code        Code
	At          time.Time
}
