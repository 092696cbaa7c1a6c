package station

import "context"

// Eraser empties a device that is connected to this station: its keys, its certificates, its tunnel.
type Eraser struct {
	Visitor
	Unlock UnlockPolicy
}

// Erase looks for the device at every port of the station's and empties it, under an unlock where it is sealed. It is nil when
// the device is empty, or was. ErrNotHere where no port has it; else a *Fault, or ctx's error.
func (e *Eraser) Erase(ctx context.Context, deviceID, hardwareSerial string) error {
	return e.visit(ctx, deviceID, hardwareSerial, e.empty)
}

func (e *Eraser) empty(ctx context.Context, d *visited) error {
	h := d.holding
	switch {
	case d.greet.State == StateEmpty:
		return nil
	case d.greet.State == StateForeign:
		return &Fault{Code: CodeRenewState, Outcome: Fail, Params: map[string]string{
			"device_id": d.id, "hardware_serial": d.serial, "detail": "another procedure enrolled it, so this one cannot erase it",
		}}
	case h.Active == 0: // nothing is sealed: what was begun is given up
		if err := d.Abandon(ctx, h.EnrollID); err != nil {
			return err
		}
		return isEmpty(ctx, d)
	case h.Generation != h.Active: // the same of what was begun beside the sealed one
		if err := d.Abandon(ctx, h.EnrollID); err != nil {
			return err
		}
		var err error
		if h, err = d.Holding(ctx); err != nil {
			return err
		}
	}
	u, err := e.Unlock.open(ctx, d.Line, d.greet.Firmware, opening{deviceID: h.DeviceID, purpose: UnlockErase})
	if err != nil {
		return err
	}
	if err := u.Erase(ctx, h.EnrollID); err != nil {
		return err
	}
	return isEmpty(ctx, d)
}

// isEmpty has the device say so itself.
func isEmpty(ctx context.Context, d *visited) error {
	h, err := d.Holding(ctx)
	if err != nil {
		return err
	}
	if h.State != StateEmpty {
		return &Fault{Code: CodeAgentError, Outcome: Fail, Params: map[string]string{"detail": "it says that it is erased, and holds " + string(h.State)}}
	}
	return nil
}
