package station

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
)

// Adoption. On every greeting the device is asked what it holds, and the run carries on from the furthest proven point. What
// a person decided goes before all of it, see [run.decide].
//
// The table, as the tests have it:
//
//	device holds                       ledger knows                                            journal                       ends                          key   posted
//	nothing                            nothing                                                 -                             PASS                          new   CSR
//	nothing                            no PASS                                                 make-key: found not done      PASS                          new   CSR
//	nothing                            no PASS                                                 set-clock: found done         PASS                          new   CSR
//	nothing                            a PASS                                                  -                             UNCERTAIN E-ID-OTHER-KEY      none  -
//	a key                              no key                                                  make-key: found done          PASS                          same  CSR
//	a key                              that key                                                the request's answer is lost  PASS                          same  CSR
//	a key                              a certificate, not judged yet                           -                             PASS                          same  -
//	a key                              a certificate                                           install: found not done       PASS                          same  -
//	a key                              a certificate that was refused                          -                             PASS                          same  CSR
//	a key                              a certificate that is revoked                           -                             PASS                          same  CSR
//	a key                              a certificate that is over                              -                             PASS                          same  CSR
//	a key                              a certificate with a tunnel key that the bridge made    -                             PASS                          same  CSR
//	a key                              nothing; the key signs no more                          -                             PASS                          new   CSR
//	a key beside an active generation  a PASS with the active one                              -                             PASS                          same  CSR
//	a key                              a PASS with a third key                                 -                             UNCERTAIN E-ID-OTHER-KEY      same  -
//	all files                          their certificate                                       install: found done           PASS                          same  -
//	other files for that certificate   their certificate                                       -                             PASS                          same  -
//	all files                          no certificate                                          -                             PASS                          same  CSR
//	all files                          their certificate and a proof                           seal: found not done          PASS                          same  -
//	all files                          a PASS with a third key                                 -                             UNCERTAIN E-ID-OTHER-KEY      same  -
//	sealed                             a proof, no end of its run                              seal: found done              PASS                          same  -
//	sealed, signs no more              a proof, no end of its run                              seal: found done              PASS                          same  -
//	sealed, signs no more              no proof                                                -                             UNCERTAIN E-PROOF-IMPOSSIBLE  same  -
//	sealed                             nothing                                                 -                             PASS                          same  -
//	sealed                             its certificate with another wg0.conf                   -                             UNCERTAIN E-READBACK          same  -
//	sealed                             its certificate with that wg0.conf                      -                             PASS                          same  -
//	sealed                             a PASS with this key and certificate                    -                             SKIPPED I-SKIPPED             same  -
//	sealed                             that PASS; re-enrollment was given up                   abandon: found done           SKIPPED I-SKIPPED             same  -
//	sealed                             that PASS, certificate revoked                          -                             UNCERTAIN E-UNCERTAIN         same  -
//	sealed                             that PASS, certificate expired                          -                             FAIL E-CERT-EXPIRED           same  -
//	sealed                             a PASS with this key, another certificate               -                             PASS                          same  -
//	sealed                             a PASS with another key                                 -                             UNCERTAIN E-ID-OTHER-KEY      same  -
//	sealed                             its certificate, which is revoked                       -                             UNCERTAIN E-UNCERTAIN         same  -
//	sealed                             a proof that is later than the PASS with another key    seal: found done              PASS                          same  -
//	sealed                             a proof that is earlier than the PASS with another key  -                             UNCERTAIN E-ID-OTHER-KEY      same  -
//	enrolled by enroll.sh              nothing                                                 -                             PASS                          same  -
//	enrolled by enroll.sh              a PASS with this key and certificate                    -                             SKIPPED I-SKIPPED             same  -
//	enrolled by enroll.sh              a PASS with another key                                 -                             UNCERTAIN E-ID-OTHER-KEY      same  -
//
// (end of the table)

// What a run can take over from one before it.
const (
	AdoptedKey         = "key"         // the device made it in an earlier run
	AdoptedCertificate = "certificate" // it was on file, or on the device
	AdoptedFiles       = "files"       // the device held them, and they are what they have to be
	AdoptedProof       = "proof"       // it was durable before the device was sealed
)

// adopt notes what the run took over.
func (x *run) adopt(what ...string) {
	for _, w := range what {
		if !slices.Contains(x.adopted, w) {
			x.adopted = append(x.adopted, w)
		}
	}
}

// intend has an intent made durable, once: a device that resets in the middle gets the same one again.
func (x *run) intend(ctx context.Context, in Intent) {
	if !x.intended[in.ID] {
		x.intended[in.ID] = true
		x.saved(x.ledger.IntendSoon(ctx, in), point(in.Kind+".intended"))
	}
}

// intent is the run's intent to do something with the present key, and the same one every time.
func (x *run) intent(kind IntentKind, leaf []byte) Intent {
	in := Intent{
		Run: x.start.Run, Tenant: x.start.Tenant, HardwareSerial: x.serial(), Kind: kind, DeviceID: x.deviceID,
		EnrollID: x.enrollID, Leaf: leaf,
	}
	if kind != IntendKey && kind != IntendClock {
		in.SPKI = x.spki
	}
	for _, have := range x.intents {
		if have.Kind == kind && have.EnrollID == in.EnrollID && bytes.Equal(have.Leaf, leaf) {
			return have
		}
	}
	in.ID, in.At = newID(), x.now().UTC()
	x.intents = append(x.intents, in)
	return in
}

// cause writes down what is about to be done to the device, does it, and notes what came of it; the phase's end makes that
// durable. Where no answer came nothing is noted: what the device holds when it is seen again will tell.
func (x *run) cause(ctx context.Context, kind IntentKind, leaf []byte, do func() error) error {
	in := x.intent(kind, leaf)
	x.intend(ctx, in)
	return x.when(in, do)
}

// A Holder is a Line that can send a request and have its end wait until it may take effect.
type Holder interface {
	// Hold has what is asked of the device from now on take no effect before ready has returned nil, and none at all where it
	// fails. nil: nothing is waited for.
	Hold(ready func() error)
}

// when does what an intent is about once all that was recorded is durable, the intent with it.
func (x *run) when(in Intent, do func() error) error {
	var lost error
	asked := false
	ready := func() error {
		asked = true
		lost = x.settled()
		return lost
	}
	h, ok := x.line.Line.(Holder)
	if !ok {
		if ready() != nil {
			return x.notDone(in, lost)
		}
		return x.came(in, do())
	}
	h.Hold(ready)
	defer h.Hold(nil)
	err := do()
	if err == nil && !asked { // nothing had to be sent
		err = ready()
	}
	if lost != nil {
		return x.notDone(in, lost)
	}
	return x.came(in, err)
}

// notDone is why something was not done to the device: a record was lost, or one says that it may not have the certificate. The next
// run has another one issued then.
func (x *run) notDone(in Intent, lost error) error {
	if isCode(lost, CodeWGAddress) { // all is on record, the intent too
		x.results[in.ID] = failedWith(CodeWGAddress)
		if len(x.leaf) > 0 {
			x.refuse(context.Background(), x.leaf, CodeWGAddress)
		}
	}
	return x.ledgerFault("write down what is to be done", lost)
}

// came notes what came of an intent.
func (x *run) came(in Intent, err error) error {
	if r, known := resultOf(err); known {
		x.results[in.ID] = r
	}
	if err == nil {
		crash(point(in.Kind + ".done"))
	}
	return err
}

// resultOf tells a device's own answer, that it has or has not done what was asked, from none.
func resultOf(err error) (r IntentResult, known bool) {
	if err == nil {
		return ResultDone, true
	}
	f, ok := AsFault(err)
	if !ok {
		return "", false
	}
	switch f.Code {
	case CodeAgentRefuse, CodeAgentLocked, CodeAgentSpace, CodeAgentRNG, CodeAgentError, CodeKeyFailed, CodeInstallKey:
		return failedWith(f.Code), true
	default:
		return "", false
	}
}

// reconcile settles what earlier runs began with the device and never heard of again, by what it holds now.
func (x *run) reconcile(ctx context.Context) error {
	open, err := x.ledger.OpenIntents(ctx, x.start.Tenant, x.greet.HardwareSerial)
	if err != nil {
		return x.ledgerFault("look up what was begun", err)
	}
	var said []string
	for _, in := range open {
		if in.Kind == IntendRevoke {
			continue // the CA's matter, not the device's
		}
		r := ResultNotFound
		if x.holds(in) {
			r = ResultFound
		}
		if err := x.ledger.Done(ctx, in.ID, r); err != nil {
			return x.ledgerFault("settle what was begun", err)
		}
		said = append(said, string(in.Kind)+": "+string(r))
	}
	x.fact(FactReconciled, strings.Join(said, "; "))
	crash(pointReconciled)
	return nil
}

// holds reports whether the device shows that the intent was carried out.
func (x *run) holds(in Intent) bool {
	h := x.holding
	same := !in.EnrollID.IsZero() && h.EnrollID == in.EnrollID
	switch in.Kind {
	case IntendKey:
		return same
	case IntendInstall:
		return same && bytes.Equal(h.Leaf, in.Leaf)
	case IntendSeal:
		return same && x.greet.State == StateSealed && bytes.Equal(h.Leaf, in.Leaf)
	case IntendAbandon:
		return !same
	case IntendClock:
		return !x.greet.Clock.IsZero() && x.greet.Clock.Sub(x.greet.HeardAt).Abs() <= x.cfg.ClockTolerance
	case IntendRevoke:
	}
	return false
}

// takeResults gives what came of the phase's intents, to be recorded with its end.
func (x *run) takeResults() map[string]IntentResult {
	if len(x.results) == 0 {
		return nil
	}
	r := maps.Clone(x.results)
	clear(x.results)
	return r
}

// refuse keeps a certificate from being used again, over a restart of the station. That it cannot be written down does not
// change how the run ends: the next one finds out by itself.
func (x *run) refuse(ctx context.Context, leaf []byte, code Code) {
	crash(pointRefusing)
	err := x.ledger.RefuseCertificate(context.WithoutCancel(ctx), Refusal{
		Run: x.start.Run, Fingerprint: leaf, Code: code, At: x.now().UTC(),
	})
	if err != nil && !errors.Is(err, ErrNotFound) {
		x.log.Warn("a refused certificate is not on record as such", "err", err)
	}
	crash(pointRefused)
}
