package stepca

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
)

// Revocation says why a certificate is revoked.
type Revocation struct {
	Reason Reason
	Text   string // for the CA's records; at most 200 characters
}

// Revoked is what came of a revocation. A success with either value means that the certificate is revoked.
type Revoked struct {
	Already bool // it was revoked before; its reason stays the earlier one
}

const maxRevokeText = 200

// Revoke has a certificate revoke itself by mTLS (POST /1.0/revoke). It does not get through a proxy that ends TLS.
func (c *Client) Revoke(ctx context.Context, cert tls.Certificate, why Revocation) (Revoked, error) {
	if len(cert.Certificate) == 0 {
		return Revoked{}, fmt.Errorf("revoke: %w: no certificate", ErrArgument)
	}
	leaf, err := x509.ParseCertificate(cert.Certificate[0])
	if err != nil {
		return Revoked{}, fmt.Errorf("revoke: %w: certificate: %w", ErrArgument, err)
	}
	r, err := revokeRequest(leaf.SerialNumber, Secret{}, why)
	if err != nil {
		return Revoked{}, err
	}
	rep, err := c.lent(ctx, &r, cert)
	if err != nil {
		return Revoked{}, err
	}
	return c.revoked(r, rep)
}

// RevokeByToken revokes any certificate with a one-time token of a provisioner, see [Revoker.Token].
func (c *Client) RevokeByToken(ctx context.Context, serial *big.Int, token Secret, why Revocation) (Revoked, error) {
	if token.Empty() || len(token.Reveal()) > maxToken {
		return Revoked{}, fmt.Errorf("revoke: %w: no token", ErrArgument)
	}
	r, err := revokeRequest(serial, token, why)
	if err != nil {
		return Revoked{}, err
	}
	rep, err := c.exchange(ctx, c.http, r)
	if err != nil {
		return Revoked{}, err
	}
	return c.revoked(r, rep)
}

func revokeRequest(serial *big.Int, token Secret, why Revocation) (request, error) {
	bad := func(reason string) (request, error) {
		return request{}, fmt.Errorf("revoke: %w: %s", ErrArgument, reason)
	}
	switch _, known := reasonWords[why.Reason]; {
	case serial == nil || serial.Sign() <= 0 || serial.BitLen() > maxSerial:
		return bad("not a certificate's serial number")
	case !known:
		return bad("no such reason")
	case why.Reason == RemoveFromCRL:
		return bad("removeFromCRL revokes nothing: whoever reads the CRL would go on accepting the certificate")
	}
	body, err := json.Marshal(struct {
		Serial     string `json:"serial"`
		OTT        string `json:"ott"`
		ReasonCode int    `json:"reasonCode"`
		Reason     string `json:"reason"`
		Passive    bool   `json:"passive"` // the CA knows no other way
	}{serial.String(), string(token.Reveal()), int(why.Reason), cut(clean(why.Text), maxRevokeText), true})
	if err != nil {
		return request{}, fmt.Errorf("revoke: %w", err)
	}
	return request{
		op: OpRevoke, path: "/1.0/revoke", post: true, body: body, scrub: string(token.Reveal()), limit: maxBody,
	}, nil
}

// revoked reads {"status": "ok"}. A certificate that is already revoked is what was wanted.
func (c *Client) revoked(r request, rep reply) (Revoked, error) {
	if rep.status == http.StatusBadRequest && says(rep, wordsAlready) {
		return Revoked{Already: true}, nil
	}
	if rep.status != http.StatusOK {
		return Revoked{}, c.refused(r, rep)
	}
	o, err := parseObject(rep)
	if err == nil {
		if status := o.text("status", true); o.err == nil && status != "ok" {
			o.fail("status is not ok")
		}
		err = o.err
	}
	if err != nil {
		return Revoked{}, c.fail(r.op, rep, err)
	}
	return Revoked{}, nil
}

func cut(s string, limit int) string {
	if r := []rune(s); len(r) > limit {
		return string(r[:limit])
	}
	return s
}
