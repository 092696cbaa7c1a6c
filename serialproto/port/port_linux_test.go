package port

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// backends opens ports through each line that there is: the paired one of Linux
// and the library's own, which is the way of the other systems.
var backends = map[string]func(string, Config) (*Port, error){
	"paired": Open,
	"library": func(path string, cfg Config) (*Port, error) {
		if cfg.Baud == 0 {
			cfg.Baud = DefaultBaud
		}
		if cfg.StuckAfter == 0 {
			cfg.StuckAfter = DefaultStuckAfter
		}
		l, early, err := openLibraryLine(path, cfg)
		if err != nil {
			return nil, newError("open", path, err)
		}
		return newPort(path, l, early, cfg.StuckAfter), nil
	},
}

func eachBackend(t *testing.T, f func(t *testing.T, open func(string, Config) (*Port, error))) {
	for name, open := range backends {
		t.Run(name, func(t *testing.T) { f(t, open) })
	}
}

// newPTY returns the device's end and the path of the station's end.
func newPTY(t *testing.T) (master *os.File, path string) {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = master.Close() })
	path = slave.Name()
	// The tests open the slave themselves; this one would keep it from hanging up.
	t.Cleanup(func() { _ = slave.Close() })
	return master, path
}

func mustOpen(t *testing.T, open func(string, Config) (*Port, error), path string, cfg Config) *Port {
	t.Helper()
	p, err := open(path, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func TestBytesCrossUnchangedBothWays(t *testing.T) {
	eachBackend(t, func(t *testing.T, open func(string, Config) (*Port, error)) {
		master, path := newPTY(t)
		p := mustOpen(t, open, path, Config{Baud: 250000})
		all := make([]byte, 3*256)
		for i := range all {
			all[i] = byte(i) // every value: XON, XOFF, CR, NUL, interrupt characters
		}
		got := make([]byte, len(all))
		go func() { _, _ = p.Write(all) }()
		if err := within(t, "device reads", func() error { _, err := io.ReadFull(master, got); return err }); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, all) {
			t.Errorf("to the device: got %x, want %x", got, all)
		}
		go func() { _, _ = master.Write(all) }()
		clear(got)
		if err := within(t, "station reads", func() error { _, err := io.ReadFull(p, got); return err }); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, all) {
			t.Errorf("from the device: got %x, want %x", got, all)
		}
	})
}

func TestReadDeadlineIsTimeoutAndPortStaysUsable(t *testing.T) {
	eachBackend(t, func(t *testing.T, open func(string, Config) (*Port, error)) {
		master, path := newPTY(t)
		p := mustOpen(t, open, path, Config{})
		b := make([]byte, 8)
		for _, d := range []time.Duration{-time.Second, 30 * time.Millisecond} {
			if err := p.SetReadDeadline(time.Now().Add(d)); err != nil {
				t.Fatal(err)
			}
			n, err := p.Read(b)
			wantKind(t, "read past its deadline", err, os.ErrDeadlineExceeded)
			var te interface{ Timeout() bool }
			if n != 0 || !errors.As(err, &te) || !te.Timeout() {
				t.Errorf("got %d, %v, want 0 and a timeout", n, err)
			}
		}
		if err := p.SetReadDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
		if _, err := master.Write([]byte("late")); err != nil {
			t.Fatal(err)
		}
		if n, err := p.Read(b); err != nil || string(b[:n]) == "" {
			t.Errorf("read after the deadline was lifted: got %q, %v", b[:n], err)
		}
		// A deadline that is moved ends a read that is already waiting.
		res := make(chan error, 1)
		go func() {
			for {
				if _, err := p.Read(b); err != nil {
					res <- err
					return
				}
			}
		}()
		if err := p.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		wantKind(t, "waiting read", within(t, "read", func() error { return <-res }), os.ErrDeadlineExceeded)
	})
}

func TestCloseEndsBlockedRead(t *testing.T) {
	eachBackend(t, func(t *testing.T, open func(string, Config) (*Port, error)) {
		_, path := newPTY(t)
		p := mustOpen(t, open, path, Config{})
		res := make(chan error, 1)
		go func() {
			_, err := p.Read(make([]byte, 8))
			res <- err
		}()
		if err := within(t, "close", p.Close); err != nil {
			t.Errorf("close: got %v, want nil", err)
		}
		wantKind(t, "blocked read", within(t, "read", func() error { return <-res }), os.ErrClosed)
		if err := p.Close(); err != nil {
			t.Errorf("second close: got %v, want nil", err)
		}
		ended(t, p)
		_, err := p.Read(make([]byte, 8))
		wantKind(t, "read after close", err, os.ErrClosed)
	})
}

// fill writes until the pty takes no more.
func fill(t *testing.T, p *Port) {
	t.Helper()
	if err := p.SetWriteDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	n, err := p.Write(make([]byte, 1<<20))
	wantKind(t, "write to a full line", err, os.ErrDeadlineExceeded)
	if n == 0 || n >= 1<<20 {
		t.Errorf("got %d bytes taken, want some, not all", n)
	}
	for n > 0 { // the system makes room once more when it moves what was written to the other end
		if err := p.SetWriteDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		n, _ = p.Write(make([]byte, 1<<20))
	}
	if err := p.SetWriteDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
}

func TestCloseEndsBlockedWrite(t *testing.T) {
	_, path := newPTY(t)
	p := mustOpen(t, Open, path, Config{})
	fill(t, p)
	res := make(chan error, 1)
	go func() {
		_, err := p.Write([]byte("one more"))
		res <- err
	}()
	start := time.Now()
	if err := within(t, "close", p.Close); err != nil {
		t.Errorf("close: got %v, want nil", err)
	}
	if d := time.Since(start); d > time.Second {
		t.Errorf("close took %v, want it prompt", d)
	}
	wantKind(t, "blocked write", within(t, "write", func() error { return <-res }), os.ErrClosed)
	ended(t, p)
}

func TestWriteResumesAfterDeadline(t *testing.T) {
	master, path := newPTY(t)
	p := mustOpen(t, Open, path, Config{})
	fill(t, p)
	go func() { _, _ = io.Copy(io.Discard, master) }()
	if err := p.SetWriteDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if n, err := p.Write(make([]byte, 1000)); n != 1000 || err != nil {
		t.Errorf("write once the device reads again: got %d, %v, want 1000, nil", n, err)
	}
}

func TestCountOfCutShortWriteIsExact(t *testing.T) {
	master, path := newPTY(t)
	p := mustOpen(t, Open, path, Config{})
	if err := p.SetWriteDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	n, err := p.Write(make([]byte, 1<<20))
	wantKind(t, "write", err, os.ErrDeadlineExceeded)
	if err := p.SetWriteDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	const mark = 0x55
	res := make(chan int, 1)
	go func() {
		b, before := make([]byte, 4096), 0
		for {
			k, err := master.Read(b)
			if i := bytes.IndexByte(b[:k], mark); i >= 0 || err != nil {
				res <- before + max(i, 0)
				return
			}
			before += k
		}
	}()
	if _, err := p.Write([]byte{mark}); err != nil {
		t.Fatal(err)
	}
	if got := within(t, "device", func() int { return <-res }); got != n {
		t.Errorf("bytes before the mark: got %d at the device, want the %d that Write reported", got, n)
	}
}

func TestStuckLineIsGivenUpAndReported(t *testing.T) {
	eachBackend(t, func(t *testing.T, open func(string, Config) (*Port, error)) {
		master, path := newPTY(t)
		p := mustOpen(t, open, path, Config{StuckAfter: 150 * time.Millisecond})
		err := within(t, "write", func() error { _, err := p.Write(make([]byte, 1<<20)); return err })
		wantKind(t, "write", err, ErrStuck)
		_, err = p.Write([]byte("x"))
		wantKind(t, "next write", err, ErrStuck)
		if err := within(t, "close", p.Close); err != nil {
			t.Errorf("close: got %v, want nil", err)
		}
		_ = master.Close() // frees a writer that the library cannot interrupt
		ended(t, p)
	})
}

// TestNoByteAfterCloseLandsElsewhere opens files that get the numbers of the
// port's descriptors and writes to the closed port.
func TestNoByteAfterCloseLandsElsewhere(t *testing.T) {
	eachBackend(t, func(t *testing.T, open func(string, Config) (*Port, error)) {
		_, path := newPTY(t)
		p := mustOpen(t, open, path, Config{})
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		var files []*os.File
		for range 16 {
			f, err := os.CreateTemp(t.TempDir(), "reused")
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = f.Close() }()
			files = append(files, f)
		}
		n, err := p.Write([]byte("secret"))
		wantKind(t, "write after close", err, os.ErrClosed)
		if n != 0 {
			t.Errorf("got %d bytes written, want 0", n)
		}
		for _, f := range files {
			if st, err := f.Stat(); err != nil || st.Size() != 0 {
				t.Errorf("%s: got %d bytes, %v, want an empty file", f.Name(), st.Size(), err)
			}
		}
	})
}

func TestUnplugIsGoneOnceAndForAll(t *testing.T) {
	eachBackend(t, func(t *testing.T, open func(string, Config) (*Port, error)) {
		master, path := newPTY(t)
		p := mustOpen(t, open, path, Config{})
		res := make(chan error, 1)
		go func() {
			_, err := io.Copy(io.Discard, p)
			res <- err
		}()
		if err := master.Close(); err != nil {
			t.Fatal(err)
		}
		wantKind(t, "blocked read", within(t, "read", func() error { return <-res }), ErrGone)
		for range 3 {
			_, err := p.Read(make([]byte, 1))
			wantKind(t, "read", err, ErrGone)
			_, err = p.Write([]byte("x"))
			wantKind(t, "write", err, ErrGone)
		}
		ended(t, p) // before Close: a replugged device gets its name back only then
		if err := p.Close(); err != nil {
			t.Errorf("close: got %v, want nil", err)
		}
	})
}

func TestWriteNoticesUnplug(t *testing.T) {
	master, path := newPTY(t)
	p := mustOpen(t, Open, path, Config{})
	fill(t, p)
	res := make(chan error, 1)
	go func() {
		_, err := p.Write([]byte("x"))
		res <- err
	}()
	if err := master.Close(); err != nil {
		t.Fatal(err)
	}
	wantKind(t, "blocked write", within(t, "write", func() error { return <-res }), ErrGone)
}

func TestOpenDiscardsStaleInput(t *testing.T) {
	eachBackend(t, func(t *testing.T, open func(string, Config) (*Port, error)) {
		master, path := newPTY(t)
		if _, err := master.Write([]byte("left by the last device\n")); err != nil {
			t.Fatal(err)
		}
		p := mustOpen(t, open, path, Config{})
		if _, err := master.Write([]byte("fresh")); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 5)
		if err := p.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(p, b); err != nil || string(b) != "fresh" {
			t.Errorf("got %q, %v, want %q", b, err, "fresh")
		}
	})
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	fifo := filepath.Join(dir, "fifo")
	loop := filepath.Join(dir, "loop")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(loop, loop); err != nil {
		t.Fatal(err)
	}
	_, ptyPath := newPTY(t)
	for _, tc := range []struct {
		name, path string
		cfg        Config
		want       error
	}{
		{"missing", filepath.Join(dir, "ttyUSB9"), Config{}, ErrNotFound},
		{"folder", dir, Config{}, ErrNotSerial},
		{"file", file, Config{}, ErrNotSerial},
		{"fifo", fifo, Config{}, ErrNotSerial},
		{"another device", "/dev/null", Config{}, ErrNotSerial},
		{"file as folder", filepath.Join(file, "x"), Config{}, ErrNotFound},
		{"empty path", "", Config{}, ErrNotFound},
		{"negative speed", ptyPath, Config{Baud: -1}, ErrUnsupported},
		{"absurd speed", ptyPath, Config{Baud: 1 << 30}, ErrUnsupported},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, err := Open(tc.path, tc.cfg)
			if p != nil {
				t.Error("got a port beside an error, want nil")
			}
			wantKind(t, "open", err, tc.want)
			if err != nil && (!strings.HasPrefix(err.Error(), "open "+tc.path) || strings.Contains(err.Error(), "\n")) {
				t.Errorf("got %q, want it to name operation and path", err)
			}
		})
	}
}

func TestModemLinesOfAPTYAreNoFailure(t *testing.T) {
	_, path := newPTY(t)
	p := mustOpen(t, Open, path, Config{DTR: Drop, RTS: Raise})
	if err := p.Close(); err != nil {
		t.Errorf("close: got %v, want nil", err)
	}
}

// TestHighDescriptorNumbers uses up the numbers that select(2) can name.
func TestHighDescriptorNumbers(t *testing.T) {
	var lim syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &lim); err != nil {
		t.Fatal(err)
	}
	if lim.Cur < 1300 {
		raised := lim
		raised.Cur = 1300
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &raised); err != nil {
			t.Fatalf("raise the limit of open files to 1300: %v", err)
		}
		defer func() { _ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &lim) }()
	}
	_, path := newPTY(t)
	var fds []int
	defer func() {
		for _, fd := range fds {
			_ = unix.Close(fd)
		}
	}()
	for len(fds) == 0 || fds[len(fds)-1] < 1100 {
		fd, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		fds = append(fds, fd)
	}
	eachBackend(t, func(t *testing.T, open func(string, Config) (*Port, error)) {
		p, err := open(path, Config{})
		if p != nil {
			t.Error("got a port, want none")
			_ = p.Close()
		}
		wantKind(t, "open", err, ErrTooManyDescriptors)
	})
	// The numbers given back, the same port opens: nothing was left locked.
	for _, fd := range fds {
		_ = unix.Close(fd)
	}
	fds = nil
	mustOpen(t, Open, path, Config{})
}

func TestChildrenDoNotInheritThePort(t *testing.T) {
	_, path := newPTY(t)
	mustOpen(t, Open, path, Config{})
	out, err := exec.CommandContext(t.Context(), "ls", "-l", "/proc/self/fd").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if strings.Contains(string(out), path) {
		t.Errorf("got the port among a child's descriptors:\n%s", out)
	}
}

// TestLibraryTellsItsDescriptor fails when a new version of the library hides
// what libraryDescriptor looks for: writes could then block in the driver.
func TestLibraryTellsItsDescriptor(t *testing.T) {
	_, path := newPTY(t)
	p := mustOpen(t, Open, path, Config{})
	l, ok := p.line.(*pairedLine)
	if !ok {
		t.Fatalf("got a %T, want *pairedLine", p.line)
	}
	st, err := l.own.Stat()
	if err != nil {
		t.Fatal(err)
	}
	fd, ok := libraryDescriptor(l.sp, st)
	if !ok {
		t.Fatal("got no descriptor from the library's port")
	}
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil || flags&unix.O_NONBLOCK == 0 {
		t.Errorf("got flags %#x, %v, want O_NONBLOCK among them", flags, err)
	}
	other, _ := newPTY(t)
	if st, err = other.Stat(); err != nil {
		t.Fatal(err)
	}
	if _, ok := libraryDescriptor(l.sp, st); ok {
		t.Error("got a descriptor of another device accepted, want it refused")
	}
}
