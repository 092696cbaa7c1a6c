package agent

import (
	"bytes"
	"crypto"

	"provstation/serialproto"
)

// tls13Context separates client signatures from all others (RFC 8446 4.4.3).
const tls13Context = "TLS 1.3, client CertificateVerify"

// tls13Content is what a TLS 1.3 client signs for a transcript hash.
func tls13Content(hash []byte) []byte {
	b := bytes.Repeat([]byte{0x20}, 64)
	b = append(b, tls13Context...)
	b = append(b, 0)
	return append(b, hash...)
}

// signTLS13 answers OpSignTLS13: for a generation that is installed and not sealed, or as often as an unlock says.
func (a *Agent) signTLS13(args serialproto.SignTLS13Args) (any, error) {
	if len(args.Hash) != 32 && len(args.Hash) != 48 {
		return nil, refuse(serialproto.StatusBadArgument, "transcript hash of %d bytes", len(args.Hash))
	}
	v, err := a.load()
	if err != nil {
		return nil, err
	}
	switch v.state {
	case serialproto.StateInstalled:
	case serialproto.StateSealed:
		return a.proof(v.Active, args)
	case serialproto.StateForeign:
		return nil, refuse(serialproto.StatusLocked, "sealed; TLS 1.3 is not signed any more")
	default:
		return nil, refuse(serialproto.StatusWrongState, "nothing is installed")
	}
	key, err := a.signingKey(v.Newest, args.Scheme)
	if err != nil {
		return nil, err
	}
	return a.sign(v.Newest, key, tls13Content(args.Hash))
}

// signTLS12 answers OpSignTLS12: the device sees whom it talks to, so it may sign after sealing as well.
func (a *Agent) signTLS12(args serialproto.SignTLS12Args) (any, error) {
	if !a.cfg.SignTLS12 {
		return nil, refuse(serialproto.StatusRefused, "TLS 1.2 is not signed here")
	}
	if len(args.Head) > serialproto.MaxTLS12 || len(args.Tail) > maxKeyExchange {
		return nil, refuse(serialproto.StatusTooLarge, "transcript is too large")
	}
	v, err := a.load()
	if err != nil {
		return nil, err
	}
	g := v.shown()
	h, err := a.held(v)
	if err != nil {
		return nil, err
	}
	if h == nil || len(h.device) == 0 {
		return nil, refuse(serialproto.StatusWrongState, "nothing is installed")
	}
	if args.Certs == 0 || int(args.Certs) > len(h.device) {
		return nil, refuse(serialproto.StatusBadArgument, "%d certificates asked for, %d held", args.Certs, len(h.device))
	}
	key, err := a.signingKey(g, args.Scheme)
	if err != nil {
		return nil, err
	}
	if !samePublicKey(h.device[0], key.Public()) {
		return nil, refuse(serialproto.StatusCertKey, "installed leaf is for another key")
	}
	policy := tls12Policy{scheme: args.Scheme, roots: h.anchor, names: a.cfg.AllowedServers, now: a.now(v)}
	if t := h.device[0].NotBefore; policy.now.Before(t) && a.plausible(t) {
		policy.now = t
	}
	if err := policy.check(args.Head, args.Tail); err != nil {
		a.cfg.Log.Warn("TLS 1.2 transcript", "error", err)
		return nil, refuse(serialproto.StatusRefused, "%s", err)
	}
	own := h.device[:args.Certs]
	ders := make([][]byte, len(own))
	for i, c := range own {
		ders[i] = c.Raw
	}
	transcript := append(append(bytes.Clone(args.Head), certificateMessage(ders)...), args.Tail...)
	return a.sign(g, key, transcript)
}

// signingKey opens a generation's key for a TLS signature. The scheme asked for must be the one the key fixes.
func (a *Agent) signingKey(g *Generation, scheme uint16) (crypto.Signer, error) {
	if a.signaturesLeft(g) == 0 {
		return nil, refuse(serialproto.StatusRefused, "no TLS signature left for this key")
	}
	return a.schemeKey(g, scheme)
}

// schemeKey opens a generation's key for signatures by a scheme.
func (a *Agent) schemeKey(g *Generation, scheme uint16) (crypto.Signer, error) {
	key, err := a.signer(g)
	if err != nil {
		return nil, err
	}
	_, fixed, _, err := schemeOf(key.Public())
	if err != nil {
		return nil, refuse(serialproto.StatusCrypto, "key type signs nothing here")
	}
	if scheme != fixed {
		return nil, refuse(serialproto.StatusBadArgument, "scheme %#04x is not this key's", scheme)
	}
	return key, nil
}

// sign counts, then signs: a signature that was given out is always counted, whatever happens in between.
func (a *Agent) sign(g *Generation, key crypto.Signer, content []byte) (any, error) {
	if err := a.store.Count(g.Number, g.Signed+1, g.Tokens); err != nil {
		return nil, err
	}
	sig, err := signMessage(key, content)
	if err != nil {
		a.cfg.Log.Error("sign", "error", err)
		return nil, keyRefusal(err, "signing failed")
	}
	return serialproto.SignResult{Signature: sig}, nil
}
