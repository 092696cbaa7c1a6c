package station

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"provstation/station/scan"
)

// ticket is leave to begin a run, with what is recorded of it.
type ticket struct {
	operator, batch string
	override        *Override
	task            Task
	serial          string // the hardware that override and task are for
}

// closed says why no run may begin now; empty: one may. b.mu is held.
func (b *Bench) closed() (Code, map[string]string) {
	switch {
	case b.teaching:
		return CodeHeldLearning, nil
	case b.ledgerAway():
		return CodeLedgerAway, nil
	case b.cfg.SignIn && b.operator.Name == "":
		return CodeHeldSignIn, nil
	case b.roll == nil:
		return "", nil
	case b.roll.State == BatchHeld:
		return CodeHeldFailures, map[string]string{"count": itoa(b.cfg.HoldAfter), "code": string(b.roll.Code)}
	case b.roll.State == BatchPaused:
		return CodeHeldPaused, map[string]string{"reason": b.roll.Reason}
	default:
		return "", nil
	}
}

// begin asks leave for one more run. There is none once as many as asked for have ended well or are on their way, none on
// a bench that is ending or while its batch is being closed, and none while the bench is held, which held says.
func (b *Bench) begin(ctx context.Context) (t ticket, held Code, params map[string]string, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if ctx.Err() != nil || b.closing {
		return t, "", nil, false
	}
	if b.cfg.StopAfter > 0 && b.good+b.running >= b.cfg.StopAfter {
		return t, "", nil, false
	}
	if code, why := b.closed(); code != "" {
		return t, code, why, false
	}
	b.running++
	t.operator = b.operator.Name
	if b.cfg.Staff == nil { // nobody can sign in or out: who is configured works here
		t.operator = b.runner.cfg.Start.Operator
	}
	t.batch = b.runner.cfg.Start.Batch
	if b.roll != nil {
		t.batch = b.roll.Batch
	}
	return t, "", nil, true
}

// SignIn says who works at the bench from now on.
func (b *Bench) SignIn(name string) error {
	name = strings.TrimSpace(name)
	p, ok := Person{}, false
	if b.cfg.Staff != nil {
		p, ok = b.cfg.Staff.ByName(name)
	}
	if !ok {
		return &Fault{Code: CodeNameUnknown, Params: map[string]string{"name": printable(name)}}
	}
	b.signIn(p)
	return nil
}

func (b *Bench) signIn(p Person) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.operator = p
	b.hub.emit(OperatorChanged{Operator: p.Name, Role: p.Role, Required: b.cfg.SignIn})
}

// SignOut says that nobody works at the bench. Runs in flight go on.
func (b *Bench) SignOut() error {
	b.signIn(Person{})
	return nil
}

// badge finds whose badge a text is, as it was read or without the prefix that marks badges.
func (b *Bench) badge(text string) (Person, bool) {
	if b.cfg.Staff == nil {
		return Person{}, false
	}
	text = strings.TrimSpace(text)
	if p, ok := b.cfg.Staff.ByBadge(text); ok {
		return p, true
	}
	if b.cfg.Scans == nil {
		return Person{}, false
	}
	l, err := b.cfg.Scans.Read(text)
	if err != nil || l.Kind != scan.KindBadge {
		return Person{}, false
	}
	return b.cfg.Staff.ByBadge(l.Badge.Reveal())
}

// minReason is the least that counts as a reason, in characters.
const minReason = 4

// overridable are the faults that a lead may let a device go on in spite of, once, and how: a device that the ledger
// knows with another key gets a new one, as one whose certificate is over; the others pass with a warning.
var overridable = []Code{CodeUnknownKey, CodeCertExpired, CodeUnconfirmed, CodeCertShelfLife, CodeBatchForeign}

// Override lets the device in the slot go on once, although a rule held it.
func (b *Bench) Override(slot, reason, badge string) error {
	k, err := b.keeper(slot)
	if err != nil {
		return err
	}
	reason = strings.TrimSpace(printable(reason))
	if utf8.RuneCountInString(reason) < minReason {
		return &Fault{Code: CodeOverrideReason}
	}
	lead, ok := b.badge(badge)
	b.mu.Lock()
	operator := b.operator.Name
	b.mu.Unlock()
	if b.cfg.SignIn && operator == "" { // or the lead could sign in after it, and be both
		return &Fault{Code: CodeHeldSignIn}
	}
	if !ok || lead.Role != RoleLead || strings.EqualFold(lead.Name, operator) {
		return &Fault{Code: CodeOverrideBadge}
	}
	return k.overrule(Override{Reason: reason, Operator: operator, Lead: lead.Name})
}

// RetryFailed tries every slot again whose run ended with an ERROR or TIMEOUT: faults of server, station or cable, which
// may have passed. It says how many. Devices that are bad or held for a person are left to a person.
func (b *Bench) RetryFailed() (int, error) {
	b.mu.Lock()
	keepers := make([]*keeper, 0, len(b.keepers))
	for _, k := range b.keepers {
		keepers = append(keepers, k)
	}
	b.mu.Unlock()
	n := 0
	for _, k := range keepers {
		if k.retryFailed() {
			n++
		}
	}
	if n == 0 {
		return 0, &Fault{Code: CodeSlotIdle, Params: map[string]string{"slot": b.words("slots.all")}}
	}
	return n, nil
}

// texts is what a catalogue that has more than faults can say.
type texts interface {
	Text(key string, params map[string]string) string
}

func (b *Bench) words(key string) string {
	if t, ok := b.runner.words.(texts); ok {
		return t.Text(key, nil)
	}
	return key
}

// overrule notes the override for the run that it starts.
func (k *keeper) overrule(o Override) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.busy() {
		return &Fault{Code: CodeSlotRunning, Params: map[string]string{"slot": k.slot}}
	}
	if k.last == nil || !slices.Contains(overridable, k.ended.Code) {
		return &Fault{Code: CodeOverrideNot, Params: map[string]string{"slot": k.slot}}
	}
	o.Code, o.Run = k.ended.Code, k.ended.Run
	k.override, k.again = &o, true
	doze(k.line, 0)
	return nil
}

func (k *keeper) retryFailed() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.busy() || k.last == nil || (k.ended.Outcome != Error && k.ended.Outcome != Timeout) {
		return false
	}
	k.tryAgain()
	return true
}

// Printed tells of a label that was printed, or was not, by whoever prints for the bench.
func (b *Bench) Printed(e LabelPrinted) {
	e.Params = printables(e.Params)
	if e.Code != "" {
		e.Message, _ = b.runner.words.Fault(e.Code, e.Params)
	}
	b.hub.emit(e)
}

// Operator is who works at the bench; the zero person: nobody is signed in.
func (b *Bench) Operator() Person {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.operator
}
