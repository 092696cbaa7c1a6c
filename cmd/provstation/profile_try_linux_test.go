package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"provstation/station/config"
	"provstation/station/stationtest"
)

// tried runs `profile try --json` and gives what it said, and its exit code.
func tried(t *testing.T, args ...string) (tryRow, int) {
	t.Helper()
	out := cli(t, nil, append([]string{"profile", "try", "--json"}, args...)...)
	var r tryRow
	if err := json.Unmarshal([]byte(out.stdout), &r); err != nil {
		t.Fatalf("%v: %s%s", err, out.stdout, out.stderr)
	}
	return r, out.code
}

// speaker says a text on a line again and again, as a box does that is started again and again.
func speaker(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for {
			if _, err := f.WriteString(text); err != nil {
				return
			}
			select {
			case <-done:
				return
			case <-tick.C:
			}
		}
	}()
	t.Cleanup(func() {
		close(done)
		_ = f.Close()
		<-stopped
	})
}

// heardNothing makes sure that the station sent nothing to the device.
func heardNothing(t *testing.T, s *stationtest.Socat) {
	t.Helper()
	if down, _ := s.Transcript(); len(down) > 0 {
		t.Errorf("%d bytes were sent to the device: %q", len(down), down)
	}
}

func TestTryAgent(t *testing.T) {
	s := stationtest.StartSocat(t)
	stationtest.Start(t, binary(t, "provagent"), "serve", "--tty", s.Device, "--state-dir", t.TempDir(), "--serial", "SN-TRY", "--model", "bench-box")
	r, code := tried(t, s.Station, "--listen", "--for", "30s")
	if code != exitGood || !r.Fits || r.Heard != heardAgent || r.Announce == nil || r.Announce.HardwareSerial != "SN-TRY" || r.Greeting != nil || r.TxBytes != 0 {
		t.Errorf("listening: exit %d, %+v; want an ANNOUNCE of SN-TRY and nothing sent", code, r)
	}
	heardNothing(t, s)
	r, code = tried(t, s.Station, "--for", "30s")
	g := r.Greeting
	if code != exitGood || g == nil || g.Version != 1 || g.State != "empty" || g.Model != "bench-box" || g.Window != 8 || len(g.Features) == 0 || g.KeyStore != "flash" {
		t.Errorf("greeting: exit %d, %+v of %+v", code, g, r)
	}
	if r.Profile != "agent" || r.ProfileBy != byDefault || r.Recommend.Profile != "agent" || len(r.Recommend.Lines) > 0 {
		t.Errorf("profile: %+v, want agent, as it is", r)
	}
	// the bounds of a profile are what the device is offered
	r, code = tried(t, s.Station, "--profile", "mcu", "--for", "30s")
	if g := r.Greeting; code != exitGood || g == nil || g.Window != 1 || g.MaxMessage != 4096 {
		t.Errorf("as mcu: exit %d, %+v; want one frame at a time and messages of 4096 bytes", code, r.Greeting)
	}
	// a console's profile finds an agent, which is not what it is for
	if r, code = tried(t, s.Station, "--profile", "console", "--for", "30s"); code != exitBad || r.Fits || r.Recommend.Profile != "agent" {
		t.Errorf("as console: exit %d, %+v; want agent advised", code, r)
	}
}

func TestTrySilence(t *testing.T) {
	s := stationtest.StartSocat(t)
	r, code := tried(t, s.Station, "--for", "1s")
	if code != exitBad || r.Heard != heardSilent || r.RxBytes != 0 || r.FirstMS != nil || r.Recommend.Profile != "" {
		t.Errorf("exit %d, %+v; want that nothing came", code, r)
	}
	heardNothing(t, s)
	// where a flag asks for it, the station speaks first
	if _, code = tried(t, s.Station, "--for", "3s", "--probe"); code != exitBad {
		t.Errorf("probing: exit %d, want %d", code, exitBad)
	}
	if down, _ := s.Transcript(); len(down) == 0 {
		t.Error("--probe sent nothing")
	}
}

func TestTryBusy(t *testing.T) {
	s := stationtest.StartSocat(t)
	f, err := os.OpenFile(s.Station, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil { //nolint:gosec // a descriptor
		t.Fatal(err)
	}
	r, code := tried(t, s.Station)
	if code != exitBad || r.Code != "E-PORT-BUSY" || !strings.Contains(r.Message, "Another program is using the port") || r.Fits {
		t.Errorf("exit %d, %+v; want that the port is busy", code, r)
	}
	heardNothing(t, s)
}

// A box in its boot loader's countdown: whatever the profile is, not a byte is sent.
func TestTryBootLoader(t *testing.T) {
	s := stationtest.StartSocat(t)
	speaker(t, s.Device, bootBanner)
	for _, args := range [][]string{{"--profile", "uboot"}, nil, {"--probe"}, {"--profile", "console"}, {"--profile", "console", "--probe"}} {
		r, code := tried(t, append([]string{s.Station, "--for", "2s"}, args...)...)
		if code != exitBad || r.Heard != heardBoot || !r.Countdown || r.Recommend.Profile != "uboot" || !strings.Contains(r.Text, "stop autoboot") {
			t.Errorf("%q: exit %d, %+v; want a countdown, and uboot advised", args, code, r)
		}
	}
	heardNothing(t, s)
}

// A login waits: seen, and not answered.
func TestTryLogin(t *testing.T) {
	s := stationtest.StartSocat(t)
	speaker(t, s.Device, "\r\n\x1b[2JDebian GNU/Linux 12 box ttyS0\r\n\r\nbox login: ")
	r, code := tried(t, s.Station, "--for", "3s")
	if code != exitBad || r.Heard != heardLogin || r.Recommend.Profile != "console" || strings.ContainsRune(r.Text, '\x1b') {
		t.Errorf("as agent: exit %d, %+v; want a login, its text without escapes, and console advised", code, r)
	}
	want := []string{"ports:", "  profiles:", `    - {port: "` + s.Station + `", profile: console}`}
	if strings.Join(r.Recommend.Lines, "\n") != strings.Join(want, "\n") {
		t.Errorf("lines: got %q, want %q", r.Recommend.Lines, want)
	}
	if r, code = tried(t, s.Station, "--profile", "console", "--for", "3s"); code != exitGood || !r.Fits {
		t.Errorf("as console: exit %d, %+v; want that it fits", code, r)
	}
	heardNothing(t, s)
}

// A real shell on a console: woken by the profile's Enter, and with --login found out by the console's driver.
func TestTryShell(t *testing.T) {
	busybox := stationtest.Program(t, "busybox")
	near := filepath.Join(t.TempDir(), "console")
	p := stationtest.Start(t, stationtest.Program(t, "socat"), "-d", "-d", "exec:"+busybox+" sh -i,pty,setsid,ctty,stderr", "pty,raw,echo=0,link="+near)
	p.WaitLine("starting data transfer loop")
	r, code := tried(t, near, "--profile", "console", "--for", "20s")
	if code != exitGood || r.Heard != heardShell || r.TxBytes != 1 {
		t.Errorf("exit %d, %+v; want a prompt after one byte", code, r)
	}
	if r, code = tried(t, near, "--profile", "console", "--for", "2s", "--listen"); r.TxBytes != 0 {
		t.Errorf("listening: exit %d, %+v; want nothing sent", code, r)
	}
}

// babbler is a device that makes sense at one speed alone.
func babbler(t *testing.T, speed uint32) (path string) {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	frame := announceFrame(t)
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
			}
			said := noise(100)
			if tio, err := unix.IoctlGetTermios(int(slave.Fd()), unix.TCGETS2); err == nil && tio.Ospeed == speed {
				said = frame
			}
			_ = master.SetWriteDeadline(time.Now().Add(50 * time.Millisecond)) // nobody reads between two openings
			_, _ = master.Write(said)
		}
	}()
	t.Cleanup(func() {
		close(done)
		<-stopped
		_ = master.Close()
		_ = slave.Close()
	})
	return slave.Name()
}

func TestTrySpeeds(t *testing.T) {
	path := babbler(t, 38400)
	r, code := tried(t, path, "--listen")
	if code != exitBad || r.Heard != heardGarbage || !strings.Contains(r.Recommend.Why, "--scan-baud") || len(r.Scan) > 0 {
		t.Errorf("exit %d, %+v; want garbage, and --scan-baud advised", code, r)
	}
	r, code = tried(t, path, "--listen", "--scan-baud")
	if code != exitBad || len(r.Scan) == 0 || r.Scan[len(r.Scan)-1].Baud != 38400 || r.Recommend.Profile != "agent" || r.Recommend.Baud != 38400 {
		t.Fatalf("exit %d, %+v; want an agent at 38400", code, r)
	}
	// the advice, taken
	cfg := writeStation(t, strings.Join(r.Recommend.Lines, "\n"))
	if r, code = tried(t, path, "--listen", "--config", cfg); code != exitGood || r.Profile != "agent-38400" || len(r.Recommend.Lines) > 0 {
		t.Errorf("with the advised lines: exit %d, %+v", code, r)
	}
}

// What people read fits a terminal of 80 columns.
func TestTryText(t *testing.T) {
	s := stationtest.StartSocat(t)
	stationtest.Start(t, binary(t, "provagent"), "serve", "--tty", s.Device, "--state-dir", t.TempDir(), "--serial", "SN-TRY", "--model", "bench-box")
	noisy := stationtest.StartSocat(t)
	speaker(t, noisy.Device, strings.Repeat("a very long line of a kernel that says much ", 9)+"\r\n"+bootBanner)
	link := filepath.Join("/tmp", filepath.Base(t.TempDir())+"-try") // the path itself is not to be what is too long
	for _, target := range []string{s.Station, noisy.Station} {
		_ = os.Remove(link)
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
		out := cli(t, nil, "profile", "try", link, "--for", "3s")
		for line := range strings.Lines(out.stdout) {
			if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > 80 {
				t.Errorf("line of %d columns: %q", n, line)
			}
		}
		for _, part := range []string{"port      ", "profile   agent (ports.profile)", "heard     ", "verdict   ", "advice    "} {
			if !strings.Contains(out.stdout, part) {
				t.Errorf("lacks %q:\n%s", part, out.stdout)
			}
		}
	}
	_ = os.Remove(link)
}

// The rule that fits the port decides how it is opened, in profile try as on the bench.
func TestTryByRule(t *testing.T) {
	path := babbler(t, 57600)
	cfg := writeStation(t, `ports: {slots: {"`+path+`": left}, profiles: [{slot: left, profile: slow}]}`+"\nprofiles: {slow: {baud: 57600}}")
	r, code := tried(t, "left", "--config", cfg, "--listen")
	if code != exitGood || r.Use != useSlot || r.Profile != "slow" || r.ProfileBy != "rule 1: slot left" || r.Driver != config.DriverAgent || r.Baud != 57600 {
		t.Errorf("exit %d, %+v; want slow by its rule", code, r)
	}
}
