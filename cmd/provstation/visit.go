package main

import (
	"time"

	"provstation/station"
	"provstation/station/config"
	"provstation/station/device"
)

// visitFor is how long a device may take to announce itself, which it does four times a second.
const visitFor = 3 * time.Second

// visitor finds one device at the station's ports, for a command that is about that device alone.
func visitor(cfg *config.Config) station.Visitor {
	return station.Visitor{
		Watcher:   device.NewWatcher(explicitPaths(cfg)),
		Connector: newRouter(cfg, nil),
		Ports:     portRules(cfg),
		Patience:  max(visitFor, cfg.Patience()),
	}
}
