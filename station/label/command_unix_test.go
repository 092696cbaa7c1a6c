//go:build unix

package label_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode"

	"provstation/station/label"
)

func shell(t *testing.T, script string, args ...string) label.Printer {
	t.Helper()
	p, err := label.CommandPrinter(append([]string{"/bin/sh", "-c", script, "sh"}, args...))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestCommandPrinter(t *testing.T) {
	t.Setenv("PROVSTATION_BRIDGE_AUTH_TOKEN", "secret")
	t.Setenv("PRINTER", "zebra")
	out := filepath.Join(t.TempDir(), "out")
	p := shell(t, `cat > "$1"; echo "$PRINTER/$PROVSTATION_BRIDGE_AUTH_TOKEN" >> "$1"`, out)
	if err := p.Print(t.Context(), []byte("^XA^XZ\n")); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if want := "^XA^XZ\nzebra/\n"; string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestCommandPrinterFails(t *testing.T) {
	err := shell(t, `cat > /dev/null; printf 'no \033[31mpaper\n'; yes | head -c 100000; exit 7`).Print(t.Context(), []byte("x"))
	var e *label.CommandError
	var exit *exec.ExitError
	if !errors.As(err, &e) || !errors.As(err, &exit) || exit.ExitCode() != 7 {
		t.Fatalf("got %v, want a *CommandError with exit code 7", err)
	}
	if !strings.HasPrefix(e.Said, "no [31mpaper y y") || len(e.Said) > 512 || strings.ContainsFunc(err.Error(), func(r rune) bool { return !unicode.IsPrint(r) }) {
		t.Errorf("got %q, want what it said first, printable", err)
	}
	if errors.Is(err, label.ErrMaybePrinted) {
		t.Errorf("got %v, want it to have failed for certain", err)
	}
	// Who does not read the label has not printed it, whatever the exit code.
	if err := shell(t, `exit 0`).Print(t.Context(), []byte(strings.Repeat("x", 1<<20))); err == nil {
		t.Error("label not read: got no error")
	}
}

// What a print script started goes with it.
func TestCommandPrinterEndsGroup(t *testing.T) {
	dir := t.TempDir()
	fifo, pidFile := filepath.Join(dir, "fifo"), filepath.Join(dir, "pid")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	printed := make(chan error, 1)
	p := shell(t, `cat > /dev/null; sleep 1000 & echo $! > "$2"; echo > "$1"; wait`, fifo, pidFile)
	go func() { printed <- p.Print(ctx, []byte("x")) }()
	if _, err := os.ReadFile(fifo); err != nil { // the script has come so far
		t.Fatal(err)
	}
	text, err := os.ReadFile(pidFile)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	select {
	case err := <-printed:
		if !errors.Is(err, context.Canceled) || !errors.Is(err, label.ErrMaybePrinted) {
			t.Errorf("got %v, want context.Canceled and ErrMaybePrinted", err)
		}
	case <-time.After(patience):
		t.Fatal("the printer did not end with its context")
	}
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for end := time.Now().Add(patience); alive(pid); <-look.C {
		if time.Now().After(end) {
			t.Fatalf("process %d lives on", pid)
		}
	}
}

// alive reports whether a process runs; one that nobody has waited for yet does not.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return !errors.Is(err, os.ErrNotExist)
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z")
}
