//go:build vm

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"provstation/station/stationtest/vm"
	"provstation/station/stationtest/vm/guest"
)

// usbImage is a station's machine with the drivers that real adapters have, and udev: provstation runs in it, built
// statically, beside the tenant stack. What hangs on its USB is a test's business.
func usbImage(t *testing.T) *vm.Image {
	t.Helper()
	image := vm.NewImage(t, vm.Full)
	image.Busybox()
	image.Debian("udev")
	image.Modules("xhci_pci", "cdc_acm", "ftdi_sio", "usb_f_acm", "dummy_hcd num=9")
	image.Mount("configfs", "/sys/kernel/config", "configfs")
	image.File("/etc/group", 0o644, []byte(udevGroups))
	rules, err := os.ReadFile(filepath.Join("..", "..", "assets", "udev", "70-provstation.rules"))
	if err != nil {
		t.Fatal(err)
	}
	image.File("/etc/udev/rules.d/70-provstation.rules", 0o644, rules)
	image.GoProgram("/usr/bin/provstation", "./cmd/provstation")
	image.GoProgram("/usr/bin/provagent", "./cmd/provagent")
	image.Service(guest.Service{Name: "udevd", Args: []string{"/lib/systemd/systemd-udevd"}})
	image.Service(guest.Service{Name: "coldplug", Wait: true, Args: []string{
		"/bin/sh", "-c", "until [ -S /run/udev/control ]; do usleep 20000; done; udevadm trigger && udevadm settle",
	}})
	image.Service(guest.Service{Name: "devstack", Args: []string{
		"/usr/bin/provstation", "devstack", "--state-dir", "/run/stack", "--devices", "1",
	}, Env: []string{"HOME=/root"}, Log: "/run/devstack.log"})
	return image
}

// udevGroups are the groups that udev's rules name.
const udevGroups = `root:x:0:
tty:x:5:
disk:x:6:
lp:x:7:
kmem:x:15:
dialout:x:20:
cdrom:x:24:
tape:x:26:
audio:x:29:
video:x:44:
input:x:101:
sgx:x:102:
kvm:x:103:
render:x:104:
`

// usbStation is a machine that is the station.
type usbStation struct {
	t *testing.T
	m *vm.Machine
}

const (
	guestConfig = "/run/stack/station.yaml"
	usbPatience = 5 * time.Minute // two emulated processors do the work of station, tenant and device
)

// until asks again and again until ok.
func (s usbStation) until(what string, ok func() bool) {
	s.t.Helper()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(usbPatience); !ok(); {
		select {
		case <-tick.C:
		case <-late:
			s.t.Logf("no %s within %v", what, usbPatience)
			_, there := s.m.Exec("sh", "-c", "ls -l /dev/serial/*; dmesg | tail -n 20; tail -n 3 /run/*.json")
			s.t.Fatalf("%s\n%s", s.m.Console(30), there)
		}
	}
}

// read is a file's text; "" while it is not there.
func (s usbStation) read(path string) string {
	s.t.Helper()
	r, err := s.m.Ask(guest.Request{Op: guest.OpRead, Path: path})
	if err != nil {
		return ""
	}
	return string(r.Data)
}

// ports is what `provstation ports` says of the machine's ports, by their place.
func (s usbStation) ports() map[string]event {
	s.t.Helper()
	out := said{stdout: s.m.Run("/usr/bin/provstation", "ports", "--json", "--config", guestConfig)}
	byPlace := map[string]event{}
	for line := range strings.Lines(out.stdout) {
		var e event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			s.t.Fatalf("not a JSON object: %q: %v", line, err)
		}
		byPlace[e.text("slot_key")] = e
	}
	return byPlace
}

// usbRun is a `provstation run` in the machine.
type usbRun struct {
	usbStation
	name string
}

func (s usbStation) start(name string, args ...string) usbRun {
	s.m.Serve(guest.Service{Name: name, Once: true, Log: "/run/" + name + ".json", Args: append([]string{
		"/usr/bin/provstation", "run", "--json", "--config", guestConfig,
	}, args...)})
	return usbRun{s, name}
}

func (r usbRun) events() (list []event) {
	r.t.Helper()
	for line := range strings.Lines(r.read("/run/" + r.name + ".json")) {
		var e event
		if json.Unmarshal([]byte(line), &e) == nil { // the last may be half a line
			list = append(list, e)
		}
	}
	return list
}

// waits for an event and returns all so far.
func (r usbRun) waits(what string, is func(event) bool) (list []event) {
	r.t.Helper()
	r.until(what+" of "+r.name, func() bool {
		list = r.events()
		for _, e := range list {
			if is(e) {
				return true
			}
			if e["type"] == "summary" {
				r.t.Fatalf("%s ended without %s: %v", r.name, what, list)
			}
		}
		return false
	})
	return list
}

func phaseIs(phase, status string) func(event) bool {
	return func(e event) bool { return e["phase"] == phase && e["status"] == status }
}

// lostAndFound plugs a device in before a waiting station, pulls it out in mid-run and plugs it in again: the first run says
// that its port is gone, the second carries on in the same slot with the same key and passes.
func (s usbStation) lostAndFound(name, slotKey, slot string, plug, unplug func()) {
	s.t.Helper()
	r := s.start(name, "--slot", slotKey+"="+slot, "--count", "1")
	r.waits("start", func(e event) bool { return e["type"] == "station" })
	plugged := time.Now()
	plug()
	r.waits("run", func(e event) bool { return e["type"] == "run-start" })
	s.t.Logf("%s: from plugging in to the start of the run %v, with what asking takes", name, time.Since(plugged).Round(10*time.Millisecond))
	r.waits("installation", phaseIs("install", "started"))
	unplug()
	lost := ofType(r.waits("end of the first run", func(e event) bool { return e["type"] == "run-end" }), "run-end")[0]
	// No hand is so fast: the kernel's word of the removal comes after the read that failed, and would end the next run, too.
	path, _ := lost["port"].(string)
	s.until("the port's link to be gone", func() bool {
		code, _ := s.m.Exec("test", "-e", path)
		return code != 0
	})
	plug()
	events := r.waits("summary", func(e event) bool { return e["type"] == "summary" })
	ends := ofType(events, "run-end")
	if len(ends) != 2 {
		s.t.Fatalf("got %d runs, want the one that lost its device and the one after: %v", len(ends), ends)
	}
	if ends[0]["outcome"] != "ERROR" || ends[0]["code"] != "E-PORT-GONE" || ends[0]["slot"] != slot {
		s.t.Errorf("got %v, want ERROR with E-PORT-GONE in %s", ends[0], slot)
	}
	ms, _ := ends[1]["elapsed_ms"].(float64)
	s.m.Report(time.Duration(ms)*time.Millisecond, fmt.Sprintf("%v (%s)", ends[1]["outcome"], name))
	if ends[1]["outcome"] != "PASS" || ends[1]["slot"] != slot || ends[1]["attempt"] != 2.0 {
		s.t.Errorf("got %v, want PASS in %s at the second attempt", ends[1], slot)
	}
	if got := keysMade(events); got != 1 {
		s.t.Errorf("the device made %d keys, want 1", got)
	}
}

// gadgetScript makes a CDC-ACM gadget: its host's end is a ttyACM of the same machine, once it is bound.
const gadgetScript = `set -e
cd /sys/kernel/config/usb_gadget; mkdir g1; cd g1
echo 0x1d6b >idVendor; echo 0x0104 >idProduct
mkdir strings/0x409; echo SN-000123 >strings/0x409/serialnumber; echo Acme >strings/0x409/manufacturer; echo Widget >strings/0x409/product
mkdir functions/acm.usb0 configs/c.1; ln -s functions/acm.usb0 configs/c.1/
`

// Real drivers on both ends of a USB cable, real udev, hot-plug told by the kernel: the station runs in the machine.
func TestVMUSB(t *testing.T) {
	dir := t.TempDir()
	box, adapter := filepath.Join(dir, "box"), filepath.Join(dir, "adapter")
	image := usbImage(t)
	image.Copy("/usr/bin/device.test", vm.BuildTest(t, "./station/device"))
	m := vm.Start(t, vm.Config{Name: "USB", Image: image, MemoryMiB: 1024, CPUs: 2, Args: []string{
		"-device", "qemu-xhci,id=xhci,addr=0x10",
		// The box's UART is the far end of the adapter's cable.
		"-chardev", "socket,id=box,server=on,wait=off,path=" + box, "-device", "isa-serial,index=1,irq=3,chardev=box",
		"-chardev", "socket,id=adapter,server=on,wait=off,path=" + adapter,
	}})
	vm.Cable(t, box, adapter)
	s := usbStation{t, m}
	s.until("tenant stack", func() bool { return s.read(guestConfig) != "" })
	for _, part := range []struct {
		name string
		do   func(usbStation)
	}{{"gadget", usbStation.gadget}, {"adapter", usbStation.adapter}, {"hot-plug tests", usbStation.hotplugTests}} {
		t.Run(part.name, func(t *testing.T) {
			m.Use(t)
			part.do(usbStation{t, m})
		})
	}
}

// gadget: a box that is provisioned over its USB device port.
func (s usbStation) gadget() {
	const place = "platform-dummy_hcd.0-usb-0:1:1.0"
	s.m.Run("sh", "-c", gadgetScript)
	s.m.Serve(guest.Service{Name: "gadget agent", Args: []string{
		"/usr/bin/provagent", "serve", "--tty", "/dev/ttyGS0", "--state-dir", "/run/gadget", "--serial", "SN-USB-0001", "--sign-tls12",
	}})
	bind := func(udc string) func() {
		return func() { s.m.Run("sh", "-c", "echo '"+udc+"' >/sys/kernel/config/usb_gadget/g1/UDC") }
	}
	s.lostAndFound("gadget", "/dev/serial/by-path/"+place, "left-1", bind("dummy_udc.0"), bind(""))
	got := s.ports()[place]
	if got["usb"] != "1D6B:0104" || got["usb_serial"] != "SN-000123" || got["by_id"] != "usb-Acme_Widget_SN-000123-if00" {
		s.t.Errorf("got %v, want the gadget as udev and sysfs have it", got)
	}
	s.ruled("/dev/ttyACM0")
	bind("")() // the tests that come after need its controller
}

// ruled holds a port against what our udev rules promise: whoever is in dialout may open it, ModemManager keeps out.
func (s usbStation) ruled(port string) {
	s.t.Helper()
	if got := strings.TrimSpace(s.m.Run("stat", "-c", "%g %a", port)); got != "20 660" {
		s.t.Errorf("%s: got group and mode %s, want 20 (dialout) 660", port, got)
	}
	properties := s.m.Run("udevadm", "info", "--query=property", "--name="+port)
	for _, want := range []string{"ID_MM_PORT_IGNORE=1\n", ":uaccess:"} {
		if !strings.Contains(properties, want) {
			s.t.Errorf("%s: udev does not know %q:\n%s", port, want, properties)
		}
	}
}

// adapter: a box on a serial adapter in a hub port. Another hub port is another place.
func (s usbStation) adapter() {
	const first, second = "pci-0000:00:10.0-usb-0:1:1.0-port0", "pci-0000:00:10.0-usb-0:2:1.0-port0"
	s.m.Serve(guest.Service{Name: "box", Args: []string{
		"/usr/bin/provagent", "serve", "--tty", "/dev/ttyS1", "--state-dir", "/run/box", "--serial", "SN-USB-0002", "--sign-tls12",
	}})
	plug := func(port string) func() {
		return func() {
			s.m.AddDevice(map[string]any{
				"driver": "usb-serial", "id": "dev1", "chardev": "adapter", "bus": "xhci.0", "port": port, "always-plugged": true,
			})
		}
	}
	unplug := func() { s.m.RemoveDevice("dev1") }
	s.lostAndFound("adapter", first, "right-1", plug("1"), unplug)
	s.until("adapter at "+first, func() bool { return s.ports()[first]["usb"] == "0403:6001" })
	s.ruled("/dev/ttyUSB0")
	if got := strings.TrimSpace(s.m.Run("cat", "/sys/bus/usb-serial/devices/ttyUSB0/latency_timer")); got != "1" {
		s.t.Errorf("the adapter holds bytes back for %s ms, want 1", got)
	}
	unplug()
	plug("2")()
	s.until("adapter at "+second, func() bool {
		ports := s.ports()
		return ports[second]["usb"] == "0403:6001" && ports[first] == nil
	})
	again := s.start("elsewhere", "--slot", second+"=right-2", "--count", "1", "--timeout", "120s")
	ends := ofType(again.waits("summary", func(e event) bool { return e["type"] == "summary" }), "run-end")
	if len(ends) != 1 || ends[0]["outcome"] != "SKIPPED" || ends[0]["slot"] != "right-2" {
		s.t.Errorf("got %v, want the finished box SKIPPED in its other place", ends)
	}
	unplug()
}

// hotplugTests has the hot-plug tests of station/device run with real drivers in place of their imitations.
func (s usbStation) hotplugTests() {
	code, out := s.m.Exec("env", "PROVSTATION_GADGETS=1", "TMPDIR=/run", "/usr/bin/device.test", "-test.v", "-test.timeout", "8m",
		"-test.run", "TestHotplug(Starts|Reset|Rename|Skips)/drivers")
	passed := regexp.MustCompile(`--- PASS: \S+/drivers .*`).FindAllString(out, -1)
	s.t.Logf("in the machine:\n%s", strings.Join(passed, "\n"))
	if code != 0 || len(passed) != 4 {
		s.t.Errorf("exit code %d, %d tests passed, want 4:\n%s", code, len(passed), out)
	}
}
