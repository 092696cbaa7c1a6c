package pki_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"provstation/station/pki"
	"provstation/station/stationtest"
)

// recorder is a key that remembers what it was asked to sign.
type recorder struct {
	crypto.Signer
	msgs [][]byte
}

func (r *recorder) SignMessage(rnd io.Reader, msg []byte, opts crypto.SignerOpts) ([]byte, error) {
	r.msgs = append(r.msgs, bytes.Clone(msg))
	return crypto.SignMessage(r.Signer, rnd, msg, opts)
}

// handshake runs a real one with a client certificate and returns what the client's key signed.
func handshake(t testing.TB, version uint16, kind string, staple []byte) (signed []byte, chain [][]byte) {
	t.Helper()
	b := newBench(t, stationtest.PKIConfig{})
	key := stationtest.NewKey(t, kind)
	leaf := b.Issue(t, stationtest.NewCSR(t, key, id))
	chain = [][]byte{leaf, b.Sub.Cert.Raw, b.ICA.Cert.Raw}
	serverKey := stationtest.NewKey(t, "P-256")
	server := b.Issue(t, stationtest.NewCSR(t, serverKey, "broker.example"), stationtest.ExtKeyUsage(x509.ExtKeyUsageServerAuth))
	pool := x509.NewCertPool()
	pool.AddCert(b.Root.Cert)
	rec := &recorder{Signer: key}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()

	c, s := net.Pipe()
	defer c.Close()
	defer s.Close()
	done := make(chan error, 1)
	go func() {
		conn := tls.Server(s, &tls.Config{
			Certificates: []tls.Certificate{{Certificate: [][]byte{server, b.Sub.Cert.Raw, b.ICA.Cert.Raw}, PrivateKey: serverKey, OCSPStaple: staple}},
			ClientAuth:   tls.RequireAndVerifyClientCert, ClientCAs: pool, MaxVersion: version, SessionTicketsDisabled: true,
		})
		done <- conn.HandshakeContext(ctx)
	}()
	client := tls.Client(c, &tls.Config{
		RootCAs: pool, ServerName: "broker.example", MinVersion: version, MaxVersion: version,
		Certificates: []tls.Certificate{{Certificate: chain, PrivateKey: rec}},
	})
	if err := errors.Join(client.HandshakeContext(ctx), <-done); err != nil {
		t.Fatalf("handshake: %v", err)
	}
	if len(rec.msgs) != 1 {
		t.Fatalf("the key signed %d times, want once", len(rec.msgs))
	}
	return rec.msgs[0], chain
}

func TestTLS13Content(t *testing.T) {
	for _, kind := range []string{"P-256", "P-384", "Ed25519"} {
		signed, _ := handshake(t, tls.VersionTLS13, kind, nil)
		hash, err := pki.ParseTLS13Content(signed)
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		if !bytes.Equal(pki.TLS13Content(hash), signed) {
			t.Errorf("%s: built content differs from what crypto/tls signs", kind)
		}
		if _, err := pki.ParseTLS12Transcript(signed); pki.CheckOf(err) != pki.CheckTranscript {
			t.Errorf("%s: got %v, want TLS 1.3 content to be no TLS 1.2 transcript", kind, err)
		}
	}
	good := pki.TLS13Content(make([]byte, 32))
	server := bytes.Replace(good, []byte("client"), []byte("server"), 1)
	for name, bad := range map[string][]byte{
		"empty": nil, "server's": server, "short hash": good[:len(good)-1], "long hash": append(bytes.Clone(good), 0),
		"64-byte hash": pki.TLS13Content(make([]byte, 64)), "63 spaces": good[1:],
	} {
		if hash, err := pki.ParseTLS13Content(bad); hash != nil || pki.CheckOf(err) != pki.CheckTranscript {
			t.Errorf("%s: got %x, %v; want %s", name, hash, err, pki.CheckTranscript)
		}
	}
}

func TestTLS12Transcript(t *testing.T) {
	all := []pki.HandshakeType{
		pki.ClientHello, pki.ServerHello, pki.Certificate, pki.CertificateStatus, pki.ServerKeyExchange, pki.CertificateRequest,
		pki.ServerHelloDone, pki.Certificate, pki.ClientKeyExchange,
	}
	for _, staple := range [][]byte{nil, {1, 2, 3}} {
		signed, chain := handshake(t, tls.VersionTLS12, "P-256", staple)
		tr, err := pki.ParseTLS12Transcript(signed)
		if err != nil {
			t.Fatalf("parse: %v", err)
		}
		var got []pki.HandshakeType
		for _, m := range tr.Messages {
			got = append(got, m.Type)
		}
		want := slices.Clone(all)
		if staple == nil {
			want = slices.Delete(want, 3, 4)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("messages (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(chain, tr.ClientChain); diff != "" {
			t.Errorf("the client's chain differs:\n%s", diff)
		}
		own := tr.Messages[len(tr.Messages)-2].Raw
		if !bytes.Equal(slices.Concat(tr.Head, own, tr.Tail), signed) {
			t.Error("head, own Certificate and tail are not the transcript")
		}
	}
}

func msg(typ pki.HandshakeType, body ...byte) []byte {
	return append([]byte{byte(typ), 0, byte(len(body) >> 8), byte(len(body))}, body...)
}

func TestTLS12TranscriptRefuses(t *testing.T) {
	own := []byte{0, 0, 5, 0, 0, 2, 0xca, 0xfe}
	parts := [][]byte{
		msg(pki.ClientHello, 3, 3), msg(pki.ServerHello, 3, 3), msg(pki.Certificate, 0, 0, 0), msg(pki.ServerKeyExchange, 1),
		msg(pki.CertificateRequest, 1), msg(pki.ServerHelloDone), msg(pki.Certificate, own...), msg(pki.ClientKeyExchange, 1),
	}
	if _, err := pki.ParseTLS12Transcript(slices.Concat(parts...)); err != nil {
		t.Fatalf("good transcript: %v", err)
	}
	with := func(i int, m ...[]byte) []byte {
		p := slices.Clone(parts)
		return slices.Concat(slices.Replace(p, i, i+1, m...)...)
	}
	tests := map[string][]byte{
		"empty":                    nil,
		"a message missing":        with(3),
		"hello request first":      with(0, msg(0), parts[0]),
		"no certificate request":   with(4),
		"two certificate requests": with(4, parts[4], parts[4]),
		"status elsewhere":         with(3, parts[3], msg(pki.CertificateStatus, 1)),
		"two statuses":             with(3, msg(pki.CertificateStatus, 1), msg(pki.CertificateStatus, 1), parts[3]),
		"body in done":             with(5, msg(pki.ServerHelloDone, 0)),
		"empty client chain":       with(6, msg(pki.Certificate, 0, 0, 0)),
		"empty certificate":        with(6, msg(pki.Certificate, 0, 0, 3, 0, 0, 0)),
		"list too long":            with(6, msg(pki.Certificate, 0, 0, 6, 0, 0, 2, 1, 2)),
		"bytes after the list":     with(6, msg(pki.Certificate, append(slices.Clone(own), 0)...)),
		"certificate cut":          with(6, msg(pki.Certificate, 0, 0, 4, 0, 0, 2, 1)),
		"a byte more":              append(slices.Concat(parts...), 0),
		"a message more":           append(slices.Concat(parts...), msg(15, 1)...),
		"a byte less":              slices.Concat(parts...)[:len(slices.Concat(parts...))-1],
		"a CSR":                    stationtest.NewCSR(t, stationtest.NewKey(t, "P-256"), id),
		"too large":                with(0, append([]byte{1, 1, 0, 0}, make([]byte, 65536)...)),
	}
	for name, b := range tests {
		if tr, err := pki.ParseTLS12Transcript(b); tr != nil || pki.CheckOf(err) != pki.CheckTranscript {
			t.Errorf("%s: got %v, %v; want nil and %s", name, tr, err, pki.CheckTranscript)
		}
	}
}

func TestSchemeFor(t *testing.T) {
	for kind, want := range map[string]struct {
		Scheme tls.SignatureScheme
		Hash   crypto.Hash
	}{"P-256": {0x0403, crypto.SHA256}, "P-384": {0x0503, crypto.SHA384}, "Ed25519": {0x0807, 0}} {
		scheme, hash, err := pki.SchemeFor(stationtest.NewKey(t, kind).Public())
		if err != nil || scheme != want.Scheme || hash != want.Hash {
			t.Errorf("%s: got %#x, %v, %v; want %#x, %v", kind, uint16(scheme), hash, err, uint16(want.Scheme), want.Hash)
		}
	}
	for _, kind := range []string{"P-521", "RSA-2048"} {
		if _, _, err := pki.SchemeFor(stationtest.NewKey(t, kind).Public()); pki.CheckOf(err) != pki.CheckKeyType {
			t.Errorf("%s: got %v, want %s", kind, err, pki.CheckKeyType)
		}
	}
}

func FuzzParseTLS12Transcript(f *testing.F) {
	signed, _ := handshake(f, tls.VersionTLS12, "P-256", []byte{1})
	f.Add(signed)
	f.Add(slices.Concat(msg(pki.ClientHello, 3, 3), msg(pki.ServerHello)))
	f.Fuzz(func(t *testing.T, b []byte) {
		tr, err := pki.ParseTLS12Transcript(b)
		if (tr == nil) == (err == nil) {
			t.Fatalf("got %v and %v, want exactly one", tr, err)
		}
		if err != nil {
			return
		}
		var all []byte
		for _, m := range tr.Messages {
			all = append(all, m.Raw...)
		}
		if !bytes.Equal(all, b) {
			t.Fatal("the messages together are not the transcript")
		}
	})
}
