package serialproto

// Limits of the operations on devices in the field. Bytes unless stated otherwise.
const (
	MaxPins      = 4    // keys that unlock one device
	MaxPin       = 256  // SubjectPublicKeyInfo of one of them
	MaxChallenge = 512  // what UNLOCK is answered with
	MaxLifetime  = 3600 // seconds that an unlock lasts
	MaxProofs    = 16   // signatures of one unlock for tls13-proof
	MaxURL       = 256  // audience of a token, URL of a renewal
	MaxClaims    = 1024 // claims of a token
	MaxSteps     = 16   // steps of a check
	MaxCheck     = 120  // seconds that a check may take
	MaxSentence  = 320  // sentence and hint of a check
	MaxTest      = 4096 // payload of the test message
	maxStepText  = 160
	maxWord      = 24 // step names, proofs, error codes
	maxReason    = 32
	maxAddress   = 64
	maxTopic     = 1024
	maxLogin     = 128 // user name, password
	maxProtocol  = 8
	nonceSize    = 32
)

// Purpose is what an unlock is for.
type Purpose uint8

// Purposes.
const (
	PurposeRekey    Purpose = 1 // a new key and certificate under the same device id, names and root
	PurposeErase    Purpose = 2 // ERASE
	PurposeTLS13    Purpose = 3 // SIGN_TLS13 after LOCK
	PurposeReenroll Purpose = 4 // a new key and whatever comes with it
)

// UnlockArgs asks for a challenge (Purpose, Lifetime, and Signatures for PurposeTLS13), or answers one (Signature).
type UnlockArgs struct {
	Op         Op      `cbor:"0,keyasint"`
	Purpose    Purpose `cbor:"1,keyasint,omitempty"`
	Signatures uint8   `cbor:"2,keyasint,omitempty"` // 1..MaxProofs
	Lifetime   uint16  `cbor:"3,keyasint,omitempty"` // seconds from the challenge on
	Signature  []byte  `cbor:"4,keyasint,omitempty"`
}

// UnlockResult is the challenge, or how long the device is unlocked.
type UnlockResult struct {
	Challenge []byte `cbor:"1,keyasint,omitempty"` // UnlockChallenge, encoded
	Left      uint16 `cbor:"2,keyasint,omitempty"` // seconds
}

// UnlockChallenge is what an unlock is good for. Its encoding is signed behind a context string: see UnlockContent.
type UnlockChallenge struct {
	Nonce      []byte  `cbor:"1,keyasint"`           // 32 bytes
	Serial     string  `cbor:"2,keyasint,omitempty"` // hardware serial
	DeviceID   string  `cbor:"3,keyasint,omitempty"`
	BootID     []byte  `cbor:"4,keyasint"` // 8 bytes
	Purpose    Purpose `cbor:"5,keyasint"`
	Signatures uint8   `cbor:"6,keyasint,omitempty"`
	Lifetime   uint16  `cbor:"7,keyasint"` // seconds
}

// EraseArgs erases the device. EnrollID is that of the active generation, so that only what was meant is erased.
type EraseArgs struct {
	Op       Op     `cbor:"0,keyasint"`
	EnrollID []byte `cbor:"4,keyasint"`
}

// TokenArgs asks for a renewal token.
type TokenArgs struct {
	Op       Op     `cbor:"0,keyasint"`
	Audience string `cbor:"1,keyasint"`           // https URL that ends in /renew
	Now      int64  `cbor:"2,keyasint,omitempty"` // the station's time, for a device without a clock; microseconds since 1970 UTC
}

// TokenResult is what the device signed but for the header, which both sides build: see TokenInput.
type TokenResult struct {
	Claims    []byte `cbor:"1,keyasint"` // JSON
	Signature []byte `cbor:"2,keyasint"` // R | S (RFC 7518 3.4), or Ed25519
	Left      uint32 `cbor:"3,keyasint,omitempty"`
}

// RenewArgs brings a new leaf for the active generation's key, or commits the one that was brought before (Digest).
// It is answered by an InstallResult.
type RenewArgs struct {
	Op       Op     `cbor:"0,keyasint"`
	Leaf     []byte `cbor:"1,keyasint,omitempty"`
	EnrollID []byte `cbor:"4,keyasint"`
	Commit   bool   `cbor:"5,keyasint,omitempty"`
	Digest   []byte `cbor:"6,keyasint,omitempty"` // SHA-256 of the staged leaf
}

// RenewSetArgs tells the box where to renew by itself.
type RenewSetArgs struct {
	Op       Op     `cbor:"0,keyasint"`
	URL      string `cbor:"1,keyasint,omitempty"` // where to; as a token's audience may be. Empty: it does not renew
	Audience string `cbor:"2,keyasint,omitempty"` // of the tokens, where a proxy lies before the CA; empty: the URL
	EnrollID []byte `cbor:"4,keyasint"`           // of the newest generation
}

// RenewalState is how the box's own renewal goes.
type RenewalState struct {
	URL      string `cbor:"1,keyasint,omitempty"` // empty: not set up
	Last     int64  `cbor:"2,keyasint,omitempty"` // last success, microseconds since 1970 UTC
	Next     int64  `cbor:"3,keyasint,omitempty"` // next attempt
	Failures uint32 `cbor:"4,keyasint,omitempty"` // in a row
	Error    string `cbor:"5,keyasint,omitempty"` // code of the last error, <= 24
}

// CheckMQTTArgs has the device run the broker test with its own key over its own network.
type CheckMQTTArgs struct {
	Op         Op     `cbor:"0,keyasint"`
	Host       string `cbor:"1,keyasint"`
	Port       uint16 `cbor:"2,keyasint,omitempty"`
	ServerName string `cbor:"3,keyasint,omitempty"` // empty: Host
	Protocol   string `cbor:"4,keyasint,omitempty"` // auto, 5 or 3.1.1
	Topic      string `cbor:"5,keyasint,omitempty"`
	Payload    []byte `cbor:"6,keyasint,omitempty"`
	User       string `cbor:"7,keyasint,omitempty"`
	Password   []byte `cbor:"8,keyasint,omitempty"` // secret
	TLSMin     uint16 `cbor:"9,keyasint,omitempty"`
	TLSMax     uint16 `cbor:"10,keyasint,omitempty"`
	Seconds    uint8  `cbor:"11,keyasint"` // 1..MaxCheck
}

// CheckStep is one step of a check, a CBOR array [name, attempt, ok, microseconds, text].
type CheckStep struct {
	_       struct{} `cbor:",toarray"`
	Name    string   // <= 24
	Attempt uint8    // 1, or 2 for a second connection
	OK      bool
	Took    uint64 // microseconds
	Text    string // <= 160
}

// CheckMQTTResult is what the broker test found. A failed test is a result, not a failed operation.
type CheckMQTTResult struct {
	OK          bool        `cbor:"1,keyasint,omitempty"`
	Steps       []CheckStep `cbor:"2,keyasint,omitempty"`
	Proof       string      `cbor:"3,keyasint,omitempty"`
	Addr        string      `cbor:"4,keyasint,omitempty"`
	TLS         uint16      `cbor:"5,keyasint,omitempty"`
	Cipher      uint16      `cbor:"6,keyasint,omitempty"`
	Fingerprint []byte      `cbor:"7,keyasint,omitempty"` // SHA-256 of the broker's certificate
	MQTT        string      `cbor:"8,keyasint,omitempty"`
	Puback      uint8       `cbor:"9,keyasint,omitempty"`
	Signatures  uint8       `cbor:"10,keyasint,omitempty"`
	Reason      string      `cbor:"11,keyasint,omitempty"`
	Sentence    string      `cbor:"12,keyasint,omitempty"`
	Hint        string      `cbor:"13,keyasint,omitempty"`
	Alert       uint8       `cbor:"14,keyasint,omitempty"` // TLS alert that the broker sent
	Code        uint8       `cbor:"16,keyasint,omitempty"` // MQTT code that the broker sent
	Words       string      `cbor:"17,keyasint,omitempty"` // the broker's own
	Failed      string      `cbor:"18,keyasint,omitempty"` // the step that failed
}

// CheckWGArgs has the device look for a handshake of its own tunnel.
type CheckWGArgs struct {
	Op      Op     `cbor:"0,keyasint"`
	Seconds uint8  `cbor:"1,keyasint"`           // 1..MaxCheck
	Wake    string `cbor:"2,keyasint,omitempty"` // address within the tunnel to send to, so that it shakes hands
}

// CheckWGResult is what the device saw of its tunnel.
type CheckWGResult struct {
	OK        bool        `cbor:"1,keyasint,omitempty"`
	Steps     []CheckStep `cbor:"2,keyasint,omitempty"`
	Own       []byte      `cbor:"3,keyasint,omitempty"` // the interface's public key, 32 bytes
	Peer      []byte      `cbor:"4,keyasint,omitempty"` // the peer's, 32 bytes
	Endpoint  string      `cbor:"5,keyasint,omitempty"`
	Handshake int64       `cbor:"6,keyasint,omitempty"` // microseconds since 1970 UTC, by the device's clock
	Received  uint64      `cbor:"7,keyasint,omitempty"` // bytes
	Sent      uint64      `cbor:"8,keyasint,omitempty"`
	Reason    string      `cbor:"11,keyasint,omitempty"`
	Sentence  string      `cbor:"12,keyasint,omitempty"`
}
