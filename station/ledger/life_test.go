package ledger

import (
	"testing"
	"time"

	"provstation/station"
)

// What a run found of a device's own renewal is known of it later, and when it was seen last.
func TestDeviceLife(t *testing.T) {
	ctx, l := t.Context(), openNew(t)
	d := dev("HW-1")
	must(t, d.proven(ctx, l, station.Pass))
	other := dev("HW-2")
	must(t, other.proven(ctx, l, station.Pass))
	got, err := l.DeviceLife(ctx, "acme", "DEV-hw-1")
	must(t, err)
	if got.Renews || got.PassedAt.IsZero() || !got.SeenAt.Equal(got.PassedAt) {
		t.Errorf("got %+v, want a PASS and no renewal", got)
	}
	passed := got.PassedAt
	again := d.again()
	must(t, again.identify(ctx, l))
	seen := passed.Add(time.Hour)
	for i, facts := range []map[string]string{{station.FactRenewalURL: "https://ca/renew"}, nil} { // the last one says nothing: it stays so
		at := seen.Add(time.Duration(i) * time.Hour)
		must(t, l.RecordPhase(ctx, station.PhaseEnd{
			Run: again.run, Phase: station.PhaseAutorenew, Status: station.PhaseDone, StartedAt: at, EndedAt: at, Facts: facts,
		}))
	}
	must(t, l.FinishRun(ctx, again.finish(station.Error)))
	got, err = l.DeviceLife(ctx, "acme", "dev-HW-1")
	must(t, err)
	if !got.Renews || !got.PassedAt.Equal(passed) || !got.SeenAt.Equal(seen) {
		t.Errorf("got %+v, want one that renews, seen %s", got, seen)
	}
	for tenant, id := range map[string]string{"acme": "dev-HW-2", "other": "dev-HW-1"} {
		if got, err := l.DeviceLife(ctx, tenant, id); err != nil || got.Renews {
			t.Errorf("%s %s: got %+v, %v, want no renewal", tenant, id, got, err)
		}
	}
}
