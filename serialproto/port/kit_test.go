package port

import (
	"errors"
	"io"
	"testing"
	"time"
)

// transport is what the layer above asks of a port.
type transport interface {
	io.ReadWriteCloser
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
}

var _ transport = (*Port)(nil)

const patience = 5 * time.Second

// within fails the test if f takes longer than a person would wait.
func within[T any](t *testing.T, what string, f func() T) T {
	t.Helper()
	c := make(chan T, 1)
	go func() { c <- f() }()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("%s: got nothing after %v", what, patience)
		panic("unreachable")
	}
}

// ended fails if a goroutine of the port or a descriptor is left.
func ended(t *testing.T, p *Port) {
	t.Helper()
	for name, c := range map[string]chan struct{}{"reader": p.readDone, "writer": p.jobsDone, "descriptors": p.released} {
		select {
		case <-c:
		case <-time.After(patience):
			t.Errorf("%s: still there after Close", name)
		}
	}
}

func wantKind(t *testing.T, what string, err, kind error) {
	t.Helper()
	var pe *Error
	if !errors.Is(err, kind) || !errors.As(err, &pe) {
		t.Errorf("%s: got %v, want a *port.Error that is %v", what, err, kind)
	}
}
