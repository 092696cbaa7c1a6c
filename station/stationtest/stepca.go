package stationtest

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.step.sm/crypto/jose"
	"go.step.sm/crypto/pemutil"
)

// StepCAConfig says what a real step-ca is to be like. The zero value is what the recorded tenant runs: certificates for
// 24 hours, clientAuth alone, no CRL.
type StepCAConfig struct {
	PKI      *PKI           // nil: a fresh one. Its Sub-CA signs
	Claims   map[string]any // of the JWK provisioner; nil: 5m, 24h, 24h
	Backdate string         // "": 1m0s
	CRL      map[string]any // nil: off
	// CRLPointers are put into each leaf as cRLDistributionPoints.
	CRLPointers []string
	Postgres    string // URL of its database; "": badger files
	Password    string // closes the provisioner's key; "": "hunter2"
	NoKey       bool   // the CA does not give the provisioner's key
	// Extra are JWK provisioners beside, by name, all with keys of their own that the CA does not give.
	Extra []string
	Names []string // dnsNames beside 127.0.0.1 and localhost
}

// StepCA is a real step-ca process.
type StepCA struct {
	*Process
	PKI         *PKI
	URL         string
	Root        string // PEM file
	Fingerprint string // of the root
	Provisioner string // name of the JWK provisioner

	t    testing.TB
	key  *jose.JSONWebKey
	http *http.Client
}

const stepCAProvisioner = "iot-bridge"

// StartStepCA starts step-ca and returns when it serves.
func StartStepCA(t testing.TB, cfg StepCAConfig) *StepCA {
	t.Helper()
	program := Program(t, "step-ca")
	if cfg.PKI == nil {
		cfg.PKI = NewPKI(t)
	}
	dir, addr := t.TempDir(), fmt.Sprintf("127.0.0.1:%d", FreePort(t))
	sum := sha256.Sum256(cfg.PKI.Root.Cert.Raw)
	roots := x509.NewCertPool()
	roots.AddCert(cfg.PKI.Root.Cert)
	s := &StepCA{
		PKI: cfg.PKI, URL: "https://" + addr, Root: filepath.Join(dir, "root.pem"), Fingerprint: hex.EncodeToString(sum[:]),
		Provisioner: stepCAProvisioner, t: t, key: newJWK(t),
		http: &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{
			DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		}},
	}
	s.Process = Start(t, program, s.configure(dir, addr, cfg))
	s.WaitLine("Serving HTTPS on")
	return s
}

// NewJWK makes a provisioner's key.
func newJWK(t testing.TB) *jose.JSONWebKey {
	t.Helper()
	key, err := jose.GenerateJWK("EC", "P-256", "ES256", "sig", "", 0)
	if err == nil {
		key.KeyID, err = jose.Thumbprint(key)
	}
	if err != nil {
		t.Fatalf("make a provisioner's key: %v", err)
	}
	return key
}

// leafTemplate makes what the tenant's step-ca makes: clientAuth alone, CA:FALSE, no pointers unless asked for.
const leafTemplate = `{
  "subject": {"organization": "CDM IoT Platform", "organizationalUnit": "Devices", "commonName": {{ toJson .Subject.CommonName }}},
  "sans": {{ toJson .SANs }}, "keyUsage": ["digitalSignature"], "extKeyUsage": ["clientAuth"],
  "basicConstraints": {"isCA": false}, "crlDistributionPoints": %s
}`

// configure writes ca.json and what it refers to.
func (s *StepCA) configure(dir, addr string, cfg StepCAConfig) string {
	t := s.t
	t.Helper()
	must := func(data []byte, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatalf("configure step-ca: %v", err)
		}
		return data
	}
	pointers := []byte("[]")
	if cfg.CRLPointers != nil {
		pointers = must(json.Marshal(cfg.CRLPointers))
	}
	if cfg.Claims == nil {
		cfg.Claims = map[string]any{"minTLSCertDuration": "5m", "maxTLSCertDuration": "24h", "defaultTLSCertDuration": "24h"}
	}
	own := map[string]any{
		"type": "JWK", "name": s.Provisioner, "key": s.key.Public(), "claims": cfg.Claims,
		"options": map[string]any{"x509": map[string]string{"template": fmt.Sprintf(leafTemplate, pointers)}},
	}
	if !cfg.NoKey {
		own["encryptedKey"] = EncryptJWK(t, s.key, first(cfg.Password, "hunter2"))
	}
	provisioners := []any{own}
	for _, name := range cfg.Extra {
		provisioners = append(provisioners, map[string]any{"type": "JWK", "name": name, "key": newJWK(t).Public()})
	}
	db := map[string]string{"type": "badgerv2", "dataSource": filepath.Join(dir, "db")}
	if cfg.Postgres != "" {
		db = map[string]string{"type": "postgresql", "dataSource": cfg.Postgres, "database": databaseOf(t, cfg.Postgres)}
	}
	config := map[string]any{
		"root": s.Root, "crt": filepath.Join(dir, "chain.pem"), "key": filepath.Join(dir, "key.pem"),
		"address": addr, "dnsNames": append([]string{"127.0.0.1", "localhost"}, cfg.Names...),
		"logger": map[string]string{"format": "text"}, "db": db,
		"authority": map[string]any{"backdate": first(cfg.Backdate, "1m0s"), "provisioners": provisioners},
		"tls":       map[string]any{"minVersion": 1.2, "maxVersion": 1.3, "renegotiation": false},
	}
	if cfg.CRL != nil {
		config["crl"] = cfg.CRL
	}
	block, err := pemutil.Serialize(s.PKI.Sub.Key)
	if err != nil {
		t.Fatalf("configure step-ca: %v", err)
	}
	for name, data := range map[string][]byte{
		"root.pem": []byte(s.PKI.Root.PEM()), "chain.pem": []byte(s.PKI.Sub.PEM() + s.PKI.ICA.PEM()),
		"key.pem": pem.EncodeToMemory(block), "ca.json": must(json.MarshalIndent(config, "", " ")),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatalf("configure step-ca: %v", err)
		}
	}
	return filepath.Join(dir, "ca.json")
}

// EncryptJWK closes a key with a password as step does (PBES2), as a compact JWE.
func EncryptJWK(t testing.TB, key *jose.JSONWebKey, password string) string {
	t.Helper()
	box, err := jose.EncryptJWK(key, []byte(password))
	if err != nil {
		t.Fatalf("close a provisioner's key: %v", err)
	}
	text, err := box.CompactSerialize()
	if err != nil {
		t.Fatalf("close a provisioner's key: %v", err)
	}
	return text
}

func first(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}

// Token is a one-time token of the JWK provisioner for an operation ("sign", "revoke").
func (s *StepCA) Token(op, subject string) string {
	s.t.Helper()
	opts := (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", s.key.KeyID)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: s.key.Key}, opts)
	if err != nil {
		s.t.Fatalf("token: %v", err)
	}
	var jti [16]byte
	_, _ = rand.Read(jti[:])
	now := time.Now()
	text, err := jose.Signed(signer).Claims(jose.Claims{
		ID: hex.EncodeToString(jti[:]), Issuer: s.Provisioner, Subject: subject, Audience: jose.Audience{s.URL + "/1.0/" + op},
		NotBefore: jose.NewNumericDate(now.Add(-time.Minute)), IssuedAt: jose.NewNumericDate(now),
		Expiry: jose.NewNumericDate(now.Add(5 * time.Minute)),
	}).Claims(map[string]any{"sans": []string{subject}}).CompactSerialize()
	if err != nil {
		s.t.Fatalf("token: %v", err)
	}
	return text
}

// Enroll has the CA sign a CSR (DER) as the bridge does, and gives leaf, Sub-CA and ICA in DER. life is the certificate's,
// such as "5s"; "" is the provisioner's default.
func (s *StepCA) Enroll(csr []byte, id, life string) [][]byte {
	s.t.Helper()
	ask := map[string]string{
		"csr": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: csr})), "ott": s.Token("sign", id),
	}
	if life != "" {
		ask["notAfter"] = life
	}
	body, err := json.Marshal(ask)
	if err != nil {
		s.t.Fatalf("enroll: %v", err)
	}
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.URL+"/1.0/sign", bytes.NewReader(body))
	if err != nil {
		s.t.Fatalf("enroll: %v", err)
	}
	res, err := s.http.Do(req)
	if err != nil {
		s.t.Fatalf("enroll: %v", err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusCreated {
		s.t.Fatalf("enroll: status %d, %v: %s", res.StatusCode, err, data)
	}
	var answer struct {
		Chain []string `json:"certChain"`
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		s.t.Fatalf("enroll: %v", err)
	}
	var chain [][]byte
	for _, text := range answer.Chain {
		block, _ := pem.Decode([]byte(text))
		if block == nil {
			s.t.Fatalf("enroll: no PEM in %q", text)
		}
		chain = append(chain, block.Bytes)
	}
	return chain
}

// Expired makes a certificate (DER) that looks like one of the CA's own of two days ago and ended a day ago.
func (s *StepCA) Expired(pub crypto.PublicKey, id string) []byte {
	s.t.Helper()
	// step-ca's extension that names the provisioner: type 1 is JWK.
	own, err := asn1.Marshal(struct {
		Type     int
		Name, ID []byte
	}{1, []byte(s.Provisioner), []byte(s.key.KeyID)})
	if err != nil {
		s.t.Fatal(err)
	}
	return Sign(s.t, s.PKI.Sub, &x509.Certificate{
		Subject: pkix.Name{CommonName: id}, DNSNames: []string{id}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(-24 * time.Hour),
		ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 37476, 9000, 64, 1}, Value: own}},
	}, pub)
}

// ServerFiles writes a TLS identity for a service on this machine, signed by the hierarchy's Sub-CA: chain and key, PEM.
func (p *PKI) ServerFiles(t testing.TB) (cert, key string) {
	t.Helper()
	signer := NewKey(t, "P-256")
	der := Sign(t, p.Sub, &x509.Certificate{
		Subject: pkix.Name{CommonName: "service.tenant.example"}, NotBefore: p.Now.Add(-time.Minute), NotAfter: p.Now.Add(24 * time.Hour),
		DNSNames: []string{"localhost", "tenant.example.com"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}, signer.Public())
	block, err := pemutil.Serialize(signer)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "server.pem"), filepath.Join(dir, "server-key.pem")
	for path, data := range map[string][]byte{cert: []byte(CertPEM(der) + p.Sub.PEM() + p.ICA.PEM()), key: pem.EncodeToMemory(block)} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// JWK is the provisioner's private key, for tokens that are wrong on purpose.
func (s *StepCA) JWK() *jose.JSONWebKey { return s.key }
