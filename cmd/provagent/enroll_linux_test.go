package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"provstation/serialproto"
	"provstation/station/wgconf"
)

// issuer makes certificates for one test.
type issuer struct {
	cert *x509.Certificate
	key  crypto.Signer
}

func (i issuer) issue(t *testing.T, tmpl *x509.Certificate, pub crypto.PublicKey) *x509.Certificate {
	t.Helper()
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		t.Fatal(err)
	}
	tmpl.SerialNumber, tmpl.NotBefore, tmpl.NotAfter = serial, time.Now().Add(-time.Minute), time.Now().Add(time.Hour)
	parent := i.cert
	if parent == nil {
		parent = tmpl
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, pub, i.key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// ca makes an authority under i, or a root where i is empty.
func (i issuer) ca(t *testing.T, name string, pathLen int) issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if i.key == nil {
		i.key = key
	}
	return issuer{i.issue(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, MaxPathLen: pathLen,
		MaxPathLenZero: pathLen == 0, KeyUsage: x509.KeyUsageCertSign,
	}, key.Public()), key}
}

// TestFilesWorkAsTheyLie enrolls the real process over a line and then uses its files as the device's programs do.
func TestFilesWorkAsTheyLie(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		if os.Getenv("PROVSTATION_REQUIRE_REAL") == "1" {
			t.Fatal("openssl is missing")
		}
		t.Skip("openssl is missing")
	}
	root := issuer{}.ca(t, "Provider Root CA", 2)
	ica := root.ca(t, "Provider ICA", 1)
	sub := ica.ca(t, "Tenant Sub-CA", 0)

	bin, dir := built(t), t.TempDir()
	near, far, state := filepath.Join(dir, "near"), filepath.Join(dir, "far"), filepath.Join(dir, "state")
	cable(t, near, far)
	agent := start(t, bin, "serve", "--tty", far, "--state-dir", state, "--baud", "0")
	h := station(t, near)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := h.Greet(ctx); err != nil {
		t.Fatalf("greet: %v\n%s", err, agent.out)
	}
	call := func(req, result any) {
		t.Helper()
		if err := h.Call(ctx, req, result); err != nil {
			t.Fatalf("%T: %v\n%s", req, err, agent.out)
		}
	}
	id := []byte("12345678")
	var e serialproto.EnrollResult
	call(serialproto.EnrollArgs{Op: serialproto.OpEnroll, Alg: serialproto.AlgP256, DeviceID: "box-7", EnrollID: id, WireGuard: true}, &e)
	csr, err := x509.ParseCertificateRequest(e.CSR)
	if err != nil {
		t.Fatal(err)
	}
	leaf := sub.issue(t, &x509.Certificate{
		Subject: csr.Subject, DNSNames: csr.DNSNames, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, csr.PublicKey)
	conf := tunnel(t)
	var in serialproto.InstallResult
	call(serialproto.InstallArgs{
		Op: serialproto.OpInstall, Leaf: leaf.Raw, Chain: [][]byte{sub.cert.Raw, ica.cert.Raw, root.cert.Raw},
		WGConf: conf, EnrollID: id, Commit: true,
	}, &in)
	if sum := sha256.Sum256(conf); !bytes.Equal(in.Objects[serialproto.ObjWGConf], sum[:8]) {
		t.Errorf("wg0.conf: got digest %x, want %x", in.Objects[serialproto.ObjWGConf], sum[:8])
	}
	call(serialproto.SignTLS13Args{Op: serialproto.OpSignTLS13, Hash: make([]byte, 32), Scheme: 0x0403}, nil)
	hooked := append([]byte("[Interface]\nPostUp = reboot\n"), bytes.TrimPrefix(conf, []byte("[Interface]\n"))...)
	err = h.Call(ctx, serialproto.InstallArgs{
		Op: serialproto.OpInstall, Leaf: leaf.Raw, Chain: [][]byte{sub.cert.Raw, ica.cert.Raw, root.cert.Raw},
		WGConf: hooked, EnrollID: id, Commit: true,
	}, nil)
	if !errors.Is(err, &serialproto.StatusError{Status: serialproto.StatusBadArgument}) {
		t.Errorf("wg0.conf with a hook: got %v, want bad argument", err)
	}
	call(serialproto.LockArgs{Op: serialproto.OpLock, EnrollID: id, Flag: "10.8.0.7"}, nil)

	if got := command(t, state, openssl, "verify", "-CAfile", "ca-chain.pem", "device.pem"); got != "device.pem: OK\n" {
		t.Errorf("openssl verify: got %q, want OK", got)
	}
	ofKey := command(t, state, openssl, "pkey", "-in", "device-key.pem", "-pubout")
	if ofCert := command(t, state, openssl, "x509", "-in", "device.pem", "-noout", "-pubkey"); ofKey != ofCert {
		t.Errorf("got key %s and certificate for %s, want a pair", ofKey, ofCert)
	}
	for name, mode := range map[string]os.FileMode{"device-key.pem": 0o600, "wg0.conf": 0o600, "device.pem": 0o644, "ca-chain.pem": 0o644, ".enrolled": 0o644} {
		if i, err := os.Stat(filepath.Join(state, name)); err != nil || i.Mode().Perm() != mode {
			t.Errorf("%s: got %v (%v), want mode %v", name, i, err, mode)
		}
	}
	checkTunnel(t, filepath.Join(state, "wg0.conf"), conf, e.WireGuard)
	checkNoSecrets(t, state, agent.out.String())
}

// tunnel is a wg0.conf as a station pushes it: rendered, without a private key.
func tunnel(t *testing.T) []byte {
	t.Helper()
	server, err := wgtypes.GeneratePrivateKey()
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := wgconf.Parse([]byte("[Interface]\nAddress = 10.8.0.7/32\n\n[Peer]\nPublicKey = " + server.PublicKey().String() +
		"\nEndpoint = vpn.example.com:51820\nAllowedIPs = 10.8.0.0/24\nPersistentKeepalive = 25\n"))
	if err != nil {
		t.Fatal(err)
	}
	return wgconf.Render(cfg)
}

// checkTunnel demands the device's own private key in its file, and everything else as it was pushed.
func checkTunnel(t *testing.T, path string, pushed, pub []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if back, err := wgconf.WithoutPrivateKey(b); err != nil || !bytes.Equal(back, pushed) {
		t.Errorf("wg0.conf without its key differs from what was pushed (%v)", err)
	}
	_, rest, _ := strings.Cut(string(b), "PrivateKey = ")
	line, _, _ := strings.Cut(rest, "\n")
	priv, err := wgtypes.ParseKey(line)
	if err != nil {
		t.Fatal("wg0.conf holds no private key")
	}
	if got := priv.PublicKey(); !bytes.Equal(got[:], pub) {
		t.Errorf("got public key %v, want the one enrolled", got)
	}
}

func command(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}
