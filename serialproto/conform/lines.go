package conform

import (
	"context"
	"errors"
	"fmt"
	"time"

	"provstation/serialproto"
	"provstation/serialproto/link"
	"provstation/serialproto/prototest"
)

// line is what lies between host and device in a case of a whole enrollment.
type line struct {
	toHost, toDevice prototest.Line
	slow             bool // bytes one at a time
}

// lineCases are whole enrollments by package link, as a station does them, over lines of all sorts. That they come to their
// end is judged; time and bytes are measured.
func lineCases() []Case {
	both := func(f prototest.Faults) line {
		return line{toHost: prototest.Line{Faults: f}, toDevice: prototest.Line{Faults: f}}
	}
	late := prototest.Line{Latency: adapter}
	text := prototest.Line{Faults: prototest.Faults{TextEvery: 700}}
	list := []struct {
		id, text string
		line     line
	}{
		{"line-clean", "as it is", line{}},
		{"line-latency", "with 16 ms of adapter latency each way", line{toHost: late, toDevice: late}},
		{"line-drop-1e-4", "on which a byte in 10,000 is lost", both(prototest.Faults{Drop: 1e-4})},
		{"line-drop-1e-3", "on which a byte in 1,000 is lost", both(prototest.Faults{Drop: 1e-3})},
		{"line-flip-1e-4", "on which a byte in 10,000 has a wrong bit", both(prototest.Faults{Flip: 1e-4})},
		{"line-flip-1e-3", "on which a byte in 1,000 has a wrong bit", both(prototest.Faults{Flip: 1e-3})},
		{"line-duplicate-1e-4", "on which a byte in 10,000 comes twice", both(prototest.Faults{Duplicate: 1e-4})},
		{"line-duplicate-1e-3", "on which a byte in 1,000 comes twice", both(prototest.Faults{Duplicate: 1e-3})},
		{"line-break-1e-3", "on which a BREAK (0x00) comes after every 1,000 bytes or so", both(prototest.Faults{InsertZero: 1e-3})},
		{"line-text", "that a kernel prints to, between frames and inside them", line{toHost: text, toDevice: text}},
		{"line-bytes", "that gives bytes one at a time, with pauses", line{slow: true}},
	}
	var out []Case
	for i, l := range list {
		out = append(out, Case{
			ID: l.id, Clause: "Reliability", Level: Must, limit: 5 * time.Minute,
			Text: "whole enrollments on a line " + l.text, run: func(d *dut) { d.enrollOver(l.line, uint64(i)) },
		})
	}
	return out
}

// rounds is how many enrollments a line has to carry: chance is to have its chance.
const rounds = 3

// enrollOver enrolls the device over a line and measures it, on average. The first of the lines is the one to compare with.
func (d *dut) enrollOver(l line, nth uint64) {
	d.bye()
	sum := &Measure{}
	for round := range uint64(rounds) {
		seed := d.cfg.Seed + 1000*nth + 10*round
		l.toHost.Faults.Seed, l.toDevice.Faults.Seed = seed, seed+1
		sum.add(d.enrollOnce(l))
	}
	sum.Elapsed, sum.Bytes = sum.Elapsed/rounds, sum.Bytes/rounds
	switch {
	case nth == 0:
		d.clean = sum
	case d.clean != nil && d.clean.Elapsed >= time.Millisecond:
		sum.Time, sum.Wire = float64(sum.Elapsed)/float64(d.clean.Elapsed), float64(sum.Bytes)/float64(max(d.clean.Bytes, 1))
	}
	d.measured = sum
	d.remark("%s", sum)
}

// add sums measurements up.
func (m *Measure) add(x *Measure) {
	m.Elapsed += x.Elapsed
	m.Bytes += x.Bytes
	m.Retransmits += x.Retransmits
	m.Hellos += x.Hellos
}

// enrollOnce is one enrollment over a line.
func (d *dut) enrollOnce(l line) *Measure {
	t, err := d.lend(l)
	if err != nil {
		d.broken("lend", err)
	}
	ctx, cancel := context.WithDeadline(d.ctx, d.end)
	defer cancel()
	h := link.NewHost(t, link.HostConfig{Baud: d.cfg.Baud, Probe: true, Rehellos: 6})
	start := time.Now()
	err = d.enrollWith(ctx, h)
	m := &Measure{Elapsed: time.Since(start)}
	s := h.Stats()
	m.Bytes, m.Retransmits, m.Hellos = s.TxBytes+s.RxBytes, s.Retransmits, s.Hellos
	closed := h.Close()
	d.fx, d.queue = fixture{}, nil
	if d.ctx.Err() != nil {
		d.broken("enroll", d.ctx.Err())
	}
	d.check(err == nil, "want an enrollment that comes to its end, got after %v, %d bytes, %d HELLOs: %v", m.Elapsed.Round(time.Millisecond), m.Bytes, m.Hellos, err)
	d.check(closed == nil, "the line did not close: %v", closed)
	return m
}

// String is a measurement in words.
func (m *Measure) String() string {
	s := fmt.Sprintf("%v, %d bytes", m.Elapsed.Round(time.Millisecond), m.Bytes)
	if m.Time > 0 {
		s += fmt.Sprintf(" (%.1f and %.2f times the clean line's)", m.Time, m.Wire)
	}
	if m.Retransmits > 0 || m.Hellos > rounds {
		s += fmt.Sprintf("; in %d of them %d fragments again, %d HELLOs", rounds, m.Retransmits, m.Hellos)
	}
	return s
}

// lend gives the transport away, with a line before it, until what it returns is closed.
func (d *dut) lend(l line) (link.Transport, error) {
	if err := errors.Join(d.t.SetReadDeadline(time.Time{}), d.t.SetWriteDeadline(time.Time{})); err != nil {
		return nil, err
	}
	lent := &lease{t: d.t}
	if l.slow {
		return &dribble{Transport: lent, pause: time.Millisecond}, nil
	}
	return prototest.Paced(lent, prototest.Config{ToHost: l.toHost, ToDevice: l.toDevice}), nil
}

// enrollWith is an enrollment step by step, each of them as often as it takes to get through.
func (d *dut) enrollWith(ctx context.Context, h *link.Host) error {
	w, err := h.Greet(ctx)
	if err != nil {
		return err
	}
	d.welcome = w // room asks for it; frames are link's
	call := func(req, result any) error { return persist(ctx, h, req, result) }
	args := d.newEnroll()
	var e serialproto.EnrollResult
	if err := call(args, &e); err != nil {
		return err
	}
	d.enrolled(args, e)
	bundle := d.bundle()
	r, err := d.installWith(bundle, call)
	if err != nil {
		return err
	}
	d.installed(bundle, r)
	if d.features&serialproto.FeatureSignTLS13 != 0 {
		hash := d.random(32)
		var s serialproto.SignResult
		if err := call(d.signRequest(hash), &s); err != nil {
			return err
		}
		if !verify(d.fx.pub, tls13Content(hash), s.Signature) {
			return errors.New("the signature is not valid")
		}
	}
	var st serialproto.StatusResult
	if err := call(serialproto.SimpleArgs{Op: serialproto.OpStatus}, &st); err != nil {
		return err
	}
	if st.State != serialproto.StateInstalled || string(st.Leaf) != string(digest(bundle.Leaf)) {
		return fmt.Errorf("want the leaf installed, got state %v, leaf %s", st.State, dump(st.Leaf))
	}
	if err := call(serialproto.AbortArgs{Op: serialproto.OpAbort}, nil); err != nil {
		return err
	}
	return h.Bye(ctx)
}

// installWith is install over link.
func (d *dut) installWith(args serialproto.InstallArgs, call func(req, result any) error) (r serialproto.InstallResult, err error) {
	if len(d.encode(args)) <= d.room() {
		return r, call(args, &r)
	}
	size := min(d.room()-128, 700)
	for o, data := range piecesOf(args) {
		for from := 0; from < len(data); from += size {
			if err := call(d.piece(args, o, from, from+size), &serialproto.PutResult{}); err != nil {
				var s *serialproto.StatusError
				if errors.As(err, &s) && s.Status == serialproto.StatusBadOffset && int(s.NextOffset) == min(from+size, len(data)) {
					continue // it was taken before, and the answer was lost with its session
				}
				return r, err
			}
		}
	}
	return r, call(commitOf(args), &r)
}

// persist is a call as a station makes it: a lost session is opened again, since every operation is idempotent.
func persist(ctx context.Context, h *link.Host, req, result any) error {
	var err error
	for range 4 {
		if err = h.Call(ctx, req, result); err == nil {
			return nil
		}
		if !errors.Is(err, link.ErrReset) && !errors.Is(err, link.ErrNoProgress) && !errors.Is(err, link.ErrNoSession) {
			return err
		}
		if _, gerr := h.Greet(ctx); gerr != nil && !errors.Is(gerr, link.ErrNoProgress) {
			return errors.Join(err, gerr)
		}
	}
	return err
}
