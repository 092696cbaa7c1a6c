package station

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"runtime/debug"
	"time"

	"provstation/station/mqttcheck"
	"provstation/station/pki"
	"provstation/station/wgconf"
)

// Words turns codes into sentences in the station's language.
type Words interface {
	// Fault gives the sentence of what happened and the next action.
	Fault(code Code, params map[string]string) (message, next string)
}

// Trust gives the trust anchors of the tenant. It may ask the network the first time.
type Trust interface {
	Anchors(ctx context.Context) (Anchors, error)
}

// Anchors is what the station pins: the root, and the intermediates that complete a chain to it.
type Anchors struct {
	Roots         []*x509.Certificate
	Intermediates []*x509.Certificate
}

// Prover runs the mTLS MQTT test. [mqttcheck.Check] is the one there is.
type Prover func(ctx context.Context, cfg mqttcheck.Config, id mqttcheck.Identity) (mqttcheck.Result, error)

// RunnerConfig is the policy of every run. It is not changed after NewRunner.
type RunnerConfig struct {
	Start RunStart // who and what is recorded with every run; Run, Slot, Port, StartedAt are filled in

	DeviceID    string                           // given by flag; wins over AssignID
	AssignID    func(g Greeting) (string, error) // device id from the template; nil: none
	NameOf      func(id string, g Greeting) (string, error)
	DeviceType  string
	Corroborate bool // refuse an id that nothing ties to the hardware

	KeyType   string // P-256 (default), P-384, Ed25519
	WireGuard bool   // ask for a tunnel
	Reenroll  bool   // a sealed device gets a new key and certificate

	CSR    pki.CSRPolicy
	Answer pki.Policy // DeviceID, PublicKey, trust and time are filled in per run
	Tunnel wgconf.Policy

	MinValidity      time.Duration // shelf life; 0: not judged
	ShelfRefuse      bool          // refuse below MinValidity instead of saying it
	ClockTolerance   time.Duration // of the device against the station; 0: 30 s
	StationTolerance time.Duration // of the station against the bridge; 0: 60 s
	ClockSet         bool          // set the device's clock where it may be set
	ClockRefuse      bool          // refuse a clock that stays wrong
	ClockNeeded      bool          // refuse a device without a clock

	MQTT    mqttcheck.Config // template; RootCAs and Progress are filled in per run
	MQTTOff bool             // policy: no broker's proof; a run ends INSTALLED

	Timeouts map[Phase]time.Duration // per phase; missing: the default
	Retries  map[Phase]int           // further tries for passing faults; missing: the default
	Pause    Pause                   // between tries

	Now    func() time.Time // nil: time.Now
	Logger *slog.Logger     // nil: discard
}

// Runner takes devices through their phases. It is safe for concurrent use.
type Runner struct {
	cfg    RunnerConfig
	bridge Bridge
	ledger Ledger
	trust  Trust
	prove  Prover
	words  Words
	now    func() time.Time
	log    *slog.Logger
}

// NewRunner puts a runner together.
func NewRunner(cfg RunnerConfig, bridge Bridge, ledger Ledger, trust Trust, prove Prover, words Words) *Runner {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.KeyType == "" {
		cfg.KeyType = "P-256"
	}
	if cfg.ClockTolerance == 0 {
		cfg.ClockTolerance = 30 * time.Second
	}
	if cfg.StationTolerance == 0 {
		cfg.StationTolerance = time.Minute
	}
	return &Runner{cfg: cfg, bridge: bridge, ledger: ledger, trust: trust, prove: prove, words: words, now: cfg.Now, log: cfg.Logger}
}

// course is the way a run takes through the phases, decided in identify.
type course uint8

const (
	courseEnroll course = iota // key, CSR, certificate, install, proof
	courseAdopt                // the device holds everything: read back and prove
	courseSkip                 // enrolled, and the ledger proves it
)

// run is one device, one pass. It belongs to one goroutine.
type run struct {
	*Runner
	bench *Bench
	line  Line
	start RunStart
	log   *slog.Logger

	attempt   int
	announced Announcement
	greet     Greeting
	boot      string // boot id of the newest greeting
	holding   Holding
	course    course
	claimed   bool
	deviceID  string
	enrollID  EnrollID
	began     time.Time // first byte heard

	key      KeyAnswer
	csr      *pki.CSR
	answer   EnrollAnswer
	postID   string
	chain    *pki.Chain
	tunnel   *wgconf.Config
	wgText   []byte
	bundle   Bundle
	readback Readback
	proof    Proof
	proofs   ProofRecord
	sealed   bool
	notAfter time.Time
	leaf     []byte
	spki     []byte
	resets   int
	warnings []Warning
	warned   map[Phase][]Warning

	phase        Phase
	phaseStarted time.Time
	facts        map[string]string
}

// phaseStep is one phase and what does it. A nil do means: not part of this run.
type phaseStep struct {
	phase Phase
	do    func(context.Context) error
}

// run takes one device, first heard at the given time, through the phases. It returns also the device's last boot id that
// it saw, and the fault it ended with.
func (r *Runner) run(
	ctx context.Context, b *Bench, port PortInfo, slot string, line Line, a Announcement, heard time.Time,
) (end RunEnded, boot string, fault error) {
	s := r.cfg.Start
	s.Run, s.Slot, s.Port, s.StartedAt = newID(), slot, port.Path, r.now().UTC()
	x := &run{
		Runner: r, bench: b, line: line, start: s, announced: a, attempt: 1,
		log: r.log.With("run", s.Run, "slot", slot), began: heard, warned: map[Phase][]Warning{},
	}
	if x.began.IsZero() {
		x.began = s.StartedAt
	}
	b.hub.emit(RunStarted{Run: s.Run, Attempt: x.attempt, Slot: slot, Port: port.Path})
	err := x.guarded(ctx)
	return x.end(ctx, err), x.boot, err
}

// guarded keeps a bug that one device's bytes found from ending the other slots.
func (x *run) guarded(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil {
			x.log.Error("panic in a run", "phase", x.phase, "panic", p, "stack", string(debug.Stack()))
			err = &Fault{Code: CodeInternal, Outcome: Error, Params: map[string]string{"phase": string(x.phase), "detail": "see the log"}}
		}
	}()
	return x.execute(ctx)
}

// execute runs the phases in order until one fails.
func (x *run) execute(ctx context.Context) error {
	if err := x.ledger.BeginRun(ctx, x.start); err != nil {
		x.phase = PhaseRecord
		return x.explain(ctx, ctx, x.ledgerFault("begin run", err))
	}
	if err := x.step(ctx, phaseStep{PhaseIdentify, x.identify}); err != nil {
		return err
	}
	for _, s := range x.plan() {
		if s.do == nil {
			if err := x.skip(ctx, s.phase); err != nil {
				return err
			}
			continue
		}
		if err := x.step(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// plan lists the phases after identify for the run's course.
func (x *run) plan() []phaseStep {
	off := func(do func(context.Context) error, on bool) func(context.Context) error {
		if !on {
			return nil
		}
		return do
	}
	enroll, adopt := x.course == courseEnroll, x.course == courseAdopt
	verify, readback := x.verify, x.compareReadback
	if adopt {
		verify, readback = x.verifyHeld, x.readBackHeld
	}
	work := enroll || adopt
	return []phaseStep{
		{PhaseAssign, x.assign},
		{PhaseClock, off(x.clock, work)},
		{PhaseKeygen, off(x.keygen, enroll)},
		{PhaseCSR, off(x.checkCSR, enroll)},
		{PhaseEnroll, off(x.enroll, enroll)},
		{PhaseVerify, off(verify, work)},
		{PhaseInstall, off(x.install, enroll)},
		{PhaseReadback, off(readback, work)},
		{PhaseMQTT, off(x.mqtt, work && !x.cfg.MQTTOff)},
		{PhaseWireGuard, nil},
		{PhaseRegister, nil},
		{PhaseSeal, off(x.seal, work)},
	}
}

// Default deadlines and tries of the phases. The bridge's covers three posts of 90 s.
var (
	defaultTimeouts = map[Phase]time.Duration{
		PhaseIdentify: 30 * time.Second, PhaseAssign: 5 * time.Second, PhaseClock: 15 * time.Second,
		PhaseKeygen: 60 * time.Second, PhaseCSR: 5 * time.Second, PhaseEnroll: 300 * time.Second,
		PhaseVerify: 30 * time.Second, PhaseInstall: 60 * time.Second, PhaseReadback: 30 * time.Second,
		PhaseMQTT: 90 * time.Second, PhaseSeal: 30 * time.Second, PhaseRecord: 10 * time.Second,
	}
	defaultRetries = map[Phase]int{PhaseKeygen: 3, PhaseEnroll: 2, PhaseVerify: 2, PhaseMQTT: 2}
)

const (
	maxResets = 5 // resets and lost sessions one run mends
)

func (x *run) timeout(p Phase) time.Duration {
	if d := x.cfg.Timeouts[p]; d > 0 {
		return d
	}
	return defaultTimeouts[p]
}

func (x *run) retries(p Phase) int {
	if n, ok := x.cfg.Retries[p]; ok {
		return n
	}
	return defaultRetries[p]
}

// step does one phase: its deadline, its tries, its record, its events.
func (x *run) step(ctx context.Context, s phaseStep) error {
	x.phase, x.phaseStarted, x.facts = s.phase, x.now(), map[string]string{}
	x.emit(PhaseStarted, nil)
	pctx, cancel := context.WithTimeout(ctx, x.timeout(s.phase))
	tries, err := x.try(pctx, s)
	cancel()
	err = x.explain(ctx, pctx, err)
	status := PhaseDone
	if err != nil {
		status = PhaseFailed
	}
	f, _ := AsFault(err)
	rec := PhaseEnd{
		Run: x.start.Run, Phase: s.phase, Status: status, StartedAt: x.phaseStarted.UTC(), EndedAt: x.now().UTC(),
		Tries: tries, Facts: x.facts,
	}
	if f != nil {
		rec.Code = f.Code
	}
	if lerr := x.ledger.RecordPhase(context.WithoutCancel(ctx), rec); lerr != nil && err == nil {
		err = x.ledgerFault("record phase "+string(s.phase), lerr)
		status = PhaseFailed
		f, _ = AsFault(err)
	}
	x.emit(status, f)
	return err
}

// skip records a phase that is not part of this run.
func (x *run) skip(ctx context.Context, p Phase) error {
	x.phase, x.phaseStarted, x.facts = p, x.now(), nil
	at := x.phaseStarted.UTC()
	err := x.ledger.RecordPhase(ctx, PhaseEnd{Run: x.start.Run, Phase: p, Status: PhaseSkipped, StartedAt: at, EndedAt: at})
	if err != nil {
		return x.explain(ctx, ctx, x.ledgerFault("record phase "+string(p), err))
	}
	x.emit(PhaseSkipped, nil)
	return nil
}

// try does the phase until it succeeds, fails for good, or its tries or time are used up.
func (x *run) try(ctx context.Context, s phaseStep) (tries int, err error) {
	pause := x.cfg.Pause.start()
	left := x.retries(s.phase)
	for {
		tries++
		err = s.do(ctx)
		switch {
		case err == nil || ctx.Err() != nil:
			return tries, err
		case errors.Is(err, ErrDeviceReset), errors.Is(err, ErrSessionLost):
			x.log.Info("session lost", "phase", s.phase, "err", err)
			x.resets++
			if x.resets > maxResets {
				return tries, unmended(err)
			}
			if s.phase == PhaseIdentify {
				continue // identify greets by itself
			}
			if err = x.regreet(ctx); err != nil {
				return tries, err
			}
		default:
			f, ok := AsFault(err)
			if !ok || f.Class != Passing || left == 0 {
				return tries, err
			}
			left--
			x.log.Info("trying again", "phase", s.phase, "err", err)
			x.emit(PhaseProgress, f)
			if werr := pause.wait(ctx); werr != nil {
				return tries, err
			}
		}
	}
}

// explain turns any error into a fault, with the reason a context ended for.
func (x *run) explain(ctx, pctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	switch cause := context.Cause(ctx); {
	case ctx.Err() == nil:
	case errors.Is(cause, errUnplugged):
		return &Fault{Code: CodePortGone, Outcome: Error, Params: map[string]string{"port": x.start.Port}, Err: cause}
	default:
		return &Fault{Code: CodeAborted, Outcome: Aborted, Params: map[string]string{"phase": string(x.phase)}, Err: cause}
	}
	over := errors.Is(pctx.Err(), context.DeadlineExceeded)
	if f, ok := AsFault(err); ok && (!over || f.Outcome == Timeout || !errors.Is(err, context.DeadlineExceeded)) {
		return f // a deadline inside it that is not the phase's is the adapter's business
	}
	if over || errors.Is(err, context.DeadlineExceeded) {
		return &Fault{
			Code: CodeDeadline, Outcome: Timeout, Err: err,
			Params: map[string]string{"phase": string(x.phase), "limit": x.timeout(x.phase).String()},
		}
	}
	if errors.Is(err, ErrDeviceReset) || errors.Is(err, ErrSessionLost) {
		return unmended(err)
	}
	return &Fault{Code: CodeInternal, Outcome: Error, Err: err, Params: map[string]string{"detail": err.Error()}}
}

// unmended is what a run ends with when greeting again did not help: a device that restarts is a bad one, a line without
// progress may be the cable.
func unmended(err error) *Fault {
	if errors.Is(err, ErrDeviceReset) {
		return &Fault{Code: CodeResetLoop, Outcome: Fail, Params: map[string]string{"limit": itoa(maxResets)}, Err: err}
	}
	return &Fault{Code: CodeLineNoise, Outcome: Error, Err: err}
}

// end closes the run: final record, goodbye to the device, result. It runs also when ctx is done.
func (x *run) end(ctx context.Context, err error) RunEnded {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), x.timeout(PhaseRecord))
	defer cancel()
	f, _ := AsFault(err)
	outcome, failedIn := x.outcome(f), Phase("")
	if f != nil {
		failedIn = x.phase
		x.log.Warn("run failed", "phase", x.phase, "code", f.Code, "err", err)
		x.abandon(ctx, f)
	}
	x.phase, x.phaseStarted, x.facts = PhaseRecord, x.now(), nil
	x.emit(PhaseStarted, nil)
	tx, rx := x.line.Traffic()
	fin := RunFinish{
		Run: x.start.Run, Tenant: x.start.Tenant, HardwareSerial: x.serial(), DeviceID: x.deviceID,
		Outcome: outcome, Proof: x.proof, Phase: failedIn, SPKI: x.spki, Leaf: x.leaf, NotAfter: x.notAfter,
		Contract: x.answer.Contract, WireTx: tx, WireRx: rx, Warnings: x.warnings, EndedAt: x.now().UTC(),
	}
	fin.Elapsed = fin.EndedAt.Sub(x.began)
	if f != nil {
		fin.Code, fin.Params = f.Code, printables(f.Params)
	} else if outcome == Skipped {
		fin.Code, fin.Params = CodeSkipped, x.skipParams()
	}
	if lerr := x.ledger.FinishRun(ctx, fin); lerr != nil {
		lf := x.ledgerFault("finish run", lerr)
		x.log.Error("run not recorded", "outcome", outcome, "err", lerr)
		if outcome.Good() || outcome == Installed || f == nil {
			fin.Outcome, fin.Code, fin.Params, fin.Phase, fin.Proof = Error, lf.Code, lf.Params, PhaseRecord, NoProof
		}
		x.emit(PhaseFailed, lf)
	} else {
		x.emit(PhaseDone, nil)
	}
	x.line.Bye(ctx)
	if x.claimed {
		x.bench.release(x.serial(), x.start.Slot)
	}
	return x.ended(fin)
}

// outcome is how the run ended. PASS needs a proof and a sealed device; the record comes after.
func (x *run) outcome(f *Fault) Outcome {
	switch {
	case f != nil && f.Outcome != "":
		return f.Outcome
	case f != nil:
		return Error
	case x.course == courseSkip:
		return Skipped
	case x.proof != NoProof && x.sealed:
		return Pass
	case x.cfg.MQTTOff && x.sealed:
		return Installed
	default:
		return Error
	}
}

func (x *run) ended(fin RunFinish) RunEnded {
	e := RunEnded{
		Run: fin.Run, Attempt: x.attempt, Slot: x.start.Slot, Port: x.start.Port, Outcome: fin.Outcome, Proof: fin.Proof,
		Phase: fin.Phase, Code: fin.Code, Params: fin.Params, DeviceID: fin.DeviceID, HardwareSerial: fin.HardwareSerial,
		CertFingerprint: hexOf(fin.Leaf), Contract: string(fin.Contract), ElapsedMS: fin.Elapsed.Milliseconds(),
		WireTxBytes: fin.WireTx, WireRxBytes: fin.WireRx,
	}
	if !fin.NotAfter.IsZero() {
		at := fin.NotAfter.UTC()
		e.NotAfter = &at
	}
	if fin.Code != "" {
		e.Message, e.Hint = x.words.Fault(fin.Code, fin.Params)
	}
	return e
}

// serial is the hardware serial of the run's device.
func (x *run) serial() string {
	if x.greet.HardwareSerial != "" {
		return x.greet.HardwareSerial
	}
	return x.announced.HardwareSerial
}

// emit tells of the present phase.
func (x *run) emit(s PhaseStatus, f *Fault) {
	e := PhaseChanged{
		Run: x.start.Run, Attempt: x.attempt, Slot: x.start.Slot, DeviceID: x.deviceID, Phase: x.phase, Status: s,
		ElapsedMS: x.now().Sub(x.phaseStarted).Milliseconds(),
	}
	if f != nil {
		e.Code, e.Params = f.Code, printables(f.Params)
	}
	if s != PhaseStarted {
		e.Facts = copyFacts(x.facts)
		e.Warnings = x.warned[x.phase]
	}
	x.bench.hub.emit(e)
}
