package port

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	wire "provstation/serialproto/link"
	"provstation/serialproto/prototest"
)

// serialServer listens as a serial server does, and gives each connection.
func serialServer(t *testing.T) (path string, accepted <-chan net.Conn) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := make(chan net.Conn)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			select {
			case c <- conn:
			case <-t.Context().Done():
				_ = conn.Close()
			}
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return schemeTCP + l.Addr().String(), c
}

// connected is a port and the serial server's end of it.
func connected(t *testing.T, cfg Config) (*Port, *net.TCPConn, string) {
	t.Helper()
	path, accepted := serialServer(t)
	p := mustOpenTCP(t, path, cfg)
	conn := within(t, "accept", func() net.Conn { return <-accepted })
	t.Cleanup(func() { _ = conn.Close() })
	return p, conn.(*net.TCPConn), path
}

func mustOpenTCP(t *testing.T, path string, cfg Config) *Port {
	t.Helper()
	p, err := Open(path, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// A device behind a serial server is heard and greeted like one on a cable.
func TestServerDeviceIsGreeted(t *testing.T) {
	path, accepted := serialServer(t)
	peer := &prototest.Peer{Serial: "SN-7", Model: "box"}
	go func() {
		conn := <-accepted
		defer func() { _ = conn.Close() }()
		_ = wire.NewDevice(conn, wire.DeviceConfig{}, peer).Serve(t.Context())
	}()
	p, err := Open(path, Config{})
	if err != nil {
		t.Fatal(err)
	}
	h := wire.NewHost(p, wire.HostConfig{Baud: DefaultBaud})
	defer func() { _ = h.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	w, err := h.Greet(ctx)
	if err != nil || w.Serial != "SN-7" || w.Model != "box" {
		t.Errorf("got %q %q, %v; want box SN-7", w.Model, w.Serial, err)
	}
}

// What had arrived is read before the end is told, and from then on everything says gone at once.
func TestServerClosesMidway(t *testing.T) {
	for name, end := range map[string]func(*net.TCPConn) error{
		"close": (*net.TCPConn).Close,
		"reset": func(c *net.TCPConn) error { return errors.Join(c.SetLinger(0), c.Close()) },
		"half":  (*net.TCPConn).CloseWrite, // it will never send again: as good as unplugged
	} {
		t.Run(name, func(t *testing.T) {
			p, server, _ := connected(t, Config{})
			if _, err := server.Write([]byte("half a fra")); err != nil {
				t.Fatal(err)
			}
			buf := make([]byte, 64)
			got := within(t, "read", func() string {
				n, err := io.ReadAtLeast(p, buf, 10)
				return string(buf[:n]) + errText(err)
			})
			if got != "half a fra" {
				t.Fatalf("got %q, want what was sent", got)
			}
			if err := end(server); err != nil {
				t.Fatal(err)
			}
			_, err := p.Read(buf)
			wantKind(t, "read after the end", err, ErrGone)
			_, err = p.Write([]byte("x"))
			wantKind(t, "write after the end", err, ErrGone)
			if err := p.Close(); err != nil {
				t.Errorf("close: got %v, want nil", err)
			}
			ended(t, p)
		})
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// A reader that waits learns of the end, too.
func TestServerClosesUnderReader(t *testing.T) {
	p, server, _ := connected(t, Config{})
	c := make(chan error, 1)
	go func() {
		_, err := p.Read(make([]byte, 1))
		c <- err
	}()
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	wantKind(t, "read", within(t, "read", func() error { return <-c }), ErrGone)
}

func TestServerIsSilent(t *testing.T) {
	p, server, _ := connected(t, Config{})
	for range 2 {
		if err := p.SetReadDeadline(time.Now().Add(30 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		if _, err := p.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("got %v, want os.ErrDeadlineExceeded", err)
		}
	}
	// The port is as good as before.
	if err := p.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	if _, err := server.Write([]byte("a")); err != nil {
		t.Fatal(err)
	}
	if n := within(t, "read", func() int { n, _ := p.Read(make([]byte, 1)); return n }); n != 1 {
		t.Errorf("got %d bytes, want the one that was sent", n)
	}
}

// A server that takes nothing: writes end at their deadline, and the port is given up after a while.
func TestServerTakesNothing(t *testing.T) {
	p, _, _ := connected(t, Config{StuckAfter: 300 * time.Millisecond})
	chunk := make([]byte, 1<<20)
	var err error
	for range 64 { // until the buffers of both ends are full
		if err := p.SetWriteDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
			break
		}
		if _, err = p.Write(chunk); errors.Is(err, ErrStuck) {
			break
		}
	}
	wantKind(t, "write", err, ErrStuck)
	if err := p.Close(); err != nil {
		t.Errorf("close: got %v, want nil", err)
	}
	ended(t, p)
}

func TestServerRefuses(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	path := schemeTCP + l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	p, err := Open(path, Config{})
	wantKind(t, "open", err, ErrNotFound)
	if p != nil || !strings.Contains(errText(err), "connection refused") {
		t.Errorf("got %v, %v; want no port and the reason", p, err)
	}
	wantKind(t, "reach", Reach(t.Context(), path), ErrNotFound)
}

func TestServerPathIsBad(t *testing.T) {
	for path, kind := range map[string]error{
		"tcp://":                    ErrNotSerial,
		"tcp://127.0.0.1":           ErrNotSerial,
		"tcp://127.0.0.1:0":         ErrNotSerial,
		"tcp://127.0.0.1:65536":     ErrNotSerial,
		"tcp://127.0.0.1:http":      ErrNotSerial,
		"tcp://:4001":               ErrNotSerial,
		"tcp://a\x1b[2J:4001":       ErrNotSerial,
		"tcp://nowhere.invalid:1":   ErrNotFound,
		"rfc2217://127.0.0.1:4001":  ErrUnsupported,
		"tcp://u:p@127.0.0.1:4001/": ErrNotSerial,
	} {
		p, err := Open(path, Config{})
		if p != nil {
			t.Errorf("%q: got a port", path)
		}
		wantKind(t, path, err, kind)
	}
}

// A server that is set to telnet would escape bytes and swallow others.
func TestServerSpeaksTelnet(t *testing.T) {
	p, server, _ := connected(t, Config{})
	if _, err := server.Write([]byte("\xff\xfb\x01\xff\xfd\x2c")); err != nil {
		t.Fatal(err)
	}
	_, err := p.Read(make([]byte, 16))
	wantKind(t, "read", err, ErrNotSerial)
	// The same bytes later are a device's.
	p, server, _ = connected(t, Config{})
	for _, s := range []string{"x", "\xff\xfb\x01"} {
		if _, err := server.Write([]byte(s)); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 3)
		if n, err := io.ReadFull(p, buf[:len(s)]); err != nil || string(buf[:n]) != s {
			t.Errorf("got %q, %v; want %q", buf[:n], err, s)
		}
	}
}

// The configured path is there from the start, once, and the rest of the watch goes on as ever.
func TestWatchServer(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	changes, err := Watch(ctx, WatchConfig{Paths: []string{"tcp://Moxa.example:4001", "tcp://moxa.example:4001"}, OnlyPaths: true})
	if err != nil {
		t.Fatal(err)
	}
	got := within(t, "first change", func() Change { return <-changes })
	want := Change{Added, Info{Path: "tcp://Moxa.example:4001", Slot: "tcp://Moxa.example:4001", Network: true}}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	cancel()
	if c := within(t, "end", func() Change { return <-changes }); c != (Change{}) {
		t.Errorf("got %+v, want nothing more", c)
	}
}

// Whatever a configuration names, an address that is taken is a host and a port fit for a screen.
func FuzzSplitServer(f *testing.F) {
	for _, s := range []string{"tcp://192.0.2.1:4001", "tcp://[2001:db8::1%eth0]:1", "tcp://:1", "rfc2217://h:1", "tcp://a\x1b:1", "tcp://h:65536"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		host, number, err := splitServer(s)
		if err != nil {
			if host != "" || number != 0 || !errors.Is(err, ErrNotSerial) && !errors.Is(err, ErrUnsupported) {
				t.Fatalf("got %q %d, %v; want nothing but a class", host, number, err)
			}
			return
		}
		if host == "" || host != clean(host) || number == 0 {
			t.Fatalf("got %q %d of %q, want a host and a port", host, number, s)
		}
	})
}
