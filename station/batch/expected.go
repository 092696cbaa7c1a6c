package batch

import (
	"time"

	"provstation/station"
)

// expected is the list of an open batch. Rows that are missing are chained in the list's order, so that neither a run's
// end nor a look at the next missing ones costs more on a longer list.
type expected struct {
	rows     []row
	byID     map[string]int // folded
	bySerial map[string]int
	byLabel  map[string]int // folded; of rows that have nothing else
	done     int
	head     int // first missing row; -1: none
}

// row is an expected device and what became of it.
type row struct {
	DeviceResult
	tried      bool
	prev, next int // missing rows around it; -1: none
}

// newExpected takes a list in. Rows beyond [MaxDevices] are left out.
func newExpected(devices []station.BatchDevice) *expected {
	devices = devices[:min(len(devices), MaxDevices)]
	x := &expected{
		rows: make([]row, len(devices)), head: -1,
		byID: make(map[string]int, len(devices)), bySerial: make(map[string]int, len(devices)), byLabel: map[string]int{},
	}
	last := -1
	for i, d := range devices {
		r := &x.rows[i]
		r.BatchDevice, r.prev, r.next = d, -1, -1
		if d.DeviceID != "" {
			x.byID[fold(d.DeviceID)] = i
		}
		if d.HardwareSerial != "" {
			x.bySerial[d.HardwareSerial] = i
		}
		if d.DeviceID == "" && d.HardwareSerial == "" {
			x.byLabel[fold(d.Label)] = i
		}
		if d.Done {
			x.done++
			r.tried = true
			continue
		}
		if r.prev = last; last < 0 {
			x.head = i
		} else {
			x.rows[last].next = i
		}
		last = i
	}
	return x
}

// find is the row that a run was about: by device id, else by hardware serial, else by a label that is the device id. Row
// and run must agree in every name that both have: the right id on other hardware is another device. Nil: none.
func (x *expected) find(id, serial string) *row {
	agree := func(a, b string) bool { return a == "" || b == "" || a == b }
	folded := fold(id)
	if i, ok := x.byID[folded]; ok && id != "" && agree(x.rows[i].HardwareSerial, serial) {
		return &x.rows[i]
	}
	if i, ok := x.bySerial[serial]; ok && serial != "" && agree(fold(x.rows[i].DeviceID), folded) {
		return &x.rows[i]
	}
	if i, ok := x.byLabel[folded]; ok && id != "" {
		return &x.rows[i]
	}
	return nil
}

// complete marks a row done.
func (x *expected) complete(r *row) {
	r.Done = true
	x.done++
	if r.prev >= 0 {
		x.rows[r.prev].next = r.next
	} else {
		x.head = r.next
	}
	if r.next >= 0 {
		x.rows[r.next].prev = r.prev
	}
	r.prev, r.next = -1, -1
}

// missing names the first missing devices in the list's order.
func (x *expected) missing(most int) []string {
	var names []string
	for i := x.head; i >= 0 && len(names) < most; i = x.rows[i].next {
		names = append(names, x.rows[i].Name())
	}
	return names
}

// note keeps what a run came to. The run that made a device done is kept until it passes again.
func (r *row) note(b station.RunEnded, at time.Time) {
	r.Attempts++
	if !b.Outcome.Good() {
		r.LastCode = b.Code
	}
	if r.Done && r.Outcome.Good() && b.Outcome != station.Pass {
		return
	}
	r.Outcome, r.Run, r.CertFingerprint, r.EndedAt = b.Outcome, b.Run, b.CertFingerprint, at
	r.NotAfter = time.Time{}
	if b.NotAfter != nil {
		r.NotAfter = *b.NotAfter
	}
	if r.FoundSerial = b.HardwareSerial; b.DeviceID != "" {
		r.FoundID = b.DeviceID
	}
}
