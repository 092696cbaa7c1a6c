package console

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"provstation/station/stationtest"
)

// certOf is a key and a certificate with a name.
func certOf(t *testing.T, name string) (key, cert []byte) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: testTime, NotAfter: testTime.AddDate(1, 0, 0)}
	if cert, err = x509.CreateCertificate(rand.Reader, c, c, k.Public(), k); err != nil {
		t.Fatal(err)
	}
	if key, err = x509.MarshalPKCS8PrivateKey(k); err != nil {
		t.Fatal(err)
	}
	return key, cert
}

// TestTokenSubject: a name that would say more than a name in the claims is refused by the box, and by the station before that.
func TestTokenSubject(t *testing.T) {
	key, cert := certOf(t, "edge-1.example")
	dir := t.TempDir()
	for name, b := range map[string]*pem.Block{"key": {Type: "PRIVATE KEY", Bytes: key}, "device": {Type: "CERTIFICATE", Bytes: cert}, "flag": {Type: "X"}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	names := "B=" + quote(dir) + " P=" + quote(dir+"/own") + " FK=key FD=device FC=ca FW=wg FF=flag FO=\n"
	means := "H() { set -- $(sha256sum); echo $1; }\nE() { base64; }\nD() { base64 -d; }\n"
	script := names + means + dense(lookScript) + dense(workScript) + dense(signScript)
	ask := func(audience, subject, at string) map[string]string {
		out, err := exec.CommandContext(t.Context(), stationtest.Program(t, "dash"), "-c", script+command("token", audience, subject, at)).Output()
		m := fields(string(out))
		if err != nil && m["err"] == "" {
			t.Fatalf("%q: %v %s", subject, err, out)
		}
		return m
	}
	audience := "https://" + strings.Repeat("0a", 16) + ".proof.invalid/renew"
	for _, subject := range []string{"", `a","sub":"b`, `a\`, "a b", "a\nb", "$(id)", "é"} {
		if m := ask(audience, subject, "1700000000"); m["err"] != "refused" || m["sig"] != "" {
			t.Errorf("%q: got %v, want it refused", subject, m)
		}
		_, cert := certOf(t, subject)
		if _, _, err := tokenSubject(cert); err == nil {
			t.Errorf("%q: the station takes it", subject)
		}
	}
	if m := ask(audience, "edge-1", `1,"x":2`); m["err"] != "args" {
		t.Errorf("a time that is none: got %v", m)
	}
	claims, err := base64.StdEncoding.DecodeString(ask(audience, "edge-1.example", "1700000000")["claims"])
	var c struct {
		Sub, Aud string
		Iat      int64
	}
	if uerr := json.Unmarshal(claims, &c); err != nil || uerr != nil || c.Sub != "edge-1.example" || c.Aud != audience || c.Iat != 1700000000 {
		t.Errorf("got claims %s, %v, %v", claims, err, uerr)
	}
	if _, name, err := tokenSubject(cert); err != nil || name != "edge-1.example" {
		t.Errorf("got %q, %v", name, err)
	}
}
