package pki

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"strings"
)

// Bounds of what is read from outside.
const (
	DefaultMaxAnswer = 64 << 10  // bytes of PEM in certificate and ca_chain together
	MaxAnchorFile    = 256 << 10 // bytes of PEM in a file of roots or intermediates
	MaxChain         = 8         // certificates in an answer, and in a chain
	MaxAnchors       = 64        // certificates in a file of roots or intermediates
	MaxCertificate   = 16 << 10  // bytes of DER in one certificate
)

const (
	pemBegin = "-----BEGIN CERTIFICATE-----"
	pemEnd   = "-----END CERTIFICATE-----"
	pemSpace = " \t\r\n"
)

// refusePrivateKey looks before anything is parsed or could be quoted.
func refusePrivateKey(texts ...string) error {
	for _, t := range texts {
		if strings.Contains(strings.ToUpper(t), "PRIVATE KEY") {
			return finding(CheckPrivateKeyInAnswer, "there is a private key where only certificates belong")
		}
	}
	return nil
}

// parsePEM reads CERTIFICATE blocks with nothing but white space around and between them. encoding/pem skips what it does
// not know; here that is an error, because another reader may not skip it.
func parsePEM(text, what string, limit int) ([]*x509.Certificate, error) {
	var certs []*x509.Certificate
	rest := strings.Trim(text, pemSpace)
	for rest != "" {
		if len(certs) == limit {
			return nil, finding(CheckTooLarge, fmt.Sprintf("%s: more than %d certificates", what, limit))
		}
		body, ok := strings.CutPrefix(rest, pemBegin)
		if !ok {
			return nil, finding(CheckPEMJunk, fmt.Sprintf("%s: something else than a certificate at byte %d", what, len(text)-len(rest)))
		}
		b64, after, ok := strings.Cut(body, pemEnd)
		if !ok {
			return nil, finding(CheckPEMJunk, what+": a certificate without its end line")
		}
		if after != "" && !strings.ContainsRune("\r\n", rune(after[0])) {
			return nil, finding(CheckPEMJunk, what+": text after an end line")
		}
		cert, err := decodeCert(b64, what)
		if err != nil {
			return nil, err
		}
		certs = append(certs, cert)
		rest = strings.TrimLeft(after, pemSpace)
	}
	return certs, nil
}

func decodeCert(b64, what string) (*x509.Certificate, error) {
	if b64 == "" || !strings.ContainsRune("\r\n", rune(b64[0])) {
		return nil, finding(CheckPEMJunk, what+": text after a begin line")
	}
	// base64.Strict refuses spaces, headers and set trailing bits; newlines it skips by itself.
	der, err := base64.StdEncoding.Strict().DecodeString(b64)
	if err != nil {
		return nil, finding(CheckPEMJunk, what+": not base64 inside a certificate block")
	}
	return parseCert(der, what)
}

func parseCert(der []byte, what string) (*x509.Certificate, error) {
	if len(der) > MaxCertificate {
		return nil, finding(CheckTooLarge, fmt.Sprintf("%s: certificate of %d bytes, at most %d", what, len(der), MaxCertificate))
	}
	cert, err := x509.ParseCertificate(bytes.Clone(der))
	if err != nil {
		return nil, findingErr(CheckBadCertificate, what+": parse certificate", err)
	}
	return cert, nil
}

// EncodePEM writes certificates one after the other, as OpenSSL reads them from a file.
func EncodePEM(certs ...*x509.Certificate) []byte {
	var b bytes.Buffer
	for _, c := range certs {
		b.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
	}
	return b.Bytes()
}
