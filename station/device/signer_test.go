package device

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"provstation/serialproto"
	"provstation/serialproto/prototest"
	"provstation/station"
	"provstation/station/pki"
	"provstation/station/stationtest"
)

// server is a TLS server that trusts only the root, with a certificate below the same root.
func server(t *testing.T, p *stationtest.PKI, version uint16) *tls.Config {
	t.Helper()
	k := stationtest.NewKey(t, "P-256")
	leaf := stationtest.Sign(t, p.Sub, &x509.Certificate{
		Subject: pkix.Name{CommonName: "broker"}, DNSNames: []string{"broker.example"}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}, k.Public())
	roots := x509.NewCertPool()
	roots.AddCert(p.Root.Cert)
	return &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{leaf, p.Sub.Cert.Raw, p.ICA.Cert.Raw}, PrivateKey: k}},
		ClientAuth:   tls.RequireAndVerifyClientCert, ClientCAs: roots, MinVersion: version, MaxVersion: version,
		SessionTicketsDisabled: true,
	}
}

// shake does one handshake with the device's key across the line, and returns what the server saw.
func shake(t *testing.T, p *stationtest.PKI, version uint16, key crypto.Signer, chain [][]byte) (tls.ConnectionState, error) {
	t.Helper()
	near, far := net.Pipe()
	deadline := time.Now().Add(15 * time.Second)
	for _, c := range []net.Conn{near, far} {
		must(t, c.SetDeadline(deadline))
		t.Cleanup(func() { _ = c.Close() })
	}
	roots := x509.NewCertPool()
	roots.AddCert(p.Root.Cert)
	s := tls.Server(far, server(t, p, version))
	c := tls.Client(near, &tls.Config{
		RootCAs: roots, ServerName: "broker.example", MinVersion: version, MaxVersion: version,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			scheme, _, err := pki.SchemeFor(key.Public())
			return &tls.Certificate{
				Certificate: chain, PrivateKey: key, SupportedSignatureAlgorithms: []tls.SignatureScheme{scheme},
			}, err
		},
	})
	seen := make(chan error, 1)
	go func() {
		err := s.HandshakeContext(context.Background())
		if err == nil {
			_, err = s.Write([]byte("ok"))
		}
		if err != nil {
			_ = far.Close()
		}
		seen <- err
	}()
	err := c.HandshakeContext(t.Context())
	if err == nil {
		_, err = io.ReadFull(c, make([]byte, 2)) // TLS 1.3: only now has the server judged us
	}
	if err != nil {
		_ = near.Close()
	}
	if serr := <-seen; err == nil {
		err = serr
	}
	return s.ConnectionState(), err
}

func TestBorrowedKey(t *testing.T) {
	for _, kind := range []string{"P-256", "P-384", "Ed25519"} {
		l, p := realAgent(t, 0), stationtest.NewPKI(t)
		csr, a := key(t, l, "enroll-1", kind)
		if a.KeyStore != "flash" || a.Generation != 1 || a.Existing || len(a.WireGuardKey) != 32 {
			t.Errorf("%s: got %+v, want a new key in flash", kind, a)
		}
		b := bundle(t, p, a.CSR, "enroll-1")
		back, err := l.Install(within(t), b)
		installed(t, b, back, err)
		chain := [][]byte{b.Leaf, b.Chain[0], b.Chain[1]}
		signer := l.Signer(within(t), csr.PublicKey, chain)
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			state, err := shake(t, p, version, signer, chain)
			if err != nil {
				t.Errorf("%s, %s: %v", kind, tls.VersionName(version), err)
				continue
			}
			if cn := state.PeerCertificates[0].Subject.CommonName; cn != deviceID || state.Version != version {
				t.Errorf("%s: the server saw %q over %s, want %q over %s", kind, cn, tls.VersionName(state.Version), deviceID, tls.VersionName(version))
			}
		}
		must(t, l.Seal(within(t), b.EnrollID, "10.8.1.2"))
		if _, err := shake(t, p, tls.VersionTLS12, l.Signer(within(t), csr.PublicKey, chain), chain); err != nil {
			t.Errorf("%s: TLS 1.2 once sealed: %v", kind, err)
		}
		_, err = l.Signer(within(t), csr.PublicKey, chain).(crypto.MessageSigner).SignMessage(nil, pki.TLS13Content(make([]byte, 32)), hashFor(t, csr.PublicKey))
		if f, ok := station.AsFault(err); !ok || f.Code != station.CodeAgentLocked {
			t.Errorf("%s: TLS 1.3 once sealed: got %v, want %s", kind, err, station.CodeAgentLocked)
		}
	}
}

func hashFor(t *testing.T, pub crypto.PublicKey) crypto.Hash {
	t.Helper()
	_, h, err := pki.SchemeFor(pub)
	must(t, err)
	return h
}

// What must never reach the wire.
func TestSignerRefusesBeforeTheWire(t *testing.T) {
	wire := &prototest.Peer{}
	l, p := peer(t, wire, 0), stationtest.NewPKI(t)
	k := stationtest.NewKey(t, "P-256")
	own := [][]byte{p.Issue(t, stationtest.NewCSR(t, k, deviceID)), p.Sub.Cert.Raw, p.ICA.Cert.Raw}
	foreign := [][]byte{p.Issue(t, stationtest.NewCSR(t, k, "other")), p.Sub.Cert.Raw, p.ICA.Cert.Raw}
	transcript := transcript12(t, p, k, foreign)
	s := l.Signer(t.Context(), k.Public(), own).(crypto.MessageSigner)
	if !k.Public().(*ecdsa.PublicKey).Equal(s.Public()) {
		t.Error("the signer has another public key")
	}
	if _, err := s.Sign(rand.Reader, make([]byte, 32), crypto.SHA256); !errors.Is(err, errRawDigest) {
		t.Errorf("a raw digest: got %v, want refused", err)
	}
	content := pki.TLS13Content(make([]byte, 32))
	for name, row := range map[string]struct {
		msg  []byte
		hash crypto.Hash
		says string
	}{
		"SHA-384 with a P-256 key":       {content, crypto.SHA384, "hash"},
		"no hash with a P-256 key":       {content, 0, "hash"},
		"a digest":                       {make([]byte, 32), crypto.SHA256, "sign:"},
		"nothing":                        {nil, crypto.SHA256, "sign:"},
		"a server's CertificateVerify":   {bytes.Replace(content, []byte("client"), []byte("server"), 1), crypto.SHA256, "sign:"},
		"a short transcript hash":        {content[:len(content)-1], crypto.SHA256, "sign:"},
		"a certificate":                  {own[0], crypto.SHA256, "sign:"},
		"a token":                        {[]byte("eyJhbGciOiJFUzI1NiJ9.e30"), crypto.SHA256, "sign:"},
		"a transcript of another device": {transcript, crypto.SHA256, "own chain"},
		"a transcript cut short":         {transcript[:len(transcript)-1], crypto.SHA256, "sign:"},
		"a transcript and more":          {append(bytes.Clone(transcript), 0), crypto.SHA256, "sign:"},
	} {
		if sig, err := s.SignMessage(rand.Reader, row.msg, row.hash); err == nil || sig != nil || !strings.Contains(err.Error(), row.says) {
			t.Errorf("%s: got %v, want an error that says %q", name, err, row.says)
		}
	}
	if ops := wire.Executed(); len(ops) != 0 {
		t.Errorf("the device was asked for %v, want nothing", ops)
	}
	weak := l.Signer(t.Context(), stationtest.NewKey(t, "RSA-2048").Public(), own).(crypto.MessageSigner)
	if _, err := weak.SignMessage(rand.Reader, content, crypto.SHA256); err == nil {
		t.Error("an RSA key signs, want refused")
	}
	// The right chain does reach it.
	s = l.Signer(within(t), k.Public(), foreign).(crypto.MessageSigner)
	if _, err := s.SignMessage(rand.Reader, transcript, crypto.SHA256); err == nil || len(wire.Executed()) != 1 || wire.Executed()[0] != serialproto.OpSignTLS12 {
		t.Errorf("got %v and %v, want the device asked to sign for TLS 1.2", err, wire.Executed())
	}
}

// catcher signs with a key it holds and keeps what it was asked to sign.
type catcher struct {
	crypto.Signer
	msg []byte
}

func (c *catcher) SignMessage(r io.Reader, msg []byte, opts crypto.SignerOpts) ([]byte, error) {
	c.msg = bytes.Clone(msg)
	return crypto.SignMessage(c.Signer, r, msg, opts)
}

// transcript12 is the transcript of a real TLS 1.2 handshake with this chain.
func transcript12(t *testing.T, p *stationtest.PKI, k crypto.Signer, chain [][]byte) []byte {
	t.Helper()
	c := &catcher{Signer: k}
	if _, err := shake(t, p, tls.VersionTLS12, c, chain); err != nil {
		t.Fatal(err)
	}
	return c.msg
}
