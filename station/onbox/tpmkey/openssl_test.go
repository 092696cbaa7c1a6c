package tpmkey

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"provstation/serialproto"
	"provstation/station/stationtest"
)

// openssl runs it with its tpm2 provider on the TPM.
func openssl(t *testing.T, tpm *stationtest.SWTPM, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), stationtest.Program(t, "openssl"), args...)
	cmd.Env = append(os.Environ(), "TPM2OPENSSL_TCTI=cmd:"+stationtest.Program(t, "socat")+" - UNIX-CONNECT:"+tpm.Socket, "TSS2_LOG=all+none")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestOpenSSLReadsTheKey: the box's other programs use the key file through OpenSSL's tpm2 provider; without it they do not.
func TestOpenSSLReadsTheKey(t *testing.T) {
	if found, err := filepath.Glob("/usr/lib/*/ossl-modules/tpm2.so"); err != nil || len(found) == 0 {
		if os.Getenv(stationtest.RequireReal) == "1" {
			t.Fatal("tpm2-openssl is not installed: run `make test`, which installs it")
		}
		t.Skip("tpm2-openssl is not installed")
	}
	tpm := stationtest.StartSWTPM(t)
	k := keysAt(t, tpm.Device())
	s, blob := made(t, k, serialproto.AlgP256)
	dir := t.TempDir()
	file, msg, sig := filepath.Join(dir, "device-key.pem"), filepath.Join(dir, "msg"), filepath.Join(dir, "sig")
	for path, b := range map[string][]byte{file: blob, msg: []byte("to be signed")} {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := openssl(t, tpm, "pkey", "-in", file, "-pubout"); err == nil {
		t.Errorf("without the provider openssl reads it: %s", out)
	}
	provider := []string{"-provider", "tpm2", "-provider", "default", "-propquery", "?provider=tpm2"}
	out, err := openssl(t, tpm, append([]string{"pkey", "-in", file, "-pubout"}, provider...)...)
	block, _ := pem.Decode([]byte(out[max(strings.Index(out, "-----BEGIN"), 0):]))
	if err != nil || block == nil {
		t.Fatalf("openssl pkey: %v: %s", err, out)
	}
	pub, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil || !s.Public().(*ecdsa.PublicKey).Equal(pub) {
		t.Errorf("openssl sees another key (%v)", err)
	}
	if out, err := openssl(t, tpm, append([]string{"dgst", "-sha256", "-sign", file, "-out", sig}, append(provider, msg)...)...); err != nil {
		t.Fatalf("openssl dgst -sign: %v: %s", err, out)
	}
	got, err := os.ReadFile(sig)
	if err != nil {
		t.Fatal(err)
	}
	if digest := sha256.Sum256([]byte("to be signed")); !ecdsa.VerifyASN1(s.Public().(*ecdsa.PublicKey), digest[:], got) {
		t.Error("openssl's signature does not verify")
	}
}
