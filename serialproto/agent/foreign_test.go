package agent_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"provstation/serialproto"
	"provstation/serialproto/agent"
)

// scriptBox lays the files of the tenant's own enrollment script: SEC 1 key, leaf alone, the Sub-CA as CA file.
func scriptBox(t *testing.T, d *device, p pki, flag string) (leaf []byte) {
	t.Helper()
	key := newKey(t, "").(*ecdsa.PrivateKey)
	sec1, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	csr, err := x509.CreateCertificateRequest(nil, &x509.CertificateRequest{}, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf = p.leaf(t, csr)
	for name, content := range map[string][]byte{
		"device-key.pem": pemOf("EC PRIVATE KEY", sec1),
		"device.pem":     pemOf("CERTIFICATE", leaf),
		"ca-chain.pem":   pemOf("CERTIFICATE", p.sub.cert.Raw),
		"wg0.conf":       []byte("[Interface]\nPrivateKey = x\nPostUp = reboot\n"),
		flag:             []byte("10.8.0.9\n"),
	} {
		if err := os.WriteFile(filepath.Join(d.dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d.reopen()
	return leaf
}

func TestScriptBoxIsAdopted(t *testing.T) {
	for _, flag := range []string{".enrolled", "enrolled"} {
		t.Run(flag, func(t *testing.T) {
			p := newPKI(t)
			d := newDevice(t, func(c *agent.Config) {
				c.StripWG = func([]byte) ([]byte, error) { return nil, errors.New("PostUp") }
			})
			leaf := scriptBox(t, d, p, flag)
			s := d.status()
			if s.State != serialproto.StateForeign || !bytes.Equal(s.Leaf, digestOf(leaf)) || len(s.SPKI) != 32 || s.Alg != serialproto.AlgP256 {
				t.Fatalf("got %+v, want a foreign box with its leaf and key", s)
			}
			if w := d.agent.Welcome(serialproto.Hello{}); w.State != serialproto.StateForeign || !bytes.Equal(w.Leaf, s.Leaf[:16]) {
				t.Errorf("got welcome %+v, want foreign with its leaf", w)
			}
			var r serialproto.ReadResult
			d.want(serialproto.StatusOK, serialproto.ReadArgs{Op: serialproto.OpRead, Obj: serialproto.ObjLeaf}, &r)
			if len(r.Certs) != 1 || !bytes.Equal(r.Certs[0], leaf) {
				t.Errorf("leaf reads back differently")
			}
			d.want(serialproto.StatusLocked, enrollArgs(1), nil)
			d.want(serialproto.StatusLocked, lockArgs(1), nil)
			d.want(serialproto.StatusLocked, installArgs(1, leaf, p), nil)
			d.want(serialproto.StatusLocked, serialproto.SignTLS13Args{Op: serialproto.OpSignTLS13, Hash: make([]byte, 32), Scheme: 0x0403}, nil)
			d.want(serialproto.StatusOK, serialproto.AbortArgs{Op: serialproto.OpAbort}, nil)

			// Proven in place: it signs for a server that its own CA file vouches for.
			a := d.capture(p, serverConfig(t, p, ""))
			a.Certs = 1
			d.want(serialproto.StatusOK, a, nil)
			d.reopen()
			if got := d.status().Signatures; got != agent.DefaultMaxSignatures-1 {
				t.Errorf("got %d signatures left, want %d", got, agent.DefaultMaxSignatures-1)
			}
		})
	}
}

func TestScriptBoxIsReplacedOnlyWhenOpen(t *testing.T) {
	p := newPKI(t)
	d := newDevice(t, func(c *agent.Config) { c.Reenroll = serialproto.ReenrollOpen })
	leaf := scriptBox(t, d, p, ".enrolled")
	before := d.status().SPKI
	e, _ := d.installed(1, p)
	s := d.status()
	if s.State != serialproto.StateInstalled || s.Active != 0 || !bytes.Equal(s.ActiveSPKI, before) {
		t.Errorf("got %+v, want generation 1 beside the script's", s)
	}
	if b, err := os.ReadFile(filepath.Join(d.dir, "device.pem")); err != nil || !bytes.Contains(b, pemBody(leaf)) {
		t.Errorf("script's certificate is gone before LOCK (%v)", err)
	}
	d.want(serialproto.StatusOK, lockArgs(1), nil)
	if s = d.status(); s.State != serialproto.StateSealed || s.Active != 1 || bytes.Equal(s.SPKI, before) || e.Existing {
		t.Errorf("got %+v, want generation 1 sealed with a key of its own", s)
	}
	checkFiles(t, d.dir, map[string]string{".enrolled": "10.8.0.7", "wg0.conf": "Address = 10.8.0.7/32"})
}

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func pemBody(der []byte) []byte { return pemOf("CERTIFICATE", der) }
