package agent

import (
	"bytes"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"provstation/serialproto"
)

// Handshake message types (RFC 5246 7.4, RFC 6066 8).
const (
	typeClientHello       = 1
	typeServerHello       = 2
	typeCertificate       = 11
	typeServerKeyExchange = 12
	typeCertRequest       = 13
	typeServerHelloDone   = 14
	typeClientKeyExchange = 16
	typeCertStatus        = 22
)

// TLS extensions that the transcript is checked for.
const (
	extEMS               = 0x0017 // extended_master_secret, RFC 7627
	extSupportedVersions = 0x002b // RFC 8446 4.2.1
	extRenegotiation     = 0xff01 // renegotiation_info, RFC 5746
)

const (
	version12      = 0x0303
	scsvReneg      = 0x00ff // TLS_EMPTY_RENEGOTIATION_INFO_SCSV, RFC 5746 3.3
	maxKeyExchange = 512    // bytes of a ClientKeyExchange message
	randomLen      = 32
)

// errTranscript is the class of every refusal of a transcript.
var errTranscript = errors.New("TLS 1.2 transcript refused")

// transcriptError says which part of a transcript is not acceptable.
type transcriptError struct{ why string }

func (e *transcriptError) Error() string { return e.why }
func (*transcriptError) Unwrap() error   { return errTranscript }

func bad(format string, args ...any) error { return &transcriptError{fmt.Sprintf(format, args...)} }

// tls12Policy is what a TLS 1.2 transcript must satisfy before the device signs it.
type tls12Policy struct {
	scheme uint16              // of the device's key
	roots  []*x509.Certificate // the device's own CA file
	names  []string            // servers it signs for; empty: any
	now    time.Time
}

// transcript12 is what the head of a full TLS 1.2 handshake says, ClientHello to ServerHelloDone.
type transcript12 struct {
	clientRandom []byte
	serverRandom []byte
	offered      []uint16 // cipher suites of the ClientHello
	suite        uint16
	clientExts   map[uint16][]byte
	serverExts   map[uint16][]byte
	certs        [][]byte // server's certificates, DER
	params       []byte   // ServerECDHParams, as signed
	curve        uint16
	skeScheme    uint16
	skeSignature []byte
	schemes      []uint16 // of the CertificateRequest
}

// check decides whether a transcript may be signed. Head is ClientHello to ServerHelloDone, tail the ClientKeyExchange;
// the client's Certificate message between them is the device's own making.
func (p tls12Policy) check(head, tail []byte) error {
	t, err := parseTranscript12(head)
	if err != nil {
		return err
	}
	if err := t.checkHellos(); err != nil {
		return err
	}
	if !slices.Contains(t.schemes, p.scheme) {
		return bad("server does not accept scheme %#04x", p.scheme)
	}
	leaf, err := p.checkServer(t.certs)
	if err != nil {
		return err
	}
	if err := t.checkKeyExchange(leaf); err != nil {
		return err
	}
	return checkClientKeyExchange(tail, t.curve)
}

// parseTranscript12 takes the head apart: exactly this sequence of messages and nothing after it.
func parseTranscript12(head []byte) (*transcript12, error) {
	if len(head) > serialproto.MaxTLS12 {
		return nil, bad("transcript is too large")
	}
	t := &transcript12{}
	r := &reader{b: head}
	steps := []struct {
		kind     byte
		optional bool
		parse    func([]byte) error
	}{
		{typeClientHello, false, t.parseClientHello},
		{typeServerHello, false, t.parseServerHello},
		{typeCertificate, false, t.parseCertificate},
		{typeCertStatus, true, func([]byte) error { return nil }},
		{typeServerKeyExchange, false, t.parseServerKeyExchange},
		{typeCertRequest, false, t.parseCertRequest},
		{typeServerHelloDone, false, parseServerHelloDone},
	}
	for _, s := range steps {
		if s.optional && r.peek() != s.kind {
			continue
		}
		body := r.message(s.kind)
		if r.bad {
			return nil, bad("message %d is missing or cut short", s.kind)
		}
		if err := s.parse(body); err != nil {
			return nil, err
		}
	}
	if !r.done() {
		return nil, bad("bytes after ServerHelloDone")
	}
	return t, nil
}

func (t *transcript12) parseClientHello(b []byte) error {
	r := &reader{b: b}
	version := r.number(2)
	t.clientRandom = r.take(randomLen)
	session := r.vector(1)
	suites := &reader{b: r.vector(2)}
	for !suites.empty() {
		t.offered = append(t.offered, uint16(suites.number(2)))
	}
	compression := r.vector(1)
	exts, ok := extensions(r)
	t.clientExts = exts
	if !ok || suites.bad || len(session) > 32 || !bytes.Equal(compression, []byte{0}) {
		return bad("ClientHello is malformed")
	}
	if version != version12 {
		return bad("ClientHello version %#04x", version)
	}
	return nil
}

func (t *transcript12) parseServerHello(b []byte) error {
	r := &reader{b: b}
	version := r.number(2)
	t.serverRandom = r.take(randomLen)
	session := r.vector(1)
	t.suite = uint16(r.number(2))
	compression := r.number(1)
	exts, ok := extensions(r)
	t.serverExts = exts
	if !ok || len(session) > 32 || compression != 0 {
		return bad("ServerHello is malformed")
	}
	if version != version12 {
		return bad("ServerHello version %#04x", version)
	}
	return nil
}

// extensions reads the rest of a hello (RFC 5246 7.4.1.4). No extension may stand twice.
func extensions(r *reader) (map[uint16][]byte, bool) {
	list := &reader{b: r.vector(2)}
	m := map[uint16][]byte{}
	for !list.empty() {
		kind := uint16(list.number(2))
		data := list.vector(2)
		if _, twice := m[kind]; twice || list.bad {
			return nil, false
		}
		m[kind] = data
	}
	return m, r.done() && list.done()
}

func (t *transcript12) parseCertificate(b []byte) error {
	r := &reader{b: b}
	list := &reader{b: r.vector(3)}
	for !list.empty() {
		t.certs = append(t.certs, list.vector(3))
		if len(t.certs) > serialproto.MaxChain {
			return bad("server sends too many certificates")
		}
	}
	if !r.done() || !list.done() || len(t.certs) == 0 {
		return bad("server Certificate is malformed")
	}
	return nil
}

// parseServerKeyExchange reads ECDHE parameters on a named curve and their signature (RFC 8422 5.4).
func (t *transcript12) parseServerKeyExchange(b []byte) error {
	r := &reader{b: b}
	kind := r.number(1)
	t.curve = uint16(r.number(2))
	point := r.vector(1)
	t.params = b[:len(b)-len(r.b)]
	t.skeScheme = uint16(r.number(2))
	t.skeSignature = r.vector(2)
	if !r.done() || kind != 3 || len(t.skeSignature) == 0 {
		return bad("ServerKeyExchange is malformed")
	}
	if n := pointLen(t.curve); n == 0 || n != len(point) {
		return bad("ServerKeyExchange: curve %#04x", t.curve)
	}
	return nil
}

func (t *transcript12) parseCertRequest(b []byte) error {
	r := &reader{b: b}
	types := r.vector(1)
	schemes := &reader{b: r.vector(2)}
	for !schemes.empty() {
		t.schemes = append(t.schemes, uint16(schemes.number(2)))
	}
	names := &reader{b: r.vector(2)}
	for !names.empty() {
		names.vector(2)
	}
	if !r.done() || !schemes.done() || !names.done() || len(types) == 0 {
		return bad("CertificateRequest is malformed")
	}
	return nil
}

func parseServerHelloDone(b []byte) error {
	if len(b) != 0 {
		return bad("ServerHelloDone is not empty")
	}
	return nil
}

// checkHellos checks what was negotiated: ECDHE, and bindings that keep a transcript from being used elsewhere.
func (t *transcript12) checkHellos() error {
	if !slices.Contains(t.offered, t.suite) {
		return bad("server chose a suite that was not offered")
	}
	if _, ok := ecdheSuites[t.suite]; !ok {
		return bad("suite %#04x is not ECDHE", t.suite)
	}
	if _, ok := t.serverExts[extSupportedVersions]; ok {
		return bad("server negotiated another version")
	}
	for _, exts := range []map[uint16][]byte{t.clientExts, t.serverExts} {
		if data, ok := exts[extEMS]; !ok || len(data) != 0 {
			return bad("no extended_master_secret")
		}
	}
	for kind := range t.serverExts {
		_, offered := t.clientExts[kind]
		if !offered && (kind != extRenegotiation || !slices.Contains(t.offered, scsvReneg)) {
			return bad("server answers extension %#04x that was not offered", kind)
		}
	}
	none := []byte{0}
	if data, ok := t.clientExts[extRenegotiation]; ok && !bytes.Equal(data, none) {
		return bad("a renegotiation")
	} else if !ok && !slices.Contains(t.offered, scsvReneg) {
		return bad("no renegotiation_info in ClientHello")
	}
	if !bytes.Equal(t.serverExts[extRenegotiation], none) {
		return bad("no empty renegotiation_info in ServerHello")
	}
	return nil
}

// checkServer validates the server's path to the device's own CA file and its name, and gives its leaf.
func (p tls12Policy) checkServer(ders [][]byte) (*x509.Certificate, error) {
	certs := make([]*x509.Certificate, len(ders))
	for i, der := range ders {
		if len(der) > serialproto.MaxCert {
			return nil, bad("server certificate %d is too large", i+1)
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, bad("server certificate %d does not parse", i+1)
		}
		certs[i] = c
	}
	opts := x509.VerifyOptions{
		Roots:         x509.NewCertPool(),
		Intermediates: x509.NewCertPool(),
		CurrentTime:   p.now,
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, c := range p.roots {
		opts.Roots.AddCert(c)
	}
	for _, c := range certs[1:] {
		opts.Intermediates.AddCert(c)
	}
	if _, err := certs[0].Verify(opts); err != nil {
		return nil, bad("server certificate is not for this CA file: %s", verifyReason(err))
	}
	// Path validation takes a certificate without any usage for one of every usage; a server's own must name it.
	if certs[0].IsCA || !slices.Contains(certs[0].ExtKeyUsage, x509.ExtKeyUsageServerAuth) {
		return nil, bad("server certificate is not for servers")
	}
	if len(p.names) > 0 && !slices.ContainsFunc(p.names, func(n string) bool { return certs[0].VerifyHostname(n) == nil }) {
		return nil, bad("server name is not allowed")
	}
	return certs[0], nil
}

// verifyReason says in a word why a path is not valid.
func verifyReason(err error) string {
	var invalid x509.CertificateInvalidError
	if errors.As(err, &invalid) {
		switch invalid.Reason {
		case x509.Expired:
			return "dates"
		case x509.IncompatibleUsage:
			return "usage"
		}
	}
	return "path"
}

// checkClientKeyExchange accepts one message with one point, and not a byte more.
func checkClientKeyExchange(tail []byte, curve uint16) error {
	r := &reader{b: tail}
	body := &reader{b: r.message(typeClientKeyExchange)}
	point := body.vector(1)
	if !r.done() || !body.done() || len(point) != pointLen(curve) {
		return bad("ClientKeyExchange is malformed")
	}
	return nil
}

// certificateMessage builds a client Certificate message (RFC 5246 7.4.2).
func certificateMessage(ders [][]byte) []byte {
	var list []byte
	for _, der := range ders {
		list = append(appendUint24(list, len(der)), der...)
	}
	m := appendUint24([]byte{typeCertificate}, len(list)+3)
	return append(appendUint24(m, len(list)), list...)
}

func appendUint24(b []byte, n int) []byte {
	return append(append(b, byte(n>>16)), binary.BigEndian.AppendUint16(nil, uint16(n))...)
}
