package devstack

import (
	"errors"
	"fmt"
	"path/filepath"

	"provstation/serialproto/link"
	"provstation/serialproto/prototest"
)

// BareLine is the line of a virtual device without the device: for whoever plays one, or measures what the line does alone.
type BareLine struct {
	Path   string          // the port that a station opens, unless Station gives its end
	Device *prototest.Conn // the device's end: what goes through it takes as long as the baud rate says

	ln cable
}

// BareConfig is how bare lines are made.
type BareConfig struct {
	Dir    string // of the links to their ports; it exists
	Baud   int
	Faults Spec   // those of the line
	Seed   uint64 // faults follow from it
	Pacer  *prototest.Pacer
	Memory bool // as of [Config]
}

// NewBareLine makes a line on the same kind of port as the virtual devices have.
func NewBareLine(cfg BareConfig, name string) (*BareLine, error) {
	ln, path, err := cableOf(cfg.Memory)(filepath.Join(cfg.Dir, name))
	if err != nil {
		return nil, fmt.Errorf("bare line %s: %w", name, err)
	}
	end, err := ln.open()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("bare line %s: %w", name, err), ln.close())
	}
	c := cfg.Faults.line(cfg.Baud, cfg.Seed, cfg.Pacer)
	c.ToHost, c.ToDevice = c.ToDevice, c.ToHost // the device has the end that Paced calls the host's
	return &BareLine{Path: path, Device: prototest.Paced(end, c), ln: ln}, nil
}

// Station gives the station's end where the port is no file; nil: open Path.
func (l *BareLine) Station() (link.Transport, error) { return l.ln.dial() }

// Close takes the line away.
func (l *BareLine) Close() error { return errors.Join(l.Device.Close(), l.ln.close()) }
