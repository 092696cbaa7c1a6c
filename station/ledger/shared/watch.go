package shared

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"provstation/station"
	"provstation/station/ledger"
)

// watch keeps a connection on which the database tells of what other stations do, until ctx ends. That it breaks is how a
// lost database is noticed; that it is there again, how it is found. first is closed when it was there once.
func (l *Ledger) watch(ctx context.Context, first chan struct{}) {
	var once sync.Once
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = 50*time.Millisecond, 2*time.Second
	for ctx.Err() == nil {
		server, err := l.reopen(ctx)
		if err == nil {
			err = server.Listen(ctx, func() {
				pause.Reset()
				l.heard(ctx)
				once.Do(func() { close(first) })
			}, func(n ledger.Notice) { l.notice(ctx, n) })
		}
		if ctx.Err() != nil {
			return
		}
		l.lost(ctx, err)
		select {
		case <-ctx.Done():
		case <-time.After(pause.NextBackOff()): // nothing tells that a server has started
		}
	}
}

// reopen gives the database's ledger, opened now if it was away when the station started.
func (l *Ledger) reopen(ctx context.Context) (*ledger.Ledger, error) {
	l.mu.Lock()
	server := l.server
	l.mu.Unlock()
	if server != nil {
		return server, nil
	}
	server, err := l.open(ctx)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.server = server
	return server, nil
}

// heard: the database is there.
func (l *Ledger) heard(ctx context.Context) {
	l.mu.Lock()
	l.hearing, l.failed = true, nil
	l.change()
	for d := range l.freed { // what was told meanwhile is not known
		l.wakeClaims(d)
	}
	l.mu.Unlock()
	l.log.Info("ledger: the shared ledger is there")
	l.poke()
	l.tellStanding(ctx)
	l.findDuplicates(ctx)
}

// lost: the database is away.
func (l *Ledger) lost(ctx context.Context, why error) {
	l.mu.Lock()
	news := l.hearing || l.failed == nil
	l.hearing, l.failed = false, why
	l.change()
	l.mu.Unlock()
	if news {
		l.log.Error("ledger: the shared ledger is away", "error", why)
	}
	l.tellStanding(ctx)
}

func (l *Ledger) notice(ctx context.Context, n ledger.Notice) {
	switch {
	case n.Freed != nil:
		l.mu.Lock()
		l.wakeClaims(device{n.Freed.Tenant, n.Freed.HardwareSerial})
		l.mu.Unlock()
	case n.Duplicate == l.cfg.StationID:
		l.findDuplicates(ctx)
	}
}

// findDuplicates takes over what the database knows of contradictions with this station's records, and tells of those that
// nobody has decided about. Decisions are in the database alone: of what was decided the own file knows nothing.
func (l *Ledger) findDuplicates(ctx context.Context) {
	l.asking.Lock()
	defer l.asking.Unlock()
	l.mu.Lock()
	server := l.server
	l.mu.Unlock()
	if server == nil {
		return
	}
	list, err := server.Duplicates(ctx, ledger.DuplicateFilter{Station: l.cfg.StationID})
	if err != nil {
		l.log.Warn("ledger: contradictions could not be looked up", "error", err) // when the connection is there again
		return
	}
	for _, d := range list {
		have, err := l.local.HasDuplicate(ctx, d.ID)
		if err == nil && !have {
			err = l.local.KeepDuplicate(ctx, d)
		}
		if err != nil {
			l.log.Error("ledger: a contradiction could not be kept", "duplicate", d.ID, "error", err)
		}
	}
	open, err := server.Duplicates(ctx, ledger.DuplicateFilter{Station: l.cfg.StationID, Open: true})
	if err != nil {
		l.log.Warn("ledger: contradictions could not be looked up", "error", err)
		return
	}
	for _, d := range open {
		l.tellDuplicate(d)
	}
}

// follower hears news, one after the other.
type follower struct {
	mu   sync.Mutex
	tell func(station.LedgerNews)
}

// Follow has news told until stop: first how it stands now, and the contradictions that nobody has decided about. While the
// database is away nobody knows which these are; they are told when it is back, before which no device is begun.
func (l *Ledger) Follow(tell func(station.LedgerNews)) (stop func()) {
	f := &follower{tell: tell}
	f.mu.Lock()
	l.mu.Lock()
	l.followed = append(l.followed, f)
	now, server := l.standing, l.server
	if !l.hearing {
		server = nil
	}
	l.mu.Unlock()
	tell(now)
	if server != nil {
		ctx, cancel := context.WithTimeout(context.Background(), l.cfg.AnswerWait)
		open, err := server.Duplicates(ctx, ledger.DuplicateFilter{Station: l.cfg.StationID, Open: true})
		cancel()
		if err != nil {
			l.log.Warn("ledger: contradictions could not be looked up", "error", err)
		}
		for _, d := range open {
			tell(Found(d))
		}
	}
	f.mu.Unlock()
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.tell = nil
	}
}

func (l *Ledger) tell(n station.LedgerNews) {
	l.mu.Lock()
	list := l.followed
	l.mu.Unlock()
	for _, f := range list {
		f.mu.Lock()
		if f.tell != nil {
			f.tell(n)
		}
		f.mu.Unlock()
	}
}

// tellDuplicate tells of a contradiction, once.
func (l *Ledger) tellDuplicate(d ledger.Duplicate) {
	l.mu.Lock()
	told := l.alarmed[d.ID]
	l.alarmed[d.ID] = true
	l.mu.Unlock()
	if told {
		return
	}
	l.log.Error("ledger: two stations have recorded what only one of them can have", "kind", d.Kind, "hardware", d.Serial,
		"other", d.OtherSerial, "station", d.OtherStation, "detail", d.Detail)
	l.tell(Found(d))
}

// Found is a duplicate as the bench tells of it.
func Found(d ledger.Duplicate) station.DuplicateFound {
	return station.DuplicateFound{
		Duplicate: d.ID, Kind: string(d.Kind), HardwareSerial: d.Serial, DeviceID: d.DeviceID, Station: d.Station,
		StationName: d.StationName, Run: d.Run, OtherSerial: d.OtherSerial, OtherID: d.OtherID, OtherStation: d.OtherStation,
		OtherName: d.OtherName, OtherRun: d.OtherRun, Detail: d.Detail, FoundAt: d.FoundAt,
	}
}

// Standing is how it stands with the database now.
func (l *Ledger) Standing() station.LedgerChanged {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cfg.Alone { // nobody waits for it
		return station.LedgerChanged{Status: station.LedgerShared, Waiting: l.standing.Waiting, Since: l.standing.Since}
	}
	return l.standing
}

// tellStanding finds out how it stands, and tells it if that has changed: that the database is lost or back, what waits
// meanwhile, and that all of it was told.
func (l *Ledger) tellStanding(ctx context.Context) {
	n, since, err := l.local.Waiting(ctx)
	if err != nil {
		return
	}
	now := station.LedgerChanged{Status: station.LedgerShared, Waiting: n}
	if n > 0 {
		now.Since = &since
	}
	l.mu.Lock()
	if err := l.reachable(); err != nil {
		now.Status, now.Reason = station.LedgerAway, strings.TrimPrefix(err.Error(), station.ErrLedgerAway.Error()+": ")
	}
	before := l.standing
	l.standing = now
	news := now.Status != before.Status
	switch {
	case now.Status == station.LedgerAway:
		news = news || now.Waiting != before.Waiting
		l.backlog, l.handed = l.backlog || n > 0, 0
	case l.backlog && n == 0:
		now.HandedOver, l.backlog, news = l.handed, false, true
	}
	l.mu.Unlock()
	if news {
		l.tell(now)
	}
}
