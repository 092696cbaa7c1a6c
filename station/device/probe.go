package device

import (
	"context"
	"encoding/hex"
	"errors"
	"time"

	"provstation/station"
)

const (
	probeAfter = time.Second // without an ANNOUNCE: a device that says something four times a second is not asked
	probeFor   = 2 * time.Second
)

// probing is Wait for a device that may never announce itself: after each second of silence it is greeted, which tells what an
// announcement would have told, and left again.
func (l *line) probing(ctx context.Context) (station.Announcement, error) {
	for {
		wctx, cancel := context.WithTimeout(ctx, probeAfter)
		a, err := l.announced(wctx)
		cancel()
		if err == nil || ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
			return a, err
		}
		gctx, cancel := context.WithTimeout(ctx, probeFor)
		w, err := l.host.Greet(gctx)
		cancel()
		if err == nil {
			_ = l.host.Bye(ctx) // the run greets it anew
			return station.Announcement{HardwareSerial: w.Serial, Model: w.Model, BootID: hex.EncodeToString(w.BootID)}, nil
		}
		err = l.fault("greet", err)
		silent := errors.Is(err, station.ErrSessionLost) || errors.Is(err, station.ErrDeviceReset) || errors.Is(err, context.DeadlineExceeded)
		if ctx.Err() != nil || !silent {
			return station.Announcement{}, err
		}
	}
}
