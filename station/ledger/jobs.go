package ledger

import (
	"context"
	"slices"
	"sync"
	"time"
)

// groupMax bounds how many writes share one commit.
const groupMax = 64

// soonTime is how long a write that nobody waits for may lie before it is made durable on its own.
const soonTime = 50 * time.Millisecond

// haste is what a write waits for.
type haste uint8

const (
	patient haste = iota // it goes with the next that is not, or after soonTime
	hasty                // it is run at once; it is durable as a patient one is
	urgent               // it is durable as soon as may be
)

// job is one write.
type job struct {
	ctx context.Context
	// fn may run more than once: only its last run counts.
	fn    func(context.Context, *txn) error
	haste haste
	ran   chan struct{} // closed when fn has succeeded, and once end is
	told  bool          // ran is closed; of the writer's goroutine
	err   error
	end   chan struct{} // closed when it is durable, or nothing of it was kept, which err says
}

func newJob(ctx context.Context, h haste, fn func(context.Context, *txn) error) *job {
	return &job{ctx: ctx, fn: fn, haste: h, ran: make(chan struct{}), end: make(chan struct{})}
}

// tell says that fn has succeeded.
func (j *job) tell() {
	if !j.told {
		j.told = true
		close(j.ran)
	}
}

// over says that nothing more becomes of it.
func (j *job) over(err error) {
	j.err = err
	close(j.end)
	j.tell()
}

// jobQueue is the writes that nobody has taken yet, in the order in which they were asked for.
type jobQueue struct {
	wake chan struct{} // buffer 1: something was added

	mu     sync.Mutex
	list   []*job
	eager  int // of them, those that are not patient
	closed bool
}

// add puts a write last. Once the queue is closed the write ends at once.
func (q *jobQueue) add(j *job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		j.over(ErrClosed)
		return
	}
	q.list = append(q.list, j)
	if j.haste != patient {
		q.eager++
	}
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// take takes the first writes, at most groupMax. Without all it takes them only where one is not patient.
func (q *jobQueue) take(all bool) []*job {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.eager == 0 && !all {
		return nil
	}
	group := slices.Clone(q.list[:min(len(q.list), groupMax)])
	q.list = slices.Delete(q.list, 0, len(group))
	for _, j := range group {
		if j.haste != patient {
			q.eager--
		}
	}
	return group
}

// left reports whether writes are left: all of them are patient.
func (q *jobQueue) left() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.list) > 0
}

// remove takes a write back. It fails once the write was taken.
func (q *jobQueue) remove(j *job) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.list, j)
	if i < 0 {
		return false
	}
	q.list = slices.Delete(q.list, i, i+1)
	if j.haste != patient {
		q.eager--
	}
	return true
}

// close ends what nobody has taken, and all that is added from now on.
func (q *jobQueue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	for _, j := range q.list {
		j.over(ErrClosed)
	}
	q.list, q.eager = nil, 0
}
