package ledger

import (
	"context"
	"fmt"
	"slices"
)

// Where the database is this process's file, a transaction stays open while nobody waits for what ran in it: what a write finds
// wrong is known at once, and one commit makes many durable.

// join runs writes in the open transaction, and commits it if one of them is to be durable now. It reports whether none is open
// after it.
func (w *writer) join(jobs []*job) (settled bool) {
	if len(jobs) == 0 {
		return w.open == nil
	}
	ctx := context.WithoutCancel(jobs[0].ctx)
	if err := w.enter(ctx); err != nil {
		w.fail(jobs, err)
		return true
	}
	w.held = append(w.held, jobs...)
	if err := w.savepoints(ctx, w.open, jobs); err != nil {
		w.giveUp(ctx, classify(err, w.dir))
		return true
	}
	w.held = slices.DeleteFunc(w.held, func(j *job) bool {
		if j.err != nil {
			j.over(j.err)
			return true
		}
		j.tell()
		return false
	})
	if len(w.held) == 0 || slices.ContainsFunc(jobs, func(j *job) bool { return j.haste == urgent && j.err == nil }) {
		w.commitOpen()
	}
	return w.open == nil
}

// enter opens a transaction unless one is open.
func (w *writer) enter(ctx context.Context) error {
	if w.open != nil {
		return nil
	}
	if err := w.begin(ctx); err != nil {
		return classify(fmt.Errorf("begin: %w", err), w.dir)
	}
	w.open = w.newTxn()
	return nil
}

// commitOpen makes what ran durable.
func (w *writer) commitOpen() {
	if w.open == nil {
		return
	}
	ctx := context.Background()
	if err := w.commit(ctx, w.open); err != nil {
		w.giveUp(ctx, err)
		return
	}
	w.open = nil
	w.finish(w.taken())
}

// giveUp takes back what ran, and tells or tries each.
func (w *writer) giveUp(ctx context.Context, err error) {
	w.open = nil
	if rerr := w.rollback(ctx); rerr != nil {
		w.log.Warn("ledger: roll back", "error", rerr)
	}
	jobs := w.taken()
	for _, j := range jobs {
		j.err = nil
	}
	w.fail(jobs, err)
}

// taken is what ran, which is nobody's then.
func (w *writer) taken() []*job {
	jobs := w.held
	w.held = nil
	return jobs
}
