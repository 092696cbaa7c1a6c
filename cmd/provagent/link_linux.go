package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"unsafe"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// Network interfaces by rtnetlink(7): three requests, by the library that wgctrl speaks netlink with. A library for the rest
// of the family would be another 200 kB in the agent.

// routeRequest executes one request about an interface: struct ifinfomsg, then attributes.
func routeRequest(typ netlink.HeaderType, flags netlink.HeaderFlags, index int32, up uint32, attributes []byte) error {
	c, err := netlink.Dial(unix.NETLINK_ROUTE, nil)
	if err != nil {
		return err
	}
	defer c.Close()
	info := make([]byte, unsafe.Sizeof(unix.IfInfomsg{}))
	binary.NativeEndian.PutUint32(info[4:], uint32(index)) //nolint:gosec // the kernel's own
	binary.NativeEndian.PutUint32(info[8:], up)            // flags
	binary.NativeEndian.PutUint32(info[12:], up)           // which of them are meant
	_, err = c.Execute(netlink.Message{
		Header: netlink.Header{Type: typ, Flags: netlink.Request | netlink.Acknowledge | flags}, Data: append(info, attributes...),
	})
	return err
}

// linkAdd makes an interface of a kind.
func linkAdd(name, kind string) error {
	ae := netlink.NewAttributeEncoder()
	ae.String(unix.IFLA_IFNAME, name)
	ae.Nested(unix.IFLA_LINKINFO, func(n *netlink.AttributeEncoder) error {
		n.String(unix.IFLA_INFO_KIND, kind)
		return nil
	})
	attributes, err := ae.Encode()
	if err != nil {
		return err
	}
	return routeRequest(unix.RTM_NEWLINK, netlink.Create|netlink.Excl, 0, 0, attributes)
}

// linkUp sets an interface up.
func linkUp(name string) error {
	index, err := linkIndex(name)
	if err != nil {
		return err
	}
	return routeRequest(unix.RTM_NEWLINK, 0, index, unix.IFF_UP, nil)
}

// linkRemove takes an interface away. The error has fs.ErrNotExist in its chain where there is none.
func linkRemove(name string) error {
	index, err := linkIndex(name)
	if err != nil {
		return err
	}
	err = routeRequest(unix.RTM_DELLINK, 0, index, 0, nil)
	if errors.Is(err, unix.ENODEV) {
		return fs.ErrNotExist // gone meanwhile
	}
	return err
}

func linkIndex(name string) (int32, error) {
	links, err := net.Interfaces()
	if err != nil {
		return 0, err
	}
	for _, l := range links {
		if l.Name == name {
			return int32(l.Index), nil //nolint:gosec // the kernel's own
		}
	}
	return 0, fmt.Errorf("interface %s: %w", name, fs.ErrNotExist)
}
