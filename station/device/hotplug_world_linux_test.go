package device_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"provstation/serialproto/port"
	"provstation/station"
	"provstation/station/device"
	"provstation/station/devstack"
	"provstation/station/stationtest"
)

// world is a machine whose ports come and go.
type world interface {
	// watcher tells of its ports, by events alone: no scan comes to its help within a test.
	watcher() station.Watcher
	// key is the slot key of a hub port, 1 to 9.
	key(place int) string
	// plug makes a terminal appear at a hub port under a kernel name, and returns the path to open.
	plug(place int, name, terminal string) string
	unplug(place int, name string)
	// told is when the system announced the last plug.
	told() time.Time
}

// never is longer than any test.
const never = time.Hour

// linkWorld has udev's links and nothing else.
type linkWorld struct {
	t    *testing.T
	dir  string
	when time.Time
}

func newLinkWorld(t *testing.T) *linkWorld { return &linkWorld{t: t, dir: t.TempDir()} }

func (w *linkWorld) key(place int) string {
	return filepath.Join(w.dir, fmt.Sprintf("pci-0000:00:14.0-usb-0:1.%d:1.0-port0", place))
}

func (w *linkWorld) watcher() station.Watcher {
	var paths []string
	for place := 1; place <= 9; place++ {
		paths = append(paths, w.key(place))
	}
	return device.NewEventWatcher(port.WatchConfig{Paths: paths, OnlyPaths: true, Rescan: never})
}

// plug makes the link as udev does: under another name, then renamed.
func (w *linkWorld) plug(place int, name, terminal string) string {
	w.t.Helper()
	fresh := filepath.Join(w.dir, ".#"+name)
	must(w.t, os.Symlink(terminal, fresh))
	w.when = time.Now()
	must(w.t, os.Rename(fresh, w.key(place)))
	return w.key(place)
}

func (w *linkWorld) unplug(place int, _ string) {
	w.t.Helper()
	must(w.t, os.Remove(w.key(place)))
}

func (w *linkWorld) told() time.Time { return w.when }

// sysWorld has a sysfs and a device folder of its own. That something changed is told by the real kernel, with an event of
// a real terminal, or by a nudge.
type sysWorld struct {
	t         *testing.T
	root, dev string
	plugs     int
	kernel    bool
	nudge     chan struct{}
	when      time.Time
}

// uevent is where root can have the kernel announce a terminal once more.
const uevent = "/sys/class/tty/ttyS0/uevent"

func newSysWorld(t *testing.T, kernel bool) *sysWorld {
	t.Helper()
	dir := t.TempDir()
	w := &sysWorld{t: t, root: filepath.Join(dir, "sys"), dev: filepath.Join(dir, "dev"), kernel: kernel, nudge: make(chan struct{}, 1)}
	if kernel {
		if err := os.WriteFile(uevent, []byte("change"), 0o200); err != nil {
			missing(t, "a kernel that announces a terminal: "+err.Error())
		}
	}
	for _, d := range []string{filepath.Join(w.root, "class/tty"), w.dev} {
		must(t, os.MkdirAll(d, 0o755))
	}
	pci := "devices/pci0000:00/0000:00:14.0"
	w.device(pci, "pci")
	w.device(pci+"/usb1", "usb")
	w.device(pci+"/usb1/1-1", "usb")
	return w
}

func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv(stationtest.RequireReal) == "1" {
		t.Fatalf("want %s", what)
	}
	t.Skipf("want %s", what)
}

func (w *sysWorld) key(place int) string {
	return fmt.Sprintf("pci-0000:00:14.0-usb-0:1.%d:1.0-port0", place)
}

func (w *sysWorld) watcher() station.Watcher {
	cfg := port.WatchConfig{SysRoot: w.root, DevRoot: w.dev, Rescan: never}
	if !w.kernel {
		cfg.Nudge = w.nudge
	}
	return device.NewEventWatcher(cfg)
}

func (w *sysWorld) link(path, target string) {
	w.t.Helper()
	must(w.t, os.MkdirAll(filepath.Dir(filepath.Join(w.root, path)), 0o755))
	must(w.t, os.Symlink(filepath.Join(w.root, target), filepath.Join(w.root, path)))
}

// device makes a device folder of a subsystem, with its attributes.
func (w *sysWorld) device(path, subsystem string, attrs ...string) {
	w.t.Helper()
	must(w.t, os.MkdirAll(filepath.Join(w.root, path), 0o755))
	w.link(filepath.Join(path, "subsystem"), "bus/"+subsystem)
	for i := 0; i < len(attrs); i += 2 {
		must(w.t, os.WriteFile(filepath.Join(w.root, path, attrs[i]), []byte(attrs[i+1]+"\n"), 0o600))
	}
}

func (w *sysWorld) adapter(place int) string {
	return fmt.Sprintf("devices/pci0000:00/0000:00:14.0/usb1/1-1/1-1.%d", place)
}

func (w *sysWorld) plug(place int, name, terminal string) string {
	w.t.Helper()
	w.plugs++
	usb := w.adapter(place)
	iface := fmt.Sprintf("%s/1-1.%d:1.0", usb, place)
	w.device(usb, "usb", "idVendor", "0403", "idProduct", "6001", "serial", "A1", "devnum", fmt.Sprint(w.plugs))
	w.device(iface, "usb")
	w.device(iface+"/"+name, "usb-serial", "port_number", "0")
	tty := iface + "/" + name + "/tty/" + name
	w.link(tty+"/device", iface+"/"+name)
	must(w.t, os.Symlink(terminal, filepath.Join(w.dev, name)))
	w.link("class/tty/"+name, tty)
	w.tell()
	return filepath.Join(w.dev, name)
}

func (w *sysWorld) unplug(place int, name string) {
	w.t.Helper()
	must(w.t, os.Remove(filepath.Join(w.root, "class/tty", name)))
	must(w.t, os.Remove(filepath.Join(w.dev, name)))
	must(w.t, os.RemoveAll(filepath.Join(w.root, w.adapter(place))))
	w.tell()
}

func (w *sysWorld) tell() {
	w.t.Helper()
	w.when = time.Now()
	if w.kernel {
		must(w.t, os.WriteFile(uevent, []byte("change"), 0o200))
		return
	}
	select {
	case w.nudge <- struct{}{}:
	default:
	}
}

func (w *sysWorld) told() time.Time { return w.when }

// terminal is the pty that a virtual device is on now.
func terminal(t *testing.T, d *devstack.Device) string {
	t.Helper()
	path, err := filepath.EvalSymlinks(d.Path)
	must(t, err)
	return path
}

// hold keeps a pty's number from being given away.
func hold(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY, 0)
	must(t, err)
	t.Cleanup(func() { _ = f.Close() })
}

// witness is the device's end of a terminal that notes whether anybody came.
type witness struct {
	t             *testing.T
	master, slave *os.File
	watch         int // inotify
	quit, ended   chan struct{}
}

func newWitness(t *testing.T) *witness {
	t.Helper()
	master, slave, err := pty.Open()
	must(t, err)
	fd, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	must(t, err)
	_, err = unix.InotifyAddWatch(fd, slave.Name(), unix.IN_OPEN)
	must(t, err)
	v := &witness{t: t, master: master, slave: slave, watch: fd}
	t.Cleanup(v.close)
	return v
}

func (v *witness) terminal() string { return v.slave.Name() }

// untouched fails if the terminal was opened or a byte was sent.
func (v *witness) untouched() {
	v.t.Helper()
	if n, err := unix.Read(v.watch, make([]byte, 4096)); err != unix.EAGAIN { //nolint:errorlint // a bare errno
		v.t.Errorf("%s: got %d bytes of open events (%v), want it never opened", v.terminal(), n, err)
	}
	fds := []unix.PollFd{{Fd: int32(v.master.Fd()), Events: unix.POLLIN}}
	if n, err := unix.Poll(fds, 0); n != 0 || err != nil {
		v.t.Errorf("%s: got %d ready (%v), want nothing sent", v.terminal(), n, err)
	}
}

// chatter has the device say something every millisecond, as a booting one does.
func (v *witness) chatter() {
	fd := int(v.master.Fd())
	must(v.t, unix.SetNonblock(fd, true))
	v.quit, v.ended = make(chan struct{}), make(chan struct{})
	go func() {
		defer close(v.ended)
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-v.quit:
				return
			case <-tick.C:
				_, _ = unix.Write(fd, []byte(".")) // a full buffer is no matter
			}
		}
	}()
}

// close takes the device away.
func (v *witness) close() {
	if v.quit != nil {
		close(v.quit)
		<-v.ended
		v.quit = nil
	}
	if v.watch >= 0 {
		_ = unix.Close(v.watch)
		v.watch = -1
	}
	_ = v.slave.Close()
	_ = v.master.Close()
}
