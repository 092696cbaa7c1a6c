package station

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"time"
)

// Decision is what a person decided about a device that was held as UNCERTAIN.
type Decision string

// Decisions.
const (
	// DecisionKeep: the key that the device holds is right, and what the ledger knew before is out of date. It is carried on
	// from there, and has to prove itself like any other. It is for that key alone.
	DecisionKeep Decision = "keep"
	// DecisionReenroll: the device gets a new key and a new certificate the next time it is there.
	DecisionReenroll Decision = "re-enroll"
	// DecisionDecommissioned: the device is out of service. It is held whenever it turns up.
	DecisionDecommissioned Decision = "decommissioned"
	// DecisionIgnore: somebody has looked at it, and nothing changes: the device is judged anew when it is there again.
	DecisionIgnore Decision = "ignore"
)

// Decisions lists every decision.
func Decisions() []Decision {
	return []Decision{DecisionKeep, DecisionReenroll, DecisionDecommissioned, DecisionIgnore}
}

// DecisionsFor lists what can be decided about a run that ended UNCERTAIN with the code: nothing that the station would
// not do afterwards. state is what the device said of itself, key whether the run knows the key that it holds.
//
//	held with                             keep  re-enroll  decommissioned  ignore
//	E-ID-OTHER-KEY                        key   yes        yes             yes
//	E-DECOMMISSIONED                      key   yes        -               yes
//	E-UNCERTAIN, E-READBACK, E-CERT-KEY,
//	E-PROOF-IMPOSSIBLE, E-DUPLICATE,
//	E-KEY-STORE                           -     yes        yes             yes
//	E-ID-SERIAL-TWICE, E-ID-SERIAL-JUNK   -     -          -               yes: the serial names more than one device
//	any other                             -     -          yes             yes
//
// A device that another procedure enrolled (state foreign) is never enrolled anew.
func DecisionsFor(code Code, state DeviceState, key bool) []Decision {
	var list []Decision
	switch code {
	case CodeSerialTwice, CodeSerialJunk:
	case CodeUnknownKey:
		list = []Decision{DecisionKeep, DecisionReenroll, DecisionDecommissioned}
	case CodeDecommissioned:
		list = []Decision{DecisionKeep, DecisionReenroll}
	case CodeUncertain, CodeReadback, CodeCertKey, CodeKeyStore, CodeProofImpossible, CodeDuplicate:
		list = []Decision{DecisionReenroll, DecisionDecommissioned}
	default:
		list = []Decision{DecisionDecommissioned}
	}
	return append(slices.DeleteFunc(list, func(d Decision) bool {
		return d == DecisionKeep && !key || d == DecisionReenroll && state == StateForeign
	}), DecisionIgnore)
}

// Resolution is a decision on file.
type Resolution struct {
	Run            string // that was held
	Tenant         string
	HardwareSerial string
	Decision       Decision
	SPKI           []byte // of DecisionKeep: SHA-256 of the key that is right
	Reason         string // typed by a person, printable
	By             string // who decided
	At             time.Time
}

// Resolutions is the memory of what people decided.
type Resolutions interface {
	// Resolution finds the decision that holds for the hardware: the newest that is not DecisionIgnore. ErrNotFound if there
	// is none, or if the device has passed with it since: DecisionKeep and DecisionReenroll are for one time.
	Resolution(ctx context.Context, tenant, hardwareSerial string) (Resolution, error)
}

// resolve looks up what a person decided about the device, and holds one that is out of service.
func (x *run) resolve(ctx context.Context) error {
	r, err := x.ledger.Resolution(ctx, x.start.Tenant, x.greet.HardwareSerial)
	switch {
	case errors.Is(err, ErrNotFound):
		x.resolved = Resolution{}
		return nil
	case err != nil:
		return x.ledgerFault("look the decision up", err)
	}
	if x.resolved.Run != r.Run && r.Decision != DecisionDecommissioned {
		// Not who decided: that is on record with the decision, where the name can be erased.
		x.warn(CodeResolved, map[string]string{"decision": string(r.Decision), "reason": r.Reason})
	}
	x.resolved = r
	if r.Decision == DecisionDecommissioned {
		return &Fault{Code: CodeDecommissioned, Outcome: Uncertain, Params: map[string]string{
			"hardware_serial": x.greet.HardwareSerial, "device_id": x.known.DeviceID, "have": hexOf(x.holding.SPKI),
			"reason": r.Reason,
		}}
	}
	return nil
}

// keeps reports whether a person decided that the key which the device holds is right, whatever the ledger knows.
func (x *run) keeps() bool {
	return x.resolved.Decision == DecisionKeep && len(x.holding.SPKI) > 0 && bytes.Equal(x.resolved.SPKI, x.holding.SPKI)
}
