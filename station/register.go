package station

import (
	"context"
	"time"
)

// Registry is where the tenant lists its devices beside the CA: ThingsBoard and hawkBit. Errors are *Fault.
type Registry interface {
	// Await returns when every place that has to list the device does, when one of them cannot be asked, or when ctx ends:
	// then the error says what is missing, and the answer holds what was found out all the same. told hears of each place,
	// in the caller's goroutine.
	Await(ctx context.Context, deviceID string, told func(RegistryStep)) (Registration, error)
}

// RegistryStep is one place that has been asked.
type RegistryStep struct {
	Place string // as thingsboard
	Took  time.Duration
	OK    bool
}

// Registration is what the tenant knows of a device.
type Registration struct {
	Facts    map[string]string
	Warnings []Warning // what is missing and may be, by policy; Text is filled in by the run
}

// register waits until the tenant's servers list the device. They learn of it from what the run did before: hawkBit from the
// enrollment, ThingsBoard from the connection that mqtt made. Nothing is written: a device that they do not list is not
// sealed, and the next run proves it again.
//
// An adopted device is held to the same. A device that is skipped is not asked for: SKIPPED says that the ledger holds a
// PASS, and needs no server.
func (x *run) register(ctx context.Context) error {
	reg, err := x.cfg.Registry.Await(ctx, x.deviceID, func(s RegistryStep) { x.stepDone(s.Place, s.Took, s.OK) })
	for name, value := range reg.Facts {
		x.fact(name, printable(value))
	}
	for _, w := range reg.Warnings {
		x.warn(w.Code, w.Params)
	}
	return err
}
