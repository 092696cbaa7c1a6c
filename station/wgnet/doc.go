// Package wgnet is one end of a WireGuard tunnel inside this process: wireguard-go over a UDP socket, and behind it, instead
// of a network interface, a host that knows one thing, to answer echo requests and to send them (RFC 792, RFC 4443). It needs
// no rights and no TUN device. The development stack's server is such an end, so are the tunnels of its virtual devices, and
// so is the station's own, through which it pings devices.
//
// Why no TCP/IP stack (wireguard-go's tun/netstack on gVisor): nothing here opens a connection, and it would put three
// megabytes into every program that has a tunnel.
//
// Out of scope: routes, fragments, everything that is no echo.
package wgnet
