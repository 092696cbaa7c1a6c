package batch

import (
	"time"

	"provstation/station"
)

// Report is a batch as it is told when it is closed, or at any time before. Without a batch it has the figures of all runs
// and no devices.
type Report struct {
	Snapshot
	At       time.Time // when it was made
	Tenant   string
	Station  string
	OpenedBy string
	ClosedBy string
	ClosedAt time.Time    // zero: not closed
	Code     station.Code // of the failure that holds it
	Reason   string       // a person's, for a pause or an early end

	Devices []DeviceResult // every expected one, in the list's order
}

// DeviceResult is an expected device and what became of it: the run that made it done, else its newest.
type DeviceResult struct {
	station.BatchDevice

	Outcome         station.Outcome // empty: no run of it is known
	Run             string
	FoundID         string // device id that the run assigned
	FoundSerial     string // hardware serial that the device reported
	CertFingerprint string
	NotAfter        time.Time
	EndedAt         time.Time
	Attempts        int          // runs that ended
	LastCode        station.Code // of the newest run that did not end well
}

// Name is what a person calls the device: its id, else its hardware serial, else its label.
func (d DeviceResult) Name() string {
	switch {
	case d.DeviceID != "":
		return d.DeviceID
	case d.HardwareSerial != "":
		return d.HardwareSerial
	default:
		return d.Label
	}
}

// Report tells how it stands, with every device. It costs as much as the list is long.
func (p *Progress) Report(now time.Time) Report {
	r := Report{Snapshot: p.Snapshot(now), At: now}
	if p.batch == nil {
		return r
	}
	r.OpenedBy, r.Code, r.Reason = p.batch.by, p.batch.head.Code, p.batch.head.Reason
	r.Devices = make([]DeviceResult, len(p.batch.list.rows))
	for i, w := range p.batch.list.rows {
		r.Devices[i] = w.DeviceResult
	}
	return r
}

// MissingDevices lists every expected device that is not done, in the list's order.
func (r Report) MissingDevices() []DeviceResult {
	var list []DeviceResult
	for _, d := range r.Devices {
		if !d.Done {
			list = append(list, d)
		}
	}
	return list
}
