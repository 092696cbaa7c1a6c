//go:build windows || (darwin && cgo)

package port

import (
	"fmt"
	"sort"

	"go.bug.st/serial/enumerator"
)

// enumerate asks the library. The system does not tell the hub port, so a USB
// port's slot is its name: COM numbers stay with the physical port for devices
// without a serial number, and cu names contain the location on macOS.
func enumerate(_, _ string) ([]present, error) {
	details, err := enumerator.GetDetailedPortsList()
	if err != nil {
		return nil, fmt.Errorf("list serial ports: %w", err)
	}
	var found []present
	for _, d := range details {
		if d == nil || d.Name == "" {
			continue // it vanished while it was looked at
		}
		found = append(found, present{Info: Info{
			Path: clean(d.Name), Slot: clean(d.Name), IsUSB: d.IsUSB,
			VID: cleanHex(d.VID), PID: cleanHex(d.PID), HardwareSerial: clean(d.SerialNumber),
			Manufacturer: clean(d.Manufacturer), Product: clean(d.Product),
		}})
	}
	sort.Slice(found, func(i, j int) bool { return found[i].Path < found[j].Path })
	return found, nil
}
