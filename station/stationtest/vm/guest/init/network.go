//go:build linux

package main

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// network brings the loopback interface up and, where the machine has one, eth0 with the addresses that QEMU's user-mode
// network gives its first guest: 10.0.2.2 is the machine that QEMU runs on, 10.0.2.3 its resolver.
func network(ethernet bool) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := up(fd, "lo", "127.0.0.1", "255.0.0.0"); err != nil || !ethernet {
		return err
	}
	if err := appear("/sys/class/net/eth0"); err != nil {
		return err
	}
	if err := up(fd, "eth0", "10.0.2.15", "255.255.255.0"); err != nil {
		return err
	}
	if err := gateway(fd, "10.0.2.2"); err != nil {
		return fmt.Errorf("default route: %w", err)
	}
	return os.WriteFile("/etc/resolv.conf", []byte("nameserver 10.0.2.3\n"), 0o644)
}

func up(fd int, name, address, mask string) error {
	for _, set := range []struct {
		what uint
		addr string
	}{{unix.SIOCSIFADDR, address}, {unix.SIOCSIFNETMASK, mask}} {
		req, err := unix.NewIfreq(name)
		if err != nil {
			return err
		}
		a := netip.MustParseAddr(set.addr).As4()
		if err := req.SetInet4Addr(a[:]); err != nil {
			return err
		}
		if err := unix.IoctlIfreq(fd, set.what, req); err != nil {
			return fmt.Errorf("%s %s: %w", name, set.addr, err)
		}
	}
	req, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	req.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, req); err != nil {
		return fmt.Errorf("%s up: %w", name, err)
	}
	return nil
}

// rtentry is struct rtentry of <linux/route.h> on 64-bit systems.
type rtentry struct {
	_                uint64
	dst, gw, genmask [16]byte // struct sockaddr
	flags            uint16
	_                int16
	_                uint64
	_                uint64
	metric           int16
	dev              uintptr
	mtu, window      uint64
	irtt             uint16
}

func gateway(fd int, via string) error {
	r := rtentry{flags: unix.RTF_UP | unix.RTF_GATEWAY}
	for _, a := range []*[16]byte{&r.dst, &r.gw, &r.genmask} {
		binary.NativeEndian.PutUint16(a[:], unix.AF_INET)
	}
	a := netip.MustParseAddr(via).As4()
	copy(r.gw[4:], a[:])
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCADDRT, uintptr(unsafe.Pointer(&r))); errno != 0 {
		return errno
	}
	return nil
}
