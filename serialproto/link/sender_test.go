package link

import (
	"testing"
	"time"

	"provstation/serialproto"
)

// drain sends whatever the sender wants to send and returns the indexes.
func drain(s *sender, gone time.Time) []int {
	var out []int
	for {
		i, ok := s.pick()
		if !ok {
			return out
		}
		s.sent(i, gone)
		out = append(out, i)
	}
}

func equal(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestSenderRules(t *testing.T) {
	now := time.Unix(100, 0)
	later := now.Add(time.Second)
	s := newSender(serialproto.KindReq, 1, make([]byte, 100), 10, 4)
	step := func(what string, want ...int) {
		t.Helper()
		if got := drain(s, later); !equal(got, want) {
			t.Errorf("%s: sent %v, want %v", what, got, want)
		}
	}
	step("window of 4", 0, 1, 2, 3)
	s.ack([]byte{0b0101})
	step("1 was sent before 2, which is acknowledged: lost", 1, 4, 5)
	if s.ack([]byte{0b0101}) {
		t.Errorf("the same ACK again: got progress, want none")
	}
	step("an ACK without news changes nothing")
	s.idle([]byte{0b0101}, now)
	step("idle ACK, but nothing has left the wire yet")
	s.idle([]byte{0b0101}, later)
	step("idle ACK, all has left the wire", 1, 3, 4, 5)
	s.poll()
	step("poll: lowest unacknowledged and last sent", 1, 5)
	s.ackAll()
	step("the response acknowledges everything")
	s.poll()
	step("poll after that: the last fragment elicits an answer", 9)
}

func TestWireModel(t *testing.T) {
	w := wire{baud: 115200}
	now := time.Unix(100, 0)
	if d := w.wait(now); d > 0 {
		t.Errorf("fresh line: wait %v, want none", d)
	}
	frames := 0
	for w.wait(now) <= 0 && frames < 100 {
		w.push(now, serialproto.MaxWire)
		frames++
	}
	if frames != 3 { // the one that fills the second slot may be followed by one more once it has just begun
		t.Errorf("frames handed over at once: got %d, want 3", frames)
	}
	if d := w.wait(now.Add(time.Minute)); d > 0 {
		t.Errorf("after idleness: wait %v, want none", d)
	}
	fast := wire{}
	if d := fast.push(now, 1000).Sub(now); d != 0 {
		t.Errorf("no baud: wire time %v, want 0", d)
	}
}

func TestIDsRunForward(t *testing.T) {
	for _, c := range []struct {
		a, b uint8
		want bool
	}{{1, 2, true}, {255, 1, true}, {1, 255, false}, {1, 1, false}, {1, 128, true}, {1, 129, false}, {200, 72, true}} {
		if got := follows(c.a, c.b); got != c.want {
			t.Errorf("follows(%d, %d): got %v, want %v", c.a, c.b, got, c.want)
		}
	}
}
