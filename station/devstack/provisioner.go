package devstack

import (
	"crypto"
	"crypto/rand"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"go.step.sm/crypto/jose"
	"go.step.sm/crypto/keyutil"
	"go.step.sm/crypto/pemutil"
)

// provisioner is the name of the JWK provisioner the bridge signs through.
const provisioner = "iot-bridge"

// Provisioner is the CA's JWK provisioner. The bridge signs through it, and whoever has its password revokes by it: the CA
// gives its private key to everybody, closed with the password.
type Provisioner struct {
	Name         string
	PasswordFile string

	password string
	key      *jose.JSONWebKey       // private
	closed   func() (string, error) // the key as a compact JWE; made when it is asked for first, since it takes a while
}

const provisionerKey = "provisioner-key.pem"

// openProvisioner reads the provisioner's key in pki and its password in dir, or makes them.
func openProvisioner(pki, dir string) (*Provisioner, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("provisioner: %w", err)
	}
	p := &Provisioner{Name: provisioner, PasswordFile: filepath.Join(dir, "step-ca.password")}
	var err error
	if p.password, err = filePassword(p.PasswordFile); err != nil {
		return nil, fmt.Errorf("provisioner: %w", err)
	}
	signer, err := fileKey(filepath.Join(pki, provisionerKey))
	if err != nil {
		return nil, fmt.Errorf("provisioner: %w", err)
	}
	p.key = &jose.JSONWebKey{Key: signer, Algorithm: jose.ES256, Use: "sig"}
	if p.key.KeyID, err = jose.Thumbprint(p.key); err != nil {
		return nil, fmt.Errorf("provisioner: %w", err)
	}
	p.closed = sync.OnceValues(func() (string, error) {
		box, err := jose.EncryptJWK(p.key, []byte(p.password)) // PBES2, as step does it
		if err != nil {
			return "", errors.New("provisioner: its key cannot be closed with its password")
		}
		return box.CompactSerialize()
	})
	return p, nil
}

// filePassword reads a password's file, or makes one.
func filePassword(path string) (string, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		password := rand.Text()
		return password, os.WriteFile(path, []byte(password+"\n"), 0o600)
	}
	return strings.TrimSpace(string(text)), err
}

// fileKey reads a P-256 key, or makes one.
func fileKey(path string) (crypto.Signer, error) {
	key, err := pemutil.Read(path)
	if errors.Is(err, fs.ErrNotExist) {
		signer, err := keyutil.GenerateSigner("EC", "P-256", 0)
		if err != nil {
			return nil, err
		}
		return signer, writeKey(path, signer)
	}
	if err != nil {
		return nil, err
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("%s holds no private key", path)
	}
	return signer, nil
}

// public is the provisioner's public key as a JWK.
func (p *Provisioner) public() (json.RawMessage, error) { return p.key.Public().MarshalJSON() }

// oidProvisioner is step-ca's extension that names who had a certificate signed. Without it, there is no renewal by token.
var oidProvisioner = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 37476, 9000, 64, 1}

// stepProvisioner is the extension's value.
type stepProvisioner struct {
	Type     int // 1: JWK
	Name, ID []byte
	Pairs    []string `asn1:"optional,omitempty"`
}

// extension is what step-ca puts into each certificate.
func (p *Provisioner) extension() (pkix.Extension, error) {
	value, err := asn1.Marshal(stepProvisioner{Type: 1, Name: []byte(p.Name), ID: []byte(p.key.KeyID)})
	return pkix.Extension{Id: oidProvisioner, Value: value}, err
}

// revocationURL is where the CA says that its list is published, and where certificates say so if there is a list: step-ca's
// default, the first of its names without a port.
const revocationURL = "https://127.0.0.1/1.0/crl"

// issueAs has the authority put into its certificates what a step-ca with this provisioner does.
func (a *authority) issueAs(p *Provisioner, crl bool) error {
	ext, err := p.extension()
	if err != nil {
		return fmt.Errorf("tenant PKI: %w", err)
	}
	a.extensions = []pkix.Extension{ext}
	if crl {
		a.crlPoints = []string{revocationURL}
	}
	return nil
}
