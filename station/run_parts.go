package station

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/cenkalti/backoff/v5"
)

// Pause is the wait between tries: doubling from First to Max, with jitter.
type Pause struct {
	First time.Duration // 0: 500 ms
	Max   time.Duration // 0: 10 s
}

type pauses struct{ b *backoff.ExponentialBackOff }

func (p Pause) start() pauses {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval, b.Multiplier = cmp.Or(p.First, 500*time.Millisecond), cmp.Or(p.Max, 10*time.Second), 2
	return pauses{b}
}

// wait waits once, or returns ctx's error.
func (p pauses) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(p.b.NextBackOff()):
		return nil
	}
}

// warn says something a phase lets pass by policy, once however often the phase is tried.
func (x *run) warn(code Code, params map[string]string) {
	if slices.ContainsFunc(x.warned[x.phase], func(w Warning) bool { return w.Code == code && maps.Equal(w.Params, params) }) {
		return
	}
	params = printables(params)
	text, _ := x.words.Fault(code, params)
	w := Warning{Code: code, Params: params, Text: text}
	x.warnings = append(x.warnings, w)
	x.warned[x.phase] = append(x.warned[x.phase], w)
}

// fact notes what the phase found out.
func (x *run) fact(name, value string) {
	if value != "" {
		x.facts[name] = value
	}
}

// stepDone tells of one step inside a phase, as it happens.
func (x *run) stepDone(name string, took time.Duration, ok bool) {
	e := PhaseChanged{
		Run: x.start.Run, Attempt: x.attempt, Slot: x.start.Slot, DeviceID: x.deviceID, Phase: x.phase,
		Status: PhaseProgress, ElapsedMS: x.now().Sub(x.phaseStarted).Milliseconds(), Step: name,
		Facts: map[string]string{FactStepMS: strconv.FormatInt(took.Milliseconds(), 10), FactStepOK: yesNo(ok)},
	}
	x.told.tell(e)
}

// ledgerFault says that a record could not be written, or what the ledger objects to.
func (x *run) ledgerFault(doing string, err error) *Fault {
	if f, ok := AsFault(err); ok {
		return f
	}
	params := map[string]string{"doing": doing, "detail": printable(err.Error())}
	if f := sharingFault(err, params); f != nil {
		return f
	}
	f := &Fault{Code: CodeLedger, Outcome: Error, Params: params, Err: err}
	if errors.Is(err, ErrConflict) {
		f.Code, f.Outcome = CodeUncertain, Uncertain
	}
	return f
}

// regreet opens a new session after a reset and checks that it is still the same hardware.
func (x *run) regreet(ctx context.Context) error {
	for tries := 0; ; tries++ {
		g, err := x.line.Greet(ctx)
		if err == nil {
			return x.sameHardware(g)
		}
		if tries == maxResets || (!errors.Is(err, ErrDeviceReset) && !errors.Is(err, ErrSessionLost)) {
			return err
		}
	}
}

// sameHardware stops a run whose board was swapped.
func (x *run) sameHardware(g Greeting) error {
	x.boot = g.BootID
	if have := x.greet.HardwareSerial; have != "" && g.HardwareSerial != have {
		return &Fault{
			Code: CodeSwapped, Outcome: Fail,
			Params: map[string]string{"want": have, "have": g.HardwareSerial},
		}
	}
	return nil
}

// abandon lets a device return to its active generation when the new one did not come to its proof: the one that this run has
// built, or one that an earlier run began and that nobody can go on with here. A cable that is gone cannot be told; the next run
// decides then.
func (x *run) abandon(ctx context.Context, f *Fault) {
	if (x.course != courseEnroll && x.course != courseRekey) || x.sealed || x.holding.Active == 0 || f.Code == CodePortGone {
		return
	}
	if x.key.CSR == nil {
		if x.holding.Generation == x.holding.Active || !lockedOut(f.Code) {
			return
		}
		x.enrollID = x.holding.EnrollID
	}
	actx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	x.saves = nil // what was lost before is what the run ends with
	err := x.cause(actx, IntendAbandon, nil, func() error { return x.line.Abandon(actx, x.enrollID) })
	if err != nil {
		x.log.Warn("device did not return to its active generation", "err", err)
	}
	for id, r := range x.takeResults() {
		if err := x.ledger.Done(actx, id, r); err != nil {
			x.log.Warn("what was done is not on record", "err", err) // the next run finds out by what the device holds
		}
	}
	crash(pointAbandoned)
}

// lockedOut tells the faults of a device that makes no new key for this station.
func lockedOut(c Code) bool {
	switch c {
	case CodeUnlockKey, CodeUnlockPin, CodeUnlockRefused, CodeAgentLocked:
		return true
	default:
		return false
	}
}

func (x *run) skipParams() map[string]string {
	return map[string]string{
		"device_id": x.deviceID, "fingerprint": hexOf(x.leaf), "not_after": stamp(x.notAfter),
		"left": left(x.notAfter.Sub(x.now())),
	}
}

// printable makes text from outside safe for a terminal and a record: no control or format characters, bounded.
func printable(s string) string {
	const most = 240 // runes
	n := 0
	return strings.Map(func(r rune) rune {
		if n++; n > most || r == utf8.RuneError || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
}

// keyText is what a private key looks like in a console log: PEM armour, or a line of a WireGuard file.
var keyText = regexp.MustCompile(`(?is)-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(-----END [A-Z0-9 ]*PRIVATE KEY-----|$)|(PrivateKey|PresharedKey)\s*=\s*\S+`)

// withoutKeys hides what a careless box printed.
func withoutKeys(log string) string { return keyText.ReplaceAllString(log, hidden) }

// printables is printable for every parameter.
func printables(params map[string]string) map[string]string {
	out := maps.Clone(params)
	for k, v := range out {
		out[k] = printable(v)
	}
	return out
}

func copyFacts(m map[string]string) map[string]string {
	if len(m) == 0 {
		return nil
	}
	return maps.Clone(m)
}

func hexOf(b []byte) string { return hex.EncodeToString(b) }

func itoa(n int) string { return strconv.Itoa(n) }

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// left puts a duration in words an operator reads: days above two of them, else hours and minutes.
func left(d time.Duration) string {
	if d >= 48*time.Hour {
		return strconv.Itoa(int(d/(24*time.Hour))) + " days"
	}
	return d.Truncate(time.Minute).String()
}
