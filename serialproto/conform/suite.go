package conform

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"provstation/serialproto"
	"provstation/serialproto/link"
)

// Config says how a suite is run. The zero value is right for a fast line and a device that announces itself.
type Config struct {
	Baud    int           // bits per second of a UART, for the time that bytes take; 0: as fast as they are written
	Latency time.Duration // what adapters add each way; 0: 16 ms, as FTDI's timer does
	Only    []string      // ids of the cases to run; empty: all
	Seal    bool          // run what seals the device
	Reboot  bool          // run what restarts it
	Probe   bool          // say HELLO to a device that was not heard. Dangerous where a boot loader counts down
	// ServerName is in the server certificates of the TLS 1.2 cases: one that the device's policy allows. Empty: broker.example.
	ServerName string
	Seed       uint64       // of the faults of the line cases
	Begin      func(Device) // told once, before the first case that talks to the device; nil: nobody is
	Result     func(Result) // told of each result as it comes; nil: nobody is
}

// Device is what the device said of itself. Texts are printable.
type Device struct {
	Model, Serial, Firmware string
	Features                uint32
	MTU, Window             int
	MaxMessage              int
}

// Report is what came of a suite.
type Report struct {
	Device  Device
	Results []Result
	State   serialproto.State // in which the device was left
	Known   bool              // whether State was heard
	Advice  string            // what to do with it; empty: nothing
}

// Conforms reports whether every MUST of the suite was run, and passed or does not apply.
func (r Report) Conforms() bool { return r.Clean() && r.Untested() == 0 }

// Untested is how many MUSTs were not run, or left out by Only: nothing is known of them.
func (r Report) Untested() int {
	n := 0
	for _, c := range Cases() {
		tried := func(x Result) bool { return x.ID == c.ID && x.Verdict != NotRun }
		if c.Level == Must && !slices.ContainsFunc(r.Results, tried) {
			n++
		}
	}
	return n
}

// Clean reports whether no MUST that was run failed.
func (r Report) Clean() bool {
	return !slices.ContainsFunc(r.Results, func(r Result) bool { return r.Level == Must && r.Verdict == Fail })
}

// Count is how many results have a verdict.
func (r Report) Count(v Verdict) int {
	n := 0
	for _, x := range r.Results {
		if x.Verdict == v {
			n++
		}
	}
	return n
}

// Errors of Run.
var (
	ErrUnknownCase = errors.New("no such case")
	ErrNotEmpty    = errors.New("the device is not empty")
	ErrNotHeard    = errors.New("no device was heard")
	ErrNotReady    = errors.New("the device cannot be tested")
	ErrLine        = errors.New("the line failed")
)

// Check says whether a list of case ids is one. Errors: ErrUnknownCase.
func Check(ids []string) error {
	all := Cases()
	for _, id := range ids {
		if !slices.ContainsFunc(all, func(c Case) bool { return c.ID == id }) {
			return fmt.Errorf("%w: %s", ErrUnknownCase, escape(id))
		}
	}
	return nil
}

// Run runs the suite on a device. The transport stays the caller's to close, and is the suite's alone until then. An error
// says why the suite could not begin or go on; the report then holds what came before, all other cases as not run. Errors:
// ErrUnknownCase, ErrNotHeard, ErrNotEmpty, ErrNotReady, ErrLine, the context's.
func Run(ctx context.Context, t link.Transport, cfg Config) (Report, error) {
	if err := Check(cfg.Only); err != nil {
		return Report{}, err
	}
	d, err := newDUT(ctx, t, cfg)
	if err != nil {
		return Report{}, err
	}
	stop := context.AfterFunc(ctx, func() { _ = t.SetReadDeadline(time.Unix(1, 0)) }) // a transport that cannot is gone anyway
	defer stop()
	s := suite{dut: d, cfg: cfg}
	for _, c := range Cases() {
		s.one(c)
	}
	return s.report(), s.ended
}

// suite is one run.
type suite struct {
	dut     *dut
	cfg     Config
	results []Result
	ready   bool  // the device was found empty, or made so
	deaf    int   // cases in a row that got no session
	ended   error // why nothing is run any more
}

// maxDeaf is how many cases in a row may get no session before the suite ends.
const maxDeaf = 4

// one runs a case, or says why not.
func (s *suite) one(c Case) {
	r := Result{Case: c, Verdict: NotRun}
	switch {
	case len(s.cfg.Only) > 0 && c.ID != readyID && !slices.Contains(s.cfg.Only, c.ID):
		return
	case s.ended != nil:
		r.Note, r.Cut = "the suite ended before", true
	case c.Sealing && !s.cfg.Seal:
		r.Note = "it seals the device; not asked for"
	case c.Reboots && !s.cfg.Reboot:
		r.Note = "it restarts the device; not asked for"
	default:
		s.try(&r)
	}
	s.results = append(s.results, r)
	if s.cfg.Result != nil {
		s.cfg.Result(r)
	}
}

// try runs a case within its time.
func (s *suite) try(r *Result) {
	start := time.Now()
	out := s.dut.attempt(r.Case)
	r.Took = time.Since(start)
	r.Verdict, r.Note, r.Line = out.verdict, out.note, s.dut.measured
	switch {
	case out.fatal != nil:
		s.ended = out.fatal
	case r.ID == readyID && out.verdict != Pass:
		s.ended = fmt.Errorf("%w: %s", ErrNotReady, out.note)
	case r.ID == readyID:
		s.ready = true
		if s.cfg.Begin != nil {
			s.cfg.Begin(s.dut.device())
		}
	case out.deaf:
		if s.deaf++; s.deaf >= maxDeaf {
			s.ended = fmt.Errorf("%w: it opened no session for %d cases in a row", ErrNotReady, s.deaf)
		}
	case !r.any:
		s.deaf = 0
	}
}

// report puts the results together and leaves the device empty, where it can be.
func (s *suite) report() Report {
	rep := Report{Results: s.results, Device: s.dut.device()}
	switch {
	case !s.ready:
		return rep // nothing was done to it
	case s.ended != nil && !errors.Is(s.ended, ErrNotReady):
		rep.Advice = "what it holds is not known: ABORT without an enroll id gives up what was begun"
		return rep
	}
	out := s.dut.attempt(Case{ID: "leave", any: true, run: func(d *dut) { rep.State = d.leave() }})
	rep.Known = out.verdict == Pass
	switch {
	case !rep.Known:
		rep.Advice = "its state could not be asked for: " + out.note
	case rep.State == serialproto.StateSealed:
		rep.Advice = "sealed with throwaway certificates: have it erased by its unlock, or flash it anew"
	case rep.State != serialproto.StateEmpty:
		rep.Advice = "not empty: ABORT did not take"
	}
	return rep
}

// bounds of what is quoted from a device.
const (
	maxQuote = 200 // runes of a note
	maxHex   = 24  // bytes of a dump
)

// escape makes text of a device fit for a terminal, on one line.
func escape(s string) string {
	s = strings.ReplaceAll(serialproto.EscapeConsole([]byte(s)), "\n", " ")
	if r := []rune(s); len(r) > maxQuote {
		return string(r[:maxQuote]) + "..."
	}
	return s
}

// dump shows bytes as hex digits, a few of them.
func dump(b []byte) string {
	if len(b) > maxHex {
		return fmt.Sprintf("%x... (%d bytes)", b[:maxHex], len(b))
	}
	if len(b) == 0 {
		return "nothing"
	}
	return fmt.Sprintf("%x", b)
}
