package stepca

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
)

// Renew asks for a new certificate with the same key, subject and lifetime, by mTLS with the present one
// (POST /1.0/renew). cert holds the leaf, its chain where there is one, and as PrivateKey any crypto.Signer. The
// present certificate stays valid.
func (c *Client) Renew(ctx context.Context, cert tls.Certificate) (Issued, error) {
	return c.issue(ctx, request{op: OpRenew}, cert, nil)
}

// Rekey asks for a certificate with the same subject and lifetime for the key of a CSR (DER), by mTLS with the present
// certificate (POST /1.0/rekey). Only the key and the signature of the CSR count. The present certificate stays valid.
func (c *Client) Rekey(ctx context.Context, cert tls.Certificate, csr []byte) (Issued, error) {
	if len(csr) > maxCSR {
		return Issued{}, fmt.Errorf("rekey: %w: CSR of %d bytes", ErrArgument, len(csr))
	}
	req, err := x509.ParseCertificateRequest(csr)
	if err == nil {
		err = req.CheckSignature()
	}
	if err != nil {
		return Issued{}, fmt.Errorf("rekey: %w: CSR: %w", ErrArgument, err)
	}
	body, err := json.Marshal(map[string]string{
		"csr": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: csr})),
	})
	if err != nil {
		return Issued{}, fmt.Errorf("rekey: %w", err)
	}
	return c.issue(ctx, request{op: OpRekey, body: body}, cert, req.RawSubjectPublicKeyInfo)
}

// issue posts by mTLS. spki nil is the present certificate's.
func (c *Client) issue(ctx context.Context, r request, cert tls.Certificate, spki []byte) (Issued, error) {
	r.path, r.post, r.limit = "/1.0/"+string(r.op), true, maxBody
	rep, err := c.lent(ctx, &r, cert)
	if err != nil {
		return Issued{}, err
	}
	if spki == nil {
		spki = r.leaf.RawSubjectPublicKeyInfo
	}
	return c.issued(r, rep, spki)
}

// lent sends a request with a client certificate, on a connection of its own.
func (c *Client) lent(ctx context.Context, r *request, cert tls.Certificate) (reply, error) {
	if c.base.Scheme != "https" {
		return reply{}, fmt.Errorf("%s: %w: a client certificate needs https", r.op, ErrArgument)
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout) // for the signer, too
	defer cancel()
	loan, err := lend(ctx, cert)
	if err != nil {
		return reply{}, fmt.Errorf("%s: %w", r.op, err)
	}
	r.loan, r.leaf = loan, loan.cert.Leaf
	client := loan.client(c.cfg)
	defer client.CloseIdleConnections()
	return c.exchange(ctx, client, *r)
}

// RenewByToken asks for a new certificate with a token that the device signed (POST /1.0/renew, Authorization: Bearer):
// a JWS whose header x5cInsecure holds leaf and chain. It works where a proxy ends TLS. The token's audience is
// [Client.Audience] of [OpRenew]. It is good for one request, also if the answer was lost.
func (c *Client) RenewByToken(ctx context.Context, token Secret) (Issued, error) {
	leaf, err := tokenLeaf(token)
	if err != nil {
		return Issued{}, fmt.Errorf("renew: %w", err)
	}
	r := request{op: OpRenew, path: "/1.0/renew", post: true, bearer: token, leaf: leaf, limit: maxBody}
	rep, err := c.exchange(ctx, c.http, r)
	if err != nil {
		return Issued{}, err
	}
	return c.issued(r, rep, leaf.RawSubjectPublicKeyInfo)
}

// issued believes a 201, or says why not.
func (c *Client) issued(r request, rep reply, spki []byte) (Issued, error) {
	if rep.status != http.StatusCreated {
		return Issued{}, c.refused(r, rep)
	}
	got, leaf, err := parseIssued(rep, spki)
	if err != nil {
		e := c.fail(r.op, rep, maybeIssued(err, true))
		e.Leaf = leaf
		return Issued{}, e
	}
	return got, nil
}

// tokenLeaf finds the certificate that a renewal token is for. Errors hold nothing of the token.
func tokenLeaf(token Secret) (*x509.Certificate, error) {
	bad := fmt.Errorf("%w: not a renewal token", ErrArgument)
	b := token.Reveal()
	parts := bytes.Split(b, []byte("."))
	if len(b) > maxToken || len(parts) != 3 {
		return nil, bad
	}
	for _, part := range parts {
		if len(part) == 0 {
			return nil, bad
		}
		for _, ch := range part { // base64url: fit for a header
			if (ch < 'A' || ch > 'Z') && (ch < 'a' || ch > 'z') && (ch < '0' || ch > '9') && ch != '-' && ch != '_' {
				return nil, bad
			}
		}
	}
	header, err := base64.RawURLEncoding.DecodeString(string(parts[0]))
	if err != nil {
		return nil, bad
	}
	o, err := readObject(header)
	if err != nil {
		return nil, bad
	}
	list := o.list("x5cInsecure", true, maxChain)
	if len(list) == 0 {
		return nil, bad
	}
	text, _ := asText(list[0])
	der, err := base64.StdEncoding.DecodeString(text) // RFC 7515 4.1.6: not base64url
	if err != nil {
		return nil, bad
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, bad
	}
	return leaf, nil
}
