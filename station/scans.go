package station

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"provstation/station/scan"
)

// ask is a run that waits for the label of its device.
type ask struct {
	run, slot, serial string
	since             time.Time
	answer            chan scan.Label // buffered: one label at a time is judged
	judging           string          // the id of that label, empty: it waits; Bench.mu guards it
}

// take gives the run a label to judge. Bench.mu is held, and the run waits.
func (a *ask) take(l scan.Label) {
	a.judging = l.ID
	a.answer <- l
}

// Commands that a code on the bench's sheet can mean; see package scan.
const (
	commandRetry  = "retry"
	commandAbort  = "abort"
	commandNext   = "next"
	commandPrint  = "print"
	commandPause  = "pause"
	commandResume = "resume"
)

// Scan takes what a scanner read. A label goes to the run that waits for it, a badge signs its owner in, a command does
// what it says for the selected slot. What came of it is told by a [ScanTaken]; the error is only for a bench without
// a reader of scans.
func (b *Bench) Scan(text, slot string) error {
	if b.cfg.Scans == nil {
		return errors.New("this bench reads no scans")
	}
	if p, ok := b.badge(text); ok {
		b.signIn(p)
		b.hub.emit(ScanTaken{Kind: ScanBadge})
		return nil
	}
	l, err := b.cfg.Scans.Read(text)
	switch {
	case err != nil:
		code, params := unreadable(err)
		b.refuse(ScanTaken{Kind: ScanUnknown, Slot: slot}, code, params)
	case l.Kind == scan.KindBadge:
		b.refuse(ScanTaken{Kind: ScanBadge}, CodeBadgeUnknown, nil)
	case l.Kind == scan.KindCommand:
		b.command(l.Command, slot)
	default:
		b.label(l, slot)
	}
	return nil
}

// unreadable says why a scan is of no use.
func unreadable(err error) (Code, map[string]string) {
	var bad *scan.Error
	switch {
	case !errors.As(err, &bad):
		return CodeScanUnreadable, map[string]string{"detail": printable(err.Error())}
	case bad.Reason == scan.ReasonCommand:
		return CodeScanCommand, map[string]string{"label": bad.Text}
	case bad.Reason == scan.ReasonBadge:
		return CodeBadgeUnknown, nil
	default:
		return CodeScanUnreadable, map[string]string{"detail": string(bad.Reason)}
	}
}

// refuse tells of a scan that was of no use.
func (b *Bench) refuse(e ScanTaken, code Code, params map[string]string) {
	e.Code, e.Params = code, printables(params)
	e.Message, e.Hint = b.runner.words.Fault(code, e.Params)
	b.hub.emit(e)
}

// command does a command code. What only the screen can do (next, print) is told, and done there.
func (b *Bench) command(name, slot string) {
	e := ScanTaken{Kind: ScanCommand, Command: name, Slot: slot}
	var err error
	switch name {
	case commandRetry:
		err = b.Retry(slot)
	case commandAbort:
		err = b.Abort(slot)
	case commandPause:
		err = b.PauseBatch("")
	case commandResume:
		err = b.ResumeBatch()
	case commandNext, commandPrint:
	default:
		err = &Fault{Code: CodeScanCommand, Params: map[string]string{"label": name}}
	}
	f, ok := AsFault(err)
	switch {
	case err == nil:
		b.hub.emit(e)
	case ok:
		b.refuse(e, f.Code, f.Params)
	default:
		b.refuse(e, CodeInternal, map[string]string{"detail": err.Error()})
	}
}

// label finds the run that a label is for:
//
//  1. the one whose device the list ties to the label,
//  2. the only one that waits,
//  3. the selected one, if it waits,
//  4. the one that has waited longest.
//
// Where none waits, a label that the list knows is kept until its device asks; one of a device that is on the bench
// points to its slot.
func (b *Bench) label(l scan.Label, slot string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := ScanTaken{Kind: ScanLabel, Text: printable(l.Text)}
	var row *BatchDevice
	if b.roll != nil {
		row = b.roll.labelled(l.ID)
	}
	for _, a := range b.asks {
		if strings.EqualFold(a.judging, l.ID) { // it was read twice
			e.Slot, e.HardwareSerial = a.slot, a.serial
			b.hub.emit(e)
			return
		}
	}
	if a := b.asked(row, slot); a != nil {
		a.take(l) // the run judges it, and tells
		return
	}
	for _, k := range b.keepers {
		if id, serial := k.device(); serial != "" && (strings.EqualFold(id, l.ID) || serial == l.ID ||
			(row != nil && row.HardwareSerial == serial)) {
			e.Slot, e.DeviceID, e.HardwareSerial = k.slot, id, serial
			b.hub.emit(e)
			return
		}
	}
	switch {
	case row != nil && row.Done:
		b.refuse(e, CodeScanDuplicate, map[string]string{"label": l.Text, "other": row.HardwareSerial})
	case row != nil && row.HardwareSerial != "" && len(b.early) < maxEarly:
		b.early[row.HardwareSerial] = l
		e.DeviceID, e.HardwareSerial = row.DeviceID, row.HardwareSerial
		b.hub.emit(e)
	case b.roll != nil && row == nil:
		b.refuse(e, CodeScanForeign, map[string]string{"label": l.Text, "batch": b.roll.Batch})
	default:
		b.refuse(e, CodeScanNobody, map[string]string{"label": l.Text})
	}
}

// maxEarly bounds the labels that were scanned before their devices were plugged in.
const maxEarly = 256

// asked is the run that a label is for, nil if none waits. b.mu is held.
func (b *Bench) asked(row *BatchDevice, slot string) *ask {
	waiting := slices.SortedFunc(maps.Values(b.asks), func(x, y *ask) int { return x.since.Compare(y.since) })
	waiting = slices.DeleteFunc(waiting, func(a *ask) bool { return a.judging != "" })
	if row != nil && row.HardwareSerial != "" {
		for _, a := range waiting {
			if a.serial == row.HardwareSerial {
				return a
			}
		}
	}
	if len(waiting) == 0 {
		return nil
	}
	if a := b.asks[slot]; a != nil && a.judging == "" {
		return a
	}
	return waiting[0]
}

// asking is a run that asks for the label of its device until it has the right one.
type asking struct {
	*ask
	x      *run
	ctx    context.Context // ends with the policy's limit: it is asked of a person
	cancel context.CancelFunc
	limit  time.Duration
	told   bool // that it waits
}

// askLabel begins to ask. End it with done.
func (x *run) askLabel(ctx context.Context) *asking {
	a := &asking{
		ask: &ask{run: x.start.Run, slot: x.start.Slot, serial: x.serial(), since: x.now(), answer: make(chan scan.Label, 1)},
		x:   x, limit: cmp.Or(x.cfg.ScanTimeout, defaultScanTimeout),
	}
	a.ctx, a.cancel = context.WithTimeout(ctx, a.limit)
	x.bench.waitFor(a.ask)
	return a
}

// next waits for the next label that is scanned for the run.
func (a *asking) next() (scan.Label, error) {
	select {
	case l := <-a.answer: // it was scanned before
		return l, nil
	default:
	}
	if !a.told {
		a.told = true
		a.tell(true)
	}
	select {
	case l := <-a.answer:
		return l, nil
	case <-a.ctx.Done():
		if errors.Is(context.Cause(a.ctx), context.DeadlineExceeded) {
			return scan.Label{}, &Fault{Code: CodeScanNone, Outcome: Timeout, Params: map[string]string{"limit": a.limit.String()}}
		}
		return scan.Label{}, context.Cause(a.ctx)
	}
}

func (a *asking) tell(wanted bool) {
	a.x.told.tell(ScanWanted{Run: a.run, Slot: a.slot, HardwareSerial: a.serial, Wanted: wanted})
}

func (a *asking) done() {
	a.x.bench.answered(a.ask)
	a.cancel()
	if a.told {
		a.tell(false)
	}
}

// defaultScanTimeout is how long a run waits for a label where no policy says otherwise.
const defaultScanTimeout = 10 * time.Minute

// waitFor puts a run among those that wait, with the label that was scanned before it asked.
func (b *Bench) waitFor(a *ask) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if l, ok := b.early[a.serial]; ok {
		delete(b.early, a.serial)
		a.take(l)
	}
	b.asks[a.slot] = a
}

// again lets the run wait for another label: the last one was refused.
func (b *Bench) again(a *ask) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a.judging = ""
}

func (b *Bench) answered(a *ask) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.asks[a.slot] == a {
		delete(b.asks, a.slot)
	}
}

// took tells that the run took the label, or why not.
func (x *run) tookLabel(l scan.Label, id string, f *Fault) {
	e := ScanTaken{Kind: ScanLabel, Text: printable(l.Text), Slot: x.start.Slot, DeviceID: id, HardwareSerial: x.serial()}
	if f != nil {
		x.bench.refuse(e, f.Code, f.Params)
		return
	}
	x.told.tell(e)
}
