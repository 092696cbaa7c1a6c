package station

import (
	"bytes"
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"

	"provstation/station/stationtest"
	"provstation/station/stepca"
)

// fakeLife is what a fake device knows of its life once it is sealed.
type fakeLife struct {
	reenroll string   // policy; "": open
	pins     [][]byte // keys that unlock it
	unlocked UnlockPurpose
	unlocks  []UnlockPurpose // in order
	wait     time.Duration
	tokens   int // that it signed
	renewals int
	noTokens bool // its software makes none
	kept     bool // the new key came with the tunnel of the one before
	before   *fakeGeneration
}

type fakeGeneration struct {
	key     crypto.Signer
	csr     []byte
	leaf    []byte
	enroll  EnrollID
	objects map[string][]byte
}

// opens spends the unlock that a new key takes.
func (f *fakeLife) opens(s DeviceState) bool {
	if (f.reenroll != "unlock" && f.reenroll != "never") || s != StateSealed {
		return true
	}
	ok := f.unlocked == UnlockRekey || f.unlocked == UnlockReenroll
	f.unlocked = ""
	return ok
}

func (l *fakeLine) Field(ctx context.Context) (FieldState, error) {
	d, err := l.do(ctx, "field")
	if err != nil {
		return FieldState{}, err
	}
	return FieldState{Pinned: len(d.life.pins) > 0, Wait: d.life.wait, Failures: 3, TokensLeft: 100}, nil
}

func (l *fakeLine) Unlock(ctx context.Context, r UnlockRequest) (time.Duration, error) {
	d, err := l.do(ctx, "unlock")
	if err != nil {
		return 0, err
	}
	pub, err := x509.MarshalPKIXPublicKey(r.Key.Public())
	if err != nil {
		return 0, err
	}
	if !slices.ContainsFunc(d.life.pins, func(p []byte) bool { return bytes.Equal(p, pub) }) {
		return 0, &Fault{Code: CodeAgentRefuse, Outcome: Fail, Params: map[string]string{"detail": "wrong signature"}}
	}
	d.life.unlocked, d.life.unlocks = r.Purpose, append(d.life.unlocks, r.Purpose)
	return 5 * time.Minute, nil
}

func (l *fakeLine) Erase(ctx context.Context, id EnrollID) error {
	d, err := l.do(ctx, "erase")
	if err != nil {
		return err
	}
	if d.life.unlocked != UnlockErase || id != d.enroll {
		return &Fault{Code: CodeAgentLocked, Outcome: Fail, Params: map[string]string{}}
	}
	d.life = fakeLife{reenroll: d.life.reenroll}
	d.key, d.csr, d.leaf, d.chain, d.objects, d.state, d.active = nil, nil, nil, nil, map[string][]byte{}, StateEmpty, 0
	return nil
}

func (l *fakeLine) Token(ctx context.Context, audience string, now time.Time) (RenewalToken, error) {
	d, err := l.do(ctx, "token")
	if err != nil {
		return RenewalToken{}, err
	}
	if d.life.noTokens {
		return RenewalToken{}, &Fault{Code: CodeAgentOld, Outcome: Fail}
	}
	d.life.tokens++
	return RenewalToken{Token: NewSecret(fmt.Appendf(nil, "token %d for %s", d.life.tokens, audience)), Issued: now, Left: 99, Leaf: d.leafHash()}, nil
}

func (l *fakeLine) Renew(ctx context.Context, id EnrollID, leaf []byte, commit bool) (Readback, error) {
	d, err := l.do(ctx, "renew")
	if err != nil {
		return nil, err
	}
	if id != d.enroll || !commit || d.state != StateSealed {
		return nil, &Fault{Code: CodeAgentError, Outcome: Fail}
	}
	d.life.renewals++
	d.leaf, d.objects[ObjectLeaf] = leaf, digest8(leaf)
	return d.objects, nil
}

func (l *fakeLine) CommitRenewal(context.Context, EnrollID, []byte) (Readback, error) {
	panic("no run commits apart")
}

func (l *fakeLine) SetRenewal(context.Context, EnrollID, string, string) error { return nil }

// fakeCA renews by a hierarchy.
type fakeCA struct {
	pki  *stationtest.PKI
	id   string
	on   func(n int) (*stepca.Issued, error) // nil, nil: issue
	asks []string                            // token|mtls|rekey, in order
	told []string                            // tokens
	of   crypto.PublicKey                    // of the device, for tokens
}

func (c *fakeCA) Audience(stepca.Op) string { return "https://ca/1.0/renew" }

func (c *fakeCA) issue(way string, pub crypto.PublicKey) (stepca.Issued, error) {
	c.asks = append(c.asks, way)
	if c.on != nil {
		if i, err := c.on(len(c.asks)); i != nil || err != nil {
			if i == nil {
				i = &stepca.Issued{}
			}
			return *i, err
		}
	}
	return stepca.Issued{Leaf: issueUntil(c.pki, pub, c.id, time.Now().Add(48*time.Hour)), Chain: [][]byte{c.pki.Sub.Cert.Raw, c.pki.ICA.Cert.Raw}}, nil
}

func (c *fakeCA) RenewByToken(_ context.Context, token stepca.Secret) (stepca.Issued, error) {
	c.told = append(c.told, strings.Clone(string(token.Reveal())))
	return c.issue("token", c.of)
}

func (c *fakeCA) Renew(_ context.Context, cert tls.Certificate) (stepca.Issued, error) {
	return c.issue("mtls", cert.PrivateKey.(crypto.Signer).Public())
}

func (c *fakeCA) Rekey(_ context.Context, _ tls.Certificate, csr []byte) (stepca.Issued, error) {
	r, err := x509.ParseCertificateRequest(csr)
	if err != nil {
		return stepca.Issued{}, err
	}
	return c.issue("rekey", r.PublicKey)
}
