package board

import (
	"slices"
	"time"

	"provstation/station"
)

// maxDuplicates bounds the contradictions that wait to be acknowledged: a person reads them.
const maxDuplicates = 64

func (b *Board) ledger(e station.LedgerChanged, at time.Time) {
	e.Status, e.Code = Clean(e.Status, maxWord), station.Code(Clean(string(e.Code), maxWord))
	e.Reason, e.Message, e.Hint = Clean(e.Reason, maxText), Clean(e.Message, maxText), Clean(e.Hint, maxText)
	e.Waiting, e.HandedOver = max(0, e.Waiting), max(0, e.HandedOver)
	switch {
	case e.Status != station.LedgerAway:
		b.Away = time.Time{}
	case b.Away.IsZero():
		b.Away = at
	}
	b.Ledger = e
}

// CleanDuplicate is a contradiction with texts that are safe for a terminal.
func CleanDuplicate(d station.DuplicateFound) station.DuplicateFound {
	for _, text := range []*string{
		&d.Duplicate, &d.Kind, &d.HardwareSerial, &d.DeviceID, &d.Station, &d.StationName, &d.Run, &d.OtherSerial, &d.OtherID,
		&d.OtherStation, &d.OtherName, &d.OtherRun,
	} {
		*text = Clean(*text, maxWord)
	}
	d.Detail, d.Message, d.Hint = Clean(d.Detail, maxText), Clean(d.Message, maxText), Clean(d.Hint, maxText)
	d.Code, d.Params = station.Code(Clean(string(d.Code), maxWord)), nil
	return d
}

// duplicate keeps a contradiction, once.
func (b *Board) duplicate(d station.DuplicateFound) {
	d = CleanDuplicate(d)
	known := slices.ContainsFunc(b.Duplicates, func(x station.DuplicateFound) bool { return x.Duplicate == d.Duplicate })
	switch {
	case known:
	case len(b.Duplicates) >= maxDuplicates:
		b.Unlisted++
	default:
		b.Duplicates = append(b.Duplicates, d)
	}
}

// Acknowledge forgets the contradictions that a person has seen. They are on file.
func (b *Board) Acknowledge() { b.Duplicates, b.Unlisted = nil, 0 }
