package main

import (
	"context"
	"regexp"

	"provstation/serialproto/link"
	"provstation/serialproto/port"
	"provstation/station"
	"provstation/station/config"
	"provstation/station/console"
)

// consoleConnector opens the consoles of boxes without an agent. openPort opens ports in place of the system; nil: the system
// does.
func consoleConnector(p config.DeviceProfile, openPort func(string, int) (link.Transport, error)) station.Connector {
	return console.NewConnector(consoleConfig(p, openPort))
}

// consoleConfig is how the ports of a profile are spoken to where a login waits.
func consoleConfig(p config.DeviceProfile, openPort func(string, int) (link.Transport, error)) console.Config {
	l, f := p.Console, p.Files
	c := console.Config{
		Baud:  p.Baud,
		Login: console.Login{User: l.User},
		Files: console.Files{
			Dir: f.Dir, Key: f.Key, Device: f.Device, CA: f.CA, WireGuard: f.WireGuard, Flag: f.Flag,
			OtherFlags: append([]string{}, f.OtherFlags...), // none is not the same as unsaid
		},
		Wake: console.Wake(l.Wake), Quiet: l.Quiet.D(), BootQuiet: l.BootQuiet.D(), LoginTimeout: l.LoginTimeout.D(), Command: l.CommandTimeout.D(),
		Idle: l.Idle.D(), MaxLine: l.MaxLine, Pace: l.Pace.D(),
		OpenPort: func(path string, baud int) (console.Transport, error) {
			return port.Open(path, port.Config{Baud: baud, DTR: level(p.DTR), RTS: level(p.RTS)})
		},
	}
	if openPort != nil {
		c.OpenPort = func(path string, baud int) (console.Transport, error) { return openPort(path, baud) }
	}
	if l.Become == config.BecomeSudo {
		c.Login.Become = console.BecomeSudo
	}
	if read := secretPlace(l.PasswordFile, l.PasswordEnv); read != nil {
		c.Login.Password = func(context.Context) (station.Secret, error) { return read() }
	}
	if l.Prompt != "" {
		c.Prompt, _ = regexp.Compile(l.Prompt) // validated
	}
	return c
}
