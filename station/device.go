package station

import (
	"context"
	"crypto"
	"errors"
	"time"
)

// PortInfo is a serial port as the operating system shows it.
type PortInfo struct {
	Path           string // what to open
	Slot           string // stable key of the physical place: USB topology, or the path itself
	SlotName       string // what the bench calls the place, filled in by who opens it by [PortRules]
	ByID           string
	VID, PID       string // four hex digits, upper case
	HardwareSerial string // of the USB adapter or gadget, not of the device behind it
	Product        string
	Network        bool // behind a serial server: what crosses can be read on the way
}

// PortChange says that a port came or went.
type PortChange struct {
	Added bool // false: removed
	Port  PortInfo
}

// Watcher tells of ports, those present first. The channel closes when ctx ends.
type Watcher interface {
	Watch(ctx context.Context) (<-chan PortChange, error)
}

// Connector opens ports.
type Connector interface {
	// Open opens the port and listens. Nothing is sent. Errors: a *Fault with CodePortBusy, CodePortDenied,
	// CodePortGone or CodePortBad.
	Open(ctx context.Context, port PortInfo) (Line, error)
}

// Line is an open port on which a device may announce itself. A Line is used by one goroutine; Close may be called
// from any and unblocks the others.
type Line interface {
	// Wait returns the next time a device announces itself. Errors: ctx's, or a *Fault.
	Wait(ctx context.Context) (Announcement, error)
	// Greet opens a session (HELLO, WELCOME) and says who and what the device is. After ErrDeviceReset or
	// ErrSessionLost it may be called again.
	Greet(ctx context.Context) (Greeting, error)
	Device
	// FirstByte is when the first byte of the present device was heard; zero before.
	FirstByte() time.Time
	// Bye ends the session, so that the device goes back to announcing itself.
	Bye(ctx context.Context)
	// Traffic is what crossed the wire since Open, framing included.
	Traffic() (tx, rx uint64)
	// AgentLog takes what the device's agent logged since the last call, one line each: bounded, escaped.
	AgentLog() []string
	// BootLog is the console text heard since Open: bounded, escaped, safe for a terminal.
	BootLog() string
	Close() error
}

// Announcement is what an idle device says of itself, bounded and free of control characters.
type Announcement struct {
	HardwareSerial string
	Model          string
	BootID         string // hex, new at each start of the agent
}

// Errors of a Line that a run mends by greeting again. Anything else comes as a *Fault.
var (
	ErrDeviceReset = lineError("device reset")
	ErrSessionLost = lineError("session lost: no progress on the line")
)

// ErrEnrollIDUsed is in the chain of MakeKey's fault when the device will not make or name a key under this enroll id any
// more: it was given up, or used with other arguments. Another id mends it.
var ErrEnrollIDUsed = errors.New("the device refuses this enroll id")

type lineError string

func (e lineError) Error() string { return string(e) }

// DeviceState is how far a device's newest generation has come.
type DeviceState string

// Device states.
const (
	StateEmpty     DeviceState = "empty"
	StateKeyed     DeviceState = "keyed"
	StateInstalled DeviceState = "installed"
	StateSealed    DeviceState = "sealed"
	StateForeign   DeviceState = "foreign" // enrolled by the tenant's own enroll.sh
)

// Greeting is what a device says of itself in WELCOME. Everything in it is a claim, bounded and free of control
// characters, not a proof.
type Greeting struct {
	HardwareSerial string
	Model          string
	Firmware       string
	BootID         string // hex
	State          DeviceState
	Clock          time.Time // zero: the device has no clock
	HeardAt        time.Time // when Clock was read, station time
	SPKIPrefix     []byte    // first 16 bytes of SHA-256 of the SPKI; nil without a key
	LeafPrefix     []byte    // first 16 bytes of SHA-256 of the leaf; nil without one
	SignTLS13      bool
	SignTLS12      bool
	SetClock       bool
	WireGuard      bool
	Unlock         bool   // it can be unlocked once it is sealed
	ChecksBroker   bool   // it can test the broker by itself
	OwnRenewal     bool   // it can renew its certificate by itself
	Reenroll       string // never|unlock|open; empty: only Holding tells
}

// Holding is what a device holds (STATUS).
type Holding struct {
	State          DeviceState
	DeviceID       string
	EnrollID       EnrollID
	SPKI           []byte // SHA-256, 32 bytes
	Leaf           []byte // SHA-256, 32 bytes
	CSR            []byte // SHA-256, 32 bytes
	Generation     uint32
	Active         uint32
	Reenroll       string            // never|unlock|open
	SignaturesLeft uint32            // TLS signatures that the newest key still gives
	Objects        map[string][]byte // digests by object name: leaf, chain, anchors, wg0.conf; 8 bytes each
}

// EnrollID makes key generation idempotent: the same id never makes a second key.
type EnrollID [8]byte

// IsZero reports whether the id is unset.
func (e EnrollID) IsZero() bool { return e == EnrollID{} }

// KeyRequest asks a device for its key pair and CSR.
type KeyRequest struct {
	DeviceID  string
	EnrollID  EnrollID
	KeyType   string // P-256|P-384|Ed25519
	WireGuard bool
	// KeepTunnel: the new generation takes over the tunnel of the active one, its key and its wg0.conf. It goes with no
	// WireGuard of its own.
	KeepTunnel bool
	// Chain are CA certificates, DER, that the bundle for this key will most likely bring. A line may have them cross while the
	// device makes its key.
	Chain [][]byte
}

// KeyAnswer is the device's answer: public halves only.
type KeyAnswer struct {
	CSR          []byte // DER
	KeyStore     string // secure-element|tee|flash
	WireGuardKey []byte // 32 bytes, nil if none was asked for
	Existing     bool   // the key existed under this EnrollID
	Generation   uint32
}

// Bundle is everything a device gets: each certificate crosses the wire once.
type Bundle struct {
	EnrollID EnrollID
	Leaf     []byte   // DER
	Chain    [][]byte // DER: Sub-CA, ICA, Root
	WGConf   []byte   // without PrivateKey; nil if there is no tunnel
	WGKey    Secret   // only where the bridge made the WireGuard key (documented contract)
	Pins     [][]byte // public keys (SubjectPublicKeyInfo, DER) that unlock the device once it is sealed; nil: none, or as before
}

// Readback holds the digests (first 8 bytes of SHA-256) of what the device read back from its storage, by object name:
// leaf, chain, anchors, wg0.conf.
type Readback map[string][]byte

// Device is a greeted device. Calls return ErrDeviceReset or ErrSessionLost where greeting again mends it, else a
// *Fault or a context error.
type Device interface {
	Holding(ctx context.Context) (Holding, error)
	SetClock(ctx context.Context, now time.Time) error
	MakeKey(ctx context.Context, r KeyRequest) (KeyAnswer, error)
	Install(ctx context.Context, b Bundle) (Readback, error)
	// Certificates reads the device's public objects: device.pem and ca-chain.pem, DER in file order.
	Certificates(ctx context.Context) (device, anchors [][]byte, err error)
	// Signer is the device's key as crypto.Signer and crypto.MessageSigner for one TLS client handshake. chain is what
	// the client Certificate message will hold (leaf first).
	Signer(ctx context.Context, pub crypto.PublicKey, chain [][]byte) crypto.Signer
	// Seal activates the generation and writes the enrolled flag with the given content.
	Seal(ctx context.Context, id EnrollID, flag string) error
	// Abandon drops a generation that was not sealed; the active one stays.
	Abandon(ctx context.Context, id EnrollID) error
}

// Secret is bytes that never show: every way to print it says "(hidden)".
type Secret struct{ b []byte }

// NewSecret takes ownership of b.
func NewSecret(b []byte) Secret { return Secret{b} }

// Reveal gives the bytes to the one place that sends them.
func (s Secret) Reveal() []byte { return s.b }

// Empty reports whether there is no secret.
func (s Secret) Empty() bool { return len(s.b) == 0 }
