// Package shared is the ledger of a station that shares one with others: the station's own file, and the database that all
// of them have.
//
// What happened is a fact: it is durable in the own file, with a copy in its outbox, before anything else is done, and is told
// to the database after, in the order it happened, once. What has to be known is asked of the database, since another station
// may have changed it: reads wait until it has heard what this station wrote. The own file is complete for what this station
// did; that the database can be lost at any moment takes nothing away.
//
// What only one station may do or have is the database's to decide. A device is claimed for a run (a lease with a fence that
// grows with each claim); its id and its key are told before anything rests on them. A station that loses the database
// finishes the runs whose device it holds and whose id the database has: their facts wait. It begins no others. What then
// turns out to contradict another station's record is kept on both sides and told to both (see [ledger.Duplicate]).
//
// Out of scope: deciding what becomes of a contradiction; how the file and the database store anything.
package shared

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"provstation/station"
	"provstation/station/ledger"
)

// Config says whose ledger it is. StationID and Tenant are needed.
type Config struct {
	StationID, Tenant string
	// Lease is how long a device is this station's without word from it. 0: 10 minutes, as long as a run with its pauses may
	// take.
	Lease time.Duration
	// ClaimWait is how long a claim waits for a station that has the device. 0: 15 seconds.
	ClaimWait time.Duration
	// AnswerWait is how long a call waits for a database that is there and does not answer. 0: 10 seconds.
	AnswerWait time.Duration
	// Alone: the database is not asked for anything, as if it were away, and devices are taken without a claim. What is
	// written waits. It is for requests that are collected without a network: nothing is issued for them.
	Alone  bool
	Logger *slog.Logger // nil: silence
}

func (c Config) withDefaults() Config {
	if c.Lease <= 0 {
		c.Lease = 10 * time.Minute
	}
	if c.ClaimWait <= 0 {
		c.ClaimWait = 15 * time.Second
	}
	if c.AnswerWait <= 0 {
		c.AnswerWait = 10 * time.Second
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// OpenServer opens the ledger that the stations share, its history begun.
type OpenServer func(context.Context) (*ledger.Ledger, error)

// Ledger is a [station.Ledger] of a file and a database. It is safe for concurrent use.
type Ledger struct {
	cfg   Config
	local *ledger.Ledger
	open  OpenServer
	log   *slog.Logger
	end   context.CancelFunc
	work  sync.WaitGroup
	wake  chan struct{} // there is something to tell the database, or it is back

	mu       sync.Mutex
	changed  chan struct{} // closed, and made anew, when one of these changes
	server   *ledger.Ledger
	hearing  bool  // the database is listened to
	failed   error // of the last thing that was told
	told     uint64
	merged   uint64
	refused  map[refusal]error
	held     map[string]*holding // by run
	freed    map[device][]chan struct{}
	followed []*follower
	standing station.LedgerChanged
	alarmed  map[string]bool // ids of duplicates that were told of
	backlog  bool            // records waited when the database came back
	handed   int             // of them and since, those that it has now

	asking sync.Mutex // one look for duplicates at a time
}

type refusal struct {
	run  string
	kind ledger.FactKind
}

type device struct{ tenant, serial string }

var (
	_ station.Ledger  = (*Ledger)(nil)
	_ station.Batches = (*Ledger)(nil)
	_ station.Sharing = (*Ledger)(nil)
)

// New puts file and database together and begins to look for the database, which need not be there. local was opened with
// [ledger.Config.Outbox]. Both are closed by Close; where New fails, neither is.
//
// A database that is there and cannot be used (another program's, a newer schema, a user it refuses) is an error; one that
// cannot be reached is not.
func New(ctx context.Context, local *ledger.Ledger, open OpenServer, cfg Config) (*Ledger, error) {
	if cfg.StationID == "" || cfg.Tenant == "" {
		return nil, errors.New("share ledger: no station id or tenant")
	}
	l := &Ledger{
		cfg: cfg.withDefaults(), local: local, open: open, wake: make(chan struct{}, 1), changed: make(chan struct{}),
		refused: map[refusal]error{}, held: map[string]*holding{}, freed: map[device][]chan struct{}{}, alarmed: map[string]bool{},
		standing: station.LedgerChanged{Status: station.LedgerAway, Reason: "not asked yet"},
	}
	l.log = l.cfg.Logger
	local.OnQueued(l.noted)
	n, since, err := local.Waiting(ctx)
	if err != nil {
		return nil, fmt.Errorf("share ledger: %w", err)
	}
	if n > 0 {
		l.told = 1 // of an earlier process
		l.standing.Waiting, l.standing.Since, l.backlog = n, &since, true
	}
	if l.cfg.Alone {
		l.end = func() {}
		return l, nil
	}
	server, err := open(ctx)
	switch {
	case err == nil:
		l.server = server
	case !gone(err):
		return nil, fmt.Errorf("share ledger: %w", err)
	default:
		l.failed = err
	}
	wctx, end := context.WithCancel(context.WithoutCancel(ctx))
	l.end = end
	first := make(chan struct{})
	l.work.Go(func() { l.watch(wctx, first) })
	l.work.Go(func() { l.push(wctx) })
	if server != nil { // so that nobody is told that it is away, who only came early
		select {
		case <-first:
		case <-time.After(l.cfg.AnswerWait):
		case <-ctx.Done():
		}
	}
	return l, nil
}

// gone reports whether err is that of a database that cannot be reached now.
func gone(err error) bool {
	return errors.Is(err, ledger.ErrUnreachable) || errors.Is(err, ledger.ErrInDoubt) || errors.Is(err, ledger.ErrBusy)
}

// Close tells the database what waits, as long as it answers, and closes both. What could not be told waits in the file.
func (l *Ledger) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), l.cfg.AnswerWait)
	defer cancel()
	if err := l.flush(ctx); err != nil && !l.cfg.Alone {
		l.log.Warn("ledger: closed with records that the shared ledger does not have yet", "error", err)
	}
	l.end()
	l.mu.Lock()
	for _, h := range l.held {
		h.stop()
	}
	server := l.server
	l.server = nil
	l.mu.Unlock()
	l.work.Wait()
	var err error
	if server != nil {
		err = server.Close()
	}
	return errors.Join(err, l.local.Close())
}

// Local is the station's own file: complete for what this station did.
func (l *Ledger) Local() *ledger.Ledger { return l.local }

// Records is the ledger to read from now: the database, or the own file while that is away.
func (l *Ledger) Records() *ledger.Ledger {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.server != nil && l.hearing && l.failed == nil {
		return l.server
	}
	return l.local
}

// Server is the database, when it has heard all that this station wrote before the call. station.ErrLedgerAway.
func (l *Ledger) Server(ctx context.Context) (*ledger.Ledger, error) {
	if err := l.flush(ctx); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.server == nil {
		return nil, away(nil)
	}
	return l.server, nil
}

// Flush waits until the database has heard all that this station wrote before the call. station.ErrLedgerAway.
func (l *Ledger) Flush(ctx context.Context) error { return l.flush(ctx) }

// away is the error of a database that cannot be reached.
func away(why error) error {
	if why == nil {
		return station.ErrLedgerAway
	}
	return fmt.Errorf("%w: %w", station.ErrLedgerAway, why)
}

// reachable is nil if the database is there, as far as is known. l.mu is held.
func (l *Ledger) reachable() error {
	switch {
	case l.cfg.Alone:
		return away(nil)
	case l.failed != nil:
		return away(l.failed)
	case l.server == nil || !l.hearing:
		return away(nil)
	default:
		return nil
	}
}

// change tells everybody who waits that something has changed. l.mu is held.
func (l *Ledger) change() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// flush waits until the database has what was written before the call.
func (l *Ledger) flush(ctx context.Context) error {
	patience := time.NewTimer(l.cfg.AnswerWait)
	defer patience.Stop()
	l.mu.Lock()
	want := l.told
	for {
		err := l.reachable()
		if err != nil || l.merged >= want {
			l.mu.Unlock()
			return err
		}
		changed := l.changed
		l.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		case <-patience.C:
			return away(errors.New("it does not answer"))
		}
		l.mu.Lock()
	}
}

// noted is called after a fact was written to the file.
func (l *Ledger) noted() {
	l.mu.Lock()
	l.told++
	l.mu.Unlock()
	l.poke()
}

func (l *Ledger) poke() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}
