package main

import (
	"context"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"provstation/station"
	"provstation/station/ledger"
	"provstation/station/retire"
)

// retireWriter tells how a decommissioning goes.
type retireWriter struct{ revokeWriter }

// stepJSON is how a step stands.
type stepJSON struct {
	eventHead
	Step    station.RetirementStepName `json:"step"`
	State   string                     `json:"state"` // done|gone|off|failed|manual|waits
	Code    station.Code               `json:"code,omitempty"`
	Message string                     `json:"message,omitempty"`
	Hint    string                     `json:"hint,omitempty"`
	Detail  string                     `json:"detail,omitempty"`
	At      *time.Time                 `json:"at,omitempty"`
}

// decommissionJSON is the last line.
type decommissionJSON struct {
	eventHead
	Retirement     string     `json:"retirement"`
	DeviceID       string     `json:"device_id"`
	HardwareSerial string     `json:"hardware_serial,omitempty"`
	Reason         string     `json:"reason,omitempty"`
	By             string     `json:"by,omitempty"`
	At             time.Time  `json:"at"`
	EndedAt        *time.Time `json:"ended_at,omitempty"` // absent: something is left to do
	Before         bool       `json:"before,omitempty"`   // it had ended before
	Left           []string   `json:"left,omitempty"`     // steps
	// PossiblyIssued counts the requests that may have made certificates which nobody received.
	PossiblyIssued int `json:"possibly_issued,omitempty"`
}

func (w *retireWriter) begin(wish retire.Wish) {
	if !w.json {
		w.printf("%s%s\n", plain(wish.DeviceID), plain(bracketed(wish.HardwareSerial)))
	}
}

// stateOf is a step's state, also of one that was not begun.
func stateOf(s retire.Step) string {
	if s.Waits {
		return "waits"
	}
	return string(s.State)
}

// step tells of a step that has ended.
func (w *retireWriter) step(s retire.Step) {
	if s.State == station.StepBegun {
		return
	}
	line := stepJSON{Step: s.Step, State: stateOf(s), Code: s.Code, Detail: plain(s.Detail), At: given(s.At)}
	if s.Fault != nil {
		line.Code, line.Message, line.Hint = w.faultWords(s.Fault)
	}
	if w.json {
		line.eventHead = w.head("step")
		w.encode(line)
		return
	}
	text := line.Detail
	switch {
	case line.Message != "":
		text = string(line.Code) + " " + line.Message
	case s.Waits:
		text = w.words.Text("retire.waits", nil)
	case s.Detail == retire.NotHere:
		text = w.words.Text("retire.not-here", nil)
	default:
		text = w.ownRenewal(s, text)
	}
	w.printf("  %-14s  %s  %s\n", s.Step, padded(w.words.Text("retire.state."+line.State, nil), 9), text)
	if line.Hint != "" {
		w.printf("  %-14s  %s  %s\n", "", padded("", 9), line.Hint)
	}
}

// ownRenewal is the detail of a step in the station's language where it is about a device that renews by itself.
func (w *retireWriter) ownRenewal(s retire.Step, detail string) string {
	before, since, id, ok := retire.MayHoldMore(detail)
	if !ok {
		return detail
	}
	text := w.words.Text("retire.fetched", map[string]string{"since": since, "device_id": id})
	if s.State == station.StepManual {
		text += " " + w.words.Text("retire.fetched.done", nil)
	}
	if before != "" {
		text = before + ". " + text
	}
	return text
}

// brokersOf writes one line of JSON for each certificate that was revoked.
func (w *retireWriter) brokersOf(o retire.Outcome, b retire.Brokers, text string) {
	if w.json {
		w.encode(brokersJSON{w.head("brokers"), nameOf(o.Certificate), b, text})
	}
}

// lost says that certificates may exist that nobody has a serial number of, and counts the requests that may have made them.
func (w *retireWriter) lost(ctx context.Context, deviceID string) (n int) {
	list, _, err := w.Orphans(ctx, ledger.OrphanFilter{Tenant: w.tenant, DeviceID: deviceID})
	if err != nil {
		return 0 // the report is what counts
	}
	for _, o := range list {
		if o.Reason == ledger.OrphanPossiblyIssued {
			n++
		}
	}
	if n > 0 && !w.json {
		w.printf("%d requests may have made certificates that nobody received: look into the CA's own list (provstation records orphans --device-id %s)\n", n, plain(deviceID))
	}
	return n
}

// report says whether it has ended, and what is left.
func (w *retireWriter) report(wish retire.Wish, rep retire.Report, possiblyIssued int) {
	var left []string
	for _, s := range rep.Steps {
		if rep.Before {
			w.step(s)
		}
		if s.Hinders() {
			left = append(left, string(s.Step))
		}
	}
	if w.json {
		w.encode(decommissionJSON{
			w.head("decommission"), rep.ID, rep.DeviceID, rep.HardwareSerial, rep.Reason, rep.By, rep.At, given(rep.EndedAt), rep.Before, left, possiblyIssued,
		})
		return
	}
	params := map[string]string{"device_id": plain(wish.DeviceID), "by": plain(rep.By), "at": local(rep.EndedAt), "n": strconv.Itoa(len(left))}
	switch {
	case rep.Before:
		w.printf("%s\n", w.words.Text("retire.before", params))
	case rep.Ended():
		w.printf("%s\n", w.words.Text("retire.ended", params))
	default:
		w.printf("%s\n", w.words.Text("retire.left", params))
	}
}

// padded is a word as wide as a column, by its letters.
func padded(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s)))
}
