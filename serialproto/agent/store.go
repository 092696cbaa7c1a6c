package agent

import (
	"crypto"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"provstation/serialproto"
)

// Errors a Store or Clock wraps so that the agent can answer with the right status.
var (
	// ErrNoSpace: storage is full. Nothing was changed.
	ErrNoSpace = errors.New("no space left on the device")
	// ErrNoGeneration: the store holds no such generation.
	ErrNoGeneration = errors.New("no such generation")
)

// Alg is the algorithm of a device key, as on the wire.
type Alg = serialproto.Alg

// Secret is bytes that never show: every way to print it says "(hidden)".
type Secret []byte

const hidden = "(hidden)"

// String hides the secret.
func (Secret) String() string { return hidden }

// GoString hides the secret.
func (Secret) GoString() string { return hidden }

// Format hides the secret for every verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// LogValue hides the secret.
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText hides the secret.
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// MarshalJSON hides the secret.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + hidden + `"`), nil }

// Generation is one key pair and how far it has come. Slices are owned by the holder of the value and not modified.
type Generation struct {
	Number    uint32 // 1 and up; 0 is what the tenant's own script left
	EnrollID  []byte // 8 bytes; empty for generation 0
	DeviceID  string
	Alg       Alg
	CSR       []byte // PKCS#10 DER; empty for generation 0
	SPKI      []byte // SHA-256 of the public key's SubjectPublicKeyInfo, 32 bytes
	WireGuard []byte // WireGuard public key, 32 bytes; empty where none was asked for
	Signed    uint32 // TLS signatures given out so far
	Tokens    uint32 // renewal tokens given out so far
	// Purpose is the unlock under which the generation was begun beside an active one; 0: none was needed.
	Purpose serialproto.Purpose
	// KeepTunnel: it has the WireGuard key of the generation beside which it was begun, and keeps that one's wg0.conf.
	KeepTunnel bool
	Installed  bool // Files holds a certificate set for this key
	Foreign    bool // enrolled by the tenant's own script
}

// Secrets are the private halves of a generation.
type Secrets struct {
	Key       Secret // what KeyStore.New returned, to be given to KeyStore.Open
	WireGuard Secret // 32 bytes; empty where none was asked for
}

// Files are the contents of the files that a generation shows to the device's other programs.
type Files struct {
	Device []byte // device.pem: leaf, then the intermediates
	Anchor []byte // ca-chain.pem: intermediates and root
	WGConf Secret // wg0.conf with its private key; empty for none
	Pins   []byte // public keys that unlock the device, as PEM; empty for none
}

// State is everything a Store knows, as Load reports it.
type State struct {
	Newest  *Generation // nil: no key
	Active  *Generation // nil: not sealed. The same number as Newest once that is sealed
	Last    uint32      // highest generation number ever used
	Retired [][]byte    // enroll ids that were dropped or replaced, oldest first; bounded by the store
	Floor   time.Time   // highest trusted time seen; zero for none
	// Failures is how many unlocks failed in a row.
	Failures uint32
	// Pending says that the active generation has a renewed certificate beside it, which Renewed gives.
	Pending bool
}

// Staged is a piece of an object on its way (PUT).
type Staged struct {
	EnrollID []byte
	Obj      serialproto.Obj
	Total    uint32
	SHA256   []byte // of the whole object, 32 bytes
	Data     []byte // what has come so far
}

// KeyStore makes and opens device keys. Key material leaves it only as the blob that New returns, which is stored by a
// Store in the device's key file and means something to this KeyStore only (a PKCS#8 file, a wrapped TPM key).
type KeyStore interface {
	// Class says where keys live.
	Class() serialproto.KeyStore
	// New makes a key. Errors: *KeyError says what the station is told; any other is a crypto failure.
	New(alg Alg) (crypto.Signer, Secret, error)
	// Open gives the key that a blob stands for. Errors: as New; the key's own, when it signs, too.
	Open(blob Secret) (crypto.Signer, error)
}

// Generations keeps key generations. Each method is durable when it returns, and after a power cut either happened or
// did not.
type Generations interface {
	// Load reads the present state from storage. A damaged store is an error, never an empty State.
	Load() (State, error)
	// Create stores a generation that is newer than any before, and drops an older one that was not activated.
	Create(g Generation, s Secrets) error
	// Secrets reads a generation's private halves.
	Secrets(number uint32) (Secrets, error)
	// Count stores how many TLS signatures and renewal tokens a generation has given out.
	Count(number, signed, tokens uint32) error
	// CountFailures stores the number of unlocks that failed in a row.
	CountFailures(n uint32) error
	// Drop removes the newest generation unless it is active. Dropping what is not there is no error.
	Drop(number uint32) error
}

// Installer keeps the files of generations.
type Installer interface {
	// Install stores the files of a generation that is not active, all or none, and marks it installed.
	Install(number uint32, f Files) error
	// Files reads back from storage what a generation holds.
	Files(number uint32) (Files, error)
	// Activate writes the enrolled flag and makes the generation the one that the device's programs see, in one step.
	// A generation that was active before is removed afterwards.
	Activate(number uint32, flag string) error
	// RaiseFloor stores the highest trusted time seen. A lower time than the stored one changes nothing.
	RaiseFloor(t time.Time) error
}

// Renewer changes the files of the active generation, whose key stays.
type Renewer interface {
	// Renew stores new files beside those of the active generation, in place of any that were stored so before.
	Renew(number uint32, f Files) error
	// Renewed reads back from storage what Renew stored. Errors: ErrNoGeneration where there is none.
	Renewed(number uint32) (Files, error)
	// Switch makes what Renew stored the files that the device's programs see, in one step.
	Switch(number uint32) error
	// Revert drops what Renew stored. Dropping what is not there is no error.
	Revert() error
}

// Eraser empties a store.
type Eraser interface {
	// Erase removes all keys and files. Once it has begun, the store is empty, also after a power cut. Numbers and enroll ids
	// used and the highest time seen are kept.
	Erase() error
}

// Staging keeps objects that come in pieces.
type Staging interface {
	// Stage stores a piece set, replacing what was staged for the object.
	Stage(s Staged) error
	// Staged reads everything staged.
	Staged() ([]Staged, error)
	// Unstage drops everything staged.
	Unstage() error
}

// Store is all of a device's storage.
type Store interface {
	Generations
	Installer
	Renewer
	Eraser
	Staging
}

// Clock is the device's clock.
type Clock interface {
	Now() time.Time
	// Set sets the clock. It is called only where Config.ManageClock allows it.
	Set(t time.Time) error
}

// Console is the kernel's console, where it shares the line with the agent.
type Console interface {
	Quiet() error   // kernel messages off, at the start of a session
	Restore() error // and on again at its end
}
