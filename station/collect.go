package station

import (
	"context"
	"time"
)

// Queue keeps requests that were collected without a network.
type Queue interface {
	// Collect makes the request durable. The same key again is nil: its place in the queue stays, a request that was
	// dropped waits again. Requests of the same hardware for other keys are dropped, since it has those no more.
	Collect(ctx context.Context, c QueuedRequest) error
}

// QueueState is how far a collected request has come.
//
//	waiting    to be posted, not before NextAt
//	posted     a relay has it in hand; after its time is up (the relay died) it waits again
//	issued     the certificate is on file and has passed its checks
//	parked     refused for good, or tried too often: a person decides
//	installed  the device has passed with this key
//	dropped    given up by a person, or the device has another key by now
type QueueState string

// States of a collected request.
const (
	QueueWaiting   QueueState = "waiting"
	QueuePosted    QueueState = "posted"
	QueueIssued    QueueState = "issued"
	QueueParked    QueueState = "parked"
	QueueInstalled QueueState = "installed"
	QueueDropped   QueueState = "dropped"
)

// QueueStates lists every state.
func QueueStates() []QueueState {
	return []QueueState{QueueWaiting, QueuePosted, QueueIssued, QueueParked, QueueInstalled, QueueDropped}
}

// QueuedRequest is a request (CSR) of a device that is not there any more.
type QueuedRequest struct {
	Run            string // that collected it
	Tenant         string
	DeviceID       string
	DeviceName     string
	HardwareSerial string
	SPKI           []byte // SHA-256
	CSR            []byte // DER
	WireGuardKey   []byte // public half, 32 bytes; nil for none
	EnrollID       EnrollID
	Generation     uint32
	Contract       Contract // that was configured when it was collected
	At             time.Time

	QueueStanding // filled in by the ledger
}

// QueueStanding is how it stands with a collected request.
type QueueStanding struct {
	State    QueueState
	Tries    int       // posts, the present one included
	NextAt   time.Time // while it waits: not before
	Code     Code      // of the last failure
	Params   map[string]string
	Reason   string    // a person's, for a request that was dropped
	Leaf     []byte    // SHA-256 of the certificate; nil before it is issued
	NotAfter time.Time // of the certificate
	ClaimBy  string    // while posted: the station that has it in hand
	Until    time.Time // while posted: for so long
	Updated  time.Time
}

// onlyCollect cuts a run's plan down to what needs no network. A device that is enrolled and not known to have passed
// would have to be proven at the broker.
func (x *run) onlyCollect(steps []phaseStep) {
	for i := range steps {
		s := &steps[i]
		switch {
		case s.phase == PhaseCSR && s.do != nil:
			s.do = x.collect
		case s.phase == PhaseKeygen && x.course == courseAdopt:
			s.do = func(context.Context) error {
				return &Fault{Code: CodeCollectEnrolled, Outcome: Error, Class: Misconfigured, Params: map[string]string{"device_id": x.deviceID}}
			}
		case s.phase.Index() > PhaseCSR.Index():
			s.do = nil
		}
	}
}

// collect checks the request as if it were posted now, and puts it into the queue.
func (x *run) collect(ctx context.Context) error {
	if x.cfg.WireGuard && len(x.key.WireGuardKey) == 0 { // the answer could not be used, and nobody would be there to say so
		return &Fault{Code: CodeWGBad, Outcome: Fail, Params: map[string]string{"detail": "the device makes no key for the tunnel"}}
	}
	if err := x.checkCSR(ctx); err != nil {
		return err
	}
	name := x.deviceID
	if x.cfg.NameOf != nil {
		n, err := x.cfg.NameOf(x.deviceID, x.greet)
		if err != nil {
			return nameFault(err)
		}
		name = n
	}
	contract := x.cfg.Contract
	if contract == "" {
		contract = ContractAuto
	}
	err := x.cfg.Queue.Collect(ctx, QueuedRequest{
		Run: x.start.Run, Tenant: x.start.Tenant, DeviceID: x.deviceID, DeviceName: name, HardwareSerial: x.serial(), SPKI: x.spki,
		CSR: x.csr.Raw, WireGuardKey: x.key.WireGuardKey, EnrollID: x.enrollID, Generation: x.key.Generation, Contract: contract,
		At: x.now().UTC(),
	})
	if err != nil {
		return x.ledgerFault("put the request into the queue", err)
	}
	crash(pointQueued)
	x.collected = true
	return nil
}

// nameFault says that the device's name cannot be made.
func nameFault(err error) *Fault {
	return &Fault{Code: CodeIDInvalid, Outcome: Fail, Class: Misconfigured, Params: map[string]string{"detail": err.Error()}, Err: err}
}

// documentedFault: under the documented contract the answer holds the tunnel's private key, which would have to lie in the
// ledger until the device is back. There is no sealing it to the device.
func documentedFault(deviceID string) *Fault {
	return &Fault{Code: CodeCollectKey, Outcome: Error, Params: map[string]string{"device_id": deviceID}}
}
