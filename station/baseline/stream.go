package baseline

import (
	"bytes"
	"fmt"
	"sync"
	"time"

	"provstation/serialproto/link"
)

// Bounds of what the other side says, and how long it may take. The patience is that of the mcumgr command line tool.
const (
	maxAnswer = 16 << 10 // bytes
	maxLine   = 4096     // bytes, its end included
	patience  = 10 * time.Second
)

// stream is one end of the line: bytes in, bytes out, counted. One goroutine uses it; interrupt may come from another.
type stream struct {
	t      link.Transport
	tx, rx uint64
	buf    []byte // received and not yet used
	block  [1024]byte

	mu     sync.Mutex
	ended  bool
	silent chan struct{} // closed by interrupt
}

func newStream(t link.Transport) *stream { return &stream{t: t, silent: make(chan struct{})} }

// interrupt makes what is under way and all that follows fail at once.
func (s *stream) interrupt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	now := time.Unix(1, 0)
	_ = s.t.SetReadDeadline(now) // a transport that is closed already needs none
	_ = s.t.SetWriteDeadline(now)
	close(s.silent)
}

// settled waits until interrupt is over.
func (s *stream) settled() { <-s.silent }

// allow gives the next reads and writes this long; zero means for ever. After interrupt it allows nothing.
func (s *stream) allow(d time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return nil
	}
	var until time.Time
	if d > 0 {
		until = time.Now().Add(d)
	}
	if err := s.t.SetReadDeadline(until); err != nil {
		return err
	}
	return s.t.SetWriteDeadline(until)
}

// send writes p.
func (s *stream) send(p []byte) error {
	n, err := s.t.Write(p)
	s.tx += uint64(max(n, 0))
	if err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// more reads what has come, waiting for the first byte.
func (s *stream) more() error {
	n, err := s.t.Read(s.block[:])
	s.rx += uint64(max(n, 0))
	s.buf = append(s.buf, s.block[:max(n, 0)]...)
	if err != nil && n <= 0 {
		return fmt.Errorf("read: %w", err)
	}
	return nil
}

// line returns the next line without its end (LF, or CR LF), valid until the next call. One of more than most bytes is an
// error.
func (s *stream) line(most int) ([]byte, error) {
	for seen := 0; ; {
		if i := bytes.IndexByte(s.buf[seen:], '\n'); i >= 0 {
			line := s.buf[:seen+i]
			s.buf = s.buf[seen+i+1:]
			if len(line) >= most {
				return nil, fmt.Errorf("line of %d bytes, at most %d: %w", len(line), most-1, ErrTooLong)
			}
			return bytes.TrimSuffix(line, []byte("\r")), nil
		}
		if seen = len(s.buf); seen >= most {
			return nil, fmt.Errorf("line of more than %d bytes: %w", most-1, ErrTooLong)
		}
		if err := s.more(); err != nil {
			return nil, err
		}
	}
}

// expect reads exactly want. The first byte that differs is an error.
func (s *stream) expect(want string) error {
	for checked := 0; ; {
		n := min(len(s.buf), len(want))
		for ; checked < n; checked++ {
			if s.buf[checked] != want[checked] {
				return fmt.Errorf("got %s, want %s: %w", clip(s.buf[checked:]), clip([]byte(want[checked:])), ErrAnswer)
			}
		}
		if checked == len(want) {
			s.buf = s.buf[checked:]
			return nil
		}
		if err := s.more(); err != nil {
			return fmt.Errorf("waiting for %s: %w", clip([]byte(want[checked:])), err)
		}
	}
}

// until returns all that comes before end, once end is the last that has come.
func (s *stream) until(end string) ([]byte, error) {
	for !bytes.HasSuffix(s.buf, []byte(end)) {
		if len(s.buf) > maxAnswer {
			return nil, fmt.Errorf("answer of more than %d bytes: %w", maxAnswer, ErrTooLong)
		}
		if err := s.more(); err != nil {
			return nil, fmt.Errorf("waiting for %q after %s: %w", end, clip(s.buf), err)
		}
	}
	out := bytes.Clone(s.buf[:len(s.buf)-len(end)])
	s.buf = s.buf[:0]
	return out, nil
}

// clip quotes the beginning of what the other side said, for an error. What comes from a device may be a secret or a
// terminal's control sequence, so it is short and quoted.
func clip(p []byte) string {
	const most = 24
	if len(p) > most {
		return fmt.Sprintf("%.24q...", p[:most])
	}
	return fmt.Sprintf("%q", p)
}
