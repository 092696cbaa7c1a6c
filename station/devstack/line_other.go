//go:build !linux

package devstack

// newLine makes a line in memory: there are no ptys that a serial port library takes for ports.
func newLine(name string) (line, string, error) { return newMemoryLine(), "memory:" + name, nil }
