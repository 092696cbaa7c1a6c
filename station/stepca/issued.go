package stepca

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"time"
)

// Issued is what the CA answers to renew and rekey: shape and key are checked, everything else is still to be judged.
type Issued struct {
	Leaf       []byte   // DER
	Chain      [][]byte // DER: issuing Sub-CA first, no root
	Serial     string   // the leaf's serial number, decimal
	NotBefore  time.Time
	NotAfter   time.Time
	ServerTime time.Time // the answer's Date; zero: it had none
}

// parseIssued reads {"crt", "ca", "certChain": [leaf, sub, ...]}. spki is the DER of the public key that the leaf must be
// for. With an error it still gives the leaf's DER if it was there, since that certificate exists now.
func parseIssued(rep reply, spki []byte) (Issued, []byte, error) {
	o, err := parseObject(rep)
	if err != nil {
		return Issued{}, nil, err
	}
	leafPEM, caPEM := o.text("crt", true), o.text("ca", true)
	leaf, err := oneCertificate(leafPEM, "crt")
	if err != nil {
		return Issued{}, nil, first(o.err, err)
	}
	texts := []string{leafPEM, caPEM}
	if list := o.list("certChain", false, maxChain); len(list) > 0 {
		texts = texts[:0]
		for _, raw := range list {
			s, ok := asText(raw)
			if !ok {
				o.fail("certChain holds something else than texts")
			}
			texts = append(texts, s)
		}
	}
	if o.err != nil {
		return Issued{}, leaf.Raw, o.err
	}
	chain, err := parseChain(texts, leaf, caPEM)
	if err != nil {
		return Issued{}, leaf.Raw, err
	}
	if !bytes.Equal(leaf.RawSubjectPublicKeyInfo, spki) {
		return Issued{}, leaf.Raw, fmt.Errorf("%w: %w", ErrAnswer, ErrOtherKey)
	}
	return Issued{
		Leaf: leaf.Raw, Chain: chain, Serial: leaf.SerialNumber.String(), NotBefore: leaf.NotBefore, NotAfter: leaf.NotAfter,
		ServerTime: rep.serverTime,
	}, leaf.Raw, nil
}

// parseChain checks that the chain is the leaf, then CA certificates, the first of them the one named apart.
func parseChain(texts []string, leaf *x509.Certificate, caPEM string) ([][]byte, error) {
	ca, err := oneCertificate(caPEM, "ca")
	if err != nil {
		return nil, err
	}
	var chain [][]byte
	for i, text := range texts {
		cert, err := oneCertificate(text, fmt.Sprintf("certificate %d of the chain", i+1))
		switch {
		case err != nil:
			return nil, err
		case i == 0 && (!cert.Equal(leaf) || cert.IsCA):
			return nil, fmt.Errorf("%w: the chain does not begin with the leaf", ErrAnswer)
		case i > 0 && (!cert.BasicConstraintsValid || !cert.IsCA):
			return nil, fmt.Errorf("%w: certificate %d of the chain is not a CA's", ErrAnswer, i+1)
		case i == 1 && !cert.Equal(ca):
			return nil, fmt.Errorf("%w: ca and certChain differ", ErrAnswer)
		}
		chain = append(chain, cert.Raw)
	}
	if len(chain) < 2 {
		return nil, fmt.Errorf("%w: no CA certificate behind the leaf", ErrAnswer)
	}
	return chain[1:], nil
}

func oneCertificate(text, what string) (*x509.Certificate, error) {
	list, err := parsePEM([]byte(text), 1)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return list[0], nil
}

// parsePEM reads one certificate or more, at most limit, and nothing else.
func parsePEM(data []byte, limit int) ([]*x509.Certificate, error) {
	var list []*x509.Certificate
	for len(bytes.TrimSpace(data)) > 0 {
		// encoding/pem skips what it does not know; another reader may not.
		data = bytes.TrimLeft(data, " \t\r\n")
		block, rest := pem.Decode(data)
		if block == nil || block.Type != "CERTIFICATE" || len(block.Headers) > 0 || len(list) == limit ||
			!bytes.HasPrefix(data, []byte("-----BEGIN CERTIFICATE-----")) {
			return nil, fmt.Errorf("%w: want PEM certificates, at most %d, and nothing else", ErrAnswer, limit)
		}
		if len(block.Bytes) > maxCertificate {
			return nil, fmt.Errorf("%w: a certificate of %d bytes", ErrAnswer, len(block.Bytes))
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%w: certificate %d: %w", ErrAnswer, len(list)+1, printable(err))
		}
		list, data = append(list, cert), rest
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%w: no certificate", ErrAnswer)
	}
	return list, nil
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
