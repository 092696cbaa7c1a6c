package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"provstation/serialproto"
	"provstation/serialproto/link"
)

const maxBinary = 8 << 20

// built gives a provagent as it is shipped.
func built(t *testing.T, env ...string) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "provagent")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-tags", "nethttpomithttp2", "-trimpath", "-ldflags", "-s -w", "-o", bin, ".")
	cmd.Env = append(os.Environ(), append(env, "CGO_ENABLED=0")...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return bin
}

func TestStrippedSize(t *testing.T) {
	i, err := os.Stat(built(t, "GOOS=linux", "GOARCH=arm64"))
	if err != nil {
		t.Fatal(err)
	}
	if i.Size() >= maxBinary {
		t.Errorf("got %d bytes, want less than %d", i.Size(), maxBinary)
	}
}

// process is a program that a test owns.
type process struct {
	cmd  *exec.Cmd
	out  *tail
	done chan error
}

// tail collects output and wakes who waits for a piece of it.
type tail struct {
	mu   sync.Mutex
	b    bytes.Buffer
	more chan struct{}
}

func (o *tail) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.b.Write(p)
	select {
	case o.more <- struct{}{}:
	default:
	}
	return len(p), nil
}

func (o *tail) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

func start(t *testing.T, name string, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(name, args...), out: &tail{more: make(chan struct{}, 1)}, done: make(chan error, 1)} //nolint:noctx // ended by signal
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.done <- p.cmd.Wait() }()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // most have ended by now
		if err := <-p.done; err != nil {
			p.done <- err // killed or ended by a signal; ends has judged it
		}
	})
	return p
}

// says waits for n occurrences of a text in the output.
func (p *process) says(t *testing.T, text string, n int) {
	t.Helper()
	timeout := time.After(30 * time.Second)
	for strings.Count(p.out.String(), text) < n {
		select {
		case <-p.out.more:
		case err := <-p.done:
			p.done <- err
			t.Fatalf("%s ended (%v) before it said %q:\n%s", p.cmd.Path, err, text, p.out)
		case <-timeout:
			t.Fatalf("%s never said %q:\n%s", p.cmd.Path, text, p.out)
		}
	}
}

// ends waits for the process and gives its exit code.
func (p *process) ends(t *testing.T) int {
	t.Helper()
	select {
	case err := <-p.done:
		p.done <- err
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(20 * time.Second):
		t.Fatalf("%s does not end:\n%s", p.cmd.Path, p.out)
		return -1
	}
}

// cable starts socat with a pty at both ends.
func cable(t *testing.T, near, far string) *process {
	t.Helper()
	socat, err := exec.LookPath("socat")
	if err != nil {
		if os.Getenv("PROVSTATION_REQUIRE_REAL") == "1" {
			t.Fatal("socat is missing")
		}
		t.Skip("socat is missing")
	}
	p := start(t, socat, "-d", "-d", "pty,rawer,link="+near, "pty,rawer,link="+far)
	p.says(t, "starting data transfer loop", 1)
	return p
}

// station opens the near end.
func station(t *testing.T, path string) *link.Host {
	t.Helper()
	f, err := openTTY(path, 0)
	if err != nil {
		t.Fatal(err)
	}
	h := link.NewHost(f, link.HostConfig{})
	t.Cleanup(func() {
		if err := h.Close(); err != nil && !errors.Is(err, fs.ErrClosed) && !errors.Is(err, io.EOF) {
			t.Logf("close: %v", err)
		}
	})
	return h
}

func TestProcess(t *testing.T) {
	bin, dir := built(t), t.TempDir()
	near, far, state := filepath.Join(dir, "near"), filepath.Join(dir, "far"), filepath.Join(dir, "state")
	wire := cable(t, near, far)
	args := []string{"serve", "--tty", far, "--state-dir", state, "--serial", "HW-7", "--model", "box", "--baud", "0"}
	agent := start(t, bin, args...)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()

	h := station(t, near)
	a, err := h.WaitAnnounce(ctx)
	if err != nil || a.Serial != "HW-7" || a.Model != "box" {
		t.Fatalf("got announce %+v (%v), want box HW-7\n%s", a, err, agent.out)
	}
	w, err := h.Greet(ctx)
	if err != nil || w.State != serialproto.StateEmpty {
		t.Fatalf("got welcome %+v (%v), want an empty device", w, err)
	}
	enroll := serialproto.EnrollArgs{
		Op: serialproto.OpEnroll, Alg: serialproto.AlgP256, DeviceID: "box-7", EnrollID: []byte("12345678"), WireGuard: true,
	}
	var first, again serialproto.EnrollResult
	if err := h.Call(ctx, enroll, &first); err != nil {
		t.Fatal(err)
	}

	// A second agent on the same line, or on the same state, gives up at once.
	other := start(t, bin, "serve", "--tty", far, "--state-dir", filepath.Join(dir, "other"))
	if code := other.ends(t); code != exitError || !strings.Contains(other.out.String(), errLocked.Error()) {
		t.Errorf("second agent on the line: got exit code %d, want %d: %s", code, exitError, other.out)
	}
	other = start(t, bin, "serve", "--tty", near, "--state-dir", state)
	if code := other.ends(t); code != exitError || !strings.Contains(other.out.String(), errLocked.Error()) {
		t.Errorf("second agent on the state: got exit code %d, want %d: %s", code, exitError, other.out)
	}

	// The cable is pulled and put back: the same key is there.
	if err := wire.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	wire.ends(t)
	agent.says(t, "line lost", 1)
	cable(t, near, far)
	agent.says(t, "line open", 2)
	h = station(t, near)
	if w, err = h.Greet(ctx); err != nil || w.State != serialproto.StateKeyed || !bytes.Equal(w.BootID, a.BootID) {
		t.Fatalf("got welcome %+v (%v), want the same agent with a key\n%s", w, err, agent.out)
	}
	if err := h.Call(ctx, enroll, &again); err != nil || !again.Existing || !bytes.Equal(first.CSR, again.CSR) {
		t.Errorf("after the cable was pulled: got existing=%v (%v), want the same CSR", again.Existing, err)
	}

	// Stopped in order, in the middle of a session.
	if err := agent.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := agent.ends(t); code != exitOK || !strings.Contains(agent.out.String(), "agent stops") {
		t.Errorf("SIGTERM: got exit code %d, want %d: %s", code, exitOK, agent.out)
	}
	checkNoSecrets(t, state, agent.out.String())
}

// checkNoSecrets looks for private keys in the log, and for their mode on disk.
func checkNoSecrets(t *testing.T, state, log string) {
	t.Helper()
	found := 0
	for _, name := range []string{"device-key.pem", "wireguard.key"} {
		paths, err := filepath.Glob(filepath.Join(state, "generations", "*", name))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range paths {
			found++
			b, err := os.ReadFile(p)
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(string(b)) {
				if line = strings.TrimSpace(line); !strings.HasPrefix(line, "-----") && strings.Contains(log, line) {
					t.Errorf("the log holds a line of %s", name)
				}
			}
			if i, err := os.Stat(p); err != nil || i.Mode().Perm() != 0o600 {
				t.Errorf("%s: got mode %v (%v), want 0600", name, i.Mode(), err)
			}
		}
	}
	if found != 2 {
		t.Errorf("got %d private keys on the device, want 2", found)
	}
}

// TestKilledAgentKeepsItsKey: kill -9 at any time costs nothing that was answered.
func TestKilledAgentKeepsItsKey(t *testing.T) {
	bin, dir := built(t), t.TempDir()
	near, far, state := filepath.Join(dir, "near"), filepath.Join(dir, "far"), filepath.Join(dir, "state")
	cable(t, near, far)
	h := station(t, near)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var csr []byte
	for i := range 3 {
		agent := start(t, bin, "serve", "--tty", far, "--state-dir", state, "--baud", "0")
		agent.says(t, "line open", 1)
		if _, err := h.Greet(ctx); err != nil {
			t.Fatalf("start %d: %v\n%s", i, err, agent.out)
		}
		var e serialproto.EnrollResult
		if err := h.Call(ctx, serialproto.EnrollArgs{
			Op: serialproto.OpEnroll, Alg: serialproto.AlgEd25519, DeviceID: "box-7", EnrollID: []byte("12345678"),
		}, &e); err != nil {
			t.Fatalf("start %d: %v", i, err)
		}
		if csr == nil {
			csr = e.CSR
		}
		if !bytes.Equal(csr, e.CSR) || e.Generation != 1 {
			t.Errorf("start %d: got another CSR or generation %d, want 1", i, e.Generation)
		}
		if err := agent.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		agent.ends(t)
	}
}
