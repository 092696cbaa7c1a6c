package station

import (
	"context"
	"errors"
	"time"
)

// BatchState is how it stands with a batch.
type BatchState string

// Batch states. A held batch was paused by the station itself, see [BenchConfig.HoldAfter].
const (
	BatchOpen   BatchState = "open"
	BatchPaused BatchState = "paused"
	BatchHeld   BatchState = "held"
	BatchClosed BatchState = "closed"
)

// BatchDevice is one device that a batch expects. At least one of HardwareSerial, DeviceID and Label is set, and every
// one of them is unique within its batch (device ids and labels without regard to case).
type BatchDevice struct {
	Line           int    `json:"line"` // of the manifest file, from 1; the header is line 1
	HardwareSerial string `json:"hardware_serial,omitempty"`
	DeviceID       string `json:"device_id,omitempty"`
	Label          string `json:"label,omitempty"` // what is printed on the device, if it is neither id nor serial
	Done           bool   `json:"done,omitempty"`  // a run of it has ended PASS or SKIPPED
}

// BatchRecord is a batch as the ledger keeps it.
type BatchRecord struct {
	Tenant   string
	Batch    string // name, printable, at most 64 bytes
	Station  string // that opened it
	State    BatchState
	Code     Code   // of the failure that held it
	Reason   string // a person's, for a pause or an early end
	Digest   []byte // SHA-256 of the manifest file
	OpenedBy string
	OpenedAt time.Time
	ClosedAt time.Time // zero while it is not closed
	Devices  []BatchDevice
}

// BatchStep is one change of a batch's state.
type BatchStep struct {
	Tenant, Batch string
	State         BatchState
	Code          Code // of the failure that held it
	Reason        string
	By            string // person; empty: the station itself, or nobody signed in
	At            time.Time
}

// Batches is the durable memory of batches. [ledger.Ledger] is the one there is.
type Batches interface {
	// OpenBatch records a new batch with its devices, or opens one of the same name, list digest and tenant again.
	// ErrBatchOpen: another one is open at this station. ErrConflict: the name is on file with another list.
	OpenBatch(ctx context.Context, b BatchRecord) (BatchRecord, error)
	// ChangeBatch changes the state; closed is final until it is opened again.
	ChangeBatch(ctx context.Context, c BatchStep) error
	// CurrentBatch is the batch of the station that is not closed, with Done filled in from the runs. ErrNotFound.
	CurrentBatch(ctx context.Context, tenant, station string) (BatchRecord, error)
}

// ErrBatchOpen says that a station has a batch already.
var ErrBatchOpen = errors.New("another batch is open")
