package device_test

import (
	"net"
	"strconv"
	"testing"
	"time"

	"provstation/station"
	"provstation/station/device"
	"provstation/station/devstack"
	"provstation/station/stationtest"
)

// serialServer is the real socat between a TCP port and a terminal, for one client.
func serialServer(t *testing.T, address, terminal string) *stationtest.Process {
	t.Helper()
	host, number, err := net.SplitHostPort(address)
	must(t, err)
	return stationtest.Start(t, stationtest.Program(t, "socat"), "TCP-LISTEN:"+number+",bind="+host+",reuseaddr",
		"OPEN:"+terminal+",rawer,noctty")
}

// serverWorld is a bench whose only port is behind a serial server.
type serverWorld struct {
	world
	path string
}

func (w serverWorld) watcher() station.Watcher { return device.NewWatcher([]string{w.path}) }

// A device behind a serial server is provisioned; when the server dies in the middle of the run, the run says so, and the
// next one begins by itself when the server is back.
func TestServerRun(t *testing.T) {
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(stationtest.FreePort(t)))
	path := "tcp://" + address
	r := newHotplugRig(t, serverWorld{path: path}, devstack.Config{Devices: 1, Delay: 300 * time.Millisecond},
		station.PortRules{Include: []string{path}, Slots: map[string]string{path: "far"}})
	if s := r.port(path); s.Status != "gone" || s.Slot != "far" {
		t.Errorf("before the server is there: got %q in %q, want gone in far", s.Status, s.Slot)
	}
	pty := terminal(t, r.stack.Devices[0])
	server := serialServer(t, address, pty)
	first := r.started()
	if first.Slot != "far" || first.Port != path {
		t.Errorf("started in %q on %q, want far on %s", first.Slot, first.Port, path)
	}
	r.enrolling(first.Run)
	server.Kill()
	lost := r.ended()
	if lost.Run != first.Run || lost.Code != station.CodePortGone {
		t.Errorf("got the end of %s with %q, want %s with %s", lost.Run, lost.Code, first.Run, station.CodePortGone)
	}
	serialServer(t, address, pty) // the device knows nothing of it: it gives its session up after ten silent seconds
	second := r.started()
	end := r.ended()
	r.passed(end, second)
	if end.Attempt != 2 || end.Slot != "far" {
		t.Errorf("got attempt %d in %q, want 2 in far", end.Attempt, end.Slot)
	}
}
