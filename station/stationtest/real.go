package stationtest

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// RequireReal is the variable that turns a skipped test for want of a real part into a failure.
const RequireReal = "PROVSTATION_REQUIRE_REAL"

// Program finds a real program: in the module's own .cache/bin (where `make test` builds step-ca), in PATH, in the
// folders of daemons. A test without it is skipped, or fails where [RequireReal] is 1.
func Program(t testing.TB, name string) string {
	t.Helper()
	for _, dir := range append([]string{cacheBin()}, append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin", "/usr/local/sbin")...) {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return path
		}
	}
	if os.Getenv(RequireReal) == "1" {
		t.Fatalf("%s is not installed, and %s=1 demands it: run `make test`, which installs it", name, RequireReal)
	}
	t.Skipf("%s is not installed", name)
	return ""
}

// cacheBin is .cache/bin beside the nearest go.mod above the test's folder.
func cacheBin() string {
	dir, err := os.Getwd()
	for err == nil && dir != filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, ".cache", "bin")
		}
		dir = filepath.Dir(dir)
	}
	return ""
}

// Process is a child that ends with the test.
type Process struct {
	Cmd *exec.Cmd

	t      testing.TB
	name   string
	exited chan struct{}
	mu     sync.Mutex
	output bytes.Buffer
	lines  chan string
}

// maxOutput bounds what is kept of a child's output, bytes.
const maxOutput = 1 << 20

// Start starts a program whose output is kept and shown when the test fails.
func Start(t testing.TB, program string, args ...string) *Process {
	t.Helper()
	return start(t, exec.Command(program, args...), nil) //nolint:noctx // ended by Stop
}

func start(t testing.TB, cmd *exec.Cmd, as *account) *Process {
	t.Helper()
	p := &Process{
		Cmd: cmd, t: t, name: filepath.Base(cmd.Path), exited: make(chan struct{}), lines: make(chan string, 1024),
	}
	endWithParent(p.Cmd)
	as.apply(p.Cmd)
	out, err := p.Cmd.StdoutPipe()
	if err != nil {
		t.Fatalf("start %s: %v", p.name, err)
	}
	p.Cmd.Stderr = p.Cmd.Stdout
	if err := p.Cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", p.name, err)
	}
	go p.read(bufio.NewScanner(out))
	t.Cleanup(func() {
		p.Stop()
		if t.Failed() {
			t.Logf("%s said:\n%s", p.name, p.Output())
		}
	})
	return p
}

func (p *Process) read(s *bufio.Scanner) {
	defer close(p.exited)
	for s.Scan() {
		p.mu.Lock()
		if p.output.Len() < maxOutput {
			p.output.WriteString(s.Text() + "\n")
		}
		p.mu.Unlock()
		select {
		case p.lines <- s.Text():
		default:
		}
	}
	_ = p.Cmd.Wait()
}

// Output is what the process printed so far.
func (p *Process) Output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.String()
}

// WaitLine returns the next line that contains text.
func (p *Process) WaitLine(text string) string {
	p.t.Helper()
	late := time.After(30 * time.Second)
	for {
		select {
		case line := <-p.lines:
			if strings.Contains(line, text) {
				return line
			}
		case <-p.exited:
			if slices.ContainsFunc(strings.Split(p.Output(), "\n"), func(l string) bool { return strings.Contains(l, text) }) {
				return text
			}
			p.t.Fatalf("%s ended without saying %q:\n%s", p.name, text, p.Output())
		case <-late:
			p.t.Fatalf("%s did not say %q within 30 s:\n%s", p.name, text, p.Output())
		}
	}
}

// Stop ends the process, politely first.
func (p *Process) Stop() {
	_ = p.Cmd.Process.Signal(os.Interrupt)
	select {
	case <-p.exited:
	case <-time.After(3 * time.Second):
		p.Kill()
	}
}

// Kill ends the process with SIGKILL and waits for its end.
func (p *Process) Kill() {
	_ = p.Cmd.Process.Kill()
	<-p.exited
}

// Mosquitto is a real broker: an mTLS listener that trusts only the root, and a plain one on the loopback interface for
// a test's subscriber.
type Mosquitto struct {
	*Process
	Port  int // mTLS
	Plain int
}

// StartMosquitto starts a broker. ca, cert and key are PEM files; extra lines go into its configuration.
func StartMosquitto(t testing.TB, ca, cert, key string, extra ...string) *Mosquitto {
	t.Helper()
	program := Program(t, "mosquitto")
	m := &Mosquitto{Port: FreePort(t), Plain: FreePort(t)}
	conf := []string{
		"per_listener_settings false", "allow_anonymous true", "persistence false", "log_dest stderr", "log_type all",
		fmt.Sprintf("listener %d 127.0.0.1", m.Plain),
		fmt.Sprintf("listener %d 127.0.0.1", m.Port),
		"cafile " + ca, "certfile " + cert, "keyfile " + key, "require_certificate true", "use_identity_as_username true",
	}
	if os.Geteuid() == 0 {
		conf = append([]string{"user root"}, conf...) // or it could not read the test's files
	}
	file := filepath.Join(t.TempDir(), "mosquitto.conf")
	if err := os.WriteFile(file, []byte(strings.Join(append(conf, extra...), "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	m.Process = Start(t, program, "-c", file)
	m.WaitLine("running")
	return m
}

// Socat is a real pty pair.
type Socat struct {
	*Process
	Device, Station     string // the two ends' paths
	toDevice, toStation string
}

// StartSocat makes a pty pair and writes down what crosses it.
func StartSocat(t testing.TB) *Socat {
	t.Helper()
	dir := t.TempDir()
	s := &Socat{
		Device: filepath.Join(dir, "device"), Station: filepath.Join(dir, "station"),
		toDevice: filepath.Join(dir, "to-device.bin"), toStation: filepath.Join(dir, "to-station.bin"),
	}
	s.Process = Start(t, Program(t, "socat"), "-d", "-d", "-r", s.toStation, "-R", s.toDevice,
		"pty,raw,echo=0,link="+s.Device, "pty,raw,echo=0,link="+s.Station)
	s.WaitLine("starting data transfer loop")
	return s
}

// Transcript is every byte that crossed, by direction.
func (s *Socat) Transcript() (toDevice, toStation []byte) {
	s.t.Helper()
	read := func(path string) []byte {
		data, err := os.ReadFile(path)
		if err != nil {
			s.t.Fatalf("transcript: %v", err)
		}
		return data
	}
	return read(s.toDevice), read(s.toStation)
}

// FreePort is a TCP port that nothing listens on right now.
func FreePort(t testing.TB) int {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
