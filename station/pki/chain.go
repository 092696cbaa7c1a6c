package pki

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"slices"
	"time"
)

// Chain is a device certificate with its verified path to a pinned root.
type Chain struct {
	Leaf          *x509.Certificate
	Intermediates []*x509.Certificate // issuing CA first: Tenant Sub-CA, Provider ICA
	Root          *x509.Certificate
}

// Device lists the certificates of device.pem: leaf, then intermediates. It is also what a TLS client presents.
func (c *Chain) Device() []*x509.Certificate {
	return append([]*x509.Certificate{c.Leaf}, c.Intermediates...)
}

// CAFile lists the certificates of ca-chain.pem: intermediates, then the root, without which OpenSSL accepts nothing.
func (c *Chain) CAFile() []*x509.Certificate {
	return append(slices.Clone(c.Intermediates), c.Root)
}

// DevicePEM is the content of device.pem.
func (c *Chain) DevicePEM() []byte { return EncodePEM(c.Device()...) }

// CAFilePEM is the content of ca-chain.pem.
func (c *Chain) CAFilePEM() []byte { return EncodePEM(c.CAFile()...) }

// DeviceDER is [Chain.Device] in DER.
func (c *Chain) DeviceDER() [][]byte { return raw(c.Device()) }

// CAFileDER is [Chain.CAFile] in DER: what crosses the wire beside the leaf.
func (c *Chain) CAFileDER() [][]byte { return raw(c.CAFile()) }

func raw(certs []*x509.Certificate) [][]byte {
	out := make([][]byte, len(certs))
	for i, c := range certs {
		out[i] = c.Raw
	}
	return out
}

// Fingerprint is the SHA-256 of the leaf's DER, 64 lower-case hex digits.
func (c *Chain) Fingerprint() string { return Fingerprint(c.Leaf) }

// RootFingerprint is the SHA-256 of the root's DER, 64 lower-case hex digits.
func (c *Chain) RootFingerprint() string { return Fingerprint(c.Root) }

// SPKIHash is the SHA-256 of the leaf's SubjectPublicKeyInfo.
func (c *Chain) SPKIHash() [32]byte { return sha256.Sum256(c.Leaf.RawSubjectPublicKeyInfo) }

// CertSerial is the leaf's serial number: lower-case hex of an even number of digits, without a prefix.
func (c *Chain) CertSerial() string { return hex.EncodeToString(c.Leaf.SerialNumber.Bytes()) }

// CertSerialDecimal is the leaf's serial number in decimal, as step-ca's revocation wants it.
func (c *Chain) CertSerialDecimal() string { return c.Leaf.SerialNumber.String() }

// AuthorityKeyID is the leaf's authority key identifier in hex, "" if it has none.
func (c *Chain) AuthorityKeyID() string { return hex.EncodeToString(c.Leaf.AuthorityKeyId) }

// Issuer is the certificate that signed the leaf.
func (c *Chain) Issuer() *x509.Certificate {
	if len(c.Intermediates) > 0 {
		return c.Intermediates[0]
	}
	return c.Root
}

// IssuerName is the common name of the leaf's issuer, safe for a terminal.
func (c *Chain) IssuerName() string { return clean(c.Leaf.Issuer.CommonName) }

// Subjects lists the common names of the chain, leaf first, safe for a terminal.
func (c *Chain) Subjects() []string {
	out := make([]string, 0, len(c.Intermediates)+2)
	for _, cert := range append(c.Device(), c.Root) {
		out = append(out, clean(cert.Subject.CommonName))
	}
	return out
}

// NotAfter is when the chain ends: the earliest notAfter in it. A leaf that outlives its issuer is dead with it.
func (c *Chain) NotAfter() time.Time {
	end := c.Leaf.NotAfter
	for _, cert := range c.CAFile() {
		if cert.NotAfter.Before(end) {
			end = cert.NotAfter
		}
	}
	return end
}

// Left is how long the chain still holds; negative once it has ended.
func (c *Chain) Left(now time.Time) time.Duration { return c.NotAfter().Sub(now) }

// DaysLeft is [Chain.Left] in whole days, rounded down.
func (c *Chain) DaysLeft(now time.Time) int {
	left, day := c.Left(now), 24*time.Hour
	if left < 0 {
		return -int((-left + day - 1) / day)
	}
	return int(left / day)
}

// CheckShelfLife says whether the chain holds for less than want from now on: an [*Error] with [CheckShelfLife], nil if it
// holds. A caller that only warns leaves [Policy].MinValidity zero and asks here.
func (c *Chain) CheckShelfLife(now time.Time, want time.Duration) error {
	if left := c.Left(now); left < want {
		return finding(CheckShelfLife, fmt.Sprintf("valid for %s more, until %s, policy wants %s", left.Round(time.Second), stamp(c.NotAfter()), want))
	}
	return nil
}
