package wgcheck

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"path/filepath"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl"
	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"
)

// Source reads an interface. An error has fs.ErrNotExist or fs.ErrPermission in its chain where that is why.
type Source interface {
	Read(ctx context.Context) (Interface, error)
}

// At is the interface with a name, or that behind the socket at an absolute path.
func At(where string) Source {
	if filepath.IsAbs(where) {
		return Socket(where)
	}
	return Named(where)
}

// Named is an interface of this machine: the kernel's, or a program's with a socket in /var/run/wireguard.
type Named string

// Read asks wgctrl. It needs the right to configure networks, or to open the program's socket.
func (n Named) Read(ctx context.Context) (Interface, error) {
	type answer struct {
		i   Interface
		err error
	}
	done := make(chan answer, 1)
	go func() { // wgctrl takes no context, and a program may be stuck
		i, err := n.read()
		done <- answer{i, err}
	}()
	select {
	case a := <-done:
		return a.i, a.err
	case <-ctx.Done():
		return Interface{}, fmt.Errorf("read interface %s: %w", n, ctx.Err())
	}
}

func (n Named) read() (Interface, error) {
	c, err := wgctrl.New()
	if err != nil {
		return Interface{}, fmt.Errorf("read interface %s: %w", n, err)
	}
	defer c.Close()
	d, err := c.Device(string(n))
	if err != nil {
		return Interface{}, fmt.Errorf("read interface %s: %w", n, err)
	}
	return fromDevice(d), nil
}

// fromDevice takes what is no secret. wgctrl's own types print keys.
func fromDevice(d *wgtypes.Device) Interface {
	d.PrivateKey = wgtypes.Key{}
	i := Interface{PublicKey: d.PublicKey, ListenPort: uint16(d.ListenPort), Peers: make([]Peer, 0, len(d.Peers))} //nolint:gosec // a port
	for n := range d.Peers {
		from := &d.Peers[n]
		from.PresharedKey = wgtypes.Key{}
		p := Peer{
			PublicKey: from.PublicKey, Handshake: from.LastHandshakeTime,
			Received: uint64(max(0, from.ReceiveBytes)), Sent: uint64(max(0, from.TransmitBytes)), //nolint:gosec // not negative
		}
		if from.Endpoint != nil {
			a := from.Endpoint.AddrPort()
			p.Endpoint = netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
		}
		for _, n := range from.AllowedIPs {
			addr, ok := netip.AddrFromSlice(n.IP)
			if bits, _ := n.Mask.Size(); ok {
				p.AllowedIPs = append(p.AllowedIPs, netip.PrefixFrom(addr.Unmap(), bits))
			}
		}
		i.Peers = append(i.Peers, p)
	}
	return i
}

// Socket is the path of the socket on which a program answers for its interface.
type Socket string

// socketPatience is how long a program may take over its answer.
const socketPatience = 5 * time.Second

// Read asks the program.
func (s Socket) Read(ctx context.Context) (Interface, error) {
	ctx, cancel := context.WithTimeout(ctx, socketPatience)
	defer cancel()
	var d net.Dialer
	c, err := d.DialContext(ctx, "unix", string(s))
	if err != nil {
		return Interface{}, fmt.Errorf("read the interface's socket: %w", err)
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if _, err := io.WriteString(c, "get=1\n\n"); err != nil {
		return Interface{}, fmt.Errorf("read the interface's socket: %w", errors.Join(ctx.Err(), err))
	}
	i, err := ParseUAPI(c)
	if err != nil {
		return Interface{}, fmt.Errorf("read the interface's socket: %w", errors.Join(ctx.Err(), err))
	}
	return i, nil
}
