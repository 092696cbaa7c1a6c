package port

import (
	"errors"
	"os"
	"testing"
	"time"
)

// What comes while a port dozes waits in the driver, whole, until it is time, or the port is woken.
func TestDoze(t *testing.T) {
	eachBackend(t, func(t *testing.T, open func(string, Config) (*Port, error)) {
		master, path := newPTY(t)
		p := mustOpen(t, open, path, Config{Baud: 115200})
		buf := make([]byte, 64)
		read := func(what, want string) {
			t.Helper()
			n := within(t, what, func() int {
				n, err := p.Read(buf)
				if err != nil {
					t.Errorf("%s: got %v, want nil", what, err)
				}
				return n
			})
			if got := string(buf[:n]); got != want {
				t.Errorf("%s: got %q, want %q", what, got, want)
			}
		}
		send := func(text string) {
			t.Helper()
			if _, err := master.WriteString(text); err != nil {
				t.Fatal(err)
			}
		}
		p.Doze(time.Hour)
		send("a") // a read was waiting before
		read("before the doze", "a")
		send("b")
		send("c")
		if err := p.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		if n, err := p.Read(buf); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("dozing: got %d bytes, %v, want none before its time", n, err)
		}
		if err := p.SetReadDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
		p.Doze(0)
		read("woken", "bc")

		p.Doze(20 * time.Millisecond)
		send("d")
		read("in its time", "d")

		p.Doze(time.Hour)
		if err := within(t, "close", p.Close); err != nil {
			t.Errorf("close a port that dozes: got %v, want nil", err)
		}
		ended(t, p)
	})
}
