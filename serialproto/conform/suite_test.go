package conform_test

import (
	"context"
	"errors"
	"regexp"
	"testing"
	"testing/synctest"
	"time"

	"provstation/serialproto"
	"provstation/serialproto/conform"
	"provstation/serialproto/link"
)

// run runs the suite on a device in memory, in a time of its own.
func run(t *testing.T, d device, cfg conform.Config) (rep conform.Report, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		rep, err = conform.Run(t.Context(), d.start(t), cfg)
	})
	return rep, err
}

// TestGoDeviceConforms: every case of the suite passes on the Go device, which has all features.
func TestGoDeviceConforms(t *testing.T) {
	t.Parallel()
	conforms(t, whole())
}

// TestGoDeviceConformsFromAfar: so does it at the far end of a slow line, which it must not be blamed for.
func TestGoDeviceConformsFromAfar(t *testing.T) {
	t.Parallel()
	d := whole()
	d.line.ToHost.Latency = far
	conforms(t, d)
}

func conforms(t *testing.T, d device) {
	t.Helper()
	rep, err := run(t, d, conform.Config{Seal: true, Reboot: true})
	if err != nil {
		t.Fatal(err)
	}
	if !rep.Conforms() || rep.Untested() != 0 {
		t.Errorf("got conforms %v with %d untested, want a whole suite that conforms", rep.Conforms(), rep.Untested())
	}
	mayBe := map[string]bool{"busy-enroll": true, "op-absent": true} // keys are made at once, and it has all features
	for _, r := range rep.Results {
		t.Logf("%-24s %-7v %v %s", r.ID, r.Verdict, r.Took, r.Note)
		if r.Verdict == conform.Pass || r.Verdict == conform.NotApplicable && mayBe[r.ID] {
			continue
		}
		t.Errorf("%s: got %v (%s), want pass", r.ID, r.Verdict, r.Note)
	}
	if !rep.Known || rep.State != serialproto.StateEmpty {
		t.Errorf("device was left %v (known %v), want empty", rep.State, rep.Known)
	}
}

// TestSlowDeviceIsBusy: a device that makes keys in a second and says BUSY meanwhile passes.
func TestSlowDeviceIsBusy(t *testing.T) {
	t.Parallel()
	d := whole()
	slowly(&d)
	rep, err := run(t, d, conform.Config{Only: []string{"busy-enroll", "enroll-session-loss"}})
	if err != nil || rep.Count(conform.Pass) != 3 {
		t.Errorf("got %v, %+v, want three cases that pass", err, rep.Results)
	}
}

// TestHungDevice: a device that hangs in one case fails that case in its time. One that comes back is tested on, one that
// does not ends the suite.
func TestHungDevice(t *testing.T) {
	t.Parallel()
	only := []string{"enroll", "clock-read", "enroll-argument", "status-empty", "abort", "abort-other", "install", "put"}
	verdicts := func(t *testing.T, forever bool) (map[string]conform.Result, error) {
		t.Helper()
		d := whole()
		got := map[string]conform.Result{}
		var err error
		synctest.Test(t, func(t *testing.T) {
			never := make(chan struct{})
			d.wrap = func(h link.Handler) link.Handler { return hanging{h, forever, never} }
			var rep conform.Report
			rep, err = conform.Run(t.Context(), d.start(t), conform.Config{Only: only})
			close(never)
			for _, r := range rep.Results {
				got[r.ID] = r
			}
		})
		return got, err
	}
	t.Run("comes back", func(t *testing.T) {
		t.Parallel()
		got, err := verdicts(t, false)
		if err != nil {
			t.Fatal(err)
		}
		if got["enroll"].Verdict != conform.Fail || got["enroll"].Took > 2*time.Minute || got["abort"].Verdict != conform.Fail {
			t.Errorf("got enroll %v after %v (%s), want FAIL in its time", got["enroll"].Verdict, got["enroll"].Took, got["enroll"].Note)
		}
		if got["clock-read"].Verdict != conform.Pass {
			t.Errorf("got clock-read %v (%s), want pass", got["clock-read"].Verdict, got["clock-read"].Note)
		}
	})
	t.Run("stays away", func(t *testing.T) {
		t.Parallel()
		got, err := verdicts(t, true)
		if !errors.Is(err, conform.ErrNotReady) {
			t.Errorf("got error %v, want ErrNotReady", err)
		}
		if got["put"].Verdict != conform.NotRun {
			t.Errorf("got put %v, want not run", got["put"].Verdict)
		}
	})
}

// hanging does not come to the end of ENROLL: for as long as its session lasts, or for ever.
type hanging struct {
	link.Handler
	forever bool
	never   chan struct{}
}

func (h hanging) Handle(ctx context.Context, op serialproto.Op, req []byte) []byte {
	if op != serialproto.OpEnroll {
		return h.Handler.Handle(ctx, op, req)
	}
	if h.forever {
		<-h.never
	}
	<-ctx.Done()
	return nil
}

// TestNotForThisDevice: the suite leaves alone what is not empty, and what it does not hear.
func TestNotForThisDevice(t *testing.T) {
	t.Parallel()
	sealed := whole()
	doing(serialproto.OpStatus, func(req []byte, next func([]byte) []byte) []byte {
		return edit(next(req), func(r *serialproto.StatusResult) { r.State, r.Active, r.Generation = serialproto.StateSealed, 1, 1 })
	})(&sealed)
	foreign := whole()
	doing(serialproto.OpStatus, func(req []byte, next func([]byte) []byte) []byte {
		return edit(next(req), func(r *serialproto.StatusResult) { r.State = serialproto.StateForeign })
	})(&foreign)
	silent := whole()
	dropped(func(f serialproto.Frame) bool { return f.Kind == serialproto.KindAnnounce })(&silent)
	for name, tt := range map[string]struct {
		device device
		want   error
	}{"sealed": {sealed, conform.ErrNotEmpty}, "foreign": {foreign, conform.ErrNotEmpty}, "silent": {silent, conform.ErrNotHeard}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rep, err := run(t, tt.device, conform.Config{Seal: true})
			if !errors.Is(err, tt.want) {
				t.Errorf("got error %v, want %v", err, tt.want)
			}
			for _, r := range rep.Results {
				if r.ID != "announce-idle" && r.ID != "announce-same" && r.ID != "announce-cadence" && r.Verdict != conform.NotRun {
					t.Errorf("%s: got %v, want not run", r.ID, r.Verdict)
				}
			}
		})
	}
	silent.link.Announce = time.Hour
	rep, err := run(t, silent, conform.Config{Probe: true, Only: []string{"enroll"}})
	if err != nil || rep.Count(conform.Fail) != 0 || rep.Count(conform.Pass) != 2 {
		t.Errorf("got %v, %d failed, with a probe, want two cases that pass", err, rep.Count(conform.Fail))
	}
	if _, err := run(t, whole(), conform.Config{Only: []string{"no-such"}}); !errors.Is(err, conform.ErrUnknownCase) {
		t.Errorf("got %v, want ErrUnknownCase", err)
	}
}

// TestLeftover: what somebody else had begun is given up.
func TestLeftover(t *testing.T) {
	t.Parallel()
	d := whole()
	synctest.Test(t, func(t *testing.T) {
		line := d.start(t)
		// A run that ends in the middle: the context is over once ENROLL has been answered.
		ctx, cancel := context.WithCancel(t.Context())
		_, err := conform.Run(ctx, line, conform.Config{Only: []string{"enroll"}, Result: func(r conform.Result) {
			if r.ID == "enroll" {
				cancel()
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		rep, err := conform.Run(t.Context(), line, conform.Config{Only: []string{"status-empty"}})
		if err != nil || !rep.Clean() || rep.Conforms() || rep.Count(conform.Pass) != 2 {
			t.Errorf("got %v, %+v, want the leftover dropped", err, rep.Results)
		}
	})
}

// TestAbsentFeatures: a device with next to no features refuses what it does not announce.
func TestAbsentFeatures(t *testing.T) {
	t.Parallel()
	d := whole()
	d.agent.CompleteWG, d.agent.StripWG, d.agent.Renewal, d.agent.Tunnel, d.agent.CheckMQTT, d.agent.SignTLS12 = nil, nil, nil, nil, nil, false
	rep, err := run(t, d, conform.Config{Only: []string{"op-absent"}})
	if err != nil || rep.Count(conform.Pass) != 2 {
		t.Errorf("got %v, %+v, want op-absent to pass", err, rep.Results)
	}
}

// TestConformsIsWhole: a device of which a MUST was not tried does not conform, whatever the others say.
func TestConformsIsWhole(t *testing.T) {
	t.Parallel()
	musts := 0
	for _, c := range conform.Cases() {
		if c.Level == conform.Must {
			musts++
		}
	}
	rep, err := run(t, whole(), conform.Config{Only: []string{"frame-crc", "lock", "ack-gap"}})
	if err != nil || !rep.Clean() || rep.Conforms() || rep.Untested() != musts-2 {
		t.Errorf("got %v, clean %v, conforms %v, %d untested, want clean and all but ready and frame-crc untested", err, rep.Clean(), rep.Conforms(), rep.Untested())
	}
}

// TestCasesAreWhole: each has what a table shows of it, and an id of its own.
func TestCasesAreWhole(t *testing.T) {
	t.Parallel()
	id := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	seen := map[string]bool{}
	for _, c := range conform.Cases() {
		if !id.MatchString(c.ID) || len(c.ID) > 24 || seen[c.ID] || c.Clause == "" || c.Text == "" || c.Level.String() == "unknown(0)" {
			t.Errorf("case %+v", c)
		}
		seen[c.ID] = true
	}
}
