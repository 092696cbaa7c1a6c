package wgconf

import (
	"net/netip"
	"slices"
	"strconv"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"
)

// Config is a parsed wg0.conf. Everything in it is validated and in canonical form.
type Config struct {
	Interface Interface
	Peers     []Peer // at least one
}

// Interface is the [Interface] section.
type Interface struct {
	PrivateKey Secret
	Address    []netip.Prefix // at least one; host bits kept; each address once
	DNS        []netip.Addr
	Search     []string // DNS entries that are no addresses: search domains
	ListenPort uint16   // 0: any
	MTU        uint16   // 0: wg-quick's choice
	FwMark     uint32   // 0: none
}

// Peer is a [Peer] section.
type Peer struct {
	PublicKey           wgtypes.Key
	PresharedKey        Secret
	Endpoint            Endpoint
	AllowedIPs          []netip.Prefix // host bits cleared
	PersistentKeepalive uint16         // seconds; 0: off
}

// Endpoint is where a peer listens. The zero value is none.
type Endpoint struct {
	Host string // an IP address in canonical form without brackets, or a DNS name
	Port uint16
}

// String is the endpoint as wg(8) reads it, "" for none and for one that [Parse] would not accept.
func (e Endpoint) String() string {
	if e.Port == 0 {
		return ""
	}
	port := strconv.Itoa(int(e.Port))
	if addr, err := netip.ParseAddr(e.Host); err == nil && addr.Zone() == "" {
		return netip.AddrPortFrom(addr.Unmap(), e.Port).String()
	}
	if !validHost(e.Host) {
		return ""
	}
	return e.Host + ":" + port
}

// PrivateKey gives the private key that the bridge made, as a fresh copy of its 32 bytes. ok is false where there is none,
// or the bridge's placeholder.
func (c *Config) PrivateKey() (key []byte, ok bool) {
	k, ok := c.Interface.PrivateKey.Reveal()
	if !ok {
		return nil, false
	}
	return k[:], true
}

// Addresses lists the tunnel's own addresses in canonical form without prefix lengths, in the order of the file. No two
// devices may have one in common.
func (c *Config) Addresses() []string {
	out := make([]string, len(c.Interface.Address))
	for i, p := range c.Interface.Address {
		out[i] = p.Addr().String()
	}
	return out
}

// HasAddress reports whether the tunnel has this address; a prefix length behind it is passed over. It serves to hold
// wg0.conf against the address that a bridge names beside it.
func (c *Config) HasAddress(text string) bool {
	addr, err := netip.ParseAddr(text)
	if err != nil {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return false
		}
		addr = p.Addr()
	}
	return slices.Contains(c.Addresses(), addr.Unmap().String())
}

// CheckPrivateKey says whether the configuration's private key is the one whose public half was enrolled: an [*Error] with
// [ProblemPrivateKeyMissing] or [ProblemPrivateKeyMismatch], nil if it is.
func CheckPrivateKey(c *Config, pub wgtypes.Key) error {
	got, ok := c.Interface.PrivateKey.PublicKey()
	if !ok {
		return &Error{Key: keyPrivateKey, Problem: ProblemPrivateKeyMissing}
	}
	if got != pub {
		return &Error{Key: keyPrivateKey, Problem: ProblemPrivateKeyMismatch, Detail: "its public half is " + got.String() + ", enrolled is " + pub.String()}
	}
	return nil
}
