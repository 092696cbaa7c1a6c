package station

import (
	"context"
	"crypto"
	"time"

	"provstation/station/mqttcheck"
)

// What a device does once it is sealed. A Line may be these as well; a device whose software does not have one answers with
// a fault of CodeAgentOld that names what is missing.
type (
	// Unlocker is a device that is opened by a signed unlock.
	Unlocker interface {
		Field(ctx context.Context) (FieldState, error)
		// Unlock has the request's key sign the device's challenge. The unlock ends with the session.
		Unlock(ctx context.Context, r UnlockRequest) (time.Duration, error)
		// Erase empties the device. It needs an unlock for UnlockErase.
		Erase(ctx context.Context, id EnrollID) error
	}

	// Renewer is a device whose certificate is renewed with its key in place.
	Renewer interface {
		// Token has the device sign a renewal token for the CA (JWS). Now is for devices without a clock.
		Token(ctx context.Context, audience string, now time.Time) (RenewalToken, error)
		// Renew brings a new leaf (DER). Without commit the old one stays in use until CommitRenewal.
		Renew(ctx context.Context, id EnrollID, leaf []byte, commit bool) (Readback, error)
		CommitRenewal(ctx context.Context, id EnrollID, leaf []byte) (Readback, error)
		// SetRenewal tells the box where to renew by itself; "": it does not. Audience is of its tokens, where a proxy lies before
		// the CA; "": the URL.
		SetRenewal(ctx context.Context, id EnrollID, url, audience string) error
	}

	// SelfChecker is a device that tests its own connections.
	SelfChecker interface {
		// CheckBroker has the device run the broker test over its own network. The error of a test that failed is an
		// *mqttcheck.Error, as if the station had run it. Of cfg counts what a test at the station would use, but for RootCAs
		// (the device uses its CA file), Dialer, Resolver and Now.
		CheckBroker(ctx context.Context, cfg mqttcheck.Config) (mqttcheck.Result, error)
		// CheckTunnel has the device wait for a handshake of its tunnel. Wake is an address in it to send to, or "".
		CheckTunnel(ctx context.Context, wake string, within time.Duration) (TunnelReport, error)
	}
)

// UnlockPurpose is what an unlock is for.
type UnlockPurpose string

// Purposes of unlocks.
const (
	UnlockRekey    UnlockPurpose = "rekey"
	UnlockErase    UnlockPurpose = "erase"
	UnlockProof    UnlockPurpose = "tls13-proof"
	UnlockReenroll UnlockPurpose = "re-enroll"
)

// UnlockRequest asks for an unlock.
type UnlockRequest struct {
	Purpose    UnlockPurpose
	Signatures int           // of UnlockProof
	Lifetime   time.Duration // 0: five minutes
	DeviceID   string        // that the device is sealed with; "": what it says
	Key        crypto.Signer // the unlock key, ECDSA P-256, P-384 or Ed25519
}

// FieldState is what a sealed device says of itself beside its Holding.
type FieldState struct {
	Pinned     bool          // it has keys that unlock it
	Failures   int           // unlocks that failed in a row
	Wait       time.Duration // until the next may be tried
	Unlocked   UnlockPurpose // of the unlock that is open; "": none
	TokensLeft int
	Pending    []byte        // SHA-256 of a renewed leaf that waits for its commit; nil: none
	Renewal    *RenewalState // nil: the box does not renew by itself
}

// RenewalState is how a box's own renewal goes.
type RenewalState struct {
	URL       string // "": not set up
	Last      time.Time
	Next      time.Time
	Failures  int
	LastError string // a short code
}

// RenewalToken is a token as the CA takes it in Authorization: Bearer. It is as good as a password for five minutes.
type RenewalToken struct {
	Token   Secret
	Issued  time.Time // by the device's clock
	Expires time.Time
	Left    int    // tokens that the key still gives
	Leaf    []byte // SHA-256 of the certificate whose key has signed it, and which is in it
}

// TunnelReport is what a device saw of its tunnel.
type TunnelReport struct {
	OK        bool
	Steps     []TunnelStep
	Own, Peer []byte // public keys, 32 bytes; nil where not seen
	Endpoint  string
	Handshake time.Time // the last one, by the device's clock
	Received  uint64
	Sent      uint64
	Reason    string // why not, a short code
	Sentence  string
}

// TunnelStep is a step of a tunnel check.
type TunnelStep struct {
	Name string
	OK   bool
	Took time.Duration
	Text string
}

// ObjectPins are the keys that unlock the device.
const ObjectPins = "unlock pins"
