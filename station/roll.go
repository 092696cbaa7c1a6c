package station

import (
	"context"
	"errors"
	"strings"
	"unicode/utf8"
)

// roll is the open batch: its list by everything that a device may be known by, and how it goes. Bench.mu guards it.
type roll struct {
	BatchRecord
	bySerial, byID, byLabel map[string]*BatchDevice // ids and labels in lower case
	loose                   bool                    // a label is all that ties some device to its row
	done                    int

	streak  Code            // of the last failure
	serials map[string]bool // hardware that failed with it in a row
}

func newRoll(rec BatchRecord) *roll {
	n := len(rec.Devices)
	r := &roll{
		BatchRecord: rec, bySerial: make(map[string]*BatchDevice, n), byID: make(map[string]*BatchDevice, n),
		byLabel: make(map[string]*BatchDevice, n),
	}
	for i := range r.Devices {
		d := &r.Devices[i]
		if d.Done {
			r.done++
		}
		if d.HardwareSerial != "" {
			r.bySerial[d.HardwareSerial] = d
		}
		if d.DeviceID != "" {
			r.byID[strings.ToLower(d.DeviceID)] = d
		}
		if d.Label != "" {
			r.byLabel[strings.ToLower(d.Label)] = d
			r.loose = r.loose || d.HardwareSerial == ""
		}
	}
	return r
}

// labelled finds the device that a label belongs to: by the list's own label column, else by id, else by serial.
func (r *roll) labelled(text string) *BatchDevice {
	key := strings.ToLower(text)
	if d := r.byLabel[key]; d != nil {
		return d
	}
	if d := r.byID[key]; d != nil {
		return d
	}
	return r.bySerial[text]
}

// find is the list's device for an id or a serial; nil: it is not expected. A line that has but a label is that of the
// device whose id the label is.
func (r *roll) find(id, serial string) *BatchDevice {
	if d := r.bySerial[serial]; d != nil {
		return d
	}
	d := r.byID[strings.ToLower(id)]
	if d == nil {
		if d = r.byLabel[strings.ToLower(id)]; d != nil && d.DeviceID != "" {
			return nil
		}
	}
	if d != nil && d.HardwareSerial != "" && d.HardwareSerial != serial {
		return nil
	}
	return d
}

// finishes reports whether a good run of this id is what the line expects: the two agree in every name that both have.
func (d *BatchDevice) finishes(id string) bool {
	return d.DeviceID == "" || id == "" || strings.EqualFold(d.DeviceID, id)
}

func (r *roll) changed(by string) BatchChanged {
	return BatchChanged{
		Batch: r.Batch, State: r.State, By: by, Code: r.Code, Reason: r.Reason, Expected: len(r.Devices), Done: r.done,
		OpenedAt: r.OpenedAt,
	}
}

// opened is changed with the list.
func (r *roll) opened(by string) BatchChanged {
	e := r.changed(by)
	e.Devices = append([]BatchDevice(nil), r.Devices...)
	return e
}

// errNoBatches says that the bench was put together without a memory for batches.
var errNoBatches = errors.New("this bench keeps no batches")

// OpenBatch makes b the batch that devices are expected of: from now on each device is held against its list. Tenant,
// Station, OpenedBy and OpenedAt are filled in. It is recorded before it holds.
func (b *Bench) OpenBatch(ctx context.Context, rec BatchRecord) error {
	if b.cfg.Batches == nil {
		return errNoBatches
	}
	if rec.Batch == "" || len(rec.Batch) > 64 || !utf8.ValidString(rec.Batch) || printable(rec.Batch) != rec.Batch {
		return &Fault{Code: CodeInternal, Params: map[string]string{"detail": "a batch needs a printable name of at most 64 bytes"}}
	}
	b.opening.Lock()
	defer b.opening.Unlock()
	b.mu.Lock()
	open := b.roll
	rec.Tenant, rec.Station, rec.State = b.runner.cfg.Start.Tenant, b.runner.cfg.Start.Station, BatchOpen
	rec.OpenedBy, rec.OpenedAt = b.operator.Name, b.now().UTC()
	b.mu.Unlock()
	if open != nil {
		return &Fault{Code: CodeBatchOpen, Params: map[string]string{"batch": open.Batch}}
	}
	kept, err := b.cfg.Batches.OpenBatch(ctx, rec)
	switch {
	case errors.Is(err, ErrBatchOpen):
		return &Fault{Code: CodeBatchOpen, Params: map[string]string{"batch": "?"}, Err: err}
	case errors.Is(err, ErrConflict):
		return &Fault{Code: CodeBatchList, Params: map[string]string{"batch": rec.Batch}, Err: err}
	case err != nil:
		return batchFault("open the batch", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.roll = newRoll(kept)
	b.hub.emit(b.roll.opened(rec.OpenedBy))
	return nil
}

// carryOn opens the batch again that was open when the station ended.
func (b *Bench) carryOn(ctx context.Context) error {
	if b.cfg.Batches == nil {
		return nil
	}
	rec, err := b.cfg.Batches.CurrentBatch(ctx, b.runner.cfg.Start.Tenant, b.runner.cfg.Start.Station)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return batchFault("look the open batch up", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.roll = newRoll(rec)
	e := b.roll.opened("")
	if e.State != BatchOpen { // the list comes with an open batch; how it stands is told at once after it
		e.State = BatchOpen
		b.hub.emit(e)
		e = b.roll.changed("")
	}
	b.hub.emit(e)
	return nil
}

func batchFault(doing string, err error) *Fault {
	return &Fault{Code: CodeLedger, Outcome: Error, Params: map[string]string{"doing": doing, "detail": printable(err.Error())}, Err: err}
}

// PauseBatch lets no further run begin. Those in flight go on.
func (b *Bench) PauseBatch(reason string) error {
	return b.setBatch(context.Background(), BatchPaused, "", strings.TrimSpace(printable(reason)))
}

// ResumeBatch ends a pause or a hold.
func (b *Bench) ResumeBatch() error { return b.setBatch(context.Background(), BatchOpen, "", "") }

// CloseBatch ends the batch. It is refused while runs of it are in flight.
func (b *Bench) CloseBatch(ctx context.Context, reason string) error {
	return b.setBatch(ctx, BatchClosed, "", strings.TrimSpace(printable(reason)))
}

// setBatch records the batch's new state, then lets it hold.
func (b *Bench) setBatch(ctx context.Context, s BatchState, code Code, reason string) error {
	b.opening.Lock()
	defer b.opening.Unlock()
	b.mu.Lock()
	r, by, running := b.roll, b.operator.Name, b.running
	b.closing = s == BatchClosed
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.closing = false
	}()
	switch {
	case r == nil:
		return &Fault{Code: CodeBatchNone}
	case s == BatchClosed && running > 0:
		return &Fault{Code: CodeBatchBusy, Params: map[string]string{"n": itoa(running)}}
	}
	if err := b.cfg.Batches.ChangeBatch(ctx, BatchStep{r.Tenant, r.Batch, s, code, reason, by, b.now().UTC()}); err != nil {
		return batchFault("record the batch", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	r.State, r.Code, r.Reason = s, code, reason
	r.streak, r.serials = "", nil
	b.hub.emit(r.changed(by))
	if s == BatchClosed {
		b.roll = nil
		clear(b.early)
	}
	return nil
}

// counted takes a run's end into the batch, and holds the batch after equal failures in a row. b.mu is held.
func (b *Bench) counted(e RunEnded) {
	r := b.roll
	if r == nil || e.Batch != r.Batch {
		return
	}
	if e.Outcome.Good() {
		r.streak, r.serials = "", nil
		if d := r.find(e.DeviceID, e.HardwareSerial); d != nil && !d.Done && d.finishes(e.DeviceID) {
			d.Done = true
			r.done++
			b.hub.emit(r.changed(""))
		}
		return
	}
	if e.Outcome == Aborted || e.Outcome == Installed || e.Outcome == Collected || e.Code == "" || b.cfg.HoldAfter == 0 {
		return
	}
	if e.Code != r.streak {
		r.streak, r.serials = e.Code, map[string]bool{}
	}
	r.serials[e.HardwareSerial] = true // one bad device that is tried again and again is one
	if len(r.serials) < b.cfg.HoldAfter || r.State != BatchOpen {
		return
	}
	r.State, r.Code = BatchHeld, e.Code
	r.Reason, _ = b.runner.words.Fault(CodeHeldFailures, map[string]string{"count": itoa(b.cfg.HoldAfter), "code": string(e.Code)})
	b.hub.emit(r.changed(""))
	b.saving.Go(func() { b.saveHold(r) })
}

// saveHold records a hold, which holds whether or not that can be done. A person who was faster has the last word.
func (b *Bench) saveHold(r *roll) {
	b.opening.Lock()
	defer b.opening.Unlock()
	b.mu.Lock()
	rec, at := r.BatchRecord, b.now().UTC()
	b.mu.Unlock()
	if rec.State != BatchHeld {
		return
	}
	if err := b.cfg.Batches.ChangeBatch(context.Background(), BatchStep{rec.Tenant, rec.Batch, BatchHeld, rec.Code, rec.Reason, "", at}); err != nil {
		b.log.Error("hold of the batch not recorded", "batch", rec.Batch, "err", err)
	}
}
