package port

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// holdEnv makes this test binary a second station: it opens the port named,
// prints the outcome and holds the port until its input ends.
const holdEnv = "PORT_TEST_HOLD"

func TestMain(m *testing.M) {
	if path := os.Getenv(holdEnv); path != "" {
		hold(path)
		return
	}
	os.Exit(m.Run())
}

func hold(path string) {
	p, err := Open(path, Config{})
	switch {
	case errors.Is(err, ErrBusy):
		_, _ = os.Stdout.WriteString("busy\n")
	case err != nil:
		_, _ = os.Stdout.WriteString(err.Error() + "\n")
	default:
		_, _ = os.Stdout.WriteString("open\n")
		_, _ = os.Stdin.Read(make([]byte, 1))
		_ = p.Close()
	}
}

// secondStation starts another process that opens path and returns what became
// of it. The process ends with the test.
func secondStation(t *testing.T, path string, attr *syscall.SysProcAttr) (*exec.Cmd, string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe")
	cmd.Env = append(os.Environ(), holdEnv+"="+path)
	cmd.SysProcAttr = attr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	line := within(t, "second station", func() string {
		line, _ := bufio.NewReader(out).ReadString('\n')
		return line
	})
	return cmd, strings.TrimSpace(line)
}

func TestSecondOpenInOneProcessIsBusy(t *testing.T) {
	_, path := newPTY(t)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	p := mustOpen(t, Open, path, Config{})
	for _, again := range []string{path, link} {
		_, err := Open(again, Config{})
		wantKind(t, "second open as "+again, err, ErrBusy)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	p = mustOpen(t, Open, link, Config{})
	if p.Path() != link {
		t.Errorf("got path %q, want it as given, %q", p.Path(), link)
	}
}

func TestPortHeldByAnotherProcessIsBusyAndNamesIt(t *testing.T) {
	_, path := newPTY(t)
	cmd, got := secondStation(t, path, nil)
	if got != "open" {
		t.Fatalf("second station: got %q, want open", got)
	}
	_, err := Open(path, Config{})
	wantKind(t, "open", err, ErrBusy)
	var pe *Error
	if !errors.As(err, &pe) || pe.Holder.PID != cmd.Process.Pid || pe.Holder.Name == "" {
		t.Errorf("got holder %+v, want pid %d and its name", pe.Holder, cmd.Process.Pid)
	}
	if want := strconv.Itoa(cmd.Process.Pid); !strings.Contains(err.Error(), want) {
		t.Errorf("got %q, want the pid %s in it", err, want)
	}
	pid, name, ok := Holder(path)
	if !ok || pid != cmd.Process.Pid || name == "" {
		t.Errorf("Holder: got %d, %q, %v, want %d, a name, true", pid, name, ok, cmd.Process.Pid)
	}
}

func TestOurPortIsBusyForAnotherProcess(t *testing.T) {
	_, path := newPTY(t)
	mustOpen(t, Open, path, Config{})
	if _, got := secondStation(t, path, nil); got != "busy" {
		t.Errorf("second station: got %q, want busy", got)
	}
}

// TestKilledStationLeavesAPTYOpenable is about exclusive mode, which outlives
// its owner while anybody has the pty open: the test does.
func TestKilledStationLeavesAPTYOpenable(t *testing.T) {
	_, path := newPTY(t)
	attr := nobody(t, path)
	cmd, got := secondStation(t, path, attr)
	if got != "open" {
		t.Fatalf("first station: got %q, want open", got)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = within(t, "kill", cmd.Wait)
	if _, got := secondStation(t, path, attr); got != "open" {
		t.Errorf("station after a kill: got %q, want open", got)
	}
}

func TestExclusiveModeOfAnotherProgramIsBusy(t *testing.T) {
	_, path := newPTY(t)
	attr := nobody(t, path)
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if exclusive(int(f.Fd())) {
		t.Error("exclusive mode: got true for a fresh pty, want false")
	}
	if err := unix.IoctlSetInt(int(f.Fd()), unix.TIOCEXCL, 0); err != nil {
		t.Fatal(err)
	}
	if !exclusive(int(f.Fd())) {
		t.Error("exclusive mode: got false once it is set, want true")
	}
	if _, got := secondStation(t, path, attr); got != "busy" {
		t.Errorf("got %q, want busy", got)
	}
}

func TestMissingPermission(t *testing.T) {
	_, path := newPTY(t)
	attr := nobody(t, path)
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	if _, got := secondStation(t, path, attr); !strings.Contains(got, ErrPermission.Error()) {
		t.Errorf("got %q, want %q in it", got, ErrPermission)
	}
}

// nobody gives path to an unprivileged user and returns how to become him. A
// test run without root is that user already.
func nobody(t *testing.T, path string) *syscall.SysProcAttr {
	t.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	u, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		t.Fatal(err)
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(path, uid, gid); err != nil {
		t.Fatal(err)
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
}

func TestHolderOfAFreePort(t *testing.T) {
	if pid, name, ok := Holder(filepath.Join(t.TempDir(), "none")); ok {
		t.Errorf("got %d %q, want nobody", pid, name)
	}
}

// TestReopenAfterGoneFindsTheName makes sure that a port that is gone is let go
// of without a Close: the kernel would give the next device another name.
func TestReopenAfterGoneFindsTheName(t *testing.T) {
	master, path := newPTY(t)
	p := mustOpen(t, Open, path, Config{})
	_ = master.Close()
	_, err := p.Read(make([]byte, 1))
	wantKind(t, "read", err, ErrGone)
	select {
	case <-p.released:
	case <-time.After(patience):
		t.Error("descriptors: still open after the port was gone")
	}
}
