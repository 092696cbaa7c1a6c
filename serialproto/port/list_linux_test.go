package port

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// fakeSys is a sysfs and a /dev as a kernel would lay them out.
type fakeSys struct {
	t         *testing.T
	root, dev string
}

func newFakeSys(t *testing.T) *fakeSys {
	dir := t.TempDir()
	s := &fakeSys{t: t, root: filepath.Join(dir, "sys"), dev: filepath.Join(dir, "dev")}
	s.mkdir("class/tty")
	if err := os.MkdirAll(s.dev, 0o755); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *fakeSys) mkdir(path string) {
	s.t.Helper()
	if err := os.MkdirAll(filepath.Join(s.root, path), 0o755); err != nil {
		s.t.Fatal(err)
	}
}

func (s *fakeSys) attr(dir, name, value string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.root, dir, name), []byte(value+"\n"), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

func (s *fakeSys) link(path, target string) {
	s.t.Helper()
	from := filepath.Join(s.root, path)
	if err := os.MkdirAll(filepath.Dir(from), 0o755); err != nil {
		s.t.Fatal(err)
	}
	rel, err := filepath.Rel(filepath.Dir(from), filepath.Join(s.root, target))
	if err != nil {
		s.t.Fatal(err)
	}
	if err := os.Symlink(rel, from); err != nil {
		s.t.Fatal(err)
	}
}

// device makes a device folder of a subsystem.
func (s *fakeSys) device(path, subsystem string) {
	s.t.Helper()
	s.mkdir(path)
	s.link(filepath.Join(path, "subsystem"), "bus/"+subsystem)
}

// tty makes a terminal device below device, and its node.
func (s *fakeSys) tty(device, name string) {
	s.t.Helper()
	dir := filepath.Join(device, "tty", name)
	s.mkdir(dir)
	s.link(filepath.Join(dir, "device"), device)
	s.link("class/tty/"+name, dir)
	if err := os.WriteFile(filepath.Join(s.dev, name), nil, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// usbDevice makes a USB device with its strings.
func (s *fakeSys) usbDevice(path, vid, pid, serial, maker, product string) {
	s.t.Helper()
	s.device(path, "usb")
	s.attr(path, "idVendor", vid)
	s.attr(path, "idProduct", pid)
	s.attr(path, "devnum", "7")
	for name, v := range map[string]string{"serial": serial, "manufacturer": maker, "product": product} {
		if v != "" {
			s.attr(path, name, v)
		}
	}
}

// adapter makes a usb-serial port on an interface.
func (s *fakeSys) adapter(iface, name, number, driver string) {
	s.t.Helper()
	s.device(iface, "usb")
	dev := filepath.Join(iface, name)
	s.device(dev, "usb-serial")
	s.attr(dev, "port_number", number)
	s.link(filepath.Join(dev, "driver"), "bus/usb-serial/drivers/"+driver)
	s.tty(dev, name)
}

// acm makes a CDC-ACM port, whose terminal hangs on the interface itself.
func (s *fakeSys) acm(iface, name string) {
	s.t.Helper()
	s.device(iface, "usb")
	s.link(filepath.Join(iface, "driver"), "bus/usb/drivers/cdc_acm")
	s.tty(iface, name)
}

func (s *fakeSys) list() []Info {
	s.t.Helper()
	found, err := enumerate(s.root, s.dev)
	if err != nil {
		s.t.Fatal(err)
	}
	var infos []Info
	for _, f := range found {
		f.Path = strings.TrimPrefix(f.Path, s.dev+"/")
		infos = append(infos, f.Info)
	}
	return infos
}

const xhci = "devices/pci0000:00/0000:00:1c.0/0000:03:00.0"

// pcHost makes a PC's controller behind a bridge, with its root hub.
func (s *fakeSys) pcHost() string {
	s.device("devices/pci0000:00/0000:00:1c.0", "pci")
	s.device(xhci, "pci")
	s.device(xhci+"/usb1", "usb")
	return xhci + "/usb1"
}

func TestListNamesSlotsAsUdevDoes(t *testing.T) {
	for _, tc := range []struct {
		name  string
		build func(s *fakeSys)
		want  []Info
	}{
		{"adapter behind two hubs", func(s *fakeSys) {
			hub := s.pcHost() + "/1-1"
			s.usbDevice(hub, "05e3", "0610", "", "GenesysLogic", "Hub")
			s.usbDevice(hub+"/1-1.4", "05e3", "0610", "", "", "Hub")
			dev := hub + "/1-1.4/1-1.4.2"
			s.usbDevice(dev, "0403", "6001", "A50285BI", "FTDI", "FT232R USB UART")
			s.adapter(dev+"/1-1.4.2:1.0", "ttyUSB0", "0", "ftdi_sio")
		}, []Info{{
			Path: "ttyUSB0", Slot: "pci-0000:03:00.0-usb-0:1.4.2:1.0-port0", VID: "0403", PID: "6001",
			HardwareSerial: "A50285BI", Manufacturer: "FTDI", Product: "FT232R USB UART", IsUSB: true, Driver: "ftdi_sio",
		}}},
		{"two ports on one interface", func(s *fakeSys) {
			dev := s.pcHost() + "/1-3"
			s.usbDevice(dev, "110a", "1250", "", "", "UPort")
			s.adapter(dev+"/1-3:1.0", "ttyUSB0", "0", "ti_usb_3410_5052")
			dev2 := dev + "/1-3:1.0/ttyUSB1"
			s.device(dev2, "usb-serial")
			s.attr(dev2, "port_number", "1")
			s.tty(dev2, "ttyUSB1")
		}, []Info{
			{Path: "ttyUSB0", Slot: "pci-0000:03:00.0-usb-0:3:1.0-port0", VID: "110A", PID: "1250", Product: "UPort", IsUSB: true, Driver: "ti_usb_3410_5052"},
			{Path: "ttyUSB1", Slot: "pci-0000:03:00.0-usb-0:3:1.0-port1", VID: "110A", PID: "1250", Product: "UPort", IsUSB: true},
		}},
		{"two functions of a gadget on a platform controller", func(s *fakeSys) {
			s.device("devices/platform/dummy_hcd.0", "platform")
			s.device("devices/platform/dummy_hcd.0/usb1", "usb")
			dev := "devices/platform/dummy_hcd.0/usb1/1-1"
			s.usbDevice(dev, "1d6b", "0104", "SN-000123", "Acme", "Widget")
			s.acm(dev+"/1-1:1.0", "ttyACM0")
			s.acm(dev+"/1-1:1.2", "ttyACM1")
		}, []Info{
			{Path: "ttyACM0", Slot: "platform-dummy_hcd.0-usb-0:1:1.0", VID: "1D6B", PID: "0104", HardwareSerial: "SN-000123", Manufacturer: "Acme", Product: "Widget", IsUSB: true, Driver: "cdc_acm"},
			{Path: "ttyACM1", Slot: "platform-dummy_hcd.0-usb-0:1:1.2", VID: "1D6B", PID: "0104", HardwareSerial: "SN-000123", Manufacturer: "Acme", Product: "Widget", IsUSB: true, Driver: "cdc_acm"},
		}},
		{"controller on PCI on a platform bridge (Raspberry Pi 4)", func(s *fakeSys) {
			s.device("devices/platform/scb", "platform")
			s.device("devices/platform/scb/fd500000.pcie", "platform")
			pci := "devices/platform/scb/fd500000.pcie/pci0000:00/0000:00:00.0"
			s.device(pci, "pci")
			s.device(pci+"/0000:01:00.0", "pci")
			s.device(pci+"/0000:01:00.0/usb1", "usb")
			dev := pci + "/0000:01:00.0/usb1/1-1/1-1.2"
			s.device(filepath.Dir(dev), "usb")
			s.usbDevice(dev, "2e8a", "000a", "E66", "Raspberry Pi", "Pico")
			s.acm(dev+"/1-1.2:1.0", "ttyACM0")
		}, []Info{{
			Path: "ttyACM0", Slot: "platform-fd500000.pcie-pci-0000:01:00.0-usb-0:1.2:1.0", VID: "2E8A", PID: "000A",
			HardwareSerial: "E66", Manufacturer: "Raspberry Pi", Product: "Pico", IsUSB: true, Driver: "cdc_acm",
		}}},
		{"chip on the board; one without hardware, consoles, a gadget's own end", func(s *fakeSys) {
			for name, typ := range map[string]string{"ttyS0": "4", "ttyS1": "0"} {
				dev := "devices/pnp0/00:00/" + name
				s.device(dev, "serial-base")
				s.link(dev+"/driver", "bus/serial-base/drivers/port")
				s.tty(dev, name)
				s.attr(dev+"/tty/"+name, "type", typ)
			}
			s.device("devices/gadget", "gadget")
			s.tty("devices/gadget", "ttyGS0")
			s.mkdir("devices/virtual/tty/tty1")
			s.link("class/tty/tty1", "devices/virtual/tty/tty1")
		}, []Info{{Path: "ttyS0", Slot: "ttyS0", Driver: "port"}}},
		{"vanished while looked at: no device, no node, no ids", func(s *fakeSys) {
			dev := s.pcHost() + "/1-2"
			s.usbDevice(dev, "0403", "6001", "", "", "")
			s.adapter(dev+"/1-2:1.0", "ttyUSB0", "0", "ftdi_sio")
			s.link("class/tty/ttyUSB1", "devices/gone/ttyUSB1")
			gone := s.pcHost2() + "/2-1"
			s.device(gone, "usb")
			s.adapter(gone+"/2-1:1.0", "ttyUSB2", "0", "ftdi_sio")
			s.usbDevice(gone+"x", "0403", "6001", "", "", "")
			s.adapter(gone+"x/2-1x:1.0", "ttyUSB3", "0", "ftdi_sio")
			if err := os.Remove(filepath.Join(s.dev, "ttyUSB3")); err != nil {
				s.t.Fatal(err)
			}
		}, []Info{{Path: "ttyUSB0", Slot: "pci-0000:03:00.0-usb-0:2:1.0-port0", VID: "0403", PID: "6001", IsUSB: true, Driver: "ftdi_sio"}}},
		{"hostile strings", func(s *fakeSys) {
			dev := s.pcHost() + "/1-2"
			s.usbDevice(dev, "zz03", "6001", "\x1b[2J\x07SN\u202e1", strings.Repeat("é", 500), "a\xffb\tc")
			s.acm(dev+"/1-2:1.0", "ttyACM0")
		}, []Info{{
			Path: "ttyACM0", Slot: "pci-0000:03:00.0-usb-0:2:1.0", PID: "6001", HardwareSerial: "[2JSN1",
			Manufacturer: strings.Repeat("é", 64), Product: "abc", IsUSB: true, Driver: "cdc_acm",
		}}},
		{"nothing", func(*fakeSys) {}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newFakeSys(t)
			tc.build(s)
			if diff := cmp.Diff(tc.want, s.list()); diff != "" {
				t.Errorf("ports (-want +got):\n%s", diff)
			}
		})
	}
}

// pcHost2 makes a second controller.
func (s *fakeSys) pcHost2() string {
	s.device("devices/pci0000:00/0000:00:14.0", "pci")
	s.device("devices/pci0000:00/0000:00:14.0/usb2", "usb")
	return "devices/pci0000:00/0000:00:14.0/usb2"
}

func TestListTakesIdentityLinksFromUdev(t *testing.T) {
	s := newFakeSys(t)
	dev := s.pcHost() + "/1-2"
	s.usbDevice(dev, "0403", "6001", "X", "", "")
	s.acm(dev+"/1-2:1.0", "ttyACM0")
	dir := filepath.Join(s.dev, "serial", "by-id")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../../ttyACM0", filepath.Join(dir, "usb-Acme_Widget_X-if00")); err != nil {
		t.Fatal(err)
	}
	if got := s.list(); len(got) != 1 || got[0].ByID != "usb-Acme_Widget_X-if00" {
		t.Errorf("got %+v, want one port with its name from by-id", got)
	}
}

func TestListWithoutSysfsFails(t *testing.T) {
	if found, err := enumerate(t.TempDir(), t.TempDir()); err == nil || found != nil {
		t.Errorf("got %v, %v, want nil and an error", found, err)
	}
}

// TestListOfThisMachine reads the real sysfs; whatever it finds can be opened
// by name and has a place.
func TestListOfThisMachine(t *testing.T) {
	infos, err := List()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, i := range infos {
		if _, err := os.Stat(i.Path); err != nil || i.Slot == "" || seen[i.Slot] {
			t.Errorf("got %+v, %v, want an existing path and a slot of its own", i, err)
		}
		seen[i.Slot] = true
	}
}

func TestLatencyTimer(t *testing.T) {
	s := newFakeSys(t)
	s.mkdir("bus/usb-serial/devices/ttyUSB0")
	s.attr("bus/usb-serial/devices/ttyUSB0", "latency_timer", "16")
	s.mkdir("bus/usb-serial/devices/ttyUSB1")
	s.attr("bus/usb-serial/devices/ttyUSB1", "latency_timer", "soon")
	fs := newSysfs(s.root, s.dev)
	for path, want := range map[string]int{"/dev/ttyUSB0": 16, "/dev/ttyUSB1": -1, "/dev/ttyUSB2": -1, "": -1} {
		ms, ok := fs.latencyTimer(path)
		if !ok {
			ms = -1
		}
		if ms != want {
			t.Errorf("latency of %q: got %d, want %d (-1 is unknown)", path, ms, want)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("FT232R USB UART")
	f.Add("\x1b]0;title\x07\u202e\u200b\xff")
	f.Add(strings.Repeat("€", 100))
	f.Fuzz(func(t *testing.T, s string) {
		got := clean(s)
		if len(got) > maxText || !utf8.ValidString(got) || clean(got) != got {
			t.Fatalf("got %q from %q, want valid, bounded, stable text", got, s)
		}
		for _, r := range got {
			if r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x202e {
				t.Fatalf("got %q with %U, want it printable", got, r)
			}
		}
	})
}
