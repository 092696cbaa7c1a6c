package devstack

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"provstation/station/stationtest"
	"provstation/station/stepca"
)

// bridged is a device that a stack's bridge enrolled.
type bridged struct {
	id  string
	key crypto.Signer
	tls.Certificate
}

func enrolled(t *testing.T, s *Stack, id string) *bridged {
	t.Helper()
	key := stationtest.NewKey(t, "P-256")
	leaf := certs(t, good(t, s, id, requestPEM(stationtest.NewCSR(t, key, id)))["certificate"])[0]
	return &bridged{id, key, tls.Certificate{Certificate: [][]byte{leaf.Raw, s.pki.sub.Raw, s.pki.ica.Raw}, PrivateKey: key, Leaf: leaf}}
}

// take makes what was issued the device's.
func (d *bridged) take(t *testing.T, got stepca.Issued, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	d.Certificate.Certificate = append([][]byte{got.Leaf}, got.Chain...)
	d.Leaf = stationtest.ParseCert(t, got.Leaf)
}

// on is the device for a scenario's raw requests.
func (d *bridged) on(t *testing.T, s *Stack) *holder {
	site := &caSite{t: t, url: s.StepCAURL, pki: s.pki, prov: s.Provisioner.Name, key: s.Provisioner.key}
	return &holder{site, d.id, d.key, d.Certificate.Certificate}
}

// caClient is the station's own client, and a revoker that knows no more than the password's file.
func caClient(t *testing.T, s *Stack) (*stepca.Client, *stepca.Revoker) {
	t.Helper()
	c, err := stepca.New(s.StepCAURL, poolOf(s.pki.root))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	info, err := os.Stat(s.Provisioner.PasswordFile)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("password file: %v %v, want mode 0600", info, err)
	}
	password, err := os.ReadFile(s.Provisioner.PasswordFile)
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.Revoker(t.Context(), s.Provisioner.Name, stepca.NewSecret([]byte(strings.TrimSpace(string(password)))))
	if err != nil {
		t.Fatal(err)
	}
	return c, r
}

// both runs a test with either signer.
func both(t *testing.T, run func(t *testing.T, begin func(*testing.T, Config) *Stack)) {
	t.Run("builtin", func(t *testing.T) { run(t, start) })
	t.Run("step-ca", func(t *testing.T) { run(t, startReal) })
}

// A device's whole life at the stack's CA, as a station asks for it.
func TestCALife(t *testing.T) {
	both(t, func(t *testing.T, begin func(*testing.T, Config) *Stack) {
		s := begin(t, Config{})
		c, r := caClient(t, s)
		ctx, d := t.Context(), enrolled(t, s, "edge-0001")
		got, err := c.Renew(ctx, d.Certificate)
		d.take(t, got, err)
		got, err = c.RenewByToken(ctx, stepca.NewSecret([]byte(d.on(t, s).token())))
		d.take(t, got, err)
		key := stationtest.NewKey(t, "P-384")
		got, err = c.Rekey(ctx, d.Certificate, stationtest.NewCSR(t, key, d.id))
		d.take(t, got, err)
		d.key, d.PrivateKey = key, key
		trust := stepca.CRLTrust{Intermediates: []*x509.Certificate{s.pki.sub, s.pki.ica}, Roots: []*x509.Certificate{s.pki.root}}
		if list, err := c.CRL(ctx, trust); err != nil || list.On() {
			t.Errorf("a list that was not asked for: on %v, %v", list.On(), err)
		}
		for i, already := range []bool{false, true} {
			done, err := r.Revoke(ctx, d.Leaf.SerialNumber, stepca.Revocation{Reason: stepca.Superseded})
			if err != nil || done.Already != already {
				t.Fatalf("revocation %d: got %+v, %v", i+1, done, err)
			}
		}
		if done, err := c.Revoke(ctx, d.Certificate, stepca.Revocation{}); err != nil || !done.Already {
			t.Errorf("revoke by mTLS: got %+v, %v, want revoked before", done, err)
		}
		if _, err := c.Renew(ctx, d.Certificate); !errors.Is(err, stepca.ErrRevoked) {
			t.Errorf("renew after that: got %v, want ErrRevoked", err)
		}
		if _, err := c.Rekey(ctx, d.Certificate, stationtest.NewCSR(t, key, d.id)); !errors.Is(err, stepca.ErrRevoked) {
			t.Errorf("rekey after that: got %v, want ErrRevoked", err)
		}
	})
}

// With the list the broker refuses a revoked certificate, and only it; without one it knows of nothing.
func TestBrokerAndRevocations(t *testing.T) {
	both(t, func(t *testing.T, begin func(*testing.T, Config) *Stack) {
		for _, crl := range []bool{false, true} {
			t.Run(fmt.Sprintf("list %v", crl), func(t *testing.T) {
				s := begin(t, Config{CRL: crl})
				_, r := caClient(t, s)
				a, b := enrolled(t, s, "edge-0001"), enrolled(t, s, "edge-0002")
				in := func(d *bridged) bool {
					_, err := connect(t, s, d.id, &d.Certificate, tls.VersionTLS12)
					_, err13 := connect(t, s, d.id, &d.Certificate, tls.VersionTLS13)
					if (err == nil) != (err13 == nil) {
						t.Errorf("%s: TLS 1.2 %v, TLS 1.3 %v", d.id, err, err13)
					}
					return err == nil
				}
				if !in(a) || !in(b) {
					t.Fatal("a good device is refused")
				}
				if _, err := r.Revoke(t.Context(), a.Leaf.SerialNumber, stepca.Revocation{Reason: stepca.KeyCompromise}); err != nil {
					t.Fatal(err)
				}
				if got := in(a); got == crl {
					t.Errorf("the revoked device is let in: %v", got)
				}
				if !in(b) {
					t.Error("the other device is refused")
				}
				old := *s.pki
				old.crlPoints, old.keep = nil, nil
				// As mosquitto does: the list is not for a certificate that does not name its place.
				_, err := connect(t, s, "edge-0003", identity(t, &old, "edge-0003", old.sub, old.ica), tls.VersionTLS12)
				if (err != nil) != crl {
					t.Errorf("a certificate from before the list: got %v", err)
				}
			})
		}
	})
}

// A broker that cannot have the list lets nobody in.
func TestBrokerWithoutItsList(t *testing.T) {
	s := start(t, Config{CRL: true})
	d := enrolled(t, s, "edge-0001")
	for name, edit := range map[string]func(*revocations){
		"":               func(*revocations) {},
		"nobody answers": func(r *revocations) { r.url = "https://127.0.0.1:1/1.0/crl" },
		"no such page":   func(r *revocations) { r.url = s.StepCAURL + "/nothing" },
		"no list":        func(r *revocations) { r.url = s.StepCAURL + "/health" },
		"another CA's":   func(r *revocations) { r.issuer = s.pki.ica },
		"of yesterday":   func(r *revocations) { r.now = func() time.Time { return time.Now().Add(25 * time.Hour) } },
		"of tomorrow":    func(r *revocations) { r.now = func() time.Time { return time.Now().Add(-time.Hour) } },
	} {
		r := newRevocations(s.StepCAURL, s.pki)
		edit(r)
		if err := r.check(d.Leaf); (err == nil) != (name == "") {
			t.Errorf("%q: got %v", name, err)
		}
		r.close()
	}
}

// What the CA knows is there when the stack comes up again.
func TestCARemembers(t *testing.T) {
	both(t, func(t *testing.T, begin func(*testing.T, Config) *Stack) {
		dir := t.TempDir()
		s := begin(t, Config{StateDir: dir, CRL: true})
		c, r := caClient(t, s)
		ctx, a, b := t.Context(), enrolled(t, s, "edge-0001"), enrolled(t, s, "edge-0002")
		if _, err := r.Revoke(ctx, a.Leaf.SerialNumber, stepca.Revocation{Reason: stepca.KeyCompromise}); err != nil {
			t.Fatal(err)
		}
		used := b.on(t, s).token(claim("aud", "https://127.0.0.1/1.0/renew"))
		got, err := c.RenewByToken(ctx, stepca.NewSecret([]byte(used)))
		b.take(t, got, err)
		trust := stepca.CRLTrust{Intermediates: []*x509.Certificate{s.pki.sub, s.pki.ica}, Roots: []*x509.Certificate{s.pki.root}}
		before, err := c.CRL(ctx, trust)
		if err != nil {
			t.Fatal(err)
		}
		kid := s.Provisioner.key.KeyID
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}

		s = begin(t, Config{StateDir: dir, CRL: true})
		c, r = caClient(t, s)
		if s.Provisioner.key.KeyID != kid {
			t.Error("the provisioner has another key")
		}
		if _, err := c.Renew(ctx, a.Certificate); !errors.Is(err, stepca.ErrRevoked) {
			t.Errorf("renew what was revoked: got %v, want ErrRevoked", err)
		}
		if done, err := r.Revoke(ctx, a.Leaf.SerialNumber, stepca.Revocation{}); err != nil || !done.Already {
			t.Errorf("revoke again: got %+v, %v, want revoked before", done, err)
		}
		if _, err := c.RenewByToken(ctx, stepca.NewSecret([]byte(used))); !errors.Is(err, stepca.ErrRevoked) {
			t.Errorf("a token that was used: got %v, want refused", err)
		}
		got, err = c.RenewByToken(ctx, stepca.NewSecret([]byte(b.on(t, s).token())))
		b.take(t, got, err)
		after, err := c.CRL(ctx, trust)
		if err != nil || after.Number.Cmp(before.Number) <= 0 {
			t.Errorf("list: number %v after %v, %v", after.Number, before.Number, err)
		}
		if e, ok := after.Revoked(a.Leaf.SerialNumber); !ok || e.Reason != stepca.KeyCompromise {
			t.Errorf("list: got %+v, %v, want the revoked device's certificate", e, ok)
		}
	})
}

// What cannot be kept is not answered, and did not happen.
func TestCACannotWrite(t *testing.T) {
	dir := t.TempDir()
	s := start(t, Config{StateDir: dir})
	a := enrolled(t, s, "edge-0001")
	d := a.on(t, s)
	path := filepath.Join(dir, "tenant", "step-ca.json")
	move := func(to string) {
		s.own.records.mu.Lock()
		defer s.own.records.mu.Unlock()
		s.own.records.path = to
	}
	move(filepath.Join(dir, "gone", "x.json"))
	token, ott := d.token(), d.site.revokeToken(d.serial())
	for name, got := range map[string]said{
		"renew": d.site.renew(d), "renew by token": d.site.renewBy(token), "rekey": d.site.rekey(d, stationtest.NewCSR(t, d.key, d.id)),
		"revoke": d.site.revoke(d, d.serial(), ""), "revoke by token": d.site.revoke(nil, d.serial(), ott),
	} {
		if got.Status != http.StatusInternalServerError || !strings.Contains(got.Body, "Internal Server Error") || strings.Contains(got.Body, dir) {
			t.Errorf("%s: got %+v, want 500", name, got)
		}
	}
	if a := enroll(t, s, "edge-0002", deployed(csrPEM(t, "edge-0002"))); a.Status != http.StatusBadGateway {
		t.Errorf("enroll: got %+v, want 502", a)
	}
	move(path)
	for name, got := range map[string]said{"renew": d.site.renew(d), "renew by token": d.site.renewBy(token)} {
		if got.Status != http.StatusCreated {
			t.Errorf("%s afterwards: got %+v", name, got)
		}
	}
	if got := d.site.revoke(nil, d.serial(), ott); got.Status != http.StatusOK {
		t.Errorf("revoke by token afterwards: got %+v", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(`{"issued":`), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := Start(t.Context(), Config{StateDir: dir}); err == nil {
		_ = s.Close()
		t.Error("half a file is taken for records")
	}
}

// The documented commands, by the real step CLI.
func TestStepUsesTheCA(t *testing.T) {
	program := stationtest.Program(t, "step")
	both(t, func(t *testing.T, begin func(*testing.T, Config) *Stack) {
		s := begin(t, Config{})
		c, _ := caClient(t, s)
		home := t.TempDir()
		step := func(args ...string) string {
			t.Helper()
			cmd := exec.CommandContext(t.Context(), program, slices.Insert(slices.Clone(args), 2, "--ca-url", s.StepCAURL, "--root", s.Root)...)
			cmd.Env = append(os.Environ(), "STEPPATH="+home)
			var stderr strings.Builder
			cmd.Stderr = &stderr
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("step %s: %v\n%s", strings.Join(args[:2], " "), err, stderr.String())
			}
			return strings.TrimSpace(string(out))
		}
		files := func(d *bridged) (crt, key string) {
			der, err := x509.MarshalPKCS8PrivateKey(d.key)
			if err != nil {
				t.Fatal(err)
			}
			crt, key = filepath.Join(home, d.id+".pem"), filepath.Join(home, d.id+"-key.pem")
			for path, data := range map[string][]byte{
				crt: certPEM(d.Leaf, s.pki.sub, s.pki.ica), key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
			} {
				if err := os.WriteFile(path, data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			return crt, key
		}
		a, b := enrolled(t, s, "edge-0001"), enrolled(t, s, "edge-0002")
		crt, key := files(a)
		for _, args := range [][]string{{"ca", "renew", "--force", crt, key}, {"ca", "renew", "--force", "--mtls=false", crt, key}} {
			before, err := os.ReadFile(crt)
			if err != nil {
				t.Fatal(err)
			}
			step(args...)
			after, err := os.ReadFile(crt)
			if err != nil || string(before) == string(after) {
				t.Errorf("%v: the certificate is the same (%v)", args, err)
			}
		}
		text, err := os.ReadFile(crt)
		if err != nil {
			t.Fatal(err)
		}
		a.Leaf = certs(t, string(text))[0]
		a.Certificate.Certificate[0] = a.Leaf.Raw
		step("ca", "revoke", "--cert", crt, "--key", key)
		if _, err := c.Renew(t.Context(), a.Certificate); !errors.Is(err, stepca.ErrRevoked) {
			t.Errorf("renew after step ca revoke: got %v, want ErrRevoked", err)
		}
		serial := b.Leaf.SerialNumber.String()
		token := step("ca", "token", serial, "--revoke", "--provisioner", s.Provisioner.Name, "--provisioner-password-file", s.Provisioner.PasswordFile)
		step("ca", "revoke", serial, "--token", token)
		if _, err := c.Renew(t.Context(), b.Certificate); !errors.Is(err, stepca.ErrRevoked) {
			t.Errorf("renew after step ca revoke --token: got %v, want ErrRevoked", err)
		}
	})
}
