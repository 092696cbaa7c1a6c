package devstack

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"provstation/serialproto"
	"provstation/serialproto/link"
	"provstation/serialproto/port"
)

// hand is a short pause of whoever swaps boxes.
const hand = 5 * time.Millisecond

// atWork starts a stack with a line and watches its places as a station does.
func atWork(t *testing.T, places int, c LineConfig) (*Stack, <-chan port.Change) {
	t.Helper()
	if c.SwapDelay == 0 {
		c.SwapDelay = hand
	}
	s := start(t, Config{Devices: places, Line: c, Quiet: true, Baud: fast})
	var paths []string
	for _, p := range s.Places() {
		paths = append(paths, p.Path)
	}
	changes, err := port.Watch(t.Context(), port.WatchConfig{Paths: paths, OnlyPaths: true, Rescan: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	for range places {
		next(t, changes, port.Added)
	}
	return s, changes
}

// next is the next change, which must be of this kind; it gives the place's name.
func next(t *testing.T, changes <-chan port.Change, want port.ChangeKind) string {
	t.Helper()
	select {
	case c := <-changes:
		if c.Kind != want {
			t.Fatalf("got %v of %s, want %v", c.Kind, c.Info.Path, want)
		}
		return filepath.Base(c.Info.Path)
	case <-time.After(10 * time.Second):
		t.Fatalf("nothing within 10 s, want %v", want)
		return ""
	}
}

// here is the box at a place.
func here(t *testing.T, l *Line, slot string) Box {
	t.Helper()
	b, ok := l.At(slot)
	if !ok {
		t.Fatalf("no box at %s", slot)
	}
	return b
}

func pathOf(t *testing.T, s *Stack, slot string) string {
	t.Helper()
	for _, p := range s.Places() {
		if p.Slot == slot {
			return p.Path
		}
	}
	t.Fatalf("no place %s", slot)
	return ""
}

// A batch of five goes through two places. The paths stay, the boxes change, and in the end the places are empty.
func TestLineGoesThrough(t *testing.T) {
	s, changes := atWork(t, 2, LineConfig{Boxes: 5})
	l, before := s.Line, s.Places()
	if names := []string{l.Boxes()[1].Name, l.Boxes()[2].Name}; !slices.Equal(names, []string{"slot-02", "box-03"}) {
		t.Errorf("boxes are named %q, want those of the places first, then box-03", names)
	}
	met := map[string]bool{}
	for n := range 5 {
		slot := []string{"slot-01", "slot-02"}[n%2]
		b := here(t, l, slot)
		label, err := os.ReadFile(filepath.Join(s.cfg.StateDir, "labels", slot))
		if err != nil || string(label) != b.Label+"\n" {
			t.Errorf("beside %s lies the label %q %v, want %q", slot, label, err, b.Label)
		}
		h := dialPath(t, pathOf(t, s, slot), fast)
		if w := greet(t, h); w.Serial != b.Serial || met[w.Serial] {
			t.Errorf("%s: got serial %q, want the new box's, %q", slot, w.Serial, b.Serial)
		}
		met[b.Serial] = true
		if _, err := os.Stat(filepath.Join(s.cfg.StateDir, "devices", b.Name, "generations")); err != nil {
			t.Errorf("the box's own files: %v", err)
		}
		if err := h.Close(); err != nil {
			t.Errorf("close port: %v", err)
		}
		l.Started(slot)
		l.Ended(End{Slot: slot, HardwareSerial: b.Serial, Verdict: Good})
		if got := next(t, changes, port.Removed); got != slot {
			t.Errorf("%s was emptied, want %s", got, slot)
		}
		if n < 3 {
			if got := next(t, changes, port.Added); got != slot {
				t.Errorf("%s was filled, want %s", got, slot)
			}
		}
	}
	<-l.Through()
	if p := l.Progress(); p != (Progress{Boxes: 5, Done: 5}) {
		t.Errorf("got %+v, want 5 done", p)
	}
	if after := s.Places(); !slices.Equal(before, after) {
		t.Errorf("places moved from %v to %v", before, after)
	}
	for _, dir := range []string{"ports", "labels"} {
		if left, err := os.ReadDir(filepath.Join(s.cfg.StateDir, dir)); err != nil || len(left) > 0 {
			t.Errorf("%s still holds %v %v", dir, left, err)
		}
	}
	if err := l.Next("slot-01"); !errors.Is(err, ErrNoBox) {
		t.Errorf("taking a box from an empty place: got %v, want ErrNoBox", err)
	}
}

// However quick the hand is, a station hears that the box was pulled before it hears that one was plugged in.
func TestQuickReplug(t *testing.T) {
	s, changes := atWork(t, 1, LineConfig{Boxes: 1, SwapDelay: time.Nanosecond})
	for i := range 8 {
		if err := s.Line.Replug("slot-01"); err != nil {
			t.Fatal(err)
		}
		next(t, changes, port.Removed)
		next(t, changes, port.Added)
		h := dialPath(t, pathOf(t, s, "slot-01"), fast)
		if w := greet(t, h); w.Serial != s.Devices[0].Serial {
			t.Errorf("replug %d: got %q, want %q", i+1, w.Serial, s.Devices[0].Serial)
		}
		_ = h.Close()
	}
}

// A bad box stays long enough to be read about, unless somebody has a hand on it; a passing fault leaves it where it is; an
// end of another box, or a second end of a good one, means nothing.
func TestLineVerdicts(t *testing.T) {
	s, changes := atWork(t, 2, LineConfig{Boxes: 4, AsideDelay: 20 * time.Millisecond})
	l := s.Line
	first, second := here(t, l, "slot-01"), here(t, l, "slot-02")
	end := func(slot, serial string, v Verdict) { l.Ended(End{Slot: slot, HardwareSerial: serial, Verdict: v}) }
	swapped := func() {
		t.Helper()
		for _, kind := range []port.ChangeKind{port.Removed, port.Added} {
			if got := next(t, changes, kind); got != "slot-02" {
				t.Fatalf("%v of %s, want of slot-02 alone", kind, got)
			}
		}
	}
	end("slot-01", first.Serial, Bad)
	l.Started("slot-01") // a person tries again
	end("slot-01", first.Serial, Passing)
	end("slot-01", second.Serial, Bad) // late news of another box
	end("slot-03", first.Serial, Bad)
	end("slot-02", "", Bad)
	swapped()
	if got := here(t, l, "slot-01"); got != first {
		t.Errorf("slot-01 holds %+v, want %+v still", got, first)
	}
	third := here(t, l, "slot-02")
	end("slot-02", third.Serial, Good)
	end("slot-02", third.Serial, Bad)
	l.Started("slot-02")
	swapped()
	if p := l.Progress(); p != (Progress{Boxes: 4, Plugged: 2, Done: 1, Aside: 1}) {
		t.Errorf("got %+v, want 2 plugged, 1 done, 1 aside", p)
	}
	if err := l.Next("slot-01"); err != nil { // a person's decision
		t.Fatal(err)
	}
	if got := next(t, changes, port.Removed); got != "slot-01" {
		t.Errorf("%s was emptied, want slot-01", got)
	}
}

func TestReplugAfterPassingFault(t *testing.T) {
	s, changes := atWork(t, 1, LineConfig{Boxes: 2, Replug: hand})
	b := here(t, s.Line, "slot-01")
	s.Line.Ended(End{Slot: "slot-01", HardwareSerial: b.Serial, Code: "E-BRIDGE-DOWN", Verdict: Passing})
	next(t, changes, port.Removed)
	next(t, changes, port.Added)
	if got := here(t, s.Line, "slot-01"); got != b {
		t.Errorf("got %+v, want %+v again", got, b)
	}
}

// keyIn asks a box for its key and gives the CSR.
func keyIn(t *testing.T, h *link.Host, id, enrollID string) *x509.CertificateRequest {
	t.Helper()
	var r serialproto.EnrollResult
	args := &serialproto.EnrollArgs{Op: serialproto.OpEnroll, Alg: serialproto.AlgP256, DeviceID: id, EnrollID: []byte(enrollID)}
	if err := h.Call(t.Context(), args, &r); err != nil {
		t.Fatalf("enroll %s: %v", id, err)
	}
	csr, err := x509.ParseCertificateRequest(r.CSR)
	if err != nil {
		t.Fatal(err)
	}
	if err := csr.CheckSignature(); err != nil || csr.Subject.CommonName != id {
		t.Errorf("CSR for %q: got name %q, %v", id, csr.Subject.CommonName, err)
	}
	return csr
}

// The cloned box waits until there is a finished one, and then has its key under its own name and hardware serial, however
// often it is asked for a new one.
func TestClonedKey(t *testing.T) {
	s, changes := atWork(t, 1, LineConfig{Boxes: 4, ClonedKey: 2})
	l := s.Line
	swap := func(v Verdict) {
		t.Helper()
		l.Ended(End{Slot: "slot-01", Verdict: v})
		if v == Bad {
			if err := l.Next("slot-01"); err != nil {
				t.Fatal(err)
			}
		}
		next(t, changes, port.Removed)
		next(t, changes, port.Added)
	}
	swap(Bad) // nothing finished yet: another box comes first
	first := here(t, l, "slot-01")
	if first.Trouble == ClonedKey {
		t.Fatal("the clone came before there was a box to copy")
	}
	h := dialPath(t, pathOf(t, s, "slot-01"), fast)
	greet(t, h)
	original := keyIn(t, h, first.ID, "12345678")
	_ = h.Close()
	swap(Good)
	clone := here(t, l, "slot-01")
	if clone.Trouble != ClonedKey {
		t.Fatalf("got %+v, want the clone", clone)
	}
	h = dialPath(t, pathOf(t, s, "slot-01"), fast)
	if w := greet(t, h); w.Serial != clone.Serial || w.Serial == first.Serial || w.State != serialproto.StateEmpty {
		t.Errorf("the clone shows %q %v, want its own serial %q and no key yet", w.Serial, w.State, clone.Serial)
	}
	for _, enroll := range []string{"abcdefgh", "ijklmnop"} {
		if got := keyIn(t, h, clone.ID, enroll); !bytes.Equal(got.RawSubjectPublicKeyInfo, original.RawSubjectPublicKeyInfo) {
			t.Errorf("enroll %s: the clone has a key of its own", enroll)
		}
	}
}

func TestBadClock(t *testing.T) {
	s, _ := atWork(t, 2, LineConfig{Boxes: 2, BadClock: 2})
	h := dialPath(t, pathOf(t, s, "slot-02"), fast)
	for range 2 {
		w := greet(t, h)
		if at := time.UnixMicro(w.Clock).UTC(); at.Year() != 1970 || w.Clock == 0 || at.After(time.Unix(60, 0)) {
			t.Errorf("the clock shows %v, want a moment after it was 1970", at)
		}
		if w.Features&serialproto.FeatureSetClock != 0 {
			t.Error("the box says that its clock can be set")
		}
		set := &serialproto.ClockArgs{Op: serialproto.OpClock, Set: time.Now().UnixMicro()}
		if err := h.Call(t.Context(), set, &serialproto.ClockResult{}); err == nil {
			t.Error("the clock was set")
		}
		if err := s.Devices[1].Reset(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	good := greet(t, dialPath(t, pathOf(t, s, "slot-01"), fast))
	if off := time.Since(time.UnixMicro(good.Clock)).Abs(); off > time.Minute {
		t.Errorf("the clock of a sound box is off by %v", off)
	}
}

// A line that is taken down in the middle of its work leaves nothing behind.
func TestLineCloses(t *testing.T) {
	dir := t.TempDir()
	var files, routines int
	for i := range 5 {
		s, err := Start(t.Context(), Config{StateDir: dir, Devices: 4, Quiet: true, Baud: fast, Line: LineConfig{
			Boxes: 12, SwapDelay: hand, DeadBridge: DeadBridge{After: time.Nanosecond, For: time.Hour},
		}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		plugs := s.Line.Watch(ctx)
		for _, p := range s.Places() {
			s.Line.Ended(End{Slot: p.Slot, Verdict: Good})
		}
		for p := range plugs { // until the first box was swapped
			if p.Box.Number > 4 {
				break
			}
		}
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		cancel()
		if left, err := os.ReadDir(filepath.Join(dir, "ports")); err != nil || len(left) > 0 {
			t.Errorf("ports are left: %v %v", left, err)
		}
		if i == 0 { // what is made once
			files, routines = descriptors(t), runtime.NumGoroutine()
		}
	}
	if n := settled(func() int { return descriptors(t) }, files); n > files {
		t.Errorf("%d files are open after 5 lines, %d after the first", n, files)
	}
	if n := settled(runtime.NumGoroutine, routines); n > routines {
		t.Errorf("%d goroutines after 5 lines, %d after the first", n, routines)
	}
}

// With the state kept, a batch carries on: the same boxes under the same names.
func TestLineStateIsKept(t *testing.T) {
	dir := t.TempDir()
	var before []Box
	for range 2 {
		s := start(t, Config{StateDir: dir, Devices: 1, Quiet: true, Baud: fast, Line: LineConfig{Boxes: 3, WrongLabel: 3}})
		boxes := s.Line.Boxes()
		if before != nil && !slices.Equal(before, boxes) {
			t.Errorf("got %+v, want %+v again", boxes, before)
		}
		before = boxes
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if !strings.HasPrefix(before[0].ID, "edge-vd") {
		t.Errorf("got id %q, want one that the demo's template makes", before[0].ID)
	}
}
