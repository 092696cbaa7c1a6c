package agent

import (
	"bytes"
	"errors"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"provstation/serialproto"
)

// idPattern is what a device id may look like; it becomes a DNS name, a file name and an MQTT client id.
var idPattern = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$`)

var errNoKeyPair = errors.New("stored key does not match its record")

// enroll answers OpEnroll.
func (a *Agent) enroll(args serialproto.EnrollArgs) (any, error) {
	if err := checkEnroll(args); err != nil {
		return nil, err
	}
	v, err := a.load()
	if err != nil {
		return nil, err
	}
	if n := v.Newest; n != nil && bytes.Equal(n.EnrollID, args.EnrollID) {
		return a.enrollAgain(v, args)
	}
	purpose, err := a.mayEnroll(v, args)
	if err != nil {
		return nil, err
	}
	var kept Secrets
	if args.KeepTunnel {
		if kept, err = a.keptSecrets(v); err != nil {
			return nil, err
		}
	}
	if purpose != 0 {
		a.spend()
	}
	g, err := a.newGeneration(v, args, purpose, kept)
	if err != nil {
		return nil, err
	}
	return a.enrollResult(g, false), nil
}

func checkEnroll(args serialproto.EnrollArgs) error {
	if !validEnrollID(args.EnrollID) {
		return refuse(serialproto.StatusBadArgument, "enroll id must be 8 bytes, not all zero")
	}
	id := args.DeviceID
	if len(id) > serialproto.MaxSubject {
		return refuse(serialproto.StatusTooLarge, "device id is too long")
	}
	if _, err := netip.ParseAddr(id); err == nil || !idPattern.MatchString(id) || strings.Contains(id, "..") {
		return refuse(serialproto.StatusBadArgument, "device id is not legal")
	}
	switch args.Alg {
	case serialproto.AlgP256, serialproto.AlgP384, serialproto.AlgEd25519:
		return nil
	default:
		return refuse(serialproto.StatusBadArgument, "key algorithm %d is not known", args.Alg)
	}
}

func validEnrollID(id []byte) bool { return len(id) == 8 && !bytes.Equal(id, make([]byte, 8)) }

// enrollAgain answers a request that was answered before, after a reset or a lost line.
func (a *Agent) enrollAgain(v view, args serialproto.EnrollArgs) (any, error) {
	g := v.Newest
	tunnel := args.WireGuard == (len(g.WireGuard) > 0 && !g.KeepTunnel) && args.KeepTunnel == g.KeepTunnel
	if g.DeviceID != args.DeviceID || g.Alg != args.Alg || !tunnel {
		return nil, refuse(serialproto.StatusBadArgument, "enroll id was used with other arguments")
	}
	if _, err := a.openKey(g); err != nil {
		answer := a.notOpened(g, err)
		if keyLost(err) && !v.closed() {
			return nil, refuse(serialproto.StatusWrongState, "the key of this enroll id is gone; use a new id")
		}
		return nil, answer
	}
	return a.enrollResult(g, true), nil
}

func (a *Agent) enrollResult(g *Generation, existing bool) serialproto.EnrollResult {
	return serialproto.EnrollResult{
		CSR:        g.CSR,
		KeyStore:   a.cfg.Keys.Class(),
		WireGuard:  g.WireGuard,
		Existing:   existing,
		Generation: g.Number,
	}
}

// mayEnroll holds the re-enroll policy, and gives the purpose of the unlock that it takes, if it takes one. An enroll id
// stands for one key as long as the store remembers it, so one whose key is gone is refused.
func (a *Agent) mayEnroll(v view, args serialproto.EnrollArgs) (serialproto.Purpose, error) {
	if args.WireGuard && a.features()&serialproto.FeatureWireGuard == 0 || args.KeepTunnel && a.features()&serialproto.FeatureKeepWG == 0 {
		return 0, refuse(serialproto.StatusRefused, "no tunnel can be installed here")
	}
	id := args.EnrollID
	if slices.ContainsFunc(v.Retired, func(r []byte) bool { return bytes.Equal(r, id) }) {
		return 0, refuse(serialproto.StatusWrongState, "the key of this enroll id is gone; use a new id")
	}
	if v.Active != nil && bytes.Equal(v.Active.EnrollID, id) {
		return 0, refuse(serialproto.StatusLocked, "this enrollment is sealed and being replaced")
	}
	purpose, err := a.mayReplace(v, args.DeviceID)
	if err != nil {
		return 0, err
	}
	if a.cfg.RNGReady != nil {
		if err := a.cfg.RNGReady(); err != nil {
			a.cfg.Log.Warn("random source is not ready", "error", err)
			return 0, refuse(serialproto.StatusRNGNotReady, "random source is not ready")
		}
	}
	return purpose, nil
}

// mayReplace says under which unlock, if any, a new key may be made for a device id.
func (a *Agent) mayReplace(v view, id string) (serialproto.Purpose, error) {
	switch {
	case v.Active == nil && v.state != serialproto.StateForeign || a.cfg.Reenroll == serialproto.ReenrollOpen:
		return 0, nil
	case a.cfg.Reenroll != serialproto.ReenrollUnlock:
		return 0, refuse(serialproto.StatusLocked, "sealed; policy allows no new key")
	}
	purpose := a.granted()
	if purpose != serialproto.PurposeRekey && purpose != serialproto.PurposeReenroll {
		return 0, refuse(serialproto.StatusLocked, "sealed; a new key needs an unlock")
	}
	if purpose == serialproto.PurposeRekey && id != v.Active.DeviceID {
		return 0, refuse(serialproto.StatusRefused, "the unlock is for the device id that is sealed")
	}
	return purpose, nil
}

// newGeneration makes the keys and the CSR, stores them, and proves them by reading them back. The WireGuard key is the kept
// one where the tunnel is kept.
func (a *Agent) newGeneration(v view, args serialproto.EnrollArgs, purpose serialproto.Purpose, kept Secrets) (*Generation, error) {
	key, blob, err := a.cfg.Keys.New(args.Alg)
	if err != nil {
		a.cfg.Log.Error("key generation", "error", err)
		return nil, keyRefusal(err, "key generation failed")
	}
	g := Generation{
		Number:   v.Last + 1,
		EnrollID: bytes.Clone(args.EnrollID),
		DeviceID: args.DeviceID,
		Alg:      args.Alg,
		Purpose:  purpose,

		KeepTunnel: args.KeepTunnel,
	}
	if g.SPKI, err = spkiDigest(key.Public()); err != nil {
		return nil, err
	}
	if g.CSR, err = newCSR(key, args.DeviceID); err != nil {
		a.cfg.Log.Error("certificate request", "error", err)
		return nil, keyRefusal(err, "certificate request failed")
	}
	secrets := Secrets{Key: blob, WireGuard: kept.WireGuard}
	if args.KeepTunnel {
		g.WireGuard = v.Active.WireGuard
	}
	if args.WireGuard {
		if secrets.WireGuard, g.WireGuard, err = newWireGuard(); err != nil {
			return nil, refuse(serialproto.StatusCrypto, "WireGuard key generation failed")
		}
	}
	if err := a.store.Create(g, secrets); err != nil {
		return nil, err
	}
	after, err := a.load()
	if err != nil {
		return nil, err
	}
	n := after.Newest
	if n == nil || n.Number != g.Number || !bytes.Equal(n.CSR, g.CSR) || !bytes.Equal(n.SPKI, g.SPKI) {
		return nil, errNoKeyPair
	}
	if _, err := a.signer(n); err != nil {
		return nil, err
	}
	return n, nil
}

// abort answers OpAbort. Aborting what is gone already is done.
func (a *Agent) abort(args serialproto.AbortArgs) (any, error) {
	v, err := a.load()
	if err != nil {
		return nil, err
	}
	n := v.Newest
	if len(args.EnrollID) > 0 && n != nil && !bytes.Equal(n.EnrollID, args.EnrollID) {
		if v.Active != nil && bytes.Equal(v.Active.EnrollID, args.EnrollID) {
			return nil, refuse(serialproto.StatusLocked, "this enrollment is sealed")
		}
		if slices.ContainsFunc(v.Retired, func(r []byte) bool { return bytes.Equal(r, args.EnrollID) }) {
			return nil, nil
		}
		return nil, refuse(serialproto.StatusWrongState, "another enrollment is in progress")
	}
	if n != nil && v.closed() && len(args.EnrollID) > 0 {
		return nil, refuse(serialproto.StatusLocked, "this enrollment is sealed")
	}
	if err := a.store.Unstage(); err != nil {
		return nil, err
	}
	if len(args.EnrollID) == 0 {
		if err := a.store.Revert(); err != nil {
			return nil, err
		}
	}
	if n != nil && !v.closed() {
		return nil, a.store.Drop(n.Number)
	}
	return nil, nil
}
