package shared

import (
	"context"
	"errors"

	"provstation/station"
	"provstation/station/ledger"
)

// OpenBatch opens a batch, whose name is unique over all stations: the database is asked, and has to be there. The own file
// gets the same, so that the batch goes on when the database is lost.
func (l *Ledger) OpenBatch(ctx context.Context, b station.BatchRecord) (station.BatchRecord, error) {
	rec, err := read(ctx, l, func(from *ledger.Ledger) (station.BatchRecord, error) { return from.OpenBatch(ctx, b) })
	if err != nil || l.cfg.Alone {
		return rec, err
	}
	return rec, l.mirror(ctx, rec)
}

// mirror has the own file know the batch. What it knew of another one that is open here is out of date.
func (l *Ledger) mirror(ctx context.Context, b station.BatchRecord) error {
	old, err := l.local.CurrentBatch(ctx, b.Tenant, b.Station)
	switch {
	case err == nil && old.Batch != b.Batch:
		err = l.local.ChangeBatch(ctx, station.BatchStep{
			Tenant: old.Tenant, Batch: old.Batch, State: station.BatchClosed, Reason: "closed at another station", At: b.OpenedAt,
		})
	case errors.Is(err, station.ErrNotFound):
		err = nil
	}
	if err == nil {
		_, err = l.local.OpenBatch(ctx, b)
	}
	return err
}

// ChangeBatch changes the state of a batch, in the file first: a batch that is held or paused is so whatever the database
// does.
func (l *Ledger) ChangeBatch(ctx context.Context, c station.BatchStep) error {
	err := l.local.ChangeBatch(ctx, c)
	if !errors.Is(err, station.ErrNotFound) || l.cfg.Alone {
		return err
	}
	_, err = read(ctx, l, func(from *ledger.Ledger) (struct{}, error) { return struct{}{}, from.ChangeBatch(ctx, c) })
	return err
}

// CurrentBatch is the batch of the station that is not closed, with what every station has done of it; while the database is
// away, with what this one has.
func (l *Ledger) CurrentBatch(ctx context.Context, tenant, stationName string) (station.BatchRecord, error) {
	b, err := read(ctx, l, func(from *ledger.Ledger) (station.BatchRecord, error) {
		return from.CurrentBatch(ctx, tenant, stationName)
	})
	switch {
	case errors.Is(err, station.ErrLedgerAway):
		return l.local.CurrentBatch(ctx, tenant, stationName)
	case err == nil && !l.cfg.Alone:
		if merr := l.mirror(ctx, b); merr != nil {
			l.log.Warn("ledger: the open batch is not in the station's own file", "error", merr)
		}
	}
	return b, err
}
