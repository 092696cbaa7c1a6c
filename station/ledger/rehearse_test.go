package ledger

import "testing"

// A rehearsal goes through to its end, and leaves nothing: no row, no link of the chain.
func TestRehearse(t *testing.T) {
	l, d := openNew(t), dev("SN-1")
	must(t, d.pass(t.Context(), l))
	before := l.write.chain.Load()
	must(t, l.Rehearse(t.Context())())
	if l.write.chain.Load() != before {
		t.Errorf("the chain has gone on")
	}
	rows, err := l.Runs(t.Context(), Filter{})
	must(t, err)
	if len(rows) != 1 || rows[0].HardwareSerial != "SN-1" {
		t.Errorf("got %d runs, want the one there was", len(rows))
	}
	next := dev("SN-2")
	must(t, next.pass(t.Context(), l))
	if _, err := l.Passed(t.Context(), next.tenant, next.serial, next.spki, next.leaf); err != nil {
		t.Errorf("after a rehearsal: %v", err)
	}
}
