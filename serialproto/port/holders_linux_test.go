package port

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// One look names the holders of all ports; another process is named before ourselves, whichever comes first.
func TestHoldersOfAllPorts(t *testing.T) {
	_, mine := newPTY(t)
	_, theirs := newPTY(t)
	const self, other = 4711, 815
	proc := t.TempDir()
	process := func(pid int, name string, paths ...string) {
		fd := filepath.Join(proc, strconv.Itoa(pid), "fd")
		if err := os.MkdirAll(fd, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(proc, strconv.Itoa(pid), "comm"), []byte(name+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		for i, p := range paths {
			if err := os.Symlink(p, filepath.Join(fd, strconv.Itoa(i))); err != nil {
				t.Fatal(err)
			}
		}
	}
	process(self, "provstation", mine, theirs, "/dev/null")
	process(other, "minicom", theirs)
	process(9000, "later", mine)
	found := holdersIn(proc, self)
	for path, want := range map[string]Process{
		mine: {9000, "later"}, theirs: {other, "minicom"}, "/dev/null": {self, "provstation"},
	} {
		key, ok := keyOf(path)
		if got := found[key]; !ok || got != want {
			t.Errorf("%s: got %+v, want %+v", path, got, want)
		}
	}
}

// A port that is busy says by whom, with what was found for another port before.
func TestBusyPortWithHolders(t *testing.T) {
	_, path := newPTY(t)
	var holders Holders
	p := mustOpen(t, Open, path, Config{Holders: &holders})
	for range 2 {
		_, err := Open(path, Config{Holders: &holders})
		var pe *Error
		if !errors.As(err, &pe) || !errors.Is(err, ErrBusy) || pe.Holder.PID != os.Getpid() {
			t.Errorf("got %v, want busy by this process", err)
		}
	}
	at := holders.at
	if _, ok := holders.find(path); !ok || holders.at != at {
		t.Errorf("got another look at %v, want the first answer from %v taken", holders.at, at)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, Open, path, Config{Holders: &holders})
}
