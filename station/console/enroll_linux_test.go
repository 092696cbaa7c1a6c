package console_test

import (
	"testing"

	"provstation/station"
)

// TestEnroll: a box without an agent goes through all phases to PASS, and a bench that sees it again leaves it alone.
func TestEnroll(t *testing.T) {
	for _, land := range []userland{busybox, debian} {
		t.Run(land.name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t, land)
			p := &tap{}
			r := newRig(t, quick(b, p))
			b.on("")
			r.start()
			e := r.end()
			r.check("first run", e, station.Pass, "")
			r.stop()
			r.start()
			r.check("second run", r.end(), station.Skipped, station.CodeSkipped)
			t.Logf("%d ms, tx %d rx %d", e.ElapsedMS, e.WireTxBytes, e.WireRxBytes)
			if t.Failed() {
				t.Logf("%s", p.heard())
			}
		})
	}
}
