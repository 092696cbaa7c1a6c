package wgnet

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// Sizes and numbers of RFC 791 and RFC 8200.
const (
	header4   = 20
	header6   = 40
	protoICMP = 1
	protoICM6 = 58
	hops      = 64
)

// packet is an IP packet as far as it matters here.
type packet struct {
	src, dst netip.Addr
	echo     *icmp.Echo // nil: something else
	request  bool       // echo: a request, else a reply
}

// parse reads an IP packet. ok is false for what is none. A packet that is no whole echo message has no echo.
func parse(b []byte) (p packet, ok bool) {
	if len(b) < header4 {
		return p, false
	}
	switch b[0] >> 4 {
	case 4:
		return parse4(b)
	case 6:
		return parse6(b)
	}
	return p, false
}

func parse4(b []byte) (p packet, ok bool) {
	head, total := int(b[0]&0x0f)*4, int(binary.BigEndian.Uint16(b[2:]))
	if head < header4 || total < head || total > len(b) {
		return p, false
	}
	p.src, p.dst = netip.AddrFrom4([4]byte(b[12:16])), netip.AddrFrom4([4]byte(b[16:20]))
	fragment := binary.BigEndian.Uint16(b[6:])&0x3fff != 0 // more fragments, or an offset
	if b[9] == protoICMP && !fragment {
		p.readEcho(protoICMP, b[head:total], ipv4.ICMPTypeEcho, ipv4.ICMPTypeEchoReply)
	}
	return p, true
}

func parse6(b []byte) (p packet, ok bool) {
	if len(b) < header6 {
		return p, false
	}
	total := header6 + int(binary.BigEndian.Uint16(b[4:]))
	if total > len(b) {
		return p, false
	}
	p.src, p.dst = netip.AddrFrom16([16]byte(b[8:24])), netip.AddrFrom16([16]byte(b[24:40]))
	if b[6] == protoICM6 {
		p.readEcho(protoICM6, b[header6:total], ipv6.ICMPTypeEchoRequest, ipv6.ICMPTypeEchoReply)
	}
	return p, true
}

// readEcho reads an ICMP message. Its checksum is not looked at: the tunnel authenticates each packet as a whole.
func (p *packet) readEcho(proto int, b []byte, request, reply icmp.Type) {
	if len(b) < 8 {
		return
	}
	m, err := icmp.ParseMessage(proto, b)
	if err != nil || m.Code != 0 || (m.Type != request && m.Type != reply) {
		return
	}
	p.echo, _ = m.Body.(*icmp.Echo)
	p.request = m.Type == request
}

// render writes an echo message as an IP packet; nil where that cannot be.
func render(src, dst netip.Addr, echo *icmp.Echo, request bool) []byte {
	if src.Is4() != dst.Is4() {
		return nil
	}
	if src.Is4() {
		typ := ipv4.ICMPTypeEchoReply
		if request {
			typ = ipv4.ICMPTypeEcho
		}
		body, err := (&icmp.Message{Type: typ, Body: echo}).Marshal(nil)
		if err != nil || header4+len(body) > MTU {
			return nil
		}
		b := make([]byte, header4, header4+len(body))
		b[0], b[8], b[9] = 4<<4|header4/4, hops, protoICMP
		binary.BigEndian.PutUint16(b[2:], uint16(header4+len(body))) //nolint:gosec // at most MTU
		copy(b[12:], src.AsSlice())
		copy(b[16:], dst.AsSlice())
		binary.BigEndian.PutUint16(b[10:], checksum(b))
		return append(b, body...)
	}
	typ := ipv6.ICMPTypeEchoReply
	if request {
		typ = ipv6.ICMPTypeEchoRequest
	}
	body, err := (&icmp.Message{Type: typ, Body: echo}).Marshal(icmp.IPv6PseudoHeader(src.AsSlice(), dst.AsSlice()))
	if err != nil || header6+len(body) > MTU {
		return nil
	}
	b := make([]byte, header6, header6+len(body))
	b[0], b[6], b[7] = 6<<4, protoICM6, hops
	binary.BigEndian.PutUint16(b[4:], uint16(len(body))) //nolint:gosec // at most MTU
	copy(b[8:], src.AsSlice())
	copy(b[24:], dst.AsSlice())
	return append(b, body...)
}

// checksum is the internet checksum (RFC 1071) of an IPv4 header whose field for it is zero.
func checksum(b []byte) uint16 {
	var sum uint32
	for i := 0; i+1 < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum) //nolint:gosec // folded
}
