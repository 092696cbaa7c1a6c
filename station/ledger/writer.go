package ledger

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/google/uuid"
)

// How a transaction that another one has got in the way of is run again.
const (
	againFirst = 5 * time.Millisecond
	againMost  = 500 * time.Millisecond
	againTries = 12
)

// writer runs writes one after the other on one connection. Writes that wait at the same time are committed together,
// each inside its own savepoint: one sync of the log makes all of them durable, and one that fails takes nothing of the
// others with it.
type writer struct {
	db   *sql.DB
	d    dialect
	dir  string
	log  *slog.Logger
	wait time.Duration // for a transaction that has to be run again
	jobs jobQueue
	quit chan struct{}
	done chan struct{}
	stop sync.Once
	now  func() time.Time

	partial bool // this ledger is one of several, see Config.Outbox

	// owned by the goroutine
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
	plans map[string]plan
	out   outgoing
	open  *txn   // a transaction that others may join, nil: none
	held  []*job // what ran in it, in order

	chain atomic.Pointer[chain]
	heads heads
}

func newWriter(ctx context.Context, db *sql.DB, l *Ledger) (*writer, error) {
	w := &writer{
		db: db, d: l.d, dir: l.dir, log: l.cfg.Logger, wait: l.cfg.BusyTimeout, jobs: jobQueue{wake: make(chan struct{}, 1)},
		quit: make(chan struct{}), done: make(chan struct{}), now: l.cfg.Now, partial: l.cfg.Outbox,
		out: outgoing{epoch: uuid.Must(uuid.NewV7()).String()}, heads: heads{wake: make(chan struct{}, 1)},
	}
	if err := w.connect(ctx); err != nil {
		return nil, err
	}
	go w.loop()
	go w.heads.keep(w.quit, func(err error) { l.headsLost(context.Background(), err) })
	return w, nil
}

// do runs fn in a transaction and returns when it is durable, or when nothing of it was kept. ctx counts until the
// transaction begins: one that has begun is never left in doubt by it.
func (w *writer) do(ctx context.Context, fn func(context.Context, *txn) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j := newJob(ctx, urgent, fn)
	w.jobs.add(j)
	select {
	case <-j.end:
		return j.err
	case <-ctx.Done():
		if w.jobs.remove(j) {
			return ctx.Err()
		}
		<-j.end
		return j.err
	}
}

// enqueue has fn run in a transaction before any that is asked for later, whether or not ctx ends. What it returns waits until it is
// durable, or nothing of it was kept.
func (w *writer) enqueue(ctx context.Context, h haste, fn func(context.Context, *txn) error) (j *job, ended func() error) {
	j = newJob(context.WithoutCancel(ctx), h, fn)
	w.jobs.add(j)
	return j, func() error {
		<-j.end
		return j.err
	}
}

// soon is enqueue for what goes with the next write that is waited for, or by itself after soonTime.
func (w *writer) soon(ctx context.Context, fn func(context.Context, *txn) error) (ended func() error) {
	_, ended = w.enqueue(ctx, patient, fn)
	return ended
}

// accept is enqueue for what is run at once. accepted waits for that, and says what is wrong with it; that nothing is, is no promise
// yet.
func (w *writer) accept(ctx context.Context, fn func(context.Context, *txn) error) (accepted, ended func() error) {
	j, ended := w.enqueue(ctx, hasty, fn)
	return func() error {
		<-j.ran
		select {
		case <-j.end:
			return j.err
		default:
			return nil
		}
	}, ended
}

func (w *writer) loop() {
	defer close(w.done)
	defer w.jobs.close()
	late := time.NewTimer(soonTime)
	late.Stop()
	defer late.Stop()
	armed := false // for the first of those that are left, however many follow
	for {
		all := false
		select {
		case <-w.quit:
			w.commitOpen()
			return
		case <-w.jobs.wake:
		case <-late.C:
			all, armed = true, false
		}
		for group := w.jobs.take(all); len(group) > 0; group = w.jobs.take(false) {
			if w.serve(group) {
				late.Stop()
				armed = false
			}
		}
		if all {
			w.commitOpen()
		}
		if !armed && (len(w.held) > 0 || w.jobs.left()) {
			late.Reset(soonTime)
			armed = true
		}
	}
}

// serve runs a group of writes, and reports whether all that ran so far is settled.
func (w *writer) serve(group []*job) (settled bool) {
	live := group[:0]
	for _, j := range group {
		if err := j.ctx.Err(); err != nil {
			j.over(err)
			continue
		}
		live = append(live, j)
	}
	if w.d.lingers() {
		return w.join(live)
	}
	if err := w.persist(live); err != nil {
		w.fail(live, err)
	} else {
		w.finish(live)
	}
	return true
}

// finish ends jobs whose transaction is over.
func (w *writer) finish(jobs []*job) {
	for _, j := range jobs {
		j.over(j.err)
	}
}

// fail ends jobs whose transaction was not kept. Who of them fails alone is told so; the others need not suffer for it, but for
// what ran after one that was accepted: it may rest on that.
func (w *writer) fail(jobs []*job, err error) {
	alone := len(jobs) > 1 && !w.d.whole(err)
	if alone {
		w.log.Warn("ledger: a group of writes failed, each is tried alone", "writes", len(jobs), "error", err)
	}
	for i, j := range jobs {
		if j.err = err; alone {
			j.err = w.persist(jobs[i : i+1])
		}
		if alone && j.told && j.err != nil {
			alone, err = false, fmt.Errorf("a write before it, which it may rest on, was lost: %v", j.err) //nolint:errorlint // the class is the other's
		}
	}
	w.finish(jobs)
}

// persist runs the jobs in one transaction, and again where the database gave it up for another one's sake: a few times,
// for a while.
func (w *writer) persist(jobs []*job) error {
	if len(jobs) == 0 {
		return nil
	}
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = againFirst, againMost
	_, err := backoff.Retry(context.WithoutCancel(jobs[0].ctx), func() (struct{}, error) {
		err := w.transact(jobs)
		if err != nil && !w.d.again(err) {
			return struct{}{}, backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(pause), backoff.WithMaxTries(againTries), backoff.WithMaxElapsedTime(w.wait),
		backoff.WithNotify(func(err error, d time.Duration) {
			w.log.Warn("ledger: a transaction is run again", "writes", len(jobs), "in", d, "error", err)
		}))
	return err
}

// transact runs the jobs in one transaction. An error is the whole transaction's: nothing was kept. The error of a
// single job of several stays with the job.
func (w *writer) transact(jobs []*job) (err error) {
	ctx := context.WithoutCancel(jobs[0].ctx)
	if err := w.begin(ctx); err != nil {
		return classify(fmt.Errorf("begin: %w", err), w.dir)
	}
	t := w.newTxn()
	defer func() {
		if err != nil {
			err = errors.Join(err, w.rollback(ctx))
		}
	}()
	if len(jobs) == 1 {
		err = t.job(ctx, jobs[0].fn)
	} else {
		err = w.savepoints(ctx, t, jobs)
	}
	if err != nil {
		return classify(err, w.dir)
	}
	return w.commit(ctx, t)
}

func (w *writer) newTxn() *txn { return &txn{w: w, trail: trail{chain: w.chain.Load()}} }

// commit closes the chain and makes the transaction durable.
func (w *writer) commit(ctx context.Context, t *txn) error {
	if err := t.settle(ctx); err != nil {
		return classify(err, w.dir)
	}
	if err := w.d.commit(ctx, t); err != nil {
		return classify(fmt.Errorf("commit: %w", err), w.dir)
	}
	w.heads.add(t.trail.signed)
	return nil
}

func (w *writer) savepoints(ctx context.Context, t *txn, jobs []*job) error {
	for _, j := range jobs {
		if _, err := t.exec(ctx, "SAVEPOINT job"); err != nil {
			return err
		}
		j.err = classify(t.job(ctx, j.fn), w.dir)
		if isStorage(j.err) {
			return j.err
		}
		if j.err != nil {
			if _, err := t.exec(ctx, "ROLLBACK TO job"); err != nil {
				return err
			}
		}
		if _, err := t.exec(ctx, "RELEASE job"); err != nil {
			return err
		}
	}
	return nil
}

// begin begins on the connection, and once more on a new one if that was broken.
func (w *writer) begin(ctx context.Context) error {
	if w.conn != nil {
		err := w.d.begin(ctx, &txn{w: w})
		if class := classify(err, w.dir); err == nil || isStorage(class) && !errors.Is(class, ErrUnreachable) {
			return class
		}
		w.log.Warn("ledger: reconnect", "error", err)
		w.disconnect()
	}
	if err := w.connect(ctx); err != nil {
		return err
	}
	return w.d.begin(ctx, &txn{w: w})
}

// rollback leaves the connection outside any transaction, or drops it. SQLite has often rolled back by itself (full
// disk, I/O error); then ROLLBACK fails, which a new connection settles as well. A server that is gone is left alone
// until the next transaction.
func (w *writer) rollback(ctx context.Context) error {
	if _, err := (&txn{w: w}).exec(ctx, "ROLLBACK"); err != nil {
		w.disconnect()
		if errors.Is(classify(err, w.dir), ErrUnreachable) {
			return nil
		}
		if err := w.connect(ctx); err != nil {
			return classify(fmt.Errorf("reconnect: %w", err), w.dir)
		}
	}
	return nil
}

func (w *writer) connect(ctx context.Context) error {
	ctx, cancel := w.d.bound(ctx)
	defer cancel()
	conn, err := w.db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("connect: %w", w.d.failed(ctx, err))
	}
	w.conn, w.stmts = conn, make(map[string]*sql.Stmt)
	return nil
}

// disconnect closes the connection for good: it must not go back into the pool in the middle of a transaction.
func (w *writer) disconnect() {
	for _, s := range w.stmts {
		_ = s.Close()
	}
	if w.conn != nil {
		_ = w.conn.Raw(func(any) error { return driver.ErrBadConn })
		_ = w.conn.Close()
	}
	w.conn, w.stmts = nil, nil
}

// close stops the goroutine after the group in hand and closes the database.
func (w *writer) close() error {
	var err error
	w.stop.Do(func() {
		close(w.quit)
		<-w.done
		if w.conn != nil {
			err = w.d.leave(context.Background(), w)
		}
		err = errors.Join(err, w.db.Close())
	})
	return err
}
