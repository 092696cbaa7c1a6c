package main

import (
	"io/fs"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"provstation/serialproto/port"
	"provstation/station/config"
	"provstation/station/stationtest"
)

var adapter = port.Info{ //nolint:gochecknoglobals // a constant
	Path: "/dev/ttyUSB0", Slot: "pci-0000:00:14.0-usb-0:1.4:1.0-port0", VID: "0403", PID: "6001", HardwareSerial: "A5",
	Product: "FT232R", IsUSB: true, Driver: "ftdi_sio", ByID: "/dev/serial/by-id/usb-FTDI",
}

func TestPortRows(t *testing.T) {
	p := newPatient(t)
	console := port.Info{Path: "/dev/ttyS0", Slot: "ttyS0"}
	pty := p.dir + "/pty"
	p.sys.ports = func() ([]port.Info, error) { return []port.Info{console, adapter}, nil }
	p.sys.holder = func(path string) (int, string, bool) { return 42, "minicom", path == adapter.Path }
	p.sys.latency = func(path string) (int, bool) { return 16, path == adapter.Path }
	p.sys.access = func(path string) error {
		switch path {
		case adapter.Path:
			return &fs.PathError{Op: "open", Path: path, Err: fs.ErrPermission}
		case pty:
			return &fs.PathError{Op: "stat", Path: path, Err: fs.ErrNotExist}
		}
		return nil
	}
	p.cfg.Ports.Include = []string{"/dev/ttyUSB*", pty, "tcp://192.0.2.10:4001"}
	p.cfg.Ports.Profiles = []config.ProfileRule{{Port: pty, Profile: "uboot"}, {USB: "0403:*", Slot: "left", Profile: "mcu"}}
	p.cfg.Ports.Slots = map[string]string{adapter.Slot: "left"}
	got, err := portRows(p.cfg, p.sys)
	if err != nil {
		t.Fatal(err)
	}
	want := []portRow{
		{Port: "/dev/ttyS0", Slot: "ttyS0", SlotKey: "ttyS0", Use: useIgnored, Why: "not-included", Profile: "agent", ProfileBy: byDefault},
		{
			Port: "/dev/ttyUSB0", Slot: "left", SlotKey: adapter.Slot, Use: useSlot, USB: "0403:6001", HardwareSerial: "A5", Product: "FT232R",
			ByID: adapter.ByID, Driver: "ftdi_sio", LatencyMS: 16, Holder: "minicom", HolderPID: 42, Problem: "no permission",
			Profile: "mcu", ProfileBy: "rule 2: usb 0403:*, slot left",
		},
		{Port: pty, Slot: pty, SlotKey: pty, Use: useSlot, Problem: "not there", Profile: "uboot", ProfileBy: "rule 1: port " + pty},
		{
			Port: "tcp://192.0.2.10:4001", Slot: "tcp://192.0.2.10:4001", SlotKey: "tcp://192.0.2.10:4001", Use: useSlot, Network: true,
			Profile: "agent", ProfileBy: byDefault,
		},
	}
	if d := cmp.Diff(want, got, cmpopts.IgnoreUnexported(portRow{})); d != "" {
		t.Errorf("rows (-want +got):\n%s", d)
	}
	var b strings.Builder
	if err := writePorts(&b, got); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"PORT", "left", "0403:6001", "minicom (42)", "no permission", "ignored (not-included)", "serial server", "mcu (rule 2: usb 0403:*, slot left)"} {
		if !strings.Contains(b.String(), part) {
			t.Errorf("the table lacks %q:\n%s", part, b.String())
		}
	}
}

func TestDoctorPorts(t *testing.T) {
	denied := func(p *patient, g portGroup) {
		p.sys.access = func(path string) error { return &fs.PathError{Op: "open", Path: path, Err: fs.ErrPermission} }
		p.sys.group = func(string) portGroup { return g }
	}
	held := func(name string) func(p *patient) {
		return func(p *patient) { p.sys.holder = func(string) (int, string, bool) { return 42, name, true } }
	}
	for name, tc := range map[string]struct {
		prepare func(p *patient)
		want    expect
	}{
		"named by nothing":  {func(p *patient) { p.cfg.Ports.Slots = nil }, expect{"ports", checkWarn, "1 serial ports, none of them a slot", "ports.slots"}},
		"in order":          {func(*patient) {}, expect{"port", checkOK, "free and permitted (0403:6001 FT232R)", ""}},
		"none":              {func(p *patient) { p.sys.ports = func() ([]port.Info, error) { return nil, nil } }, expect{"ports", checkWarn, "none of them a slot", "plug a device"}},
		"no group":          {func(p *patient) { denied(p, portGroup{}) }, expect{"port", checkFail, "may not open", `GROUP="dialout", MODE="0660"`}},
		"not in the group":  {func(p *patient) { denied(p, portGroup{name: "dialout"}) }, expect{"port", checkFail, "may not open", "sudo usermod -aG dialout $USER"}},
		"not yet in effect": {func(p *patient) { denied(p, portGroup{name: "dialout", listed: true}) }, expect{"port", checkFail, "may not open", "sign out and in again"}},
		"not there": {func(p *patient) {
			p.sys.access = func(path string) error { return &fs.PathError{Op: "stat", Path: path, Err: fs.ErrNotExist} }
		}, expect{"port", checkWarn, "not there", "plug it in"}},
		"held by ModemManager":    {held("ModemManager"), expect{"port", checkFail, "ModemManager (process 42) holds it", "systemctl disable --now ModemManager"}},
		"held by brltty":          {held("brltty"), expect{"port", checkFail, "brltty", "apt-get remove brltty"}},
		"held by a login":         {held("agetty"), expect{"port", checkFail, "agetty", "systemctl disable --now serial-getty@ttyUSB0.service"}},
		"held by another station": {held("provstation"), expect{"port", checkFail, "provstation", "another station runs here (process 42)"}},
		"held by anything":        {held("minicom"), expect{"port", checkFail, "minicom", "close that program (process 42)"}},
		"a login of another user": {func(p *patient) {
			p.sys.processes = func() ([]process, bool) {
				return []process{{7, "agetty", []string{"/sbin/agetty", "-L", "115200", "ttyUSB0"}}}, true
			}
		}, expect{"port", checkFail, "agetty (process 7) waits for a login", "serial-getty@ttyUSB0"}},
		"slow adapter": {
			func(p *patient) { p.sys.latency = func(string) (int, bool) { return 16, true } },
			expect{"port", checkWarn, "up to 16 ms", "echo 1 | sudo tee /sys/bus/usb-serial/devices/ttyUSB0/latency_timer"},
		},
		"quick adapter":           {func(p *patient) { p.sys.latency = func(string) (int, bool) { return 1, true } }, expect{"port", checkOK, "free", ""}},
		"without a configuration": {func(p *patient) { p.cfg = nil }, expect{"port", checkOK, "free", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPatient(t)
			p.sys.ports = func() ([]port.Info, error) { return []port.Info{adapter}, nil }
			p.cfg.Ports.Slots = map[string]string{adapter.Slot: "left"}
			tc.prepare(p)
			tc.want.in(t, p.checkPorts(t.Context()))
		})
	}
}

// A serial server is asked by connecting, here a real listener; a port of this machine never is.
func TestDoctorSerialServer(t *testing.T) {
	p := newPatient(t)
	p.sys.reach = port.Reach
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	path := "tcp://" + l.Addr().String()
	p.cfg.Ports.Include = []string{path}
	expect{"port", checkOK, "serial server answers", ""}.in(t, p.checkPorts(t.Context()))
	p.cfg.WireGuard.KeyOverTCP = config.PolicyAllow
	expect{"port", checkWarn, "private key", "wireguard.key_over_tcp: refuse"}.in(t, p.checkPorts(t.Context()))
	used, err := port.Open(path, port.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS == "linux" { // elsewhere the server turns a second client away
		expect{"port", checkFail, "connected to it already", "another station runs here"}.in(t, p.checkPorts(t.Context()))
	}
	if err := used.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	expect{"port", checkFail, "refused", "see that the serial server is on"}.in(t, p.checkPorts(t.Context()))
}

func TestDoctorPrograms(t *testing.T) {
	p := newPatient(t)
	expect{"programs", checkOK, "neither", ""}.in(t, p.checkPrograms(t.Context()))
	p.sys.processes = func() ([]process, bool) { return []process{{5, "ModemManager", nil}, {6, "brltty", nil}}, true }
	got := p.checkPrograms(t.Context())
	expect{"programs", checkWarn, "ModemManager runs (process 5)", "disable --now ModemManager"}.in(t, got)
	expect{"programs", checkWarn, "brltty runs (process 6)", "remove brltty"}.in(t, got)
	p.sys.processes = func() ([]process, bool) { return nil, false }
	expect{"programs", checkSkipped, "does not list", ""}.in(t, p.checkPrograms(t.Context()))
}

// A real pty: free while only socat has its other end, then held by another process.
func TestDoctorPortHeldForReal(t *testing.T) {
	p := newPatient(t)
	socat := stationtest.StartSocat(t)
	real := realSystem()
	p.sys.holder, p.sys.access, p.sys.processes = real.holder, real.access, real.processes
	p.cfg.Ports.Include = []string{socat.Station}
	expect{"port", checkOK, "free and permitted", ""}.in(t, p.checkPorts(t.Context()))
	other := stationtest.Start(t, "/bin/sh", "-c", `exec 3<>"$0" && echo open && exec sleep 60`, socat.Station)
	other.WaitLine("open")
	got := p.checkPorts(t.Context())
	expect{"port", checkFail, "holds it", "close that program"}.in(t, got)
	other.Kill()
	expect{"port", checkOK, "free and permitted", ""}.in(t, p.checkPorts(t.Context()))
}

func TestPortAccess(t *testing.T) {
	p := newPatient(t)
	if err := accessible(p.dir + "/gone"); portProblem(err) != "not there" {
		t.Errorf("got %v, want that it is not there", err)
	}
	closed := p.file("closed", "", 0)
	if os.Geteuid() != 0 { // root may do everything
		if err := accessible(closed); portProblem(err) != "no permission" {
			t.Errorf("got %v, want no permission", err)
		}
	}
	if g := groupOf(p.file("grouped", "", 0o660)); g.name == "" || !g.inEffect {
		t.Errorf("got %+v for a file of our own group, want its name, in effect", g)
	}
	if g := groupOf(closed); g.name != "" {
		t.Errorf("got %+v for a file that no group may use, want none", g)
	}
}
