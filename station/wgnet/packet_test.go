package wgnet

import (
	"bytes"
	"net/netip"
	"testing"

	"golang.org/x/net/icmp"
)

func FuzzParse(f *testing.F) {
	for _, a := range [][2]string{{"10.8.0.1", "10.8.1.2"}, {"fd08::1", "fd08::2"}} {
		f.Add(render(netip.MustParseAddr(a[0]), netip.MustParseAddr(a[1]), &icmp.Echo{ID: 1, Seq: 2, Data: []byte("x")}, true))
	}
	f.Add([]byte{0x45})
	f.Add(bytes.Repeat([]byte{0x4f}, 20))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, ok := parse(b)
		if !ok && p.echo != nil {
			t.Fatal("an echo in what is no packet")
		}
		if p.echo == nil {
			return
		}
		out := render(p.src, p.dst, p.echo, p.request)
		if out == nil {
			return // larger than a tunnel carries
		}
		again, ok := parse(out)
		if !ok || again.echo == nil || again.src != p.src || again.dst != p.dst || again.request != p.request ||
			again.echo.ID != p.echo.ID || again.echo.Seq != p.echo.Seq || !bytes.Equal(again.echo.Data, p.echo.Data) {
			t.Fatalf("got %+v, want %+v", again, p)
		}
	})
}

// What an end takes is no more than it can pass on.
func FuzzTake(f *testing.F) {
	own := netip.MustParseAddr("10.8.0.1")
	f.Add(render(netip.MustParseAddr("10.8.1.2"), own, &icmp.Echo{Data: []byte("ping")}, true), true)
	f.Fuzz(func(t *testing.T, b []byte, forward bool) {
		h := newHost([]netip.Addr{own}, forward)
		h.take(b)
		select {
		case out := <-h.out:
			if p, ok := parse(out); !ok || (p.src != own && !bytes.Equal(out, b)) {
				t.Errorf("got %x out of %x", out, b)
			}
		default:
		}
	})
}

func TestForeignReply(t *testing.T) {
	own, to := netip.MustParseAddr("10.8.0.1"), netip.MustParseAddr("10.8.1.2")
	h := newHost([]netip.Addr{own}, false)
	q := &question{to: to, data: []byte("secret"), reply: make(chan struct{})}
	h.asked[1] = q
	h.take(render(netip.MustParseAddr("10.8.1.3"), own, &icmp.Echo{Seq: 1, Data: q.data}, false)) // another device
	h.take(render(to, own, &icmp.Echo{Seq: 1, Data: []byte("guess")}, false))                     // it never saw the request
	h.take(render(to, own, &icmp.Echo{Seq: 2, Data: q.data}, false))
	h.take(render(to, own, &icmp.Echo{Seq: 1, Data: q.data}, true)) // no reply
	select {
	case <-q.reply:
		t.Fatal("got a reply from elsewhere")
	default:
	}
	h.take(render(to, own, &icmp.Echo{Seq: 1, Data: q.data}, false))
	select {
	case <-q.reply:
	default:
		t.Fatal("got none, want the reply")
	}
}
