package config

import (
	"path"
	"regexp"
	"strings"

	"provstation/station"
)

var usbPattern = regexp.MustCompile(`^[0-9A-Fa-f]{4}:([0-9A-Fa-f]{4}|\*)$`)

// fits reports whether every condition of the rule holds for the port.
func (r ProfileRule) fits(p station.PortInfo) bool {
	if r.USB == "" && r.Port == "" && r.Slot == "" {
		return false
	}
	return (r.USB == "" || fitsUSB(r.USB, p)) && (r.Port == "" || fitsPort(r.Port, p)) && (r.Slot == "" || r.Slot == p.SlotName)
}

// fitsUSB compares ids of USB devices, as lsusb prints them in lower case and the kernel's drivers in upper.
func fitsUSB(id string, p station.PortInfo) bool {
	vid, pid, _ := strings.Cut(id, ":")
	return p.VID != "" && strings.EqualFold(vid, p.VID) && (pid == "*" || strings.EqualFold(pid, p.PID))
}

// fitsPort compares as ports.include does: path, place and by-id name.
func fitsPort(pattern string, p station.PortInfo) bool {
	for _, name := range []string{p.Path, p.Slot, p.ByID} {
		if name == "" {
			continue
		}
		if ok, err := path.Match(pattern, name); pattern == name || (err == nil && ok) {
			return true
		}
	}
	return false
}
