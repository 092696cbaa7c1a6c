package main

import (
	"context"
	"errors"

	"github.com/coreos/go-systemd/v22/daemon"
)

// notify tells the service manager that the bench is open, and when it is about to close: a unit of Type=notify is up once
// configuration and ledger have been opened, and not before. Without a service manager it does nothing. That nobody
// hears it is the manager's affair, and no reason to stop devices.
func (b *bench) notify(ctx context.Context) (done func()) {
	_, err := daemon.SdNotify(false, daemon.SdNotifyReady)
	if err != nil {
		b.Log.Warn("service manager was not told that the bench is open", "error", err)
	}
	stop := context.AfterFunc(ctx, func() { _, _ = daemon.SdNotify(false, daemon.SdNotifyStopping) })
	return func() { stop() }
}

// stoppedWell is the exit code's rule of a bench that works until it is stopped: that somebody stopped it is its good end,
// whatever the devices came to; each has its own outcome on record.
func stoppedWell(ctx context.Context, err error) error {
	var e *exitError
	if ctx.Err() != nil && errors.As(err, &e) && e.code == exitBad {
		return nil
	}
	return err
}
