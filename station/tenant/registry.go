package tenant

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"provstation/station"
)

// AttributePolicy says what becomes of a target in hawkBit that lacks attributes.
type AttributePolicy string

// Policies.
const (
	AttributesAllow  AttributePolicy = "allow"  // nobody asks
	AttributesWarn   AttributePolicy = "warn"   // looked at once, and said
	AttributesRefuse AttributePolicy = "refuse" // waited for
)

// RegistryConfig holds a registry's knobs.
type RegistryConfig struct {
	Attributes []string        // names that a target must have; none: one of any name will do
	Missing    AttributePolicy // of a target that lacks them; empty: warn
	First, Max time.Duration   // pauses between two looks; zero: 250 ms, 5 s

	Now   func() time.Time                     // nil: time.Now
	After func(time.Duration) <-chan time.Time // nil: time.After
}

// Registry waits until the tenant's servers know a device. It is safe for concurrent use.
//
// It asks again and again, since nothing better exists: neither REST API tells of a device that appears. ThingsBoard's
// WebSocket subscribes to devices that are known already, and its rule engine calls the bridge, not a bench. So the
// looks are bounded by the caller's deadline and by a pause that doubles, with jitter; the first look comes at once and is
// most often the last, since both servers are told before the run gets here.
type Registry struct {
	places []place
	cfg    RegistryConfig
}

var _ station.Registry = (*Registry)(nil)

// place is one server that has to know the device.
type place interface {
	key() string
	// look asks once. missing, with a nil error, says what is not there yet; found is what is.
	look(ctx context.Context, deviceID string) (found station.Registration, missing *station.Fault, err error)
}

// NewRegistry waits for the servers that are given; nil ones are not asked.
func NewRegistry(things *ThingsBoard, hawk *HawkBit, cfg RegistryConfig) *Registry {
	var places []place
	if things != nil {
		places = append(places, thingsBoardPlace{things})
	}
	if cfg.Missing == "" {
		cfg.Missing = AttributesWarn
	}
	if hawk != nil {
		places = append(places, hawkBitPlace{hawk, cfg})
	}
	return newRegistry(places, cfg)
}

func newRegistry(places []place, cfg RegistryConfig) *Registry {
	if cfg.First <= 0 {
		cfg.First = 250 * time.Millisecond
	}
	if cfg.Max <= 0 {
		cfg.Max = 5 * time.Second
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.After == nil {
		cfg.After = time.After
	}
	return &Registry{places: places, cfg: cfg}
}

// verdict is what came of one place.
type verdict struct {
	at    int
	took  time.Duration
	found station.Registration
	err   error
}

// Await asks all places at once, each until it knows the device, cannot be asked, or ctx ends. The error is the first
// place's that has one; parameter other names the codes of the rest.
func (r *Registry) Await(ctx context.Context, deviceID string, told func(station.RegistryStep)) (station.Registration, error) {
	results := make(chan verdict, len(r.places))
	for i, p := range r.places {
		go func() {
			began := r.cfg.Now()
			found, err := r.wait(ctx, p, deviceID)
			results <- verdict{i, r.cfg.Now().Sub(began), found, err}
		}()
	}
	sum := station.Registration{Facts: map[string]string{}}
	errs := make([]error, len(r.places))
	for range r.places {
		v := <-results
		errs[v.at] = v.err
		maps.Copy(sum.Facts, v.found.Facts)
		sum.Warnings = append(sum.Warnings, v.found.Warnings...)
		if told != nil {
			told(station.RegistryStep{Place: r.places[v.at].key(), Took: v.took, OK: v.err == nil})
		}
	}
	return sum, firstOf(errs)
}

// firstOf gives the first fault, which knows the codes of the others. One that cannot pass goes before one that can: a try
// that cannot help is not made.
func firstOf(errs []error) error {
	var faults []*station.Fault
	for _, err := range errs {
		if f, ok := station.AsFault(err); ok {
			faults = append(faults, f)
		} else if err != nil {
			return err
		}
	}
	if len(faults) == 0 {
		return nil
	}
	slices.SortStableFunc(faults, func(a, b *station.Fault) int {
		passing := func(f *station.Fault) int {
			if f.Class == station.Passing {
				return 1
			}
			return 0
		}
		return passing(a) - passing(b)
	})
	if len(faults) == 1 {
		return faults[0]
	}
	first := *faults[0]
	first.Params = maps.Clone(first.Params)
	var other []string
	for _, f := range faults[1:] {
		other = append(other, string(f.Code))
		first.Err = fmt.Errorf("%w; %w", first.Err, f)
	}
	first.Params["other"] = strings.Join(other, ", ")
	return &first
}

// wait looks at one place until it knows the device. A fault of the place itself ends the waiting: whether it is worth
// another try is the caller's policy.
func (r *Registry) wait(ctx context.Context, p place, deviceID string) (station.Registration, error) {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval, b.Multiplier = r.cfg.First, r.cfg.Max, 2
	began := r.cfg.Now()
	var missing *station.Fault
	for {
		found, lacking, err := p.look(ctx, deviceID)
		switch {
		case err == nil && lacking == nil:
			return found, nil
		case err != nil && (missing == nil || ctx.Err() == nil):
			return found, err
		case err == nil:
			missing = lacking
		}
		select {
		case <-ctx.Done():
			missing.Params["limit"] = r.cfg.Now().Sub(began).Round(time.Second).String()
			return found, missing
		case <-r.cfg.After(b.NextBackOff()):
		}
	}
}

// errMissing is in the chain of every fault that says what a server does not know.
var errMissing = errors.New("not there")

func (s *server) lacks(code station.Code, deviceID string, params map[string]string) *station.Fault {
	if params == nil {
		params = map[string]string{}
	}
	params["device_id"] = deviceID
	return s.fault(code, station.Permanent, params, errMissing)
}

type thingsBoardPlace struct{ t *ThingsBoard }

func (thingsBoardPlace) key() string { return "thingsboard" }

func (p thingsBoardPlace) look(ctx context.Context, deviceID string) (station.Registration, *station.Fault, error) {
	d, err := p.t.Find(ctx, deviceID)
	switch {
	case errors.Is(err, ErrUnknown):
		return station.Registration{}, p.t.lacks(station.CodeRegisterThingsBoard, deviceID, nil), nil
	case err != nil:
		return station.Registration{}, nil, err
	}
	facts := map[string]string{station.FactThingsBoardID: d.ID}
	// Its state is told and decides nothing: an older server, or one that keeps it as telemetry, has none.
	if st, err := p.t.State(ctx, d); err == nil && st.Known {
		facts[station.FactThingsBoardOn] = "no"
		if st.Active {
			facts[station.FactThingsBoardOn] = "yes"
		}
	}
	return station.Registration{Facts: facts}, nil, nil
}

type hawkBitPlace struct {
	h   *HawkBit
	cfg RegistryConfig
}

func (hawkBitPlace) key() string { return "hawkbit" }

func (p hawkBitPlace) look(ctx context.Context, deviceID string) (station.Registration, *station.Fault, error) {
	t, err := p.h.Target(ctx, deviceID)
	switch {
	case errors.Is(err, ErrUnknown):
		return station.Registration{}, p.h.lacks(station.CodeRegisterHawkBit, deviceID, nil), nil
	case err != nil:
		return station.Registration{}, nil, err
	}
	found := station.Registration{Facts: map[string]string{station.FactHawkBitStatus: t.Status}}
	if p.cfg.Missing == AttributesAllow {
		return found, nil, nil
	}
	have, err := p.h.Attributes(ctx, deviceID)
	switch {
	case errors.Is(err, ErrUnknown): // deleted between the two questions
		return found, p.h.lacks(station.CodeRegisterHawkBit, deviceID, nil), nil
	case err != nil:
		return found, nil, err
	}
	found.Facts[station.FactHawkBitNames] = strings.Join(slices.Sorted(maps.Keys(have)), ", ")
	lacking, complete := missingFrom(have, p.cfg.Attributes)
	if complete {
		return found, nil, nil
	}
	params := map[string]string{}
	if len(lacking) > 0 {
		params["objects"] = strings.Join(lacking, ", ")
	}
	if p.cfg.Missing == AttributesRefuse {
		return found, p.h.lacks(station.CodeRegisterAttributes, deviceID, params), nil
	}
	params["device_id"] = deviceID
	found.Warnings = []station.Warning{{Code: station.CodeRegisterIncomplete, Params: params}}
	return found, nil, nil
}
