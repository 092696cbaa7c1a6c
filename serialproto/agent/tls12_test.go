package agent_test

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"provstation/serialproto"
	"provstation/serialproto/agent"
)

// remoteKey is the station's end of the borrowed key: it sees what Go's TLS asks to be signed.
type remoteKey struct {
	pub  crypto.PublicKey
	sign func(msg []byte) ([]byte, error)
}

func (k remoteKey) Public() crypto.PublicKey { return k.pub }

func (k remoteKey) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("no raw digests")
}

func (k remoteKey) SignMessage(_ io.Reader, msg []byte, _ crypto.SignerOpts) ([]byte, error) {
	return k.sign(msg)
}

// handshake runs a real TLS 1.2 handshake between crypto/tls on both ends and returns what the server says of it.
func handshake(t testing.TB, p pki, server *tls.Config, certs [][]byte, key remoteKey) error {
	t.Helper()
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	deadline := time.Now().Add(10 * time.Second)
	_ = a.SetDeadline(deadline)
	_ = b.SetDeadline(deadline)
	server.MinVersion, server.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
	server.ClientAuth = tls.RequireAndVerifyClientCert
	server.ClientCAs = x509.NewCertPool()
	server.ClientCAs.AddCert(p.root.cert)
	done := make(chan error, 1)
	go func() { done <- tls.Server(a, server).HandshakeContext(t.Context()) }()
	client := tls.Client(b, &tls.Config{
		ServerName: "broker.example", InsecureSkipVerify: true, //nolint:gosec // the device is what is tested
		MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12, CipherSuites: server.CipherSuites,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return &tls.Certificate{Certificate: certs, PrivateKey: key}, nil
		},
	})
	if err := client.HandshakeContext(t.Context()); err != nil {
		a.Close()
		return errors.Join(err, <-done)
	}
	return <-done
}

// messages splits a transcript.
func messages(t testing.TB, b []byte) [][]byte {
	t.Helper()
	var out [][]byte
	for len(b) > 0 {
		if len(b) < 4 {
			t.Fatalf("transcript ends in %d bytes", len(b))
		}
		n := 4 + (int(b[1])<<16 | int(b[2])<<8 | int(b[3]))
		out, b = append(out, b[:n]), b[n:]
	}
	return out
}

// parts gives the request for a captured transcript: everything but the client's own Certificate message.
func parts(t testing.TB, transcript []byte, certs int) serialproto.SignTLS12Args {
	m := messages(t, transcript)
	n := len(m)
	if m[n-2][0] != 11 || m[n-1][0] != 16 {
		t.Fatalf("got last messages %d and %d, want Certificate and ClientKeyExchange", m[n-2][0], m[n-1][0])
	}
	return serialproto.SignTLS12Args{
		Op: serialproto.OpSignTLS12, Head: bytes.Join(m[:n-2], nil), Certs: uint8(certs), Tail: m[n-1], Scheme: 0x0403,
	}
}

func (d *device) pub() crypto.PublicKey {
	var r serialproto.ReadResult
	d.want(serialproto.StatusOK, serialproto.ReadArgs{Op: serialproto.OpRead, Obj: serialproto.ObjLeaf}, &r)
	c, err := x509.ParseCertificate(r.Certs[0])
	if err != nil {
		d.t.Fatal(err)
	}
	return c.PublicKey
}

func (d *device) ownChain() [][]byte {
	var leaf, chain serialproto.ReadResult
	d.want(serialproto.StatusOK, serialproto.ReadArgs{Op: serialproto.OpRead, Obj: serialproto.ObjLeaf}, &leaf)
	d.want(serialproto.StatusOK, serialproto.ReadArgs{Op: serialproto.OpRead, Obj: serialproto.ObjChain}, &chain)
	return append(leaf.Certs, chain.Certs...)
}

func serverConfig(t testing.TB, p pki, kind string) *tls.Config {
	key := newKey(t, kind)
	cert := p.server(t, key, x509.ExtKeyUsageServerAuth)
	return &tls.Config{Certificates: []tls.Certificate{{
		Certificate: [][]byte{cert.Raw, p.sub.cert.Raw, p.ica.cert.Raw}, PrivateKey: key,
	}}}
}

// TestTLS12Handshake lets the device sign real handshakes, before and after it is sealed.
func TestTLS12Handshake(t *testing.T) {
	p := newPKI(t)
	d := newDevice(t, func(c *agent.Config) { c.AllowedServers = []string{"elsewhere", "broker.example"} })
	d.installed(1, p)
	try := func(name string, server *tls.Config) {
		t.Run(name, func(t *testing.T) {
			d.t = t
			key := remoteKey{pub: d.pub(), sign: func(msg []byte) ([]byte, error) {
				var r serialproto.SignResult
				if h := d.call(parts(t, msg, 3), &r); h.Status != serialproto.StatusOK {
					return nil, errors.New(h.Detail)
				}
				return r.Signature, nil
			}}
			if err := handshake(t, p, server, d.ownChain(), key); err != nil {
				t.Errorf("handshake: %v", err)
			}
		})
		d.t = t
	}
	try("ecdsa", serverConfig(t, p, ""))
	try("rsa", serverConfig(t, p, "rsa"))
	try("ed25519", serverConfig(t, p, "ed25519"))
	stapled := serverConfig(t, p, "")
	stapled.Certificates[0].OCSPStaple = []byte("a response")
	try("certificate status", stapled)
	cbc := serverConfig(t, p, "")
	cbc.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}
	try("cbc", cbc)
	d.want(serialproto.StatusOK, lockArgs(1), nil)
	d.reopen()
	try("sealed", serverConfig(t, p, ""))
	d.clock.t = time.Unix(0, 0)
	try("clock in 1970", serverConfig(t, p, ""))
}

// capture gives the request for a genuine handshake with a server.
func (d *device) capture(p pki, server *tls.Config) serialproto.SignTLS12Args {
	d.t.Helper()
	var got serialproto.SignTLS12Args
	stop := errors.New("captured")
	key := remoteKey{pub: d.pub(), sign: func(msg []byte) ([]byte, error) {
		got = parts(d.t, msg, 3)
		return nil, stop
	}}
	if err := handshake(d.t, p, server, d.ownChain(), key); !errors.Is(err, stop) {
		d.t.Fatalf("capture: %v", err)
	}
	return got
}

func TestTLS12TranscriptIsChecked(t *testing.T) {
	p, other := newPKI(t), newPKI(t)
	d := newDevice(t, nil)
	d.installed(1, p)
	genuine := d.capture(p, serverConfig(t, p, ""))
	d.want(serialproto.StatusOK, genuine, nil)
	m := messages(t, genuine.Head)
	if len(m) != 6 {
		t.Fatalf("got %d messages before ServerHelloDone, want 6", len(m))
	}
	withCert := func(usage x509.ExtKeyUsage, from pki, name string) *tls.Config {
		key := newKey(t, "")
		tmpl := &x509.Certificate{DNSNames: []string{name}, ExtKeyUsage: []x509.ExtKeyUsage{usage}}
		c := from.sub.issue(t, tmpl, key.Public())
		return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{c.Raw, from.sub.cert.Raw, from.ica.cert.Raw}, PrivateKey: key}}}
	}
	expired := func() *tls.Config {
		key := newKey(t, "")
		c := p.sub.issue(t, &x509.Certificate{
			DNSNames: []string{"broker.example"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
			NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(-24 * time.Hour),
		}, key.Public())
		return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{c.Raw, p.sub.cert.Raw, p.ica.cert.Raw}, PrivateKey: key}}}
	}
	join := func(m ...[]byte) []byte { return bytes.Join(m, nil) }
	flip := func(i int, at int) []byte {
		c := make([][]byte, len(m))
		for j := range m {
			c[j] = bytes.Clone(m[j])
		}
		if at < 0 {
			at += len(c[i])
		}
		c[i][at] ^= 1
		return join(c...)
	}
	editHello := func(i int, edit func(map[uint16][]byte)) []byte {
		c := append([][]byte{}, m...)
		c[i] = reExtend(t, m[i], edit)
		return join(c...)
	}
	refused := serialproto.StatusRefused
	tests := map[string]struct {
		args func() serialproto.SignTLS12Args
		want serialproto.Status
	}{
		"byte after ServerHelloDone":    {headOf(genuine, append(bytes.Clone(genuine.Head), 0)), refused},
		"message after ServerHelloDone": {headOf(genuine, join(genuine.Head, m[5])), refused},
		"own certificate in the head":   {headOf(genuine, join(genuine.Head, m[2])), refused},
		"head cut short":                {headOf(genuine, genuine.Head[:len(genuine.Head)-1]), refused},
		"no CertificateRequest":         {headOf(genuine, join(m[0], m[1], m[2], m[3], m[5])), refused},
		"no ServerKeyExchange":          {headOf(genuine, join(m[0], m[1], m[2], m[4], m[5])), refused},
		"no server certificate":         {headOf(genuine, join(m[0], m[1], m[3], m[4], m[5])), refused},
		"messages reordered":            {headOf(genuine, join(m[0], m[1], m[2], m[4], m[3], m[5])), refused},
		"two ClientHellos":              {headOf(genuine, join(m[0], genuine.Head)), refused},
		"ServerHelloDone not empty":     {headOf(genuine, join(m[0], m[1], m[2], m[3], m[4], []byte{14, 0, 0, 1, 0})), refused},
		"client version 1.1":            {headOf(genuine, flip(0, 5)), refused},
		"server version 1.1":            {headOf(genuine, flip(1, 5)), refused},
		"client random changed":         {headOf(genuine, flip(0, 6)), refused},
		"server random changed":         {headOf(genuine, flip(1, 6)), refused},
		"bad key exchange signature":    {headOf(genuine, flip(3, -1)), refused},
		"key exchange point changed":    {headOf(genuine, flip(3, 10)), refused},
		"key exchange curve changed":    {headOf(genuine, flip(3, 6)), refused},
		"server certificate changed":    {headOf(genuine, flip(2, 300)), refused},
		"suite not offered":             {headOf(genuine, setSuite(m, 0x1301)), refused},
		"suite of another key type":     {headOf(genuine, setSuite(m, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256)), refused},
		"no EMS in ClientHello":         {headOf(genuine, editHello(0, func(e map[uint16][]byte) { delete(e, 0x17) })), refused},
		"no EMS in ServerHello":         {headOf(genuine, editHello(1, func(e map[uint16][]byte) { delete(e, 0x17) })), refused},
		"EMS not empty":                 {headOf(genuine, editHello(1, func(e map[uint16][]byte) { e[0x17] = []byte{0} })), refused},
		"renegotiation by client":       {headOf(genuine, editHello(0, func(e map[uint16][]byte) { e[0xff01] = []byte{1, 1} })), refused},
		"renegotiation by server":       {headOf(genuine, editHello(1, func(e map[uint16][]byte) { e[0xff01] = []byte{1, 1} })), refused},
		"no renegotiation_info":         {headOf(genuine, editHello(1, func(e map[uint16][]byte) { delete(e, 0xff01) })), refused},
		"server says TLS 1.3":           {headOf(genuine, editHello(1, func(e map[uint16][]byte) { e[0x2b] = []byte{3, 4} })), refused},
		"RSA key exchange": {func() serialproto.SignTLS12Args {
			s := serverConfig(t, p, "rsa")
			s.CipherSuites = []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}
			return d.capture(p, s)
		}, refused},
		"server certificate for clients": {func() serialproto.SignTLS12Args {
			return d.capture(p, withCert(x509.ExtKeyUsageClientAuth, p, "broker.example"))
		}, refused},
		"server certificate for nothing": {func() serialproto.SignTLS12Args {
			key := newKey(t, "")
			c := p.sub.issue(t, &x509.Certificate{DNSNames: []string{"broker.example"}}, key.Public())
			return d.capture(p, &tls.Config{Certificates: []tls.Certificate{{
				Certificate: [][]byte{c.Raw, p.sub.cert.Raw, p.ica.cert.Raw}, PrivateKey: key,
			}}})
		}, refused},
		"server of another CA": {func() serialproto.SignTLS12Args {
			return d.capture(p, withCert(x509.ExtKeyUsageServerAuth, other, "broker.example"))
		}, refused},
		"server certificate expired": {func() serialproto.SignTLS12Args { return d.capture(p, expired()) }, refused},
		"byte after ClientKeyExchange": {func() serialproto.SignTLS12Args {
			a := genuine
			a.Tail = append(bytes.Clone(a.Tail), 0)
			return a
		}, refused},
		"message after ClientKeyExchange": {func() serialproto.SignTLS12Args {
			a := genuine
			a.Tail = join(a.Tail, []byte{15, 0, 0, 0})
			return a
		}, refused},
		"certificate before ClientKeyExchange": {func() serialproto.SignTLS12Args {
			a := genuine
			a.Tail = join([]byte{11, 0, 0, 3, 0, 0, 0}, a.Tail)
			return a
		}, refused},
		"ClientKeyExchange of another length": {func() serialproto.SignTLS12Args {
			a := genuine
			a.Tail = []byte{16, 0, 0, 2, 1, 4}
			return a
		}, refused},
		"more certificates than held": {func() serialproto.SignTLS12Args { a := genuine; a.Certs = 4; return a }, serialproto.StatusBadArgument},
		"scheme of another key":       {func() serialproto.SignTLS12Args { a := genuine; a.Scheme = 0x0503; return a }, serialproto.StatusBadArgument},
	}
	left := d.status().Signatures
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d.t = t
			d.want(tt.want, tt.args(), nil)
		})
	}
	d.t = t
	if got := d.status().Signatures; got != left {
		t.Errorf("refusals were counted: got %d signatures left, want %d", got, left)
	}
	d.cfg.AllowedServers = []string{"elsewhere.example"}
	d.reopen()
	d.want(refused, genuine, nil)
	d.cfg.AllowedServers, d.cfg.SignTLS12 = nil, false
	d.reopen()
	d.want(refused, genuine, nil)
}

func headOf(a serialproto.SignTLS12Args, head []byte) func() serialproto.SignTLS12Args {
	a.Head = head
	return func() serialproto.SignTLS12Args { return a }
}

// setSuite changes the suite of the ServerHello, and offers it too, so that only its kind is wrong.
func setSuite(m [][]byte, suite uint16) []byte {
	c := append([][]byte{}, m...)
	c[1] = bytes.Clone(m[1])
	at := 4 + 2 + 32 + 1 + int(c[1][38])
	binary.BigEndian.PutUint16(c[1][at:], suite)
	return bytes.Join(c, nil)
}

// reExtend rewrites a hello with other extensions.
func reExtend(t *testing.T, msg []byte, edit func(map[uint16][]byte)) []byte {
	t.Helper()
	at := 4 + 2 + 32
	at += 1 + int(msg[at])
	if msg[0] == 1 {
		at += 2 + int(binary.BigEndian.Uint16(msg[at:]))
		at += 1 + int(msg[at])
	} else {
		at += 3
	}
	exts := map[uint16][]byte{}
	for b := msg[at+2:]; len(b) > 0; {
		n := int(binary.BigEndian.Uint16(b[2:]))
		exts[binary.BigEndian.Uint16(b)] = b[4 : 4+n]
		b = b[4+n:]
	}
	edit(exts)
	var list []byte
	for k, v := range exts {
		list = binary.BigEndian.AppendUint16(list, k)
		list = binary.BigEndian.AppendUint16(list, uint16(len(v)))
		list = append(list, v...)
	}
	body := binary.BigEndian.AppendUint16(bytes.Clone(msg[4:at]), uint16(len(list)))
	body = append(body, list...)
	return append([]byte{msg[0], byte(len(body) >> 16), byte(len(body) >> 8), byte(len(body))}, body...)
}
