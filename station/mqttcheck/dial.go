package mqttcheck

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"
)

// minDial is the least time an address gets when a host has several.
const minDial = 2 * time.Second

// dial does the steps resolve and tcp.
func (a *attempt) dial() (net.Conn, *Error) {
	a.steps.begin(StepResolve)
	addrs, err := a.lookup()
	if err != nil {
		return nil, a.resolveFailure(err)
	}
	a.steps.end(StepResolve, true)

	a.steps.begin(StepTCP)
	var first error
	for i, addr := range addrs {
		conn, err := a.dialOne(addr, len(addrs)-i)
		if err == nil {
			a.res.Addr = netip.AddrPortFrom(addr, a.cfg.Port).String()
			a.steps.end(StepTCP, true)
			return conn, nil
		}
		if first == nil {
			first = err
		}
		if a.ctx.Err() != nil {
			break
		}
	}
	return nil, a.dialFailure(StepTCP, first)
}

func (a *attempt) lookup() ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(a.cfg.Host); err == nil {
		return []netip.Addr{addr}, nil
	}
	addrs, err := a.cfg.Resolver.LookupNetIP(a.ctx, "ip", a.cfg.Host)
	if err != nil {
		return nil, err
	}
	if len(addrs) == 0 {
		return nil, &net.DNSError{Err: "no addresses", Name: a.cfg.Host, IsNotFound: true}
	}
	const most = 8
	addrs = addrs[:min(len(addrs), most)]
	for i := range addrs {
		addrs[i] = addrs[i].Unmap()
	}
	return addrs, nil
}

// dialOne tries one address, leaving time for the others that are left.
func (a *attempt) dialOne(addr netip.Addr, left int) (net.Conn, error) {
	ctx := a.ctx
	if deadline, ok := ctx.Deadline(); ok && left > 1 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, max(minDial, time.Until(deadline)/time.Duration(left+1)))
		defer cancel()
	}
	return a.cfg.Dialer.DialContext(ctx, "tcp", netip.AddrPortFrom(addr, a.cfg.Port).String())
}

func (a *attempt) resolveFailure(err error) *Error {
	host := clean(a.cfg.Host)
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.IsNotFound {
		return a.failure(StepResolve, NameNotFound, err,
			fmt.Sprintf("The broker's name %s does not exist.", host),
			"Check mqtt.host for a typing error, and that the station uses the tenant's DNS server.")
	}
	if cause := a.expired(err); cause != nil {
		return a.timeoutError(StepResolve, cause)
	}
	return a.failure(StepResolve, ResolverFailed, err,
		fmt.Sprintf("The broker's name %s could not be looked up.", host),
		"Check the station's network cable and its DNS server.")
}

func (a *attempt) dialFailure(step Step, err error) *Error {
	where := clean(net.JoinHostPort(a.cfg.Host, strconv.Itoa(int(a.cfg.Port))))
	switch {
	case errors.Is(err, errRefused):
		return a.failure(step, Refused, err,
			fmt.Sprintf("Nothing listens at %s: the connection was refused.", where),
			"Check that the broker runs, and mqtt.host and mqtt.port.")
	case errors.Is(err, errNetRoute), errors.Is(err, errHost), errors.Is(err, errHostDown):
		return a.failure(step, NoRoute, err,
			fmt.Sprintf("There is no route from this station to %s.", where),
			"Check the station's network cable, address, gateway and VPN.")
	}
	if cause := a.expired(err); cause != nil {
		return a.timeoutError(step, cause)
	}
	if errors.Is(err, errTimedOut) {
		return a.timeoutError(step, err)
	}
	return a.failure(step, ConnectFailed, err,
		fmt.Sprintf("The connection to %s failed.", where),
		"Check the station's network and mqtt.host.")
}
