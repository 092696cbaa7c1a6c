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

// Eraser empties a device that is connected to this station: its keys, its certificates, its tunnel.
type Eraser struct {
	Watcher   Watcher
	Connector Connector
	Ports     PortRules
	Unlock    UnlockPolicy
	// Patience is how long a device may take to announce itself; 0: 3 s. It does so four times a second.
	Patience time.Duration
	Now      func() time.Time // nil: time.Now
}

// Erase looks for the device at every port of the station's and empties it, under an unlock where it is sealed. It is nil when
// the device is empty, or was. ErrNotHere where no port has it; else a *Fault, or ctx's error.
func (e *Eraser) Erase(ctx context.Context, deviceID, hardwareSerial string) error {
	if hardwareSerial == "" {
		return ErrNotHere
	}
	patience := e.Patience
	if patience <= 0 {
		patience = 3 * time.Second
	}
	found, err := e.find(ctx, hardwareSerial, patience)
	if err != nil {
		return err
	}
	defer found.Close()
	x := eraser{Eraser: e, line: found, id: deviceID, serial: hardwareSerial}
	err = x.erase(ctx)
	for tries := 0; err != nil && tries < maxResets; tries++ {
		if !errors.Is(err, ErrDeviceReset) && !errors.Is(err, ErrSessionLost) {
			break
		}
		err = x.erase(ctx)
	}
	found.Bye(ctx)
	if errors.Is(err, ErrDeviceReset) || errors.Is(err, ErrSessionLost) {
		return &Fault{Code: CodeResetLoop, Outcome: Error, Params: map[string]string{}, Err: err}
	}
	return err
}

// find opens the ports and gives the line on which the device announces itself. Nothing is sent to any of them. A port that
// another program has is passed over, unless that leaves the device not found: then it may be there.
func (e *Eraser) find(parent context.Context, serial string, patience time.Duration) (Line, error) {
	ctx, cancel := context.WithTimeout(parent, patience)
	defer cancel()
	ports, err := e.Watcher.Watch(ctx)
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
			} else if _, _, use := e.Ports.Use(c.Port); c.Added && use {
				wg.Go(func() { s.look(ctx, e.Connector, c.Port) })
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

// eraser is one device that is being emptied.
type eraser struct {
	*Eraser
	line       Line
	id, serial string
}

func (x *eraser) erase(ctx context.Context) error {
	g, err := x.line.Greet(ctx)
	if err != nil {
		return err
	}
	switch {
	case g.HardwareSerial != x.serial:
		return &Fault{Code: CodeSwapped, Outcome: Fail, Params: map[string]string{"want": x.serial, "have": g.HardwareSerial}}
	case g.State == StateEmpty:
		return nil
	case g.State == StateForeign:
		return &Fault{Code: CodeRenewState, Outcome: Fail, Params: map[string]string{
			"device_id": x.id, "hardware_serial": x.serial, "detail": "another procedure enrolled it, so this one cannot erase it",
		}}
	}
	h, err := x.line.Holding(ctx)
	if err != nil {
		return err
	}
	if h.DeviceID != "" && !strings.EqualFold(h.DeviceID, x.id) {
		return &Fault{Code: CodeIDDiffers, Outcome: Uncertain, Params: map[string]string{
			"device_id": h.DeviceID, "want": x.id, "hardware_serial": x.serial,
		}}
	}
	if h.Active == 0 { // nothing is sealed: what was begun is given up
		if err := x.line.Abandon(ctx, h.EnrollID); err != nil {
			return err
		}
		return x.isEmpty(ctx)
	}
	if h.EnrollID, err = x.settled(ctx, h); err != nil {
		return err
	}
	u, err := x.Unlock.open(ctx, x.line, g.Firmware, opening{deviceID: h.DeviceID, purpose: UnlockErase})
	if err != nil {
		return err
	}
	if err := u.Erase(ctx, h.EnrollID); err != nil {
		return err
	}
	return x.isEmpty(ctx)
}

// settled gives up a generation that is begun beside the sealed one, and says which enrollment is the sealed one's.
func (x *eraser) settled(ctx context.Context, h Holding) (EnrollID, error) {
	if h.Generation == h.Active {
		return h.EnrollID, nil
	}
	if err := x.line.Abandon(ctx, h.EnrollID); err != nil {
		return EnrollID{}, err
	}
	h, err := x.line.Holding(ctx)
	return h.EnrollID, err
}

// isEmpty has the device say so itself.
func (x *eraser) isEmpty(ctx context.Context) error {
	h, err := x.line.Holding(ctx)
	if err != nil {
		return err
	}
	if h.State != StateEmpty {
		return &Fault{Code: CodeAgentError, Outcome: Fail, Params: map[string]string{"detail": "it says that it is erased, and holds " + string(h.State)}}
	}
	return nil
}
