package stepca

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"go.step.sm/crypto/jose"
)

// Bounds of the key derivation that a server may ask for (RFC 7518 4.8.1.2 wants at least 1000; step uses 600 000), and
// of a token's life: the CA's clock may be a minute off.
const (
	minIterations = 1000
	maxIterations = 1_000_000 // the library's own, too

	tokenLife     = 5 * time.Minute
	tokenBackdate = time.Minute
)

// Revoker revokes certificates with a JWK provisioner's key, which it holds in memory. It is safe for concurrent use.
type Revoker struct {
	client *Client
	name   string
	kid    string
	signer jose.Signer
}

// Revoker gets the provisioner's key from the CA and opens it with the password. name is empty for the only JWK
// provisioner there is. Opening takes a good part of a second: use one Revoker for many certificates.
func (c *Client) Revoker(ctx context.Context, name string, password Secret) (*Revoker, error) {
	list, err := c.Provisioners(ctx)
	if err != nil {
		return nil, err
	}
	fail := func(err error) (*Revoker, error) {
		return nil, &Error{Op: OpProvisioners, Host: c.base.Host, Err: err}
	}
	p, err := ChooseJWK(list, name)
	if err != nil {
		return fail(err)
	}
	if !p.HasKey() {
		return fail(fmt.Errorf("%w: the CA does not give the key of %q", ErrProvisioner, clean(p.Name)))
	}
	key, err := p.unlock(password)
	if err != nil {
		return fail(err)
	}
	signer, err := newTokenSigner(key)
	if err != nil {
		return fail(err)
	}
	return &Revoker{client: c, name: p.Name, kid: p.KeyID, signer: signer}, nil
}

// Provisioner is the name of the provisioner whose key it is.
func (r *Revoker) Provisioner() string { return r.name }

// Revoke revokes the certificate with this serial number. The CA does not say whether it ever issued one.
func (r *Revoker) Revoke(ctx context.Context, serial *big.Int, why Revocation) (Revoked, error) {
	token, err := r.Token(serial)
	if err != nil {
		return Revoked{}, err
	}
	return r.client.RevokeByToken(ctx, serial, token, why)
}

// Token makes a one-time token that revokes one certificate, for five minutes.
func (r *Revoker) Token(serial *big.Int) (Secret, error) {
	if serial == nil {
		return Secret{}, fmt.Errorf("revoke token: %w: no serial number", ErrArgument)
	}
	var jti [32]byte
	_, _ = rand.Read(jti[:]) // crypto/rand.Read never fails
	now := r.client.cfg.Now()
	text, err := jose.Signed(r.signer).Claims(jose.Claims{
		ID: hex.EncodeToString(jti[:]), Issuer: r.name, Subject: serial.String(),
		Audience: jose.Audience{r.client.Audience(OpRevoke)}, IssuedAt: jose.NewNumericDate(now),
		NotBefore: jose.NewNumericDate(now.Add(-tokenBackdate)), Expiry: jose.NewNumericDate(now.Add(tokenLife)),
	}).CompactSerialize()
	if err != nil {
		return Secret{}, fmt.Errorf("revoke token: %w", ErrProvisioner) // the cause could quote the key
	}
	return NewSecret([]byte(text)), nil
}

func newTokenSigner(key *jose.JSONWebKey) (jose.Signer, error) {
	alg := jose.SignatureAlgorithm(key.Algorithm)
	if !slices.Contains([]jose.SignatureAlgorithm{jose.ES256, jose.ES384, jose.ES512, jose.EdDSA, jose.RS256, jose.PS256}, alg) {
		return nil, fmt.Errorf("%w: its key has no known algorithm", ErrProvisioner)
	}
	opts := (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", key.KeyID)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key.Key}, opts)
	if err != nil {
		return nil, fmt.Errorf("%w: its key does not fit its algorithm", ErrProvisioner)
	}
	return signer, nil
}

// unlock opens the private key. Errors hold nothing of it.
func (p Provisioner) unlock(password Secret) (*jose.JSONWebKey, error) {
	if password.Empty() {
		return nil, fmt.Errorf("%w: it is empty", ErrPassword)
	}
	if err := checkJWE(p.encrypted); err != nil {
		return nil, err
	}
	box, err := jose.ParseEncrypted(p.encrypted)
	if err != nil {
		return nil, fmt.Errorf("%w: encryptedKey is not a JWE", ErrAnswer)
	}
	plain, err := box.Decrypt(password.Reveal())
	if err != nil {
		return nil, ErrPassword
	}
	key := new(jose.JSONWebKey)
	if json.Unmarshal(plain, key) != nil || key.IsPublic() || !key.Valid() {
		return nil, fmt.Errorf("%w: encryptedKey holds no private key", ErrAnswer)
	}
	if same, err := samePublic(key, p.key); err != nil || !same {
		return nil, fmt.Errorf("%w: encryptedKey is another key than the provisioner's", ErrAnswer)
	}
	key.KeyID = p.KeyID
	if key.Algorithm == "" {
		key.Algorithm = p.key.Algorithm
	}
	return key, nil
}

func samePublic(private, public *jose.JSONWebKey) (bool, error) {
	pub := private.Public()
	a, err1 := jose.Thumbprint(&pub)
	b, err2 := jose.Thumbprint(public)
	return a == b && a != "", errors.Join(err1, err2)
}

// checkJWE bounds what opening costs: the server chooses the number of iterations. Only passwords open it (PBES2), so
// that the password is never used as a key itself.
func checkJWE(compact string) error {
	bad := func(reason string) error { return fmt.Errorf("%w: encryptedKey: %s", ErrAnswer, reason) }
	head, _, ok := strings.Cut(compact, ".")
	if !ok || len(compact) > maxJWE || strings.Count(compact, ".") != 4 {
		return bad("not a compact JWE")
	}
	data, err := base64.RawURLEncoding.DecodeString(head)
	if err != nil {
		return bad("not a compact JWE")
	}
	o, err := readObject(data)
	if err != nil {
		return err
	}
	alg := o.text("alg", true)
	if o.err != nil {
		return o.err
	}
	switch jose.KeyAlgorithm(alg) {
	case jose.PBES2_HS256_A128KW, jose.PBES2_HS384_A192KW, jose.PBES2_HS512_A256KW:
	default:
		return bad("it is not closed by a password")
	}
	var n int
	if raw, ok := o.raw("p2c"); !ok || json.Unmarshal(raw, &n) != nil || n < minIterations || n > maxIterations {
		return bad(fmt.Sprintf("want %d to %d iterations", minIterations, maxIterations))
	}
	for _, name := range []string{"zip", "crit", "jwk", "jku", "x5c", "x5u"} {
		if _, ok := o.fields[name]; ok {
			return bad("its header has " + name)
		}
	}
	return nil
}
