package wgcheck

import (
	"net/netip"
	"slices"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"
)

// Interface is what a WireGuard interface tells of itself but for its secrets.
type Interface struct {
	PublicKey  wgtypes.Key // zero: it has no key yet
	ListenPort uint16
	Peers      []Peer
}

// Peer is one peer of an interface.
type Peer struct {
	PublicKey  wgtypes.Key
	Endpoint   netip.AddrPort // where it was heard last, or is looked for; zero: not known
	AllowedIPs []netip.Prefix
	Handshake  time.Time // the last one; zero: never
	Received   uint64    // bytes
	Sent       uint64    // bytes
}

// find gives the peer with a key.
func (i *Interface) find(key wgtypes.Key) *Peer {
	at := slices.IndexFunc(i.Peers, func(p Peer) bool { return p.PublicKey == key })
	if at < 0 {
		return nil
	}
	return &i.Peers[at]
}

// holder gives the peer that an address is routed to: the one with the longest prefix around it. An interface has each
// prefix once.
func (i *Interface) holder(addrs []netip.Addr) *Peer {
	var best *Peer
	bits := -1
	for n := range i.Peers {
		for _, prefix := range i.Peers[n].AllowedIPs {
			if prefix.Bits() > bits && slices.ContainsFunc(addrs, prefix.Contains) {
				best, bits = &i.Peers[n], prefix.Bits()
			}
		}
	}
	return best
}

// Want is the device that is looked for.
type Want struct {
	Key       wgtypes.Key   // its public key; zero: not known, then its addresses find it
	Addresses []netip.Addr  // its own within the tunnel
	Servers   []wgtypes.Key // the peers' public keys in its wg0.conf; empty: not known
	NotBefore time.Time     // handshakes before do not count
	Clock     time.Time     // what the device's clock shows now; zero: not known
}

// knowsServer reports whether the device's wg0.conf names this server, as far as that is known.
func (w Want) knowsServer(key wgtypes.Key) bool {
	return len(w.Servers) == 0 || slices.Contains(w.Servers, key)
}

// Result is a check that succeeded, or what is known of one that did not.
type Result struct {
	Way       Way
	Handshake time.Time      // by the clock of who saw it; zero in the ping's way
	Endpoint  netip.AddrPort // the device as the server sees it, or the server as the device does
	Received  uint64         // bytes, by who saw the handshake
	Sent      uint64
	RoundTrip time.Duration // the ping's way
	Steps     []StepResult
}

// Progress is told of each step as it ends. Nil: nobody.
type Progress func(StepResult)

// steps times the parts of a check.
type steps struct {
	now   func() time.Time
	begun time.Time
	tell  Progress
	done  []StepResult
}

func newSteps(now func() time.Time, tell Progress) *steps {
	return &steps{now: now, begun: now(), tell: tell}
}

// end closes a step; the next one begins.
func (s *steps) end(step Step, ok bool) {
	r := StepResult{Step: step, OK: ok, Took: s.now().Sub(s.begun)}
	s.begun = s.now()
	s.done = append(s.done, r)
	if s.tell != nil {
		s.tell(r)
	}
}
