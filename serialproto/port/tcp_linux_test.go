package port

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A second connection would take the first one's place at most servers: it is not even dialled.
func TestServerIsHeldOnce(t *testing.T) {
	p, _, path := connected(t, Config{})
	q, err := Open(path, Config{})
	wantKind(t, "open again", err, ErrBusy)
	if q != nil {
		t.Error("got a second port")
	}
	_, number, _ := net.SplitHostPort(strings.TrimPrefix(path, schemeTCP))
	_, err = Open(schemeTCP+"[::ffff:127.0.0.1]:"+number, Config{})
	wantKind(t, "open by another name", err, ErrBusy)
	wantKind(t, "reach", Reach(t.Context(), path), ErrBusy)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if err := Reach(t.Context(), path); err != nil {
		t.Errorf("after close: got %v, want the server free again", err)
	}
}

func TestServerOptions(t *testing.T) {
	p, _, _ := connected(t, Config{})
	raw, err := p.line.(*tcpLine).conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string][3]int{
		"TCP_NODELAY":      {unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
		"SO_KEEPALIVE":     {unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
		"TCP_KEEPIDLE":     {unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 5},
		"TCP_KEEPINTVL":    {unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 3},
		"TCP_KEEPCNT":      {unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 3},
		"TCP_USER_TIMEOUT": {unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 12000},
	} {
		var got int
		var gerr error
		if err := raw.Control(func(fd uintptr) { got, gerr = unix.GetsockoptInt(int(fd), o[0], o[1]) }); err != nil {
			t.Fatal(err)
		}
		if got != o[2] || gerr != nil {
			t.Errorf("%s: got %d (%v), want %d", name, got, gerr, o[2])
		}
	}
}

// offlineChild makes the test binary the child of [TestServerIsCutOff].
const offlineChild = "PORT_TEST_OFFLINE_CHILD"

// A server whose network is gone says nothing at all: no end, no reset. The port is gone within 15 s, whether bytes were
// under way or not. The network is one of the test's own, which it switches off.
func TestServerIsCutOff(t *testing.T) {
	if os.Getenv(offlineChild) != "" {
		cutOff(t)
		return
	}
	if testing.Short() {
		t.Skip("takes 15 s")
	}
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestServerIsCutOff$", "-test.v")
	cmd.Env = append(os.Environ(), offlineChild+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	var start *exec.ExitError
	if err != nil && !errors.As(err, &start) {
		needReal(t, fmt.Sprintf("a network namespace (%v)", err))
	}
	t.Logf("%s", out)
	if err != nil || !strings.Contains(string(out), "--- PASS") {
		t.Errorf("got %v, want the child to pass", err)
	}
}

// needReal skips a test for want of a part of the system, or fails it where that is demanded.
func needReal(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("PROVSTATION_REQUIRE_REAL") == "1" {
		t.Fatalf("%s is not to be had here", what)
	}
	t.Skipf("%s is not to be had here", what)
}

// loopback switches the namespace's only interface.
func loopbackUp(t *testing.T, up bool) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(fd) }()
	req, err := unix.NewIfreq("lo")
	if err != nil {
		t.Fatal(err)
	}
	if up {
		req.SetUint16(unix.IFF_UP)
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, req); err != nil {
		t.Fatal(err)
	}
}

func cutOff(t *testing.T) {
	loopbackUp(t, true)
	quiet, _, _ := connected(t, Config{})
	busy, _, _ := connected(t, Config{})
	loopbackUp(t, false)
	begun := time.Now()
	if _, err := busy.Write([]byte("is anybody there")); err != nil {
		t.Fatalf("the first write: got %v, want it taken by the system", err)
	}
	for name, p := range map[string]*Port{"quiet": quiet, "busy": busy} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := p.SetReadDeadline(begun.Add(20 * time.Second)); err != nil {
				t.Fatal(err)
			}
			_, err := p.Read(make([]byte, 1))
			wantKind(t, "read", err, ErrGone)
			took := time.Since(begun)
			if took > 17*time.Second {
				t.Errorf("got %v, want about 15 s", took)
			}
			t.Logf("%s: gone after %v: %v", name, took.Round(100*time.Millisecond), err)
		})
	}
}

// The real socat as serial server, a pty pair behind it, a device on the other end.
func TestServerSocat(t *testing.T) {
	socat, err := exec.LookPath("socat")
	if err != nil {
		needReal(t, "socat")
	}
	free, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	_, number, _ := net.SplitHostPort(address)
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "device")
	cmd := exec.Command(socat, "TCP-LISTEN:"+number+",bind=127.0.0.1,reuseaddr,fork", "PTY,rawer,wait-slave,link="+link) //nolint:noctx // killed below
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
	})
	station := openSoon(t, schemeTCP+address)
	device := openSoon(t, link)
	var all []byte
	for b := range 256 { // every byte passes in both directions
		all = append(all, byte(b))
	}
	for name, way := range map[string][2]*Port{"to the device": {station, device}, "from the device": {device, station}} {
		if _, err := way[0].Write(all); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got := make([]byte, len(all))
		err := within(t, name, func() error { _, err := io.ReadFull(way[1], got); return err })
		if err != nil || string(got) != string(all) {
			t.Errorf("%s: got %x, %v; want every byte as it was", name, got, err)
		}
	}
	if err := device.Close(); err != nil { // the device's end hangs up: socat ends the connection
		t.Fatal(err)
	}
	_, err = station.Read(make([]byte, 1))
	wantKind(t, "read after the device hung up", err, ErrGone)
}

// openSoon opens what a program that was just started makes.
func openSoon(t *testing.T, path string) *Port {
	t.Helper()
	late := time.After(patience)
	for {
		p, err := Open(path, Config{})
		if err == nil {
			t.Cleanup(func() { _ = p.Close() })
			return p
		}
		select {
		case <-late:
			t.Fatalf("open %s: %v", path, err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}
