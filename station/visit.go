package station

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// ErrNotHere says that no such device is connected to this station.
var ErrNotHere = errors.New("the device is not connected to this station")

// Visitor does something with one device that is connected, beside the runs of a bench: for what ends its life.
type Visitor struct {
	Watcher   Watcher
	Connector Connector
	Ports     PortRules
	// Patience is how long a device may take to announce itself; 0: 3 s. It does so four times a second.
	Patience time.Duration
}

// visited is a device that was greeted and is the one that was meant.
type visited struct {
	Line
	id, serial string
	greet      Greeting
	holding    Holding // zero of an empty device
}

// visit finds the device at the station's ports, greets it, makes sure that it is the one that is meant, and does something
// with it; after a reset it is greeted and all of that is done again. ErrNotHere where no port has it; else a *Fault, or ctx's
// error.
func (v *Visitor) visit(ctx context.Context, deviceID, hardwareSerial string, do func(context.Context, *visited) error) error {
	if hardwareSerial == "" {
		return ErrNotHere
	}
	patience := v.Patience
	if patience <= 0 {
		patience = 3 * time.Second
	}
	line, err := v.find(ctx, hardwareSerial, patience)
	if err != nil {
		return err
	}
	defer line.Close()
	d := &visited{Line: line, id: deviceID, serial: hardwareSerial}
	err = d.greeted(ctx, do)
	for tries := 0; lostIt(err) && tries < maxResets; tries++ {
		err = d.greeted(ctx, do)
	}
	line.Bye(ctx)
	if lostIt(err) {
		return &Fault{Code: CodeResetLoop, Outcome: Error, Params: map[string]string{}, Err: err}
	}
	return err
}

func lostIt(err error) bool { return errors.Is(err, ErrDeviceReset) || errors.Is(err, ErrSessionLost) }

func (d *visited) greeted(ctx context.Context, do func(context.Context, *visited) error) (err error) {
	if d.greet, err = d.Greet(ctx); err != nil {
		return err
	}
	d.holding = Holding{}
	if d.greet.HardwareSerial != d.serial {
		return &Fault{Code: CodeSwapped, Outcome: Fail, Params: map[string]string{"want": d.serial, "have": d.greet.HardwareSerial}}
	}
	if d.greet.State != StateEmpty {
		if d.holding, err = d.Holding(ctx); err != nil {
			return err
		}
	}
	if id := d.holding.DeviceID; id != "" && !strings.EqualFold(id, d.id) {
		return &Fault{Code: CodeIDDiffers, Outcome: Uncertain, Params: map[string]string{
			"device_id": id, "want": d.id, "hardware_serial": d.serial,
		}}
	}
	return do(ctx, d)
}

// find opens the ports and gives the line on which the device announces itself. Nothing is sent to any of them. A port that
// another program has is passed over, unless that leaves the device not found: then it may be there.
func (v *Visitor) find(parent context.Context, serial string, patience time.Duration) (Line, error) {
	ctx, cancel := context.WithTimeout(parent, patience)
	defer cancel()
	ports, err := v.Watcher.Watch(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for ports: %w", err)
	}
	s := search{serial: serial, found: cancel}
	var wg sync.WaitGroup
	for more := true; more; {
		select {
		case <-ctx.Done():
			more = false
		case c, ok := <-ports:
			if !ok {
				ports = nil // those that were told of are looked at all the same
			} else if slot, _, use := v.Ports.Use(c.Port); c.Added && use {
				c.Port.SlotName = slot
				wg.Go(func() { s.look(ctx, v.Connector, c.Port) })
			}
		}
	}
	wg.Wait()
	switch {
	case s.line != nil:
		return s.line, nil
	case parent.Err() != nil:
		return nil, parent.Err()
	case s.busy != nil:
		return nil, s.busy
	default:
		return nil, ErrNotHere
	}
}

// search is what the looks at ports have in common.
type search struct {
	serial string
	found  context.CancelFunc // ends the other looks

	mu   sync.Mutex
	line Line
	busy error // of a port that could not be opened
}

func (s *search) look(ctx context.Context, c Connector, p PortInfo) {
	line, err := c.Open(ctx, p)
	if err != nil {
		if f, ok := AsFault(err); ok && (f.Code == CodePortBusy || f.Code == CodePortDenied) {
			s.mu.Lock()
			s.busy = err
			s.mu.Unlock()
		}
		return
	}
	for {
		a, err := line.Wait(ctx)
		if err != nil {
			_ = line.Close()
			return
		}
		if a.HardwareSerial != s.serial {
			continue
		}
		s.mu.Lock()
		taken := s.line != nil
		if !taken {
			s.line = line
		}
		s.mu.Unlock()
		if taken {
			_ = line.Close() // two ports with the same serial: the second one is left alone
		}
		s.found()
		return
	}
}
