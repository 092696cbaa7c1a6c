package devstack

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"provstation/station/wgcheck"
	"provstation/station/wgconf"
	"provstation/station/wgnet"
)

// Addresses within the tunnel.
const (
	serverTunnel  = "10.8.0.1"
	stationTunnel = "10.8.0.2"
)

// TunnelFault is what is wrong with a device's tunnel.
type TunnelFault string

// Tunnel faults.
const (
	TunnelServes    TunnelFault = ""
	TunnelPeerKey   TunnelFault = "peer-key"   // the server is given another key for the device
	TunnelServerKey TunnelFault = "server-key" // wg0.conf names another key for the server
	TunnelForgotten TunnelFault = "forgotten"  // the server never hears of the device
	TunnelDown      TunnelFault = "down"       // nobody is at the endpoint of wg0.conf
	TunnelSlow      TunnelFault = "slow"       // the server hears of the device a while later
)

// TunnelFaults lists them all.
func TunnelFaults() []TunnelFault {
	return []TunnelFault{TunnelPeerKey, TunnelServerKey, TunnelForgotten, TunnelDown, TunnelSlow}
}

// admitLate is how long a slow server takes to hear of a device.
const admitLate = time.Second

// tunnelServer is the tenant's WireGuard server: a real one in this process, on the loopback interface.
type tunnelServer struct {
	end     *wgnet.End
	port    uint16
	log     *slog.Logger
	dir     string // of the socket
	socket  string
	station string
	fault   atomic.Pointer[func(id string, n int) TunnelFault]
	late    sync.WaitGroup
	closing chan struct{}

	mu    sync.Mutex
	count map[string]int
}

// startTunnelServer brings the server up with the peers that it has had. It listens where it did, if it can.
func startTunnelServer(t *tunnels, log *slog.Logger) (_ *tunnelServer, err error) {
	key, err := wgtypes.ParseKey(t.state.ServerKey)
	if err != nil {
		return nil, errors.New("tunnels: the server's key is unusable")
	}
	s := &tunnelServer{log: log, closing: make(chan struct{}), count: map[string]int{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	cfg := wgnet.Config{
		Key: wgconf.NewSecret(key), Addresses: []netip.Addr{netip.MustParseAddr(serverTunnel)}, Forward: true, Log: log,
		Listen: netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(t.state.Port)), //nolint:gosec // a port, as it was kept
	}
	if s.end, err = wgnet.Open(cfg); err != nil && t.state.Port != 0 { // somebody else has it now
		cfg.Listen = netip.AddrPortFrom(cfg.Listen.Addr(), 0)
		s.end, err = wgnet.Open(cfg)
	}
	if err != nil {
		return nil, err
	}
	i, err := s.end.Status(context.Background())
	if err != nil {
		return nil, err
	}
	s.port, t.state.Port = i.ListenPort, int(i.ListenPort)
	if err := t.save(); err != nil {
		return nil, err
	}
	for _, p := range t.state.Peers {
		if peer, err := wgtypes.ParseKey(p.Key); err == nil {
			s.add(address(t.state.Addresses[p.ID]), peer)
		}
	}
	if err := s.serveSocket(filepath.Dir(t.path)); err != nil {
		return nil, err
	}
	return s, s.stationTunnel(t, key.PublicKey())
}

// longestSocket is how long the path of a socket may be everywhere (104 bytes on macOS, 108 on Linux, an end included).
const longestSocket = 103

// serveSocket has the server tell of its peers on a socket in a folder that only this user enters: in the state folder,
// unless its path is too long for a socket.
func (s *tunnelServer) serveSocket(stateDir string) error {
	dir := filepath.Join(stateDir, "wireguard")
	path := filepath.Join(dir, "wg0.sock")
	if len(path) > longestSocket {
		tmp, err := os.MkdirTemp("", "provstation-wg-") // mode 0700
		if err != nil {
			return err
		}
		dir, path = tmp, filepath.Join(tmp, "wg0.sock")
	}
	s.dir = dir
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) { // of a stack that was killed
		return err
	}
	var lc net.ListenConfig
	l, err := lc.Listen(context.Background(), "unix", path)
	if err != nil {
		s.log.Warn("the WireGuard server has no socket", "err", err) // an old Windows
		return nil
	}
	s.end.ServeSocket(l)
	s.socket = path
	return nil
}

// stationTunnel lays out the station's own tunnel.
func (s *tunnelServer) stationTunnel(t *tunnels, server wgtypes.Key) error {
	own, err := wgtypes.ParseKey(t.state.StationKey)
	if err != nil {
		return errors.New("tunnels: the station's key is unusable")
	}
	s.add(stationTunnel, own.PublicKey())
	s.station = filepath.Join(filepath.Dir(t.path), "station-wg0.conf")
	return replaceFile(s.station, wgConf("the station", stationTunnel, own.String(), server.String(), s.endpoint()))
}

func (s *tunnelServer) endpoint() string { return fmt.Sprintf("127.0.0.1:%d", s.port) }

// add takes a peer in. What is no key is passed over: the bridge looks at nothing.
func (s *tunnelServer) add(ip string, key wgtypes.Key) {
	addr := netip.MustParseAddr(ip)
	if key == (wgtypes.Key{}) {
		return
	}
	if err := s.end.SetPeer(wgnet.Peer{Key: key, AllowedIPs: []netip.Prefix{netip.PrefixFrom(addr, addr.BitLen())}}); err != nil {
		s.log.Warn("the WireGuard server does not take a peer", "address", ip, "err", err)
	}
}

// admit takes a device in, and says what its wg0.conf has to name.
func (s *tunnelServer) admit(id, ip string, peer wgtypes.Key, server string) (endpoint, serverKey string) {
	switch s.faultOf(id) {
	case TunnelPeerKey:
		s.add(ip, someKey())
	case TunnelServerKey:
		s.add(ip, peer)
		return s.endpoint(), someKey().String()
	case TunnelForgotten:
	case TunnelDown:
		s.add(ip, peer)
		return "127.0.0.1:9", server // discard: nobody answers there
	case TunnelSlow:
		s.late.Go(func() {
			select {
			case <-time.After(admitLate):
				s.add(ip, peer)
			case <-s.closing:
			}
		})
	default:
		s.add(ip, peer)
	}
	return s.endpoint(), server
}

// someKey is a public key that nobody has the private half of.
func someKey() wgtypes.Key {
	k, err := wgtypes.GeneratePrivateKey()
	if err != nil {
		return wgtypes.Key{}
	}
	return k.PublicKey()
}

func (s *tunnelServer) faultOf(id string) TunnelFault {
	p := s.fault.Load()
	s.mu.Lock()
	s.count[id]++
	n := s.count[id]
	s.mu.Unlock()
	if p == nil {
		return TunnelServes
	}
	return (*p)(id, n)
}

func (s *tunnelServer) close() error {
	close(s.closing)
	s.late.Wait()
	var errs []error
	if s.end != nil {
		errs = append(errs, s.end.Close())
	}
	if s.dir != "" {
		errs = append(errs, os.RemoveAll(s.dir))
	}
	return errors.Join(errs...)
}

// SetTunnelFault decides what is wrong with the tunnel of the n-th enrollment (from 1) of a device id; nil: nothing.
func (s *Stack) SetTunnelFault(f func(id string, n int) TunnelFault) {
	if f == nil {
		s.vpn.fault.Store(nil)
		return
	}
	s.vpn.fault.Store(&f)
}

// StopTunnels takes the WireGuard server away for good: nothing answers on its port, and its socket is gone.
func (s *Stack) StopTunnels() error { return s.vpn.end.Close() }

// Tunnels is what the WireGuard server tells of its peers.
func (s *Stack) Tunnels(ctx context.Context) (wgcheck.Interface, error) { return s.vpn.end.Status(ctx) }
