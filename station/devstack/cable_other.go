//go:build !linux

package devstack

// newCable makes a line in memory: there are no ptys that a serial port library takes for ports.
func newCable(link string) (cable, string, error) { return memoryPort(link) }
