package console_test

import (
	"path/filepath"
	"strings"
	"testing"

	"provstation/station"
)

// TestBoxTestsBroker: with mosquitto_pub on the box, it tests the broker over its own network, before it is sealed and, for a
// bench that knows nothing of it, after.
func TestBoxTestsBroker(t *testing.T) {
	program(t, "mosquitto_pub")
	t.Parallel()
	b := newBox(t, debian)
	p := &tap{}
	r := newRig(t, quick(b, p))
	r.cfg.MQTTRun = station.ProveBoth
	b.on("")
	r.start()
	e := r.end()
	r.check("both", e, station.Pass, "")
	if by := r.fact(e.Run, station.PhaseMQTT, station.FactProofBy); by != "both" {
		t.Errorf("got proof by %q, want both", by)
	}
	r.stop()
	r.open(filepath.Join(t.TempDir(), "new.db"))
	r.cfg.MQTTRun = station.ProveBorrowed
	r.start()
	e = r.end()
	r.check("adopted", e, station.Pass, "")
	if by := r.fact(e.Run, station.PhaseMQTT, station.FactProofBy); by != "device" {
		t.Errorf("got proof by %q, want the box's own", by)
	}
	if n := len(r.stack.Seen()); n != 3 {
		t.Errorf("the broker has seen %d tests, want 3", n)
	}
	if t.Failed() {
		t.Logf("%s", strings.ReplaceAll(string(p.heard()), "\r", ""))
	}
}
