package main

import (
	"context"
	"sync"
	"time"

	"provstation/serialproto/link"
	"provstation/serialproto/port"
	"provstation/station"
	"provstation/station/config"
	"provstation/station/device"
	"provstation/station/pki"
)

// router opens each port as its device profile says.
type router struct {
	cfg      *config.Config
	openPort func(path string, baud int) (link.Transport, error) // nil: real ports

	mu   sync.Mutex
	made map[string]station.Connector // by the profile's name
}

// newRouter makes the connector of a bench. openPort opens ports in place of the system; nil: the system does.
func newRouter(cfg *config.Config, openPort func(string, int) (link.Transport, error)) *router {
	return &router{cfg: cfg, openPort: openPort, made: map[string]station.Connector{}}
}

// Open opens the port by the driver of its profile.
func (r *router) Open(ctx context.Context, p station.PortInfo) (station.Line, error) {
	ch := r.cfg.ProfileFor(p)
	return r.connector(ch.Name, ch.Profile).Open(ctx, p)
}

// connector is made once for all ports of a profile.
func (r *router) connector(name string, p config.DeviceProfile) station.Connector {
	r.mu.Lock()
	defer r.mu.Unlock()
	c, ok := r.made[name]
	if !ok {
		if p.Driver == config.DriverConsole {
			c = consoleConnector(p, r.openPort)
		} else {
			c = device.NewConnector(agentConfig(p, r.openPort))
		}
		r.made[name] = c
	}
	return c
}

// agentConfig is how the ports of a profile are spoken to where an agent answers.
func agentConfig(p config.DeviceProfile, openPort func(string, int) (link.Transport, error)) device.Config {
	return device.Config{
		Baud: p.Baud, Probe: p.Probe, DTR: level(p.DTR), RTS: level(p.RTS), MTU: p.MTU, Window: p.Window, MaxMessage: p.MaxMessage,
		OpenPort: openPort,
	}
}

// level is what is done with a modem line when a port has been opened.
func level(text string) port.Level {
	switch text {
	case config.LineRaise:
		return port.Raise
	case config.LineDrop:
		return port.Drop
	default:
		return port.Leave
	}
}

// profilesOf tells the bench how to treat the devices of a port.
func profilesOf(cfg *config.Config) func(station.PortInfo) station.Profile {
	return func(p station.PortInfo) station.Profile {
		ch := cfg.ProfileFor(p)
		return station.Profile{
			Name: ch.Name, KeyType: ch.Profile.KeyType, Timeouts: ch.Profile.Deadlines(), SilentAfter: ch.Profile.Patience(),
		}
	}
}

// profileKeyTypes are the types of keys that profiles ask for beside pki.key_type.
func profileKeyTypes(cfg *config.Config) (list []pki.KeyType) {
	for _, name := range cfg.ProfilesInUse() {
		if p, ok := cfg.DeviceProfile(name); ok && p.KeyType != "" {
			list = append(list, pki.KeyType(p.KeyType))
		}
	}
	return list
}

// settled is how long a bench without --count waits after the last thing that happened: at least as long as a port may be
// silent before that means anything.
func settled(cfg *config.Config) time.Duration { return max(settleFor, cfg.Patience()) }
