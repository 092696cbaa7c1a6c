package devstack

import (
	"encoding/csv"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"provstation/serialproto/link"
)

func TestLineConfigCheck(t *testing.T) {
	for _, row := range []struct {
		name   string
		c      LineConfig
		places int
		ok     bool
	}{
		{"nothing", LineConfig{}, 0, true},
		{"as many boxes as places", LineConfig{Boxes: 4}, 4, true},
		{"fewer boxes than places", LineConfig{Boxes: 3}, 4, false},
		{"no place", LineConfig{Boxes: 3}, 0, false},
		{"one of each", LineConfig{Boxes: 6, WrongLabel: 1, BadClock: 2, ClonedKey: 5}, 4, true},
		{"a clone with no box before it", LineConfig{Boxes: 6, ClonedKey: 4}, 4, false},
		{"a box that is not there", LineConfig{Boxes: 6, BadClock: 7}, 4, false},
		{"a box before the first", LineConfig{Boxes: 6, WrongLabel: -1}, 4, false},
		{"two troubles", LineConfig{Boxes: 6, WrongLabel: 2, BadClock: 2}, 4, false},
		{"nobody else's label", LineConfig{Boxes: 1, WrongLabel: 1}, 1, false},
	} {
		if err := row.c.check(row.places); (err == nil) != row.ok {
			t.Errorf("%s: got %v, want ok: %v", row.name, err, row.ok)
		}
	}
}

func TestMixedLine(t *testing.T) {
	for places := 1; places <= 20; places++ {
		for boxes := places; boxes <= 64; boxes++ {
			c := MixedLine(places, boxes)
			if err := c.check(places); err != nil {
				t.Errorf("%d places, %d boxes: %v", places, boxes, err)
			}
		}
	}
	c := MixedLine(16, 40)
	if c.WrongLabel == 0 || c.ClonedKey == 0 || c.BadClock == 0 || c.DeadBridge.For != time.Minute || c.DeadBridge.Enrolled == 0 {
		t.Errorf("got %+v, want one of each trouble", c)
	}
}

func TestManifest(t *testing.T) {
	s := start(t, Config{Devices: 2, Line: LineConfig{Boxes: 4, WrongLabel: 4}})
	path := filepath.Join(t.TempDir(), "batch.csv")
	if err := s.Line.WriteManifest(path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(string(text))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{{"hardware_serial", "device_id", "label"}}
	for _, b := range s.Line.Boxes() {
		id := "edge-" + strings.ToLower(b.Serial)
		want = append(want, []string{b.Serial, id, id})
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("manifest (-want +got):\n%s", diff)
	}
	// The wrong label is one of the batch, on the box alone; the list has the right one.
	boxes := s.Line.Boxes()
	if b := boxes[3]; b.Label != boxes[0].Printed || b.Label == b.Printed || b.Trouble != WrongLabel {
		t.Errorf("got %+v, want the label of %+v on it", b, boxes[0])
	}
	people, err := csv.NewReader(strings.NewReader(People())).ReadAll()
	if err != nil || len(people) != 3 || !cmp.Equal(people[0], []string{"name", "badge", "role"}) {
		t.Errorf("people: %q %v, want a header and two rows", people, err)
	}
}

// Without ptys, the places' lines are in memory and the line itself tells what is plugged in.
func TestLineInMemory(t *testing.T) {
	s := start(t, Config{Devices: 1, Quiet: true, Baud: fast, cable: memoryPort, Line: LineConfig{Boxes: 2, SwapDelay: time.Nanosecond}})
	plugs := s.Line.Watch(t.Context())
	for n, want := range []bool{true, false, true, false} {
		var p Plug
		select {
		case p = <-plugs:
		case <-time.After(10 * time.Second):
			t.Fatalf("no change %d", n+1)
		}
		if p.Added != want || p.Slot != "slot-01" || p.Path != "memory:slot-01" || p.Box.Number != 1+n/2 {
			t.Fatalf("change %d: got %+v", n+1, p)
		}
		if !p.Added {
			continue
		}
		end, ok := s.Open(p.Path)
		if !ok {
			t.Fatalf("change %d: the port does not open", n+1)
		}
		h := link.NewHost(end, link.HostConfig{Baud: fast})
		if w, err := h.Greet(t.Context()); err != nil || w.Serial != p.Box.Serial {
			t.Errorf("got %q %v, want %q", w.Serial, err, p.Box.Serial)
		}
		_ = h.Close()
		s.Line.Ended(End{Slot: p.Slot, HardwareSerial: p.Box.Serial, Verdict: Good})
	}
	<-s.Line.Through()
	if _, ok := s.Open("memory:slot-01"); ok {
		t.Error("the port of an empty place opens")
	}
}

// dead waits until the bridge is dead, or no longer is.
func dead(t *testing.T, b *Bridge, want bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for b.IsDead() != want {
		select {
		case <-deadline:
			t.Fatalf("dead: %v, want %v", !want, want)
		case <-time.After(time.Millisecond):
		}
	}
}

// A dead bridge resets every connection, on which somebody had asked before too, loses nothing that it has taken on, and
// comes back at the same address.
func TestDeadBridge(t *testing.T) {
	s := start(t, Config{})
	c := client(t, s)
	health := func() error {
		a, err := try(t, c, http.MethodGet, s.BridgeURL+"/health", nil)
		if err == nil && a.Status != http.StatusOK {
			err = errors.New(a.Body)
		}
		return err
	}
	if err := health(); err != nil {
		t.Fatal(err)
	}
	arrived, answer := make(chan struct{}), make(chan struct{})
	s.Bridge.SetFault(func(string, int) *Fault {
		close(arrived)
		<-answer
		return nil
	})
	other, taken := client(t, s), make(chan error, 1)
	go func() {
		a, err := try(t, other, http.MethodPost, s.BridgeURL+"/devices/dev-001/enroll", encode(t, deployed(csrPEM(t, "dev-001"))))
		if err == nil && a.Status != http.StatusOK {
			err = errors.New(a.Body)
		}
		taken <- err
	}()
	<-arrived
	began, back := time.Now(), make(chan struct{})
	const away = 300 * time.Millisecond
	go func() {
		defer close(back)
		s.Bridge.Dead(t.Context(), away)
	}()
	dead(t, s.Bridge, true)
	for range 3 {
		if err := health(); err == nil && s.Bridge.IsDead() {
			t.Error("a dead bridge answered")
		}
	}
	close(answer)
	if err := <-taken; err != nil {
		t.Errorf("what had arrived before: %v", err)
	}
	if _, err := try(t, other, http.MethodPost, s.BridgeURL+"/devices/dev-002/enroll", nil); err == nil && s.Bridge.IsDead() {
		t.Error("a dead bridge answered on a connection that was open")
	}
	<-back
	if took := time.Since(began); took < away {
		t.Errorf("it was away for %v, want %v", took, away)
	}
	if err := health(); err != nil {
		t.Errorf("the bridge is back: %v", err)
	}
	if n := s.Bridge.Enrolled(); n != 1 || s.Bridge.Posts() != 1 {
		t.Errorf("%d posts, %d enrolled, want 1 and 1", s.Bridge.Posts(), n)
	}
}

// The line lets the bridge die when so many devices have their certificates.
func TestBridgeDiesInMidBatch(t *testing.T) {
	s := start(t, Config{Devices: 1, Quiet: true, Line: LineConfig{Boxes: 1, DeadBridge: DeadBridge{Enrolled: 2, For: 50 * time.Millisecond}}})
	good(t, s, "dev-001", csrPEM(t, "dev-001"))
	if s.Bridge.IsDead() {
		t.Error("dead after one device, want two")
	}
	good(t, s, "dev-002", csrPEM(t, "dev-002"))
	dead(t, s.Bridge, true)
	dead(t, s.Bridge, false)
	good(t, s, "dev-003", csrPEM(t, "dev-003"))
}
