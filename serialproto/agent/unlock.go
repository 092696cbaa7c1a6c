package agent

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"slices"
	"time"

	"provstation/serialproto"
)

// Back-off after unlocks that failed: the first two wrong answers are a mistake, from the third on each costs twice the time.
const (
	freeFailures = 3
	firstWait    = 2 * time.Second
	mostWait     = time.Hour
)

// unlockState is what the agent keeps of unlocks in memory: all of it is void after a reset, and but for the wait after a
// session. Times are uptimes.
type unlockState struct {
	asked   *serialproto.UnlockChallenge // nil: no challenge is out
	raw     []byte                       // it, as it crossed the line
	until   time.Duration                // when challenge or grant end
	purpose serialproto.Purpose          // of the grant; 0: locked
	proofs  uint8                        // signatures left of a grant for PurposeTLS13
	wait    time.Duration                // no challenge is made before
}

// backOff is how long the device waits after so many failures in a row.
func backOff(failures uint32) time.Duration {
	if failures < freeFailures {
		return 0
	}
	return min(firstWait<<min(failures-freeFailures, 20), mostWait)
}

// waitLeft is the rest of the wait in whole seconds, rounded up.
func (a *Agent) waitLeft() uint32 {
	left := a.unlock.wait - a.cfg.Uptime()
	if left <= 0 {
		return 0
	}
	return uint32((left + time.Second - 1) / time.Second)
}

// forget voids what lasts no longer than a session: challenge, grant, and what came ahead.
func (a *Agent) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.spend()
	a.ahead = nil
}

func (a *Agent) spend() { a.unlock = unlockState{wait: a.unlock.wait} }

// granted gives the purpose of the unlock that is open; 0 for none.
func (a *Agent) granted() serialproto.Purpose {
	if a.unlock.purpose != 0 && a.cfg.Uptime() >= a.unlock.until {
		a.spend()
	}
	return a.unlock.purpose
}

// unlocking answers OpUnlock: both halves of it.
func (a *Agent) unlocking(args serialproto.UnlockArgs) (any, error) {
	v, err := a.load()
	if err != nil {
		return nil, err
	}
	if len(args.Signature) > 0 {
		return a.answered(v, args.Signature)
	}
	a.spend() // whatever comes of it, what was before is void
	if err := a.mayUnlock(v, args.Purpose); err != nil {
		return nil, err
	}
	c := serialproto.UnlockChallenge{
		Nonce: make([]byte, 32), Serial: a.cfg.Serial, DeviceID: v.Active.DeviceID, BootID: a.bootID,
		Purpose: args.Purpose, Signatures: args.Signatures, Lifetime: args.Lifetime,
	}
	if a.cfg.RNGReady != nil && a.cfg.RNGReady() != nil {
		return nil, refuse(serialproto.StatusRNGNotReady, "random source is not ready")
	}
	if _, err := rand.Read(c.Nonce); err != nil {
		return nil, err
	}
	raw, err := serialproto.Encode(c)
	if err != nil {
		return nil, err
	}
	a.unlock.asked, a.unlock.raw = &c, raw
	a.unlock.until = a.cfg.Uptime() + time.Duration(args.Lifetime)*time.Second
	return serialproto.UnlockResult{Challenge: raw}, nil
}

// mayUnlock says whether there is anything to unlock, and with what.
func (a *Agent) mayUnlock(v view, p serialproto.Purpose) error {
	if v.Active == nil || v.Active.Foreign {
		return refuse(serialproto.StatusWrongState, "the device is not sealed by this agent")
	}
	if a.cfg.Reenroll == serialproto.ReenrollNever && p != serialproto.PurposeTLS13 {
		return refuse(serialproto.StatusRefused, "policy never: no unlock for %v", p)
	}
	if left := a.waitLeft(); left > 0 {
		return refuse(serialproto.StatusBusy, "too many failures; wait %d s", left)
	}
	pins, err := a.activePins(v)
	if err != nil {
		return err
	}
	if len(pins) == 0 {
		return refuse(serialproto.StatusRefused, "no unlock key was pinned; only flashing it anew helps")
	}
	return nil
}

// answered takes a signature over the challenge that is out. It counts a failure before it looks, so that whoever cuts the
// power in between has guessed for nothing.
func (a *Agent) answered(v view, sig []byte) (any, error) {
	asked, raw, until := a.unlock.asked, a.unlock.raw, a.unlock.until
	a.spend()
	switch {
	case asked == nil:
		return nil, refuse(serialproto.StatusWrongState, "no challenge is out")
	case a.cfg.Uptime() >= until:
		return nil, refuse(serialproto.StatusRefused, "the challenge has expired")
	case v.Active == nil || v.Active.DeviceID != asked.DeviceID:
		return nil, refuse(serialproto.StatusWrongState, "the device is another since")
	}
	pins, err := a.activePins(v)
	if err != nil {
		return nil, err
	}
	failures := v.Failures + 1
	if err := a.store.CountFailures(failures); err != nil {
		return nil, err
	}
	a.unlock.wait = a.cfg.Uptime() + backOff(failures)
	if err := serialproto.VerifyUnlock(pins, raw, sig); err != nil {
		a.cfg.Log.Warn("unlock refused", "purpose", asked.Purpose, "failures", failures)
		return nil, refuse(serialproto.StatusRefused, "not signed by a key that was pinned here")
	}
	if err := a.store.CountFailures(0); err != nil {
		return nil, err
	}
	left := until - a.cfg.Uptime()
	a.unlock = unlockState{until: until, purpose: asked.Purpose, proofs: asked.Signatures}
	a.cfg.Log.Info("unlocked", "purpose", asked.Purpose, "for", left)
	return serialproto.UnlockResult{Left: uint16((left + time.Second - 1) / time.Second)}, nil
}

// proof signs a TLS 1.3 handshake of a sealed device, as often as an unlock says.
func (a *Agent) proof(g *Generation, args serialproto.SignTLS13Args) (any, error) {
	if a.granted() != serialproto.PurposeTLS13 {
		return nil, refuse(serialproto.StatusLocked, "sealed; TLS 1.3 is signed under an unlock only")
	}
	key, err := a.schemeKey(g, args.Scheme)
	if err != nil {
		return nil, err
	}
	if a.unlock.proofs--; a.unlock.proofs == 0 {
		a.spend()
	}
	return a.sign(g, key, tls13Content(args.Hash))
}

// activePins are the pins that the sealed generation holds.
func (a *Agent) activePins(v view) ([][]byte, error) {
	if v.Active == nil || v.Active.Foreign {
		return nil, nil
	}
	f, err := a.store.Files(v.Active.Number)
	if err != nil {
		return nil, err
	}
	return pinsOf(f), nil
}

// pinsOf reads the pins of a generation. What does not read unlocks nothing.
func pinsOf(f Files) [][]byte {
	var out [][]byte
	for rest := f.Pins; len(out) < serialproto.MaxPins; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type == pinBlock {
			out = append(out, block.Bytes)
		}
	}
	return out
}

const pinBlock = "PUBLIC KEY"

// composePins checks the pins of a bundle and lays out their file. A generation beside a pinned one inherits its pins; other
// ones it may bring only if it was begun under an unlock for that. A pin must not be a key that others can have signed with:
// the device's own, or that of a certificate in its chain.
func (a *Agent) composePins(v view, g *Generation, certs []*x509.Certificate, b *bundle) ([]byte, error) {
	if v.Active != nil {
		pinned, err := a.activePins(v)
		if err != nil {
			return nil, err
		}
		have := bytes.Join(pinned, nil)
		switch {
		case len(have) == 0 || bytes.Equal(have, b.pins):
		case len(b.pins) == 0:
			b.pins = have
		case g.Purpose != serialproto.PurposeReenroll:
			return nil, refuse(serialproto.StatusLocked, "other unlock keys need an unlock for re-enroll")
		}
	}
	var file []byte
	for n, rest := 0, b.pins; len(rest) > 0; n++ {
		var raw asn1.RawValue
		next, err := asn1.Unmarshal(rest, &raw)
		if err != nil || n == serialproto.MaxPins || len(raw.FullBytes) > serialproto.MaxPin {
			return nil, refuse(serialproto.StatusBadArgument, "unlock keys do not parse, or are too many")
		}
		pin := raw.FullBytes
		if _, err := serialproto.ParsePin(pin); err != nil {
			return nil, refuse(serialproto.StatusBadArgument, "unlock key %d is none of P-256, P-384, Ed25519", n+1)
		}
		if slices.ContainsFunc(certs, func(c *x509.Certificate) bool { return bytes.Equal(c.RawSubjectPublicKeyInfo, pin) }) {
			return nil, refuse(serialproto.StatusBadArgument, "unlock key %d is a certificate's of this bundle", n+1)
		}
		file = append(file, pem.EncodeToMemory(&pem.Block{Type: pinBlock, Bytes: pin})...)
		rest = next
	}
	return file, nil
}

// erase answers OpErase.
func (a *Agent) erase(args serialproto.EraseArgs) (any, error) {
	v, err := a.load()
	if err != nil {
		return nil, err
	}
	if v.Newest == nil && slices.ContainsFunc(v.Retired, func(r []byte) bool { return bytes.Equal(r, args.EnrollID) }) {
		return nil, a.forgetRenewal() // done before, and the answer was lost
	}
	switch {
	case v.Active == nil || v.Active.Foreign:
		return nil, refuse(serialproto.StatusWrongState, "the device is not sealed by this agent")
	case a.granted() != serialproto.PurposeErase:
		return nil, refuse(serialproto.StatusLocked, "sealed; erasing needs an unlock")
	case !bytes.Equal(v.Active.EnrollID, args.EnrollID):
		return nil, refuse(serialproto.StatusWrongState, "another enrollment is active")
	}
	a.spend()
	if err := a.store.Erase(); err != nil {
		return nil, err
	}
	if err := a.forgetRenewal(); err != nil {
		return nil, err
	}
	after, err := a.load()
	if err != nil {
		return nil, err
	}
	if after.Newest != nil {
		return nil, refuse(serialproto.StatusInternal, "erasing did not take")
	}
	return nil, nil
}

func (a *Agent) forgetRenewal() error {
	if a.cfg.Renewal == nil {
		return nil
	}
	return a.cfg.Renewal.Set("", "")
}
