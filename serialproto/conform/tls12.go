package conform

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"io"
	"maps"
	"net"
	"slices"
	"time"

	"provstation/serialproto"
)

// What of TLS 1.2 the cases change (RFC 5246, RFC 5746, RFC 7627).
const (
	extMasterSecret  = 0x0017
	extVersions      = 0x002b
	extRenegotiation = 0xff01
	suiteRSA         = 0x009c // TLS_RSA_WITH_AES_128_GCM_SHA256
)

func tls12Cases() []Case {
	list := []Case{
		{ID: "sign-tls12", Text: "SIGN_TLS12 signs a whole handshake with a server of the tenant", run: signTLS12},
		{ID: "sign-tls12-messages", Text: "a transcript that is not exactly the messages of the handshake is refused", run: signTLS12Messages},
		{ID: "sign-tls12-hello", Text: "without TLS 1.2, ECDHE, extended master secret or empty renegotiation_info it is refused", run: signTLS12Hello},
		{ID: "sign-tls12-server", Text: "a server of another CA, without serverAuth, expired or with another name than the policy's is refused", run: signTLS12Server},
		{ID: "sign-tls12-exchange", Text: "a ServerKeyExchange that the server did not sign is refused", run: signTLS12Exchange},
		{ID: "sign-tls12-tail", Text: "anything but one ClientKeyExchange at the end is refused", run: signTLS12Tail},
		{ID: "sign-tls12-argument", Text: "another scheme, no certificates or more than the device holds are answered with status 4", run: signTLS12Argument},
	}
	for i := range list {
		list[i].Clause, list[i].Level, list[i].limit = "What the device signs", Must, keyPatience
		list[i].State, list[i].Features = serialproto.StateInstalled, serialproto.FeatureSignTLS12
	}
	return list
}

// borrowed is the device's key for crypto/tls: it shows what has to be signed.
type borrowed struct {
	pub  crypto.PublicKey
	sign func(msg []byte) ([]byte, error)
}

// Public implements crypto.Signer.
func (k borrowed) Public() crypto.PublicKey { return k.pub }

// Sign implements crypto.Signer.
func (k borrowed) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("no raw digests")
}

// SignMessage implements crypto.MessageSigner.
func (k borrowed) SignMessage(_ io.Reader, msg []byte, _ crypto.SignerOpts) ([]byte, error) {
	return k.sign(msg)
}

// errCaptured ends a handshake that is made for its transcript alone.
var errCaptured = errors.New("captured")

// handshake runs TLS 1.2 between a server and a client whose key is lent, both in memory.
func (d *dut) handshake(server tls.Certificate, sign func(msg []byte) ([]byte, error)) error {
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	_, _ = near.SetDeadline(d.end), far.SetDeadline(d.end) // pipes in memory take deadlines
	roots := x509.NewCertPool()
	roots.AddCert(d.ca.root.cert)
	done := make(chan error, 1)
	go func() {
		c := tls.Server(near, &tls.Config{
			Certificates: []tls.Certificate{server}, MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12,
			ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: roots,
		})
		done <- c.HandshakeContext(d.ctx)
		near.Close()
	}()
	client := tls.Client(far, &tls.Config{
		ServerName: d.cfg.ServerName, InsecureSkipVerify: true, //nolint:gosec // the device is what looks at the server
		MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return &tls.Certificate{
				Certificate: [][]byte{d.fx.leaf.Raw, d.ca.sub.cert.Raw, d.ca.ica.cert.Raw}, PrivateKey: borrowed{d.fx.pub, sign},
			}, nil
		},
	})
	if err := client.HandshakeContext(d.ctx); err != nil {
		far.Close()
		return errors.Join(err, <-done)
	}
	return <-done
}

// server is one of the tenant's, with a certificate of a template.
func (d *dut) server(by issuer, tmpl *x509.Certificate) tls.Certificate {
	key, err := newSigner()
	d.check(err == nil, "the suite: %v", err)
	c := d.issued(by, tmpl, key.Public())
	return tls.Certificate{Certificate: [][]byte{c.Raw, d.ca.sub.cert.Raw, d.ca.ica.cert.Raw}, PrivateKey: key}
}

func (d *dut) goodServer() tls.Certificate {
	return d.server(d.ca.sub, serverTemplate(d.cfg.ServerName, x509.ExtKeyUsageServerAuth))
}

// handshakeMessages splits a transcript.
func handshakeMessages(b []byte) [][]byte {
	var out [][]byte
	for len(b) >= 4 {
		n := min(4+(int(b[1])<<16|int(b[2])<<8|int(b[3])), len(b))
		out, b = append(out, b[:n]), b[n:]
	}
	return out
}

// capture gives the request for a handshake with a server, up to the signature.
func (d *dut) capture(server tls.Certificate) serialproto.SignTLS12Args {
	var args serialproto.SignTLS12Args
	err := d.handshake(server, func(msg []byte) ([]byte, error) {
		args = d.requestFor(msg)
		return nil, errCaptured
	})
	d.check(errors.Is(err, errCaptured), "the suite: handshake in memory: %v", err)
	return args
}

// requestFor is the request for a transcript: all of it but the client's Certificate message, which the device makes.
func (d *dut) requestFor(transcript []byte) serialproto.SignTLS12Args {
	m := handshakeMessages(transcript)
	n := len(m)
	args := serialproto.SignTLS12Args{
		Op: serialproto.OpSignTLS12, Head: bytes.Join(m[:n-2], nil), Certs: 3, Tail: m[n-1], Scheme: d.fx.alg.Scheme(),
	}
	if size := len(d.encode(args)); size > d.room() {
		panic(outcome{verdict: NotApplicable, note: "the transcript is larger than max_msg"})
	}
	return args
}

// signable is a genuine request, which the device signs; it skips where the device's policy names other servers.
func (d *dut) signable() serialproto.SignTLS12Args {
	args := d.capture(d.goodServer())
	h, _ := d.ask(args, nil)
	if h.Status == serialproto.StatusRefused {
		d.skip("it refuses %s, too: its policy names other servers, or none of them is taken: %s", d.cfg.ServerName, statusWords(h))
	}
	d.check(h.Status == serialproto.StatusOK, "want a genuine transcript signed, got %s", statusWords(h))
	return args
}

func signTLS12(d *dut) {
	d.signable()
	err := d.handshake(d.goodServer(), func(msg []byte) ([]byte, error) {
		var r serialproto.SignResult
		h, _ := d.ask(d.requestFor(msg), &r)
		if h.Status != serialproto.StatusOK {
			return nil, errors.New(statusWords(h))
		}
		return r.Signature, nil
	})
	d.check(err == nil, "want a handshake that the server takes, got: %v", err)
}

// headed is a request with another head.
func headed(a serialproto.SignTLS12Args, m ...[]byte) serialproto.SignTLS12Args {
	a.Head = bytes.Join(m, nil)
	return a
}

// declined wants a transcript refused, and no signature counted.
func (d *dut) declined(what string, a serialproto.SignTLS12Args) {
	if len(d.encode(a)) <= d.room() {
		d.refused(what, a, serialproto.StatusRefused)
	}
}

func signTLS12Messages(d *dut) {
	a := d.signable()
	m := handshakeMessages(a.Head)
	d.check(len(m) == 6, "the suite: %d messages", len(m))
	before := d.status().Signatures
	d.declined("a byte after ServerHelloDone", headed(a, a.Head, []byte{0}))
	d.declined("a message after ServerHelloDone", headed(a, a.Head, m[5]))
	d.declined("a head that is cut short", headed(a, a.Head[:len(a.Head)-1]))
	d.declined("no CertificateRequest", headed(a, m[0], m[1], m[2], m[3], m[5]))
	d.declined("no ServerKeyExchange", headed(a, m[0], m[1], m[2], m[4], m[5]))
	d.declined("no server certificate", headed(a, m[0], m[1], m[3], m[4], m[5]))
	d.declined("messages in another order", headed(a, m[0], m[1], m[2], m[4], m[3], m[5]))
	d.declined("two ClientHellos", headed(a, m[0], a.Head))
	d.declined("a ServerHelloDone that is not empty", headed(a, m[0], m[1], m[2], m[3], m[4], []byte{14, 0, 0, 1, 0}))
	d.check(d.status().Signatures == before, "want refused transcripts not counted, got %d left after %d", d.status().Signatures, before)
}

// flipped changes a bit of a message.
func flipped(m [][]byte, i, at int) [][]byte {
	c := slices.Clone(m)
	c[i] = bytes.Clone(m[i])
	if at < 0 {
		at += len(c[i])
	}
	c[i][at] ^= 1
	return c
}

func signTLS12Hello(d *dut) {
	a := d.signable()
	m := handshakeMessages(a.Head)
	edit := func(what string, i int, change func(map[uint16][]byte)) {
		c := slices.Clone(m)
		c[i] = reExtend(m[i], change)
		d.declined(what, headed(a, c...))
	}
	d.declined("a ClientHello of another version", headed(a, flipped(m, 0, 5)...))
	d.declined("a ServerHello of another version", headed(a, flipped(m, 1, 5)...))
	edit("no extended master secret in ClientHello", 0, func(e map[uint16][]byte) { delete(e, extMasterSecret) })
	edit("no extended master secret in ServerHello", 1, func(e map[uint16][]byte) { delete(e, extMasterSecret) })
	edit("a renegotiation by the client", 0, func(e map[uint16][]byte) { e[extRenegotiation] = []byte{1, 1} })
	edit("a renegotiation by the server", 1, func(e map[uint16][]byte) { e[extRenegotiation] = []byte{1, 1} })
	edit("no renegotiation_info in ServerHello", 1, func(e map[uint16][]byte) { delete(e, extRenegotiation) })
	edit("a server that says TLS 1.3", 1, func(e map[uint16][]byte) { e[extVersions] = []byte{3, 4} })
	c := slices.Clone(m)
	c[1] = bytes.Clone(m[1])
	binary.BigEndian.PutUint16(c[1][4+2+32+1+int(c[1][38]):], suiteRSA)
	d.declined("a suite without ECDHE", headed(a, c...))
}

// reExtend rewrites a hello with other extensions.
func reExtend(msg []byte, change func(map[uint16][]byte)) []byte {
	at := 4 + 2 + 32
	at += 1 + int(msg[at])
	if msg[0] == 1 { // ClientHello: suites, compression methods
		at += 2 + int(binary.BigEndian.Uint16(msg[at:]))
		at += 1 + int(msg[at])
	} else {
		at += 3
	}
	exts := map[uint16][]byte{}
	for b := msg[at+2:]; len(b) >= 4; {
		n := int(binary.BigEndian.Uint16(b[2:]))
		exts[binary.BigEndian.Uint16(b)] = b[4 : 4+n]
		b = b[4+n:]
	}
	change(exts)
	var list []byte
	for _, k := range slices.Sorted(maps.Keys(exts)) {
		list = binary.BigEndian.AppendUint16(list, k)
		list = binary.BigEndian.AppendUint16(list, uint16(len(exts[k])))
		list = append(list, exts[k]...)
	}
	body := binary.BigEndian.AppendUint16(bytes.Clone(msg[4:at]), uint16(len(list)))
	body = append(body, list...)
	return append([]byte{msg[0], byte(len(body) >> 16), byte(len(body) >> 8), byte(len(body))}, body...)
}

func signTLS12Server(d *dut) {
	d.signable()
	auth := func() *x509.Certificate { return serverTemplate(d.cfg.ServerName, x509.ExtKeyUsageServerAuth) }
	expired := auth()
	expired.NotBefore, expired.NotAfter = time.Now().Add(-48*365*24*time.Hour), time.Now().Add(-40*365*24*time.Hour)
	d.declined("a server of another CA", d.capture(d.server(d.ca.other, auth())))
	d.declined("a server certificate for clients", d.capture(d.server(d.ca.sub, serverTemplate(d.cfg.ServerName, x509.ExtKeyUsageClientAuth))))
	none := auth()
	none.ExtKeyUsage = nil
	d.declined("a server certificate that names no usage", d.capture(d.server(d.ca.sub, none)))
	d.declined("a server certificate that has expired", d.capture(d.server(d.ca.sub, expired)))
}

func signTLS12Exchange(d *dut) {
	a := d.signable()
	m := handshakeMessages(a.Head)
	for what, c := range map[string][][]byte{
		"another client random": flipped(m, 0, 6), "another server random": flipped(m, 1, 6),
		"a signature that is not valid": flipped(m, 3, -1), "another point": flipped(m, 3, 10), "another curve": flipped(m, 3, 6),
	} {
		d.declined(what, headed(a, c...))
	}
}

func signTLS12Tail(d *dut) {
	a := d.signable()
	for what, tail := range map[string][]byte{
		"a byte after ClientKeyExchange":            append(bytes.Clone(a.Tail), 0),
		"a message after ClientKeyExchange":         append(bytes.Clone(a.Tail), 15, 0, 0, 0),
		"a certificate before ClientKeyExchange":    append([]byte{11, 0, 0, 3, 0, 0, 0}, a.Tail...),
		"a ClientKeyExchange of another length":     {16, 0, 0, 2, 1, 4},
		"another message than a ClientKeyExchange ": {20, 0, 0, 0},
	} {
		b := a
		b.Tail = tail
		d.declined(what, b)
	}
}

func signTLS12Argument(d *dut) {
	a := d.signable()
	for what, change := range map[string]func(*serialproto.SignTLS12Args){
		"another key's scheme":               func(a *serialproto.SignTLS12Args) { a.Scheme = 0x0503 },
		"no certificate of its own":          func(a *serialproto.SignTLS12Args) { a.Certs = 0 },
		"more certificates than it holds":    func(a *serialproto.SignTLS12Args) { a.Certs = 4 },
		"a ClientKeyExchange over 512 bytes": func(a *serialproto.SignTLS12Args) { a.Tail = make([]byte, 513) },
		"no head":                            func(a *serialproto.SignTLS12Args) { a.Head = []byte{} },
	} {
		b := a
		change(&b)
		if len(d.encode(b)) <= d.room() {
			d.refused(what, b, serialproto.StatusBadArgument, serialproto.StatusTooLarge)
		}
	}
}
