package station

import (
	"context"
	"errors"
	"time"
)

// Ledger is the durable memory of the bench. A method that returns nil has made its facts durable. Implementations are
// safe for concurrent use. Times are UTC with microseconds.
type Ledger interface {
	// BeginRun opens a row for one attempt and gives its number for this hardware (1 and up) once it is known; see
	// IdentifyRun.
	BeginRun(ctx context.Context, r RunStart) error
	// IdentifyRun says which hardware the run is about and returns the attempt's number for it.
	IdentifyRun(ctx context.Context, run string, o Observed) (attempt int, err error)
	// RecordPhase appends one phase's end to the run's history.
	RecordPhase(ctx context.Context, p PhaseEnd) error

	// Device finds the device by hardware serial. ErrNotFound if it was never seen.
	Device(ctx context.Context, tenant, hardwareSerial string) (DeviceRecord, error)
	// BindDevice claims the device id for the hardware serial. ErrDeviceIDTaken (another hardware holds the id, compared
	// without regard to case), ErrHardwareBound (this hardware holds another id).
	BindDevice(ctx context.Context, b Binding) error
	// BindKey records a device key before its CSR leaves the bench. ErrKeyTaken if another device holds the same SPKI.
	BindKey(ctx context.Context, k KeyRecord) error
	// Key finds the key on file by SPKI hash. ErrNotFound.
	Key(ctx context.Context, tenant string, spki []byte) (KeyRecord, error)

	// PostBegun opens a possibly-issued row before the CSR is posted; PostEnded closes it when nothing was issued.
	// SaveCertificate closes it when the certificate arrived.
	PostBegun(ctx context.Context, p Post) error
	PostEnded(ctx context.Context, postID string, reason string) error
	// SaveCertificate makes a received certificate durable, before a byte of it goes to the device. It is called as soon
	// as the bridge answered, with Chain and WGConf empty, and again when the answer passed its checks, with both; the
	// later call completes the row of the same Fingerprint. ErrAddressTaken if another device holds the tunnel address.
	SaveCertificate(ctx context.Context, c CertRecord) error
	// Certificates lists what was issued for the key, newest first.
	Certificates(ctx context.Context, tenant string, spki []byte) ([]CertRecord, error)

	// SaveProof makes the broker's proof and the provisional record durable, before the device is sealed.
	SaveProof(ctx context.Context, p ProofRecord) error
	// Proof finds the newest proof for exactly this hardware, key and certificate, sealed or not. ErrNotFound.
	Proof(ctx context.Context, tenant, hardwareSerial string, spki, leaf []byte) (ProofRecord, error)
	// Passed finds the PASS for exactly this hardware, key and certificate. ErrNotFound.
	Passed(ctx context.Context, tenant, hardwareSerial string, spki, leaf []byte) (PassRecord, error)
	// FinishRun closes the run and, for a PASS, makes it the device's current state, in one transaction. ErrPhaseMissing if
	// fewer phases are on file than were recorded.
	FinishRun(ctx context.Context, e RunFinish) error

	Soon
	Journal
	Resolutions
}

// Saved waits until what was recorded is durable, or lost: then it says why.
type Saved func() error

// Soon is the part of a [Ledger] that writes without waiting for the disk. What is recorded so is durable before, or with, what
// is recorded after it, and it is so before a method that is not of these returns; that ctx ends does not take it back. Those that
// return an error are accepted: what is wrong with them is known at once, as of the method of the same name. A Saved is nil only
// beside an error. SaveCertificateSoon is for an answer whose end the device gets when it is durable.
type Soon interface {
	BeginRunSoon(ctx context.Context, r RunStart) Saved
	IdentifyRunSoon(ctx context.Context, run string, o Observed) (accepted func() (attempt int, saved Saved, err error))
	BindDeviceSoon(ctx context.Context, b Binding) (Saved, error)
	BindKeySoon(ctx context.Context, k KeyRecord) (Saved, error)
	// SaveCertificateSoon, IntendSoon, SaveProofSoon and BeginRunSoon are on their way to the disk when they return.
	SaveCertificateSoon(ctx context.Context, c CertRecord) Saved
	IntendSoon(ctx context.Context, in Intent) Saved
	SaveProofSoon(ctx context.Context, p ProofRecord) Saved
	RecordPhaseSoon(ctx context.Context, p PhaseEnd) Saved
}

// Errors of a Ledger that a run tells apart.
var (
	ErrNotFound      = errors.New("not in the ledger")
	ErrDeviceIDTaken = errors.New("device id belongs to other hardware")
	ErrHardwareBound = errors.New("hardware has another device id")
	ErrKeyTaken      = errors.New("key belongs to another device")
	ErrAddressTaken  = errors.New("tunnel address belongs to another device")
	ErrRelaying      = errors.New("a relay is posting the request")
	ErrConflict      = errors.New("other facts are on file under the same id") // device and ledger contradict each other
	ErrPhaseMissing  = errors.New("the end of a phase is not on file")
)

// RunStart is what is known, and what was asked for, when a run begins.
type RunStart struct {
	Run          string // UUIDv7
	Tenant       string
	Site         string
	Station      string
	StationID    string
	Operator     string
	Batch        string
	Profile      string
	Slot         string
	Port         string
	Version      string
	ConfigDigest string
	RequestedID  string // device id asked for by flag or scan; may be empty
	RequestedKey string // key type asked for
	Reenroll     bool
	Task         Task      // what it was begun for, beyond what its device needs
	Override     *Override // a lead let it go on; nil: an ordinary run
	StartedAt    time.Time
	UTCOffset    int // seconds east of UTC, of the station
}

// Observed is what the device said of itself.
type Observed struct {
	Tenant         string
	HardwareSerial string
	Model          string
	Firmware       string
	BootID         string
	State          DeviceState
	ClockOffset    time.Duration // device minus station; 0 without a clock
	HasClock       bool
}

// PhaseEnd is one phase's end.
type PhaseEnd struct {
	Run       string
	Phase     Phase
	Status    PhaseStatus // done|failed|skipped
	StartedAt time.Time
	EndedAt   time.Time
	Tries     int
	Code      Code
	Facts     map[string]string
	Results   map[string]IntentResult // by intent's id: what came of it, made durable with the phase's end
}

// DeviceRecord is a device's current state.
type DeviceRecord struct {
	Tenant         string
	HardwareSerial string
	DeviceID       string
	IDSource       string // of the binding that holds, see Binding.Source
	SPKI           []byte // SHA-256 of the current key; nil before the first PASS
	Leaf           []byte // SHA-256 of the current leaf; nil before the first PASS
	LastOutcome    Outcome
	UpdatedAt      time.Time
}

// Binding ties a device id to a hardware serial.
type Binding struct {
	Run, Tenant, HardwareSerial, DeviceID string
	Source                                string // template|manifest|scan|flag|device
	At                                    time.Time
}

// KeyRecord is one device key.
type KeyRecord struct {
	Run, Tenant, HardwareSerial, DeviceID string
	SPKI                                  []byte // SHA-256
	EnrollID                              EnrollID
	Generation                            uint32
	KeyType                               string
	KeyStore                              string
	CSRDigest                             []byte // SHA-256 of the CSR's DER
	WireGuardKey                          []byte // public half
	At                                    time.Time
}

// Post is one POST to the bridge that may issue a certificate.
type Post struct {
	ID, Run, Tenant, DeviceID string // ID: UUIDv7
	SPKI, CSRDigest           []byte
	Contract                  Contract
	At                        time.Time
}

// CertRecord is one certificate ever issued.
type CertRecord struct {
	Run, PostID, Tenant, DeviceID string
	HardwareSerial                string
	SPKI                          []byte
	Fingerprint                   []byte // SHA-256 of the DER
	CertSerial                    string // lower-case hex
	Subject, Issuer               string
	AKI                           string // authority key id, hex
	IssuerFingerprint             string // SHA-256 of the issuing certificate, hex
	NotBefore, NotAfter           time.Time
	Leaf                          []byte   // DER
	Chain                         [][]byte // DER: Sub-CA, ICA, Root
	WGConf                        string   // as pushed, never with a PrivateKey
	TunnelAddresses               []string // canonical, one per address
	Contract                      Contract
	Revoked                       bool // known to be; filled in by Certificates
	Refused                       Code // why it is not to be used, empty if it may be; filled in by Certificates
	WireGuardKeyByBridge          bool // the bridge made the WireGuard key: it crossed the line and is not on file
	ReceivedAt                    time.Time
}

// ProofRecord is the broker's proof.
type ProofRecord struct {
	Run, Tenant, HardwareSerial, DeviceID string
	SPKI, Leaf                            []byte // SHA-256
	Proof                                 Proof
	Broker, TLS, MQTT                     string
	Readback                              map[string]string // object name to hex digest
	At                                    time.Time
	Seal                                  *Intent // what the proof is for, made durable with it; nil: nothing follows
}

// PassRecord is a PASS on file.
type PassRecord struct {
	Run, DeviceID string
	NotAfter      time.Time
	PassedAt      time.Time
	Revoked       bool
}

// RunFinish closes a run.
type RunFinish struct {
	Run, Tenant, HardwareSerial, DeviceID string
	Outcome                               Outcome
	Proof                                 Proof
	Phase                                 Phase
	Phases                                int // how many were recorded; 0: it does not matter
	Code                                  Code
	Params                                map[string]string
	SPKI, Leaf                            []byte
	NotAfter                              time.Time
	Contract                              Contract
	WireTx, WireRx                        uint64
	Elapsed                               time.Duration
	Warnings                              []Warning
	EndedAt                               time.Time
}
