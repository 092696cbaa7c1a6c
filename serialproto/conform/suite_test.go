package conform_test

import (
	"testing"
	"testing/synctest"

	"provstation/serialproto"
	"provstation/serialproto/conform"
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
	rep, err := run(t, whole(), conform.Config{Seal: true, Reboot: true})
	if err != nil {
		t.Fatal(err)
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
