package tenant

import (
	"context"
	"errors"

	"provstation/station"
	"provstation/station/answer"
)

// RemovalResult is how a step of taking a device out of service ended.
type RemovalResult string

// Results. What is gone already counts as done.
const (
	Removed     RemovalResult = "done"
	AlreadyGone RemovalResult = "already-gone"
	NotRemoved  RemovalResult = "failed"
)

// Removal is what came of one step. Code, Class and Text are set where it failed; Text is fit for people and records.
type Removal struct {
	Result RemovalResult
	Code   station.Code
	Class  station.Class
	Text   string
	Fault  *station.Fault // with its parameters, for the catalogue's sentence
}

// errStillThere says that a server took a deletion and has the device all the same.
var errStillThere = errors.New("it is still there after it was deleted")

// Remove takes the device out of ThingsBoard and looks whether it is gone. It may be repeated.
func (t *ThingsBoard) Remove(ctx context.Context, deviceID string) Removal {
	d, err := t.Find(ctx, deviceID)
	if err == nil {
		err = t.Delete(ctx, d)
	}
	return t.removed(err, func() error {
		_, err := t.Find(ctx, deviceID)
		return err
	})
}

// Remove takes the target out of hawkBit and looks whether it is gone. It may be repeated.
func (h *HawkBit) Remove(ctx context.Context, deviceID string) Removal {
	return h.removed(h.Delete(ctx, deviceID), func() error {
		_, err := h.Target(ctx, deviceID)
		return err
	})
}

// removed says what came of a deletion, whose error err is. A server that takes it and keeps the device has not done it.
func (s *server) removed(err error, look func() error) Removal {
	if errors.Is(err, ErrUnknown) {
		return Removal{Result: AlreadyGone}
	}
	if err == nil {
		err = look()
		if errors.Is(err, ErrUnknown) {
			return Removal{Result: Removed}
		}
		if err == nil {
			err = s.fault(station.CodeTenantAnswer, station.Permanent, map[string]string{"detail": errStillThere.Error()}, errStillThere)
		}
	}
	f, ok := station.AsFault(err)
	if !ok {
		f = s.fault(station.CodeInternal, station.Permanent, nil, err)
	}
	return Removal{Result: NotRemoved, Code: f.Code, Class: f.Class, Text: answer.Clean(f.Err.Error()), Fault: f}
}
