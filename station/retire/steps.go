package retire

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"provstation/station"
	"provstation/station/stepca"
)

// verdict is how a step turned out.
type verdict struct {
	state  station.StepState
	detail string
	fault  *station.Fault // of StepFailed
}

// failedBy is the verdict of a failure. What a person stopped is none: the step stays begun.
func failedBy(err error) (verdict, error) {
	f, ok := station.AsFault(err)
	switch {
	case errors.Is(err, context.Canceled):
		return verdict{}, context.Canceled
	case ok && f.Code == station.CodeLedger:
		return verdict{}, f
	case !ok:
		f = &station.Fault{Code: station.CodeInternal, Outcome: station.Error, Params: map[string]string{"detail": err.Error()}, Err: err}
	}
	detail := f.Params["detail"]
	if detail == "" && f.Err != nil {
		detail = f.Err.Error()
	}
	return verdict{state: station.StepFailed, detail: detail, fault: f}, nil
}

// revoke has every certificate of the device revoked that somebody would still accept.
func (x *retirement) revoke(ctx context.Context) (verdict, error) {
	valid, life, err := x.onFile(ctx, x.row.DeviceID)
	switch {
	case err != nil:
		return verdict{}, err
	case len(valid) == 0 && life.Renews:
		return verdict{state: station.StepManual, detail: mayHoldMore(life.SeenAt, x.row.DeviceID)}, nil
	case len(valid) == 0:
		return verdict{state: station.StepGone, detail: "no certificate on file is valid"}, nil
	}
	var orders []Order
	for _, c := range valid {
		orders = append(orders, Order{Certificate: c, Reason: stepca.CessationOfOperation, Text: x.row.Reason})
	}
	list, err := x.RevokeAll(ctx, orders, nil)
	x.rep.Revoked = list
	if err != nil {
		return failedBy(err)
	}
	already := 0
	var failed []string
	var first error
	for _, o := range list {
		switch {
		case o.Err != nil:
			failed = append(failed, o.CertSerial)
			if first == nil {
				first = o.Err
			}
		case o.Way != ByUs:
			already++
		}
	}
	if first != nil {
		v, err := failedBy(first)
		v.detail = fmt.Sprintf("certificate %s: %s", strings.Join(failed, ", "), v.detail)
		return v, err
	}
	detail := fmt.Sprintf("%d revoked", len(list))
	if already > 0 {
		detail += fmt.Sprintf(", %d of them before", already)
	}
	if life.Renews {
		detail += "; " + mayHoldMore(life.SeenAt, x.row.DeviceID)
	}
	return verdict{state: station.StepDone, detail: detail}, nil
}

// The parts of what is said of a device that renews by itself.
const (
	fetched = "it may hold certificates that it has fetched itself since "
	lookFor = ": look into the CA's own list for "
)

// mayHoldMore says that a device may hold certificates that are not on file.
func mayHoldMore(seen time.Time, deviceID string) string {
	since := "its enrollment"
	if !seen.IsZero() {
		since = seen.UTC().Format("2006-01-02 15:04 UTC")
	}
	return fetched + since + lookFor + deviceID
}

// MayHoldMore cuts what is said of a device that renews by itself off the detail of a step: since when it may have fetched
// certificates, and whose they are. ok: it is said.
func MayHoldMore(detail string) (before, since, deviceID string, ok bool) {
	before, rest, said := strings.Cut(detail, fetched)
	since, deviceID, ok = strings.Cut(rest, lookFor)
	if !said || !ok {
		return detail, "", "", false
	}
	return strings.TrimSuffix(before, "; "), since, deviceID, true
}

// place takes the device off a server's list.
func (x *retirement) place(ctx context.Context, p Place) (verdict, error) {
	if p == nil {
		return verdict{state: station.StepOff, detail: "this station knows of none"}, nil
	}
	gone, err := p.Remove(ctx, x.row.DeviceID)
	switch {
	case err != nil && ctx.Err() != nil:
		return verdict{}, ctx.Err()
	case err != nil:
		return failedBy(err)
	case gone:
		return verdict{state: station.StepGone, detail: "it was not there"}, nil
	}
	return verdict{state: station.StepDone, detail: "deleted"}, nil
}

// NotHere says what becomes of a device that nobody can erase now.
const NotHere = "it is not connected to this station: its key and files are still on it. Erase or destroy it when it is at hand"

// cannot says what becomes of a device that is here and that this station cannot erase.
const cannot = "it is connected, and this station cannot erase it: its key and files are still on it. Erase or destroy it"

// closedForEver tells why a device is not erased that another try here would not mend.
func closedForEver(c station.Code) bool {
	switch c {
	case station.CodeUnlockKey, station.CodeUnlockPin, station.CodeUnlockRefused, station.CodeAgentOld, station.CodeRenewState:
		return true
	default:
		return false
	}
}

// erase empties the device, if it is here.
func (x *retirement) erase(ctx context.Context) (verdict, error) {
	if x.cfg.Eraser == nil {
		return verdict{state: station.StepManual, detail: NotHere}, nil
	}
	err := x.cfg.Eraser.Erase(ctx, x.row.DeviceID, x.row.HardwareSerial)
	switch {
	case errors.Is(err, station.ErrNotHere):
		return verdict{state: station.StepManual, detail: NotHere}, nil
	case err != nil && ctx.Err() != nil:
		return verdict{}, ctx.Err()
	case err != nil:
		v, err := failedBy(err)
		if v.fault != nil && closedForEver(v.fault.Code) {
			v.state, v.detail = station.StepManual, cannot
		}
		return v, err
	}
	return verdict{state: station.StepDone, detail: "erased"}, nil
}
