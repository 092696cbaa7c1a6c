package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// selfSigned is a certificate, PEM.
func selfSigned(t *testing.T, name string, isCA bool) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: isCA, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func TestKnownCA(t *testing.T) {
	sub, root := selfSigned(t, "sub", true), selfSigned(t, "root", true)
	for name, row := range map[string]struct {
		text string
		want string // error; empty: none
	}{
		"chain":          {sub + root, ""},
		"empty":          {"", "0 certificates, want 1 to 8"},
		"too many":       {strings.Repeat(root, 9), "9 certificates, want 1 to 8"},
		"a leaf":         {sub + selfSigned(t, "box", false), "certificate 2 is not a CA's"},
		"no certificate": {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "certificate 1: x509"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "ca.pem")
			if err := os.WriteFile(path, []byte(row.text), 0o600); err != nil {
				t.Fatal(err)
			}
			o := options{knownCA: path, reenroll: "never", model: "box", serial: "1"}
			cfg, err := agentConfig(o, slog.New(slog.DiscardHandler))
			if row.want == "" {
				if err != nil || len(cfg.Anchors) != 2 || cfg.Anchors[1].Subject.CommonName != "root" {
					t.Errorf("got %d certificates (%v), want both in order", len(cfg.Anchors), err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), row.want) || !strings.Contains(err.Error(), path) || len(cfg.Anchors) > 0 {
				t.Errorf("got %v, want %q with the file's name", err, row.want)
			}
		})
	}
}
