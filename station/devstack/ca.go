package devstack

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"

	"go.step.sm/crypto/keyutil"
	"go.step.sm/crypto/pemutil"
	"go.step.sm/crypto/x509util"
)

// authority is the three-tier PKI. Path lengths are 2, 1 and 0: a third tier below the usual 1 and 0 never validates.
type authority struct {
	dir             string
	root, ica, sub  *x509.Certificate
	subKey          crypto.Signer
	now             func() time.Time
	leafValidity    time.Duration
	leafBackdate    time.Duration
	serverValidity  time.Duration
	platform, group string
	extensions      []pkix.Extension                // put into each leaf
	crlPoints       []string                        // cRLDistributionPoints of each leaf
	keep            func(c *x509.Certificate) error // told of each leaf before anybody has it; nil: nobody keeps them
}

const (
	rootFile = "root.pem"
	icaFile  = "provider-ica.pem"
	subFile  = "tenant-sub-ca.pem"
	subKey   = "tenant-sub-ca-key.pem"
)

// loadAuthority reads the PKI in dir, or makes one. The keys of root and ICA are not kept: nothing signs with them again.
func loadAuthority(dir string, now func() time.Time) (*authority, error) {
	a := &authority{
		dir: dir, now: now, leafValidity: 24 * time.Hour, leafBackdate: time.Minute, serverValidity: 30 * 24 * time.Hour,
		platform: "CDM IoT Platform", group: "Devices",
	}
	switch _, err := os.Stat(a.path(subKey)); {
	case err == nil:
		return a, a.read()
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("tenant PKI: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("tenant PKI: %w", err)
	}
	return a, a.create()
}

func (a *authority) path(name string) string { return filepath.Join(a.dir, name) }

func (a *authority) read() error {
	for name, to := range map[string]**x509.Certificate{rootFile: &a.root, icaFile: &a.ica, subFile: &a.sub} {
		c, err := pemutil.ReadCertificate(a.path(name))
		if err != nil {
			return fmt.Errorf("tenant PKI: %w", err)
		}
		*to = c
	}
	key, err := pemutil.Read(a.path(subKey))
	if err != nil {
		return fmt.Errorf("tenant PKI: %w", err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return fmt.Errorf("tenant PKI: %s holds no private key", a.path(subKey))
	}
	a.subKey = signer
	return nil
}

func (a *authority) create() error {
	now := a.now()
	var keys [3]crypto.Signer
	for i := range keys {
		k, err := keyutil.GenerateSigner("EC", "P-256", 0)
		if err != nil {
			return fmt.Errorf("tenant PKI: %w", err)
		}
		keys[i] = k
	}
	tiers := []struct {
		cn      string
		pathLen int
		years   int
		file    string
		to      **x509.Certificate
	}{
		{"Provider Root CA", 2, 10, rootFile, &a.root},
		{"Provider Intermediate CA", 1, 5, icaFile, &a.ica},
		{"Demo Tenant Issuing CA", 0, 2, subFile, &a.sub},
	}
	for i, t := range tiers {
		tmpl := &x509.Certificate{
			Subject: pkix.Name{CommonName: t.cn}, NotBefore: now.Add(-5 * time.Minute), NotAfter: now.AddDate(t.years, 0, 0),
			KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, BasicConstraintsValid: true, IsCA: true,
			MaxPathLen: t.pathLen, MaxPathLenZero: t.pathLen == 0,
		}
		parent, signer := tmpl, keys[i]
		if i > 0 {
			parent, signer = *tiers[i-1].to, keys[i-1]
		}
		c, err := x509util.CreateCertificate(tmpl, parent, keys[i].Public(), signer)
		if err != nil {
			return fmt.Errorf("tenant PKI: %s: %w", t.cn, err)
		}
		*t.to = c
		if err := os.WriteFile(a.path(t.file), certPEM(c), 0o644); err != nil { //nolint:gosec // certificates are public
			return fmt.Errorf("tenant PKI: %w", err)
		}
	}
	a.subKey = keys[2]
	if err := writeKey(a.path(subKey), keys[2]); err != nil {
		return fmt.Errorf("tenant PKI: %w", err)
	}
	return nil
}

// writeKey writes a private key, readable by its owner from its first byte, and whole: the key file is what says that
// the PKI exists.
func writeKey(path string, key crypto.Signer) error {
	block, err := pemutil.Serialize(key)
	if err != nil {
		return err
	}
	tmp := path + ".new"
	if err := os.WriteFile(tmp, pem.EncodeToMemory(block), 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}

// signLeaf is the built-in Sub-CA: a device certificate as the tenant's step-ca issues it.
func (a *authority) signLeaf(csr *x509.CertificateRequest, id string) (*x509.Certificate, error) {
	now := a.now()
	leaf, err := x509util.CreateCertificate(&x509.Certificate{
		Subject:   pkix.Name{Organization: []string{a.platform}, OrganizationalUnit: []string{a.group}, CommonName: id},
		NotBefore: now.Add(-a.leafBackdate), NotAfter: now.Add(a.leafValidity), DNSNames: []string{id},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true, CRLDistributionPoints: a.crlPoints, ExtraExtensions: a.extensions,
	}, a.sub, csr.PublicKey, a.subKey)
	if err == nil && a.keep != nil {
		err = a.keep(leaf)
	}
	return leaf, err
}

// server makes a TLS identity for a service on this machine.
func (a *authority) server(cn string) (tls.Certificate, error) {
	key, err := keyutil.GenerateSigner("EC", "P-256", 0)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("server certificate: %w", err)
	}
	now := a.now()
	c, err := x509util.CreateCertificate(&x509.Certificate{
		Subject: pkix.Name{CommonName: cn}, NotBefore: now.Add(-5 * time.Minute), NotAfter: now.Add(a.serverValidity),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}, a.sub, key.Public(), a.subKey)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("server certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{c.Raw, a.sub.Raw, a.ica.Raw}, PrivateKey: key, Leaf: c}, nil
}

// fingerprint is the root's: SHA-256 of its DER, hex.
func (a *authority) fingerprint() string {
	sum := sha256.Sum256(a.root.Raw)
	return hex.EncodeToString(sum[:])
}

func certPEM(certs ...*x509.Certificate) []byte {
	var b bytes.Buffer
	for _, c := range certs {
		_ = pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}) // a bytes.Buffer never fails
	}
	return b.Bytes()
}

// ServerFiles writes a TLS identity for a service on this machine (certificate chain and key, PEM) into dir: a broker of
// its own joins the stack with them.
func (s *Stack) ServerFiles(dir string) (cert, key string, err error) {
	id, err := s.pki.server("service.tenant.example")
	if err != nil {
		return "", "", err
	}
	signer, ok := id.PrivateKey.(crypto.Signer)
	if !ok {
		return "", "", errors.New("server files: no private key")
	}
	cert, key = filepath.Join(dir, "server.pem"), filepath.Join(dir, "server-key.pem")
	if err := os.WriteFile(cert, certPEM(id.Leaf, s.pki.sub, s.pki.ica), 0o600); err != nil {
		return "", "", fmt.Errorf("server files: %w", err)
	}
	if err := writeKey(key, signer); err != nil {
		return "", "", fmt.Errorf("server files: %w", err)
	}
	return cert, key, nil
}
