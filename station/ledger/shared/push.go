package shared

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v5"

	"provstation/station/ledger"
)

// batch is how many facts are told in one transaction.
const batch = 64

// push tells the database what the file has for it, whenever there is something, until ctx ends. There is one teller: what
// happened first is told first.
func (l *Ledger) push(ctx context.Context) {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = 50*time.Millisecond, 2*time.Second
	var again <-chan time.Time
	l.poke()
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.wake:
		case <-again:
		}
		again = nil
		switch err := l.pushAll(ctx); {
		case err == nil:
			pause.Reset()
		case ctx.Err() == nil:
			// Nothing says when a database that did not take a record will: it is asked again.
			again = time.After(pause.NextBackOff())
		}
	}
}

// pushAll tells everything that is there. Without a connection it does nothing: whoever finds the database again wakes push.
func (l *Ledger) pushAll(ctx context.Context) error {
	for ctx.Err() == nil {
		l.mu.Lock()
		server, mark := l.server, l.told
		ready := server != nil && l.hearing
		l.mu.Unlock()
		if !ready {
			l.tellStanding(ctx) // there is more that waits
			return nil
		}
		entries, err := l.local.Pending(ctx, batch)
		if err != nil {
			return l.pushed(ctx, err, mark, false)
		}
		if len(entries) == 0 {
			return l.pushed(ctx, nil, mark, true)
		}
		merged, err := server.Merge(ctx, l.cfg.StationID, entries)
		if err == nil {
			l.keepRefusals(merged)
			err = l.local.Acknowledge(ctx, merged)
		}
		if err == nil {
			l.mu.Lock()
			l.handed += len(merged)
			l.mu.Unlock()
		}
		if err := l.pushed(ctx, err, mark, err == nil && len(entries) < batch); err != nil {
			return err
		}
		for _, m := range merged {
			if m.Duplicate != nil {
				l.tellDuplicate(*m.Duplicate)
			}
		}
	}
	return ctx.Err()
}

// pushed notes how far it has got. all: the database has all that was written up to mark.
func (l *Ledger) pushed(ctx context.Context, err error, mark uint64, all bool) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	l.mu.Lock()
	news := (l.failed == nil) != (err == nil)
	l.failed = err
	if all {
		l.merged = max(l.merged, mark)
	}
	l.change()
	l.mu.Unlock()
	if err != nil && news {
		l.log.Error("ledger: the shared ledger does not take records; they wait", "error", err)
	}
	if err != nil || news || all {
		l.tellStanding(ctx)
	}
	return err
}

// keepRefusals keeps what the database refused for those who wait for it.
func (l *Ledger) keepRefusals(merged []ledger.Merged) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range merged {
		if m.Refused != nil && m.Run != "" {
			l.refused[refusal{m.Run, m.Kind}] = m.Refused
		}
	}
}

// answer waits for what the database says of the run's newest fact of the kind.
func (l *Ledger) answer(ctx context.Context, run string, kind ledger.FactKind) error {
	if err := l.flush(ctx); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.refused[refusal{run, kind}]
	delete(l.refused, refusal{run, kind})
	return err
}

// forget drops answers that nobody waits for any more.
func (l *Ledger) forget(run string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for r := range l.refused {
		if r.run == run {
			delete(l.refused, r)
		}
	}
}
