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
const soonTime = 20 * time.Millisecond

// job is one write.
type job struct {
	ctx context.Context
	// fn may run more than once: only its last run counts.
	fn     func(context.Context, *txn) error
	urgent bool // somebody waits for it
	err    error
	end    chan struct{}
}

// jobQueue is the writes that nobody has taken yet, in the order in which they were asked for.
type jobQueue struct {
	wake chan struct{} // buffer 1: something was added

	mu     sync.Mutex
	list   []*job
	urgent int
	closed bool
}

// add puts a write last. Once the queue is closed the write ends at once.
func (q *jobQueue) add(j *job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		j.err = ErrClosed
		close(j.end)
		return
	}
	q.list = append(q.list, j)
	if j.urgent {
		q.urgent++
	}
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// take takes the first writes, at most groupMax. Without all it takes them only where somebody waits for one.
func (q *jobQueue) take(all bool) []*job {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.urgent == 0 && !all {
		return nil
	}
	group := slices.Clone(q.list[:min(len(q.list), groupMax)])
	q.list = slices.Delete(q.list, 0, len(group))
	for _, j := range group {
		if j.urgent {
			q.urgent--
		}
	}
	return group
}

// left reports whether writes are left: nobody waits for one of them.
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
	if j.urgent {
		q.urgent--
	}
	return true
}

// close ends what nobody has taken, and all that is added from now on.
func (q *jobQueue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	for _, j := range q.list {
		j.err = ErrClosed
		close(j.end)
	}
	q.list, q.urgent = nil, 0
}
