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
	Socket string // where it takes commands

	t   testing.TB
	dir string
}

// Device names the TPM as `provagent --tpm-device` does.
func (s *SWTPM) Device() string { return "unix:" + s.Socket }

// StartSWTPM starts a TPM that was just made.
func StartSWTPM(t testing.TB) *SWTPM {
	t.Helper()
	dir, err := os.MkdirTemp("", "swtpm") // the path of a socket may have 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &SWTPM{Socket: filepath.Join(dir, "tpm.sock"), t: t, dir: dir}
	s.Start()
	return s
}

// Start starts it again with the state it had, as after a power cycle.
func (s *SWTPM) Start() {
	s.t.Helper()
	state := filepath.Join(s.dir, "state")
	if err := os.MkdirAll(state, 0o700); err != nil {
		s.t.Fatal(err)
	}
	_ = os.Remove(s.Socket)
	s.Process = Start(s.t, Program(s.t, "swtpm"), "socket", "--tpm2", "--tpmstate", "dir="+state,
		"--server", "type=unixio,path="+s.Socket, "--flags", "not-need-init,startup-clear")
	s.waitSocket()
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
func (s *SWTPM) waitSocket() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "unix", s.Socket)
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
