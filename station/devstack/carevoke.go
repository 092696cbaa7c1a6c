package devstack

import (
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"time"

	"go.step.sm/crypto/jose"
)

// revocation is a request to revoke.
type revocation struct {
	Serial     string `json:"serial"`
	OTT        string `json:"ott"` // one-time token; none: a certificate revokes itself
	ReasonCode int    `json:"reasonCode"`
	Reason     string `json:"reason"`
	Passive    bool   `json:"passive"`
}

// check makes the serial number decimal.
func (v *revocation) check() error {
	if v.Serial == "" {
		return badRequest("missing serial")
	}
	n, ok := new(big.Int).SetString(v.Serial, 0)
	switch {
	case !ok:
		return badRequest("'%s' is not a valid serial number - use a base 10 representation or a base 16 representation with '0x' prefix", v.Serial)
	case v.ReasonCode < 0 || v.ReasonCode > 10: // RFC 5280 5.3.1
		return badRequest("reasonCode out of bounds")
	case !v.Passive:
		return &caError{http.StatusNotImplemented, textNotThere}
	}
	v.Serial = n.String()
	return nil
}

func (c *builtinCA) revoke(w http.ResponseWriter, r *http.Request) {
	var v revocation
	if err := json.NewDecoder(r.Body).Decode(&v); err != nil {
		refuse(w, badRequest("error decoding json"))
		return
	}
	err := v.check()
	if err == nil {
		err = c.revoked(r, v)
	}
	if err != nil {
		refuse(w, err)
		return
	}
	stepJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

// revoked revokes, or says why not. The CA takes any number that a provisioner's token names, its own or not.
func (c *builtinCA) revoked(r *http.Request, v revocation) error {
	rec := revokedRecord{At: c.now().UTC().Truncate(time.Second), Code: v.ReasonCode, Reason: v.Reason}
	if v.OTT != "" {
		subject, err := c.revokeToken(v.OTT)
		if err != nil {
			return err
		}
		if subject != v.Serial {
			return forbid("request serial number %q and token subject %q do not match", v.Serial, subject)
		}
	} else {
		cert := peer(r)
		if cert == nil {
			return badRequest("missing ott or client certificate")
		}
		if own := cert.SerialNumber.String(); own != v.Serial {
			return forbid("request serial number %q and certificate serial number %q do not match", v.Serial, own)
		}
		rec.MTLS, rec.NotAfter = true, cert.NotAfter
	}
	fresh, err := c.records.revoke(v.Serial, rec)
	switch {
	case err != nil:
		return err
	case !fresh:
		return badRequest("certificate with serial number '%s' is already revoked", v.Serial)
	case c.crl != nil:
		return c.crl.renew()
	}
	return nil
}

func forbid(format string, args ...any) error {
	return &caError{http.StatusForbidden, forbidden + fmt.Sprintf(format, args...) + "."}
}

// revokeToken verifies a token of the provisioner and gives its subject. All refusals are one to the client. Other than
// step-ca, which keeps a token's id before it has seen the signature, what nobody has signed is not kept.
func (c *builtinCA) revokeToken(token string) (subject string, err error) {
	jwt, err := jose.ParseSigned(token)
	if err != nil || len(jwt.Headers) != 1 || jwt.Headers[0].KeyID != c.prov.key.KeyID {
		return "", unauthorized()
	}
	var claims jose.Claims
	public := c.prov.key.Public()
	if err := jwt.Claims(&public, &claims); err != nil {
		return "", unauthorized()
	}
	if err := claims.ValidateWithLeeway(jose.Expected{Issuer: c.prov.Name, Time: c.now().UTC()}, time.Minute); err != nil {
		return "", unauthorized()
	}
	if !meant(claims.Audience, "revoke") || claims.Subject == "" ||
		claims.IssuedAt != nil && claims.IssuedAt.Time().Before(c.started) {
		return "", unauthorized()
	}
	return claims.Subject, c.useToken(token, claims)
}
