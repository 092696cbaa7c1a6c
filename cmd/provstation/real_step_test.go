package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"provstation/station/devstack"
	"provstation/station/stationtest"
	"provstation/station/stepca"
)

// The tenant's documented `step ca renew` and `step ca revoke` (the real step CLI) work on the files of a provisioned
// device as they lie, and what they leave is as good as before.
func TestRealStepCLI(t *testing.T) {
	t.Parallel()
	stationtest.Program(t, "step")
	b := newRealBench(t, devstack.Deployed, "1.3")
	b.expect("PASS")
	cert, key, ca := b.file("device.pem"), b.file("device-key.pem"), b.file("ca-chain.pem")
	first, keyBefore := leafOf(t, cert), read(t, key)

	renew := []string{"ca", "renew", "--force", "--ca-url", b.caURL, "--root", ca, cert, key}
	for range 2 {
		before := leafOf(t, cert)
		if out, err := b.step(renew...); err != nil {
			t.Fatalf("step ca renew: %v\n%s", err, out)
		}
		after := leafOf(t, cert)
		if after.SerialNumber.Cmp(before.SerialNumber) == 0 || !bytes.Equal(after.RawSubjectPublicKeyInfo, first.RawSubjectPublicKeyInfo) ||
			after.Subject.CommonName != first.Subject.CommonName {
			t.Errorf("step ca renew: got %s %v, want a new certificate with the same key and name", after.Subject, after.SerialNumber)
		}
	}
	if !bytes.Equal(read(t, key), keyBefore) {
		t.Error("step ca renew changed the key")
	}
	b.checkDocumentedCommands() // openssl verify, modes, mosquitto_pub

	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil || len(pair.Certificate) != 3 {
		t.Fatalf("got %d certificates in device.pem, %v, want leaf, Sub-CA, ICA", len(pair.Certificate), err)
	}
	if out, err := b.step("ca", "revoke", "--cert", cert, "--key", key, "--ca-url", b.caURL, "--root", ca); err != nil || !strings.Contains(out, "has been revoked") {
		t.Fatalf("step ca revoke: %v\n%s", err, out)
	}
	if out, err := b.step(renew...); err == nil {
		t.Errorf("step ca renew after step ca revoke: %s, want a refusal", out)
	}
	// The station's own client says the same of it.
	client, err := stepca.New(b.caURL, rootsIn(t, ca))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := client.Renew(t.Context(), pair); !errors.Is(err, stepca.ErrRevoked) {
		t.Errorf("renew: got %v, want ErrRevoked", err)
	}
	if done, err := client.Revoke(t.Context(), pair, stepca.Revocation{}); err != nil || !done.Already {
		t.Errorf("revoke: got %+v, %v, want revoked before", done, err)
	}
}

// step runs the step CLI with a home of its own.
func (b *realBench) step(args ...string) (string, error) {
	b.t.Helper()
	cmd := exec.CommandContext(b.t.Context(), stationtest.Program(b.t, "step"), args...)
	cmd.Env = append(os.Environ(), "STEPPATH="+b.t.TempDir(), "HOME="+b.dir)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// rootsIn is the self-signed certificate of a file: OpenSSL's idea of an anchor.
func rootsIn(t *testing.T, path string) *x509.CertPool {
	t.Helper()
	pool := x509.NewCertPool()
	for rest := read(t, path); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return pool
		}
		if c, err := x509.ParseCertificate(block.Bytes); err == nil && bytes.Equal(c.RawSubject, c.RawIssuer) {
			pool.AddCert(c)
		}
	}
}
