package station

import (
	"context"
	"errors"
	"strings"
	"time"

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
	err := x.ledger.BindDevice(ctx, Binding{
		Run: x.start.Run, Tenant: x.start.Tenant, HardwareSerial: x.serial(), DeviceID: c.id, Source: c.source, At: x.now().UTC(),
	})
	if err != nil {
		return x.bindFault(c.id, err)
	}
	crash(pointBound)
	return nil
}

// chooseID takes the id from, in this order: what the device is already enrolled as, the flag, the scan, the batch's
// list, the template. Whatever the source, a device that an open batch does not expect is refused.
func (x *run) chooseID(ctx context.Context) (choice, error) {
	templated, err := x.templated()
	if err != nil {
		return choice{}, err
	}
	row, expected, scans := x.bench.expects(x.serial(), templated)
	if x.course != courseEnroll {
		c, err := x.heldID(templated)
		if err == nil && expected && row == nil {
			row, _, _ = x.bench.expects(x.serial(), c.id)
		}
		if err == nil && expected && row == nil {
			err = x.foreign(ctx)
		}
		return c, err
	}
	switch {
	case x.cfg.DeviceID != "":
		return choice{x.cfg.DeviceID, "flag", templated != "" && templated == x.cfg.DeviceID}, nil
	case x.cfg.Assign == AssignScan, x.auto() && scans && row != nil:
		if c, ok := x.scannedBefore(row, templated); ok {
			return c, nil
		}
		return x.scanned(ctx, templated)
	case expected && row == nil:
		if err := x.foreign(ctx); err != nil {
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
	return choice{templated, "template", true}, nil
}

// mayAsk reports whether the run may have to wait for a scan.
func (x *run) mayAsk() bool {
	if x.cfg.Assign == AssignScan {
		return true
	}
	_, _, scans := x.bench.expects("", "")
	return x.auto() && scans
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
func (x *run) heldID(templated string) (choice, error) {
	wanted, from := x.cfg.DeviceID, "flag"
	if wanted == "" {
		wanted, from = templated, "template"
	}
	held := x.deviceID // of the PASS on file
	if held == "" {
		held = x.holding.DeviceID
	}
	if wanted != "" && held != "" && !strings.EqualFold(wanted, held) {
		return choice{}, &Fault{Code: CodeIDDiffers, Outcome: Uncertain, Params: map[string]string{
			"device_id": held, "want": wanted, "hardware_serial": x.serial(),
		}}
	}
	if held != "" {
		wanted, from = held, "device"
	}
	if wanted == "" {
		return choice{}, &Fault{Code: CodeIDMissing, Outcome: Fail}
	}
	return choice{wanted, from, templated == wanted}, nil
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
func (x *run) foreign(context.Context) error {
	params := map[string]string{"hardware_serial": x.serial(), "batch": x.start.Batch}
	if x.overrules(CodeBatchForeign) {
		return nil
	}
	return &Fault{Code: CodeBatchForeign, Outcome: Fail, Params: params}
}

// expects looks a device up in the open batch. expected: a batch is open, so that a device without a row is foreign.
// scans: its list has labels to scan.
func (b *Bench) expects(serial, id string) (row *BatchDevice, expected, scans bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.roll == nil {
		return nil, false, false
	}
	if d := b.roll.find(id, serial); d != nil {
		found := *d
		row = &found
	}
	return row, true, len(b.roll.byLabel) > 0 && b.cfg.Scans != nil
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
	began := x.now()
	a := x.askLabel(ctx)
	defer a.done()
	for {
		l, err := a.next()
		if err != nil {
			return choice{}, err
		}
		c, f := x.judge(l, templated)
		if f == nil {
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
		if f != nil {
			continue
		}
		if x.now().Sub(began) > scanPause { // the device may have gone, or have given the session up
			if err := x.regreet(ctx); err != nil {
				return choice{}, err
			}
		}
		return c, nil
	}
}

// scanPause is how long a person may take before the device is greeted anew: a session without a word ends after ten
// seconds.
const scanPause = 3 * time.Second

// judge holds a label against the device: against the row of the batch's list that it belongs to, or against the
// template where there is no list.
func (x *run) judge(l scan.Label, templated string) (choice, *Fault) {
	b := x.bench
	b.mu.Lock()
	defer b.mu.Unlock()
	params := map[string]string{"label": l.Text, "slot": x.start.Slot, "have": x.serial()}
	if b.roll != nil {
		row := b.roll.labelled(l.ID)
		params["batch"] = b.roll.Batch
		switch {
		case row == nil:
			return choice{}, &Fault{Code: CodeScanForeign, Params: params}
		case row.HardwareSerial != "" && row.HardwareSerial != x.serial():
			params["want"] = row.HardwareSerial
			return choice{}, &Fault{Code: CodeScanWrong, Params: params}
		}
		return choice{x.listed(row, templated), "scan", row.HardwareSerial != "" || x.listed(row, "") == templated}, nil
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
	if o == nil || o.Code != code {
		return false
	}
	x.warn(CodeOverridden, map[string]string{"lead": o.Lead, "code": string(o.Code), "reason": o.Reason})
	return true
}

// reenroll reports whether an enrolled device gets a new key: by policy, because a person decided so, or
// because a lead released it.
func (x *run) reenroll() bool {
	if x.cfg.Reenroll || x.resolved.Decision == DecisionReenroll {
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
