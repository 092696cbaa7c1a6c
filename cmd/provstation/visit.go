package main

import (
	"provstation/station"
	"provstation/station/config"
	"provstation/station/device"
)

// visitor finds one device at the station's ports, for a command that is about that device alone.
func visitor(cfg *config.Config) station.Visitor {
	return station.Visitor{
		Watcher:   device.NewWatcher(explicitPaths(cfg)),
		Connector: device.NewConnector(device.Config{Baud: cfg.Ports.Baud, Probe: cfg.Ports.Probe}),
		Ports:     portRules(cfg),
	}
}
