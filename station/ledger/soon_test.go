package ledger

import (
	"testing"
	"time"

	"provstation/station"
)

// What is recorded without waiting is durable with the next write that is waited for, in the order in which it came.
func TestRecordPhaseSoonGoesWithTheNext(t *testing.T) {
	l, d := openNew(t), dev("SN-1")
	must(t, d.identify(t.Context(), l))
	want := []station.Phase{station.PhaseAssign, station.PhaseKeygen, station.PhaseCSR}
	var saves []func() error
	for i, p := range want {
		end := d.phase(p)
		end.StartedAt = end.StartedAt.Add(time.Duration(i) * time.Millisecond)
		saves = append(saves, l.RecordPhaseSoon(t.Context(), end))
	}
	must(t, l.BindKey(t.Context(), d.key()))
	r, err := l.Run(t.Context(), d.run)
	must(t, err)
	for i, p := range want {
		must(t, saves[i]())
		if n := len(r.Phases) - len(want) + i; n < 0 || r.Phases[n].Phase != p {
			t.Errorf("got phases %v, want %v last", r.Phases, want)
		}
	}
}

// It does not wait for another write, and what is wrong with it is told to who asks, in nobody else's place.
func TestRecordPhaseSoonByItself(t *testing.T) {
	l, d := openNew(t), dev("SN-1")
	must(t, d.identify(t.Context(), l))
	must(t, l.RecordPhaseSoon(t.Context(), d.phase(station.PhaseAssign))())
	bad := dev("SN-2").phase(station.PhaseAssign) // a run that nobody began
	lost := l.RecordPhaseSoon(t.Context(), bad)
	must(t, l.BindKey(t.Context(), d.key()))
	if err := lost(); err == nil {
		t.Errorf("a phase of no run: got nil, want an error")
	}
	none := d.phase("")
	if err := l.RecordPhaseSoon(t.Context(), none)(); err == nil {
		t.Errorf("a phase without a name: got nil, want an error")
	}
}

func TestRecordPhaseSoonAfterClose(t *testing.T) {
	l, d := openNew(t), dev("SN-1")
	must(t, d.identify(t.Context(), l))
	must(t, l.write.close())
	want(t, l.RecordPhaseSoon(t.Context(), d.phase(station.PhaseAssign))(), ErrClosed)
}

// However many follow, the first does not wait longer for them.
func TestSoonIsNotPutOffByMore(t *testing.T) {
	l, d := openNew(t), dev("SN-1")
	must(t, d.identify(t.Context(), l))
	first := l.RecordPhaseSoon(t.Context(), d.phase(station.PhaseAssign))
	saved := make(chan error, 1)
	go func() { saved <- first() }()
	more := time.NewTicker(soonTime / 4)
	defer more.Stop()
	for n := 1; n <= 400; n++ {
		select {
		case err := <-saved:
			must(t, err)
			return
		case <-more.C:
			end := d.phase(station.PhaseKeygen)
			end.StartedAt = end.StartedAt.Add(time.Duration(n) * time.Millisecond)
			l.RecordPhaseSoon(t.Context(), end)
		}
	}
	t.Error("not saved while others kept coming")
}
