package port

import (
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
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

// dozing is a line that has read a byte and is hushed since.
func dozing(t *testing.T) (l *pairedLine, device *os.File, hungUp <-chan struct{}) {
	t.Helper()
	device, path := newPTY(t)
	opened, _, err := openLine(path, Config{Baud: 115200})
	if err != nil {
		t.Fatal(err)
	}
	l, ok := opened.(*pairedLine)
	if !ok {
		t.Fatalf("got a %T, want the paired line", opened)
	}
	t.Cleanup(func() { _ = l.Close() })
	if _, err := device.WriteString("a"); err != nil {
		t.Fatal(err)
	}
	if n, err := l.Read(make([]byte, 8)); n != 1 || err != nil {
		t.Fatalf("read: got %d bytes, %v, want 1", n, err)
	}
	return l, device, l.hush()
}

// come waits until the system has input for the line.
func come(t *testing.T, l *pairedLine) {
	t.Helper()
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(l.fd), Events: unix.POLLIN}}, int(patience.Milliseconds()))
	if n != 1 || err != nil {
		t.Fatalf("input: got %d, %v, want it there", n, err)
	}
}

// told reports whether the poller has told the line to read.
func told(l *pairedLine) bool {
	lines.look(lines.epfd, make([]unix.EpollEvent, 8)) // what its own goroutine has not yet done
	select {
	case <-l.events.in:
		return true
	default:
		return false
	}
}

// A device that goes on talking to a line that dozes wakes nobody up; all of it is there when the line is read, and a line
// that has read all is awake again.
func TestBytesToDozingLineWakeNobody(t *testing.T) {
	l, device, hungUp := dozing(t)
	told(l) // of the first byte
	for range 100 {
		if _, err := device.WriteString("0123456789"); err != nil {
			t.Fatal(err)
		}
		come(t, l)
		if told(l) {
			t.Fatal("a byte to a line that dozes was told, want nobody woken up")
		}
	}
	select {
	case <-hungUp:
		t.Error("the line hung up, want it there")
	default:
	}
	buf := make([]byte, 2048)
	total := 0
	for total < 1000 {
		n, err := l.Read(buf)
		if err != nil {
			t.Fatalf("read: got %v, want nil", err)
		}
		total += n
	}
	if total != 1000 {
		t.Errorf("got %d bytes, want 1000", total)
	}
	read := make(chan int, 1)
	go func() {
		n, _ := l.Read(buf)
		read <- n
	}()
	if _, err := device.WriteString("b"); err != nil {
		t.Fatal(err)
	}
	if n := within(t, "read of a line that has read all", func() int { return <-read }); n != 1 {
		t.Errorf("got %d bytes, want 1", n)
	}
}

// A port that goes away is noticed at once while it dozes, also with bytes that nobody has read yet: a pty whose other end
// closes, and a terminal that the system hangs up, which is what becomes of an adapter that is pulled (tty_vhangup).
func TestDozingPortIsGoneAtOnce(t *testing.T) {
	for name, pull := range map[string]func(device *os.File, l line) error{
		"other end closed": func(device *os.File, _ line) error { return device.Close() },
		"hung up": func(_ *os.File, l line) error {
			return unix.IoctlSetInt(l.(*pairedLine).fd, unix.TIOCVHANGUP, 0)
		},
	} {
		for what, unread := range map[string]string{"": "", ", bytes unread": "later"} {
			t.Run(name+what, func(t *testing.T) {
				if name == "hung up" && os.Geteuid() != 0 {
					t.Skip("only root may hang a terminal up")
				}
				device, path := newPTY(t)
				p := mustOpen(t, Open, path, Config{})
				p.Doze(time.Hour)
				buf := make([]byte, 64)
				if _, err := device.WriteString("a"); err != nil {
					t.Fatal(err)
				}
				if n, err := p.Read(buf); n != 1 || err != nil {
					t.Fatalf("read: got %d bytes, %v, want 1", n, err)
				}
				if _, err := device.WriteString(unread); err != nil {
					t.Fatal(err)
				}
				if err := pull(device, p.line); err != nil {
					t.Fatal(err)
				}
				err := within(t, "read", func() error {
					for {
						if _, err := p.Read(buf); err != nil {
							return err
						}
					}
				})
				wantKind(t, "read", err, ErrGone)
				ended(t, p)
			})
		}
	}
}

// What is written to a port that dozes goes out, also more than the system takes at once.
func TestWriteWhileDozing(t *testing.T) {
	l, device, _ := dozing(t)
	sent := make([]byte, 64<<10)
	wrote := make(chan error, 1)
	go func() {
		_, err := l.Write(sent)
		wrote <- err
	}()
	n := within(t, "device", func() int {
		n, err := io.ReadFull(device, make([]byte, len(sent)))
		if err != nil {
			t.Errorf("device: got %v, want nil", err)
		}
		return n
	})
	if err := within(t, "write", func() error { return <-wrote }); err != nil || n != len(sent) {
		t.Errorf("got %v with %d bytes at the device, want nil with %d", err, n, len(sent))
	}
}

// The poller is there for as long as there are lines.
func TestPollerLeavesNothing(t *testing.T) {
	var ports []*Port
	for range 2 {
		_, path := newPTY(t)
		ports = append(ports, mustOpen(t, Open, path, Config{}))
	}
	if len(lines.ends) != len(ports) {
		t.Errorf("got %d lines in the poller, want %d", len(lines.ends), len(ports))
	}
	for _, p := range ports {
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if lines.file != nil || len(lines.ends) != 0 {
		t.Errorf("got an open poller with %d lines, want none", len(lines.ends))
	}
}
