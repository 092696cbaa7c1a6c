package pki

import (
	"net/netip"
	"strings"
)

// MaxDeviceID is the longest legal device id in bytes, which is also the longest DNS label.
const MaxDeviceID = 63

// ValidDeviceID reports why id cannot be a device id, nil if it can:
// ^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$, no "..", no IP address, no Windows device name. An id becomes a CN, a
// DNS name, an MQTT client id, a path segment of a URL and a file name. The error is an [*Error] with [CheckDeviceID].
func ValidDeviceID(id string) error {
	switch {
	case id == "":
		return finding(CheckDeviceID, "empty")
	case len(id) > MaxDeviceID:
		return finding(CheckDeviceID, "longer than 63 characters")
	}
	for i := range len(id) {
		if !idByte(id[i]) {
			return finding(CheckDeviceID, "only letters, digits, dot, underscore and hyphen are allowed")
		}
	}
	switch {
	case !alnum(id[0]) || !alnum(id[len(id)-1]):
		return finding(CheckDeviceID, "must begin and end with a letter or a digit")
	case strings.Contains(id, ".."):
		return finding(CheckDeviceID, "two dots in a row")
	case looksLikeIP(id):
		return finding(CheckDeviceID, "an IP address is no device id")
	case windowsDevice(id):
		return finding(CheckDeviceID, "a Windows device name is no device id")
	}
	return nil
}

func alnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func idByte(c byte) bool { return alnum(c) || c == '.' || c == '_' || c == '-' }

// looksLikeIP also finds dotted quads that only inet_aton takes for an address (leading zeros, numbers over 255).
func looksLikeIP(id string) bool {
	if _, err := netip.ParseAddr(id); err == nil {
		return true
	}
	return strings.Count(id, ".") == 3 && strings.Trim(id, "0123456789.") == ""
}

// windowsDevice finds names that Windows opens as devices, with any extension: CON, NUL.txt, com1.
func windowsDevice(id string) bool {
	base, _, _ := strings.Cut(strings.ToUpper(id), ".")
	switch base {
	case "CON", "PRN", "AUX", "NUL":
		return true
	}
	if len(base) != 4 || base[3] < '0' || base[3] > '9' {
		return false
	}
	return base[:3] == "COM" || base[:3] == "LPT"
}
