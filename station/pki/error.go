package pki

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Check names one kind of finding, in stable English.
type Check string

// Checks on a device id and a CSR.
const (
	CheckDeviceID     Check = "device-id"     // not a legal device id
	CheckBadCSR       Check = "bad-csr"       // not a PKCS #10 request
	CheckNotDER       Check = "not-der"       // BER, or bytes after the end
	CheckCSRSignature Check = "csr-signature" // no proof of possession
	CheckKeyType      Check = "key-type"      // key type not allowed by policy
	CheckSignatureAlg Check = "signature-alg" // signature algorithm does not fit the key
)

// Checks on the form of an answer.
const (
	CheckTooLarge           Check = "too-large"
	CheckPrivateKeyInAnswer Check = "private-key-in-answer"
	CheckPEMJunk            Check = "pem-junk"       // anything but CERTIFICATE blocks and white space
	CheckNoCertificate      Check = "no-certificate" // an empty certificate
	CheckBadCertificate     Check = "bad-certificate"
	CheckSeveralLeaves      Check = "several-leaves"
	CheckChainOrder         Check = "chain-order"
	CheckStray              Check = "stray-certificate" // a certificate that is no part of the chain
)

// Checks on a leaf.
const (
	CheckKeyMismatch    Check = "key-mismatch" // the leaf is for another key than the CSR
	CheckWrongCN        Check = "wrong-cn"
	CheckWrongSAN       Check = "wrong-san"
	CheckIsCA           Check = "is-ca"
	CheckKeyUsage       Check = "key-usage"
	CheckNoClientAuth   Check = "no-client-auth"
	CheckServerAuthOnly Check = "server-auth-only"
	CheckAnyEKU         Check = "any-eku"
	CheckExtraEKU       Check = "extra-eku" // more than clientAuth, where policy wants it alone
	CheckSerial         Check = "serial"
	CheckExpired        Check = "expired"
	CheckNotYetValid    Check = "not-yet-valid"
	CheckBackdated      Check = "backdated"
	CheckShelfLife      Check = "shelf-life"
)

// Checks on a chain and on trust anchors.
const (
	CheckOtherCA             Check = "other-ca"
	CheckMissingIntermediate Check = "missing-intermediate"
	CheckBadSignature        Check = "bad-signature"
	CheckKeyID               Check = "key-id" // authority key identifier does not name the issuer
	CheckNotACA              Check = "not-a-ca"
	CheckCAKeyUsage          Check = "ca-key-usage" // a CA whose keyUsage lacks keyCertSign
	CheckCAEKU               Check = "ca-eku"       // a CA whose EKU lacks clientAuth
	CheckPathLength          Check = "path-length"
	CheckWeakKey             Check = "weak-key" // weak key or weak signature hash
	CheckCriticalExtension   Check = "critical-extension"
	CheckPath                Check = "path" // crypto/x509 refuses a path that passed everything else
	CheckNoAnchor            Check = "no-anchor"
	CheckNotARoot            Check = "not-a-root"
	CheckFingerprint         Check = "fingerprint"
)

// Checks on what a TLS client signs.
const (
	CheckTranscript Check = "tls-transcript"
)

// Error is one finding.
type Error struct {
	Check  Check
	Detail string // facts for people: bounded, without control characters, never a secret
	Err    error  // the cause, where there is one
}

// Error says the check, the detail and the cause.
func (e *Error) Error() string {
	s := string(e.Check)
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	if e.Err != nil {
		s += ": " + clean(e.Err.Error())
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// CheckOf returns the check of the first [*Error] in err's chain, "" if there is none.
func CheckOf(err error) Check {
	var e *Error
	if errors.As(err, &e) {
		return e.Check
	}
	return ""
}

func finding(c Check, detail string) *Error { return &Error{Check: c, Detail: clean(detail)} }

func findingErr(c Check, detail string, err error) *Error {
	return &Error{Check: c, Detail: clean(detail), Err: err}
}

// maxDetail bounds what hostile text can put on a screen, in runes.
const maxDetail = 240

// clean makes text from outside safe for a terminal: no control or format characters, valid UTF-8, bounded.
func clean(s string) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n == maxDetail {
			b.WriteString("...")
			break
		}
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			continue
		}
		b.WriteRune(r)
		n++
	}
	return b.String()
}
