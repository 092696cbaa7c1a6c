//go:build !linux

package port

import "io"

type noHold struct{}

func (noHold) Close() error { return nil }

// holdAddress reserves nothing where no name goes with its process: there it is
// the serial server that turns a second client away.
func holdAddress(string) (io.Closer, error) { return noHold{}, nil }
