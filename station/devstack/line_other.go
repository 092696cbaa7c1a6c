//go:build !linux

package devstack

import "path/filepath"

// newLine makes a line in memory: there are no ptys that a serial port library takes for ports.
func newLine(link string) (line, string, error) {
	return newMemoryLine(), "memory:" + filepath.Base(link), nil
}
