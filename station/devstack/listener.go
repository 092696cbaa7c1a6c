package devstack

import (
	"crypto/tls"
	"log/slog"
	"net"
	"sync"

	"github.com/mochi-mqtt/server/v2/listeners"
)

// listener takes the broker's connections over mTLS. Its Close returns when every connection has been served to its end:
// the server counts connections in their own goroutines, and must not be left to wait for a count that still rises.
type listener struct {
	tls *tls.Config
	l   net.Listener
	log *slog.Logger
	wg  sync.WaitGroup // Serve's loop is not in it

	mu     sync.Mutex
	closed bool
	conns  map[net.Conn]bool
}

var _ listeners.Listener = (*listener)(nil)

// Init opens the socket.
func (l *listener) Init(log *slog.Logger) (err error) {
	l.log = log
	l.l, err = tls.Listen("tcp", "127.0.0.1:0", l.tls)
	return err
}

// ID names the listener.
func (l *listener) ID() string { return "mtls" }

// Address is where it listens.
func (l *listener) Address() string { return l.l.Addr().String() }

// Protocol is what it speaks below MQTT.
func (l *listener) Protocol() string { return "tcp" }

// Serve takes connections until Close.
func (l *listener) Serve(establish listeners.EstablishFn) {
	for {
		c, err := l.l.Accept()
		if err != nil {
			return
		}
		if !l.add(c) {
			_ = c.Close()
			return
		}
		go func() {
			defer l.remove(c)
			if err := establish(l.ID(), c); err != nil {
				l.log.Warn("connection ended", "error", err)
			}
		}()
	}
}

// add counts a connection, unless the listener was closed.
func (l *listener) add(c net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.conns[c] = true
	l.wg.Add(1)
	return true
}

func (l *listener) remove(c net.Conn) {
	_ = c.Close() // most often closed already
	l.mu.Lock()
	delete(l.conns, c)
	l.mu.Unlock()
	l.wg.Done()
}

// Close takes no more connections, lets the server take leave of its clients, cuts every connection and waits for their ends.
func (l *listener) Close(leave listeners.CloseFn) {
	l.mu.Lock()
	first := !l.closed
	l.closed = true
	l.mu.Unlock()
	if !first {
		return
	}
	_ = l.l.Close()
	leave(l.ID())
	l.mu.Lock()
	cut := make([]net.Conn, 0, len(l.conns))
	for c := range l.conns {
		cut = append(cut, c)
	}
	l.mu.Unlock()
	for _, c := range cut {
		_ = c.Close()
	}
	l.wg.Wait()
}
