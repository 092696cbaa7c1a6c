package main

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"provstation/station"
	"provstation/station/device"
	"provstation/station/devstack"
)

// demoLine is a batch two and a half times as large as the bench. Its boxes in trouble are not among the first ones, so
// that a demo in which nobody opens a batch ends well.
func demoLine(places int, outage time.Duration) devstack.LineConfig {
	c := devstack.MixedLine(places, places*5/2)
	c.DeadBridge.For = max(outage, 0)
	c.WrongLabel, c.BadClock, c.ClonedKey = 0, 0, 0
	if spare := c.Boxes - places; spare >= 3 {
		c.WrongLabel = places + 1 + spare/6
		c.BadClock = max(c.WrongLabel+1, places+1+spare/3)
		c.ClonedKey = max(c.BadClock+1, places+1+spare/2)
	}
	c.DeadBridge.Enrolled = places + (c.Boxes-places)/2
	return c
}

// layOut puts beside the bench what a person at it uses: the list of the batch, and who works here.
func (e *embedded) layOut(cfg devstack.Config) error {
	if err := os.WriteFile(e.config.People.File, []byte(devstack.People()), 0o600); err != nil {
		return err
	}
	if e.Line == nil {
		return nil
	}
	if err := os.MkdirAll(e.config.Batch.Folder, 0o700); err != nil {
		return err
	}
	return e.Line.WriteManifest(filepath.Join(e.config.Batch.Folder, "demo-batch.csv"))
}

// watcher tells of the places' ports as boxes come and go: by the system, where they are files.
func (e *embedded) watcher() station.Watcher {
	if e.Line == nil {
		return portList(e.ports())
	}
	var paths []string
	for _, p := range e.Places() {
		if _, err := os.Lstat(p.Path); err != nil {
			return lineWatcher{e.Line}
		}
		paths = append(paths, p.Path)
	}
	return device.NewPathWatcher(paths)
}

// lineWatcher tells of boxes on lines in memory.
type lineWatcher struct{ line *devstack.Line }

// Watch tells of the boxes that are plugged in, then of every change.
func (w lineWatcher) Watch(ctx context.Context) (<-chan station.PortChange, error) {
	out := make(chan station.PortChange)
	go func() {
		defer close(out)
		for p := range w.line.Watch(ctx) {
			select {
			case out <- station.PortChange{Added: p.Added, Port: station.PortInfo{Path: p.Path, Slot: p.Path}}:
			case <-ctx.Done():
			}
		}
		<-ctx.Done()
	}()
	return out, nil
}

// robot is the pair of hands at the demo's bench. It does nothing before a batch is open: then it takes finished boxes
// away, plugs in the next ones, and scans their labels.
type robot struct {
	line  *devstack.Line
	bench *station.Bench
}

// scanAfter is how long the hands take to lift the scanner.
const scanAfter = 700 * time.Millisecond

func (r robot) work(ctx context.Context, events <-chan station.Event) {
	open := ""
	ends := map[string]station.RunEnded{} // by slot: what ended before a batch was open
	scanned := map[string]bool{}          // boxes, by hardware serial
	for e := range events {
		switch body := e.Body.(type) {
		case station.BatchChanged:
			if open == "" && body.State != station.BatchClosed {
				for _, end := range ends {
					r.ended(end)
				}
			}
			open = body.Batch
			if body.State == station.BatchClosed {
				open = ""
			}
		case station.RunStarted:
			delete(ends, body.Slot)
			r.line.Started(body.Slot)
			if box, ok := r.line.At(body.Slot); ok {
				delete(scanned, box.Serial)
			}
		case station.RunEnded:
			if open != "" {
				r.ended(body)
			} else {
				ends[body.Slot] = body
			}
		case station.ScanWanted:
			if box, ok := r.line.At(body.Slot); ok && body.Wanted && !scanned[box.Serial] {
				scanned[box.Serial] = true
				time.AfterFunc(scanAfter, func() {
					if ctx.Err() == nil {
						_ = r.bench.Scan(box.Label, body.Slot) // told by an event
					}
				})
			}
		}
	}
}

// ended says what a run's end means for the box at its place.
func (r robot) ended(e station.RunEnded) {
	end := devstack.End{Slot: e.Slot, HardwareSerial: e.HardwareSerial, Code: string(e.Code), Verdict: devstack.Bad}
	switch {
	case e.Outcome.Good():
		end.Verdict = devstack.Good
	case e.Outcome == station.Error || e.Outcome == station.Timeout:
		end.Verdict = devstack.Passing
	}
	r.line.Ended(end)
}
