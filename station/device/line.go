package device

import (
	"context"
	"crypto"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"provstation/serialproto"
	"provstation/serialproto/link"
	"provstation/station"
)

// line is one open port. Its methods are called by one goroutine, Close by any.
type line struct {
	path    string
	probe   bool
	host    *link.Host
	port    link.Transport // below the host
	welcome serialproto.Welcome
	csr     []byte // of the device's newest key, as it answered
	ahead   []byte // what crossed ahead, unpacked
	packer  *aheadPacker
}

func (l *line) Wait(ctx context.Context) (station.Announcement, error) {
	if l.probe {
		return l.probing(ctx)
	}
	return l.announced(ctx)
}

func (l *line) announced(ctx context.Context) (station.Announcement, error) {
	a, err := l.host.NextAnnounce(ctx)
	if err != nil {
		return station.Announcement{}, l.fault("wait for a device", err)
	}
	return station.Announcement{HardwareSerial: a.Serial, Model: a.Model, BootID: hex.EncodeToString(a.BootID)}, nil
}

func (l *line) Greet(ctx context.Context) (station.Greeting, error) {
	w, err := l.host.Greet(ctx)
	if err != nil {
		return station.Greeting{}, l.fault("greet", err)
	}
	l.welcome = w
	state, err := deviceState(w.State)
	if err != nil {
		return station.Greeting{}, err
	}
	g := station.Greeting{
		HardwareSerial: w.Serial, Model: w.Model, Firmware: w.Firmware, BootID: hex.EncodeToString(w.BootID), State: state,
		HeardAt: time.Now(), SPKIPrefix: w.SPKI, LeafPrefix: w.Leaf,
		SignTLS13: w.Features&serialproto.FeatureSignTLS13 != 0, SignTLS12: w.Features&serialproto.FeatureSignTLS12 != 0,
		SetClock: w.Features&serialproto.FeatureSetClock != 0, WireGuard: w.Features&serialproto.FeatureWireGuard != 0,
		Unlock: w.Features&serialproto.FeatureUnlock != 0, ChecksBroker: w.Features&serialproto.FeatureCheckMQTT != 0,
		OwnRenewal: w.Features&serialproto.FeatureRenewSet != 0,
	}
	if w.Reenroll != 0 {
		g.Reenroll = w.Reenroll.String()
	}
	if w.Clock != 0 {
		g.Clock = time.UnixMicro(w.Clock).UTC()
	}
	return g, nil
}

func deviceState(s serialproto.State) (station.DeviceState, error) {
	switch s {
	case serialproto.StateEmpty:
		return station.StateEmpty, nil
	case serialproto.StateKeyed:
		return station.StateKeyed, nil
	case serialproto.StateInstalled:
		return station.StateInstalled, nil
	case serialproto.StateSealed:
		return station.StateSealed, nil
	case serialproto.StateForeign:
		return station.StateForeign, nil
	default:
		return "", badAnswer(fmt.Errorf("greet: device says state %v", s))
	}
}

func (l *line) Holding(ctx context.Context) (station.Holding, error) {
	var r serialproto.StatusResult
	if err := l.call(ctx, "ask what the device holds", &serialproto.SimpleArgs{Op: serialproto.OpStatus}, &r); err != nil {
		return station.Holding{}, err
	}
	state, err := deviceState(r.State)
	if err != nil {
		return station.Holding{}, err
	}
	h := station.Holding{
		State: state, DeviceID: r.DeviceID, SPKI: r.SPKI, Leaf: r.Leaf, CSR: r.CSR, Generation: r.Generation,
		Active: r.Active, Reenroll: r.Reenroll.String(), SignaturesLeft: r.Signatures, Objects: map[string][]byte{},
	}
	copy(h.EnrollID[:], r.EnrollID)
	for obj, o := range r.Objects {
		if name, ok := objectNames[obj]; ok && o.Received == o.Length {
			h.Objects[name] = o.Digest
		}
	}
	return h, nil
}

// objectNames are the station's words for what a device stores.
var objectNames = map[serialproto.Obj]string{
	serialproto.ObjLeaf:   station.ObjectLeaf,
	serialproto.ObjChain:  station.ObjectChain,
	serialproto.ObjAnchor: station.ObjectAnchors,
	serialproto.ObjWGConf: station.ObjectTunnel,
	serialproto.ObjPins:   station.ObjectPins,
}

// maxClockLag is how far a clock may be from the time it was just set to.
const maxClockLag = 10 * time.Second

func (l *line) SetClock(ctx context.Context, now time.Time) error {
	var r serialproto.ClockResult
	if err := l.call(ctx, "set the device's clock", &serialproto.ClockArgs{Op: serialproto.OpClock, Set: now.UnixMicro()}, &r); err != nil {
		return err
	}
	if off := time.UnixMicro(r.Now).Sub(now); off.Abs() > maxClockLag {
		return badAnswer(fmt.Errorf("set clock: the device says it is set, and is %s off", off.Round(time.Second)))
	}
	return nil
}

var algs = map[string]serialproto.Alg{
	"P-256": serialproto.AlgP256, "P-384": serialproto.AlgP384, "Ed25519": serialproto.AlgEd25519,
}

var keyStores = map[serialproto.KeyStore]string{
	serialproto.KeyStoreSE: station.KeyStoreSE, serialproto.KeyStoreTEE: station.KeyStoreTEE, serialproto.KeyStoreFlash: station.KeyStoreFlash,
}

func (l *line) MakeKey(ctx context.Context, q station.KeyRequest) (station.KeyAnswer, error) {
	alg, ok := algs[q.KeyType]
	if !ok {
		return station.KeyAnswer{}, &station.Fault{
			Code: station.CodeInternal, Outcome: station.Error, Class: station.Misconfigured,
			Params: map[string]string{"detail": "unknown key type " + q.KeyType},
		}
	}
	var r serialproto.EnrollResult
	args := &serialproto.EnrollArgs{
		Op: serialproto.OpEnroll, Alg: alg, DeviceID: q.DeviceID, EnrollID: q.EnrollID[:], WireGuard: q.WireGuard, KeepTunnel: q.KeepTunnel,
	}
	if q.KeepTunnel { // software without it would make a key all the same, and lose the tunnel with it
		if err := l.hasFeature(serialproto.FeatureKeepWG, "ENROLL that keeps the tunnel"); err != nil {
			return station.KeyAnswer{}, err
		}
	}
	l.sayAhead(q.Chain)
	if err := l.call(ctx, "have the device make its key", args, &r); err != nil {
		l.sayAhead(nil)
		return station.KeyAnswer{}, enrollIDFault(err)
	}
	l.csr = r.CSR
	if q.WireGuard && len(r.WireGuard) != 32 {
		return station.KeyAnswer{}, badAnswer(fmt.Errorf("make key: WireGuard public key of %d bytes", len(r.WireGuard)))
	}
	return station.KeyAnswer{
		CSR: r.CSR, KeyStore: keyStores[r.KeyStore], WireGuardKey: r.WireGuard, Existing: r.Existing, Generation: r.Generation,
	}, nil
}

// enrollIDFault says where another enroll id mends a refusal.
func enrollIDFault(err error) error {
	var se *serialproto.StatusError
	f, ok := station.AsFault(err)
	if ok && errors.As(err, &se) && (se.Status == serialproto.StatusBadArgument || se.Status == serialproto.StatusWrongState) {
		f.Err = fmt.Errorf("%w: %w", station.ErrEnrollIDUsed, f.Err)
	}
	return err
}

func (l *line) Certificates(ctx context.Context) (device, anchors [][]byte, err error) {
	var leaf, chain, ca serialproto.ReadResult
	for _, q := range []struct {
		obj serialproto.Obj
		to  *serialproto.ReadResult
	}{{serialproto.ObjLeaf, &leaf}, {serialproto.ObjChain, &chain}, {serialproto.ObjAnchor, &ca}} {
		if err := l.call(ctx, "read certificates back", &serialproto.ReadArgs{Op: serialproto.OpRead, Obj: q.obj}, q.to); err != nil {
			return nil, nil, err
		}
	}
	return append(leaf.Certs, chain.Certs...), ca.Certs, nil
}

func (l *line) Seal(ctx context.Context, id station.EnrollID, flag string) error {
	return l.call(ctx, "seal the device", &serialproto.LockArgs{Op: serialproto.OpLock, EnrollID: id[:], Flag: flag}, nil)
}

func (l *line) Abandon(ctx context.Context, id station.EnrollID) error {
	return l.call(ctx, "return to the active generation", &serialproto.AbortArgs{Op: serialproto.OpAbort, EnrollID: id[:]}, nil)
}

func (l *line) Signer(ctx context.Context, pub crypto.PublicKey, chain [][]byte) crypto.Signer {
	return &signer{ctx: ctx, line: l, pub: pub, chain: chain}
}

func (l *line) FirstByte() time.Time { return l.host.FirstByte() }

func (l *line) Traffic() (tx, rx uint64) {
	s := l.host.Stats()
	return s.TxBytes, s.RxBytes
}

func (l *line) AgentLog() []string { return l.host.Log() }

func (l *line) BootLog() string { return l.host.Console() }

func (l *line) Bye(ctx context.Context) { _ = l.host.Bye(ctx) }

func (l *line) Close() error { return l.host.Close() }

// call does one request and translates its error.
func (l *line) call(ctx context.Context, doing string, args, result any) error {
	if err := l.host.Call(ctx, args, result); err != nil {
		return l.fault(doing, err)
	}
	return nil
}
