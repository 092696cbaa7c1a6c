package device

import (
	"context"
	"encoding/hex"
	"errors"
	"time"

	"provstation/serialproto"
	"provstation/station"
)

const (
	probeAfter = 1500 * time.Millisecond // without a byte: what boot or announces itself speaks more often
	probeFor   = 2 * time.Second
)

// probing is Wait for a device that may never announce itself: after a while without a single byte it is greeted, which tells
// what an announcement would have told, and left again. As long as the line speaks, and while a boot loader's countdown is the
// last that it said, nothing is sent.
func (l *line) probing(ctx context.Context) (station.Announcement, error) {
	_, heard := l.Traffic()
	for {
		wctx, cancel := context.WithTimeout(ctx, probeAfter)
		a, err := l.announced(wctx)
		cancel()
		if err == nil || ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
			return a, err
		}
		if _, now := l.Traffic(); now != heard || serialproto.CountsDown(l.host.Tail()) {
			heard = now
			continue
		}
		gctx, cancel := context.WithTimeout(ctx, probeFor)
		w, err := l.host.Greet(gctx)
		cancel()
		if err == nil {
			_ = l.host.Bye(ctx) // the run greets it anew
			return station.Announcement{HardwareSerial: w.Serial, Model: w.Model, BootID: hex.EncodeToString(w.BootID)}, nil
		}
		_, heard = l.Traffic()
		err = l.fault("greet", err)
		silent := errors.Is(err, station.ErrSessionLost) || errors.Is(err, station.ErrDeviceReset) || errors.Is(err, context.DeadlineExceeded)
		if ctx.Err() != nil || !silent {
			return station.Announcement{}, err
		}
	}
}
