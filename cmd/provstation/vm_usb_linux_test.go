//go:build vm

package main

import (
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
	image.Modules("xhci_pci", "cdc_acm", "ftdi_sio", "usb_f_acm", "dummy_hcd")
	image.Mount("configfs", "/sys/kernel/config", "configfs")
	image.File("/etc/group", 0o644, []byte(udevGroups))
	image.GoProgram("/usr/bin/provstation", "./cmd/provstation")
	image.GoProgram("/usr/bin/provagent", "./cmd/provagent")
	image.Service(guest.Service{Name: "udevd", Args: []string{"/lib/systemd/systemd-udevd"}})
	image.Service(guest.Service{Name: "udev ready", Args: []string{"/bin/udevadm", "wait", "--timeout=60", "/dev/ttyS0"}, Wait: true})
	image.Service(guest.Service{Name: "coldplug", Args: []string{"/bin/udevadm", "trigger", "--settle"}, Wait: true, Log: "/run/coldplug.log"})
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

// waitIn waits until a command in the machine succeeds, and returns what it printed.
func waitIn(t *testing.T, m *vm.Machine, what string, args ...string) string {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	var out string
	for late := time.Now().Add(2 * time.Minute); time.Now().Before(late); <-tick.C {
		var code int
		if code, out = m.Exec(args...); code == 0 {
			return out
		}
	}
	t.Fatalf("%s: not within two minutes: %s\n%s", what, out, m.Console(30))
	return ""
}

// station runs provstation in the machine.
func (s usbStation) station(args ...string) (int, string) {
	return s.m.Exec(append([]string{"/usr/bin/env", "HOME=/root", "/usr/bin/provstation"}, args...)...)
}

type usbStation struct {
	t *testing.T
	m *vm.Machine
}

func TestVMGadget(t *testing.T) {
	m := vm.Start(t, vm.Config{Name: "Gadget", Image: usbImage(t), MemoryMiB: 768, CPUs: 2})
	s := usbStation{t, m}
	m.WriteFile("/run/gadget", 0o755, []byte(gadgetScript))
	m.Run("/bin/sh", "/run/gadget")
	t.Log(m.Run("sh", "-c", "ls -l /dev/serial/by-path /dev/serial/by-id /dev/ttyGS0 /dev/ttyACM* 2>&1; ls /run /run/udev; cat /run/coldplug.log /run/devstack.log; free"))
	waitIn(t, m, "by-path", "test", "-e", "/dev/serial/by-path/platform-dummy_hcd.0-usb-0:1:1.0")
	waitIn(t, m, "devstack", "test", "-e", "/run/stack/station.yaml")
	t.Log(s.station("ports", "--config", "/run/stack/station.yaml"))
	t.Log(m.Run("sh", "-c", "ls -l /dev/serial/by-path /dev/serial/by-id /dev/ttyGS0 /dev/ttyACM* 2>&1"))
	t.Log(m.Console(30))
}

// gadgetScript makes a CDC-ACM gadget on the first dummy controller and plugs it in: its host's end is a ttyACM of the same
// machine.
var gadgetScript = strings.Join([]string{
	"set -e", "cd /sys/kernel/config/usb_gadget", "mkdir g1 && cd g1", "echo 0x1d6b >idVendor", "echo 0x0104 >idProduct",
	"mkdir strings/0x409", "echo SN-000123 >strings/0x409/serialnumber", "echo Acme >strings/0x409/manufacturer",
	"echo Widget >strings/0x409/product", "mkdir functions/acm.usb0 configs/c.1", "ln -s functions/acm.usb0 configs/c.1/",
	"echo dummy_udc.0 >UDC",
}, "\n")
