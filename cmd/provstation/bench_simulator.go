package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"provstation/serialproto/link"
	"provstation/serialproto/prototest"
	"provstation/station/devstack"
)

// simulator is how much longer than its baud rate says a line takes on this machine when so many are busy at once, with
// readers that do nothing and nothing else going on: the median of the lines, 1 at least. Whatever a cell measures contains it.
func (r *benchRig) simulator(ctx context.Context, c benchCell, bytes uint64) (_ float64, err error) {
	dir, err := os.MkdirTemp(r.dir, "provstation-bench-lines-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	lines, err := r.lines(dir, benchCell{devices: c.devices, baud: c.baud}, 0)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, closeLines(lines)) }()
	stop := context.AfterFunc(ctx, func() { _ = closeLines(lines) })
	defer stop()
	took, errs := make([]time.Duration, len(lines)), make([]error, len(lines))
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i, l := range lines {
		wg.Go(func() {
			<-start
			took[i], errs[i] = l.carry(int(bytes)) //nolint:gosec // some kilobytes
		})
	}
	close(start)
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return 0, fmt.Errorf("measure the simulated lines: %w", err)
	}
	return max(1, ratio(float64(percentile(took, 50)), float64(lineTime(bytes, c.baud)))), nil
}

// benchTestLine is a simulated line without a device.
type benchTestLine struct {
	*devstack.BareLine
	station link.Transport
}

// lines makes the lines of a cell, on the same kind of ports as those of the virtual devices.
func (r *benchRig) lines(dir string, c benchCell, seed uint64) (list []*benchTestLine, err error) {
	pacer := prototest.NewExactPacer()
	for i := range c.devices {
		cfg := devstack.BareConfig{Dir: dir, Baud: c.baud, Faults: c.spec(), Seed: seed + uint64(i), Pacer: pacer, Memory: c.inMemory()} //nolint:gosec // counts from 0
		l, err := devstack.NewBareLine(cfg, fmt.Sprintf("line-%03d", i+1))
		if err != nil {
			return nil, errors.Join(err, closeLines(list))
		}
		t, err := l.Station()
		if t == nil && err == nil {
			t, err = realPort(l.Path, c.baud)
		}
		if err != nil {
			return nil, errors.Join(err, l.Close(), closeLines(list))
		}
		list = append(list, &benchTestLine{l, t})
	}
	return list, nil
}

// carry sends so many bytes from the device's end to the station's and says how long that took.
func (l *benchTestLine) carry(bytes int) (time.Duration, error) {
	began := time.Now()
	sent := make(chan error, 1)
	go func() {
		_, err := l.Device.Write(make([]byte, bytes))
		sent <- err
	}()
	if _, err := io.ReadFull(l.station, make([]byte, bytes)); err != nil {
		return 0, err
	}
	return time.Since(began), <-sent
}

// close takes the line away; it may be called again.
func closeLines(list []*benchTestLine) error {
	var errs []error
	for _, l := range list {
		errs = append(errs, l.station.Close(), l.Close())
	}
	return errors.Join(errs...)
}
