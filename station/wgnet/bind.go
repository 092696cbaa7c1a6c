package wgnet

import (
	"errors"
	"net"
	"net/netip"
	"sync"

	"golang.zx2c4.com/wireguard/conn"
)

// bind is a UDP socket for WireGuard. wireguard-go's own listens on all interfaces, in two families, and keeps buffers of
// 128 packets for each: 16 MB for a tunnel that carries a ping.
type bind struct {
	listen netip.AddrPort // zero: any address, a port of the system's choice

	mu   sync.Mutex
	sock *net.UDPConn
}

// most is how many errors in a row are the socket's own and not a packet's.
const most = 16

// Open implements conn.Bind.
func (b *bind) Open(port uint16) ([]conn.ReceiveFunc, uint16, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.sock != nil {
		return nil, 0, conn.ErrBindAlreadyOpen
	}
	addr := net.UDPAddr{Port: int(port)}
	if b.listen.IsValid() {
		addr.IP = b.listen.Addr().AsSlice()
	}
	sock, err := net.ListenUDP("udp", &addr)
	if err != nil {
		return nil, 0, err
	}
	b.sock = sock
	return []conn.ReceiveFunc{receive(sock)}, uint16(sock.LocalAddr().(*net.UDPAddr).Port), nil //nolint:gosec // a port
}

func receive(sock *net.UDPConn) conn.ReceiveFunc {
	return func(packets [][]byte, sizes []int, eps []conn.Endpoint) (int, error) {
		for bad := 0; ; bad++ {
			n, from, err := sock.ReadFromUDPAddrPort(packets[0])
			switch {
			case err == nil:
				sizes[0], eps[0] = n, endpoint(netip.AddrPortFrom(from.Addr().Unmap(), from.Port()))
				return 1, nil
			case errors.Is(err, net.ErrClosed):
				return 0, net.ErrClosed
			case bad == most: // an ICMP message about a packet that was sent may come as an error (Windows)
				return 0, err
			}
		}
	}
}

// Close implements conn.Bind.
func (b *bind) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.sock == nil {
		return nil
	}
	err := b.sock.Close()
	b.sock = nil
	return err
}

// SetMark implements conn.Bind. There are no marks.
func (b *bind) SetMark(uint32) error { return nil }

// Send implements conn.Bind.
func (b *bind) Send(packets [][]byte, to conn.Endpoint) error {
	e, ok := to.(endpoint)
	if !ok {
		return conn.ErrWrongEndpointType
	}
	b.mu.Lock()
	sock := b.sock
	b.mu.Unlock()
	if sock == nil {
		return net.ErrClosed
	}
	for _, p := range packets {
		if _, err := sock.WriteToUDPAddrPort(p, netip.AddrPort(e)); err != nil {
			return err
		}
	}
	return nil
}

// ParseEndpoint implements conn.Bind.
func (b *bind) ParseEndpoint(text string) (conn.Endpoint, error) {
	a, err := netip.ParseAddrPort(text)
	if err != nil {
		return nil, err
	}
	return endpoint(a), nil
}

// BatchSize implements conn.Bind.
func (b *bind) BatchSize() int { return 1 }

// endpoint is where a peer is.
type endpoint netip.AddrPort

func (e endpoint) ClearSrc()           {}
func (e endpoint) SrcToString() string { return "" }
func (e endpoint) SrcIP() netip.Addr   { return netip.Addr{} }
func (e endpoint) DstToString() string { return netip.AddrPort(e).String() }
func (e endpoint) DstIP() netip.Addr   { return netip.AddrPort(e).Addr() }
func (e endpoint) DstToBytes() []byte {
	b, _ := netip.AddrPort(e).MarshalBinary() // never fails
	return b
}
