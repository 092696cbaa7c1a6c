package ctest

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"provstation/serialproto/prototest"
)

// TestBaud: the line has the speed that was asked for.
func TestBaud(t *testing.T) {
	t.Parallel()
	for baud, want := range map[string]uint32{"0": unix.B115200, "9600": unix.B9600, "500000": unix.B500000, "1000000": unix.B1000000, "2000000": unix.B2000000} {
		d := plug(t, prototest.Config{}, "--baud", baud)
		tty, err := os.OpenFile(d.tty, os.O_RDWR|unix.O_NOCTTY, 0)
		if err != nil {
			t.Fatal(err)
		}
		got, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
		if err != nil || got.Cflag&unix.CBAUD != want {
			t.Errorf("--baud %s: got %+v (%v), want speed %#o", baud, got, err, want)
		}
		_ = tty.Close()
	}
}

// TestBaudUnknown: a speed that the tty cannot have is an error before the line is opened, and not a line that is hung up.
func TestBaudUnknown(t *testing.T) {
	t.Parallel()
	state := filepath.Join(t.TempDir(), "state")
	for _, baud := range []string{"1", "12345", "115201", "4000001", "99999999999", "-9600", "9600x", ""} {
		cmd := exec.CommandContext(t.Context(), program(t, "sp1-posix"), "--tty", "/dev/null", "--state-dir", state, "--serial", "C-1", "--baud", baud)
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 2 {
			t.Errorf("--baud %q: got %v, want exit code 2", baud, err)
		}
		for _, want := range []string{"--baud " + baud, "usage: ", " 9600,", " 115200,", " 921600,", " 1500000,"} {
			if !strings.Contains(string(out), want) {
				t.Errorf("--baud %q: got %q, want %q in it", baud, out, want)
			}
		}
	}
	if _, err := os.Stat(state); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("state directory: got %v, want none made", err)
	}
}
