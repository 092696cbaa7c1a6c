package port

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxText bounds every string that a USB descriptor may bring: the device is
// not trusted, and descriptors hold up to 126 characters.
const maxText = 128

// Info describes a port that is present. Every text is printable.
type Info struct {
	// Path is what to open: /dev/ttyUSB0, COM3, or the path as configured.
	Path string
	// Slot is the physical place, stable over replugging. For USB it is the hub
	// path and interface, in the form of the names in /dev/serial/by-path
	// (pci-0000:00:14.0-usb-0:1.4.2:1.0-port0); for a configured path it is that
	// path; otherwise the port's name.
	Slot string
	// ByID is the name in /dev/serial/by-id, "" without udev.
	ByID string
	// VID and PID are the USB ids, four upper-case hexadecimal digits.
	VID, PID string
	// HardwareSerial is the serial number of the USB device (often of the
	// adapter, not of what is behind it).
	HardwareSerial string
	// Manufacturer and Product are the USB strings.
	Manufacturer, Product string
	// IsUSB says that the port is on USB.
	IsUSB bool
	// Network says that the port is behind a serial server: what goes through it
	// can be read on the way.
	Network bool
	// Driver is the kernel driver: ftdi_sio, cdc_acm, ...
	Driver string
}

// List returns the ports that are present, ordered by path. A port that
// vanishes while it is looked at is left out, as is one without hardware.
func List() ([]Info, error) {
	found, err := enumerate("", "")
	if err != nil {
		return nil, err
	}
	infos := make([]Info, len(found))
	for i, f := range found {
		infos[i] = f.Info
	}
	return infos, nil
}

// present is a port with what tells it from a later one at the same path.
type present struct {
	Info
	stamp string
}

// clean makes a device's text fit for a screen: no control or format characters
// (terminal escapes, direction marks), bounded, valid UTF-8.
func clean(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			continue
		}
		if b.Len()+utf8.RuneLen(r) > maxText {
			break
		}
		b.WriteRune(r)
	}
	return strings.TrimSpace(b.String())
}

// cleanHex returns the USB id in s as four upper-case digits, or "".
func cleanHex(s string) string {
	s = strings.ToUpper(strings.TrimSpace(s))
	if len(s) != 4 || strings.Trim(s, "0123456789ABCDEF") != "" {
		return ""
	}
	return s
}
