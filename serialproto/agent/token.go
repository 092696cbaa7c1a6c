package agent

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"encoding/asn1"
	"errors"
	"math/big"
	"time"

	"provstation/serialproto"
)

// token answers OpToken: the claims of a renewal token and a signature over it.
func (a *Agent) token(args serialproto.TokenArgs) (any, error) {
	if err := serialproto.CheckRenewURL(args.Audience); err != nil {
		return nil, refuse(serialproto.StatusRefused, "audience: %v", err)
	}
	v, err := a.load()
	if err != nil {
		return nil, err
	}
	g, h, err := a.sealedFiles(v)
	if err != nil {
		return nil, err
	}
	now, err := a.tokenTime(v, h, args.Now)
	if err != nil {
		return nil, err
	}
	left := a.tokensLeft(g)
	if left == 0 {
		return nil, refuse(serialproto.StatusRefused, "no renewal token left for this key")
	}
	key, err := a.signer(g)
	if err != nil {
		return nil, err
	}
	if !samePublicKey(h.device[0], key.Public()) {
		return nil, refuse(serialproto.StatusCertKey, "installed leaf is for another key")
	}
	var id [16]byte
	if _, err := rand.Read(id[:]); err != nil {
		return nil, err
	}
	claims, err := serialproto.NewTokenClaims(args.Audience, h.device[0].Subject.CommonName, id, now).Encode()
	if err != nil {
		return nil, err
	}
	// Counted first: a token that was given out is always counted.
	if err := a.store.Count(g.Number, g.Signed, g.Tokens+1); err != nil {
		return nil, err
	}
	alg, _, _, err := schemeOf(key.Public())
	if err != nil {
		return nil, refuse(serialproto.StatusCrypto, "key type signs nothing here")
	}
	ders := make([][]byte, len(h.device))
	for i, c := range h.device {
		ders[i] = c.Raw
	}
	sig, err := signJWS(key, serialproto.TokenInput(alg, ders, claims))
	if err != nil {
		a.cfg.Log.Error("sign token", "error", err)
		return nil, keyRefusal(err, "signing failed")
	}
	return serialproto.TokenResult{Claims: claims, Signature: sig, Left: left - 1}, nil
}

func (a *Agent) tokensLeft(g *Generation) uint32 {
	if g.Tokens >= a.cfg.MaxTokens {
		return 0
	}
	return a.cfg.MaxTokens - g.Tokens
}

// sealedFiles gives the active generation and its files.
func (a *Agent) sealedFiles(v view) (*Generation, *holding, error) {
	if v.Active == nil || v.Active.Foreign {
		return nil, nil, refuse(serialproto.StatusWrongState, "the device is not sealed by this agent")
	}
	h, err := a.holding(v.Active)
	if err != nil {
		return nil, nil, err
	}
	if len(h.device) == 0 || len(h.anchor) == 0 {
		return nil, nil, refuse(serialproto.StatusWrongState, "a certificate file is empty")
	}
	return v.Active, h, nil
}

// knowsTime reports whether the clock may be believed: it is neither behind what has passed for certain nor far ahead.
func (a *Agent) knowsTime(v view) bool {
	t := a.cfg.Clock.Now()
	return !t.Before(v.Floor) && !t.Before(a.cfg.BuildTime) && a.plausible(t)
}

// tokenTime is the device's own time, or where it has none the station's, within bounds. The station's time is used once
// and never remembered: it would move the highest time seen on a sealed device.
func (a *Agent) tokenTime(v view, h *holding, station int64) (time.Time, error) {
	if a.knowsTime(v) {
		return a.cfg.Clock.Now(), nil
	}
	if station == 0 {
		return time.Time{}, refuse(serialproto.StatusBadArgument, "this device has no clock; say the time")
	}
	t := time.UnixMicro(station)
	switch {
	case t.Before(a.cfg.BuildTime), t.Before(v.Floor):
		return time.Time{}, refuse(serialproto.StatusBadArgument, "time is before the highest seen")
	case !a.plausible(t):
		return time.Time{}, refuse(serialproto.StatusBadArgument, "time is too far ahead")
	case t.Before(h.device[0].NotBefore), t.After(h.device[0].NotAfter):
		return time.Time{}, refuse(serialproto.StatusBadArgument, "time is outside the certificate's validity")
	}
	return t, nil
}

// signJWS signs as JWS wants it: ECDSA as R | S (RFC 7518 3.4), Ed25519 as it is (RFC 8037).
func signJWS(key crypto.Signer, input []byte) ([]byte, error) {
	sig, err := signMessage(key, input)
	if err != nil {
		return nil, err
	}
	pub, ok := key.Public().(*ecdsa.PublicKey)
	if !ok {
		return sig, nil
	}
	var rs struct{ R, S *big.Int }
	if rest, err := asn1.Unmarshal(sig, &rs); err != nil || len(rest) > 0 {
		return nil, errors.New("signature is no ECDSA-Sig-Value")
	}
	n := (pub.Curve.Params().BitSize + 7) / 8
	if rs.R.Sign() <= 0 || rs.S.Sign() <= 0 || rs.R.BitLen() > 8*n || rs.S.BitLen() > 8*n {
		return nil, errors.New("signature is out of range")
	}
	return append(rs.R.FillBytes(make([]byte, n)), rs.S.FillBytes(make([]byte, n))...), nil
}
