package campaign_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"provstation/serialproto"
	"provstation/serialproto/agent"
	"provstation/serialproto/agent/filestore"
	"provstation/serialproto/link"
	"provstation/serialproto/prototest"
	"provstation/station"
	"provstation/station/wgconf"
)

// board is a device as it lies on the table: a serial number and its files.
type board struct {
	run    int
	serial string
	id     string // device id that it is to get
	dir    string
	twin   bool // another board has its serial, too
}

// unit is a place of the bench with a board plugged into it. One goroutine, live, moves it; the rest only gives orders.
type unit struct {
	w     *world
	slot  string
	run   int
	plan  plan
	spare *board        // the one that device.swapped puts there
	late  time.Duration // it is plugged in so much after the others

	faulty atomic.Bool // false: nothing goes wrong any more
	ends   chan station.RunEnded
	orders chan func()

	mu    sync.Mutex
	here  *board
	host  *prototest.Conn // the line; nil: unplugged
	dev   *prototest.Conn
	path  string
	plugs int
	boot  atomic.Pointer[boot]
	moved bool // it was plugged in again by a fault: the end of the run before it needs nobody

	progress atomic.Int64 // grows with whatever brings a run on

	fm     sync.Mutex // what follows counts towards the faults
	frames frames
	count  map[string]int
	used   map[string]int
	sinceB int // answers since the last boot
}

// boot is a board from power on to power off.
type boot struct {
	dead  atomic.Bool // it says nothing and writes nothing any more
	stop  context.CancelFunc
	ended chan struct{}
}

func newUnit(w *world, slot string, b *board, p plan) *unit {
	u := &unit{
		w: w, slot: slot, run: b.run, plan: p, here: b, ends: make(chan station.RunEnded, 64), orders: make(chan func(), 64),
		count: map[string]int{}, used: map[string]int{},
	}
	u.faulty.Store(len(p.faults) > 0)
	return u
}

// order has live do something. Where it is called from nothing may be waited for.
func (u *unit) order(f func()) {
	select {
	case u.orders <- f:
	default:
	}
}

// live plugs the board in and sees to it until a run has ended well, or two have ended at all: after the first a person
// pulls it and plugs it in again.
func (u *unit) live(ctx context.Context) {
	u.sleep(ctx, u.late)
	u.plug(ctx, false)
	defer u.unplug(0)
	if f, ok := u.plan.has("port.unplugged-any"); ok {
		t := time.AfterFunc(time.Duration(f.n)*time.Millisecond, func() { u.order(func() { u.away(ctx, f, false) }) })
		defer t.Stop()
	}
	patience := u.w.site.pulse.patience()
	for ended := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-u.w.site.pulse.ticked():
			if patience.over(u.progress.Load()) {
				u.w.accuse(u.run, "HANG: slot %s: no run came to its end, after %d", u.slot, ended)
				return
			}
		case f := <-u.orders:
			f()
		case e := <-u.ends:
			if ended++; e.Outcome.Good() || ended >= 3 {
				return
			}
			if u.moved && e.Code == station.CodePortGone {
				u.moved = false
				continue
			}
			u.unplug(0)
			u.sleep(ctx, 10*time.Millisecond)
			u.plug(ctx, u.plan.rename)
		}
	}
}

func (u *unit) sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// away is a cable that is pulled and put back.
func (u *unit) away(ctx context.Context, f fault, rename bool) {
	late, pause := time.Duration(0), time.Duration(f.k)*time.Millisecond
	switch f.kind {
	case "port.late":
		late = pause
	case "port.unplugged-close":
		pause = time.Millisecond
	}
	u.w.site.hit(f.kind)
	u.unplug(late)
	u.sleep(ctx, pause)
	u.moved = true
	u.plug(ctx, rename)
}

// plug gives the board a port and power.
func (u *unit) plug(ctx context.Context, rename bool) {
	u.mu.Lock()
	u.plugs++
	if u.path == "" || rename {
		u.path = fmt.Sprintf("mem:%d-%s-%d", u.w.number, u.slot, u.plugs)
	}
	u.host, u.dev = prototest.Pipe(u.line())
	u.mu.Unlock()
	u.start(ctx)
	u.w.plugged(u, true)
}

// unplug takes power and port away; the system says so after late.
func (u *unit) unplug(late time.Duration) {
	u.halt()
	u.mu.Lock()
	host := u.host
	u.host, u.dev = nil, nil
	u.mu.Unlock()
	if host == nil {
		return
	}
	host.Unplug(nil)
	u.sleep(u.w.power, late)
	u.w.plugged(u, false)
}

// start boots the board that is there. One whose files cannot be opened tries again, as an init system would.
func (u *unit) start(ctx context.Context) {
	b := &boot{ended: make(chan struct{})}
	ctx, b.stop = context.WithCancel(ctx)
	u.fm.Lock()
	u.sinceB = 0
	u.fm.Unlock()
	u.boot.Store(b)
	u.mu.Lock()
	end, here := newLease(u.dev), u.here
	u.mu.Unlock()
	end.heard = u.echo
	go func() {
		defer close(b.ended)
		defer end.Close()
		unblock := context.AfterFunc(ctx, func() { _ = end.Close() })
		defer unblock()
		if err := u.say(end); err != nil {
			return
		}
		for ctx.Err() == nil {
			a, err := u.agent(b, here)
			if err != nil {
				u.sleep(ctx, 50*time.Millisecond)
				continue
			}
			_ = a.Run(ctx, end) // it ends with its power or its line
			return
		}
	}()
	if f, ok := u.plan.has("reset.time"); ok && u.spend(f, f.k) {
		time.AfterFunc(time.Duration(f.n)*time.Millisecond, func() {
			if u.faulty.Load() {
				b.dead.Store(true)
				u.order(func() { u.reset(ctx, b, f.kind) })
			}
		})
	}
}

// agent is the real one, over the board's files.
func (u *unit) agent(b *boot, here *board) (*agent.Agent, error) {
	store, err := filestore.Open(here.dir, filestore.Config{Volatile: true, Before: func(op, _ string) error { return u.flash(b, op) }})
	if err != nil {
		return nil, err
	}
	return agent.New(store, agent.Config{
		Model: "virtual", Serial: here.serial, Firmware: "1", Reenroll: serialproto.ReenrollOpen, SignTLS12: true,
		CompleteWG: func(conf []byte, priv [32]byte) ([]byte, error) { return wgconf.Complete(conf, wgtypes.Key(priv)) },
		StripWG:    wgconf.WithoutPrivateKey, RNGReady: u.random, Keys: slowKeys{u: u},
		Link: u.small(),
	})
}

// halt takes the power away.
func (u *unit) halt() {
	b := u.boot.Load()
	if b == nil {
		return
	}
	b.dead.Store(true)
	b.stop()
	<-b.ended
}

// reset restarts a boot, unless another one runs already.
func (u *unit) reset(ctx context.Context, b *boot, why string) {
	if u.boot.Load() != b || u.host == nil || ctx.Err() != nil {
		return
	}
	u.w.site.hit(why)
	u.halt()
	u.sleep(ctx, 15*time.Millisecond)
	u.start(u.w.power)
}

// swap puts the spare board where this one is, on the same line.
func (u *unit) swap(ctx context.Context, b *boot) {
	if u.boot.Load() != b || u.host == nil || u.spare == nil {
		return
	}
	u.w.site.hit("device.swapped")
	u.halt()
	u.mu.Lock()
	u.here, u.spare = u.spare, nil
	u.mu.Unlock()
	u.start(u.w.power)
}

// dial opens the station's end.
func (u *unit) dial() (link.Transport, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.host == nil {
		return nil, io.EOF
	}
	l := newLease(u.host)
	if u.faulty.Load() {
		l.read, l.writing, l.closing = u.stolen(u.dev), u.writing(u.host), u.closing()
	}
	return l, nil
}

// say is what the board says before its agent runs.
func (u *unit) say(w io.Writer) error {
	if !u.faulty.Load() {
		return nil
	}
	if f, ok := u.plan.has("line.boot-text"); ok {
		u.w.site.hit(f.kind)
		if _, err := io.WriteString(w, strings.Repeat(bootText, f.n)); err != nil {
			return err
		}
	}
	f, ok := u.plan.has("line.noise")
	if !ok || !u.spend(f, 1) {
		return nil
	}
	u.w.site.hit(f.kind)
	r := rand.New(rand.NewPCG(uint64(u.run), uint64(f.n)))
	block := make([]byte, 1024)
	for range f.n {
		for i := range block {
			block[i] = byte(1 + r.IntN(255)) // no delimiter in all of it
		}
		if _, err := w.Write(block); err != nil {
			return err
		}
	}
	return nil
}

const bootText = "\r\nU-Boot 2024.01\r\nHit any key to stop autoboot:  0\r\n[    0.813217] random: crng init done\r\n\x1b[32mOK\x1b[0m \xff\xfe\r\nlogin: "
