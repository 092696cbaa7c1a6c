package port

import (
	"errors"
	"os"
	"time"
)

// job is one piece for the writer, at most pieceSize bytes, which it owns.
type job struct {
	data   []byte
	result chan written // buffered: nobody may be waiting any more
}

type written struct {
	n   int
	err error
}

// Read reads what has arrived, waiting for the first byte until the deadline.
// Bytes that came before a hang-up are delivered before ErrGone.
func (p *Port) Read(b []byte) (int, error) {
	for {
		if p.readDeadline.passed() {
			if err := p.closedLocally("read"); err != nil {
				return 0, err
			}
			return 0, &Error{Op: "read", Path: p.path, Kind: os.ErrDeadlineExceeded}
		}
		p.mu.Lock()
		if p.fail != nil && errors.Is(p.fail.Kind, os.ErrClosed) {
			defer p.mu.Unlock()
			return 0, p.fail.during("read")
		}
		if len(p.buf) > 0 || len(b) == 0 {
			n := copy(b, p.buf)
			p.buf = append(p.buf[:0], p.buf[n:]...)
			p.broadcast()
			p.mu.Unlock()
			return n, nil
		}
		if p.fail != nil {
			defer p.mu.Unlock()
			return 0, p.fail.during("read")
		}
		changed := p.changed
		p.mu.Unlock()
		select {
		case <-changed:
		case <-p.readDeadline.wait():
		}
	}
}

// closedLocally returns the failure if the port was closed by Close.
func (p *Port) closedLocally(op string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fail != nil && errors.Is(p.fail.Kind, os.ErrClosed) {
		return p.fail.during(op)
	}
	return nil
}

// readLoop moves bytes from the line into the buffer until the line fails.
func (p *Port) readLoop() {
	defer close(p.readDone)
	chunk := make([]byte, 4096)
	for {
		room, ok := p.awaitRoom(len(chunk))
		if !ok {
			return
		}
		n, err := p.line.Read(chunk[:room])
		if n > 0 {
			p.mu.Lock()
			p.buf = append(p.buf, chunk[:n]...)
			p.broadcast()
			p.mu.Unlock()
		}
		if errors.Is(err, errInterrupted) {
			return
		}
		if err != nil {
			p.shut(newError("read", p.path, err), true)
			return
		}
		p.nap()
	}
}

// awaitRoom waits until the buffer has room and returns how much, at most limit.
func (p *Port) awaitRoom(limit int) (int, bool) {
	for {
		p.mu.Lock()
		if p.fail != nil {
			p.mu.Unlock()
			return 0, false
		}
		room := min(limit, bufferSize-len(p.buf))
		changed := p.changed
		p.mu.Unlock()
		if room > 0 {
			return room, true
		}
		<-changed
	}
}

// Write writes all of b or returns how much the system took and why not more.
// At a deadline the port stays usable; up to 256 bytes beyond the count may
// still go out where the system cannot take a write back.
func (p *Port) Write(b []byte) (int, error) {
	if err := p.failure("write"); err != nil {
		return 0, err
	}
	if p.writeDeadline.passed() {
		return 0, &Error{Op: "write", Path: p.path, Kind: os.ErrDeadlineExceeded}
	}
	select {
	case p.writing <- struct{}{}:
		defer func() { <-p.writing }()
	case <-p.writeDeadline.wait():
		return 0, &Error{Op: "write", Path: p.path, Kind: os.ErrDeadlineExceeded}
	case <-p.down:
		return 0, p.failure("write")
	}
	total := 0
	for total < len(b) {
		n, err := p.writePiece(b[total:min(len(b), total+pieceSize)])
		total += n
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// writePiece hands one piece to the writer and waits for it. Caller has the token.
func (p *Port) writePiece(b []byte) (int, error) {
	if p.stalled.IsZero() {
		p.stalled = time.Now()
	}
	stuck := time.NewTimer(time.Until(p.stalled.Add(p.stuckAfter)))
	defer stuck.Stop()
	j := job{data: append([]byte(nil), b...), result: make(chan written, 1)}
	select {
	case <-p.down: // both may be ready: down comes first
		return 0, p.failure("write")
	default:
	}
	select {
	case p.jobs <- j:
	case <-p.writeDeadline.wait():
		return 0, &Error{Op: "write", Path: p.path, Kind: os.ErrDeadlineExceeded}
	case <-stuck.C:
		return 0, p.giveUp()
	case <-p.down:
		return 0, p.failure("write")
	}
	select {
	case w := <-j.result:
		return p.account(w)
	case <-p.writeDeadline.wait():
		return p.takeBack(j)
	case <-stuck.C:
		return 0, p.giveUp()
	case <-p.down:
		return 0, p.failure("write")
	}
}

// account notes progress and turns the writer's answer into Write's.
func (p *Port) account(w written) (int, error) {
	if w.n > 0 {
		p.stalled = time.Time{}
	}
	switch {
	case w.err == nil:
		return w.n, nil
	case errors.Is(w.err, errInterrupted):
		if err := p.failure("write"); err != nil {
			return w.n, err
		}
		return w.n, &Error{Op: "write", Path: p.path, Kind: os.ErrDeadlineExceeded}
	}
	p.shut(newError("write", p.path, w.err), true)
	return w.n, p.failure("write")
}

// takeBack cancels a piece whose deadline has passed and says how far it came.
func (p *Port) takeBack(j job) (int, error) {
	p.line.cancelWrite()
	t := time.NewTimer(pieceGrace)
	defer t.Stop()
	select {
	case w := <-j.result:
		n, err := p.account(w)
		if err == nil && n < len(j.data) {
			err = &Error{Op: "write", Path: p.path, Kind: os.ErrDeadlineExceeded}
		}
		return n, err
	case <-t.C:
		return 0, &Error{Op: "write", Path: p.path, Kind: os.ErrDeadlineExceeded}
	}
}

// giveUp takes a port down whose line takes nothing.
func (p *Port) giveUp() error {
	p.shut(&Error{Op: "write", Path: p.path, Kind: ErrStuck}, true)
	return p.failure("write")
}

// writeLoop is the only goroutine that writes to the line.
func (p *Port) writeLoop() {
	defer close(p.jobsDone)
	for {
		select {
		case <-p.down:
			return
		default:
		}
		select {
		case <-p.down:
			return
		case j := <-p.jobs:
			n, err := p.line.Write(j.data)
			j.result <- written{n, err}
		}
	}
}
