package port

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// watching starts a watch and returns how to take the next change from it.
func watching(t *testing.T, cfg WatchConfig) (next func(what string) Change, cancel func()) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	changes, err := Watch(ctx, cfg)
	if err != nil {
		stop()
		t.Fatal(err)
	}
	ended := func() {
		stop()
		for { // closed once all goroutines of the watch are done
			select {
			case _, ok := <-changes:
				if !ok {
					return
				}
			case <-time.After(patience):
				t.Error("channel: still open after the context ended")
				return
			}
		}
	}
	t.Cleanup(ended)
	return func(what string) Change {
		t.Helper()
		select {
		case c, ok := <-changes:
			if !ok {
				t.Fatalf("%s: channel closed", what)
			}
			return c
		case <-time.After(2 * patience):
			t.Fatalf("%s: no change", what)
		}
		panic("unreachable")
	}, ended
}

func wantChange(t *testing.T, c Change, kind ChangeKind, path, slot string) {
	t.Helper()
	if c.Kind != kind || c.Info.Path != path || c.Info.Slot != slot {
		t.Errorf("got %v %q in slot %q, want %v %q in slot %q", c.Kind, c.Info.Path, c.Info.Slot, kind, path, slot)
	}
}

// link points path at target as socat does: made afresh each time.
func link(t *testing.T, target, path string) {
	t.Helper()
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
}

func TestWatchPathAppearsVanishesReappears(t *testing.T) {
	_, target := newPTY(t)
	_, other := newPTY(t)
	path := filepath.Join(t.TempDir(), "not", "yet", "dev0")
	// An hour: what is seen is seen through the folders.
	next, _ := watching(t, WatchConfig{Paths: []string{path}, OnlyPaths: true, Rescan: time.Hour})
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	link(t, target, path)
	wantChange(t, next("link made"), Added, path, path)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	wantChange(t, next("link removed"), Removed, path, path)
	if err := os.RemoveAll(filepath.Dir(filepath.Dir(path))); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	link(t, target, path)
	wantChange(t, next("folder and link made again"), Added, path, path)
	// Another device at once under the same name is two changes.
	tmp := path + ".new"
	link(t, other, tmp)
	if err := os.Rename(tmp, path); err != nil {
		t.Fatal(err)
	}
	wantChange(t, next("link replaced"), Removed, path, path)
	wantChange(t, next("link replaced"), Added, path, path)
}

func TestWatchTellsWhatIsThereFirst(t *testing.T) {
	_, a := newPTY(t)
	_, b := newPTY(t)
	dir := t.TempDir()
	twin := filepath.Join(dir, "twin")
	link(t, a, twin)
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	next, _ := watching(t, WatchConfig{Paths: []string{b, plain, a, twin}, OnlyPaths: true})
	got := map[string]bool{}
	for range 2 {
		c := next("present port")
		wantChange(t, c, Added, c.Info.Path, c.Info.Path)
		got[c.Info.Path] = true
	}
	if !got[a] || !got[b] {
		t.Errorf("got %v, want %s and %s: no plain file, no port twice", got, a, b)
	}
}

func TestWatchMissingPTYAppears(t *testing.T) {
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	path := slave.Name()
	nudge := make(chan struct{}, 1)
	next, _ := watching(t, WatchConfig{Paths: []string{path}, OnlyPaths: true, Rescan: time.Hour, Nudge: nudge})
	wantChange(t, next("present"), Added, path, path)
	_ = slave.Close()
	_ = master.Close()
	nudge <- struct{}{}
	wantChange(t, next("hung up"), Removed, path, path)
	// The lowest free number is given out again; take ptys until it is ours.
	for range 64 {
		m, s, err := pty.Open()
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _, _ = m.Close(), s.Close() }()
		if s.Name() == path {
			wantChange(t, next("same pty again"), Added, path, path)
			return
		}
	}
	t.Fatalf("got 64 ptys, want %s among them", path)
}

func TestWatchReplugUnderAnotherNameKeepsItsSlot(t *testing.T) {
	s := newFakeSys(t)
	dev := s.pcHost() + "/1-1.3"
	plug := func(name string) {
		s.usbDevice(dev, "1d6b", "0104", "SN-1", "", "")
		s.acm(dev+"/1-1.3:1.0", name)
	}
	nudge := make(chan struct{}, 1)
	plug("ttyACM0")
	next, _ := watching(t, WatchConfig{SysRoot: s.root, DevRoot: s.dev, Rescan: time.Hour, Nudge: nudge})
	const slot = "pci-0000:03:00.0-usb-0:1.3:1.0"
	wantChange(t, next("present"), Added, filepath.Join(s.dev, "ttyACM0"), slot)
	for _, gone := range []string{filepath.Join(s.root, dev), filepath.Join(s.root, "class/tty/ttyACM0"), filepath.Join(s.dev, "ttyACM0")} {
		if err := os.RemoveAll(gone); err != nil {
			t.Fatal(err)
		}
	}
	plug("ttyACM1")
	nudge <- struct{}{}
	wantChange(t, next("replug"), Removed, filepath.Join(s.dev, "ttyACM0"), slot)
	wantChange(t, next("replug"), Added, filepath.Join(s.dev, "ttyACM1"), slot)
	// Unplugged and plugged in again between two looks, same name.
	s.attr(dev, "devnum", "8")
	nudge <- struct{}{}
	wantChange(t, next("quick replug"), Removed, filepath.Join(s.dev, "ttyACM1"), slot)
	wantChange(t, next("quick replug"), Added, filepath.Join(s.dev, "ttyACM1"), slot)
}

func TestWatchFindsChangesByRescanAlone(t *testing.T) {
	s := newFakeSys(t)
	next, _ := watching(t, WatchConfig{SysRoot: s.root, DevRoot: s.dev, Rescan: 20 * time.Millisecond})
	dev := s.pcHost() + "/1-1"
	s.usbDevice(dev, "1d6b", "0104", "", "", "")
	s.device(dev+"/1-1:1.0", "usb")
	s.tty(dev+"/1-1:1.0", "ttyACM0")
	wantChange(t, next("plug"), Added, filepath.Join(s.dev, "ttyACM0"), "pci-0000:03:00.0-usb-0:1:1.0")
}

func TestConfiguredPathTakesThePlaceOfAListedPort(t *testing.T) {
	_, target := newPTY(t)
	listed := []present{
		{Info: Info{Path: target, Slot: "hub-1", VID: "0403", IsUSB: true}},
		{Info: Info{Path: "/dev/ttyX", Slot: "hub-2"}},
	}
	path := filepath.Join(t.TempDir(), "bench1")
	link(t, target, path)
	got := withPaths(listed, []string{path}, false)
	if len(got) != 2 || got[0].Path != "/dev/ttyX" || got[1].Path != path || got[1].Slot != path || got[1].VID != "0403" {
		t.Errorf("got %+v, want /dev/ttyX, and the configured path with what is known of its port", got)
	}
	if got := withPaths(listed, []string{path}, true); len(got) != 1 || got[0].Path != path {
		t.Errorf("got %+v, want the configured path alone", got)
	}
}

func TestWatchEndsWhileNobodyListens(t *testing.T) {
	_, a := newPTY(t)
	_, cancel := watching(t, WatchConfig{Paths: []string{a}, OnlyPaths: true})
	cancel() // with an Added that was never taken
}

func TestUeventsOfTheKernelAreHeard(t *testing.T) {
	if os.Getuid() != 0 {
		missing(t, "only root can make the kernel send an event")
	}
	const uevent = "/sys/class/tty/ttyS0/uevent"
	if _, err := os.Stat(uevent); err != nil {
		missing(t, "no ttyS0")
	}
	heard := make(chan struct{}, 1)
	stop, ok := listenPlugs(func() {
		select {
		case heard <- struct{}{}:
		default:
		}
	})
	if !ok {
		t.Fatal("got no socket for kernel events")
	}
	defer stop()
	if err := os.WriteFile(uevent, []byte("change"), 0o200); err != nil {
		missing(t, "the kernel takes no event: "+err.Error())
	}
	select {
	case <-heard:
	case <-time.After(patience):
		t.Error("got no hint of the event")
	}
}

func TestUeventsAreFiltered(t *testing.T) {
	for _, tc := range []struct {
		name, msg string
		want      bool
	}{
		{"kernel", "add@/devices/x/tty/ttyACM0\x00ACTION=add\x00SUBSYSTEM=tty\x00DEVNAME=ttyACM0\x00", true},
		{"udev", "libudev\x00\xfe\xed\xca\xfe(\x00\x00\x00(\x00\x00\x00\x10\x01\x00\x00\x1aACTION=add\x00SUBSYSTEM=tty\x00", true},
		{"udev, first property", "libudev\x00\xfe\xed\xca\xfe\x1aSUBSYSTEM=tty\x00", true},
		{"another subsystem", "add@/devices/x\x00SUBSYSTEM=block\x00", false},
		{"longer name", "add@/devices/x\x00SUBSYSTEM=ttyprintk\x00", false},
		{"empty", "", false},
	} {
		if got := aboutTTY([]byte(tc.msg)); got != tc.want {
			t.Errorf("%s: got %v, want %v", tc.name, got, tc.want)
		}
	}
	cred := func(pid int32, uid uint32) []byte { return unix.UnixCredentials(&unix.Ucred{Pid: pid, Uid: uid}) }
	kernel := &unix.SockaddrNetlink{Groups: groupKernel}
	udev := &unix.SockaddrNetlink{Groups: groupUdev, Pid: 77}
	for _, tc := range []struct {
		name  string
		from  unix.Sockaddr
		oob   []byte
		group uint32
		want  bool
	}{
		{"kernel", kernel, cred(0, 0), groupKernel, true},
		{"udev", udev, cred(77, 0), groupUdev, true},
		{"root posing as the kernel", &unix.SockaddrNetlink{Groups: groupKernel, Pid: 9}, cred(9, 0), groupKernel, false},
		{"user posing as the kernel", kernel, cred(9, 1000), groupKernel, false},
		{"user posing as udev", udev, cred(77, 1000), groupUdev, false},
		{"unicast", &unix.SockaddrNetlink{Pid: 77}, cred(77, 0), groupUdev, false},
		{"no credentials", kernel, nil, groupKernel, false},
		{"cut credentials", kernel, cred(0, 0)[:9], groupKernel, false},
		{"no address", nil, cred(0, 0), groupKernel, false},
	} {
		if got := trusted(tc.from, tc.oob, tc.group); got != tc.want {
			t.Errorf("%s: got %v, want %v", tc.name, got, tc.want)
		}
	}
}

// missing skips for want of a real part, or fails where all parts must be there.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("PROVSTATION_REQUIRE_REAL") == "1" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// socat starts a real pty pair with links at a and b.
func socat(t *testing.T, a, b string) *exec.Cmd {
	t.Helper()
	bin, err := exec.LookPath("socat")
	if err != nil {
		missing(t, "socat is not installed")
	}
	cmd := exec.CommandContext(t.Context(), bin,
		fmt.Sprintf("pty,rawer,link=%s", a), fmt.Sprintf("pty,rawer,link=%s", b))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd
}

// TestSocatPairIsPluggedUnpluggedAndPluggedAgain is the bench in small: a link
// appears, is opened, carries bytes, goes with its process and comes back.
func TestSocatPairIsPluggedUnpluggedAndPluggedAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "bench")
	station, device := filepath.Join(dir, "station"), filepath.Join(dir, "device")
	nudge := make(chan struct{}, 1)
	next, _ := watching(t, WatchConfig{Paths: []string{station}, OnlyPaths: true, Rescan: time.Hour, Nudge: nudge})
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for round, kill := range []os.Signal{unix.SIGTERM, os.Kill, unix.SIGTERM} {
		pair := socat(t, station, device)
		wantChange(t, next("plug"), Added, station, station)
		p := mustOpen(t, Open, station, Config{})
		await(t, device)
		d := mustOpen(t, Open, device, Config{})
		go func() { _, _ = d.Write([]byte("hello")) }()
		b := make([]byte, 5)
		if err := within(t, "read", func() error { _, err := io.ReadFull(p, b); return err }); err != nil || string(b) != "hello" {
			t.Errorf("round %d: got %q, %v, want hello", round, b, err)
		}
		if err := pair.Process.Signal(kill); err != nil {
			t.Fatal(err)
		}
		_, err := p.Read(b)
		wantKind(t, "read from an unplugged port", err, ErrGone)
		_ = within(t, "socat", pair.Wait)
		_ = p.Close()
		_ = d.Close()
		if kill == os.Kill { // no message: the link stays and leads nowhere
			nudge <- struct{}{}
		}
		wantChange(t, next("unplug"), Removed, station, station)
		for _, l := range []string{station, device} {
			if err := os.Remove(l); err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
		}
	}
}

// await waits for the other link of a pair, which socat makes second.
func await(t *testing.T, path string) {
	t.Helper()
	next, cancel := watching(t, WatchConfig{Paths: []string{path}, OnlyPaths: true})
	wantChange(t, next("second link"), Added, path, path)
	cancel()
}
