package wgnet

import (
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.zx2c4.com/wireguard/ipc"
	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"provstation/station/stationtest"
	"provstation/station/wgcheck"
)

// shaken is a server with one device that has shaken hands with it, and what the server is to show of it.
func shaken(t *testing.T) (*End, wgcheck.Want) {
	t.Helper()
	key := newKey(t)
	srv, at := server(t, key.PublicKey())
	up(t, conf(key, 0, srv.PublicKey(), at))
	return srv, wgcheck.Want{
		Key: key.PublicKey(), Servers: []wgtypes.Key{srv.PublicKey()}, Addresses: []netip.Addr{netip.MustParseAddr("10.8.1.2")},
		NotBefore: time.Now().Add(-time.Minute),
	}
}

func watch(t *testing.T, where string, want wgcheck.Want) {
	t.Helper()
	r, err := wgcheck.NewServer(wgcheck.At(where), nil).Watch(t.Context(), want, 10*time.Second, nil)
	if err != nil || r.Handshake.IsZero() || !r.Endpoint.Addr().IsLoopback() || r.Received == 0 {
		t.Errorf("%s: got %+v, %v, want a handshake", where, r, err)
	}
}

// The server's socket at a path of one's own.
func TestWatchSocket(t *testing.T) {
	srv, want := shaken(t)
	path := filepath.Join(t.TempDir(), "wg0.sock")
	l := listen(t, path)
	srv.ServeSocket(l)
	watch(t, path, want)
	if err := srv.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := wgcheck.Socket(path).Read(t.Context())
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v of a socket that is gone, want fs.ErrNotExist", err)
	}
}

func listen(t *testing.T, path string) net.Listener {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// The server's interface by name: wireguard-go's own socket in /var/run/wireguard, read by wgctrl.
func TestWatchByName(t *testing.T) {
	const name = "provsrv0"
	f, err := ipc.UAPIOpen(name)
	if err != nil {
		if os.Getenv(stationtest.RequireReal) == "1" && os.Geteuid() == 0 {
			t.Fatal(err)
		}
		t.Skipf("/var/run/wireguard: %v", err)
	}
	defer f.Close()
	l, err := ipc.UAPIListen(name, f)
	if err != nil {
		t.Fatal(err)
	}
	srv, want := shaken(t)
	srv.ServeSocket(l)
	watch(t, name, want)
	if _, err := wgcheck.Named("provnone0").Read(t.Context()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v of an interface that is not there, want fs.ErrNotExist", err)
	}
	want.Key = newKey(t).PublicKey()
	_, err = wgcheck.NewServer(wgcheck.Named(name), nil).Watch(t.Context(), want, 600*time.Millisecond, nil)
	if got := wgcheck.ReasonOf(err); got != wgcheck.WrongPeerKey {
		t.Errorf("got %v, want %s", err, wgcheck.WrongPeerKey)
	}
}

// A program that takes the question and says nothing costs no more than the check's own time.
func TestWatchSilentSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wg0.sock")
	l := listen(t, path)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer c.Close()
		}
	}()
	begun := time.Now()
	_, err := wgcheck.NewServer(wgcheck.At(path), nil).Watch(t.Context(), wgcheck.Want{Key: newKey(t).PublicKey()}, 300*time.Millisecond, nil)
	if got := wgcheck.ReasonOf(err); got != wgcheck.ServerUnreadable || time.Since(begun) > 5*time.Second {
		t.Errorf("got %v after %s, want it to be unreadable soon", err, time.Since(begun))
	}
	_ = l.Close()
	<-done
}

// removes takes one of two peers away at a server's interface, twice, and one that was never there.
func removes(t *testing.T, where string, srv *End, keep, drop wgtypes.Key) {
	t.Helper()
	peers := wgcheck.PeersAt(where)
	for _, key := range []wgtypes.Key{drop, drop, newKey(t).PublicKey()} {
		if err := peers.Remove(t.Context(), key); err != nil {
			t.Fatalf("%s: got %v, want nil", where, err)
		}
	}
	i, err := srv.Status(t.Context())
	if err != nil || len(i.Peers) != 1 || i.Peers[0].PublicKey != keep {
		t.Errorf("%s: got %+v, %v, want the other peer alone", where, i.Peers, err)
	}
}

func TestRemovePeer(t *testing.T) {
	keep, drop := newKey(t).PublicKey(), newKey(t).PublicKey()
	srv, _ := server(t, keep, drop)
	path := filepath.Join(t.TempDir(), "wg0.sock")
	if err := wgcheck.PeersAt(path).Remove(t.Context(), drop); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v of a socket that is not there, want fs.ErrNotExist", err)
	}
	srv.ServeSocket(listen(t, path))
	removes(t, path, srv, keep, drop)
}

func TestRemovePeerByName(t *testing.T) {
	const name = "provsrv1"
	f, err := ipc.UAPIOpen(name)
	if err != nil {
		if os.Getenv(stationtest.RequireReal) == "1" && os.Geteuid() == 0 {
			t.Fatal(err)
		}
		t.Skipf("/var/run/wireguard: %v", err)
	}
	defer f.Close()
	l, err := ipc.UAPIListen(name, f)
	if err != nil {
		t.Fatal(err)
	}
	keep, drop := newKey(t).PublicKey(), newKey(t).PublicKey()
	srv, _ := server(t, keep, drop)
	srv.ServeSocket(l)
	removes(t, name, srv, keep, drop)
	if err := wgcheck.PeersAt("provnone1").Remove(t.Context(), drop); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v of an interface that is not there, want fs.ErrNotExist", err)
	}
}

// A program that answers nonsense, an error or nothing has removed nothing.
func TestRemovePeerMisanswered(t *testing.T) {
	for _, answer := range []string{"", "errno=", "errno=-22\n\n", "errno=1\n\n", "get=1\n\n", "errno=x\n\n", "\n"} {
		path := filepath.Join(t.TempDir(), "wg0.sock")
		l := listen(t, path)
		done := make(chan struct{})
		go func() {
			defer close(done)
			c, err := l.Accept()
			if err != nil {
				return
			}
			var ask [256]byte
			_, _ = c.Read(ask[:])
			_, _ = c.Write([]byte(answer))
			_ = c.Close()
		}()
		if err := wgcheck.Socket(path).Remove(t.Context(), newKey(t).PublicKey()); err == nil {
			t.Errorf("answer %q: got nil, want an error", answer)
		}
		_ = l.Close()
		<-done
	}
}
