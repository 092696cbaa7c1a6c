package console

import (
	"context"

	"provstation/station"
)

// Connector opens the consoles of boxes without an agent. It is safe for concurrent use.
type Connector struct {
	cfg Config
	bad error // what Config.Check said
}

var _ station.Connector = (*Connector)(nil)

// NewConnector makes a connector. A configuration that Check refuses fails at every Open.
func NewConnector(cfg Config) *Connector {
	return &Connector{cfg: cfg.withDefaults(), bad: cfg.Check()}
}

// Open opens the port and listens; it sends nothing. The error is a *station.Fault.
func (c *Connector) Open(ctx context.Context, p station.PortInfo) (station.Line, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if c.bad != nil {
		return nil, &station.Fault{
			Code: station.CodePortBad, Outcome: station.Error, Class: station.Misconfigured,
			Params: map[string]string{"port": p.Path, "detail": c.bad.Error()}, Err: c.bad,
		}
	}
	t, err := c.cfg.OpenPort(p.Path, c.cfg.Baud)
	if err != nil {
		return nil, portFault(p.Path, err)
	}
	return newLine(c.cfg, p.Path, t), nil
}
