package agent

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"provstation/serialproto"
)

// maxKnown bounds the certificates that a station may refer to: what a Welcome can name.
const maxKnown = serialproto.MaxChain

var errTooManyCerts = errors.New("too many certificates in one file")

// view is the store's state as one request sees it.
type view struct {
	State
	state serialproto.State
}

func (a *Agent) load() (view, error) {
	s, err := a.store.Load()
	if err != nil {
		return view{}, err
	}
	return view{State: s, state: stateOf(s)}, nil
}

func stateOf(s State) serialproto.State {
	switch n := s.Newest; {
	case n == nil:
		return serialproto.StateEmpty
	case n.Foreign:
		return serialproto.StateForeign
	case s.Active != nil && s.Active.Number == n.Number:
		return serialproto.StateSealed
	case n.Installed:
		return serialproto.StateInstalled
	default:
		return serialproto.StateKeyed
	}
}

// closed reports whether the newest generation takes no more changes.
func (v view) closed() bool {
	return v.state == serialproto.StateSealed || v.state == serialproto.StateForeign
}

// candidate gives the generation being built under an enroll id.
func (v view) candidate(enrollID []byte) (*Generation, error) {
	switch {
	case v.Newest == nil:
		return nil, refuse(serialproto.StatusWrongState, "no key yet")
	case v.closed():
		return nil, refuse(serialproto.StatusLocked, "device is sealed")
	case !bytes.Equal(v.Newest.EnrollID, enrollID):
		return nil, refuse(serialproto.StatusWrongState, "another enrollment is in progress")
	}
	return v.Newest, nil
}

// holding is what a generation's files hold, parsed.
type holding struct {
	files  Files
	device []*x509.Certificate
	anchor []*x509.Certificate
}

// shown is the generation that STATUS and READ describe: the newest if anything is installed for it, else the active.
func (v view) shown() *Generation {
	if v.Newest != nil && v.Newest.Installed {
		return v.Newest
	}
	return v.Active
}

// held reads what the shown generation holds; nil if nothing is installed.
func (a *Agent) held(v view) (*holding, error) {
	g := v.shown()
	if g == nil || !g.Installed {
		return nil, nil
	}
	return a.holding(g)
}

func (a *Agent) holding(g *Generation) (*holding, error) {
	f, err := a.store.Files(g.Number)
	if err != nil {
		return nil, err
	}
	return parseFiles(f)
}

func parseFiles(f Files) (*holding, error) {
	h := &holding{files: f}
	var err error
	if h.device, err = parseCerts(f.Device); err != nil {
		return nil, fmt.Errorf("device certificate file: %w", err)
	}
	if h.anchor, err = parseCerts(f.Anchor); err != nil {
		return nil, fmt.Errorf("CA file: %w", err)
	}
	return h, nil
}

// signer opens a generation's key for a request.
func (a *Agent) signer(g *Generation) (crypto.Signer, error) {
	key, err := a.openKey(g)
	if err != nil {
		return nil, a.notOpened(g, err)
	}
	return key, nil
}

// notOpened is the answer where a generation's key does not open: the key store's own words, if it has any.
func (a *Agent) notOpened(g *Generation, err error) error {
	var k *KeyError
	if !errors.As(err, &k) {
		return err
	}
	a.cfg.Log.Error("key does not open", "generation", g.Number, "error", err)
	return keyRefusal(k, k.Detail)
}

// openKey opens a generation's key and checks that it is the one recorded.
func (a *Agent) openKey(g *Generation) (crypto.Signer, error) {
	s, err := a.store.Secrets(g.Number)
	if err != nil {
		return nil, err
	}
	key, err := a.cfg.Keys.Open(s.Key)
	if err != nil {
		return nil, fmt.Errorf("open key of generation %d: %w", g.Number, err)
	}
	d, err := spkiDigest(key.Public())
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(d, g.SPKI) {
		return nil, fmt.Errorf("key of generation %d is not the one recorded", g.Number)
	}
	return key, nil
}

// known gives the chain certificates that the device holds, those of the newest generation first, those of its firmware last.
func (a *Agent) known(v view) []*x509.Certificate {
	var all []*x509.Certificate
	seen := map[[32]byte]bool{}
	add := func(certs []*x509.Certificate) {
		for _, c := range certs {
			if d := sha256.Sum256(c.Raw); !seen[d] && len(all) < maxKnown {
				seen[d] = true
				all = append(all, c)
			}
		}
	}
	for _, g := range []*Generation{v.Newest, v.Active} {
		if g == nil || !g.Installed {
			continue
		}
		h, err := a.holding(g)
		if err != nil {
			a.cfg.Log.Warn("known certificates do not read", "generation", g.Number, "error", err)
			continue
		}
		add(h.anchor)
	}
	add(a.cfg.Anchors)
	return all
}

func (a *Agent) knownPrefixes(v view) [][]byte {
	var out [][]byte
	for _, c := range a.known(v) {
		out = append(out, prefix(c.Raw))
	}
	return out
}

// parseCerts reads the certificates of a PEM file and skips everything else in it.
func parseCerts(file []byte) ([]*x509.Certificate, error) {
	var out []*x509.Certificate
	for rest := file; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return out, nil
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		if len(out) > serialproto.MaxChain {
			return nil, errTooManyCerts
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d: %w", len(out)+1, err)
		}
		out = append(out, c)
	}
}

func digest(b []byte) []byte {
	d := sha256.Sum256(b)
	return d[:]
}

// prefix is the first 8 bytes of SHA-256.
func prefix(b []byte) []byte { return digest(b)[:8] }

// join concatenates certificates as DER.
func join(certs []*x509.Certificate) []byte {
	var b []byte
	for _, c := range certs {
		b = append(b, c.Raw...)
	}
	return b
}

// objects gives each installed object's bytes as the protocol counts them. A wg0.conf that does not parse is left out:
// the tenant's own script may have put anything into it. Its parser's words are not logged; they could quote the key.
func (a *Agent) objects(h *holding) map[serialproto.Obj][]byte {
	m := map[serialproto.Obj][]byte{}
	if len(h.device) > 0 {
		m[serialproto.ObjLeaf] = h.device[0].Raw
		m[serialproto.ObjChain] = join(h.device[1:])
	}
	if len(h.anchor) > 0 {
		m[serialproto.ObjAnchor] = join(h.anchor)
	}
	if len(h.files.WGConf) > 0 && a.cfg.StripWG != nil {
		if conf, err := a.cfg.StripWG(h.files.WGConf); err == nil {
			m[serialproto.ObjWGConf] = conf
		} else {
			a.cfg.Log.Warn("wg0.conf does not parse")
		}
	}
	if pins := bytes.Join(pinsOf(h.files), nil); len(pins) > 0 {
		m[serialproto.ObjPins] = pins
	}
	return m
}

// now is the clock, or the highest time known to have passed where the clock is behind it: a device without a
// battery-backed clock wakes up in 1970.
func (a *Agent) now(v view) time.Time {
	t := a.cfg.Clock.Now()
	for _, f := range []time.Time{v.Floor, a.cfg.BuildTime} {
		if t.Before(f) {
			t = f
		}
	}
	return t
}
