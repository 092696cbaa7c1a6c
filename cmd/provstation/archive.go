package main

import (
	"context"
	"errors"
	"fmt"

	"provstation/station"
	"provstation/station/config"
	"provstation/station/ledger"
	"provstation/station/words"
)

// archive is the ledger with what is needed to speak of it.
type archive struct {
	*ledger.Ledger
	config *config.Config
	words  *words.Catalogue
	tenant string
}

// archive opens the station's ledger to be read: no station key is needed, and no history begun. The caller closes it.
func (a *app) archive(ctx context.Context) (*archive, error) { return a.archiveOf(ctx, a.readRecords) }

// ownArchive is archive for what this station keeps for itself alone.
func (a *app) ownArchive(ctx context.Context) (*archive, error) { return a.archiveOf(ctx, a.readOwn) }

func (a *app) archiveOf(ctx context.Context, open func(context.Context) (*config.Config, *ledger.Ledger, error)) (*archive, error) {
	cfg, l, err := open(ctx)
	if err != nil {
		return nil, err
	}
	text, err := sentences(cfg)
	if err != nil {
		return nil, &exitError{exitFault, errors.Join(err, l.Close())}
	}
	return &archive{l, cfg, text, cfg.Station.Tenant}, nil
}

// readRecords opens the configured ledger without its history: what is read there is read also where the key is not. Where the
// one that the stations share is away, it is this station's own, which is said.
func (a *app) readRecords(ctx context.Context) (*config.Config, *ledger.Ledger, error) {
	cfg, _, err := a.load(nil)
	if err != nil {
		return nil, nil, err
	}
	if !isPostgres(cfg.Ledger.URL) {
		return a.readOwn(ctx)
	}
	l, err := ledger.Open(ctx, cfg.Ledger.URL, ledger.Config{Password: ledgerPassword(cfg.Ledger)})
	if errors.Is(err, ledger.ErrUnreachable) {
		fmt.Fprintf(a.stderr, "the database that the stations share cannot be reached: %s\nthese are the records of this station alone\n", plain(err.Error()))
		return a.readOwn(ctx)
	}
	if err != nil {
		return nil, nil, &exitError{exitFault, err}
	}
	return cfg, l, nil
}

// readOwn opens the ledger that is this station's alone.
func (a *app) readOwn(ctx context.Context) (*config.Config, *ledger.Ledger, error) {
	cfg, _, err := a.load(nil)
	if err != nil {
		return nil, nil, err
	}
	l, err := ledger.Open(ctx, ownURL(cfg), ledger.Config{Outbox: isPostgres(cfg.Ledger.URL)})
	if err != nil {
		return nil, nil, &exitError{exitFault, err}
	}
	return cfg, l, nil
}

// audited has what is written from now on go into the station's history.
func (l *archive) audited(ctx context.Context) error {
	h, heads := &history{Ledger: l.Ledger, dir: stateFolder(l.config)}, headsFile
	if l.Database() == ledger.Postgres {
		heads = sharedHeadsFile
	}
	if err := h.begin(ctx, l.config, heads); err != nil {
		return &exitError{exitFault, err}
	}
	return nil
}

// decides is audited for what a person decides: it is for all stations, and goes where they find it.
func (l *archive) decides(ctx context.Context) error {
	if isPostgres(l.config.Ledger.URL) && l.Database() != ledger.Postgres {
		return &exitError{exitFault, station.ErrLedgerAway}
	}
	return l.audited(ctx)
}
