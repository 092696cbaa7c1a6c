package conform

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"slices"
	"time"

	"github.com/fxamacker/cbor/v2"

	"provstation/serialproto"
	"provstation/serialproto/link"
)

// Times of the suite, beside what bytes take on the line.
const (
	usualLimit  = 60 * time.Second // of a case
	keyPatience = 90 * time.Second // of one that makes keys, on a small device
	announced   = 12 * time.Second // in which a device has to be heard: it may be in a session that somebody left
	adapter     = 16 * time.Millisecond
	alert       = 250 * time.Millisecond // in which a device reacts to what it does not have to work for; the margin of what is measured
	maxQueue    = 4096                   // frames heard and not looked at
	slowWindows = 40                     // windows of silence that a case waits for at most
)

// dut is the device under test, as the host of one line sees it. Its methods end the case by stop where the device does not
// do what they are for; they belong to one goroutine.
type dut struct {
	ctx context.Context //nolint:containedctx // of the suite: cases are functions of the device alone
	cfg Config
	t   link.Transport
	enc cbor.EncMode

	end      time.Time // of the case
	note     string    // of a case that passes
	measured *Measure
	clean    *Measure // of the clean line, for the ratios of others

	dec   serialproto.Decoder
	queue []heard
	free  time.Time     // when what was written has left the modelled wire
	trip  time.Duration // longest of a few STATUS, there and back; 0: not measured yet
	none  []forbidden
	seen  observed

	session  uint32
	last     uint32 // the session before
	id       uint8
	hello    serialproto.Hello
	welcome  serialproto.Welcome // of the newest session
	features uint32              // all that the device has
	first    serialproto.Welcome // with everything asked for
	announce serialproto.Announce

	ca   authority
	fx   fixture
	kept fixture // what is sealed
}

// heard is a sound frame and when its last byte came.
type heard struct {
	serialproto.Frame
	at time.Time
}

// outcome is how a case ends before its end. It is what methods of dut panic with; attempt alone recovers it.
type outcome struct {
	verdict Verdict
	note    string
	deaf    bool  // no session came about
	fatal   error // nothing more can be run
}

func newDUT(ctx context.Context, t link.Transport, cfg Config) (*dut, error) {
	if cfg.Latency == 0 {
		cfg.Latency = adapter
	}
	if cfg.ServerName == "" {
		cfg.ServerName = "broker.example"
	}
	o := cbor.CoreDetEncOptions()
	o.NilContainers = cbor.NilContainerAsEmpty
	enc, err := o.EncMode()
	if err != nil {
		return nil, fmt.Errorf("encoder options: %w", err)
	}
	ca, err := newAuthority()
	if err != nil {
		return nil, err
	}
	return &dut{ctx: ctx, cfg: cfg, t: t, enc: enc, ca: ca, seen: newObserved()}, nil
}

// attempt runs one case in its time and judges it.
func (d *dut) attempt(c Case) (out outcome) {
	if missing := c.Features &^ d.features; missing != 0 && !c.any {
		return outcome{verdict: NotApplicable, note: "feature not announced: " + featureNames(missing)}
	}
	limit := c.limit
	if limit == 0 {
		limit = usualLimit
	}
	limit += slowWindows * (d.slack() - d.usualSlack())
	d.end, d.note, d.measured, d.none = time.Now().Add(limit), "", nil, nil
	defer func() {
		switch p := recover().(type) {
		case nil:
		case outcome:
			out = p
			if p.verdict == Fail {
				d.fx = fixture{} // who knows what it holds now
			}
		default:
			panic(p)
		}
	}()
	if !c.idle && !c.any {
		d.greet(nil)
		d.reach(c.State)
	}
	c.run(d)
	return outcome{verdict: Pass, note: d.note}
}

// fail ends the case: the device did something else than it has to.
func (d *dut) fail(format string, args ...any) {
	panic(outcome{verdict: Fail, note: escape(fmt.Sprintf(format, args...))})
}

// skip ends the case: it does not apply, or cannot be judged from outside.
func (d *dut) skip(format string, args ...any) {
	panic(outcome{verdict: NotApplicable, note: escape(fmt.Sprintf(format, args...))})
}

// check fails unless ok.
func (d *dut) check(ok bool, format string, args ...any) {
	if !ok {
		d.fail(format, args...)
	}
}

// remark is said beside a verdict of pass.
func (d *dut) remark(format string, args ...any) { d.note = escape(fmt.Sprintf(format, args...)) }

// broken ends the suite: there is no line any more.
func (d *dut) broken(what string, err error) {
	fatal := fmt.Errorf("%w: %s: %w", ErrLine, what, err)
	if d.ctx.Err() != nil {
		fatal = context.Cause(d.ctx)
	}
	panic(outcome{verdict: Fail, note: escape(fatal.Error()), fatal: fatal})
}

// wire is how long n bytes take.
func (d *dut) wire(n int) time.Duration {
	if d.cfg.Baud <= 0 {
		return 0
	}
	return time.Duration(n) * 10 * time.Second / time.Duration(d.cfg.Baud)
}

// slack is how long the device has for what it does at once, both ways over the line included: over this line, which may be
// a slow one, as it was measured.
func (d *dut) slack() time.Duration { return max(d.usualSlack(), 2*d.trip+alert) }

// usualSlack is slack on a line of which nothing is known but its speed.
func (d *dut) usualSlack() time.Duration {
	return alert + 2*d.cfg.Latency + d.wire(2*serialproto.MaxWire)
}

// write hands bytes to the line.
func (d *dut) write(p []byte) {
	now := time.Now()
	if d.ctx.Err() != nil {
		d.broken("write", d.ctx.Err())
	}
	if err := d.t.SetWriteDeadline(now.Add(5*time.Second + 2*d.wire(len(p)+4096))); err != nil {
		d.broken("set write deadline", err)
	}
	if _, err := d.t.Write(p); err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) && d.ctx.Err() == nil {
			d.fail("the line takes no bytes: what was written did not leave in time")
		}
		d.broken("write", err)
	}
	if d.free.Before(now) {
		d.free = now
	}
	d.free = d.free.Add(d.wire(len(p)))
}

// seal is a frame of the host as it goes over the wire.
func (d *dut) seal(session uint32, f serialproto.Frame) []byte {
	out, err := serialproto.AppendFrame(nil, session, f)
	if err != nil {
		panic(outcome{verdict: Fail, note: "the suite: " + err.Error()})
	}
	return out
}

// say sends a frame of the session.
func (d *dut) say(f serialproto.Frame) { d.write(d.seal(d.session, f)) }

// read takes what comes until a time. It reports whether anything came.
func (d *dut) read(until time.Time) bool {
	if d.ctx.Err() != nil {
		d.broken("read", d.ctx.Err())
	}
	if err := d.t.SetReadDeadline(until); err != nil {
		d.broken("set read deadline", err)
	}
	var buf [1024]byte
	n, err := d.t.Read(buf[:])
	now := time.Now()
	d.dec.Feed(buf[:n], func(f serialproto.Frame) {
		d.seen.frame(f, d.welcome.MTU)
		if len(d.queue) < maxQueue {
			d.queue = append(d.queue, heard{f, now})
		}
	}, nil)
	if err != nil && (!errors.Is(err, os.ErrDeadlineExceeded) || d.ctx.Err() != nil) {
		d.broken("read", err)
	}
	return n > 0
}

// hear waits for a frame that fits, and passes over others. The time runs from when all that was said has left the wire.
func (d *dut) hear(wait time.Duration, fits func(serialproto.Frame) bool) (heard, bool) {
	until := time.Now()
	if d.free.After(until) {
		until = d.free
	}
	until = until.Add(wait)
	late := until.After(d.end)
	if late {
		until = d.end
	}
	for {
		for len(d.queue) > 0 {
			f := d.queue[0]
			d.queue = d.queue[1:]
			if d.free.After(f.at) && answers(0)(f.Frame) {
				d.free = f.at // it heard what was said: the line is faster than the model, a pty for example
			}
			d.wanted(f.Frame)
			if fits(f.Frame) {
				return f, true
			}
		}
		if !time.Now().Before(until) {
			if late {
				d.fail("the time of this case is over: the device hangs, or is far too slow")
			}
			return heard{}, false
		}
		d.read(until)
	}
}

// nothing fails where a frame that fits comes within the time in which it would.
func (d *dut) nothing(what string, fits func(serialproto.Frame) bool) {
	if f, ok := d.hear(d.slack(), fits); ok {
		d.unasked(what, f.Frame)
	}
}

// forbidden is an answer to what has to be ignored.
type forbidden struct {
	what    string
	fits    func(serialproto.Frame) bool
	session uint32 // in which it would come; 0: in any
}

// forbid fails the case whenever such an answer comes. Silence for a while proves little on a line whose delays nobody knows;
// but a line keeps the order of what it carries, so where the answer to a later request has come and none of these before it,
// none is on its way.
func (d *dut) forbid(what string, fits func(serialproto.Frame) bool) {
	d.none = append(d.none, forbidden{what, fits, d.session})
}

// wanted fails where a frame is a forbidden one.
func (d *dut) wanted(f serialproto.Frame) {
	if i := d.forbids(f); i >= 0 {
		d.unasked(d.none[i].what, f)
	}
}

// forbids is which of the forbidden a frame is; -1: none.
func (d *dut) forbids(f serialproto.Frame) int {
	return slices.IndexFunc(d.none, func(n forbidden) bool { return n.fits(f) })
}

// unasked fails: the device answers what it had to ignore.
func (d *dut) unasked(what string, f serialproto.Frame) {
	d.fail("want no answer to %s, got %v of id %d: %s", what, f.Kind, f.ID, dump(f.Payload))
}

// doomed is a sound request that is going to be changed, or said where it must not be heard: no answer may come to its id.
func (d *dut) doomed(what string) serialproto.Frame {
	f := d.statusFrame(d.nextID())
	d.forbid(what, answers(f.ID))
	return f
}

func kinds(list ...serialproto.Kind) func(serialproto.Frame) bool {
	return func(f serialproto.Frame) bool {
		return f.Dir == serialproto.DeviceToHost && slices.Contains(list, f.Kind)
	}
}

// answers fits what a device says of a request with this id; 0: of any.
func answers(id uint8) func(serialproto.Frame) bool {
	of := kinds(serialproto.KindRsp, serialproto.KindAck, serialproto.KindBusy)
	return func(f serialproto.Frame) bool { return of(f) && (id == 0 || f.ID == id) }
}

// draw is a session id: random, not 0, and its WELCOME not to be taken for that of the session before or of a forbidden one.
func (d *dut) draw() uint32 {
	for {
		var r [4]byte
		if _, err := rand.Read(r[:]); err != nil {
			panic(outcome{verdict: Fail, note: "the suite: " + err.Error()})
		}
		s := binary.LittleEndian.Uint32(r[:])
		first := serialproto.Frame{Dir: serialproto.DeviceToHost, Kind: serialproto.KindWelcome, ID: uint8(s)}
		taken := slices.ContainsFunc(d.none, func(n forbidden) bool { return n.session == 0 && n.fits(first) })
		if s != 0 && uint8(s) != uint8(d.session) && !taken {
			return s
		}
	}
}

// featureNames puts feature bits into words.
func featureNames(bits uint32) string {
	words := []string{
		"SIGN_TLS13", "SIGN_TLS12", "setting the clock", "WireGuard", "TOKEN and RENEW", "UNLOCK and ERASE", "RENEW_SET",
		"CHECK_MQTT", "CHECK_WG", "keeping the tunnel", "PACKED", "AHEAD",
	}
	out := ""
	for i, w := range words {
		if bits>>i&1 == 1 {
			if out != "" {
				out += ", "
			}
			out += w
		}
	}
	return out
}

func (d *dut) device() Device {
	w := d.first
	return Device{
		Model: w.Model, Serial: w.Serial, Firmware: w.Firmware, Features: w.Features,
		MTU: int(w.MTU), Window: int(w.Window), MaxMessage: int(w.MaxMessage),
	}
}

// idle lets time pass, and listens.
func (d *dut) idle(wait time.Duration) {
	for until := time.Now().Add(wait); time.Now().Before(until); {
		d.read(until)
	}
}

// reseal puts the right CRC to a body whose header was changed.
func reseal(session uint32, body []byte) []byte {
	n := len(body) - 4
	var seed [4]byte
	if !slices.Contains([]serialproto.Kind{serialproto.KindHello, serialproto.KindWelcome, serialproto.KindAnnounce, serialproto.KindLog}, serialproto.Kind(body[0]&15)) {
		binary.LittleEndian.PutUint32(seed[:], session)
	}
	table := crc32.MakeTable(crc32.Castagnoli)
	return binary.LittleEndian.AppendUint32(body[:n:n], crc32.Update(crc32.Update(0, table, seed[:]), table, body[:n]))
}
