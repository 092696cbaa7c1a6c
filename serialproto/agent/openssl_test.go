package agent_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"provstation/serialproto"
)

// TestTLS12WithOpenSSL lets the device sign handshakes with OpenSSL, which most brokers use, as the server.
func TestTLS12WithOpenSSL(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		if os.Getenv("PROVSTATION_REQUIRE_REAL") == "1" {
			t.Fatal("openssl is missing")
		}
		t.Skip("openssl is missing")
	}
	p := newPKI(t)
	d := newDevice(t, nil)
	d.sealed(1, p)
	for _, kind := range []string{"", "rsa"} {
		t.Run("server key "+kind, func(t *testing.T) {
			d.t = t
			addr := sServer(t, openssl, p, kind)
			conn, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(t.Context(), "tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
				t.Fatal(err)
			}
			signed := 0
			key := remoteKey{pub: d.pub(), sign: func(msg []byte) ([]byte, error) {
				var r serialproto.SignResult
				if h := d.call(parts(t, msg, 3), &r); h.Status != serialproto.StatusOK {
					return nil, errors.New(h.Detail)
				}
				signed++
				return r.Signature, nil
			}}
			roots := x509.NewCertPool()
			roots.AddCert(p.root.cert)
			chain := d.ownChain()
			client := tls.Client(conn, &tls.Config{
				ServerName: "broker.example", RootCAs: roots, MaxVersion: tls.VersionTLS12,
				GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
					return &tls.Certificate{Certificate: chain, PrivateKey: key}, nil
				},
			})
			if err := client.HandshakeContext(t.Context()); err != nil {
				t.Fatalf("handshake: %v", err)
			}
			if signed != 1 {
				t.Errorf("got %d signatures, want 1", signed)
			}
			// With -rev the server sends each line back reversed, which proves that it took the certificate.
			if _, err := client.Write([]byte("abc\n")); err != nil {
				t.Fatal(err)
			}
			if line, err := bufio.NewReader(client).ReadString('\n'); err != nil || line != "cba\n" {
				t.Errorf("got %q (%v), want the line reversed", line, err)
			}
		})
	}
}

// sServer starts openssl s_server, which demands a certificate under the root, and gives its address.
func sServer(t *testing.T, openssl string, p pki, kind string) string {
	t.Helper()
	dir := t.TempDir()
	key := newKey(t, kind)
	var der []byte
	var err error
	switch k := key.(type) {
	case *ecdsa.PrivateKey:
		der, err = x509.MarshalPKCS8PrivateKey(k)
	case *rsa.PrivateKey:
		der, err = x509.MarshalPKCS8PrivateKey(k)
	}
	if err != nil {
		t.Fatal(err)
	}
	leaf := p.server(t, key, x509.ExtKeyUsageServerAuth)
	for name, content := range map[string][]byte{
		"key.pem": pemOf("PRIVATE KEY", der), "cert.pem": pemBody(leaf.Raw), "root.pem": pemBody(p.root.cert.Raw),
		"chain.pem": append(pemBody(p.sub.cert.Raw), pemBody(p.ica.cert.Raw)...),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), openssl, "s_server", "-accept", "127.0.0.1:0", "-key", "key.pem", "-cert", "cert.pem",
		"-cert_chain", "chain.pem", "-CAfile", "root.pem", "-Verify", "4", "-verify_return_error", "-tls1_2", "-rev")
	cmd.Dir = dir
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = io.Discard
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	addr := make(chan string, 1)
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		s := bufio.NewScanner(out)
		for s.Scan() {
			if a, ok := strings.CutPrefix(s.Text(), "ACCEPT "); ok {
				select {
				case addr <- a:
				default:
				}
			}
		}
	}()
	t.Cleanup(func() {
		if err := cmd.Process.Kill(); err != nil {
			t.Errorf("end openssl: %v", err)
		}
		<-drained
		if err := cmd.Wait(); err == nil {
			t.Error("openssl ended by itself")
		}
	})
	select {
	case a := <-addr:
		return a
	case <-drained:
		t.Fatal("openssl s_server does not start")
	case <-time.After(20 * time.Second):
		t.Fatal("openssl s_server never says where it listens")
	}
	return ""
}
