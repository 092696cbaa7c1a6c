package station

import (
	"cmp"
	"context"
	"errors"
	"time"
)

// Sharing is the part of a [Ledger] that several stations share by which they keep out of each other's way. What a station
// writes is durable in its own file first; the others' ledger decides what is unique, and is what is read.
type Sharing interface {
	// Claim takes the hardware for the run, for this station alone, and waits a while for a station that has it. Without a
	// claim a run enrolls nothing; with one it goes on, also when the others' ledger is lost meanwhile. Errors:
	// ErrLedgerAway, ErrLeased.
	Claim(ctx context.Context, run, tenant, hardwareSerial string) error
	// Release gives back what the run claimed, after all that it wrote. A run that claimed nothing gives nothing back.
	Release(ctx context.Context, run string)
	// Contradictions lists the contradictions about the hardware that nobody has decided about.
	Contradictions(ctx context.Context, tenant, hardwareSerial string) ([]DuplicateFound, error)
	// Standing is how it stands with the others' ledger now.
	Standing() LedgerChanged
	// Follow has news told, one after the other, until stop.
	Follow(tell func(LedgerNews)) (stop func())
}

// Errors of a shared ledger.
var (
	ErrLedgerAway = errors.New("the ledger that the stations share cannot be reached")
	// ErrLeased: another station works on the device. The error says which by the methods Station() string, its id, and
	// StationName() string, which may be empty.
	ErrLeased    = errors.New("another station works on the device")
	ErrLeaseLost = errors.New("another station has taken the device over")
)

// LedgerNews is one of LedgerChanged and DuplicateFound.
type LedgerNews interface{ Body }

// LedgerChanged tells whether the ledger that the stations share is there, and what this station still has to tell it.
type LedgerChanged struct {
	Status  string `json:"status"` // shared|away
	Waiting int    `json:"waiting,omitempty"`
	// HandedOver is how many records had waited, when the last of them was told.
	HandedOver int        `json:"handed_over,omitempty"`
	Since      *time.Time `json:"since,omitempty"` // of the oldest record that waits
	Code       Code       `json:"code,omitempty"`
	Reason     string     `json:"reason,omitempty"` // why it is away, in the database's words
	Message    string     `json:"message,omitempty"`
	Hint       string     `json:"hint,omitempty"`
}

// Standings of a shared ledger.
const (
	LedgerShared = "shared"
	LedgerAway   = "away"
)

// DuplicateFound tells of two records of two stations of which only one can be right. Both are kept.
type DuplicateFound struct {
	Duplicate      string            `json:"duplicate"` // id
	Kind           string            `json:"kind"`      // key|device-id|address|lease|record
	HardwareSerial string            `json:"hardware_serial"`
	DeviceID       string            `json:"device_id"`
	Station        string            `json:"station_id"`
	StationName    string            `json:"station,omitempty"` // as far as it is known here
	Run            string            `json:"run"`
	OtherSerial    string            `json:"other_hardware_serial"`
	OtherID        string            `json:"other_device_id"`
	OtherStation   string            `json:"other_station_id"`
	OtherName      string            `json:"other_station,omitempty"`
	OtherRun       string            `json:"other_run"`
	Detail         string            `json:"detail"`
	FoundAt        time.Time         `json:"found_at"`
	Code           Code              `json:"code"`
	Params         map[string]string `json:"params,omitempty"`
	Message        string            `json:"message,omitempty"`
	Hint           string            `json:"hint,omitempty"`
}

func (LedgerChanged) eventType() string  { return "ledger" }
func (DuplicateFound) eventType() string { return "duplicate" }

// faultParams is what the catalogue's sentence about it needs.
func (d DuplicateFound) faultParams() map[string]string {
	return printables(map[string]string{
		"hardware_serial": d.HardwareSerial, "device_id": d.DeviceID, "other": d.OtherSerial,
		"station": cmp.Or(d.OtherName, d.OtherStation),
		"kind":    d.Kind, "detail": d.Detail,
	})
}

// claimDevice takes the device for this run where the ledger is shared with other stations.
func (x *run) claimDevice(ctx context.Context) error {
	if x.cfg.Sharing == nil {
		return nil
	}
	if err := x.cfg.Sharing.Claim(ctx, x.start.Run, x.start.Tenant, x.greet.HardwareSerial); err != nil {
		return x.ledgerFault("claim the device", err)
	}
	return nil
}

// undisputed holds a device about which two stations have recorded what contradicts each other, until a person decides.
func (x *run) undisputed(ctx context.Context) error {
	if x.cfg.Sharing == nil {
		return nil
	}
	list, err := x.cfg.Sharing.Contradictions(ctx, x.start.Tenant, x.greet.HardwareSerial)
	if err != nil {
		return x.ledgerFault("look contradictions up", err)
	}
	if len(list) == 0 {
		return nil
	}
	return &Fault{Code: CodeDuplicate, Outcome: Uncertain, Params: list[0].faultParams()}
}

// release gives the device back to the other stations.
func (x *run) release(ctx context.Context) {
	if x.cfg.Sharing != nil {
		x.cfg.Sharing.Release(ctx, x.start.Run)
	}
}

// sharingFault is what the shared ledger refused, as a fault; nil: something else went wrong.
func sharingFault(err error, params map[string]string) *Fault {
	switch {
	case errors.Is(err, ErrLedgerAway):
		return &Fault{Code: CodeLedgerAway, Outcome: Error, Class: Passing, Params: params, Err: err}
	case errors.Is(err, ErrLeased):
		var by interface {
			Station() string
			StationName() string
		}
		if errors.As(err, &by) {
			params["station"] = printable(cmp.Or(by.StationName(), by.Station()))
		}
		return &Fault{Code: CodeLeased, Outcome: Error, Class: Passing, Params: params, Err: err}
	case errors.Is(err, ErrLeaseLost):
		return &Fault{Code: CodeLeaseLost, Outcome: Error, Params: params, Err: err}
	default:
		return nil
	}
}

// followLedger tells the bench's subscribers of the shared ledger.
func (b *Bench) followLedger() (stop func()) {
	s := b.runner.cfg.Sharing
	if s == nil {
		return func() {}
	}
	return s.Follow(func(n LedgerNews) {
		switch n := n.(type) {
		case LedgerChanged:
			if n.Status == LedgerAway {
				n.Code = CodeLedgerAway
				n.Reason = printable(n.Reason)
				n.Message, n.Hint = b.runner.words.Fault(n.Code, map[string]string{"detail": n.Reason})
			}
			b.hub.emit(n)
		case DuplicateFound:
			n.Code, n.Params = CodeDuplicate, n.faultParams()
			n.Message, n.Hint = b.runner.words.Fault(n.Code, n.Params)
			b.hub.emit(n)
		}
	})
}

// ledgerAway reports whether no run may begin because the shared ledger cannot be reached. Why is told once, by the ledger's own
// event: it is the same for every slot, and in the database's words.
func (b *Bench) ledgerAway() bool {
	s := b.runner.cfg.Sharing
	return s != nil && s.Standing().Status == LedgerAway
}
