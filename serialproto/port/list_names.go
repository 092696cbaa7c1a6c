//go:build !linux && !windows && !(darwin && cgo)

package port

import (
	"fmt"
	"sort"
	"strings"

	"go.bug.st/serial"
)

// enumerate lists names alone: the library asks macOS for USB details through
// cgo, which this build is without. The tty.* twin of each cu.* name is left
// out, since opening it waits for a carrier.
func enumerate(_, _ string) ([]present, error) {
	names, err := serial.GetPortsList()
	if err != nil {
		return nil, fmt.Errorf("list serial ports: %w", err)
	}
	sort.Strings(names)
	var found []present
	for _, name := range names {
		if strings.HasPrefix(name, "/dev/tty.") || name != clean(name) {
			continue
		}
		found = append(found, present{Info: Info{
			Path: name, Slot: name, IsUSB: strings.Contains(name, "usb"),
		}})
	}
	return found, nil
}
