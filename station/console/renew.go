package console

import (
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"math/big"
	"regexp"
	"strconv"
	"time"

	"provstation/serialproto"
	"provstation/station"
	"provstation/station/pki"
)

var _ station.Renewer = (*line)(nil)

// proofAudience is the only kind of audience that a token is signed for: a name of the station's making under .invalid.
var proofAudience = regexp.MustCompile(`^https://[0-9a-f]{32}\.proof\.invalid/renew$`)

// Token has an enrolled box show that it has its key: it signs a renewal token that no CA takes. One for a CA is refused, so that
// nobody gets a certificate for a box from its console.
func (l *line) Token(ctx context.Context, audience string, now time.Time) (station.RenewalToken, error) {
	if !proofAudience.MatchString(audience) {
		return station.RenewalToken{}, missing(l, "a renewal by the station")
	}
	chain, _, err := l.Certificates(ctx)
	if err != nil {
		return station.RenewalToken{}, err
	}
	if len(chain) == 0 {
		return station.RenewalToken{}, badAnswer("token: the box holds no certificate")
	}
	leaf, subject, err := tokenSubject(chain[0])
	if err != nil {
		return station.RenewalToken{}, badAnswer("token: the box's certificate: %v", err)
	}
	if err := l.loadSign(ctx); err != nil {
		return station.RenewalToken{}, err
	}
	text, err := l.ask(ctx, keyTime, "have the box sign a renewal token", command("token", audience, subject, strconv.FormatInt(now.Unix(), 10)))
	if err != nil {
		return station.RenewalToken{}, err
	}
	m := fields(text)
	claims, err1 := base64.StdEncoding.DecodeString(m["claims"])
	der, err2 := base64.StdEncoding.DecodeString(m["sig"])
	if err := errors.Join(err1, err2); err != nil {
		return station.RenewalToken{}, badAnswer("token: %v", err)
	}
	sig, err := jwsSignature(leaf, der)
	if err != nil {
		return station.RenewalToken{}, badAnswer("token: %v", err)
	}
	token, c, err := serialproto.Token(serialproto.TokenResult{Claims: claims, Signature: sig}, leaf.PublicKey, chain, audience, subject)
	if err != nil {
		return station.RenewalToken{}, badAnswer("%v", err)
	}
	sum := sha256.Sum256(chain[0])
	return station.RenewalToken{
		Leaf: sum[:], Token: station.NewSecret([]byte(token)), Issued: time.Unix(c.Issued, 0).UTC(), Expires: time.Unix(c.Expires, 0).UTC(),
	}, nil
}

// tokenSubject is the name in a box's certificate, which the box writes into JSON: none that is not a device id.
func tokenSubject(der []byte) (leaf *x509.Certificate, subject string, err error) {
	if leaf, err = x509.ParseCertificate(der); err != nil {
		return nil, "", err
	}
	if err := pki.ValidDeviceID(leaf.Subject.CommonName); err != nil {
		return nil, "", err
	}
	return leaf, leaf.Subject.CommonName, nil
}

// jwsSignature puts a signature as openssl writes it (RFC 3279 2.2.3) into the form of JWS (RFC 7518 3.4).
func jwsSignature(leaf *x509.Certificate, der []byte) ([]byte, error) {
	k, ok := leaf.PublicKey.(*ecdsa.PublicKey)
	if !ok {
		return der, nil
	}
	var v struct{ R, S *big.Int }
	n := (k.Curve.Params().BitSize + 7) / 8
	rest, err := asn1.Unmarshal(der, &v)
	if err != nil || len(rest) > 0 || v.R.Sign() <= 0 || v.S.Sign() <= 0 || v.R.BitLen() > 8*n || v.S.BitLen() > 8*n {
		return nil, errors.New("the signature is no ECDSA signature")
	}
	out := make([]byte, 2*n)
	v.R.FillBytes(out[:n])
	v.S.FillBytes(out[n:])
	return out, nil
}

// Renew is nothing that is done without an agent: the box's own step renews in place, or a new enrollment does.
func (l *line) Renew(context.Context, station.EnrollID, []byte, bool) (station.Readback, error) {
	return nil, missing(l, "a renewal by the station")
}

// CommitRenewal is as Renew.
func (l *line) CommitRenewal(context.Context, station.EnrollID, []byte) (station.Readback, error) {
	return nil, missing(l, "a renewal by the station")
}

// SetRenewal is as Renew.
func (l *line) SetRenewal(context.Context, station.EnrollID, string, string) error {
	return missing(l, "a renewal of its own")
}
