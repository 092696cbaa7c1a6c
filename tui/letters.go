package tui

import (
	"slices"

	"provstation/station"
	"provstation/tui/widget"
)

// spelled is an event whose sentences, which the station made for people, are in the letters that a terminal without UTF-8
// has. Names and ids stay as they are.
func spelled(e station.Event) station.Event {
	switch b := e.Body.(type) {
	case station.PhaseChanged:
		b.Warnings = slices.Clone(b.Warnings)
		for i := range b.Warnings {
			b.Warnings[i].Text = widget.Spelled(b.Warnings[i].Text)
		}
		e.Body = b
	case station.RunEnded:
		b.Message, b.Hint = widget.Spelled(b.Message), widget.Spelled(b.Hint)
		e.Body = b
	case station.BatchChanged:
		b.Reason = widget.Spelled(b.Reason)
		e.Body = b
	case station.ScanTaken:
		b.Message, b.Hint = widget.Spelled(b.Message), widget.Spelled(b.Hint)
		e.Body = b
	case station.LearnChanged:
		b.Reason = widget.Spelled(b.Reason)
		e.Body = b
	case station.LedgerChanged:
		b.Reason, b.Message, b.Hint = widget.Spelled(b.Reason), widget.Spelled(b.Message), widget.Spelled(b.Hint)
		e.Body = b
	case station.DuplicateFound:
		b.Detail, b.Message, b.Hint = widget.Spelled(b.Detail), widget.Spelled(b.Message), widget.Spelled(b.Hint)
		e.Body = b
	case station.LabelPrinted:
		b.Message = widget.Spelled(b.Message)
		e.Body = b
	}
	return e
}
