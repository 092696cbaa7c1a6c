package board

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"provstation/station"
)

func TestLedgerAwaySince(t *testing.T) {
	b := New()
	at := time.Date(2026, 11, 23, 14, 3, 0, 0, time.UTC)
	tell := func(after time.Duration, e station.LedgerChanged) {
		b.Apply(station.Event{Seq: b.seq + 1, Time: at.Add(after), Body: e})
	}
	tell(0, station.LedgerChanged{Status: station.LedgerShared})
	if !b.Away.IsZero() {
		t.Errorf("there: got away since %v, want not away", b.Away)
	}
	tell(time.Minute, station.LedgerChanged{Status: station.LedgerAway, Reason: "gone\x1b[2J"})
	tell(2*time.Minute, station.LedgerChanged{Status: station.LedgerAway, Waiting: 3})
	if want := at.Add(time.Minute); !b.Away.Equal(want) || b.Ledger.Waiting != 3 {
		t.Errorf("got away since %v with %d, want %v with 3", b.Away, b.Ledger.Waiting, want)
	}
	tell(3*time.Minute, station.LedgerChanged{Status: station.LedgerAway, Reason: "gone\x1b[2J", Waiting: -1})
	if b.Ledger.Reason != "gone" || b.Ledger.Waiting != 0 {
		t.Errorf("got %+v, want it clean", b.Ledger)
	}
	tell(4*time.Minute, station.LedgerChanged{Status: station.LedgerShared, HandedOver: 3})
	if !b.Away.IsZero() {
		t.Errorf("back: got away since %v, want not away", b.Away)
	}
}

func TestDuplicatesAreKeptOnceAndBounded(t *testing.T) {
	b := New()
	add := func(id string) {
		b.Apply(station.Event{Seq: b.seq + 1, Body: station.DuplicateFound{
			Duplicate: id, HardwareSerial: "SN\x1b[31m1", OtherName: strings.Repeat("x", 10_000), Params: map[string]string{"a": "b"},
		}})
	}
	add("one")
	add("one")
	if len(b.Duplicates) != 1 {
		t.Fatalf("got %d, want one that was told twice once", len(b.Duplicates))
	}
	if d := b.Duplicates[0]; d.HardwareSerial != "SN1" || len(d.OtherName) > maxWord || d.Params != nil {
		t.Errorf("got %+v, want it clean and bounded", d)
	}
	for i := range 100 {
		add(strconv.Itoa(i))
	}
	if len(b.Duplicates) != maxDuplicates || len(b.Duplicates)+b.Unlisted != 101 {
		t.Errorf("got %d and %d more, want %d of 101", len(b.Duplicates), b.Unlisted, maxDuplicates)
	}
	b.Acknowledge()
	if len(b.Duplicates)+b.Unlisted != 0 {
		t.Error("they are there after they were acknowledged")
	}
}
