package stationtest

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// SWTPM is a real TPM 2.0 in software (libtpms), with a state of its own.
type SWTPM struct {
	*Process
	Socket  string // where it takes commands
	Control string // or where QEMU takes it for a machine of its own, with what crossed in Log

	t   testing.TB
	dir string
}

// Device names the TPM as `provagent --tpm-device` does.
func (s *SWTPM) Device() string { return "unix:" + s.Socket }

// StartSWTPM starts a TPM that was just made.
func StartSWTPM(t testing.TB) *SWTPM {
	t.Helper()
	s := newSWTPM(t)
	s.Socket = filepath.Join(s.dir, "tpm.sock")
	s.Start()
	return s
}

// StartSWTPMForQEMU starts a TPM that was just made for a virtual machine (-tpmdev emulator).
func StartSWTPMForQEMU(t testing.TB) *SWTPM {
	t.Helper()
	s := newSWTPM(t)
	s.Control = filepath.Join(s.dir, "ctrl.sock")
	s.Start()
	return s
}

// Log is what crossed between a machine and its TPM, commands and answers in hex.
func (s *SWTPM) Log() string {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, "log"))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

func newSWTPM(t testing.TB) *SWTPM {
	t.Helper()
	dir, err := os.MkdirTemp("", "swtpm") //nolint:usetesting // not t.TempDir: the path of a socket has 107 characters
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return &SWTPM{t: t, dir: dir}
}

// Start starts it again with the state it had, as after a power cycle.
func (s *SWTPM) Start() {
	s.t.Helper()
	state := filepath.Join(s.dir, "state")
	if err := os.MkdirAll(state, 0o700); err != nil {
		s.t.Fatal(err)
	}
	args := []string{"socket", "--tpm2", "--tpmstate", "dir=" + state}
	socket := s.Socket
	if s.Control != "" {
		socket = s.Control
		args = append(args, "--ctrl", "type=unixio,path="+socket, "--log", "level=20,file="+filepath.Join(s.dir, "log"))
	} else {
		args = append(args, "--server", "type=unixio,path="+socket, "--flags", "not-need-init,startup-clear")
	}
	_ = os.Remove(socket)
	s.Process = Start(s.t, Program(s.t, "swtpm"), args...)
	s.waitSocket(socket)
}

// Forget ends it and starts another one in its place: a TPM that was replaced.
func (s *SWTPM) Forget() {
	s.t.Helper()
	s.Kill()
	if err := os.RemoveAll(filepath.Join(s.dir, "state")); err != nil {
		s.t.Fatal(err)
	}
	s.Start()
}

// waitSocket waits until it listens: it says nothing of that.
func (s *SWTPM) waitSocket(path string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
		if err == nil {
			_ = conn.Close()
			return
		}
		select {
		case <-tick.C:
		case <-s.exited:
			s.t.Fatalf("swtpm ended:\n%s", s.Output())
		case <-ctx.Done():
			s.t.Fatal(errors.Join(errors.New("swtpm does not listen"), err, errors.New(strings.TrimSpace(s.Output()))))
		}
	}
}
