package station

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"provstation/station/pki"
	"provstation/station/scan"
)

// AssignMode says where the id of a new device comes from.
type AssignMode string

// Modes of assignment. Auto: with an open batch its list, and a scan where the list has labels; else the template.
const (
	AssignAuto     AssignMode = "auto"
	AssignTemplate AssignMode = "template"
	AssignManifest AssignMode = "manifest"
	AssignScan     AssignMode = "scan"
)

// choice is a device id, where it comes from, and whether anything ties it to the hardware.
type choice struct {
	id, source   string
	corroborated bool
}

// assign decides the device id and claims it.
func (x *run) assign(ctx context.Context) error {
	c, err := x.chooseID(ctx)
	if err != nil {
		return err
	}
	if err := x.accept(ctx, c); err != nil {
		return err
	}
	if held := x.holding.DeviceID; x.course == courseEnroll && held != c.id {
		x.enrollID = newEnrollID() // the key the device has was made for another id
		x.holding.Leaf = nil
	}
	x.deviceID = c.id
	x.fact(FactIDSource, c.source)
	x.fact(FactCorroborated, yesNo(c.corroborated))
	return nil
}

// accept checks an id and claims it for the hardware.
func (x *run) accept(ctx context.Context, c choice) error {
	if err := pki.ValidDeviceID(c.id); err != nil {
		return &Fault{Code: CodeIDInvalid, Outcome: Fail, Params: map[string]string{"device_id": c.id, "detail": err.Error()}, Err: err}
	}
	if !c.corroborated {
		params := map[string]string{"device_id": c.id, "hardware_serial": x.serial()}
		if x.cfg.Corroborate && !x.overrules(CodeUnconfirmed) {
			return &Fault{Code: CodeUnconfirmed, Outcome: Fail, Params: params}
		}
		x.warn(CodeNotCorrob, params)
	}
	saved, err := x.ledger.BindDeviceSoon(ctx, Binding{
		Run: x.start.Run, Tenant: x.start.Tenant, HardwareSerial: x.serial(), DeviceID: c.id, Source: c.source, At: x.now().UTC(),
	})
	if err != nil {
		return x.bindFault(c.id, err)
	}
	x.saved(saved, pointBound)
	return nil
}

// chooseID takes the id from, in this order: what the device is already enrolled as, the flag, the scan, the batch's
// list, the template. Whatever the source, a device that an open batch does not expect is refused.
func (x *run) chooseID(ctx context.Context) (choice, error) {
	templated, err := x.templated()
	if err != nil {
		return choice{}, err
	}
	row, expected, scans := x.expects(templated)
	if id := x.ownID(); row == nil && id != "" {
		row, _, _ = x.expects(id)
	}
	if x.course != courseEnroll {
		c, err := x.heldID(row, templated)
		if err == nil && expected && row == nil {
			err = x.foreign()
		}
		return c, err
	}
	switch {
	case x.cfg.DeviceID != "":
		return x.flagged(row, expected, templated)
	case x.cfg.Assign == AssignScan, x.auto() && scans:
		if c, ok := x.scannedBefore(row, templated); ok && (row != nil || !expected) {
			return c, nil
		}
		return x.scanned(ctx, templated)
	case expected && row == nil:
		if err := x.foreign(); err != nil {
			return choice{}, err
		}
	case expected && x.cfg.Assign != AssignTemplate:
		if id := x.listed(row, templated); id != "" {
			return choice{id, "manifest", row.HardwareSerial == x.serial() || templated == id}, nil
		}
	case x.cfg.Assign == AssignManifest:
		return choice{}, &Fault{Code: CodeBatchNone, Outcome: Error, Class: Misconfigured}
	}
	if templated == "" {
		return choice{}, &Fault{Code: CodeIDMissing, Outcome: Fail}
	}
	if row != nil && row.DeviceID != "" && !strings.EqualFold(row.DeviceID, templated) { // by template alone, against the list
		return choice{}, &Fault{Code: CodeIDDiffers, Outcome: Uncertain, Params: map[string]string{
			"device_id": templated, "want": row.DeviceID, "hardware_serial": x.serial(),
		}}
	}
	return choice{templated, "template", true}, nil
}

// ownID is what the device is called before the run says anything of it; empty: nothing yet.
func (x *run) ownID() string {
	switch {
	case x.cfg.DeviceID != "":
		return x.cfg.DeviceID
	case x.course != courseEnroll:
		return cmp.Or(x.deviceID, x.holding.DeviceID)
	case x.known.IDSource == "scan":
		return x.known.DeviceID
	default:
		return ""
	}
}

// flagged is the id that was given by hand, where the open batch does not speak against it.
func (x *run) flagged(row *BatchDevice, expected bool, templated string) (choice, error) {
	id := x.cfg.DeviceID
	switch {
	case expected && row == nil:
		if err := x.foreign(); err != nil {
			return choice{}, err
		}
	case row != nil && !row.finishes(id):
		return choice{}, x.otherID(row.DeviceID, id)
	}
	return choice{id, "flag", templated == id || (row != nil && row.HardwareSerial == x.serial())}, nil
}

// otherID holds a device that is known by two ids.
func (x *run) otherID(want, id string) *Fault {
	return &Fault{Code: CodeIDDiffers, Outcome: Uncertain, Params: map[string]string{
		"device_id": id, "want": want, "hardware_serial": x.serial(),
	}}
}

// mayAsk reports whether the run may have to wait for a scan.
func (x *run) mayAsk() bool {
	if x.cfg.Assign == AssignScan {
		return true
	}
	b := x.bench
	b.mu.Lock()
	defer b.mu.Unlock()
	return x.auto() && b.cfg.Scans != nil && b.roll != nil && len(b.roll.byLabel) > 0
}

func (x *run) auto() bool { return x.cfg.Assign == AssignAuto || x.cfg.Assign == "" }

func (x *run) templated() (string, error) {
	if x.cfg.AssignID == nil {
		return "", nil
	}
	id, err := x.cfg.AssignID(x.greet)
	if err != nil {
		return "", &Fault{Code: CodeIDInvalid, Outcome: Fail, Params: map[string]string{"detail": err.Error()}, Err: err}
	}
	return id, nil
}

// heldID is the id of a device that is enrolled already.
func (x *run) heldID(row *BatchDevice, templated string) (choice, error) {
	wanted, tied := x.wanted(row, templated)
	held := cmp.Or(x.deviceID, x.holding.DeviceID) // the first is that of the PASS on file
	switch {
	case wanted != "" && held != "" && !strings.EqualFold(wanted, held):
		return choice{}, x.otherID(wanted, held)
	case held != "" && row != nil && !row.finishes(held) && x.cfg.Assign != AssignTemplate: // it is what the flag says
		return choice{}, x.otherID(row.DeviceID, held)
	case held != "":
		return choice{held, "device", tied || templated == held}, nil
	case wanted == "":
		return choice{}, &Fault{Code: CodeIDMissing, Outcome: Fail}
	case x.cfg.DeviceID != "":
		return choice{wanted, "flag", tied || templated == wanted}, nil
	default:
		return choice{wanted, "template", tied || templated == wanted}, nil
	}
}

// wanted is what an enrolled device should be called: by the flag, the batch's list, the list or the label that it got its
// id by, or the template. tied: a list names the hardware.
func (x *run) wanted(row *BatchDevice, templated string) (id string, tied bool) {
	mode, known := x.cfg.Assign, x.known
	switch {
	case x.cfg.DeviceID != "":
		return x.cfg.DeviceID, row != nil && row.HardwareSerial == x.serial()
	case row != nil && mode != AssignTemplate && x.listed(row, templated) != "":
		return x.listed(row, templated), row.HardwareSerial == x.serial()
	case known.DeviceID != "" && mode != AssignTemplate && (known.IDSource == "scan" || known.IDSource == "manifest"):
		return known.DeviceID, known.IDSource == "manifest"
	default:
		return templated, false
	}
}

// listed is the id that the batch's list gives a device.
func (x *run) listed(row *BatchDevice, templated string) string {
	switch {
	case row.DeviceID != "":
		return row.DeviceID
	case templated != "":
		return templated
	default:
		return row.Label
	}
}

// foreign refuses a device that the open batch does not expect, unless a lead lets it go on.
func (x *run) foreign() error {
	params := map[string]string{"hardware_serial": x.serial(), "batch": x.start.Batch}
	if x.overrules(CodeBatchForeign) {
		return nil
	}
	return &Fault{Code: CodeBatchForeign, Outcome: Fail, Params: params}
}

// roll is the open batch if the run began in it; nil: none. Bench.mu is held.
func (x *run) roll() *roll {
	if r := x.bench.roll; r != nil && r.Batch == x.start.Batch {
		return r
	}
	return nil
}

// expects looks the device up in the open batch, by its hardware serial and an id. expected: a batch is open, so that a
// device without a row is foreign. scans: its label has to be scanned, be it to find its row.
func (x *run) expects(id string) (row *BatchDevice, expected, scans bool) {
	b := x.bench
	b.mu.Lock()
	defer b.mu.Unlock()
	r := x.roll()
	if r == nil {
		return nil, false, false
	}
	if d := r.find(id, x.serial()); d != nil {
		found := *d
		row = &found
	}
	return row, true, b.cfg.Scans != nil && len(r.byLabel) > 0 && (row != nil || (id == "" && r.loose))
}

// scannedBefore gives the id of hardware whose label was scanned in an earlier run, as long as nothing speaks against it:
// nobody scans eight labels again because the bridge was down.
func (x *run) scannedBefore(row *BatchDevice, templated string) (choice, bool) {
	id := x.known.DeviceID
	if id == "" || x.known.IDSource != "scan" {
		return choice{}, false
	}
	if row != nil {
		return choice{id, "scan", row.HardwareSerial != ""}, strings.EqualFold(x.listed(row, templated), id)
	}
	return choice{id, "scan", templated != "" || id == x.serial()}, templated == "" || strings.EqualFold(templated, id)
}

// scanned asks for the label until one is right for the device, and gives the id that it stands for.
func (x *run) scanned(ctx context.Context, templated string) (choice, error) {
	a := x.askLabel(ctx)
	defer a.done()
	for {
		l, err := a.next()
		if err != nil {
			return choice{}, err
		}
		c, f := x.judge(l, templated)
		if f == nil {
			if a.told {
				if err := x.stillThere(ctx); err != nil {
					return choice{}, err
				}
			}
			if err := x.accept(ctx, c); err != nil {
				if bad, ok := AsFault(err); ok && (bad.Code == CodeIDTaken || bad.Code == CodeIDInvalid) {
					f = &Fault{Code: CodeScanDuplicate, Params: map[string]string{"label": l.Text, "other": bad.Params["other"]}}
					if bad.Code == CodeIDInvalid {
						f = &Fault{Code: CodeScanUnreadable, Params: map[string]string{"detail": bad.Params["detail"]}}
					}
				} else {
					return choice{}, err
				}
			}
		}
		x.tookLabel(l, c.id, f)
		if f == nil {
			return c, nil
		}
		x.bench.again(a.ask)
	}
}

// stillThere makes sure of the device before something of it is written down: while a person took their time, it may have
// gone, been swapped, or given the session up. None but the device that was greeted answers in its session.
func (x *run) stillThere(ctx context.Context) error {
	_, err := x.line.Holding(ctx)
	if errors.Is(err, ErrSessionLost) || errors.Is(err, ErrDeviceReset) {
		return x.regreet(ctx)
	}
	return err
}

// judge holds a label against the device: against the row of the batch's list that it belongs to, and against the template
// where that row does not name the hardware or there is no list.
func (x *run) judge(l scan.Label, templated string) (choice, *Fault) {
	b := x.bench
	b.mu.Lock()
	defer b.mu.Unlock()
	params := map[string]string{"label": l.Text, "slot": x.start.Slot, "have": x.serial()}
	if r := x.roll(); r != nil {
		row := r.labelled(l.ID)
		params["batch"] = r.Batch
		if row == nil {
			return choice{}, &Fault{Code: CodeScanForeign, Params: params}
		}
		own := row.HardwareSerial == x.serial()
		tied := own || l.ID == x.serial() || (templated != "" && strings.EqualFold(x.listed(row, ""), templated))
		if mine := r.find(templated, x.serial()); (mine != nil && mine != row) || (!tied && (row.HardwareSerial != "" || templated != "")) {
			params["want"] = cmp.Or(row.HardwareSerial, x.listed(row, ""))
			return choice{}, &Fault{Code: CodeScanWrong, Params: params}
		}
		return choice{x.listed(row, templated), "scan", tied}, nil
	}
	switch {
	case templated == "":
		return choice{l.ID, "scan", l.ID == x.serial()}, nil
	case strings.EqualFold(l.ID, templated), l.ID == x.serial():
		return choice{templated, "scan", true}, nil
	default:
		params["want"] = l.ID
		return choice{}, &Fault{Code: CodeScanWrong, Params: params}
	}
}

// overrules reports whether a lead let this device go on in spite of the code.
func (x *run) overrules(code Code) bool {
	o := x.start.Override
	if o == nil || o.Code != code || x.serial() != x.released {
		return false
	}
	// Not who did: that is on record with the override, where the name can be erased.
	x.warn(CodeOverridden, map[string]string{"code": string(o.Code), "reason": o.Reason})
	return true
}

// reenroll reports whether an enrolled device gets a new key: by policy, because a person decided so, or
// because a lead released it.
func (x *run) reenroll() bool {
	if x.cfg.Reenroll || x.start.Task == TaskReenroll || x.resolved.Decision == DecisionReenroll {
		return true
	}
	o := x.start.Override
	return o != nil && (o.Code == CodeUnknownKey || o.Code == CodeCertExpired) && x.overrules(o.Code)
}

func (x *run) bindFault(id string, err error) error {
	params := map[string]string{"device_id": id, "hardware_serial": x.serial(), "detail": err.Error()}
	var taken interface{ Holder() string }
	if errors.As(err, &taken) {
		params["other"] = taken.Holder()
	}
	switch {
	case errors.Is(err, ErrDeviceIDTaken):
		return &Fault{Code: CodeIDTaken, Outcome: Fail, Params: params, Err: err}
	case errors.Is(err, ErrHardwareBound):
		return &Fault{Code: CodeIDDiffers, Outcome: Uncertain, Params: params, Err: err}
	default:
		return x.ledgerFault("bind the device id", err)
	}
}
