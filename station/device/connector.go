package device

import (
	"context"
	"fmt"

	"provstation/serialproto/link"
	"provstation/serialproto/port"
	"provstation/station"
)

// Config is how ports are opened and spoken to.
type Config struct {
	Baud  int  // 0: 115200
	Probe bool // say HELLO where no ANNOUNCE is heard: only for devices that never announce themselves
	// DTR and RTS are set right after opening, where OpenPort is nil.
	DTR, RTS port.Level
	// MTU, Window and MaxMessage bound what a device is offered, see [link.HostConfig]. 0: as much as the protocol has.
	MTU, Window, MaxMessage int

	// OpenPort opens a path. Nil: the real port of that name.
	OpenPort func(path string, baud int) (link.Transport, error)
}

// Connector opens real serial ports, or what Config.OpenPort gives.
type Connector struct {
	cfg    Config
	packer aheadPacker
}

// NewConnector makes a connector.
func NewConnector(cfg Config) *Connector {
	if cfg.Baud == 0 {
		cfg.Baud = 115200
	}
	if cfg.OpenPort == nil {
		holders := new(port.Holders)
		cfg.OpenPort = func(path string, baud int) (link.Transport, error) {
			return port.Open(path, port.Config{Baud: baud, DTR: cfg.DTR, RTS: cfg.RTS, Holders: holders})
		}
	}
	return &Connector{cfg: cfg}
}

// Open opens the port and listens; it sends nothing. The error is a *station.Fault.
func (c *Connector) Open(ctx context.Context, p station.PortInfo) (station.Line, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	t, err := c.cfg.OpenPort(p.Path, c.cfg.Baud)
	if err != nil {
		return nil, PortFault(p.Path, err)
	}
	return &line{
		path: p.Path, probe: c.cfg.Probe, port: t, packer: &c.packer,
		host: link.NewHost(t, link.HostConfig{
			Baud: c.cfg.Baud, Probe: c.cfg.Probe, MTU: c.cfg.MTU, Window: c.cfg.Window, MaxMessage: c.cfg.MaxMessage,
		}),
	}, nil
}

// Watcher tells of real serial ports.
type Watcher struct{ cfg port.WatchConfig }

// NewWatcher watches the system's serial ports and the given explicit paths, which no enumeration lists: ptys, links, and
// serial servers (tcp://host:port), which are there from the start and stay.
func NewWatcher(paths []string) *Watcher { return &Watcher{port.WatchConfig{Paths: paths}} }

// NewPathWatcher watches these ports and no others.
func NewPathWatcher(paths []string) *Watcher {
	return &Watcher{port.WatchConfig{Paths: paths, OnlyPaths: true}}
}

// Watch tells of ports, those present first.
func (w *Watcher) Watch(ctx context.Context) (<-chan station.PortChange, error) {
	in, err := port.Watch(ctx, w.cfg)
	if err != nil {
		return nil, fmt.Errorf("watch serial ports: %w", err)
	}
	out := make(chan station.PortChange)
	go func() {
		defer close(out)
		for c := range in {
			select {
			case out <- station.PortChange{Added: c.Kind == port.Added, Port: Describe(c.Info)}:
			case <-ctx.Done():
			}
		}
	}()
	return out, nil
}

// Describe puts a port as the system shows it into the station's words.
func Describe(i port.Info) station.PortInfo {
	return station.PortInfo{
		Path: i.Path, Slot: i.Slot, ByID: i.ByID, VID: i.VID, PID: i.PID, HardwareSerial: i.HardwareSerial, Product: i.Product,
		Network: i.Network,
	}
}
