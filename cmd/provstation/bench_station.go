package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"provstation/station"
	"provstation/station/config"
	"provstation/station/devstack"
)

// benchRun is one run of a cell: all of its devices, once.
type benchRun struct {
	samples []sample
	used    machineUse // from power to the last record
}

// failedRun says which devices of a run did not end PASS.
type failedRun struct {
	cell    benchCell
	devices []string // what became of each
}

func (e *failedRun) Error() string {
	return fmt.Sprintf("%v: %d of %d devices did not pass: %s", e.cell, len(e.devices), e.cell.devices, strings.Join(e.devices, "; "))
}

// runLimit bounds one run of a cell.
const runLimit = 10 * time.Minute

// provision runs the station on a fresh embedded stack, once. The ledger is a file on a disk as it is for a production bench:
// nothing is switched off.
func (r *benchRig) provision(ctx context.Context, c benchCell, nth int) (_ benchRun, err error) {
	ctx, stop := context.WithTimeout(ctx, runLimit)
	defer stop()
	watch := newProbe()
	e, err := r.stack(ctx, c, nth, watch)
	if err != nil {
		return benchRun{}, err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	heard := &taps{open: e.open}
	b, err := r.app.open(ctx, e.config, openOptions{watcher: portList(e.ports()), openPort: heard.tapped, probe: watch.watch})
	if err != nil {
		return benchRun{}, err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	m := &benchWatch{devices: c.devices, power: func() error { return e.PowerOn(c.over) }, runs: map[string]*runLog{}}
	events, over := b.Subscribe(), make(chan error, 1)
	go func() {
		_, err := b.Run(ctx)
		over <- err
	}()
	run, err := m.follow(events, b.Quit)
	if err = errors.Join(err, <-over); err != nil {
		return benchRun{}, err
	}
	if run.samples, err = m.samples(c, e, heard, watch); err != nil {
		return benchRun{}, err
	}
	return run, nil
}

// stack brings up the tenant stack of a cell and devices without power. What they keep lies in memory, where there is a folder for
// that: neither a device's flash nor a server's disk is this machine's, which is there for the station's files.
func (r *benchRig) stack(ctx context.Context, c benchCell, nth int, p *probe) (_ *embedded, err error) {
	e := &embedded{}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.Close())
		}
	}()
	if e.remove, err = os.MkdirTemp(r.dir, "provstation-bench-"); err != nil {
		return nil, err
	}
	if e.others, err = os.MkdirTemp(memoryFolder(), "provstation-bench-others-"); err != nil {
		return nil, err
	}
	cfg := devstack.Config{
		StateDir: e.others, Devices: c.devices, Baud: c.baud, Seed: uint64(nth) << 8, Faults: c.spec(), Quiet: true, Unpowered: true, //nolint:gosec // counts from 0
		KnownChain: c.known, NoTunnels: true, Memory: c.inMemory(), Keys: p.keysOf, Delay: r.delay,
	}
	if e.Stack, err = devstack.Start(ctx, cfg); err != nil {
		return nil, err
	}
	e.config = stackConfig(e.Stack, devstack.Config{StateDir: e.remove, Baud: c.baud})
	e.config.Station.Name, e.config.Station.Tenant = "bench", "bench"
	e.config.Tenant = config.Default().Tenant // services that are optional
	e.config.Labels, e.config.People = config.Default().Labels, config.Default().People
	return e, nil
}

// benchWatch follows the events of one run of a cell.
type benchWatch struct {
	devices int
	power   func() error
	runs    map[string]*runLog // by run id
	open    int                // ports
	closed  string             // why a port did not open
	ended   int                // runs
}

// follow switches the devices on when all lines are open, and stops the bench when every device has had its run.
func (m *benchWatch) follow(events <-chan station.Event, stop func()) (run benchRun, err error) {
	var used *meter
	var powered chan error
	for e := range events {
		switch body := e.Body.(type) {
		case station.PortSeen:
			if m.seen(body); m.closed != "" && m.open < m.devices {
				stop()
			}
			if body.Status == "listening" && m.open == m.devices {
				used = startMeter()
				powered = make(chan error, 1)
				go func() {
					err := m.power()
					if err != nil {
						stop()
					}
					powered <- err
				}()
			}
		case station.RunStarted:
			m.runs[body.Run] = &runLog{port: body.Port, started: map[station.Phase]time.Time{}, done: map[station.Phase]time.Time{}}
		case station.PhaseChanged:
			m.runs[body.Run].follow(body)
		case station.RunEnded:
			m.runs[body.Run].end = body
			if m.ended++; m.ended == m.devices {
				run.used = used.read()
				stop()
			}
		}
	}
	if powered != nil {
		err = <-powered
	}
	return run, err
}

// seen takes what is said of a port.
func (m *benchWatch) seen(p station.PortSeen) {
	switch p.Status {
	case "listening":
		m.open++
	case "busy", "denied", "gone", "error":
		m.closed = fmt.Sprintf("%s %s: %s", filepath.Base(p.Port), p.Code, p.Reason)
	}
}

// samples are the measurements of all devices, or which of them did not pass.
func (m *benchWatch) samples(c benchCell, e *embedded, heard *taps, p *probe) (list []sample, err error) {
	bad := &failedRun{cell: c}
	for _, id := range slices.Sorted(maps.Keys(m.runs)) {
		l := m.runs[id]
		if l.end.Outcome != station.Pass {
			bad.devices = append(bad.devices, fmt.Sprintf("%s %s in %s: %s %s", filepath.Base(l.port), l.end.Outcome, l.end.Phase, l.end.Code, l.end.Message))
			continue
		}
		dir := ""
		for _, d := range e.Devices {
			if d.Path == l.port {
				dir = d.Dir
			}
		}
		s, err := sampleOf(l, heard.of(l.port), p, dir)
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	if missing := c.devices - len(m.runs); m.open < m.devices && m.closed != "" {
		bad.devices = append(bad.devices, fmt.Sprintf("only %d ports opened (%s)", m.open, m.closed))
	} else if missing > 0 {
		bad.devices = append(bad.devices, fmt.Sprintf("%d were not heard", missing))
	}
	if len(bad.devices) > 0 {
		return nil, bad
	}
	return list, nil
}
