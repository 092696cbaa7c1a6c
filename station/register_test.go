package station

import (
	"context"
	"crypto/tls"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"
)

// fakeRegistry answers in order, the last answer for good.
type fakeRegistry struct {
	answers []registryAnswer
	asked   []string
	at      []time.Time
}

type registryAnswer struct {
	reg  Registration
	err  error
	wait bool // until the context ends, then err
}

func (r *fakeRegistry) Await(ctx context.Context, id string, told func(RegistryStep)) (Registration, error) {
	r.asked, r.at = append(r.asked, id), append(r.at, time.Now())
	a := r.answers[min(len(r.asked), len(r.answers))-1]
	if a.wait {
		<-ctx.Done()
	}
	told(RegistryStep{Place: "thingsboard", Took: time.Second, OK: a.err == nil})
	return a.reg, a.err
}

func lacking(code Code) error {
	return &Fault{Code: code, Outcome: Error, Params: map[string]string{"device_id": "edge-sn-1", "limit": "1m0s"}, Err: errors.New("not there")}
}

func tenantFault(code Code, class Class) error {
	return &Fault{Code: code, Outcome: Error, Class: class, Params: map[string]string{"name": "ThingsBoard"}, Err: errors.New("no")}
}

func TestRegister(t *testing.T) {
	known := registryAnswer{reg: Registration{Facts: map[string]string{FactThingsBoardID: "u\x1b[2J"}}}
	noted := registryAnswer{reg: Registration{Warnings: []Warning{{Code: CodeRegisterIncomplete, Params: map[string]string{"device_id": "edge-sn-1"}}}}}
	down := registryAnswer{err: tenantFault(CodeTenantDown, Passing)}
	for name, tc := range map[string]struct {
		answers []registryAnswer
		outcome Outcome
		code    Code
		asked   int
		seals   int
		warn    []Code
	}{
		"known":             {[]registryAnswer{known}, Pass, "", 1, 1, nil},
		"known with a note": {[]registryAnswer{noted}, Pass, "", 1, 1, []Code{CodeRegisterIncomplete}},
		"down, then up":     {[]registryAnswer{down, known}, Pass, "", 2, 1, nil},
		"note, down, note":  {[]registryAnswer{{reg: noted.reg, err: down.err}, noted}, Pass, "", 2, 1, []Code{CodeRegisterIncomplete}},
		"down":              {[]registryAnswer{down}, Error, CodeTenantDown, 3, 0, nil},
		"refused":           {[]registryAnswer{{err: tenantFault(CodeTenantAuth, Misconfigured)}}, Error, CodeTenantAuth, 1, 0, nil},
		"unknown":           {[]registryAnswer{{err: lacking(CodeRegisterThingsBoard), wait: true}}, Error, CodeRegisterThingsBoard, 1, 0, nil},
		"no target":         {[]registryAnswer{{err: lacking(CodeRegisterHawkBit), wait: true}}, Error, CodeRegisterHawkBit, 1, 0, nil},
		"no word of its own": {
			[]registryAnswer{{err: context.DeadlineExceeded, wait: true}}, Timeout, CodeDeadline, 1, 0, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				k := newKit(t)
				r := &fakeRegistry{answers: tc.answers}
				k.cfg.Registry = r
				events := k.play()
				end := wantEnd(t, events, tc.outcome, tc.code)
				if tc.code != "" && end.Phase != PhaseRegister {
					t.Errorf("got phase %s, want register", end.Phase)
				}
				if len(r.asked) != tc.asked || slices.ContainsFunc(r.asked, func(id string) bool { return id != "edge-sn-1" }) {
					t.Errorf("asked %q, want %d times for the device", r.asked, tc.asked)
				}
				if n := k.port("s1").count("seal"); n != tc.seals {
					t.Errorf("got %d seals, want %d: nothing is sealed that the tenant does not list", n, tc.seals)
				}
				list := phases(events, PhaseRegister)
				last := list[len(list)-1]
				if last.Status == PhaseDone && tc.answers[0].reg.Facts != nil && last.Facts[FactThingsBoardID] != "u[2J" {
					t.Errorf("got facts %v, want the server's word without control characters", last.Facts)
				}
				var warned []Code
				for _, w := range last.Warnings {
					warned = append(warned, w.Code)
				}
				if !slices.Equal(warned, tc.warn) {
					t.Errorf("got warnings %v, want %v", warned, tc.warn)
				}
				if !slices.ContainsFunc(list, func(p PhaseChanged) bool { return p.Status == PhaseProgress && p.Step == "thingsboard" }) {
					t.Error("want the step told")
				}
			})
		})
	}
}

// The phase's deadline bounds the wait, and what the registry says of it is what is told.
func TestRegisterDeadline(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k := newKit(t)
		k.cfg.Registry = &fakeRegistry{answers: []registryAnswer{{err: lacking(CodeRegisterThingsBoard), wait: true}}}
		k.cfg.Timeouts = map[Phase]time.Duration{PhaseRegister: 7 * time.Second}
		end := wantEnd(t, k.play(), Error, CodeRegisterThingsBoard)
		if end.ElapsedMS < 7000 || end.ElapsedMS > 9000 {
			t.Errorf("got %d ms, want the deadline kept", end.ElapsedMS)
		}
	})
}

// Adopted devices are held to the same; one that is skipped, or whose request is only collected, is not asked for.
func TestRegisterByCourse(t *testing.T) {
	for name, tc := range map[string]struct {
		set     func(k *kit)
		outcome Outcome
		code    Code
		asked   int
		status  PhaseStatus
	}{
		"adopted":     {func(k *kit) { k.enrolled(StateSealed) }, Pass, "", 1, PhaseDone},
		"by enroll":   {func(k *kit) { k.enrolled(StateForeign) }, Pass, "", 1, PhaseDone},
		"skipped":     {func(k *kit) { k.knows(k.enrolled(StateSealed)) }, Skipped, CodeSkipped, 0, PhaseSkipped},
		"without TLS": {func(k *kit) { k.cfg.MQTTOff = true }, Installed, "", 1, PhaseDone},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				k := newKit(t)
				tc.set(k)
				k.cfg.MQTT.TLSMin = tls.VersionTLS12
				r := &fakeRegistry{answers: []registryAnswer{{}}}
				k.cfg.Registry = r
				events := k.play()
				wantEnd(t, events, tc.outcome, tc.code)
				list := phases(events, PhaseRegister)
				if len(r.asked) != tc.asked || list[len(list)-1].Status != tc.status {
					t.Errorf("asked %d times, %s, want %d, %s", len(r.asked), list[len(list)-1].Status, tc.asked, tc.status)
				}
			})
		})
	}
}

// A device that failed at this phase comes back with its key and certificate, is proven anew and asked for again.
func TestRegisterAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k := newKit(t)
		r := &fakeRegistry{answers: []registryAnswer{{err: tenantFault(CodeTenantAuth, Misconfigured)}, {}}}
		k.cfg.Registry = r
		wantEnd(t, k.play(), Error, CodeTenantAuth)
		first := maps.Clone(k.dev().objects)
		k.replug()
		end := wantEnd(t, k.play(), Pass, "")
		if k.dev().keys != 1 || k.bridge.posts != 1 || len(first) == 0 || end.Adopted == "" {
			t.Errorf("got %d keys, %d posts, adopted %q, want one of each and the files taken over", k.dev().keys, k.bridge.posts, end.Adopted)
		}
	})
}
