package station

import (
	"context"
	"crypto"
)

// UnlockPolicy is which keys open a device again once it is sealed.
type UnlockPolicy struct {
	// Pins are the public keys (SubjectPublicKeyInfo, DER) that a device is given at the bench; none: it is given none, and a
	// device whose policy wants an unlock can never be opened again.
	Pins [][]byte
	// Key signs unlocks: the private half of a pin. nil: this station pins, and cannot open what it has sealed.
	Key crypto.Signer
	// Needed refuses to seal a device that could not be opened again, instead of saying it.
	Needed bool
}

// opening is what a device is to be opened for.
type opening struct {
	deviceID   string
	purpose    UnlockPurpose
	signatures int // of UnlockProof
}

// open unlocks a device. One whose software has no unlock, one that has no pin, and a station without the key have a sentence
// each. The unlock dies with the session.
func (p UnlockPolicy) open(ctx context.Context, line Line, firmware string, o opening) (Unlocker, error) {
	params := map[string]string{"device_id": o.deviceID, "purpose": string(o.purpose)}
	if p.Key == nil {
		return nil, &Fault{Code: CodeUnlockKey, Outcome: Error, Class: Misconfigured, Params: params}
	}
	u, ok := line.(Unlocker)
	if !ok {
		return nil, &Fault{Code: CodeAgentOld, Outcome: Fail, Params: map[string]string{"have": firmware, "want": "UNLOCK"}}
	}
	field, err := u.Field(ctx)
	switch {
	case err != nil:
		return nil, err
	case !field.Pinned:
		return nil, &Fault{Code: CodeUnlockPin, Outcome: Fail, Params: params}
	case field.Wait > 0:
		params["left"], params["count"] = field.Wait.String(), itoa(field.Failures)
		return nil, &Fault{Code: CodeUnlockWait, Outcome: Error, Class: Passing, Params: params}
	}
	_, err = u.Unlock(ctx, UnlockRequest{Purpose: o.purpose, Signatures: o.signatures, DeviceID: o.deviceID, Key: p.Key})
	if f, ok := AsFault(err); ok && (f.Code == CodeAgentRefuse || f.Code == CodeAgentLocked) {
		params["detail"] = f.Params["detail"]
		return nil, &Fault{Code: CodeUnlockRefused, Outcome: Fail, Params: params, Err: err}
	}
	return u, err
}

// unlock has the run's device opened for one purpose; signatures is of UnlockProof alone.
func (x *run) unlock(ctx context.Context, purpose UnlockPurpose, signatures int) error {
	if err := x.settled(); err != nil {
		return x.unsaved(err)
	}
	x.line.say("-> UNLOCK for %s", purpose)
	_, err := x.cfg.Unlock.open(ctx, x.line.Line, x.greet.Firmware, opening{x.holding.DeviceID, purpose, signatures})
	x.line.heard(err, "UNLOCK")
	if err == nil {
		x.fact(FactUnlocked, string(purpose))
	}
	return err
}

// mayMakeKey opens a sealed device for a new key, where its policy wants an unlock for that.
func (x *run) mayMakeKey(ctx context.Context) error {
	if x.holding.Reenroll != "unlock" || x.holding.Active == 0 {
		return nil
	}
	h, err := x.line.Holding(ctx) // the key may be made, and only the answer lost
	if err != nil || h.EnrollID == x.enrollID || h.Active == 0 {
		return err
	}
	purpose := UnlockReenroll
	if x.course == courseRekey {
		purpose = UnlockRekey
	}
	return x.unlock(ctx, purpose, 0)
}

// warnNoPin says, before the device is sealed, that nothing will open it again.
func (x *run) warnNoPin(ctx context.Context) error {
	if x.course == courseRekey || len(x.bundle.Pins) > 0 { // they came with the generation before, or with this one
		return nil
	}
	if x.greet.Reenroll != "" && x.greet.Reenroll != "unlock" {
		return nil
	}
	h, err := x.line.Holding(ctx)
	if err != nil {
		return err
	}
	if h.Reenroll != "unlock" || h.Objects[ObjectPins] != nil {
		return nil
	}
	params := map[string]string{"device_id": x.deviceID}
	if x.cfg.Unlock.Needed {
		return &Fault{Code: CodeUnlockNone, Outcome: Error, Class: Misconfigured, Params: params}
	}
	x.warn(CodeUnlockWarn, params)
	return nil
}
