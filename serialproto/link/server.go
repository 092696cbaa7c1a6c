package link

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"provstation/serialproto"
)

// server is one run of Device.Serve. All of it belongs to one goroutine.
type server struct {
	d    *Device
	cfg  DeviceConfig
	dec  serialproto.Decoder
	wire wire
	out  []byte

	session  uint32 // 0: idle
	ended    uint32 // the session that ended last: a late HELLO of it opens nothing
	mtu, win int
	max      int
	welcome  []serialproto.Frame // of this session
	queue    []serialproto.Frame // WELCOME, LOG, BYE and ANNOUNCE frames to be sent
	hello    *serialproto.Hello  // waits until the handler of the session before it has returned

	lastByte time.Time
	lastHost time.Time // last sound frame of the host, or the end of a handler
	announce time.Time // when the next ANNOUNCE is due

	ahead   aheadState
	req     request
	running *work
	results chan result
}

// request is the exchange under way, or the last one of the session.
type request struct {
	id       uint8 // 0: none in this session yet
	rx       *reassembler
	idleAt   time.Time // the lastByte for which an idle ACK was said
	pending  []byte    // whole, and waiting for a cancelled handler to return
	tx       *sender   // the response: kept, so that the same id again is answered without a second execution
	op       serialproto.Op
	answered bool // AfterResponse was called
}

// work is a handler under way.
type work struct {
	id     uint8 // 0: nobody waits for it any more
	cancel context.CancelFunc
	busyAt time.Time
	said   time.Time // last BUSY
	ends   bool      // its session is over: SessionEnd is due when it returns
}

type result struct{ response []byte }

func newServer(d *Device) *server {
	return &server{d: d, cfg: d.cfg, wire: wire{baud: d.cfg.Baud}, results: make(chan result, 1)}
}

// run is the loop: send what is to be sent, then wait for bytes, a handler, a log line or the next timer.
func (s *server) run(ctx context.Context, chunks <-chan chunk) error {
	timer := newTimer()
	defer timer.Stop()
	s.lastByte = time.Now()
	for {
		if err := ctx.Err(); err != nil {
			s.goodbye()
			return context.Cause(ctx)
		}
		now := time.Now()
		s.timers(now)
		sent, err := s.send(now)
		if err != nil {
			return err
		}
		wait := time.Duration(0)
		if !sent {
			wait = s.sleep(now)
		}
		timer.Reset(wait)
		select {
		case c := <-chunks:
			s.lastByte = time.Now()
			s.dec.Feed(c.data, func(f serialproto.Frame) { s.onFrame(f, s.lastByte) }, nil)
			s.count()
			if c.err != nil {
				return fmt.Errorf("read: %w", c.err)
			}
		case r := <-s.results:
			s.sayLogs() // what the handler said comes before what it answered
			s.finished(r, time.Now())
		case line := <-s.d.logs:
			s.log(line)
		case <-timer.C:
		case <-ctx.Done():
		}
	}
}

func (s *server) count() {
	s.d.mu.Lock()
	s.d.stats.decoder(s.dec.Stats())
	s.d.mu.Unlock()
}

// timers does what is due by time alone.
func (s *server) timers(now time.Time) {
	if s.session == 0 {
		if s.running == nil && !now.Before(s.announce) {
			s.sayAnnounce(now)
		}
		return
	}
	if s.running == nil && now.Sub(s.lastHost) >= s.cfg.SessionIdle {
		s.endSession()
		s.announce = now
		s.timers(now)
	}
}

func (s *server) sayAnnounce(now time.Time) {
	jitter := time.Duration(rand.Int64N(int64(s.cfg.Announce)/5+1)) - s.cfg.Announce/10
	s.announce = now.Add(s.cfg.Announce + jitter)
	payload, err := serialproto.Encode(s.d.h.Announce())
	if err != nil || len(s.queue) > 0 {
		return // nothing valid to say, or the last one has not left yet
	}
	s.queue = append(s.queue, serialproto.Frame{Dir: serialproto.DeviceToHost, Kind: serialproto.KindAnnounce, Payload: payload})
}

// sleep is how long nothing needs to be done.
func (s *server) sleep(now time.Time) time.Duration {
	d := time.Hour
	until := func(t time.Time) { d = min(d, max(t.Sub(now), 0)) }
	if s.session == 0 {
		if s.running == nil {
			until(s.announce)
		}
	} else if s.running == nil {
		until(s.lastHost.Add(s.cfg.SessionIdle))
	}
	if s.running != nil && s.busyID() != 0 {
		until(s.running.busyAt)
	}
	if s.idleDue() {
		until(s.lastByte.Add(idleAfter + s.wire.time(16)))
	}
	if w := s.wire.wait(now); w > 0 {
		return w // nothing can be sent before, and nothing else is due by then that could not wait
	}
	return d
}

// idleDue reports whether an unfinished request waits for a silence that was not answered yet.
func (s *server) idleDue() bool {
	return s.session != 0 && s.req.rx != nil && s.req.rx.started() && !s.req.rx.complete() && s.req.idleAt != s.lastByte
}

// busyID is the request for which BUSY is said while a handler runs: the one it works on, or the next one, which waits
// for a cancelled handler to return.
func (s *server) busyID() uint8 {
	if s.running.id != 0 {
		return s.running.id
	}
	if s.req.pending != nil {
		return s.req.id
	}
	return 0
}

// next returns the frame to send now, if there is one.
func (s *server) next(now time.Time) (serialproto.Frame, bool) {
	if len(s.queue) > 0 {
		f := s.queue[0]
		s.queue = s.queue[1:]
		return f, true
	}
	if s.session == 0 {
		return serialproto.Frame{}, false
	}
	if rx := s.req.rx; rx != nil && rx.started() && !rx.complete() {
		if rx.ackDue {
			return rx.ack(serialproto.DeviceToHost, false), true
		}
		if s.idleDue() && !now.Before(s.lastByte.Add(idleAfter+s.wire.time(16))) {
			s.req.idleAt = s.lastByte
			return rx.ack(serialproto.DeviceToHost, true), true
		}
	}
	if f, ok := s.ahead.missing(); ok {
		return f, true
	}
	if s.running != nil {
		if id := s.busyID(); id != 0 && !now.Before(s.running.busyAt) {
			s.running.busyAt, s.running.said = now.Add(s.cfg.BusyEvery), now
			return serialproto.Frame{Dir: serialproto.DeviceToHost, Kind: serialproto.KindBusy, ID: id}, true
		}
	}
	if s.req.tx != nil {
		if i, ok := s.req.tx.pick(); ok {
			return s.req.tx.frame(serialproto.DeviceToHost, i), true
		}
	}
	return serialproto.Frame{}, false
}

// send writes one frame, if there is one and the wire has room. It reports whether it did.
func (s *server) send(now time.Time) (bool, error) {
	if s.wire.wait(now) > 0 {
		return false, nil
	}
	f, ok := s.next(now)
	if !ok {
		return false, nil
	}
	out, err := serialproto.AppendFrame(s.out[:0], s.session, f)
	if err != nil {
		return false, err
	}
	s.out = out
	gone := s.wire.push(now, len(out))
	s.d.mu.Lock()
	s.d.stats.sent(f.Kind, len(out))
	s.d.mu.Unlock()
	if f.Kind == serialproto.KindRsp {
		s.answering(int(f.Idx), gone)
	}
	if err := s.write(out, now); err != nil {
		return false, err
	}
	if tx := s.req.tx; f.Kind == serialproto.KindRsp && tx.allSent() && !s.req.answered {
		s.req.answered = true
		if a, ok := s.d.h.(AfterResponder); ok {
			a.AfterResponse(s.req.op)
		}
	}
	return true, nil
}

func (s *server) answering(i int, gone time.Time) {
	if !s.req.tx.sent(i, gone) {
		s.d.mu.Lock()
		s.d.stats.Retransmits++
		s.d.mu.Unlock()
	}
}

// write hands over bytes. A write that cannot end in time counts as lost: nobody reads, or the line stands still.
func (s *server) write(out []byte, now time.Time) error {
	if err := s.d.t.SetWriteDeadline(now.Add(time.Second + s.wire.time(2*serialproto.MaxWire*queuedFrames))); err != nil {
		return fmt.Errorf("set write deadline: %w", err)
	}
	if _, err := s.d.t.Write(out); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// sayLogs takes every line that waits.
func (s *server) sayLogs() {
	for {
		select {
		case line := <-s.d.logs:
			s.log(line)
		default:
			return
		}
	}
}

func (s *server) log(line string) {
	if len(s.queue) < 16 {
		payload := []byte(line)
		s.queue = append(s.queue, serialproto.Frame{
			Dir: serialproto.DeviceToHost, Kind: serialproto.KindLog, Payload: payload[:min(len(payload), serialproto.MaxPayload)],
		})
	}
}

// goodbye tells the host that the agent stops; best effort.
func (s *server) goodbye() {
	if s.session == 0 {
		return
	}
	out, err := serialproto.AppendFrame(s.out[:0], s.session, serialproto.Frame{Dir: serialproto.DeviceToHost, Kind: serialproto.KindBye})
	if err == nil {
		_ = s.write(out, time.Now()) // the host hears ANNOUNCE or nothing otherwise, and concludes the same
	}
}

// shutdown waits for the handler and closes the session.
func (s *server) shutdown() {
	if s.running != nil {
		s.running.cancel()
		<-s.results
		if s.running.ends {
			s.d.h.SessionEnd()
		}
		s.running = nil
	}
	s.endSession()
}
