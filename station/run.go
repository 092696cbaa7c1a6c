package station

import (
	"cmp"
	"context"
	"log/slog"
	"runtime/debug"
	"time"

	"provstation/station/pki"
	"provstation/station/wgconf"
)

// course is the way a run takes through the phases, decided in identify.
type course uint8

const (
	courseEnroll course = iota // key, CSR, certificate, install, proof
	courseAdopt                // the device holds everything: read back and prove
	courseSkip                 // enrolled, and the ledger proves it
	courseRenew                // enrolled: a new certificate for the key it has, on request
	courseRekey                // enrolled: a new key and its certificate from the CA, on request
)

// run is one device, one pass. It belongs to one goroutine.
type run struct {
	*Runner
	bench   *Bench
	line    *talk
	port    PortInfo
	profile Profile
	start   RunStart
	log     *slog.Logger

	attempt   int
	announced Announcement
	greet     Greeting
	boot      string // boot id of the newest greeting
	holding   Holding
	known     DeviceRecord // what the ledger knew of the hardware before this run
	resolved  Resolution   // what a person decided about it
	course    course
	claimed   bool
	deviceID  string
	released  string // the hardware that the override is for
	exact     bool   // the run is for the hardware that announced itself, and no other
	enrollID  EnrollID
	began     time.Time // first byte heard

	before   before // of courseRenew and courseRekey
	key      KeyAnswer
	csr      *pki.CSR
	answer   EnrollAnswer
	postID   string
	chain    *pki.Chain
	tunnel   *wgconf.Config
	clockSet bool
	wgText   []byte
	bundle   Bundle
	readback Readback
	proof    Proof
	proofs   ProofRecord
	borrowed ProofRecord // of ProveBoth: the station's half
	sealed   bool
	notAfter time.Time
	short    map[string]string // its life is too short, unless the box renews by itself; nil: it is not, or that was settled
	leaf     []byte
	spki     []byte
	tx, rx   uint64 // bytes that had crossed the wire before
	resets   int
	adopted  []string                // what earlier runs had done
	intents  []Intent                // of this run
	intended map[string]bool         // of them, those that were recorded
	results  map[string]IntentResult // of them, not durable yet
	warnings []Warning
	warned   map[Phase][]Warning

	phase        Phase
	phaseStarted time.Time
	facts        map[string]string
	told         *teller
	saves        []Saved // of what was recorded and not waited for
	recorded     int     // phases

	collected bool           // the request is in the queue
	relayed   *QueuedRequest // the request that is relayed; nil: a device is there
}

// phaseStep is one phase and what does it. A nil do means: not part of this run.
type phaseStep struct {
	phase Phase
	do    func(context.Context) error
}

// run takes one device, first heard at the given time, through the phases. It returns also the device's last boot id that
// it saw, and the fault it ended with.
func (r *Runner) run(
	ctx context.Context, b *Bench, port PortInfo, profile Profile, line Line, a Announcement, heard time.Time, t ticket,
) (end RunEnded, boot string, fault error) {
	s, slot := r.cfg.Start, port.SlotName
	s.Run, s.Slot, s.Port, s.StartedAt = newID(), slot, port.Path, r.now().UTC()
	s.Profile, s.RequestedKey = profile.Name, cmp.Or(profile.KeyType, s.RequestedKey)
	s.Operator, s.Batch, s.Override, s.Task = t.operator, t.batch, t.override, cmp.Or(t.task, r.cfg.Task)
	x := &run{
		Runner: r, bench: b, line: &talk{Line: line}, port: port, profile: profile, start: s, announced: a, attempt: 1,
		log: r.log.With("run", s.Run, "slot", slot), began: heard, warned: map[Phase][]Warning{},
		intended: map[string]bool{}, results: map[string]IntentResult{}, told: newTeller(b.hub),
	}
	defer x.told.close()
	x.released, x.exact = t.serial, t.task != "" || b.cfg.Only != nil
	x.tx, x.rx = line.Traffic()
	if x.began.IsZero() {
		x.began = s.StartedAt
	}
	err := x.guarded(ctx)
	return x.endGuarded(ctx, err), x.boot, err
}

// endGuarded is end for a run in which even that panics: nothing was proven then.
func (x *run) endGuarded(ctx context.Context, err error) (e RunEnded) {
	defer func() {
		if p := recover(); p != nil {
			x.log.Error("panic at the end of a run", "panic", p, "stack", string(debug.Stack()))
			e = RunEnded{
				Run: x.start.Run, Attempt: x.attempt, Slot: x.start.Slot, Port: x.start.Port, Outcome: Error, Phase: PhaseRecord,
				Code: CodeInternal, DeviceID: x.deviceID, HardwareSerial: x.serial(),
			}
		}
	}()
	return x.end(ctx, err)
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
	if err := x.begin(ctx); err != nil {
		return err
	}
	crash(pointBegun)
	if err := x.step(ctx, phaseStep{PhaseIdentify, x.identify}); err != nil {
		return err
	}
	for _, s := range x.plan() {
		if s.do == nil && s.phase.Rare() {
			continue
		}
		if s.do == nil {
			x.skip(ctx, s.phase)
			continue
		}
		if err := x.step(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// begin puts the run on record and tells of it then, or when it is clear that it could not be put there. An override is on record
// before the first byte; without one, that the run began is durable with whose it is, before anything that matters to the device.
func (x *run) begin(ctx context.Context) error {
	s := x.start
	began := RunStarted{Run: s.Run, Attempt: x.attempt, Slot: s.Slot, Port: s.Port, Batch: s.Batch, Operator: s.Operator, Task: s.Task}
	// Whoever aborts it meanwhile.
	kept := context.WithoutCancel(ctx)
	if s.Override == nil {
		saved := x.ledger.BeginRunSoon(kept, s)
		x.saves = append(x.saves, saved)
		x.told.tellSaved(saved, began, began)
		return nil
	}
	defer x.told.tell(began)
	bctx, cancel := context.WithTimeout(kept, x.timeout(PhaseRecord))
	defer cancel()
	if err := x.ledger.BeginRun(bctx, x.start); err != nil {
		x.phase = PhaseRecord
		return x.explain(ctx, ctx, x.ledgerFault("begin run", err))
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
	if x.course == courseRenew || x.course == courseRekey {
		return x.renewalSteps()
	}
	enroll, adopt := x.course == courseEnroll, x.course == courseAdopt
	verify, readback := x.verify, x.compareReadback
	if adopt {
		verify, readback = x.verifyHeld, x.readBackHeld
	}
	work := enroll || adopt
	steps := []phaseStep{
		{PhaseAssign, x.assign},
		{PhaseClock, off(x.clock, work)},
		{PhaseKeygen, off(x.keygen, enroll)},
		{PhaseCSR, off(x.checkCSR, enroll)},
		{PhaseEnroll, off(x.enroll, enroll)},
		{PhaseVerify, off(verify, work)},
		{PhaseInstall, off(x.install, enroll)},
		{PhaseReadback, off(readback, work)},
		{PhaseMQTT, off(x.mqtt, work && !x.cfg.MQTTOff)},
		{PhaseWireGuard, off(x.checkTunnel, work && x.cfg.TunnelCheck.on())},
		{PhaseRegister, off(x.register, work && x.cfg.Registry != nil)},
		{PhaseAutorenew, off(x.autorenew, x.cfg.Autorenew.on())},
		{PhaseSeal, off(x.seal, work)},
	}
	if x.cfg.Queue != nil {
		x.onlyCollect(steps)
	}
	return steps
}

// serial is the hardware serial of the run's device.
func (x *run) serial() string {
	if x.greet.HardwareSerial != "" {
		return x.greet.HardwareSerial
	}
	return x.announced.HardwareSerial
}

// emit tells of the present phase.
func (x *run) emit(s PhaseStatus, f *Fault) { x.told.tell(x.changed(s, f)) }

// changed is the event that tells of the present phase.
func (x *run) changed(s PhaseStatus, f *Fault) PhaseChanged {
	e := PhaseChanged{
		Run: x.start.Run, Attempt: x.attempt, Slot: x.start.Slot, DeviceID: x.deviceID, Phase: x.phase, Status: s,
		At: x.now(),
	}
	e.ElapsedMS = e.At.Sub(x.phaseStarted).Milliseconds()
	if f != nil {
		e.Code, e.Params = f.Code, printables(f.Params)
	}
	if s != PhaseStarted {
		e.Facts = copyFacts(x.facts)
		e.Warnings = x.warned[x.phase]
	}
	return e
}
