package pki

import (
	"crypto/x509"
	"fmt"
	"slices"
	"time"
)

// checkLeaf judges a device certificate by itself, in the order a person would want to hear it.
func checkLeaf(leaf *x509.Certificate, p *Policy) *Error {
	if p.PublicKey != nil && !sameKey(leaf.PublicKey, p.PublicKey) {
		return finding(CheckKeyMismatch, "the certificate is for another key than the CSR")
	}
	if f := checkCN(leaf.RawSubject, p.DeviceID); f != nil {
		return f
	}
	if f := checkSAN(leaf.Extensions, p.DeviceID, false); f != nil {
		return f
	}
	if leaf.IsCA {
		return finding(CheckIsCA, "the device certificate is CA:TRUE")
	}
	if f := checkLeafUsage(leaf, p.ClientAuthOnly); f != nil {
		return f
	}
	if leaf.Version != 3 {
		return finding(CheckBadCertificate, fmt.Sprintf("certificate version %d, want 3", leaf.Version))
	}
	// RFC 5280 4.1.2.2
	if leaf.SerialNumber.Sign() <= 0 || leaf.SerialNumber.BitLen() > 160 {
		return finding(CheckSerial, "the serial number is not a positive number of at most 20 bytes")
	}
	if _, err := KeyTypeOf(leaf.PublicKey); err != nil {
		return findingErr(CheckKeyType, "the device certificate's key", err)
	}
	if f := checkCommon(leaf, p); f != nil {
		return f
	}
	if p.MaxBackdate > 0 && p.Now.Sub(leaf.NotBefore) > p.MaxBackdate {
		return finding(CheckBackdated, fmt.Sprintf("valid from %s, more than %s ago", stamp(leaf.NotBefore), p.MaxBackdate))
	}
	return nil
}

func checkLeafUsage(leaf *x509.Certificate, clientAuthOnly bool) *Error {
	if leaf.KeyUsage&x509.KeyUsageDigitalSignature == 0 {
		return finding(CheckKeyUsage, "keyUsage lacks digitalSignature")
	}
	if leaf.KeyUsage&(x509.KeyUsageCertSign|x509.KeyUsageCRLSign) != 0 {
		return finding(CheckKeyUsage, "keyUsage lets a device sign certificates or CRLs")
	}
	eku := leaf.ExtKeyUsage
	switch {
	case slices.Contains(eku, x509.ExtKeyUsageAny):
		return finding(CheckAnyEKU, "extendedKeyUsage has anyExtendedKeyUsage")
	case slices.Contains(eku, x509.ExtKeyUsageClientAuth):
		if clientAuthOnly && len(eku)+len(leaf.UnknownExtKeyUsage) > 1 {
			return finding(CheckExtraEKU, "extendedKeyUsage has more than clientAuth")
		}
		return nil
	case slices.Contains(eku, x509.ExtKeyUsageServerAuth):
		return finding(CheckServerAuthOnly, "extendedKeyUsage has serverAuth but no clientAuth")
	default:
		return finding(CheckNoClientAuth, "extendedKeyUsage has no clientAuth")
	}
}

// checkCommon judges what holds for every certificate of a chain.
func checkCommon(c *x509.Certificate, p *Policy) *Error {
	if w := weak(c); w != "" {
		return finding(CheckWeakKey, name(c)+": "+w)
	}
	if len(c.UnhandledCriticalExtensions) > 0 {
		return finding(CheckCriticalExtension, fmt.Sprintf("%s has an unknown critical extension %s", name(c), c.UnhandledCriticalExtensions[0]))
	}
	if p.Now.After(c.NotAfter) {
		return finding(CheckExpired, fmt.Sprintf("%s expired at %s, it is %s", name(c), stamp(c.NotAfter), stamp(p.Now)))
	}
	if p.Now.Add(p.ClockSkew).Before(c.NotBefore) {
		return finding(CheckNotYetValid, fmt.Sprintf("%s is valid from %s, it is %s", name(c), stamp(c.NotBefore), stamp(p.Now)))
	}
	return nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
