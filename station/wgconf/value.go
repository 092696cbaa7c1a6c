package wgconf

import (
	"crypto/ecdh"
	"encoding/base64"
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"sync"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"
)

// Bounds on lists. wg(8) has none.
const (
	maxAddresses  = 16
	maxDNS        = 16
	maxAllowedIPs = 64
	maxPeers      = 8
)

var (
	errKeyForm  = errors.New("not a key of 44 base64 characters")
	errKeyWeak  = errors.New("a key that nobody can hold")
	errTooMany  = errors.New("too many entries")
	errAddress  = errors.New("not an IP address with a prefix length")
	errHost     = errors.New("not a host address for a tunnel")
	errTwice    = errors.New("an address given twice")
	errEndpoint = errors.New("not a host and a port")
	errDNS      = errors.New("neither an IP address nor a domain")
)

// parseKey is strict where wgtypes.ParseKey is not: exactly one spelling per key.
func parseKey(v string) (wgtypes.Key, error) {
	if len(v) != base64.StdEncoding.EncodedLen(wgtypes.KeyLen) {
		return wgtypes.Key{}, errKeyForm
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(v)
	if err != nil {
		return wgtypes.Key{}, errKeyForm // the cause could quote a secret
	}
	k, err := wgtypes.NewKey(raw)
	if err != nil || k.String() != v {
		return wgtypes.Key{}, errKeyForm
	}
	if k == (wgtypes.Key{}) {
		return wgtypes.Key{}, errKeyWeak
	}
	return k, nil
}

// parsePublicKey also refuses points of low order (RFC 7748 6.1), with which no handshake comes about.
func parsePublicKey(v string) (wgtypes.Key, error) {
	k, err := parseKey(v)
	if err != nil {
		return k, err
	}
	pub, err := ecdh.X25519().NewPublicKey(k[:])
	if err != nil {
		return wgtypes.Key{}, errKeyWeak
	}
	if _, err := anyKey().ECDH(pub); err != nil {
		return wgtypes.Key{}, errKeyWeak
	}
	return k, nil
}

// anyKey is a private key, nobody's, that tells points of low order: with those every key has nothing in common. It is made once,
// since making it multiplies a point, too.
var anyKey = sync.OnceValue(func() *ecdh.PrivateKey { //nolint:gochecknoglobals // always the same
	k, err := ecdh.X25519().NewPrivateKey(append([]byte{1}, make([]byte, 31)...))
	if err != nil {
		panic("wgconf: " + err.Error()) // 32 bytes are a key
	}
	return k
})

// looksLikeText tells a sentence from a damaged key, so that only the former is ever quoted.
func looksLikeText(v string) bool { return strings.ContainsAny(v, " \t<>") || len(v) < 20 }

// list cuts at commas. wg-quick passes over empty entries; here they are an error.
func list(v string, limit int) ([]string, error) {
	parts := strings.Split(v, ",")
	if len(parts) > limit {
		return nil, errTooMany
	}
	for i := range parts {
		parts[i] = strings.Trim(parts[i], " \t")
	}
	return parts, nil
}

// parsePrefix reads an address with or without a prefix length. IPv4 inside IPv6 and zones are refused.
func parsePrefix(v string) (netip.Prefix, error) {
	if p, err := netip.ParsePrefix(v); err == nil && !p.Addr().Is4In6() {
		return p, nil
	}
	a, err := netip.ParseAddr(v)
	if err != nil || a.Zone() != "" || a.Is4In6() {
		return netip.Prefix{}, errAddress
	}
	return netip.PrefixFrom(a, a.BitLen()), nil
}

func appendAddresses(have []netip.Prefix, v string) ([]netip.Prefix, error) {
	parts, err := list(v, maxAddresses-len(have))
	if err != nil {
		return nil, err
	}
	for _, s := range parts {
		p, err := parsePrefix(s)
		if err != nil {
			return nil, err
		}
		a := p.Addr()
		if a.IsUnspecified() || a.IsLoopback() || a.IsMulticast() || p.Bits() == 0 || a == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
			return nil, errHost
		}
		for _, h := range have {
			if h.Addr() == a { // wg-quick fails on the second
				return nil, errTwice
			}
		}
		have = append(have, p)
	}
	return have, nil
}

func appendAllowedIPs(have []netip.Prefix, v string) ([]netip.Prefix, error) {
	parts, err := list(v, maxAllowedIPs-len(have))
	if err != nil {
		return nil, err
	}
	for _, s := range parts {
		p, err := parsePrefix(s)
		if err != nil {
			return nil, err
		}
		have = append(have, p.Masked())
	}
	return have, nil
}

func (i *Interface) appendDNS(v string) error {
	parts, err := list(v, maxDNS-len(i.DNS)-len(i.Search))
	if err != nil {
		return err
	}
	for _, s := range parts {
		if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" && !a.Is4In6() {
			i.DNS = append(i.DNS, a)
			continue
		}
		if !validHost(s) {
			return errDNS
		}
		i.Search = append(i.Search, s)
	}
	return nil
}

func parseEndpoint(v string) (Endpoint, error) {
	at := strings.LastIndexByte(v, ':')
	if at < 0 {
		return Endpoint{}, errEndpoint
	}
	host := v[:at]
	port, err := parseNumber(v[at+1:], 1, 65535)
	if err != nil {
		return Endpoint{}, errEndpoint
	}
	inner, bracketed := strings.CutPrefix(host, "[")
	if bracketed {
		inner, bracketed = strings.CutSuffix(inner, "]")
		if !bracketed {
			return Endpoint{}, errEndpoint
		}
	}
	if a, err := netip.ParseAddr(inner); err == nil && a.Zone() == "" && a.Is6() == bracketed {
		return Endpoint{Host: a.Unmap().String(), Port: uint16(port)}, nil
	}
	if bracketed || !validHost(host) {
		return Endpoint{}, errEndpoint
	}
	return Endpoint{Host: host, Port: uint16(port)}, nil
}

// validHost accepts DNS names (RFC 1123 2.1, underscores too) and nothing that a resolver could take for an address in one
// of inet_aton's shapes, such as 127.1 or 0x7f000001: those would slip past the checks on loopback.
func validHost(h string) bool {
	name := strings.TrimSuffix(h, ".")
	if name == "" || len(name) > 253 {
		return false
	}
	labels := strings.Split(name, ".")
	for _, l := range labels {
		if l == "" || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' || strings.ContainsFunc(l, notHostRune) {
			return false
		}
	}
	last := strings.ToLower(labels[len(labels)-1])
	return strings.Trim(last, "0123456789") != "" && !strings.HasPrefix(last, "0x")
}

func notHostRune(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
}

// parseNumber reads decimal digits only: strconv takes no sign and no spaces here.
func parseNumber(v string, lo, hi uint64) (uint64, error) {
	n, err := strconv.ParseUint(v, 10, 32)
	if err != nil || n < lo || n > hi {
		return 0, errors.New("not a number from " + strconv.FormatUint(lo, 10) + " to " + strconv.FormatUint(hi, 10))
	}
	return n, nil
}

func parseKeepalive(v string) (uint16, error) {
	if strings.EqualFold(v, "off") {
		return 0, nil
	}
	n, err := parseNumber(v, 0, 65535)
	return uint16(n), err
}

func parseFwMark(v string) (uint32, error) {
	if strings.EqualFold(v, "off") {
		return 0, nil
	}
	digits, base := v, 10
	if rest, ok := strings.CutPrefix(strings.ToLower(v), "0x"); ok {
		digits, base = rest, 16
	}
	n, err := strconv.ParseUint(digits, base, 32)
	if err != nil {
		return 0, errors.New("not a 32-bit number")
	}
	return uint32(n), nil
}
