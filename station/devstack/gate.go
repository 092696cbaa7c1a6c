package devstack

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// gate is a listener that can be made dead: what connects then is reset before a byte of TLS, as it is by a machine on
// which nothing listens any more. The socket stays, so that nobody else is given its port meanwhile.
type gate struct {
	net.Listener

	mu    sync.Mutex
	dead  int // how many keep it dead
	conns map[net.Conn]http.ConnState
}

func newGate(l net.Listener) *gate { return &gate{Listener: l, conns: map[net.Conn]http.ConnState{}} }

// Accept hands on the next connection that is made while the gate is open.
func (g *gate) Accept() (net.Conn, error) {
	for {
		c, err := g.Listener.Accept()
		if err != nil || !g.isDead() {
			return c, err
		}
		if t, ok := c.(*net.TCPConn); ok {
			_ = t.SetLinger(0) // close by a reset
		}
		_ = c.Close()
	}
}

func (g *gate) isDead() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.dead > 0
}

// note is the server's ConnState. A connection that comes to rest while the gate is dead is closed.
func (g *gate) note(c net.Conn, s http.ConnState) {
	g.mu.Lock()
	cut := g.dead > 0 && s == http.StateIdle
	if s == http.StateClosed || s == http.StateHijacked {
		delete(g.conns, c)
	} else {
		g.conns[c] = s
	}
	g.mu.Unlock()
	if cut {
		_ = c.Close()
	}
}

// shut makes the gate dead until open is called as often. Connections on which no request is being answered are cut.
func (g *gate) shut() {
	g.mu.Lock()
	g.dead++
	var cut []net.Conn
	for c, s := range g.conns {
		if s != http.StateActive {
			cut = append(cut, c)
		}
	}
	g.mu.Unlock()
	for _, c := range cut {
		_ = c.Close()
	}
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.dead--
}

// refuse serves nothing that arrives on an old connection while the gate is dead.
func (g *gate) refuse(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g.isDead() {
			panic(http.ErrAbortHandler)
		}
		h.ServeHTTP(w, r)
	})
}

// behind puts the bridge behind its gate.
func (b *Bridge) behind(web *http.Server, l net.Listener) net.Listener {
	b.gate = newGate(l)
	web.ConnState, web.Handler = b.gate.note, b.gate.refuse(web.Handler)
	return b.gate
}

// Dead takes the bridge away for so long, or until ctx ends, and returns when it is back at the same address. Meanwhile
// every connection is reset. A request that had arrived before is answered: no certificate is lost. Such times may overlap.
func (b *Bridge) Dead(ctx context.Context, d time.Duration) {
	b.gate.shut()
	defer b.gate.open()
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// IsDead says whether the bridge is away just now.
func (b *Bridge) IsDead() bool { return b.gate.isDead() }

// Enrolled is how many devices got an answer with a certificate.
func (b *Bridge) Enrolled() int { return int(b.enrolled.Load()) }

// notify has f told of every enrollment, with its number in this process.
func (b *Bridge) notify(f func(n int)) { b.onEnroll.Store(&f) }
