package serialproto

import (
	"fmt"
	"math"
	"net/netip"
)

func pins(message string, list [][]byte) error {
	ok := len(list) <= MaxPins
	for _, p := range list {
		ok = ok && len(p) > prefixSize && len(p) <= MaxPin && p[0] == 0x30
	}
	return field(message, "Pins", fmt.Sprintf("at most %d public keys of at most %d bytes", MaxPins, MaxPin), ok)
}

func (p Purpose) known() bool { return p >= PurposeRekey && p <= PurposeReenroll }

// proofs reports whether a number of signatures fits the purpose.
func (p Purpose) proofs(n uint8) bool {
	if p == PurposeTLS13 {
		return n >= 1 && n <= MaxProofs
	}
	return n == 0
}

// Validate checks the documented bounds.
func (m UnlockArgs) Validate() error {
	const n = "UnlockArgs"
	if len(m.Signature) > 0 {
		alone := m.Purpose == 0 && m.Signatures == 0 && m.Lifetime == 0
		return first(
			op(n, m.Op, OpUnlock), field(n, "Signature", "nothing beside it", alone), between(n, "Signature", m.Signature, 1, maxSignature),
		)
	}
	return first(
		op(n, m.Op, OpUnlock),
		field(n, "Purpose", "a known purpose, or a signature", m.Purpose.known()),
		field(n, "Signatures", fmt.Sprintf("1 to %d for %v, else none", MaxProofs, PurposeTLS13), m.Purpose.proofs(m.Signatures)),
		field(n, "Lifetime", fmt.Sprintf("1 to %d seconds", MaxLifetime), m.Lifetime >= 1 && m.Lifetime <= MaxLifetime),
	)
}

// Validate checks the documented bounds.
func (m UnlockResult) Validate() error {
	const n = "UnlockResult"
	return first(
		between(n, "Challenge", m.Challenge, 0, MaxChallenge),
		field(n, "Left", fmt.Sprintf("at most %d seconds", MaxLifetime), m.Left <= MaxLifetime),
		field(n, "Left", "a challenge or seconds left", len(m.Challenge) > 0 || m.Left > 0),
	)
}

// Validate checks the documented bounds.
func (m UnlockChallenge) Validate() error {
	const n = "UnlockChallenge"
	return first(
		size(n, "Nonce", m.Nonce, nonceSize),
		text(n, "Serial", m.Serial, MaxSerial),
		text(n, "DeviceID", m.DeviceID, MaxSubject),
		size(n, "BootID", m.BootID, bootIDSize),
		field(n, "Purpose", "a known purpose", m.Purpose.known()),
		field(n, "Signatures", fmt.Sprintf("1 to %d for %v, else none", MaxProofs, PurposeTLS13), m.Purpose.proofs(m.Signatures)),
		field(n, "Lifetime", fmt.Sprintf("1 to %d seconds", MaxLifetime), m.Lifetime >= 1 && m.Lifetime <= MaxLifetime),
	)
}

// Validate checks the documented bounds.
func (m EraseArgs) Validate() error {
	return first(op("EraseArgs", m.Op, OpErase), enrollID("EraseArgs", m.EnrollID))
}

// Validate checks the documented bounds. What an audience may be is the device's to judge: see CheckRenewURL.
func (m TokenArgs) Validate() error {
	const n = "TokenArgs"
	return first(
		op(n, m.Op, OpToken),
		field(n, "Audience", fmt.Sprintf("1 to %d printable ASCII characters", MaxURL), printableASCII(m.Audience, MaxURL)),
		field(n, "Now", "0 or more", m.Now >= 0),
	)
}

// Validate checks the documented bounds.
func (m TokenResult) Validate() error {
	const n = "TokenResult"
	return first(between(n, "Claims", m.Claims, 2, MaxClaims), between(n, "Signature", m.Signature, 64, 96))
}

// Validate checks the documented bounds.
func (m RenewArgs) Validate() error {
	const n = "RenewArgs"
	return first(
		op(n, m.Op, OpRenew),
		enrollID(n, m.EnrollID),
		field(n, "Leaf", fmt.Sprintf("DER of at most %d bytes, or none", MaxCert), len(m.Leaf) == 0 || derSized(m.Leaf)),
		sizeOrNone(n, "Digest", m.Digest, fullHash),
		field(n, "Digest", "a leaf, or the digest of one", (len(m.Leaf) > 0) != (len(m.Digest) > 0)),
		field(n, "Commit", "none beside a digest", !m.Commit || len(m.Digest) == 0),
	)
}

// Validate checks the documented bounds.
func (m RenewSetArgs) Validate() error {
	const n = "RenewSetArgs"
	return first(
		op(n, m.Op, OpRenewSet),
		field(n, "URL", fmt.Sprintf("at most %d printable ASCII characters", MaxURL), m.URL == "" || printableASCII(m.URL, MaxURL)),
		field(n, "Audience", fmt.Sprintf("at most %d printable ASCII characters", MaxURL), m.Audience == "" || m.URL != "" && printableASCII(m.Audience, MaxURL)),
		enrollID(n, m.EnrollID),
	)
}

// Validate checks the documented bounds. Nil is within them.
func (m *RenewalState) Validate() error {
	const n = "RenewalState"
	if m == nil {
		return nil
	}
	return first(
		text(n, "URL", m.URL, MaxURL),
		field(n, "Last", "0 or more", m.Last >= 0),
		field(n, "Next", "0 or more", m.Next >= 0),
		text(n, "Error", m.Error, maxWord),
	)
}

// Validate checks the documented bounds.
func (m CheckMQTTArgs) Validate() error {
	const n = "CheckMQTTArgs"
	return first(
		op(n, m.Op, OpCheckMQTT),
		field(n, "Host", fmt.Sprintf("1 to %d printable ASCII characters", MaxServer), printableASCII(m.Host, MaxServer)),
		text(n, "ServerName", m.ServerName, MaxServer),
		text(n, "Protocol", m.Protocol, maxProtocol),
		text(n, "Topic", m.Topic, maxTopic),
		between(n, "Payload", m.Payload, 0, MaxTest),
		text(n, "User", m.User, maxLogin),
		between(n, "Password", m.Password, 0, maxLogin),
		seconds(n, m.Seconds),
	)
}

func seconds(message string, s uint8) error {
	return field(message, "Seconds", fmt.Sprintf("1 to %d", MaxCheck), s >= 1 && s <= MaxCheck)
}

func steps(message string, list []CheckStep) error {
	ok := len(list) <= MaxSteps
	for _, s := range list {
		ok = ok && s.Name != "" && printable(s.Name, maxWord) && printable(s.Text, maxStepText) && s.Took <= math.MaxInt64
	}
	return field(message, "Steps", fmt.Sprintf("at most %d steps with a name", MaxSteps), ok)
}

// Validate checks the documented bounds.
func (m CheckMQTTResult) Validate() error {
	const n = "CheckMQTTResult"
	return first(
		steps(n, m.Steps),
		text(n, "Proof", m.Proof, maxWord),
		text(n, "Addr", m.Addr, maxAddress),
		sizeOrNone(n, "Fingerprint", m.Fingerprint, fullHash),
		text(n, "MQTT", m.MQTT, maxProtocol),
		text(n, "Reason", m.Reason, maxReason),
		text(n, "Sentence", m.Sentence, MaxSentence),
		text(n, "Hint", m.Hint, MaxSentence),
		text(n, "Words", m.Words, maxStepText),
		text(n, "Failed", m.Failed, maxWord),
		field(n, "Proof", "one when ok, else none", m.OK == (m.Proof != "")),
		field(n, "Reason", "none when ok, else one", m.OK == (m.Reason == "")),
	)
}

// Validate checks the documented bounds.
func (m CheckWGArgs) Validate() error {
	const n = "CheckWGArgs"
	_, err := netip.ParseAddr(m.Wake)
	return first(
		op(n, m.Op, OpCheckWG), seconds(n, m.Seconds),
		field(n, "Wake", "an address or none", m.Wake == "" || len(m.Wake) <= maxAddress && err == nil),
	)
}

// Validate checks the documented bounds.
func (m CheckWGResult) Validate() error {
	const n = "CheckWGResult"
	return first(
		steps(n, m.Steps),
		sizeOrNone(n, "Own", m.Own, wgKeySize),
		sizeOrNone(n, "Peer", m.Peer, wgKeySize),
		text(n, "Endpoint", m.Endpoint, maxAddress),
		field(n, "Handshake", "0 or more", m.Handshake >= 0),
		field(n, "Received", "a number of bytes", m.Received <= math.MaxInt64 && m.Sent <= math.MaxInt64),
		text(n, "Reason", m.Reason, maxReason),
		text(n, "Sentence", m.Sentence, MaxSentence),
		field(n, "OK", "a reason when not ok", m.OK == (m.Reason == "")),
	)
}

// Validate checks the documented bounds.
func (m PackedArgs) Validate() error {
	const n = "PackedArgs"
	return first(
		op(n, m.Op, OpPacked),
		between(n, "Data", m.Data, 1, DefaultMax),
		size(n, "Digest", m.Digest, prefixSize),
		field(n, "Ahead", "8 bytes or none", len(m.Ahead) == 0 || len(m.Ahead) == prefixSize),
	)
}
