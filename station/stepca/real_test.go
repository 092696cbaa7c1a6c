package stepca_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"provstation/station/stationtest"
	"provstation/station/stepca"
)

// A certificate's whole life with the real CA: enrolled, renewed by mTLS and by token, rekeyed, revoked, and what the CA's
// own database (PostgreSQL) says of it in the end.
func TestRealLife(t *testing.T) {
	t.Parallel()
	db := stationtest.StartPostgres(t)
	ca := stationtest.StartStepCA(t, stationtest.StepCAConfig{Postgres: db.URL})
	c, ctx := clientOf(t, ca), t.Context()
	if err := c.Health(ctx); err != nil {
		t.Fatalf("health: %v", err)
	}
	d := enroll(t, ca, "edge-0001", "")
	serials := []string{d.leaf(t).SerialNumber.String()}
	took := func(what string, got stepca.Issued, err error, pub crypto.PublicKey) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		leaf := stationtest.ParseCert(t, got.Leaf)
		if leaf.Subject.CommonName != d.id || !leaf.PublicKey.(*ecdsa.PublicKey).Equal(pub) || len(got.Chain) != 2 ||
			got.Serial != leaf.SerialNumber.String() || !got.NotAfter.Equal(leaf.NotAfter) || got.ServerTime.IsZero() {
			t.Fatalf("%s: got %+v (%s)", what, got, leaf.Subject)
		}
		serials = append(serials, got.Serial)
		d.take(got)
	}
	for range 2 {
		key := &borrowed{Signer: d.key}
		got, err := c.Renew(ctx, tls.Certificate{Certificate: d.chain, PrivateKey: key})
		took("renew by mTLS", got, err, d.key.Public())
		if key.signed != 1 {
			t.Errorf("renew by mTLS: got %d signatures, want one", key.signed)
		}
	}
	for range 2 {
		got, err := c.RenewByToken(ctx, d.token(t, c.Audience(stepca.OpRenew)))
		took("renew by token", got, err, d.key.Public())
	}
	next := stationtest.NewKey(t, "P-384")
	got, err := c.Rekey(ctx, d.cert(), stationtest.NewCSR(t, next, d.id))
	took("rekey", got, err, next.Public())
	d.key = next

	why := stepca.Revocation{Reason: stepca.CessationOfOperation, Text: "decommissioned"}
	for i, want := range []bool{false, true} {
		done, err := c.Revoke(ctx, d.cert(), why)
		if err != nil || done.Already != want {
			t.Fatalf("revocation %d: got %+v, %v, want Already %v", i+1, done, err, want)
		}
	}
	_, err = c.Renew(ctx, d.cert())
	wantClass(t, "renew after revoke", err, stepca.ErrRevoked)
	_, err = c.Rekey(ctx, d.cert(), stationtest.NewCSR(t, stationtest.NewKey(t, "P-256"), d.id))
	wantClass(t, "rekey after revoke", err, stepca.ErrRevoked)

	checkDatabase(t, db, serials, serials[len(serials)-1])
}

// checkDatabase: the CA's own tables hold exactly the certificates that we know of, and the one revocation.
func checkDatabase(t *testing.T, db *stationtest.Postgres, serials []string, revoked string) {
	t.Helper()
	issued := map[string]bool{}
	for line := range strings.Lines(db.SQL(t, db.URL, "SELECT convert_from(nkey, 'UTF8') FROM x509_certs")) {
		issued[strings.TrimSpace(line)] = true
	}
	for _, s := range serials {
		if !issued[s] {
			t.Errorf("certificate %s is not in the CA's database: %v", s, issued)
		}
	}
	if len(issued) != len(serials) {
		t.Errorf("got %d certificates in the CA's database, want %d: %v", len(issued), len(serials), issued)
	}
	row := db.SQL(t, db.URL, "SELECT convert_from(nkey, 'UTF8'), convert_from(nvalue, 'UTF8') FROM revoked_x509_certs")
	if strings.Count(row, "\n") != 0 || !strings.HasPrefix(row, revoked+"|") || !strings.Contains(row, `"ReasonCode":5`) ||
		!strings.Contains(row, `"Reason":"decommissioned"`) {
		t.Errorf("got revocations %q in the CA's database, want %s alone, reason 5", row, revoked)
	}
}

// Revoking without the device: the provisioner's key comes from the CA and opens with a password.
func TestRealRevoker(t *testing.T) {
	t.Parallel()
	ca := stationtest.StartStepCA(t, stationtest.StepCAConfig{Password: "correct horse", Extra: []string{"admin"}})
	c, ctx := clientOf(t, ca), t.Context()
	password := stepca.NewSecret([]byte("correct horse"))

	list, err := c.Provisioners(ctx)
	if err != nil || len(list) != 2 {
		t.Fatalf("got %d provisioners, %v, want 2", len(list), err)
	}
	for what, tc := range map[string]struct {
		name, password string
		want           error
	}{
		"wrong password":      {"iot-bridge", "correct hors", stepca.ErrPassword},
		"no password":         {"iot-bridge", "", stepca.ErrPassword},
		"one of two":          {"", "correct horse", stepca.ErrProvisioner},
		"unknown":             {"nobody", "correct horse", stepca.ErrProvisioner},
		"key that stays away": {"admin", "correct horse", stepca.ErrProvisioner},
	} {
		_, err := c.Revoker(ctx, tc.name, stepca.NewSecret([]byte(tc.password)))
		wantClass(t, what, err, tc.want)
		if strings.Contains(err.Error(), "correct") {
			t.Errorf("%s: the password is in the error: %v", what, err)
		}
	}
	r, err := c.Revoker(ctx, "iot-bridge", password)
	if err != nil {
		t.Fatal(err)
	}
	d, other := enroll(t, ca, "edge-0001", ""), enroll(t, ca, "edge-0002", "")
	serial := d.leaf(t).SerialNumber
	for i, want := range []bool{false, true} {
		done, err := r.Revoke(ctx, serial, stepca.Revocation{Reason: stepca.KeyCompromise})
		if err != nil || done.Already != want {
			t.Fatalf("revocation %d: got %+v, %v, want Already %v", i+1, done, err, want)
		}
	}
	_, err = c.Renew(ctx, d.cert())
	wantClass(t, "renew by mTLS after revoke", err, stepca.ErrRevoked)
	_, err = c.RenewByToken(ctx, d.token(t, c.Audience(stepca.OpRenew)))
	wantClass(t, "renew by token after revoke", err, stepca.ErrRevoked)
	if _, err := c.Renew(ctx, other.cert()); err != nil {
		t.Errorf("renew of another device: %v", err)
	}

	token, err := r.Token(other.leaf(t).SerialNumber)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.RevokeByToken(ctx, serial, token, stepca.Revocation{})
	wantClass(t, "a token for another certificate", err, stepca.ErrDenied)
	_, err = c.RevokeByToken(ctx, other.leaf(t).SerialNumber, token, stepca.Revocation{})
	wantClass(t, "a token that was used", err, stepca.ErrDenied)
	// Documented: the CA does not know what it never issued, and says ok.
	unknown, err := stepca.ParseSerial("0x1234567890abcdef")
	if err != nil {
		t.Fatal(err)
	}
	if done, err := r.Revoke(ctx, unknown, stepca.Revocation{}); err != nil || done.Already {
		t.Errorf("a number that was never issued: got %+v, %v, want ok", done, err)
	}
}

// Tokens go both ways between this package and the step CLI: step revokes with one of ours, and we with one of its own.
func TestRealStepRevokes(t *testing.T) {
	t.Parallel()
	program := stationtest.Program(t, "step")
	ca := stationtest.StartStepCA(t, stationtest.StepCAConfig{Password: "correct horse"})
	c, ctx := clientOf(t, ca), t.Context()
	step := func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(ctx, program, append(args, "--ca-url", ca.URL, "--root", ca.Root)...)
		cmd.Env = append(os.Environ(), "STEPPATH="+t.TempDir())
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("step %s: %v\n%s", args[1], err, stderr.String())
		}
		return strings.TrimSpace(string(out))
	}
	r, err := c.Revoker(ctx, "", stepca.NewSecret([]byte("correct horse")))
	if err != nil {
		t.Fatal(err)
	}
	d := enroll(t, ca, "edge-0001", "")
	serial := d.leaf(t).SerialNumber
	token, err := r.Token(serial)
	if err != nil {
		t.Fatal(err)
	}
	step("ca", "revoke", serial.String(), "--token", string(token.Reveal()))
	if done, err := r.Revoke(ctx, serial, stepca.Revocation{}); err != nil || !done.Already {
		t.Errorf("after step's revocation: got %+v, %v, want revoked before", done, err)
	}
	_, err = c.Renew(ctx, d.cert())
	wantClass(t, "renew", err, stepca.ErrRevoked)

	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("correct horse"), 0o600); err != nil {
		t.Fatal(err)
	}
	serial = enroll(t, ca, "edge-0002", "").leaf(t).SerialNumber
	made := step("ca", "token", serial.String(), "--revoke", "--provisioner", ca.Provisioner, "--provisioner-password-file", password)
	if done, err := c.RevokeByToken(ctx, serial, stepca.NewSecret([]byte(made)), stepca.Revocation{}); err != nil || done.Already {
		t.Errorf("with step's token: got %+v, %v, want revoked now", done, err)
	}
}

// Documented: the CA answers a provisioner whose renewal is switched off as it answers a revoked certificate.
func TestRealRenewalOff(t *testing.T) {
	t.Parallel()
	ca := stationtest.StartStepCA(t, stationtest.StepCAConfig{Claims: map[string]any{"disableRenewal": true}})
	c, d := clientOf(t, ca), enroll(t, ca, "edge-0001", "")
	_, err := c.Renew(t.Context(), d.cert())
	wantClass(t, "mTLS", err, stepca.ErrRevoked)
	_, err = c.RenewByToken(t.Context(), d.token(t, c.Audience(stepca.OpRenew)))
	wantClass(t, "token", err, stepca.ErrRevoked)
}

// An expired certificate is told apart, whichever way it tries to renew; so are keys and tokens that do not fit.
func TestRealRefusals(t *testing.T) {
	t.Parallel()
	ca := stationtest.StartStepCA(t, stationtest.StepCAConfig{
		Backdate: "0s", Claims: map[string]any{"minTLSCertDuration": "1s", "maxTLSCertDuration": "24h", "defaultTLSCertDuration": "24h"},
	})
	c, ctx := clientOf(t, ca), t.Context()
	d := enroll(t, ca, "edge-0001", "2s")
	good := enroll(t, ca, "edge-0002", "")
	until(t, d.leaf(t).NotAfter.Add(time.Second))
	_, err := c.Renew(ctx, d.cert())
	wantClass(t, "renew by mTLS", err, stepca.ErrExpired)
	var e *stepca.Error
	if errors.As(err, &e); e.Status != 0 {
		t.Errorf("renew by mTLS: got status %d, want none: it fails in TLS", e.Status)
	}
	_, err = c.Rekey(ctx, d.cert(), stationtest.NewCSR(t, d.key, d.id))
	wantClass(t, "rekey by mTLS", err, stepca.ErrExpired)
	_, err = c.Revoke(ctx, d.cert(), stepca.Revocation{})
	wantClass(t, "revoke by mTLS", err, stepca.ErrExpired)
	_, err = c.RenewByToken(ctx, d.token(t, c.Audience(stepca.OpRenew)))
	wantClass(t, "renew by token", err, stepca.ErrExpired)

	// The CA takes no token for a certificate that lives less than a minute, so this is one of the usual length, too.
	old := enroll(t, ca, "edge-0003", "")
	old.chain[0] = ca.Expired(old.key.Public(), old.id)
	_, err = c.RenewByToken(ctx, old.token(t, c.Audience(stepca.OpRenew)))
	wantClass(t, "renew by token, a day after its end", err, stepca.ErrExpired)

	_, err = c.RenewByToken(ctx, good.token(t, "https://elsewhere.example/1.0/renew"))
	wantClass(t, "a token for another CA", err, stepca.ErrDenied)
	_, err = c.RenewByToken(ctx, good.token(t, c.Audience(stepca.OpRevoke)))
	wantClass(t, "a token for another operation", err, stepca.ErrDenied)
	thief := good
	thief.key = d.key
	_, err = c.RenewByToken(ctx, thief.token(t, c.Audience(stepca.OpRenew)))
	wantClass(t, "a token by another key", err, stepca.ErrDenied)
	stranger := good
	pki := stationtest.NewPKI(t)
	stranger.chain = [][]byte{pki.Issue(t, stationtest.NewCSR(t, good.key, good.id)), pki.Sub.Cert.Raw, pki.ICA.Cert.Raw}
	_, err = c.Renew(ctx, stranger.cert())
	wantClass(t, "another CA's certificate", err, stepca.ErrDenied)
	short := good
	short.chain = good.chain[:1]
	if _, err = c.Renew(ctx, short.cert()); err != nil {
		t.Errorf("the leaf alone: got %v: the CA knows its intermediates", err)
	}
	_, err = c.RenewByToken(ctx, short.token(t, c.Audience(stepca.OpRenew)))
	wantClass(t, "a token with the leaf alone", err, stepca.ErrDenied)
	used := good.token(t, c.Audience(stepca.OpRenew))
	if _, err = c.RenewByToken(ctx, used); err != nil {
		t.Errorf("a token: %v", err)
	}
	_, err = c.RenewByToken(ctx, used) // documented: not told apart
	wantClass(t, "a token that was used", err, stepca.ErrRevoked)
	// No class: nothing was sent.
	if _, err := c.Renew(ctx, thief.cert()); !errors.Is(err, stepca.ErrArgument) {
		t.Errorf("a key that is not the certificate's: got %v, want ErrArgument", err)
	}
	other := client(t, ca.URL, stepca.Config{Roots: poolOf(pki.Root.Cert)})
	_, err = other.Renew(ctx, good.cert())
	wantClass(t, "another pinned root, renew", err, stepca.ErrUntrusted)
	_, err = other.RenewByToken(ctx, good.token(t, c.Audience(stepca.OpRenew)))
	wantClass(t, "another pinned root, token", err, stepca.ErrUntrusted)
	wantClass(t, "another pinned root, health", other.Health(ctx), stepca.ErrUntrusted)
	wantClass(t, "another base path", client(t, ca.URL+"/pki", stepca.Config{Roots: poolOf(ca.PKI.Root.Cert)}).Health(ctx), stepca.ErrPath)
}

// Behind a real proxy that ends TLS mTLS is lost, and said so; tokens get through.
func TestRealProxy(t *testing.T) {
	t.Parallel()
	ca := stationtest.StartStepCA(t, stationtest.StepCAConfig{CRL: map[string]any{"enabled": true, "generateOnRevoke": true}})
	cert, key := ca.PKI.ServerFiles(t)
	proxy := stationtest.StartNginx(t, cert, key, "/pki", ca.URL)
	c, ctx := client(t, proxy.URL, stepca.Config{Roots: poolOf(ca.PKI.Root.Cert), Name: strings.TrimPrefix(ca.URL, "https://")}), t.Context()
	if err := c.Health(ctx); err != nil {
		t.Fatalf("health: %v", err)
	}
	d := enroll(t, ca, "edge-0001", "")
	_, err := c.Renew(ctx, d.cert())
	wantClass(t, "renew by mTLS", err, stepca.ErrNoClientCert)
	_, err = c.Rekey(ctx, d.cert(), stationtest.NewCSR(t, d.key, d.id))
	wantClass(t, "rekey", err, stepca.ErrNoClientCert)
	_, err = c.Revoke(ctx, d.cert(), stepca.Revocation{})
	wantClass(t, "revoke by mTLS", err, stepca.ErrNoClientCert)
	for range 2 {
		got, err := c.RenewByToken(ctx, d.token(t, c.Audience(stepca.OpRenew)))
		if err != nil {
			t.Fatalf("renew by token: %v", err)
		}
		d.take(got)
	}
	r, err := c.Revoker(ctx, "", stepca.NewSecret([]byte("hunter2")))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Revoke(ctx, d.leaf(t).SerialNumber, stepca.Revocation{}); err != nil {
		t.Fatalf("revoke by token: %v", err)
	}
	list, err := c.CRL(ctx, trustOf(ca.PKI))
	if _, ok := list.Revoked(d.leaf(t).SerialNumber); err != nil || !ok {
		t.Errorf("CRL through the proxy: got revoked %v, %v, want true", ok, err)
	}
	ca.Stop()
	wantClass(t, "CA behind the proxy is gone", c.Health(ctx), stepca.ErrServer)
	proxy.Stop()
	wantClass(t, "proxy is gone", c.Health(ctx), stepca.ErrUnreachable)
}

func trustOf(p *stationtest.PKI) stepca.CRLTrust {
	return stepca.CRLTrust{
		Intermediates: []*x509.Certificate{p.Sub.Cert, p.ICA.Cert}, Roots: []*x509.Certificate{p.Root.Cert},
	}
}
