package pki_test

import (
	"crypto/x509"
	"strings"
	"testing"

	"provstation/station/pki"
	"provstation/station/stationtest"
)

func TestLoadAnchors(t *testing.T) {
	p := stationtest.NewPKI(t)
	leaf := stationtest.CertPEM(p.Issue(t, stationtest.NewCSR(t, stationtest.NewKey(t, "P-256"), id)))
	roots, err := pki.LoadRoots([]byte(p.Root.PEM()))
	if err != nil || len(roots) != 1 || !roots[0].Equal(p.Root.Cert) {
		t.Fatalf("roots: got %d, %v; want the one root", len(roots), err)
	}
	mids, err := pki.LoadIntermediates([]byte(p.Sub.PEM() + "\n" + p.ICA.PEM()))
	if err != nil || len(mids) != 2 {
		t.Fatalf("intermediates: got %d, %v; want 2", len(mids), err)
	}
	impostor := stationtest.NewPKI(t).Root // same name, another key
	forged := stationtest.Sign(t, impostor, stationtest.CATemplate("Provider Root CA", 2, p.Now, 1e15), p.Root.Key.Public())
	tests := []struct {
		name string
		load func([]byte) ([]*x509.Certificate, error)
		pem  string
		want pki.Check
	}{
		{"empty roots", pki.LoadRoots, "", pki.CheckNoCertificate},
		{"intermediate as root", pki.LoadRoots, p.ICA.PEM(), pki.CheckNotARoot},
		{"leaf as root", pki.LoadRoots, leaf, pki.CheckNotACA},
		{"root not signed by itself", pki.LoadRoots, stationtest.CertPEM(forged), pki.CheckNotARoot},
		{"root as intermediate", pki.LoadIntermediates, p.Root.PEM(), pki.CheckStray},
		{"leaf as intermediate", pki.LoadIntermediates, leaf, pki.CheckNotACA},
		{"junk", pki.LoadRoots, "# my roots\n" + p.Root.PEM(), pki.CheckPEMJunk},
		{"private key", pki.LoadRoots, p.Root.PEM() + keyPEM(t, p.Root.Key), pki.CheckPrivateKeyInAnswer},
		{"too large", pki.LoadRoots, strings.Repeat("\n", 1<<20), pki.CheckTooLarge},
		{"too many", pki.LoadRoots, strings.Repeat(p.Root.PEM(), 65), pki.CheckTooLarge},
	}
	for _, tt := range tests {
		certs, err := tt.load([]byte(tt.pem))
		if certs != nil || pki.CheckOf(err) != tt.want {
			t.Errorf("%s: got %d certificates, %v; want %s", tt.name, len(certs), err, tt.want)
		}
	}
}

func TestPinRoot(t *testing.T) {
	p, other := stationtest.NewPKI(t), stationtest.NewPKI(t)
	fp := pki.Fingerprint(p.Root.Cert)
	var colons []string
	for i := 0; i < len(fp); i += 2 {
		colons = append(colons, strings.ToUpper(fp[i:i+2]))
	}
	for _, form := range []string{fp, strings.ToUpper(fp), strings.Join(colons, ":")} {
		got, err := pki.PinRoot([]byte(other.Root.PEM()+p.Root.PEM()), form)
		if err != nil || !got.Equal(p.Root.Cert) {
			t.Errorf("%s: got %v, want the root", form, err)
		}
	}
	for name, bad := range map[string]string{
		"other root": pki.Fingerprint(other.Root.Cert), "short": fp[:62], "empty": "", "not hex": "z" + fp[1:],
		"intermediate's": pki.Fingerprint(p.ICA.Cert), "colons astray": strings.Repeat(":", 31) + fp,
	} {
		if got, err := pki.PinRoot([]byte(p.Root.PEM()), bad); got != nil || pki.CheckOf(err) != pki.CheckFingerprint {
			t.Errorf("%s: got %v, %v; want %s", name, got, err, pki.CheckFingerprint)
		}
		if pki.MatchesFingerprint(p.Root.Cert, bad) {
			t.Errorf("%s: matches, want not", name)
		}
	}
}
