package station

import (
	"context"
	"time"
)

// Retirements is the memory of what was done to end a certificate's or a device's life: every step is written down before it is
// taken, and again when its result is known.
type Retirements interface {
	// RevocationBegun is written before the CA is asked. The same record again is nil.
	RevocationBegun(ctx context.Context, r Revocation) error
	// RevocationEnded says what came of it. ResultDone and ResultFound (it was revoked before) also make the certificate a
	// revoked one, where it is on file. The first result stays.
	RevocationEnded(ctx context.Context, id string, result IntentResult, at time.Time) error
	// Revocations lists those of a device id (or, where certSerial is not empty, of one certificate), oldest first.
	Revocations(ctx context.Context, tenant, deviceID, certSerial string) ([]RevocationRow, error)

	// RetirementBegun opens the decommissioning of a device, or gives the one that is open for its device id: a person who was
	// interrupted carries on.
	RetirementBegun(ctx context.Context, r Retirement) (Retirement, error)
	// RetirementStep says how a step stands. A later word replaces an earlier one; a step that is over (StepState.Over) stays.
	RetirementStep(ctx context.Context, id string, s StepRecord) error
	// RetirementEnded closes it: the device is out of service from now on, and held (E-DECOMMISSIONED) whenever it turns up.
	RetirementEnded(ctx context.Context, id string, at time.Time) error
	// Retirement gives the newest one of a device id with its steps in order. ErrNotFound.
	Retirement(ctx context.Context, tenant, deviceID string) (RetirementRow, error)
}

// Revocation is one request to the CA to revoke a certificate.
type Revocation struct {
	ID, Tenant     string // ID: UUIDv7
	DeviceID       string // "": nobody knows
	HardwareSerial string // ""
	CertSerial     string // lower-case hex
	Fingerprint    []byte // SHA-256 of the DER; nil where the certificate is not on file
	Reason         string // a word of RFC 5280 5.3.1, as keyCompromise
	Text           string // typed by a person, printable
	Way            string // provisioner|device
	By, StationID  string
	At             time.Time
}

// RevocationRow is one on file. Result is "" while nobody knows what came of it.
type RevocationRow struct {
	Revocation
	Result  IntentResult
	EndedAt time.Time
}

// Retirement is a device that is taken out of service.
type Retirement struct {
	ID, Tenant, DeviceID string // ID: UUIDv7
	HardwareSerial       string // "": no hardware is on file under the id
	Reason               string // typed by a person, printable
	By, StationID        string
	At                   time.Time
}

// RetirementStepName is a step of a decommissioning, in the documented order.
type RetirementStepName string

// Steps.
const (
	StepRevoke      RetirementStepName = "revoke"
	StepTunnel      RetirementStepName = "wireguard-peer"
	StepThingsBoard RetirementStepName = "thingsboard"
	StepHawkBit     RetirementStepName = "hawkbit"
	StepErase       RetirementStepName = "erase"
)

// RetirementSteps lists the steps in order.
func RetirementSteps() []RetirementStepName {
	return []RetirementStepName{StepRevoke, StepTunnel, StepThingsBoard, StepHawkBit, StepErase}
}

// StepState is how a step stands.
type StepState string

// States. Manual: a person has to do it, and Detail is the exact command or words; it is over when that person says so.
const (
	StepBegun  StepState = "begun" // and nobody knows what came of it
	StepDone   StepState = "done"
	StepGone   StepState = "gone" // there was nothing to do: already gone, or never there
	StepOff    StepState = "off"  // not configured at this station
	StepFailed StepState = "failed"
	StepManual StepState = "manual"
)

// Over reports whether nothing is left to do.
func (s StepState) Over() bool { return s == StepDone || s == StepGone || s == StepOff }

// StepRecord is how a step stands.
type StepRecord struct {
	Step   RetirementStepName
	State  StepState
	Code   Code   // of StepFailed
	Detail string // for people: printable, no secret
	At     time.Time
}

// RetirementRow is a decommissioning on file.
type RetirementRow struct {
	Retirement
	Steps   []StepRecord
	EndedAt time.Time // zero: it is open
}
