package devstack

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// signer is what stands behind the bridge: the built-in Sub-CA, or a real step-ca.
type signer interface {
	// sign returns leaf and issuing CA. A refusal is a *caError.
	sign(ctx context.Context, csr *x509.CertificateRequest, id string) (leaf, ca *x509.Certificate, err error)
}

// caError is a CA's own refusal, as step-ca puts it.
type caError struct {
	status  int
	message string
}

func (e *caError) Error() string {
	return fmt.Sprintf("step-ca /1.0/sign returned %d: %s", e.status, e.body())
}

func (e *caError) body() string {
	b, _ := json.Marshal(struct { // strings and ints always marshal
		Status  int    `json:"status"`
		Message string `json:"message"`
	}{e.status, e.message})
	return string(b)
}

// startCA brings up what signs, in this process or beside it.
func (s *Stack) startCA(ctx context.Context) (sign signer, err error) {
	tenant := filepath.Join(s.cfg.StateDir, "tenant")
	if s.Provisioner, err = openProvisioner(s.pki.dir, tenant); err != nil {
		return nil, err
	}
	if err := s.pki.issueAs(s.Provisioner, s.cfg.CRL); err != nil {
		return nil, err
	}
	switch s.cfg.Signer {
	case "", SignerBuiltin:
		if s.own, err = newBuiltinCA(filepath.Join(tenant, "step-ca.json"), s.pki, s.Provisioner, s.cfg.CRL); err != nil {
			return nil, err
		}
		s.StepCAURL, err = s.serve(ctx, "ca.tenant.example", "", s.own.handler(), s.own.behind)
		return builtinSigner{s.pki}, err
	case SignerStepCA:
		program, err := findStepCA(s.cfg.StepCA)
		if err != nil {
			return nil, err
		}
		if s.ca, err = startStepCA(ctx, program, filepath.Join(s.cfg.StateDir, "step-ca"), s.pki, s.Provisioner, s.cfg); err != nil {
			return nil, err
		}
		s.StepCAURL = s.ca.url
		return s.ca, nil
	default:
		return nil, fmt.Errorf("unknown signer %q: builtin or step-ca", s.cfg.Signer)
	}
}

const forbidden = "The request was forbidden by the certificate authority: "

// builtinSigner refuses what step-ca refuses, in its words.
type builtinSigner struct{ a *authority }

func (s builtinSigner) sign(_ context.Context, csr *x509.CertificateRequest, id string) (leaf, ca *x509.Certificate, err error) {
	refuse := func(format string, args ...any) (*x509.Certificate, *x509.Certificate, error) {
		return nil, nil, &caError{403, forbidden + fmt.Sprintf(format, args...)}
	}
	if cn := csr.Subject.CommonName; cn != "" && cn != id {
		return refuse("certificate request does not contain the valid common name - got %s, want [%s %s].", cn, id, id)
	}
	if k, ok := csr.PublicKey.(*rsa.PublicKey); ok && k.N.BitLen() < 2048 {
		return refuse("certificate request RSA key must be at least 2048 bits (256 bytes).")
	}
	if len(csr.DNSNames) > 0 && !slices.Equal(csr.DNSNames, []string{id}) {
		return refuse("certificate request does not contain the valid DNS names - got [%s], want [%s].", strings.Join(csr.DNSNames, " "), id)
	}
	if len(csr.EmailAddresses) > 0 {
		return refuse("certificate request does not contain the valid email addresses - got %v, want [].", csr.EmailAddresses)
	}
	if len(csr.IPAddresses) > 0 {
		return refuse("certificate request does not contain the valid IP addresses - got %v, want [].", csr.IPAddresses)
	}
	if len(csr.URIs) > 0 {
		return refuse("certificate request does not contain the valid URIs - got %v, want [].", csr.URIs)
	}
	leaf, err = s.a.signLeaf(csr, id)
	if err != nil {
		return nil, nil, &caError{500, err.Error()}
	}
	return leaf, s.a.sub, nil
}
