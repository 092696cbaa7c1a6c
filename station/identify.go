package station

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"regexp"
	"strings"
	"time"
)

// identify greets the device, finds out who it is and what it holds, and decides the run's course.
func (x *run) identify(ctx context.Context) error {
	g, err := x.line.Greet(ctx)
	if err != nil {
		return err
	}
	if x.exact && g.HardwareSerial != x.announced.HardwareSerial {
		return &Fault{Code: CodeSwapped, Outcome: Fail, Params: map[string]string{"want": x.announced.HardwareSerial, "have": g.HardwareSerial}}
	}
	if err := x.sameHardware(g); err != nil {
		return err
	}
	crash(pointGreeted)
	x.greet = g
	x.fact(FactProfile, x.start.Profile)
	x.fact(FactHardwareSerial, g.HardwareSerial)
	x.fact(FactModel, g.Model)
	x.fact(FactFirmware, g.Firmware)
	x.fact(FactDeviceState, string(g.State))
	x.fact(FactDeviceClock, stamp(g.Clock))
	x.fact(FactBootLog, withoutKeys(x.line.BootLog()))
	if err := x.checkSerial(g.HardwareSerial); err != nil {
		return err
	}
	known := x.observe(ctx, g)
	err = x.findCourse(ctx)
	if lost := known(); lost != nil {
		return lost
	}
	return err
}

// findCourse takes the device for this run, finds out what it holds, and decides the run's course. It is on its way into the
// ledger by then that this run is about it.
func (x *run) findCourse(ctx context.Context) (err error) {
	if err := x.claimDevice(ctx); err != nil {
		return err
	}
	if x.greet.State != StateEmpty {
		if x.holding, err = x.line.Holding(ctx); err != nil {
			return err
		}
		x.fact(FactSPKI, hexOf(x.holding.SPKI))
		x.fact(FactFingerprint, hexOf(x.holding.Leaf))
	}
	if err := x.reconcile(ctx); err != nil {
		return err
	}
	return x.decide(ctx)
}

// junkSerials are hardware serials that boards have when nobody gave them one.
var junkSerials = regexp.MustCompile(`(?i)^(0+|f+|0*1|0?123456789a?b?c?d?e?f?|1234567890?|none|null|n/?a|unknown|default( string)?|not specified|to be filled by o\.?e\.?m\.?|system serial number|serial|x+|-+|\?+)$`)

// checkSerial refuses hardware that cannot be told apart.
func (x *run) checkSerial(serial string) error {
	params := map[string]string{"hardware_serial": serial}
	switch {
	case strings.TrimSpace(serial) == "":
		return &Fault{Code: CodeSerialMissing, Outcome: Fail}
	case junkSerials.MatchString(strings.TrimSpace(serial)):
		return &Fault{Code: CodeSerialJunk, Outcome: Uncertain, Params: params}
	}
	other, ok := x.bench.claim(serial, x.start.Slot)
	if !ok {
		params["slot"] = other
		return &Fault{Code: CodeSerialTwice, Outcome: Uncertain, Params: params}
	}
	x.claimed = true
	return nil
}

// observe records what the device said of itself. known waits until that was accepted.
func (x *run) observe(ctx context.Context, g Greeting) (known func() error) {
	o := Observed{
		Tenant: x.start.Tenant, HardwareSerial: g.HardwareSerial, Model: g.Model, Firmware: g.Firmware,
		BootID: g.BootID, State: g.State, HasClock: !g.Clock.IsZero(),
	}
	if o.HasClock {
		o.ClockOffset = g.Clock.Sub(g.HeardAt)
		x.fact(FactClockOffset, o.ClockOffset.Round(time.Millisecond).String())
	}
	accepted := x.ledger.IdentifyRunSoon(ctx, x.start.Run, o)
	return func() error {
		attempt, saved, err := accepted()
		if err != nil {
			if begun := x.settled(); begun != nil {
				return x.ledgerFault("begin run", begun)
			}
			return x.ledgerFault("identify run", err)
		}
		x.attempt = attempt
		x.saved(saved, pointObserved)
		return nil
	}
}

// decide chooses the course by what the device holds and what the ledger knows of it.
//
//	device holds     ledger knows                     course
//	nothing          nothing, or no PASS              enroll
//	nothing          a PASS                           held: reflash or clone (--reenroll goes on)
//	key, unsealed    that key, or no PASS             enroll, same key
//	key, unsealed    a PASS with a third key          held (--reenroll goes on)
//	sealed           a PASS with this key and leaf    skip (--reenroll enrolls anew)
//	sealed           no PASS                          adopt and prove
//	sealed           a PASS with this key, other leaf adopt and prove: it was renewed
//	sealed           a PASS with another key          held (--reenroll goes on), unless this one was proven since
//	foreign          as sealed                        as sealed, but never enrolled anew
//
// Where policy says in which stores keys may be kept, an enrolled device whose key is on record elsewhere fails, and one whose
// key nobody has on record is held. A new key is judged when it is made.
//
// What a person decided about the hardware goes first, see [DecisionsFor]: decommissioned holds it whatever it holds;
// re-enroll is --reenroll for it; keep takes the key that was decided on for the ledger's, and an enrolled device with
// it is adopted and proven.
func (x *run) decide(ctx context.Context) error {
	d, err := x.ledger.Device(ctx, x.start.Tenant, x.greet.HardwareSerial)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return x.ledgerFault("look the device up", err)
	}
	x.known = d
	if err := x.resolve(ctx); err != nil {
		return err
	}
	if err := x.undisputed(ctx); err != nil {
		return err
	}
	passed := len(d.SPKI) > 0
	h := x.holding
	if t := x.start.Task; t == TaskRenew || t == TaskRekey {
		if x.greet.State == StateSealed {
			if err := x.knownKey(ctx, d, passed); err != nil {
				return err
			}
			if err := x.mayRenewKey(ctx); err != nil {
				return err
			}
		}
		return x.decideTask()
	}
	x.enrollID = h.EnrollID
	switch x.greet.State {
	case StateEmpty:
		x.course = courseEnroll
		if passed && !x.reenroll() {
			return x.otherKey(d)
		}
	case StateKeyed, StateInstalled:
		x.course = courseEnroll
		if passed && !x.reenroll() && !x.keeps() && h.Active == 0 && !bytes.Equal(d.SPKI, h.SPKI) {
			return x.otherKey(d)
		}
		if h.SignaturesLeft == 0 || (x.reenroll() && h.Active == 0) {
			x.enrollID = EnrollID{} // a key that signs no more proves nothing; a new one, then
		}
	case StateSealed, StateForeign:
		return x.decideEnrolled(ctx, d, passed)
	}
	if x.enrollID.IsZero() {
		x.enrollID = newEnrollID()
	}
	return nil
}

// decideEnrolled decides for a device that has its enrolled flag.
func (x *run) decideEnrolled(ctx context.Context, d DeviceRecord, passed bool) error {
	h := x.holding
	if x.reenroll() && x.greet.State == StateSealed {
		x.course, x.enrollID = courseEnroll, newEnrollID()
		return nil
	}
	other := passed && !bytes.Equal(d.SPKI, h.SPKI) // an old image put back has a PASS on file, too
	if err := x.knownKey(ctx, d, passed); err != nil {
		return err
	}
	if err := x.allowsHeldKey(ctx, h.SPKI); err != nil {
		return err
	}
	pass, err := x.ledger.Passed(ctx, x.start.Tenant, x.greet.HardwareSerial, h.SPKI, h.Leaf)
	switch {
	case err == nil && other && !pass.Revoked: // proven anew, so that the ledger's present state is this key
	case err == nil:
		return x.skipOrRefuse(pass)
	case !errors.Is(err, ErrNotFound):
		return x.ledgerFault("look the PASS up", err)
	}
	x.course = courseAdopt
	return nil
}

// knownKey holds an enrolled device whose key is another than that of the hardware's last PASS. Not one that a person decided
// about, nor one that was sealed anew by a run whose end is lost: its proof is later than that PASS.
func (x *run) knownKey(ctx context.Context, d DeviceRecord, passed bool) error {
	h := x.holding
	if !passed || bytes.Equal(d.SPKI, h.SPKI) || x.keeps() {
		return nil
	}
	proof, err := x.ledger.Proof(ctx, x.start.Tenant, x.greet.HardwareSerial, h.SPKI, h.Leaf)
	if errors.Is(err, ErrNotFound) {
		return x.otherKey(d)
	}
	if err != nil {
		return x.ledgerFault("look the proof up", err)
	}
	last, err := x.ledger.Passed(ctx, x.start.Tenant, x.greet.HardwareSerial, d.SPKI, d.Leaf)
	switch {
	case err != nil && !errors.Is(err, ErrNotFound):
		return x.ledgerFault("look the PASS up", err)
	case err != nil || !proof.At.After(last.PassedAt):
		return x.otherKey(d)
	}
	return nil
}

// skipOrRefuse judges an enrolled device whose PASS is on file.
func (x *run) skipOrRefuse(pass PassRecord) error {
	x.deviceID, x.notAfter = pass.DeviceID, pass.NotAfter
	x.spki, x.leaf = x.holding.SPKI, x.holding.Leaf
	remaining := pass.NotAfter.Sub(x.now())
	params := map[string]string{"device_id": pass.DeviceID, "not_after": stamp(pass.NotAfter), "left": left(remaining)}
	switch {
	case pass.Revoked:
		return &Fault{Code: CodeUncertain, Outcome: Uncertain, Params: params}
	case remaining <= 0:
		return &Fault{Code: CodeCertExpired, Outcome: Fail, Params: params}
	case x.cfg.MinValidity > 0 && remaining < x.cfg.MinValidity:
		params["want"] = left(x.cfg.MinValidity)
		if err := x.shelfLife(params); err != nil {
			return err
		}
	}
	x.course = courseSkip
	return nil
}

func (x *run) otherKey(d DeviceRecord) error {
	return &Fault{Code: CodeUnknownKey, Outcome: Uncertain, Params: map[string]string{
		"hardware_serial": d.HardwareSerial, "device_id": d.DeviceID, "want": hexOf(d.SPKI), "have": hexOf(x.holding.SPKI),
	}}
}

func newEnrollID() (e EnrollID) {
	for e.IsZero() {
		_, _ = rand.Read(e[:]) // crypto/rand.Read never fails
	}
	return e
}

// serverClock is a bridge that tells the time without issuing anything.
type serverClock interface {
	ServerTime(ctx context.Context) (time.Time, error)
}

// clock checks the station's clock against the bridge's and the device's against the station's.
func (x *run) clock(ctx context.Context) error {
	if sc, ok := x.bridge.(serverClock); ok && x.cfg.Queue == nil {
		// A bridge that cannot be reached is the enroll phase's business, with its own code and tries.
		if at, err := sc.ServerTime(ctx); err == nil && !at.IsZero() {
			if off := x.now().Sub(at); off.Abs() > x.cfg.StationTolerance {
				return &Fault{Code: CodeClockStation, Outcome: Error, Class: Misconfigured, Params: map[string]string{
					"have": stamp(x.now()), "want": stamp(at), "limit": x.cfg.StationTolerance.String(),
				}}
			}
		}
	}
	if x.greet.Clock.IsZero() {
		if x.cfg.ClockNeeded {
			return &Fault{Code: CodeClockDevice, Outcome: Fail, Params: map[string]string{"have": "none", "want": stamp(x.now())}}
		}
		x.warn(CodeClockUnset, nil)
		return nil
	}
	off := x.greet.Clock.Sub(x.greet.HeardAt)
	x.fact(FactClockOffset, off.Round(time.Millisecond).String())
	if off.Abs() <= x.cfg.ClockTolerance {
		return nil
	}
	params := map[string]string{"have": stamp(x.greet.Clock), "want": stamp(x.greet.HeardAt), "limit": x.cfg.ClockTolerance.String()}
	if x.cfg.ClockSet && x.greet.SetClock && x.course == courseEnroll {
		err := x.cause(ctx, IntendClock, nil, func() error { return x.line.SetClock(ctx, x.now()) })
		if err == nil {
			x.clockSet = true
			x.fact("clock_set", "yes")
			return nil
		}
		if f, ok := AsFault(err); !ok || f.Code != CodeAgentRefuse {
			return err
		}
	}
	if x.cfg.ClockRefuse {
		return &Fault{Code: CodeClockDevice, Outcome: Fail, Params: params}
	}
	x.warn(CodeClockDevice, params)
	return nil
}
