package main

import (
	"context"
	"errors"

	"provstation/serialproto/link"
	"provstation/station"
	"provstation/station/config"
)

// consoleConnector opens the consoles of boxes without an agent.
func consoleConnector(config.DeviceProfile, func(string, int) (link.Transport, error)) station.Connector {
	return noConsole{}
}

var errNoConsole = errors.New("driver: console is not part of this program")

type noConsole struct{}

func (noConsole) Open(_ context.Context, p station.PortInfo) (station.Line, error) {
	return nil, &station.Fault{
		Code: station.CodePortBad, Outcome: station.Error, Class: station.Misconfigured,
		Params: map[string]string{"port": p.Path, "detail": errNoConsole.Error()}, Err: errNoConsole,
	}
}
