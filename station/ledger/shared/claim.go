package shared

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"provstation/station"
	"provstation/station/ledger"
)

// holding is a device that a run has claimed.
type holding struct {
	lease  ledger.Lease
	until  time.Time // by this machine's clock, which began to run before the database's did
	lost   bool
	bound  string               // the device id that the database had for the hardware
	certs  []station.CertRecord // what was issued for the hardware
	renews *time.Timer
}

func (h *holding) stop() {
	if h.renews != nil {
		h.renews.Stop()
	}
}

// Claim takes the hardware for the run.
func (l *Ledger) Claim(ctx context.Context, run, tenant, hardwareSerial string) error {
	if l.cfg.Alone {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, l.cfg.ClaimWait+l.cfg.AnswerWait)
	defer cancel()
	patience := time.Now().Add(l.cfg.ClaimWait)
	d := device{tenant, hardwareSerial}
	for {
		freed := l.whenFreed(d)
		server, err := l.Server(ctx)
		if err != nil {
			return err
		}
		began := time.Now()
		lease, err := server.Claim(ctx, tenant, hardwareSerial, l.cfg.StationID, l.cfg.Lease)
		var taken *ledger.Leased
		switch {
		case errors.As(err, &taken):
			left := time.Until(patience)
			if left <= 0 {
				return err
			}
			if err := l.waitFreed(ctx, freed, min(left, time.Until(taken.ExpiresAt)+time.Second)); err != nil {
				return taken
			}
			continue
		case err != nil && gone(err):
			return away(err)
		case err != nil:
			return err
		}
		return l.hold(ctx, server, run, lease, began)
	}
}

// hold notes what the run has, with what the database knows of it: should that be lost, the run goes on with this.
func (l *Ledger) hold(ctx context.Context, server *ledger.Ledger, run string, lease ledger.Lease, began time.Time) error {
	h := &holding{lease: lease, until: began.Add(l.cfg.Lease)}
	dev, err := server.Device(ctx, lease.Tenant, lease.HardwareSerial)
	if err == nil {
		h.bound = dev.DeviceID
		h.certs, err = server.CertificatesFor(ctx, lease.Tenant, lease.HardwareSerial)
	} else if errors.Is(err, station.ErrNotFound) {
		err = nil
	}
	if err != nil {
		if rerr := server.Release(ctx, lease); rerr != nil {
			l.log.Warn("ledger: a device could not be given back", "hardware", lease.HardwareSerial, "error", rerr)
		}
		if gone(err) {
			return away(err)
		}
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held[run] = h
	l.local.UnderLease(run, lease)
	h.renews = time.AfterFunc(l.cfg.Lease/3, func() { l.renew(run) })
	return nil
}

// renew keeps the run's device for longer, again and again until the run is over.
func (l *Ledger) renew(run string) {
	l.mu.Lock()
	h, server := l.held[run], l.server
	l.mu.Unlock()
	if h == nil || server == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), l.cfg.AnswerWait)
	defer cancel()
	began, next := time.Now(), l.cfg.Lease/3
	_, err := server.Renew(ctx, h.lease, l.cfg.Lease)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held[run] != h {
		return
	}
	switch {
	case err == nil:
		h.until = began.Add(l.cfg.Lease)
	case errors.Is(err, station.ErrLeaseLost):
		h.lost = true
		return
	default:
		next = min(next, 5*time.Second)
	}
	h.renews.Reset(next)
}

// Release gives back what the run claimed, after all that it wrote.
func (l *Ledger) Release(ctx context.Context, run string) {
	l.mu.Lock()
	h := l.held[run]
	delete(l.held, run)
	l.mu.Unlock()
	if h == nil {
		return
	}
	h.stop()
	l.local.UnderLease(run, ledger.Lease{})
	if err := l.local.QueueRelease(ctx, h.lease); err != nil {
		l.log.Warn("ledger: a device is given back only when its lease is over", "hardware", h.lease.HardwareSerial, "error", err)
	}
}

// holds is nil if the run may go on with its device although the database is away.
func (l *Ledger) holds(run string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.held[run]
	switch {
	case l.cfg.Alone:
		return nil
	case h == nil:
		return away(nil)
	case h.lost, time.Until(h.until) < l.cfg.Lease/10: // what is done now may take its time
		return fmt.Errorf("%w: the database was away for too long", station.ErrLeaseLost)
	default:
		return nil
	}
}

// boundTo is the device id that the database had for the run's hardware when it was claimed.
func (l *Ledger) boundTo(run string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if h := l.held[run]; h != nil {
		return h.bound
	}
	return ""
}

// whenFreed gives a channel that is closed when the device may be free.
func (l *Ledger) whenFreed(d device) chan struct{} {
	ch := make(chan struct{})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.freed[d] = append(l.freed[d], ch)
	return ch
}

// wakeClaims lets those who wait for the device try again. l.mu is held.
func (l *Ledger) wakeClaims(d device) {
	for _, ch := range l.freed[d] {
		close(ch)
	}
	delete(l.freed, d)
}

func (l *Ledger) waitFreed(ctx context.Context, freed chan struct{}, most time.Duration) error {
	timer := time.NewTimer(max(most, time.Millisecond))
	defer timer.Stop()
	select {
	case <-freed:
	case <-timer.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// Contradictions lists the contradictions about the hardware that nobody has decided about.
func (l *Ledger) Contradictions(ctx context.Context, tenant, hardwareSerial string) ([]station.DuplicateFound, error) {
	f := ledger.DuplicateFilter{Tenant: tenant, Serial: hardwareSerial, Open: true}
	list, err := read(ctx, l, func(from *ledger.Ledger) ([]ledger.Duplicate, error) { return from.Duplicates(ctx, f) })
	out := make([]station.DuplicateFound, len(list))
	for i, d := range list {
		out[i] = Found(d)
	}
	return slices.Clip(out), err
}
