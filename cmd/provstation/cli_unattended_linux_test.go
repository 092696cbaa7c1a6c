package main

import (
	"net"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// A bench that runs as a service tells systemd that it is ready, works what is connected, goes on when that is done and
// nothing happens, and ends well when it is stopped; `run` without it would have ended by itself.
func TestUntilStopped(t *testing.T) {
	t.Parallel()
	s := startTenant(t, []string{"slot-01"}, "--devices", "1")
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: filepath.Join(t.TempDir(), "notify")})
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	hears := func(want string) {
		t.Helper()
		if err := manager.SetReadDeadline(time.Now().Add(liveEnd)); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 256)
		if n, err := manager.Read(buf); err != nil || string(buf[:n]) != want {
			t.Fatalf("the service manager got %q, %v, want %s", buf[:n], err, want)
		}
	}
	cfg := s.configFor(t, s.ports[0], nil)
	l := startLive(t, []string{"NOTIFY_SOCKET=" + manager.LocalAddr().String()}, "run", "--json", "--config", cfg, "--until-stopped")
	hears("READY=1")
	l.until("record", "done")
	select { // longer than a bench waits that ends by itself
	case <-l.exited:
		t.Fatal("ended by itself, want it to go on")
	case <-time.After(settleFor + 2*time.Second):
	}
	l.signal(syscall.SIGTERM)
	hears("STOPPING=1")
	got := l.wait()
	events := got.events(t)
	if last := events[len(events)-1]; got.code != exitGood || last["type"] != "summary" || last["pass"] != 1.0 {
		t.Errorf("got exit code %d, summary %v, want 0 and one PASS", got.code, last)
	}

	// A device that was cut off by the stop is on record as that; it is no failure of the service.
	l = startLive(t, nil, "run", "--json", "--config", s.configFor(t, s.ports[0], nil), "--until-stopped")
	l.until("identify", "started")
	l.signal(syscall.SIGTERM)
	if got := l.wait(); got.code != exitGood {
		t.Errorf("stopped during a run: got exit code %d, want 0; it said:\n%s", got.code, got.stdout)
	}
}
