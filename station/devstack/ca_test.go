package devstack

import (
	"bytes"
	"crypto"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"provstation/station/stationtest"
	"provstation/station/stepca"
)

func TestPKI(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "pki")
	a, err := loadAuthority(dir, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range []struct {
		cn      string
		pathLen int
		got     int
		zero    bool
	}{
		{a.root.Subject.CommonName, 2, a.root.MaxPathLen, a.root.MaxPathLenZero},
		{a.ica.Subject.CommonName, 1, a.ica.MaxPathLen, a.ica.MaxPathLenZero},
		{a.sub.Subject.CommonName, 0, a.sub.MaxPathLen, a.sub.MaxPathLenZero},
	} {
		if c.got != c.pathLen || c.zero != (c.pathLen == 0) {
			t.Errorf("%s: path length %d (zero: %v), want %d", c.cn, c.got, c.zero, c.pathLen)
		}
		if want := []string{"Provider Root CA", "Provider Intermediate CA", "Demo Tenant Issuing CA"}[i]; c.cn != want {
			t.Errorf("tier %d is %q, want %q", i+1, c.cn, want)
		}
	}
	b, err := loadAuthority(dir, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if !a.root.Equal(b.root) || !a.ica.Equal(b.ica) || !a.sub.Equal(b.sub) || a.fingerprint() != b.fingerprint() {
		t.Error("the PKI read from disk is another")
	}
	if !b.subKey.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(a.sub.PublicKey) {
		t.Error("the key read from disk is not the Sub-CA's")
	}
}

// A PKI whose making was cut short is made again; one that is damaged is an error, never another PKI.
func TestPKIDamaged(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, rootFile), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := loadAuthority(dir, time.Now); err != nil {
		t.Fatalf("a PKI without a key yet: %v, want a new one", err)
	}
	for _, name := range []string{rootFile, icaFile, subFile, subKey} {
		path := filepath.Join(dir, name)
		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, good[:len(good)/2], 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := loadAuthority(dir, time.Now); err == nil {
			t.Errorf("half a %s is accepted", name)
		}
		if err := os.WriteFile(path, good, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// Every private key that the stack writes is its owner's alone, and so is every folder.
func TestPrivateFilesAreOwnersOnly(t *testing.T) {
	dir := t.TempDir()
	s := startReal(t, Config{StateDir: dir, Devices: 1, Quiet: true})
	good(t, s, "dev-001", csrPEM(t, "dev-001"))
	if _, _, err := s.ServerFiles(dir); err != nil {
		t.Fatal(err)
	}
	secrets := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil || info.Size() > 64<<10 || !info.Mode().IsRegular() { // a database maps gigabytes
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil || (!bytes.Contains(data, []byte("PRIVATE KEY")) && !bytes.Contains(data, []byte("server_key"))) {
			return err
		}
		secrets++
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, want 0600", path, info.Mode().Perm())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if secrets != 5 { // Sub-CA, its copy for step-ca, the service's, the tunnel server's, the provisioner's
		t.Errorf("found %d files with private keys, want 5", secrets)
	}
}

// verify asks openssl about a leaf, with a CA file and further certificates the peer sent.
func verify(t *testing.T, caFile, untrusted, leaf []byte) (string, error) {
	t.Helper()
	dir := t.TempDir()
	args := []string{"verify"}
	for name, data := range map[string][]byte{"-CAfile": caFile, "-untrusted": untrusted} {
		if data == nil {
			continue
		}
		file := filepath.Join(dir, strings.TrimPrefix(name, "-"))
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, name, file)
	}
	file := filepath.Join(dir, "leaf.pem")
	if err := os.WriteFile(file, leaf, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), stationtest.Program(t, "openssl"), append(args, file)...).CombinedOutput()
	return string(out), err
}

func TestOpenSSLJudgesTheTiers(t *testing.T) {
	s := start(t, Config{})
	leaf := []byte(good(t, s, "dev-001", csrPEM(t, "dev-001"))["certificate"])
	root, all := certPEM(s.pki.root), certPEM(s.pki.sub, s.pki.ica, s.pki.root)
	if out, err := verify(t, all, nil, leaf); err != nil {
		t.Errorf("the CA file alone: %v %s, want accepted", err, out)
	}
	if out, err := verify(t, root, certPEM(s.pki.sub, s.pki.ica), leaf); err != nil {
		t.Errorf("the root and the chain: %v %s, want accepted", err, out)
	}
	if out, err := verify(t, root, certPEM(s.pki.sub), leaf); err == nil {
		t.Errorf("a chain without the ICA: %s, want refused", out)
	}
	fourth := stationtest.NewCA(t, &stationtest.CA{Cert: s.pki.sub, Key: s.pki.subKey},
		stationtest.CATemplate("A fourth tier", 0, time.Now(), time.Hour))
	below := *s.pki
	below.sub, below.subKey = fourth.Cert, fourth.Key
	c, err := below.signLeaf(mustCSR(t, "dev-001"), "dev-001")
	if err != nil {
		t.Fatal(err)
	}
	if out, err := verify(t, root, certPEM(fourth.Cert, s.pki.sub, s.pki.ica), certPEM(c)); err == nil || !strings.Contains(out, "path length") {
		t.Errorf("a fourth tier: %v %s, want refused for its path length", err, out)
	}
}

// The endpoints without authentication are those of a real step-ca over the same PKI.
func TestRootsAsStepCAServesThem(t *testing.T) {
	dir := t.TempDir()
	builtin := start(t, Config{StateDir: dir})
	real := startReal(t, Config{StateDir: dir})
	print := builtin.RootPrint
	if print != real.RootPrint {
		t.Fatalf("got two roots, %s and %s", print, real.RootPrint)
	}
	for _, path := range []string{
		"/roots.pem", "/intermediates.pem", "/root/" + print, "/root/" + strings.ToUpper(print), "/root/" + strings.Repeat("00", 32),
		"/root/nonsense", "/health",
	} {
		for _, prefix := range []string{"", "/1.0"} {
			a, b := ask(t, builtin, http.MethodGet, builtin.StepCAURL+prefix+path, nil), ask(t, real, http.MethodGet, real.StepCAURL+prefix+path, nil)
			if b.Type == "application/json" && a.Type == b.Type {
				if diff := cmp.Diff(b.json(t), a.json(t)); diff != "" {
					t.Errorf("%s%s (-step-ca +built-in):\n%s", prefix, path, diff)
				}
				a.Body, b.Body = "", ""
			}
			if diff := cmp.Diff(b, a); diff != "" {
				t.Errorf("%s%s (-step-ca +built-in):\n%s", prefix, path, diff)
			}
		}
	}
	for name, s := range map[string]*Stack{"built-in": builtin, "step-ca": real} {
		root, err := stepca.FetchRoot(t.Context(), s.StepCAURL, s.RootPrint)
		if err != nil || !root.Equal(s.pki.root) {
			t.Errorf("%s: root by fingerprint: %v", name, err)
		}
		if _, err := stepca.FetchRoot(t.Context(), s.StepCAURL, strings.Repeat("0a", 32)); err == nil {
			t.Errorf("%s: got a root for a fingerprint of nothing", name)
		}
		c, err := stepca.New(s.StepCAURL, poolOf(s.pki.root))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		roots, err := c.Roots(t.Context())
		if err != nil || len(roots) != 1 || !roots[0].Equal(s.pki.root) {
			t.Errorf("%s: roots: %d %v, want the Provider Root CA", name, len(roots), err)
		}
		mid, err := c.Intermediates(t.Context())
		if err != nil || len(mid) != 2 || !mid[0].Equal(s.pki.sub) || !mid[1].Equal(s.pki.ica) {
			t.Errorf("%s: intermediates: %d %v, want Sub-CA and ICA", name, len(mid), err)
		}
	}
}

// The whole way through a real step-ca.
func TestStepCASigns(t *testing.T) {
	s := startReal(t, Config{})
	a := good(t, s, "dev-001", csrPEM(t, "dev-001"))
	rec := (answer{Body: recorded(t)["good"].Body}).json(t).(map[string]any)
	sameLeaf(t, certs(t, rec["certificate"].(string)), certs(t, a["certificate"]))
	if ca := certs(t, a["ca_chain"]); len(ca) != 1 || !ca[0].Equal(s.pki.sub) {
		t.Errorf("ca_chain holds %d certificates, want the Tenant Sub-CA alone", len(ca))
	}
	if out, err := verify(t, certPEM(s.pki.sub, s.pki.ica, s.pki.root), nil, []byte(a["certificate"])); err != nil {
		t.Errorf("openssl verify: %v %s", err, out)
	}
	pid := s.ca.cmd.Process.Pid
	if !alive(pid) {
		t.Fatal("step-ca does not run")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if alive(pid) {
		t.Errorf("step-ca (process %d) outlived its stack", pid)
	}
}

// A stack whose state directory was used before comes up again with step-ca's own database.
func TestStepCARestarts(t *testing.T) {
	dir := t.TempDir()
	first := startReal(t, Config{StateDir: dir})
	print := first.RootPrint
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := startReal(t, Config{StateDir: dir})
	if second.RootPrint != print {
		t.Errorf("got another root after a restart")
	}
	good(t, second, "dev-001", csrPEM(t, "dev-001"))
}

func TestStartFails(t *testing.T) {
	for name, cfg := range map[string]Config{
		"unknown signer":      {Signer: "magic"},
		"no such program":     {Signer: SignerStepCA, StepCA: "/nonexistent/step-ca"},
		"a program that ends": {Signer: SignerStepCA, StepCA: "/bin/false"},
		"no folder":           {StateDir: "/dev/null/x"},
	} {
		t.Run(name, func(t *testing.T) {
			if cfg.StateDir == "" {
				cfg.StateDir = t.TempDir()
			}
			s, err := Start(t.Context(), cfg)
			if err == nil {
				_ = s.Close()
				t.Fatal("it started, want an error")
			}
			if !strings.HasPrefix(err.Error(), "devstack: ") {
				t.Errorf("got %q, want it to say who failed", err)
			}
		})
	}
}

func TestPrivateStateOfTunnels(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "wireguard.json"), []byte(`{"server_key":"AAAA","addresses":null}`), 0o600); err != nil {
		t.Fatal(err)
	}
	tun, err := loadTunnels(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := tun.forKey("d", wgKey); err == nil || strings.Contains(err.Error(), "AAAA") {
		t.Errorf("got %v, want an error that does not quote the key", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "wireguard.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := loadTunnels(dir); err == nil {
		t.Error("a damaged file is taken for an empty one")
	}
	// Where an address cannot be kept, none is given out.
	tun.path = filepath.Join(dir, "gone", "wireguard.json")
	for range 2 {
		if _, err := tun.withKey("e"); err == nil {
			t.Error("got an address that is not on disk")
		}
	}
	if ids := slices.Collect(maps.Keys(tun.state.Addresses)); slices.Contains(ids, "e") {
		t.Errorf("ids with an address: %v, want none that was not stored", ids)
	}
	seen := map[string]bool{}
	for n := range maxTunnels {
		seen[address(n)] = true
	}
	if len(seen) != maxTunnels {
		t.Errorf("%d addresses for %d devices", len(seen), maxTunnels)
	}
}
