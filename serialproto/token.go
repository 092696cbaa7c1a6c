package serialproto

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"path"
	"strings"
	"time"
)

// TokenIssuer is who step-ca takes renewal tokens from.
const TokenIssuer = "step-ca-client/1.0"

// TokenLife is how long a token is good.
const TokenLife = 5 * time.Minute

// Errors of tokens.
var (
	ErrRenewURL = errors.New("want an https URL whose path ends in /renew")
	ErrToken    = errors.New("renewal token is not as specified")
)

// CheckRenewURL says whether a text may be a token's audience: an https URL with a host, without user, query and fragment,
// whose path is clean and ends in /renew. Errors: ErrRenewURL.
func CheckRenewURL(text string) error {
	if !printableASCII(text, MaxURL) || strings.ContainsAny(text, `"\<>& `) {
		return ErrRenewURL
	}
	u, err := url.Parse(text)
	switch {
	case err != nil, u.Scheme != "https", u.Hostname() == "", u.User != nil, u.Opaque != "":
		return ErrRenewURL
	case u.RawQuery != "", u.ForceQuery, u.Fragment != "", strings.Contains(text, "#"), strings.Contains(text, "%"):
		return ErrRenewURL
	case !strings.HasPrefix(text, "https://"), !strings.HasSuffix(u.Path, "/renew"), path.Clean(u.Path) != u.Path:
		return ErrRenewURL
	}
	return nil
}

// TokenClaims are the claims of a renewal token. Fields stand in the order in which they are written.
type TokenClaims struct {
	Audience string `json:"aud"`
	Expires  int64  `json:"exp"` // seconds since 1970 UTC
	Issued   int64  `json:"iat"`
	Issuer   string `json:"iss"`
	ID       string `json:"jti"`
	Begins   int64  `json:"nbf"`
	Subject  string `json:"sub"`
}

// NewTokenClaims are the claims for a device at a time. ID is 16 random bytes.
func NewTokenClaims(audience, subject string, id [16]byte, now time.Time) TokenClaims {
	iat := now.Unix()
	return TokenClaims{
		Audience: audience, Expires: iat + int64(TokenLife/time.Second), Issued: iat, Issuer: TokenIssuer,
		ID: fmt.Sprintf("%x", id), Begins: iat, Subject: subject,
	}
}

// Encode is the one spelling of the claims.
func (c TokenClaims) Encode() ([]byte, error) {
	b, err := json.Marshal(c)
	if err != nil || len(b) > MaxClaims {
		return nil, fmt.Errorf("%w: claims do not encode in %d bytes", ErrToken, MaxClaims)
	}
	return b, nil
}

// TokenAlg is the JWS algorithm (RFC 7518 3.1, RFC 8037) that a device key fixes; "" for an unknown one.
func (a Alg) TokenAlg() string {
	switch a {
	case AlgP256:
		return "ES256"
	case AlgP384:
		return "ES384"
	case AlgEd25519:
		return "EdDSA"
	}
	return ""
}

// TokenInput is what the device signs: header and claims (RFC 7515 5.1). Chain is device.pem as DER, leaf first.
func TokenInput(alg Alg, chain [][]byte, claims []byte) []byte {
	var h bytes.Buffer
	fmt.Fprintf(&h, `{"alg":%q,"typ":"JWT","x5cInsecure":[`, alg.TokenAlg())
	for i, der := range chain {
		if i > 0 {
			h.WriteByte(',')
		}
		fmt.Fprintf(&h, "%q", base64.StdEncoding.EncodeToString(der))
	}
	h.WriteString("]}")
	out := base64.RawURLEncoding.AppendEncode(nil, h.Bytes())
	out = append(out, '.')
	return base64.RawURLEncoding.AppendEncode(out, claims)
}

// Token puts a device's answer together after checking all of it: the claims say what was asked for and nothing else, by the
// leaf's key over the chain. Errors: ErrToken.
func Token(r TokenResult, pub crypto.PublicKey, chain [][]byte, audience, subject string) (string, TokenClaims, error) {
	var c TokenClaims
	if err := json.Unmarshal(r.Claims, &c); err != nil {
		return "", c, fmt.Errorf("%w: claims do not decode", ErrToken)
	}
	if again, err := c.Encode(); err != nil || !bytes.Equal(again, r.Claims) {
		return "", c, fmt.Errorf("%w: claims are not in their one spelling", ErrToken)
	}
	if c.Audience != audience || c.Subject != subject || c.Issuer != TokenIssuer || len(c.ID) != 32 ||
		c.Begins != c.Issued || c.Expires != c.Issued+int64(TokenLife/time.Second) {
		return "", c, fmt.Errorf("%w: claims are not what was asked for", ErrToken)
	}
	alg, err := algOf(pub)
	if err != nil {
		return "", c, err
	}
	input := TokenInput(alg, chain, r.Claims)
	if !verifyJWS(pub, input, r.Signature) {
		return "", c, fmt.Errorf("%w: signature is not by the leaf's key over its chain", ErrToken)
	}
	return string(input) + "." + base64.RawURLEncoding.EncodeToString(r.Signature), c, nil
}

func algOf(pub crypto.PublicKey) (Alg, error) {
	switch k := pub.(type) {
	case *ecdsa.PublicKey:
		switch k.Curve {
		case elliptic.P256():
			return AlgP256, nil
		case elliptic.P384():
			return AlgP384, nil
		}
	case ed25519.PublicKey:
		return AlgEd25519, nil
	}
	return 0, fmt.Errorf("%w: key type", ErrToken)
}

// verifyJWS checks a signature as JWS spells it: R | S of the curve's size, or Ed25519's.
func verifyJWS(pub crypto.PublicKey, input, sig []byte) bool {
	switch k := pub.(type) {
	case *ecdsa.PublicKey:
		n := (k.Curve.Params().BitSize + 7) / 8
		if len(sig) != 2*n {
			return false
		}
		return ecdsa.Verify(k, digestFor(k, input), new(big.Int).SetBytes(sig[:n]), new(big.Int).SetBytes(sig[n:]))
	case ed25519.PublicKey:
		return ed25519.Verify(k, input, sig)
	}
	return false
}
