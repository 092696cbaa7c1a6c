package tenant

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"provstation/station"
)

// slowPlace knows the device after some looks, or never, or fails.
type slowPlace struct {
	name  string
	after int // looks without it; negative: for good
	code  station.Code
	fail  error // instead, after these looks
	hang  bool  // then

	looks []time.Time
}

func (p *slowPlace) key() string { return p.name }

func (p *slowPlace) look(ctx context.Context, deviceID string) (station.Registration, *station.Fault, error) {
	p.looks = append(p.looks, time.Now())
	found := station.Registration{Facts: map[string]string{p.name: "asked"}}
	switch {
	case p.after < 0 || len(p.looks) <= p.after:
		f := &station.Fault{Code: p.code, Outcome: station.Error, Params: map[string]string{"device_id": deviceID}, Err: errMissing}
		return found, f, nil
	case p.hang:
		<-ctx.Done()
		return found, nil, &station.Fault{Code: station.CodeTenantTimeout, Outcome: station.Timeout, Class: station.Passing, Err: ctx.Err()}
	}
	return found, nil, p.fail
}

func passing(code station.Code) error {
	return &station.Fault{Code: code, Outcome: station.Error, Class: station.Passing, Params: map[string]string{}, Err: errRefused}
}

func misconfigured(code station.Code) error {
	return &station.Fault{Code: code, Outcome: station.Error, Class: station.Misconfigured, Params: map[string]string{}, Err: errRefused}
}

func TestAwait(t *testing.T) {
	const tb, hb = station.CodeRegisterThingsBoard, station.CodeRegisterHawkBit
	for name, tc := range map[string]struct {
		a, b  slowPlace
		code  station.Code
		other string
		limit string
		took  time.Duration // at most
		told  []string
	}{
		"known at once": {slowPlace{}, slowPlace{}, "", "", "", 0, []string{"a yes", "b yes"}},
		"known later":   {slowPlace{after: 3, code: tb}, slowPlace{after: 1, code: hb}, "", "", "", 5 * time.Second, []string{"a yes", "b yes"}},
		"never": {
			slowPlace{after: -1, code: tb}, slowPlace{}, tb, "", "1m0s", time.Minute, []string{"a no", "b yes"},
		},
		"neither": {
			slowPlace{after: -1, code: tb}, slowPlace{after: -1, code: hb}, tb, string(hb), "1m0s", time.Minute, []string{"a no", "b no"},
		},
		"down at once": {
			slowPlace{fail: passing(station.CodeTenantDown)}, slowPlace{}, station.CodeTenantDown, "", "", 0, []string{"a no", "b yes"},
		},
		"down while waiting": {
			slowPlace{}, slowPlace{after: 2, code: hb, fail: passing(station.CodeTenantDown)}, station.CodeTenantDown, "", "", 3 * time.Second, []string{"a yes", "b no"},
		},
		"what cannot pass goes first": {
			slowPlace{fail: passing(station.CodeTenantDown)},
			slowPlace{fail: misconfigured(station.CodeTenantAuth)},
			station.CodeTenantAuth, "E-TENANT-DOWN", "", 0,
			[]string{"a no", "b no"},
		},
		"unknown, and no answer at the end": {
			slowPlace{after: 2, code: tb, hang: true}, slowPlace{}, tb, "", "1m0s", time.Minute, []string{"a no", "b yes"},
		},
		"no answer at all": {
			slowPlace{hang: true}, slowPlace{}, station.CodeTenantTimeout, "", "", time.Minute, []string{"a no", "b yes"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tc.a.name, tc.b.name = "a", "b"
				r := newRegistry([]place{&tc.a, &tc.b}, RegistryConfig{})
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				began := time.Now()
				var told []string
				reg, err := r.Await(ctx, "edge-1", func(s station.RegistryStep) {
					told = append(told, s.Place+" "+map[bool]string{true: "yes", false: "no"}[s.OK])
				})
				if took := time.Since(began); took > tc.took {
					t.Errorf("took %v, want at most %v", took, tc.took)
				}
				f, _ := station.AsFault(err)
				if (err == nil) != (tc.code == "") || f != nil && (f.Code != tc.code || f.Params["other"] != tc.other || f.Params["limit"] != tc.limit) {
					t.Errorf("got %v %+v, want %s, other %q, limit %q", err, f, tc.code, tc.other, tc.limit)
				}
				if tc.limit != "" && errors.Is(err, context.DeadlineExceeded) {
					t.Error("the reason would be taken for the phase's deadline")
				}
				slices.Sort(told)
				if diff := cmp.Diff(tc.told, told); diff != "" {
					t.Errorf("told (-want +got):\n%s", diff)
				}
				if len(reg.Facts) != 2 {
					t.Errorf("got facts %v, want what was found out all the same", reg.Facts)
				}
			})
		})
	}
}

// The pauses grow and are bounded, so that nobody is flooded while a device is waited for.
func TestPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &slowPlace{name: "a", after: -1, code: station.CodeRegisterThingsBoard}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		if _, err := newRegistry([]place{p}, RegistryConfig{}).Await(ctx, "edge-1", nil); err == nil {
			t.Fatal("got no error")
		}
		if n := len(p.looks); n < 16 || n > 60 {
			t.Errorf("got %d looks in two minutes, want some dozens at most", n)
		}
		for i := 1; i < len(p.looks); i++ {
			pause := p.looks[i].Sub(p.looks[i-1])
			if pause > 8*time.Second || i == 1 && pause > 500*time.Millisecond || i > 10 && pause < 2*time.Second {
				t.Errorf("pause %d: got %v", i, pause)
			}
		}
	})
}

// Whose clock it is can be said: no real time passes here.
func TestAwaitByAnotherClock(t *testing.T) {
	now := time.Now()
	p := &slowPlace{name: "a", after: 3, code: station.CodeRegisterThingsBoard}
	cfg := RegistryConfig{Now: func() time.Time { return now }, After: func(d time.Duration) <-chan time.Time {
		now = now.Add(d)
		c := make(chan time.Time, 1)
		c <- now
		return c
	}}
	var took time.Duration
	_, err := newRegistry([]place{p}, cfg).Await(t.Context(), "edge-1", func(s station.RegistryStep) { took = s.Took })
	if err != nil || took < 700*time.Millisecond || took > 4*time.Second {
		t.Errorf("got %v, %v, want it found by the clock that was given", took, err)
	}
}

func TestAbortedWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &slowPlace{name: "a", after: -1, code: station.CodeRegisterThingsBoard}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(3*time.Second, cancel)
		began := time.Now()
		_, err := newRegistry([]place{p}, RegistryConfig{}).Await(ctx, "edge-1", nil)
		if err == nil || time.Since(began) != 3*time.Second {
			t.Errorf("got %v after %v, want the wait ended at once", err, time.Since(began))
		}
	})
}

// What is asked of the real clients, and what is told of it.
func TestRegistryOfBoth(t *testing.T) {
	const state = "GET /api/plugins/telemetry/DEVICE/" + deviceUUID + "/values/attributes/SERVER_SCOPE"
	none := said{status: 204}
	for name, tc := range map[string]struct {
		cfg   RegistryConfig
		set   func(tb, hb *host)
		code  station.Code
		facts map[string]string
		warn  map[string]string
	}{
		"all there": {
			RegistryConfig{Attributes: []string{"device_type"}, Missing: AttributesRefuse},
			func(tb, _ *host) { tb.say(state, said{status: 200, kind: js, body: `[{"key":"active","value":true}]`}) }, "",
			map[string]string{"thingsboard_id": deviceUUID, "thingsboard_active": "yes", "hawkbit_status": "unknown", "hawkbit_attributes": "device_type, revision"},
			nil,
		},
		"no state": { // its path is not there: nothing is decided by it
			RegistryConfig{},
			func(*host, *host) {}, "",
			map[string]string{"thingsboard_id": deviceUUID, "hawkbit_status": "unknown", "hawkbit_attributes": "device_type, revision"},
			nil,
		},
		"no attributes, said": {
			RegistryConfig{},
			func(_, hb *host) { hb.say("GET /rest/v1/targets/edge-1/attributes", none) }, "",
			map[string]string{"thingsboard_id": deviceUUID, "hawkbit_status": "unknown", "hawkbit_attributes": ""},
			map[string]string{"device_id": "edge-1"},
		},
		"one is missing, said": {
			RegistryConfig{Attributes: []string{"z", "revision", "a"}, Missing: AttributesWarn},
			func(*host, *host) {}, "",
			map[string]string{"thingsboard_id": deviceUUID, "hawkbit_status": "unknown", "hawkbit_attributes": "device_type, revision"},
			map[string]string{"device_id": "edge-1", "objects": "a, z"},
		},
		"no attributes, refused": {
			RegistryConfig{Missing: AttributesRefuse},
			func(_, hb *host) { hb.say("GET /rest/v1/targets/edge-1/attributes", none) },
			station.CodeRegisterAttributes,
			map[string]string{"thingsboard_id": deviceUUID, "hawkbit_status": "unknown", "hawkbit_attributes": ""},
			nil,
		},
		"nobody asks for attributes": {
			RegistryConfig{Missing: AttributesAllow},
			func(_, hb *host) { hb.say("GET /rest/v1/targets/edge-1/attributes", said{status: 500}) }, "",
			map[string]string{"thingsboard_id": deviceUUID, "hawkbit_status": "unknown"},
			nil,
		},
		"no device": {
			RegistryConfig{},
			func(tb, _ *host) { tb.say(devicePath, said{status: 404, kind: js, body: tbError("404", "32", "x")}) },
			station.CodeRegisterThingsBoard,
			map[string]string{"hawkbit_status": "unknown", "hawkbit_attributes": "device_type, revision"},
			nil,
		},
		"no target": {
			RegistryConfig{},
			func(_, hb *host) { hb.say("GET /rest/v1/targets/edge-1", said{status: 404, kind: js, body: hawkGone}) },
			station.CodeRegisterHawkBit,
			map[string]string{"thingsboard_id": deviceUUID},
			nil,
		},
		"target goes meanwhile": {
			RegistryConfig{},
			func(_, hb *host) {
				hb.say("GET /rest/v1/targets/edge-1/attributes", said{status: 404, kind: js, body: hawkGone})
			},
			station.CodeRegisterHawkBit,
			map[string]string{"thingsboard_id": deviceUUID, "hawkbit_status": "unknown"},
			nil,
		},
		"appears while it is waited for": {
			RegistryConfig{First: time.Millisecond}, func(tb, _ *host) {
				n := 0
				tb.on(devicePath, func(w http.ResponseWriter, _ *http.Request) {
					if n++; n < 3 {
						said{status: 404, kind: js, body: tbError("404", "32", "x")}.write(w)
						return
					}
					said{status: 200, kind: js, body: deviceBody("edge-1")}.write(w)
				})
			}, "", map[string]string{"thingsboard_id": deviceUUID, "hawkbit_status": "unknown", "hawkbit_attributes": "device_type, revision"}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			tb, th := things(t, nil)
			hb, hh := hawk(t, nil)
			tc.set(th, hh)
			limit := 10 * time.Second
			if tc.code != "" {
				limit = 300 * time.Millisecond
			}
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			reg, err := NewRegistry(tb, hb, tc.cfg).Await(ctx, "edge-1", nil)
			f, _ := station.AsFault(err)
			if (err == nil) != (tc.code == "") || f != nil && (f.Code != tc.code || f.Params["device_id"] != "edge-1" || f.Params["name"] == "") {
				t.Errorf("got %v, want %q", err, tc.code)
			}
			if diff := cmp.Diff(tc.facts, reg.Facts); diff != "" {
				t.Errorf("facts (-want +got):\n%s", diff)
			}
			switch {
			case tc.warn == nil && len(reg.Warnings) != 0:
				t.Errorf("got %v, want no warning", reg.Warnings)
			case tc.warn != nil && (len(reg.Warnings) != 1 || reg.Warnings[0].Code != station.CodeRegisterIncomplete || !maps.Equal(reg.Warnings[0].Params, tc.warn)):
				t.Errorf("got %v, want one with %v", reg.Warnings, tc.warn)
			}
		})
	}
}
