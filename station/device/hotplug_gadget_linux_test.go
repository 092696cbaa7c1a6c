package device_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"provstation/serialproto/port"
	"provstation/station"
	"provstation/station/device"
)

// gadgetsEnv says that this machine has dummy_hcd with nine controllers, configfs and udev, for tests alone to use: the
// virtual machine of `make test-vm`.
const gadgetsEnv = "PROVSTATION_GADGETS"

const gadgets = "/sys/kernel/config/usb_gadget"

// gadgetWorld has real drivers on both ends of a real bus: what is plugged in is a USB gadget of this kernel (CDC-ACM), and
// what appears is a ttyACM with udev's links, at a host controller of its own for each place. The gadget's line is joined to
// the terminal of the device that it stands for.
type gadgetWorld struct {
	t      *testing.T
	when   time.Time
	joined map[int]func() // ends the joint at a place
}

func newGadgetWorld(t *testing.T) *gadgetWorld {
	t.Helper()
	return &gadgetWorld{t: t, joined: map[int]func(){}}
}

func (w *gadgetWorld) watcher() station.Watcher {
	return device.NewEventWatcher(port.WatchConfig{Rescan: never})
}

func (w *gadgetWorld) key(place int) string {
	return fmt.Sprintf("platform-dummy_hcd.%d-usb-0:1:1.0", place-1)
}

func (w *gadgetWorld) told() time.Time { return w.when }

func gadgetOf(place int) string { return filepath.Join(gadgets, fmt.Sprintf("place%d", place)) }

func (w *gadgetWorld) write(path, text string) {
	w.t.Helper()
	must(w.t, os.WriteFile(path, []byte(text+"\n"), 0))
}

// gadget makes the gadget of a place and gives its line.
func (w *gadgetWorld) gadget(place int) string {
	w.t.Helper()
	dir := gadgetOf(place)
	function, config := filepath.Join(dir, "functions/acm.line"), filepath.Join(dir, "configs/c.1")
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		for _, d := range []string{dir, filepath.Join(dir, "strings/0x409"), function, config} {
			must(w.t, os.Mkdir(d, 0o755))
		}
		w.write(filepath.Join(dir, "idVendor"), "0x1d6b")
		w.write(filepath.Join(dir, "idProduct"), "0x0104")
		w.write(filepath.Join(dir, "strings/0x409/serialnumber"), fmt.Sprintf("SN-%d", place))
		must(w.t, os.Symlink(function, filepath.Join(config, "acm.line")))
		w.t.Cleanup(func() {
			w.unplug(place, "")
			must(w.t, os.Remove(filepath.Join(config, "acm.line")))
			for _, d := range []string{config, function, filepath.Join(dir, "strings/0x409"), dir} {
				must(w.t, unix.Rmdir(d))
			}
		})
	}
	n, err := os.ReadFile(filepath.Join(function, "port_num"))
	must(w.t, err)
	return "/dev/ttyGS" + strings.TrimSpace(string(n))
}

// plug binds the gadget of a place to its controller, and waits for udev. The kernel chooses the name. A place from 8 on is
// joined to nothing: nobody may send it a byte.
func (w *gadgetWorld) plug(place int, _, terminal string) string {
	w.t.Helper()
	line := w.gadget(place)
	w.when = time.Now()
	w.write(filepath.Join(gadgetOf(place), "UDC"), fmt.Sprintf("dummy_udc.%d", place-1))
	if place < 8 {
		w.joined[place] = join(w.t, line, terminal)
	} else {
		w.joined[place] = unheard(w.t, line)
	}
	link := filepath.Join("/dev/serial/by-path", w.key(place))
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for late := time.Now().Add(patience); ; <-tick.C {
		if path, err := filepath.EvalSymlinks(link); err == nil {
			return path
		} else if time.Now().After(late) {
			w.t.Fatalf("udev made no link: %v", err)
		}
	}
}

func (w *gadgetWorld) unplug(place int, _ string) {
	w.t.Helper()
	end := w.joined[place]
	if end == nil {
		return
	}
	delete(w.joined, place)
	w.write(filepath.Join(gadgetOf(place), "UDC"), "")
	end()
}

// join carries bytes between a gadget's line and a terminal until it is ended, or one of them is gone.
func join(t *testing.T, line, terminal string) (end func()) {
	t.Helper()
	a, err := port.Open(line, port.Config{})
	must(t, err)
	b, err := port.Open(terminal, port.Config{Baud: rigBaud})
	must(t, err)
	var wg sync.WaitGroup
	for _, way := range [][2]*port.Port{{a, b}, {b, a}} {
		wg.Go(func() { _, _ = io.Copy(way[0], way[1]) }) // until an end is closed
	}
	return func() {
		_ = a.Close()
		_ = b.Close()
		wg.Wait()
	}
}

// unheard holds a gadget's line; its end fails the test if a byte has come.
func unheard(t *testing.T, line string) (end func()) {
	t.Helper()
	p, err := port.Open(line, port.Config{})
	must(t, err)
	return func() {
		t.Helper()
		_ = p.SetReadDeadline(time.Now().Add(patience)) // the line goes with its gadget: what had come is read before its end
		if n, err := p.Read(make([]byte, 1)); n != 0 {
			t.Errorf("%s: got a byte (%v), want nothing sent", line, err)
		}
		_ = p.Close()
	}
}
