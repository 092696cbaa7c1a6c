package devstack

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"provstation/serialproto"
	"provstation/serialproto/link"
	"provstation/serialproto/port"
)

const (
	childMode = "PROVSTATION_TEST_CHILD" // hold|open
	childPath = "PROVSTATION_TEST_PORT"
	nobody    = 65534
)

// TestMain is also the other programs that open a port: one that holds it exclusively until it is killed, and one without
// privileges.
func TestMain(m *testing.M) {
	path := os.Getenv(childPath)
	switch os.Getenv(childMode) {
	case "":
		os.Exit(m.Run())
	case "hold":
		f, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY, 0)
		if err == nil {
			err = errors.Join(unix.IoctlSetInt(int(f.Fd()), unix.TIOCEXCL, 0), unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB))
		}
		fmt.Println("held", err)
		select {}
	case "open":
		if os.Geteuid() == 0 {
			if err := syscall.Setuid(nobody); err != nil {
				fmt.Println(err)
				os.Exit(2)
			}
		}
		if _, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
}

// child is this very program in another role.
func child(t *testing.T, mode, path string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), childMode+"="+mode, childPath+"="+path)
	dieWithParent(cmd)
	return cmd
}

// dial opens a device's port as a station does.
func dial(t *testing.T, d *Device, baud int) *link.Host {
	t.Helper()
	return dialPath(t, d.Path, baud)
}

func dialPath(t *testing.T, path string, baud int) *link.Host {
	t.Helper()
	p, err := port.Open(path, port.Config{Baud: baud})
	if err != nil {
		t.Fatal(err)
	}
	h := link.NewHost(p, link.HostConfig{Baud: baud})
	t.Cleanup(func() { _ = h.Close() })
	return h
}

func greet(t *testing.T, h *link.Host) serialproto.Welcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	w, err := h.Greet(ctx)
	if err != nil {
		t.Fatalf("greet: %v", err)
	}
	return w
}

func TestDeviceBootsAndGreets(t *testing.T) {
	s := start(t, Config{Devices: 2, Seed: 7, Baud: fast})
	h := dial(t, s.Devices[0], fast)
	w := greet(t, h)
	if w.Serial != s.Devices[0].Serial || w.State != serialproto.StateEmpty || w.Model != "virtual" {
		t.Errorf("got %q %v %q, want %q, empty, virtual", w.Serial, w.State, w.Model, s.Devices[0].Serial)
	}
	if err := s.Devices[0].Reset(t.Context()); err != nil { // the first boot was over before anybody listened
		t.Fatal(err)
	}
	greet(t, h)
	log := h.Console()
	// What came right behind a frame that the reset cut off is discarded with it.
	if !strings.Contains(log, "Hit any key") || !strings.Contains(log, "Starting provagent") {
		t.Errorf("boot log %q lacks what the device said before it announced itself", log)
	}
	if strings.ContainsRune(log, 0x1b) {
		t.Errorf("boot log %q can reach a terminal as it is", log)
	}
	if s.Devices[0].Serial == s.Devices[1].Serial || s.Devices[0].Path == s.Devices[1].Path || s.Devices[0].Dir == s.Devices[1].Dir {
		t.Errorf("two devices share serial, port or folder: %+v %+v", s.Devices[0], s.Devices[1])
	}
	if _, ok := s.Open(s.Devices[0].Path); ok {
		t.Error("a pty is also offered as a line in memory")
	}
	// The same seed makes the same devices, another seed others.
	if again := start(t, Config{Devices: 1, Seed: 7}).Devices[0].Serial; again != s.Devices[0].Serial {
		t.Errorf("the same seed made %s and %s", s.Devices[0].Serial, again)
	}
	if other := start(t, Config{Devices: 1, Seed: 8}).Devices[0].Serial; other == s.Devices[0].Serial {
		t.Errorf("another seed made %s again", other)
	}
}

func TestDeviceReset(t *testing.T) {
	s := start(t, Config{Devices: 1, Quiet: true, Baud: fast})
	d := s.Devices[0]
	h := dial(t, d, fast)
	before := greet(t, h)
	var r serialproto.EnrollResult
	args := &serialproto.EnrollArgs{Op: serialproto.OpEnroll, Alg: serialproto.AlgP256, DeviceID: "d-1", EnrollID: []byte("12345678")}
	if err := h.Call(t.Context(), args, &r); err != nil {
		t.Fatal(err)
	}
	path := d.Path
	if err := d.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d.Path != path {
		t.Errorf("a reset moved the port from %s to %s", path, d.Path)
	}
	if err := h.Call(t.Context(), &serialproto.SimpleArgs{Op: serialproto.OpStatus}, &serialproto.StatusResult{}); !errors.Is(err, link.ErrReset) {
		t.Errorf("a request after the reset: got %v, want link.ErrReset", err)
	}
	after := greet(t, h)
	if string(after.BootID) == string(before.BootID) {
		t.Error("the boot id is the one before the reset")
	}
	if after.State != serialproto.StateKeyed || len(after.SPKI) == 0 {
		t.Errorf("after the reset the device is %v, want keyed: what it had stored", after.State)
	}
}

func TestDeviceUnplugAndPlug(t *testing.T) {
	s := start(t, Config{Devices: 1, Quiet: true, Baud: fast})
	d := s.Devices[0]
	h := dial(t, d, fast)
	boot := string(greet(t, h).BootID)
	if err := d.Unplug(); err != nil {
		t.Fatal(err)
	}
	if err := d.Unplug(); err != nil {
		t.Errorf("unplugging what is unplugged: %v", err)
	}
	if err := d.Reset(t.Context()); !errors.Is(err, ErrUnplugged) {
		t.Errorf("reset of an unplugged device: got %v, want ErrUnplugged", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := h.Call(ctx, &serialproto.SimpleArgs{Op: serialproto.OpStatus}, nil); !errors.Is(err, port.ErrGone) {
		t.Errorf("a request to an unplugged device: got %v, want port.ErrGone", err)
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	if err := d.Plug(t.Context()); err != nil {
		t.Fatal(err)
	}
	path := d.Path
	if err := d.Plug(t.Context()); err != nil || d.Path != path {
		t.Errorf("plugging in what is plugged in: %v, port %s then %s", err, path, d.Path)
	}
	if w := greet(t, dial(t, d, fast)); w.Serial != d.Serial || string(w.BootID) == boot {
		t.Errorf("got serial %q and boot id %x, want %q and another than %x", w.Serial, w.BootID, d.Serial, boot)
	}
}

// A station that is killed leaves the terminal exclusive, for as long as the device's side has it open. The device takes
// that off, also where no session was ever opened, so that the next station gets in without privileges.
func TestKilledStationsLock(t *testing.T) {
	s := start(t, Config{Devices: 1, Quiet: true, Baud: fast})
	d := s.Devices[0]
	pts, err := filepath.EvalSymlinks(d.Path) // the way there is ours alone
	if err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		if err := os.Chown(pts, nobody, -1); err != nil {
			t.Fatal(err)
		}
	}
	hold := child(t, "hold", pts)
	out, err := hold.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := hold.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "held <nil>\n" {
		t.Fatalf("the holder says %q %v", line, err)
	}
	// While it lives, its file lock keeps every other station out, root included.
	if p, err := port.Open(d.Path, port.Config{}); !errors.Is(err, port.ErrBusy) {
		t.Errorf("a second station: got %v, want port.ErrBusy", err)
		if err == nil {
			_ = p.Close()
		}
	}
	if err := hold.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = hold.Wait()
	until := time.Now().Add(5 * unlockEvery)
	for {
		said, err := child(t, "open", pts).CombinedOutput()
		if err == nil {
			break
		}
		if time.Now().After(until) {
			t.Fatalf("the next station is still kept out after %v: %s", 5*unlockEvery, said)
		}
	}
	if w := greet(t, dial(t, d, fast)); w.Serial != d.Serial {
		t.Errorf("got %q, want %q", w.Serial, d.Serial)
	}
}

// exchange measures how long a byte of a request takes that fills the line.
func exchange(t *testing.T, baud int) (per time.Duration) {
	t.Helper()
	s := start(t, Config{Devices: 1, Quiet: true, Baud: baud})
	h := dial(t, s.Devices[0], baud)
	greet(t, h)
	id := []byte("12345678")
	enroll := &serialproto.EnrollArgs{Op: serialproto.OpEnroll, Alg: serialproto.AlgP256, DeviceID: "d-1", EnrollID: id}
	if err := h.Call(t.Context(), enroll, &serialproto.EnrollResult{}); err != nil {
		t.Fatal(err)
	}
	data := make([]byte, 8<<10)
	sum := sha256.Sum256(data)
	before, began := h.Stats(), time.Now()
	put := &serialproto.PutArgs{
		Op: serialproto.OpPut, Obj: serialproto.ObjAnchor, Total: uint32(len(data)), SHA256: sum[:], Data: data, EnrollID: id,
	}
	if err := h.Call(t.Context(), put, &serialproto.PutResult{}); err != nil {
		t.Fatal(err)
	}
	took, n := time.Since(began), h.Stats().TxBytes-before.TxBytes
	t.Logf("%d baud: %d bytes in %v, %.2f of what the line takes", baud, n, took, took.Seconds()/(float64(n)*10/float64(baud)))
	return time.Duration(float64(took) / float64(n))
}

// A line is never faster than its baud rate, and a line of ten times the rate is much faster.
func TestPacing(t *testing.T) {
	slow, quick := exchange(t, 115200), exchange(t, 1152000)
	wire := 10 * time.Second / 115200
	if slow < wire*95/100 {
		t.Errorf("a byte took %v at 115200 baud, want %v or more", slow, wire)
	}
	if ratio := float64(slow) / float64(quick); ratio < 3 {
		t.Errorf("115200 baud is %.2f times as slow as 1152000, want 3 or more (the line's ratio is 10)", ratio)
	}
}

func TestSpecOnTheLine(t *testing.T) {
	spec, err := ParseSpec("drop=1e-3,flip=1e-3,dup=1e-3,latency=2ms")
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, Config{Devices: 1, Baud: fast, Faults: spec, Seed: 3})
	h := dial(t, s.Devices[0], fast)
	greet(t, h)
	for range 60 {
		if err := h.Call(t.Context(), &serialproto.SimpleArgs{Op: serialproto.OpStatus}, &serialproto.StatusResult{}); err != nil {
			t.Fatalf("a damaged line: %v", err)
		}
	}
	if st := h.Stats(); st.Broken+st.Retransmits+st.Polls == 0 {
		t.Errorf("nothing was damaged: %+v", st)
	}
}

// descriptors is how many files this process has open.
func descriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// settled waits until f is at most most, and gives the last value.
func settled(f func() int, most int) int {
	for until := time.Now().Add(5 * time.Second); ; runtime.Gosched() {
		if n := f(); n <= most || time.Now().After(until) {
			return n
		}
	}
}

func TestNothingLeaks(t *testing.T) {
	dir := t.TempDir()
	var files, routines int
	for i := range 6 {
		s, err := Start(t.Context(), Config{StateDir: dir, Devices: 4, Baud: fast})
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range s.Devices[:2] {
			p, err := port.Open(d.Path, port.Config{Baud: fast})
			if err != nil {
				t.Fatal(err)
			}
			h := link.NewHost(p, link.HostConfig{Baud: fast})
			greet(t, h)
			if err := h.Close(); err != nil {
				t.Errorf("close port: %v", err)
			}
		}
		if err := s.Devices[3].Reset(t.Context()); err != nil {
			t.Fatal(err)
		}
		if i == 0 { // close twice
			if err := s.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		}
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		if i == 0 { // what is made once
			files, routines = descriptors(t), runtime.NumGoroutine()
		}
	}
	if n := settled(func() int { return descriptors(t) }, files); n > files {
		t.Errorf("%d files are open after 6 stacks, %d after the first", n, files)
	}
	if n := settled(runtime.NumGoroutine, routines); n > routines {
		buf := make([]byte, 64<<10)
		t.Errorf("%d goroutines after 6 stacks, %d after the first:\n%s", n, routines, buf[:runtime.Stack(buf, true)])
	}
}

// A stack closes while devices are in the middle of things.
func TestCloseInMidSession(t *testing.T) {
	s := start(t, Config{Devices: 4, Baud: 9600})
	errs := make(chan error, len(s.Devices))
	for _, d := range s.Devices {
		h := dial(t, d, 9600)
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			_, err := h.Greet(ctx)
			for err == nil {
				err = h.Call(ctx, &serialproto.SimpleArgs{Op: serialproto.OpStatus}, nil)
			}
			errs <- err
		}()
	}
	began := time.Now()
	if err := s.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("closing took %v", took)
	}
	for range s.Devices {
		if err := <-errs; errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a station was not told that its device is gone: %v", err)
		}
	}
}
