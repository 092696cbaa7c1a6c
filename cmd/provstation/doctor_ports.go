package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"provstation/serialproto/port"
	"provstation/station/config"
)

// portChecks look at the serial ports and at the programs that take them.
func (d *doctor) portChecks() []check {
	return []check{
		{names: []string{"ports"}, run: d.checkPorts},
		{names: []string{"programs"}, run: d.checkPrograms},
	}
}

// checkPorts: what the configuration uses is there, permitted, free and quick. No port of this machine is opened; a serial
// server is connected to, since nothing else tells whether it is there.
func (d *doctor) checkPorts(ctx context.Context) []finding {
	const name = "ports"
	cfg := d.cfg
	if cfg == nil {
		cfg = config.Default()
		cfg.Ports.Unknown = config.UnknownUse // look at every USB port
	}
	rows, err := portRows(cfg, d.sys)
	if err != nil {
		return []finding{failed(name, "see that /sys is mounted", "%v", err)}
	}
	running, _ := d.sys.processes()
	used := 0
	var list []finding
	for _, r := range rows {
		if r.Use != useSlot {
			continue
		}
		used++
		if r.Network {
			list = append(list, d.serverFindings(ctx, r)...)
			continue
		}
		list = append(list, d.portFindings(r, running)...)
	}
	if used == 0 {
		return []finding{warned(name, "plug a device or an adapter in; provstation ports shows what is there, ports.slots and ports.include say what is used",
			"%d serial ports, none of them a slot", len(rows))}
	}
	return append([]finding{ok(name, "%d serial ports, %d of them slots%s", len(rows), used, d.blindSpot())}, list...)
}

// blindSpot says what an ordinary user cannot see.
func (d *doctor) blindSpot() string {
	if os.Geteuid() <= 0 {
		return ""
	}
	return "; of other users' programs only root sees what they hold"
}

func (d *doctor) portFindings(r portRow, running []process) (list []finding) {
	add := func(f finding) {
		f.Subject = r.Port
		list = append(list, f)
	}
	switch {
	case errors.Is(r.err, fs.ErrNotExist) && d.atWork:
		return []finding{{Check: "port", Subject: r.Port, Status: checkSkipped, Seen: "nothing is plugged in"}}
	case errors.Is(r.err, fs.ErrNotExist):
		return []finding{{Check: "port", Subject: r.Port, Status: checkWarn, Seen: "it is not there", Fix: "plug it in, or correct ports.include"}}
	case errors.Is(r.err, fs.ErrPermission):
		add(failed("port", permissionFix(r.Port, d.sys.group(r.Port)), "this user may not open it"))
	case r.err != nil:
		add(failed("port", "see the error", "%v", r.err))
	}
	getty, hasGetty := gettyOn(running, r.Port)
	switch {
	case r.Holder != "" && r.HolderPID == os.Getpid():
	case r.Holder != "":
		add(failed("port", holderFix(r.Holder, r.HolderPID, r.Port), "%s (process %d) holds it", r.Holder, r.HolderPID))
	case hasGetty:
		add(failed("port", holderFix(getty.name, getty.pid, r.Port), "%s (process %d) waits for a login on it", getty.name, getty.pid))
	}
	if r.LatencyMS > 1 {
		base := filepath.Base(r.Port)
		if real, err := filepath.EvalSymlinks(r.Port); err == nil {
			base = filepath.Base(real)
		}
		add(warned("port", fmt.Sprintf(`echo 1 | sudo tee /sys/bus/usb-serial/devices/%s/latency_timer ; for good a udev rule: ACTION=="add", SUBSYSTEM=="usb-serial", DRIVER=="ftdi_sio", ATTR{latency_timer}="1"`, base),
			"its adapter holds bytes back for up to %d ms: every exchange is slower", r.LatencyMS))
	}
	if len(list) == 0 {
		what := strings.TrimSpace(r.USB + " " + r.Product)
		if what == "" {
			what = "no USB port"
		}
		add(ok("port", "slot %s, free and permitted (%s)", r.Slot, what))
	}
	return list
}

// serverFindings tell whether a serial server answers, and what that means for secrets.
func (d *doctor) serverFindings(ctx context.Context, r portRow) (list []finding) {
	add := func(f finding) {
		f.Subject = r.Port
		list = append(list, f)
	}
	err := d.sys.reach(ctx, r.Port)
	var pe *port.Error
	switch {
	case err == nil:
		add(ok("port", "slot %s, its serial server answers", r.Slot))
	case errors.Is(err, port.ErrBusy):
		add(failed("port", "another station runs here: end it, or give each its own ports.include", "this machine is connected to it already"))
	case errors.As(err, &pe) && pe.Err != nil:
		add(failed("port", "see that the serial server is on, that address and port are right, and that it passes raw bytes", "%v", pe.Err))
	default:
		add(failed("port", "see the error", "%v", err))
	}
	if d.cfg != nil && d.cfg.WireGuard.KeyOverTCP == config.PolicyAllow {
		add(warned("port", "wireguard.key_over_tcp: refuse, or a network that nobody else is on",
			"a tunnel's private key that the bridge makes would cross the network in the clear"))
	}
	return list
}

// permissionFix says how this user comes to use the port.
func permissionFix(path string, g portGroup) string {
	switch {
	case g.name == "" || g.name == "root":
		return `no group may use it: a udev rule gives it one, as SUBSYSTEM=="tty", KERNEL=="` + filepath.Base(path) + `", GROUP="dialout", MODE="0660"`
	case g.listed && !g.inEffect:
		return "this user is in group " + g.name + ", but not since this sign-in: sign out and in again (or: newgrp " + g.name + ")"
	default:
		return "sudo usermod -aG " + g.name + " $USER, then sign out and in again"
	}
}

// holderFix says how to get a port from the program that has it.
func holderFix(name string, pid int, path string) string {
	switch {
	case name == "ModemManager":
		return "sudo systemctl disable --now ModemManager, or a udev rule for the adapter with ENV{ID_MM_DEVICE_IGNORE}=\"1\""
	case name == "brltty":
		return "sudo systemctl mask --now brltty-udev.service brltty.service, or sudo apt-get remove brltty: it takes CH340 and CP210x adapters for braille displays"
	case strings.Contains(name, "getty") || name == "login":
		base := filepath.Base(path)
		return "sudo systemctl disable --now serial-getty@" + base + ".service"
	case strings.HasPrefix(name, "provstation"):
		return fmt.Sprintf("another station runs here (process %d): end it, or give each its own ports.include", pid)
	default:
		return fmt.Sprintf("close that program (process %d), or leave the port out with ports.exclude", pid)
	}
}

// gettyOn finds a login program that was started for the port, also one of another user.
func gettyOn(running []process, path string) (process, bool) {
	base := filepath.Base(path)
	for _, p := range running {
		if strings.Contains(p.name, "getty") && slices.ContainsFunc(p.args, func(a string) bool { return a == base || a == path || a == "/dev/"+base }) {
			return p, true
		}
	}
	return process{}, false
}

// checkPrograms: nothing runs that talks to every new serial port.
func (d *doctor) checkPrograms(context.Context) []finding {
	const name = "programs"
	running, known := d.sys.processes()
	if !known {
		return []finding{skipped(name, "this system does not list its programs")}
	}
	var list []finding
	for _, bad := range []string{"ModemManager", "brltty"} {
		i := slices.IndexFunc(running, func(p process) bool { return p.name == bad })
		if i >= 0 {
			list = append(list, warned(name, holderFix(bad, running[i].pid, ""), "%s runs (process %d) and talks to new serial ports by itself", bad, running[i].pid))
		}
	}
	if len(list) == 0 {
		list = append(list, ok(name, "neither ModemManager nor brltty runs"))
	}
	return list
}
