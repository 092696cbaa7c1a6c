package serialproto

// Version is the only protocol version this package speaks.
const Version = 1

// Limits that hold whatever the peer claims. Bytes unless stated otherwise.
const (
	MaxSubject  = 128   // device id in ENROLL
	MaxCert     = 4096  // one DER certificate or CSR
	MaxChain    = 8     // certificates in INSTALL and READ
	MaxWGConf   = 4096  // wg0.conf text
	MaxMessage  = 62976 // 256 fragments of 246 bytes
	MaxDetail   = 64    // Response detail text
	MaxModel    = 24    // model text in ANNOUNCE and WELCOME
	MaxSerial   = 48    // hardware serial text in ANNOUNCE and WELCOME
	MaxFirmware = 24    // firmware version text in WELCOME
	MaxTLS12    = 16384 // head of a TLS 1.2 transcript
	MaxServer   = 253   // server name in SIGN_TLS12
	DefaultMTU  = 246   // payload bytes of one frame
	MinMTU      = 48    // floor of the adaptive mtu
	DefaultWin  = 8     // frames in flight
	DefaultMax  = 32768 // largest message a Linux peer takes
	MinMax      = 1024  // smallest max_msg a conformant device offers
)

// Op is the operation a REQ asks for (key 0 of the request map).
type Op uint8

// Operations. A device that does not know one answers StatusUnknownOp.
const (
	OpStatus    Op = 1  // what the device holds
	OpEnroll    Op = 2  // make key and CSR
	OpInstall   Op = 3  // stage, check, commit, read back
	OpPut       Op = 4  // one piece of an object larger than max_msg
	OpCommit    Op = 5  // commit what PUT staged
	OpSignTLS13 Op = 6  // TLS 1.3 client CertificateVerify (RFC 8446 4.4.3)
	OpLock      Op = 7  // activate the generation and seal the device
	OpReboot    Op = 8  // restart the device
	OpAbort     Op = 9  // drop what is staged and return to the active generation
	OpBaud      Op = 10 // reserved: change of baud rate
	OpClock     Op = 11 // read or set the device clock
	OpSignTLS12 Op = 12 // TLS 1.2 client CertificateVerify (RFC 5246 7.4.8)
	OpRead      Op = 13 // read a public object back (never a key)
	OpUnlock    Op = 16 // ask for a challenge, or answer it
	OpErase     Op = 17 // erase keys, certificates, tunnel and pins
	OpToken     Op = 18 // JWS renewal token for the CA
	OpRenew     Op = 19 // new leaf for the same key
	OpRenewSet  Op = 20 // where the box renews by itself
	OpCheckMQTT Op = 21 // the device runs the MQTT test itself
	OpCheckWG   Op = 22 // the device looks at its tunnel
	OpPacked    Op = 23 // a request in fewer bytes
)

// Status is the result of an operation (key 0 of the response map).
type Status uint8

// Statuses. Passing ones (StatusBusy, StatusRNGNotReady) may be asked again; all others are final for the same request.
const (
	StatusOK           Status = 0
	StatusInternal     Status = 1
	StatusBadVersion   Status = 2
	StatusUnknownOp    Status = 3
	StatusBadArgument  Status = 4
	StatusTooLarge     Status = 5
	StatusWrongState   Status = 6
	StatusLocked       Status = 7
	StatusBusy         Status = 8
	StatusHashMismatch Status = 9
	StatusCertKey      Status = 10 // certificate is not for the device's key
	StatusNoSpace      Status = 11
	StatusCrypto       Status = 12
	StatusRefused      Status = 13 // refused by the device's policy
	StatusBadOffset    Status = 14 // response carries NextOffset
	StatusRNGNotReady  Status = 15
)

// State is how far the device's newest generation has come.
type State uint8

// States, in the order a run passes them.
const (
	StateEmpty     State = 0 // no key
	StateKeyed     State = 1 // key and CSR exist, nothing installed
	StateInstalled State = 2 // leaf, chain and wg0.conf committed, not sealed
	StateSealed    State = 3 // enrolled flag written
	StateForeign   State = 4 // enrolled by the tenant's own enroll.sh; no agent state
)

// Alg is a device key algorithm. It fixes the signature scheme; the station never chooses one.
type Alg uint8

// Algorithms of the device key.
const (
	AlgP256    Alg = 1 // ECDSA P-256 with SHA-256, TLS scheme 0x0403
	AlgP384    Alg = 2 // ECDSA P-384 with SHA-384, TLS scheme 0x0503
	AlgEd25519 Alg = 3 // Ed25519, TLS scheme 0x0807
)

// KeyStore says where the device keeps its private key.
type KeyStore uint8

// Key stores.
const (
	KeyStoreSE    KeyStore = 1 // secure element or TPM
	KeyStoreTEE   KeyStore = 2 // trusted execution environment
	KeyStoreFlash KeyStore = 3 // file in flash, mode 0600
)

// Obj names an installed object. Digests of objects are the first 8 bytes of SHA-256 over the bytes given here.
type Obj uint8

// Objects. Certificates are digested as concatenated DER, in file order.
const (
	ObjLeaf   Obj = 1 // first certificate of device.pem
	ObjChain  Obj = 2 // the other certificates of device.pem (Sub-CA, ICA)
	ObjAnchor Obj = 3 // all certificates of ca-chain.pem (Sub-CA, ICA, Root)
	ObjWGConf Obj = 4 // wg0.conf without its PrivateKey line, as it crossed the wire
	ObjPins   Obj = 5 // public keys that unlock the device once it is sealed
)

// Reenroll is the device's policy for a new key once it is sealed.
type Reenroll uint8

// Re-enroll policies.
const (
	ReenrollNever  Reenroll = 1 // never again
	ReenrollUnlock Reenroll = 2 // only under a signed unlock
	ReenrollOpen   Reenroll = 3 // at any request (virtual devices, laboratories)
)

// Feature bits of HELLO and WELCOME.
const (
	FeatureSignTLS13 uint32 = 1 << 0
	FeatureSignTLS12 uint32 = 1 << 1
	FeatureSetClock  uint32 = 1 << 2
	FeatureWireGuard uint32 = 1 << 3
	FeatureRenew     uint32 = 1 << 4 // TOKEN and RENEW
	FeatureUnlock    uint32 = 1 << 5 // UNLOCK and ERASE
	FeatureRenewSet  uint32 = 1 << 6
	FeatureCheckMQTT uint32 = 1 << 7
	FeatureCheckWG   uint32 = 1 << 8
	FeatureKeepWG    uint32 = 1 << 9 // ENROLL with KeepTunnel
	FeaturePacked    uint32 = 1 << 10
	FeatureAhead     uint32 = 1 << 11 // AHEAD, and PACKED after it

	// Features is every bit this package knows.
	Features uint32 = 1<<12 - 1
)

// Announce is what an idle device says, at once when it starts and when its line opens, then about every 250 ms.
type Announce struct {
	MinVersion uint8  `cbor:"1,keyasint"`
	MaxVersion uint8  `cbor:"2,keyasint"`
	Model      string `cbor:"8,keyasint,omitempty"`
	Serial     string `cbor:"9,keyasint,omitempty"` // hardware serial
	BootID     []byte `cbor:"11,keyasint"`          // 8 bytes, new at each start of the agent
}

// Hello opens a session. The same Session value is used on all retries of one attempt.
type Hello struct {
	MinVersion uint8  `cbor:"1,keyasint"`
	MaxVersion uint8  `cbor:"2,keyasint"`
	Session    uint32 `cbor:"3,keyasint"` // random, not zero
	MTU        uint16 `cbor:"4,keyasint"` // payload bytes of one frame
	Window     uint8  `cbor:"5,keyasint"` // frames in flight
	MaxMessage uint32 `cbor:"6,keyasint"` // bytes
	Features   uint32 `cbor:"7,keyasint"`
}

// Welcome answers Hello: the agreed parameters (minimum of both sides) and who and what the device is.
type Welcome struct {
	Version    uint8    `cbor:"1,keyasint"`
	Session    uint32   `cbor:"3,keyasint"`
	MTU        uint16   `cbor:"4,keyasint"`
	Window     uint8    `cbor:"5,keyasint"`
	MaxMessage uint32   `cbor:"6,keyasint"`
	Features   uint32   `cbor:"7,keyasint"`
	Model      string   `cbor:"8,keyasint,omitempty"`
	Serial     string   `cbor:"9,keyasint,omitempty"`
	Firmware   string   `cbor:"10,keyasint,omitempty"`
	BootID     []byte   `cbor:"11,keyasint"`
	State      State    `cbor:"12,keyasint"`
	Known      [][]byte `cbor:"13,keyasint,omitempty"` // 8-byte SHA-256 prefixes of chain certificates it already holds
	Clock      int64    `cbor:"14,keyasint,omitempty"` // microseconds since 1970 UTC; 0: no clock
	SPKI       []byte   `cbor:"15,keyasint,omitempty"` // first 16 bytes of SHA-256 of the newest key's SPKI
	Leaf       []byte   `cbor:"16,keyasint,omitempty"` // first 16 bytes of SHA-256 of the installed leaf's DER
	Reenroll   Reenroll `cbor:"17,keyasint,omitempty"`
}

// StatusResult answers OpStatus: what the device holds, newest generation first.
type StatusResult struct {
	State      State          `cbor:"1,keyasint"`
	SPKI       []byte         `cbor:"2,keyasint,omitempty"` // SHA-256, 32 bytes
	CSR        []byte         `cbor:"3,keyasint,omitempty"` // SHA-256 of the CSR's DER, 32 bytes
	Objects    map[Obj]Object `cbor:"4,keyasint,omitempty"`
	Generation uint32         `cbor:"5,keyasint,omitempty"` // newest generation, 1 and up
	EnrollID   []byte         `cbor:"6,keyasint,omitempty"` // 8 bytes
	Leaf       []byte         `cbor:"7,keyasint,omitempty"` // SHA-256 of the leaf's DER, 32 bytes
	Clock      int64          `cbor:"8,keyasint,omitempty"` // microseconds since 1970 UTC
	WireGuard  []byte         `cbor:"9,keyasint,omitempty"` // WireGuard public key, 32 bytes
	DeviceID   string         `cbor:"10,keyasint,omitempty"`
	Active     uint32         `cbor:"11,keyasint,omitempty"` // active generation; differs from Generation while N+1 is being built
	Reenroll   Reenroll       `cbor:"12,keyasint,omitempty"`
	KeyStore   KeyStore       `cbor:"13,keyasint,omitempty"`
	Alg        Alg            `cbor:"14,keyasint,omitempty"`
	Signatures uint32         `cbor:"15,keyasint,omitempty"` // TLS signatures left for this generation
	ActiveSPKI []byte         `cbor:"16,keyasint,omitempty"` // SHA-256 of the active generation's SPKI, when it is not the newest
	Failures   uint32         `cbor:"17,keyasint,omitempty"` // unlocks that failed in a row
	Wait       uint32         `cbor:"18,keyasint,omitempty"` // seconds until the next unlock may be tried
	Unlocked   Purpose        `cbor:"19,keyasint,omitempty"` // of the unlock that is open
	Tokens     uint32         `cbor:"20,keyasint,omitempty"` // renewal tokens left for the active generation
	Pending    []byte         `cbor:"21,keyasint,omitempty"` // SHA-256 of a renewed leaf that waits for its commit
	Renewal    *RenewalState  `cbor:"22,keyasint,omitempty"` // nil: this device does not renew by itself
}

// Object is one entry of StatusResult.Objects, a CBOR array [length, digest, received].
type Object struct {
	_        struct{} `cbor:",toarray"`
	Length   uint32   // bytes
	Digest   []byte   // first 8 bytes of SHA-256
	Received uint32   // bytes received by PUT so far; Length when whole
}

// EnrollArgs asks for a key and its CSR. The same EnrollID always gives the same key and CSR, never a second key.
type EnrollArgs struct {
	Op        Op     `cbor:"0,keyasint"`
	Alg       Alg    `cbor:"1,keyasint"`
	DeviceID  string `cbor:"2,keyasint"`
	EnrollID  []byte `cbor:"4,keyasint"` // 8 bytes, not all zero
	WireGuard bool   `cbor:"5,keyasint,omitempty"`
	// KeepTunnel takes over the tunnel of the active generation; not with WireGuard.
	KeepTunnel bool `cbor:"6,keyasint,omitempty"`
}

// EnrollResult carries the CSR and the public halves.
type EnrollResult struct {
	CSR        []byte   `cbor:"1,keyasint"` // PKCS#10 DER (RFC 2986)
	KeyStore   KeyStore `cbor:"2,keyasint"`
	WireGuard  []byte   `cbor:"3,keyasint,omitempty"` // 32 bytes
	Attest     []byte   `cbor:"4,keyasint,omitempty"` // COSE_Sign1, reserved for devices with an attestation key
	Existing   bool     `cbor:"5,keyasint,omitempty"` // the key existed already under this EnrollID
	Generation uint32   `cbor:"6,keyasint,omitempty"`
}

// InstallArgs hands over everything of one generation. Chain is Sub-CA, ICA, Root (leaf excluded, root last);
// an element of 8 bytes is the SHA-256 prefix of a certificate the device said it holds (Welcome.Known).
// The device composes device.pem (leaf, chain without the last) and ca-chain.pem (chain).
type InstallArgs struct {
	Op        Op       `cbor:"0,keyasint"`
	Leaf      []byte   `cbor:"1,keyasint"`
	Chain     [][]byte `cbor:"2,keyasint"`
	WGConf    []byte   `cbor:"3,keyasint,omitempty"` // text without PrivateKey
	EnrollID  []byte   `cbor:"4,keyasint"`
	Commit    bool     `cbor:"5,keyasint,omitempty"`
	WGPrivate []byte   `cbor:"6,keyasint,omitempty"` // only where the bridge made the WireGuard key; 32 bytes; secret
	Pins      [][]byte `cbor:"7,keyasint,omitempty"` // SubjectPublicKeyInfo (DER) of each key that unlocks the device
}

// InstallResult answers OpInstall and OpCommit: digests of what was read back from storage.
type InstallResult struct {
	Objects map[Obj][]byte `cbor:"1,keyasint"` // first 8 bytes of SHA-256
}

// PutArgs is one piece of an object. Object bytes: certificates as concatenated DER, wg0.conf as text.
type PutArgs struct {
	Op       Op     `cbor:"0,keyasint"`
	Obj      Obj    `cbor:"1,keyasint"`
	Offset   uint32 `cbor:"2,keyasint"`
	Total    uint32 `cbor:"3,keyasint"`
	SHA256   []byte `cbor:"4,keyasint"` // of the whole object, 32 bytes
	Data     []byte `cbor:"5,keyasint"`
	EnrollID []byte `cbor:"6,keyasint"`
}

// PutResult says where the next piece starts.
type PutResult struct {
	NextOffset uint32 `cbor:"2,keyasint"`
}

// CommitArgs commits what PUT staged (ObjLeaf, ObjAnchor, ObjWGConf, ObjPins), whole or nothing.
type CommitArgs struct {
	Op        Op             `cbor:"0,keyasint"`
	EnrollID  []byte         `cbor:"4,keyasint"`
	Objects   map[Obj][]byte `cbor:"6,keyasint"` // SHA-256, 32 bytes each
	WGPrivate []byte         `cbor:"7,keyasint,omitempty"`
}

// SignTLS13Args asks for a TLS 1.3 client CertificateVerify signature. The device builds the signed content itself
// from the transcript hash (RFC 8446 4.4.3).
type SignTLS13Args struct {
	Op     Op     `cbor:"0,keyasint"`
	Hash   []byte `cbor:"1,keyasint"` // 32 or 48 bytes
	Scheme uint16 `cbor:"2,keyasint"` // must be the one the key fixes
}

// SignTLS12Args asks for a TLS 1.2 client CertificateVerify signature (RFC 5246 7.4.8). The transcript is
// Head || client Certificate message built from the device's own device.pem || Tail.
type SignTLS12Args struct {
	Op     Op     `cbor:"0,keyasint"`
	Head   []byte `cbor:"1,keyasint"` // ClientHello to ServerHelloDone
	Certs  uint8  `cbor:"2,keyasint"` // how many certificates of device.pem the client Certificate message holds
	Tail   []byte `cbor:"3,keyasint"` // ClientKeyExchange
	Scheme uint16 `cbor:"4,keyasint"`
}

// SignResult carries the signature: ECDSA as ASN.1 DER, Ed25519 as 64 bytes.
type SignResult struct {
	Signature []byte `cbor:"1,keyasint"`
}

// LockArgs seals the device: the generation of EnrollID becomes active, the enrolled flag is written.
type LockArgs struct {
	Op       Op     `cbor:"0,keyasint"`
	EnrollID []byte `cbor:"4,keyasint"`
	Flag     string `cbor:"5,keyasint,omitempty"` // content of the enrolled flag (the WireGuard address), <= 64 bytes
}

// AbortArgs drops a generation that is not active.
type AbortArgs struct {
	Op       Op     `cbor:"0,keyasint"`
	EnrollID []byte `cbor:"4,keyasint,omitempty"`
}

// ClockArgs reads the clock, or sets it when Set is not zero.
type ClockArgs struct {
	Op  Op    `cbor:"0,keyasint"`
	Set int64 `cbor:"1,keyasint,omitempty"` // microseconds since 1970 UTC
}

// ClockResult is the device's clock after the operation.
type ClockResult struct {
	Now int64 `cbor:"1,keyasint"` // microseconds since 1970 UTC
}

// ReadArgs reads a public object back. ObjLeaf, ObjChain and ObjAnchor only.
type ReadArgs struct {
	Op  Op  `cbor:"0,keyasint"`
	Obj Obj `cbor:"1,keyasint"`
}

// ReadResult carries the certificates of the object, DER, in file order.
type ReadResult struct {
	Certs [][]byte `cbor:"1,keyasint"`
}

// SimpleArgs is a request without arguments (OpStatus, OpReboot).
type SimpleArgs struct {
	Op Op `cbor:"0,keyasint"`
}

// PackedArgs is another request, in fewer bytes: see Pack. It is answered as that one is.
type PackedArgs struct {
	Op      Op     `cbor:"0,keyasint"`
	Data    []byte `cbor:"1,keyasint"`           // raw DEFLATE after the dictionary
	WithCSR bool   `cbor:"2,keyasint,omitempty"` // the dictionary ends with the CSR of the device's newest key
	Digest  []byte `cbor:"3,keyasint"`           // first 8 bytes of SHA-256 of the request that is packed
	Ahead   []byte `cbor:"4,keyasint,omitempty"` // first 8 bytes of SHA-256 of what came ahead, which the dictionary goes on with
}

// ResponseHead is the part every response shares. A result type's own keys stand beside these in one map.
type ResponseHead struct {
	Status     Status `cbor:"0,keyasint"`
	NextOffset uint32 `cbor:"2,keyasint,omitempty"`  // with StatusBadOffset
	Detail     string `cbor:"15,keyasint,omitempty"` // <= 64 bytes, for the log; never decides anything
}
