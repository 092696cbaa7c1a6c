package campaign_test

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"slices"
	"strings"
	"syscall"
	"time"

	"provstation/serialproto"
	"provstation/serialproto/agent"
	"provstation/serialproto/link"
	"provstation/serialproto/prototest"
)

var (
	errCut      = errors.New("power is gone")
	errNoRandom = errors.New("random pool is not ready")
)

// spend uses a fault up, most times over. False: it was used so often already, or the faults are over.
func (u *unit) spend(f fault, most int) bool {
	if !u.faulty.Load() {
		return false
	}
	u.fm.Lock()
	defer u.fm.Unlock()
	if u.used[f.kind] >= most {
		return false
	}
	u.used[f.kind]++
	return true
}

// counted is how often this has been, this time included.
func (u *unit) counted(what string) int {
	u.fm.Lock()
	defer u.fm.Unlock()
	u.count[what]++
	return u.count[what]
}

// line is the unit's line with its faults.
func (u *unit) line() prototest.Config {
	f := prototest.Faults{Seed: u.w.seed*1_000_003 + uint64(u.run)*64 + uint64(u.plugs)*2}
	if u.faulty.Load() {
		for _, x := range u.plan.faults {
			if to := map[string]*float64{
				"line.drop": &f.Drop, "line.flip": &f.Flip, "line.duplicate": &f.Duplicate, "line.zero": &f.InsertZero,
				"line.ff": &f.InsertFF, "line.swap": &f.Swap, "line.burst": &f.Burst,
			}[x.kind]; to != nil {
				*to = float64(x.n) * 1e-5
			}
			if x.kind == "line.text" {
				f.TextEvery = x.n
			}
		}
		f.Count = func(kind string) { u.w.site.hit("line." + kind) }
	}
	down := f
	down.Seed++
	down.TextEvery = 0 // only the device prints
	cfg := prototest.Config{ToHost: prototest.Line{Faults: f, Rewrite: u.up}, ToDevice: prototest.Line{Faults: down, Rewrite: u.down}}
	if !u.faulty.Load() {
		return cfg
	}
	if x, ok := u.plan.has("line.slow"); ok {
		cfg.Baud = 100 * x.n
		u.w.site.hit(x.kind)
	}
	if x, ok := u.plan.has("line.latency"); ok {
		cfg.ToHost.Latency, cfg.ToDevice.Latency = time.Duration(x.n)*time.Millisecond, time.Duration(x.n)*time.Millisecond
		u.w.site.hit(x.kind)
	}
	return cfg
}

// small is what a device offers that has little memory.
func (u *unit) small() (cfg link.DeviceConfig) {
	cfg.Baud = baud
	if f, ok := u.plan.has("device.small"); ok && u.faulty.Load() {
		cfg.MTU, cfg.Window = f.n, f.k
		u.w.site.hit(f.kind)
	}
	return cfg
}

// up sees every frame to the station.
func (u *unit) up(f serialproto.Frame, _ int, raw []byte) []byte {
	b := u.boot.Load()
	if b == nil || b.dead.Load() {
		return nil
	}
	if !u.faulty.Load() {
		return raw
	}
	if u.atFrame(b, f) || f.Kind == serialproto.KindRsp && f.Idx == 0 && u.atAnswer(b) {
		return nil
	}
	return u.damaged(f, raw)
}

// down sees every frame to the device.
func (u *unit) down(f serialproto.Frame, _ int, raw []byte) []byte {
	b := u.boot.Load()
	if b == nil || b.dead.Load() {
		return nil
	}
	if !u.faulty.Load() {
		return raw
	}
	if f.Kind == serialproto.KindHello {
		u.counted("hello")
		u.learn(raw)
	}
	if u.atFrame(b, f) || f.Kind == serialproto.KindReq && f.Idx == 0 && u.atRequest(b) {
		return nil
	}
	return u.damaged(f, raw)
}

// atRequest is asked when the station begins to ask for something. True: the device dies before it hears it.
func (u *unit) atRequest(b *boot) (lost bool) {
	n := u.counted("request")
	f, ok := u.plan.has("reset.request")
	if !ok || n < f.n || !u.spend(f, f.k) {
		return false
	}
	b.dead.Store(true)
	u.order(func() { u.reset(u.w.power, b, f.kind) })
	return true
}

// atFrame is asked at every frame, of whatever kind. True: the device dies at it.
func (u *unit) atFrame(b *boot, frame serialproto.Frame) (lost bool) {
	n := u.counted("frame " + []string{"to the device", "to the station"}[frame.Dir])
	f, ok := u.plan.has("reset.frame")
	if !ok || int(frame.Dir) != f.k || n < f.n || !u.spend(f, 1) {
		return false
	}
	b.dead.Store(true)
	u.order(func() { u.reset(u.w.power, b, f.kind) })
	u.w.site.points.add("reset at "+frame.Kind.String(), 1)
	return true
}

// atAnswer is asked when the device begins to answer: what it was asked for is done, and durable. True: the answer is lost.
func (u *unit) atAnswer(b *boot) (lost bool) {
	n := u.counted("answer")
	u.progress.Add(1)
	u.fm.Lock()
	u.sinceB++
	since := u.sinceB
	u.fm.Unlock()
	ctx := u.w.power
	die := func(do func()) {
		b.dead.Store(true)
		u.order(do)
		lost = true
	}
	for _, f := range u.plan.faults {
		switch f.kind {
		case "reset.answer":
			if n >= f.n && u.spend(f, f.k) {
				die(func() { u.reset(ctx, b, f.kind) })
			}
		case "reset.loop":
			if since == f.n && u.spend(f, f.k) {
				die(func() { u.reset(ctx, b, f.kind) })
			}
		case "device.swapped":
			if n == f.n && u.spare != nil && u.spend(f, 1) {
				die(func() { u.swap(ctx, b) })
			}
		case "port.unplugged", "port.renamed", "port.late", "port.unplugged-close":
			if n == f.n && u.spend(f, 1) {
				die(func() { u.away(ctx, f, f.kind == "port.renamed") })
			}
		case "line.stall":
			if n == f.k && u.spend(f, 1) {
				u.order(func() { u.stall(ctx, f) })
			}
		}
	}
	return lost
}

// stall holds the line up. It is not waited for.
func (u *unit) stall(ctx context.Context, f fault) {
	u.mu.Lock()
	host := u.host
	u.mu.Unlock()
	if host == nil {
		return
	}
	u.w.site.hit(f.kind)
	resume := host.Stall()
	go func() {
		u.sleep(ctx, time.Duration(f.n)*time.Millisecond)
		resume()
	}()
}

// echo sends back what the device hears, as a terminal does that nobody set raw.
func (u *unit) echo(p []byte) {
	f, ok := u.plan.has("line.echo")
	if !ok || !u.faulty.Load() {
		return
	}
	u.fm.Lock()
	on := u.count["hello"] <= f.n
	u.fm.Unlock()
	u.mu.Lock()
	host := u.host
	u.mu.Unlock()
	if on && host != nil {
		u.w.site.hit(f.kind)
		host.Inject(bytes.Clone(p))
	}
}

// flash is asked before every operation on the board's files.
func (u *unit) flash(b *boot, op string) error {
	if b.dead.Load() {
		return errCut
	}
	if !u.faulty.Load() {
		return nil
	}
	n := u.counted("operation")
	u.progress.Add(1)
	if f, ok := u.plan.has("flash.cut"); ok && n >= f.n && u.spend(f, f.k) {
		u.w.site.points.add("cut at "+op, 1)
		b.dead.Store(true)
		u.order(func() { u.reset(u.w.power, b, f.kind) })
		return errCut
	}
	if f, ok := u.plan.has("flash.full"); ok && n >= f.n && n < f.n+f.k {
		switch op {
		case "mkdir", "create", "write", "symlink":
			u.w.site.hit(f.kind)
			return syscall.ENOSPC
		}
	}
	return nil
}

// random says whether the board's random pool is ready.
func (u *unit) random() error {
	if f, ok := u.plan.has("device.no-random"); ok && u.spend(f, f.n) {
		u.w.site.hit(f.kind)
		return errNoRandom
	}
	return nil
}

// slowKeys is a key store that takes its time.
type slowKeys struct {
	agent.FlashKeys
	u *unit
}

func (k slowKeys) New(alg serialproto.Alg) (crypto.Signer, agent.Secret, error) {
	if f, ok := k.u.plan.has("device.slow-key"); ok && k.u.spend(f, 2) {
		k.u.w.site.hit(f.kind)
		k.u.sleep(k.u.w.power, time.Duration(f.n)*time.Millisecond)
	}
	if f, ok := k.u.plan.has("reset.key"); ok && k.u.spend(f, f.k) {
		b := k.u.boot.Load()
		k.u.sleep(k.u.w.power, time.Duration(f.n)*time.Millisecond)
		b.dead.Store(true)
		k.u.order(func() { k.u.reset(k.u.w.power, b, f.kind) })
		return nil, nil, errCut
	}
	return k.FlashKeys.New(alg)
}

// stolen is another program that reads the station's line, too, as ModemManager does: it says AT, and takes pieces. Nil: none.
func (u *unit) stolen(dev *prototest.Conn) func(n int) bool {
	f, ok := u.plan.has("line.stolen")
	if !ok {
		return nil
	}
	dev.Inject([]byte("AT+GCAP\r"))
	return func(int) bool {
		if u.counted("read")%f.n != 0 || !u.spend(f, f.k) {
			return false
		}
		u.w.site.hit(f.kind)
		return true
	}
}

// writing pulls the cable in one of the station's writes. Nil: it does not.
func (u *unit) writing(host *prototest.Conn) func() {
	f, ok := u.plan.has("port.unplugged-write")
	if !ok {
		return nil
	}
	return func() {
		if u.counted("line write") < f.n || !u.spend(f, 1) {
			return
		}
		if b := u.boot.Load(); b != nil {
			b.dead.Store(true)
		}
		host.Unplug(nil)
		u.order(func() { u.away(u.w.power, f, false) })
	}
}

// closing makes closing the station's line take its time. Nil: it does not.
func (u *unit) closing() func() {
	f, ok := u.plan.has("port.unplugged-close")
	if !ok {
		return nil
	}
	return func() {
		if u.faulty.Load() {
			u.sleep(u.w.power, time.Duration(f.k)*time.Millisecond)
		}
	}
}

// suffers reports whether the unit has faults of this sort left to it. Nil: there is no such unit, or its faults are over.
func (u *unit) suffers(sort string) bool {
	return u != nil && slices.ContainsFunc(u.plan.faults, func(f fault) bool { return strings.HasPrefix(f.kind, sort) })
}
