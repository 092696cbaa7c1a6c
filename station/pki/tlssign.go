package pki

import (
	"bytes"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
)

// contentTLS13 is what precedes the transcript hash in a TLS 1.3 client CertificateVerify (RFC 8446 4.4.3): 64 spaces,
// the context string, a zero byte.
var contentTLS13 = append(append(bytes.Repeat([]byte{0x20}, 64), "TLS 1.3, client CertificateVerify"...), 0)

// TLS13Content builds the content a TLS 1.3 client signs over this transcript hash (32 or 48 bytes).
func TLS13Content(transcriptHash []byte) []byte {
	return append(bytes.Clone(contentTLS13), transcriptHash...)
}

// ParseTLS13Content takes the content of a TLS 1.3 client CertificateVerify apart and returns the transcript hash: 32
// bytes, or 48 for a cipher suite with SHA-384. The result is a copy. The error is an [*Error] with [CheckTranscript].
func ParseTLS13Content(msg []byte) ([]byte, error) {
	hash, ok := bytes.CutPrefix(msg, contentTLS13)
	if !ok {
		return nil, finding(CheckTranscript, "not the content of a TLS 1.3 client CertificateVerify")
	}
	if len(hash) != 32 && len(hash) != 48 {
		return nil, finding(CheckTranscript, fmt.Sprintf("a transcript hash of %d bytes, want 32 or 48", len(hash)))
	}
	return bytes.Clone(hash), nil
}

// HandshakeType is the type of a TLS handshake message (RFC 5246 7.4).
type HandshakeType uint8

// Handshake messages of a TLS 1.2 handshake with a client certificate, up to CertificateVerify.
const (
	ClientHello        HandshakeType = 1
	ServerHello        HandshakeType = 2
	Certificate        HandshakeType = 11
	ServerKeyExchange  HandshakeType = 12
	CertificateRequest HandshakeType = 13
	ServerHelloDone    HandshakeType = 14
	ClientKeyExchange  HandshakeType = 16
	CertificateStatus  HandshakeType = 22
)

func (t HandshakeType) String() string {
	switch t {
	case ClientHello:
		return "ClientHello"
	case ServerHello:
		return "ServerHello"
	case Certificate:
		return "Certificate"
	case ServerKeyExchange:
		return "ServerKeyExchange"
	case CertificateRequest:
		return "CertificateRequest"
	case ServerHelloDone:
		return "ServerHelloDone"
	case ClientKeyExchange:
		return "ClientKeyExchange"
	case CertificateStatus:
		return "CertificateStatus"
	default:
		return fmt.Sprintf("unknown(%d)", uint8(t))
	}
}

// HandshakeMessage is one message of a transcript. Its slices alias the transcript.
type HandshakeMessage struct {
	Type HandshakeType
	Body []byte // without the header
	Raw  []byte // with the 4-byte header
}

// MaxTranscript bounds a TLS 1.2 transcript in bytes. About 3.4 kB are usual with full chains.
const MaxTranscript = 64 << 10

// TLS12Transcript is what a TLS 1.2 client signs in CertificateVerify, taken apart. Its slices alias the input;
// Head, the client's Certificate message and Tail together are the input.
type TLS12Transcript struct {
	Messages    []HandshakeMessage
	Head        []byte   // ClientHello through ServerHelloDone, headers included
	ClientChain [][]byte // DER, leaf first: the client's own Certificate message
	Tail        []byte   // ClientKeyExchange, header included
}

// ParseTLS12Transcript splits the handshake messages that crypto/tls hands to a [crypto.MessageSigner] for a TLS 1.2
// client CertificateVerify (RFC 5246 7.4.8). The sequence must be ClientHello, ServerHello, Certificate,
// [CertificateStatus], ServerKeyExchange, CertificateRequest, ServerHelloDone, Certificate, ClientKeyExchange, and not a
// byte more. It splits; it does not judge what the messages say. The error is an [*Error] with [CheckTranscript].
func ParseTLS12Transcript(b []byte) (*TLS12Transcript, error) {
	if len(b) > MaxTranscript {
		return nil, finding(CheckTranscript, fmt.Sprintf("%d bytes, at most %d", len(b), MaxTranscript))
	}
	t := &TLS12Transcript{}
	rest := cryptobyte.String(b)
	next := func(want HandshakeType) *Error {
		m, ok := readHandshake(&rest)
		if !ok {
			return finding(CheckTranscript, fmt.Sprintf("message %d is cut short, want %s", len(t.Messages)+1, want))
		}
		if m.Type != want {
			return finding(CheckTranscript, fmt.Sprintf("message %d is %s, want %s", len(t.Messages)+1, m.Type, want))
		}
		t.Messages = append(t.Messages, m)
		return nil
	}
	sequence := []HandshakeType{ClientHello, ServerHello, Certificate}
	for i := 0; i < len(sequence); i++ {
		if f := next(sequence[i]); f != nil {
			return nil, f
		}
		if i == 2 { // the server's Certificate; RFC 6066 8 allows CertificateStatus only here
			if len(rest) > 0 && HandshakeType(rest[0]) == CertificateStatus {
				sequence = append(sequence, CertificateStatus)
			}
			sequence = append(sequence, ServerKeyExchange, CertificateRequest, ServerHelloDone, Certificate, ClientKeyExchange)
		}
	}
	if !rest.Empty() {
		return nil, finding(CheckTranscript, fmt.Sprintf("%d bytes after ClientKeyExchange", len(rest)))
	}
	if err := t.split(b); err != nil {
		return nil, err
	}
	return t, nil
}

func (t *TLS12Transcript) split(b []byte) error {
	n := len(t.Messages)
	own, tail := t.Messages[n-2], t.Messages[n-1]
	t.Tail = tail.Raw
	t.Head = b[:len(b)-len(tail.Raw)-len(own.Raw)]
	if len(t.Messages[n-3].Body) != 0 {
		return finding(CheckTranscript, "ServerHelloDone has a body")
	}
	body := cryptobyte.String(own.Body)
	var list cryptobyte.String
	if !body.ReadUint24LengthPrefixed(&list) || !body.Empty() {
		return finding(CheckTranscript, "the client's Certificate message is malformed")
	}
	for !list.Empty() {
		var cert cryptobyte.String
		if len(t.ClientChain) == MaxChain {
			return finding(CheckTranscript, fmt.Sprintf("more than %d client certificates", MaxChain))
		}
		if !list.ReadUint24LengthPrefixed(&cert) || cert.Empty() {
			return finding(CheckTranscript, "the client's Certificate message is malformed")
		}
		t.ClientChain = append(t.ClientChain, cert)
	}
	if len(t.ClientChain) == 0 {
		return finding(CheckTranscript, "the client sent no certificate, there is nothing to sign")
	}
	return nil
}

func readHandshake(s *cryptobyte.String) (HandshakeMessage, bool) {
	before := *s
	var typ uint8
	var body cryptobyte.String
	if !s.ReadUint8(&typ) || !s.ReadUint24LengthPrefixed(&body) {
		return HandshakeMessage{}, false
	}
	return HandshakeMessage{Type: HandshakeType(typ), Body: body, Raw: before[:len(before)-len(*s)]}, true
}
