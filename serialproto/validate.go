package serialproto

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Sizes of fixed byte strings.
const (
	bootIDSize   = 8
	enrollIDSize = 8
	prefixSize   = 8
	shortHash    = 16
	fullHash     = 32
	wgKeySize    = 32
	maxSignature = 144 // ECDSA P-384 in DER is at most 104, Ed25519 is 64
	maxAttest    = 2048
	maxFlag      = 64
	maxTail      = 512 // ClientKeyExchange: 4 header, 1 length, at most 133 for P-521
)

func field(message, name, want string, ok bool) error {
	if ok {
		return nil
	}
	return &FieldError{Message: message, Field: name, Want: want}
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func size(message, name string, b []byte, n int) error {
	return field(message, name, fmt.Sprintf("%d bytes", n), len(b) == n)
}

func sizeOrNone(message, name string, b []byte, n int) error {
	return field(message, name, fmt.Sprintf("%d bytes or none", n), len(b) == n || len(b) == 0)
}

func between(message, name string, b []byte, least, most int) error {
	return field(message, name, fmt.Sprintf("%d to %d bytes", least, most), len(b) >= least && len(b) <= most)
}

func text(message, name, s string, limit int) error {
	return field(message, name, fmt.Sprintf("at most %d bytes of printable text", limit), printable(s, limit))
}

func versions(message string, least, most uint8) error {
	return field(message, "MaxVersion", "1 <= MinVersion <= MaxVersion", least >= 1 && least <= most)
}

func enrollID(message string, id []byte) error {
	nonzero := false
	for _, b := range id {
		nonzero = nonzero || b != 0
	}
	return field(message, "EnrollID", "8 bytes, not all zero", len(id) == enrollIDSize && nonzero)
}

func op(message string, got Op, want ...Op) error {
	for _, w := range want {
		if got == w {
			return nil
		}
	}
	return &FieldError{Message: message, Field: "Op", Want: fmt.Sprintf("%v, got %v", want, got)}
}

func wgText(message, name string, b []byte) error {
	ok := len(b) <= MaxWGConf && utf8.Valid(b) && !strings.ContainsFunc(string(b), func(r rune) bool {
		return r != '\n' && r != '\t' && !unicode.IsPrint(r)
	})
	return field(message, name, fmt.Sprintf("at most %d bytes of text without control characters", MaxWGConf), ok)
}

func digests(message string, m map[Obj][]byte, n int) error {
	for o, d := range m {
		if o == 0 || len(d) != n {
			return &FieldError{Message: message, Field: "Objects", Want: fmt.Sprintf("digests of %d bytes", n)}
		}
	}
	return nil
}

func certificates(message, name string, certs [][]byte, known bool) error {
	ok := len(certs) <= MaxChain
	for _, c := range certs {
		ok = ok && (derSized(c) || known && len(c) == prefixSize)
	}
	return field(message, name, fmt.Sprintf("at most %d certificates of at most %d bytes", MaxChain, MaxCert), ok)
}

// derSized reports whether b has the size of a certificate and starts like one (SEQUENCE).
func derSized(b []byte) bool { return len(b) > prefixSize && len(b) <= MaxCert && b[0] == 0x30 }

func parameters(message string, session uint32, mtu uint16, win uint8, maxMsg uint32) error {
	return first(
		field(message, "Session", "a number other than 0", session != 0),
		field(message, "MTU", fmt.Sprintf("%d or more", LeastMTU), mtu >= LeastMTU),
		field(message, "Window", "1 or more", win >= 1),
		field(message, "MaxMessage", fmt.Sprintf("%d or more", MinMax), maxMsg >= MinMax),
	)
}

// Validate checks the documented bounds.
func (m Announce) Validate() error {
	const n = "Announce"
	return first(
		versions(n, m.MinVersion, m.MaxVersion),
		text(n, "Model", m.Model, MaxModel),
		text(n, "Serial", m.Serial, MaxSerial),
		size(n, "BootID", m.BootID, bootIDSize),
	)
}

// Validate checks the documented bounds.
func (m Hello) Validate() error {
	const n = "Hello"
	return first(versions(n, m.MinVersion, m.MaxVersion), parameters(n, m.Session, m.MTU, m.Window, m.MaxMessage))
}

// Validate checks the documented bounds.
func (m Welcome) Validate() error {
	const n = "Welcome"
	known := len(m.Known) <= MaxChain
	for _, k := range m.Known {
		known = known && len(k) == prefixSize
	}
	return first(
		field(n, "Version", "1 or more", m.Version >= 1),
		parameters(n, m.Session, m.MTU, m.Window, m.MaxMessage),
		text(n, "Model", m.Model, MaxModel),
		text(n, "Serial", m.Serial, MaxSerial),
		text(n, "Firmware", m.Firmware, MaxFirmware),
		size(n, "BootID", m.BootID, bootIDSize),
		field(n, "Known", fmt.Sprintf("at most %d prefixes of %d bytes", MaxChain, prefixSize), known),
		field(n, "Clock", "0 or more", m.Clock >= 0),
		sizeOrNone(n, "SPKI", m.SPKI, shortHash),
		sizeOrNone(n, "Leaf", m.Leaf, shortHash),
	)
}

// Validate checks the documented bounds.
func (m StatusResult) Validate() error {
	const n = "StatusResult"
	objects := true
	for o, v := range m.Objects {
		objects = objects && o != 0 && len(v.Digest) == prefixSize && v.Received <= v.Length
	}
	return first(
		sizeOrNone(n, "SPKI", m.SPKI, fullHash),
		sizeOrNone(n, "CSR", m.CSR, fullHash),
		field(n, "Objects", "8-byte digests and received <= length", objects),
		sizeOrNone(n, "EnrollID", m.EnrollID, enrollIDSize),
		sizeOrNone(n, "Leaf", m.Leaf, fullHash),
		field(n, "Clock", "0 or more", m.Clock >= 0),
		sizeOrNone(n, "WireGuard", m.WireGuard, wgKeySize),
		text(n, "DeviceID", m.DeviceID, MaxSubject),
		sizeOrNone(n, "ActiveSPKI", m.ActiveSPKI, fullHash),
		sizeOrNone(n, "Pending", m.Pending, fullHash),
		m.Renewal.Validate(),
	)
}

// Validate checks the documented bounds.
func (m EnrollArgs) Validate() error {
	const n = "EnrollArgs"
	return first(
		op(n, m.Op, OpEnroll),
		field(n, "Alg", "a known algorithm", m.Alg.Scheme() != 0),
		field(n, "DeviceID", fmt.Sprintf("1 to %d printable ASCII characters", MaxSubject), printableASCII(m.DeviceID, MaxSubject)),
		enrollID(n, m.EnrollID),
		field(n, "KeepTunnel", "none together with WireGuard", !m.KeepTunnel || !m.WireGuard),
	)
}

// Validate checks the documented bounds.
func (m EnrollResult) Validate() error {
	const n = "EnrollResult"
	return first(
		between(n, "CSR", m.CSR, 1, MaxCert),
		sizeOrNone(n, "WireGuard", m.WireGuard, wgKeySize),
		between(n, "Attest", m.Attest, 0, maxAttest),
	)
}

// Validate checks the documented bounds.
func (m InstallArgs) Validate() error {
	const n = "InstallArgs"
	return first(
		op(n, m.Op, OpInstall),
		field(n, "Leaf", fmt.Sprintf("DER of at most %d bytes", MaxCert), derSized(m.Leaf)),
		certificates(n, "Chain", m.Chain, true),
		wgText(n, "WGConf", m.WGConf),
		enrollID(n, m.EnrollID),
		sizeOrNone(n, "WGPrivate", m.WGPrivate, wgKeySize),
		pins(n, m.Pins),
	)
}

// Validate checks the documented bounds.
func (m InstallResult) Validate() error { return digests("InstallResult", m.Objects, prefixSize) }

// Validate checks the documented bounds.
func (m PutArgs) Validate() error {
	const n = "PutArgs"
	most := uint64(MaxCert * MaxChain)
	return first(
		op(n, m.Op, OpPut),
		field(n, "Obj", "a known object", m.Obj >= ObjLeaf && m.Obj <= ObjPins),
		field(n, "Total", fmt.Sprintf("1 to %d", most), m.Total >= 1 && uint64(m.Total) <= most),
		field(n, "Data", "1 byte or more, within Total", len(m.Data) > 0 && uint64(m.Offset)+uint64(len(m.Data)) <= uint64(m.Total)),
		size(n, "SHA256", m.SHA256, fullHash),
		enrollID(n, m.EnrollID),
	)
}

// Validate checks the documented bounds.
func (m PutResult) Validate() error {
	return field("PutResult", "NextOffset", "an offset within an object", m.NextOffset <= MaxCert*MaxChain)
}

// Validate checks the documented bounds.
func (m CommitArgs) Validate() error {
	const n = "CommitArgs"
	return first(
		op(n, m.Op, OpCommit),
		enrollID(n, m.EnrollID),
		field(n, "Objects", "at least one", len(m.Objects) > 0),
		digests(n, m.Objects, fullHash),
		sizeOrNone(n, "WGPrivate", m.WGPrivate, wgKeySize),
	)
}

// Validate checks the documented bounds.
func (m SignTLS13Args) Validate() error {
	const n = "SignTLS13Args"
	return first(op(n, m.Op, OpSignTLS13), field(n, "Hash", "32 or 48 bytes", len(m.Hash) == 32 || len(m.Hash) == 48))
}

// Validate checks the documented bounds.
func (m SignTLS12Args) Validate() error {
	const n = "SignTLS12Args"
	return first(
		op(n, m.Op, OpSignTLS12),
		between(n, "Head", m.Head, 1, MaxTLS12),
		field(n, "Certs", fmt.Sprintf("1 to %d", MaxChain+1), m.Certs >= 1 && m.Certs <= MaxChain+1),
		between(n, "Tail", m.Tail, 1, maxTail),
	)
}

// Validate checks the documented bounds.
func (m SignResult) Validate() error {
	return between("SignResult", "Signature", m.Signature, 1, maxSignature)
}

// Validate checks the documented bounds.
func (m LockArgs) Validate() error {
	const n = "LockArgs"
	return first(op(n, m.Op, OpLock), enrollID(n, m.EnrollID), text(n, "Flag", m.Flag, maxFlag))
}

// Validate checks the documented bounds.
func (m AbortArgs) Validate() error {
	if len(m.EnrollID) == 0 {
		return op("AbortArgs", m.Op, OpAbort)
	}
	return first(op("AbortArgs", m.Op, OpAbort), enrollID("AbortArgs", m.EnrollID))
}

// Validate checks the documented bounds.
func (m ClockArgs) Validate() error {
	return first(op("ClockArgs", m.Op, OpClock), field("ClockArgs", "Set", "0 or more", m.Set >= 0))
}

// Validate checks the documented bounds.
func (m ClockResult) Validate() error { return field("ClockResult", "Now", "0 or more", m.Now >= 0) }

// Validate checks the documented bounds.
func (m ReadArgs) Validate() error {
	return first(op("ReadArgs", m.Op, OpRead), field("ReadArgs", "Obj", "leaf, chain or anchors", m.Obj >= ObjLeaf && m.Obj <= ObjAnchor))
}

// Validate checks the documented bounds.
func (m ReadResult) Validate() error { return certificates("ReadResult", "Certs", m.Certs, false) }

// Validate checks the documented bounds. Any number but 0 is allowed: operations that a device does not know have arguments it does not know either.
func (m SimpleArgs) Validate() error { return field("SimpleArgs", "Op", "an operation", m.Op != 0) }

// Validate checks the documented bounds.
func (m ResponseHead) Validate() error { return text("ResponseHead", "Detail", m.Detail, MaxDetail) }

func (m EnrollArgs) request() Op    { return m.Op }
func (m InstallArgs) request() Op   { return m.Op }
func (m PutArgs) request() Op       { return m.Op }
func (m CommitArgs) request() Op    { return m.Op }
func (m SignTLS13Args) request() Op { return m.Op }
func (m SignTLS12Args) request() Op { return m.Op }
func (m LockArgs) request() Op      { return m.Op }
func (m AbortArgs) request() Op     { return m.Op }
func (m ClockArgs) request() Op     { return m.Op }
func (m ReadArgs) request() Op      { return m.Op }
func (m SimpleArgs) request() Op    { return m.Op }
func (m UnlockArgs) request() Op    { return m.Op }
func (m EraseArgs) request() Op     { return m.Op }
func (m TokenArgs) request() Op     { return m.Op }
func (m RenewArgs) request() Op     { return m.Op }
func (m RenewSetArgs) request() Op  { return m.Op }
func (m CheckMQTTArgs) request() Op { return m.Op }
func (m CheckWGArgs) request() Op   { return m.Op }
func (m PackedArgs) request() Op    { return m.Op }
