package link

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"provstation/serialproto"
)

// greeting is one attempt to open a session: one session value, however often HELLO is repeated.
type greeting struct {
	hello serialproto.Hello
	rx    *reassembler
	bad   error
	bye   *serialproto.ResponseHead
}

// WaitAnnounce waits until the device says it is there and idle. It writes nothing. What was heard before the call
// counts, unless a session was opened since.
func (h *Host) WaitAnnounce(ctx context.Context) (serialproto.Announce, error) {
	const action = "wait for announce"
	if err := h.acquire(ctx); err != nil {
		return serialproto.Announce{}, &OpError{action, err}
	}
	defer h.release()
	a, err := h.waitAnnounce(ctx, false)
	if err != nil {
		return serialproto.Announce{}, &OpError{action, err}
	}
	return a, nil
}

// NextAnnounce is WaitAnnounce for who listens on: each ANNOUNCE is returned once, the newest where several came since.
func (h *Host) NextAnnounce(ctx context.Context) (serialproto.Announce, error) {
	const action = "wait for announce"
	if err := h.acquire(ctx); err != nil {
		return serialproto.Announce{}, &OpError{action, err}
	}
	defer h.release()
	a, err := h.waitAnnounce(ctx, true)
	if err != nil {
		return serialproto.Announce{}, &OpError{action, err}
	}
	return a, nil
}

// waitAnnounce returns the last ANNOUNCE; with fresh only one that NextAnnounce did not return before.
func (h *Host) waitAnnounce(ctx context.Context, fresh bool) (serialproto.Announce, error) {
	timer := newTimer()
	defer timer.Stop()
	for {
		h.mu.Lock()
		a, err := h.announce, h.fatal
		if fresh && h.heard == h.taken {
			a = nil
		}
		if fresh && a != nil {
			h.taken = h.heard
		}
		h.mu.Unlock()
		if err != nil {
			return serialproto.Announce{}, err
		}
		if a != nil {
			return *a, nil
		}
		if err := h.pause(ctx, timer, time.Hour); err != nil {
			return serialproto.Announce{}, err
		}
	}
}

// Greet opens a session, ending one that is open. Unless HostConfig.Probe is set it first waits for an ANNOUNCE. It
// tries until ctx ends, or until a dozen HELLOs were answered by nothing (ErrNoProgress, ErrEcho).
func (h *Host) Greet(ctx context.Context) (serialproto.Welcome, error) {
	if err := h.acquire(ctx); err != nil {
		return serialproto.Welcome{}, &OpError{"greet", err}
	}
	defer h.release()
	if !h.cfg.Probe {
		a, err := h.waitAnnounce(ctx, false)
		if err != nil {
			return serialproto.Welcome{}, &OpError{"greet", err}
		}
		if a.MinVersion > serialproto.Version || a.MaxVersion < serialproto.Version {
			return serialproto.Welcome{}, &OpError{"greet", versionError(a.MinVersion, a.MaxVersion)}
		}
	}
	h.mu.Lock()
	h.mtu = h.cfg.MTU
	h.mu.Unlock()
	w, err := h.greet(ctx)
	if err != nil {
		return serialproto.Welcome{}, &OpError{"greet", err}
	}
	return w, nil
}

func versionError(least, most uint8) error {
	return fmt.Errorf("%w: device speaks %d to %d, station %d", ErrVersion, least, most, serialproto.Version)
}

// greet makes three attempts of four HELLOs each; each attempt after the first halves the mtu, since on a noisy line a
// short WELCOME gets through where a long one does not. busy is held.
func (h *Host) greet(ctx context.Context) (serialproto.Welcome, error) {
	h.mu.Lock()
	echoes := h.stats.Echoes
	h.dropSession(ErrNoSession)
	h.mu.Unlock()
	pause := helloFirst
	for attempt := range 3 {
		if attempt > 0 {
			h.halve()
		}
		w, err := h.attempt(ctx, &pause)
		if !errors.Is(err, ErrNoProgress) {
			return w, err
		}
		h.mu.Lock()
		echoed := h.stats.Echoes > echoes
		h.mu.Unlock()
		if echoed {
			return serialproto.Welcome{}, fmt.Errorf("%w: %w", ErrEcho, ErrNoProgress)
		}
	}
	return serialproto.Welcome{}, ErrNoProgress
}

func (h *Host) halve() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.mtu = max(min(serialproto.MinMTU, h.mtu), h.mtu/2)
}

// attempt sends HELLO with one session value until WELCOME comes.
func (h *Host) attempt(ctx context.Context, pause *time.Duration) (serialproto.Welcome, error) {
	payload, err := h.begin()
	if err != nil {
		return serialproto.Welcome{}, err
	}
	defer func() {
		h.mu.Lock()
		h.greeting = nil
		h.mu.Unlock()
	}()
	timer := newTimer()
	defer timer.Stop()
	for range helloTries {
		h.mu.Lock()
		now := time.Now()
		frame, left, err := h.seal(serialproto.Frame{Kind: serialproto.KindHello, Payload: payload}, now)
		h.mu.Unlock()
		if err != nil {
			return serialproto.Welcome{}, err
		}
		if err := h.write(ctx, frame); err != nil {
			return serialproto.Welcome{}, err
		}
		// A WELCOME of two full frames must be able to arrive before HELLO is repeated.
		until := left.Add(h.wire.time(2*serialproto.MaxWire) + *pause)
		*pause = backoff(*pause, helloMost)
		for d := time.Until(until); d > 0; d = time.Until(until) {
			if err := h.pause(ctx, timer, d); err != nil {
				return serialproto.Welcome{}, err
			}
			if w, ok, err := h.greeted(ctx); ok || err != nil {
				return w, err
			}
		}
	}
	return serialproto.Welcome{}, ErrNoProgress
}

// begin draws a session value and prepares to hear its WELCOME.
func (h *Host) begin() ([]byte, error) {
	var r [4]byte
	if _, err := io.ReadFull(h.cfg.Random, r[:]); err != nil {
		return nil, fmt.Errorf("draw session id: %w", err)
	}
	session := max(binary.LittleEndian.Uint32(r[:]), 1)
	h.mu.Lock()
	defer h.mu.Unlock()
	hello := serialproto.Hello{
		MinVersion: serialproto.Version, MaxVersion: serialproto.Version, Session: session, MTU: uint16(h.mtu),
		Window: uint8(h.cfg.Window), MaxMessage: uint32(h.cfg.MaxMessage), Features: h.cfg.Features,
	}
	payload, err := serialproto.Encode(hello)
	if err != nil {
		return nil, err
	}
	h.session, h.lost = session, ErrNoSession
	h.dec.SetSession(session)
	h.greeting = &greeting{hello: hello, rx: newReassembler(uint8(session), 2048, serialproto.MaxFragment)}
	return payload, h.fatal
}

// onWelcome takes a fragment of WELCOME. Its id byte repeats the low byte of the session, so that fragments of an older
// attempt never mix with this one's. h.mu is held.
func (h *Host) onWelcome(f serialproto.Frame) bool {
	g := h.greeting
	if f.ID != uint8(g.hello.Session) || h.welcomed {
		return false
	}
	if v := g.rx.add(f); v == fragBad || v == fragTooLong {
		g.rx = newReassembler(f.ID, 2048, serialproto.MaxFragment)
		return false
	}
	if !g.rx.complete() {
		return true
	}
	var w serialproto.Welcome
	err := serialproto.Decode(g.rx.message(), &w)
	if err == nil && w.Session != g.hello.Session {
		g.rx = newReassembler(f.ID, 2048, serialproto.MaxFragment)
		return false
	}
	switch {
	case err != nil:
		g.bad = fmt.Errorf("%w: welcome: %w", ErrProtocol, err)
	case w.Version != serialproto.Version:
		g.bad = versionError(w.Version, w.Version)
	case w.MTU > g.hello.MTU || w.Window > g.hello.Window || w.MaxMessage > g.hello.MaxMessage || w.Features&^g.hello.Features != 0:
		g.bad = fmt.Errorf("%w: welcome grants more than was asked", ErrProtocol)
	default:
		h.open(w)
	}
	return true
}

// open enters the session. h.mu is held.
func (h *Host) open(w serialproto.Welcome) {
	h.welcome, h.welcomed, h.lost, h.id, h.announce, h.ahead = w, true, nil, 0, nil, nil
	h.damaged = h.damage()
	if h.cfg.KeepAlive > 0 {
		ctx, cancel := context.WithCancel(context.Background())
		h.stopKeep = cancel
		h.done.Go(func() { h.keepAlive(ctx) })
	}
}

// greeted looks at what the greeting has come to. busy is held.
func (h *Host) greeted(ctx context.Context) (serialproto.Welcome, bool, error) {
	h.mu.Lock()
	w, ok, fatal, lost := h.welcome, h.welcomed, h.fatal, h.lost
	var bye *serialproto.ResponseHead
	var bad error
	if g := h.greeting; g != nil { // the reader goes on writing to it
		bye, bad = g.bye, g.bad
	}
	h.mu.Unlock()
	switch {
	case fatal != nil:
		return serialproto.Welcome{}, false, fatal
	case ok:
		return w, true, nil
	case errors.Is(lost, ErrReset): // it left right after WELCOME
		return serialproto.Welcome{}, false, lost
	case bye != nil:
		return serialproto.Welcome{}, false, byeError(bye)
	case bad != nil:
		h.sayBye(ctx)
		return serialproto.Welcome{}, false, bad
	}
	return serialproto.Welcome{}, false, nil
}

func byeError(head *serialproto.ResponseHead) error {
	if head.Status == serialproto.StatusBadVersion {
		return fmt.Errorf("%w: %w", ErrVersion, head.Err(0))
	}
	return &ResetError{Reason: "it refused the session: " + head.Status.String()}
}

// sayBye tells the device that the session is over; best effort. busy is held.
func (h *Host) sayBye(ctx context.Context) {
	h.mu.Lock()
	frame, _, err := h.seal(serialproto.Frame{Kind: serialproto.KindBye}, time.Now())
	h.mu.Unlock()
	if err == nil {
		_ = h.write(ctx, frame) // the session ends either way; the device times out if this is lost
	}
}

// Bye ends the session in order: the device returns to its idle state at once. Without a session it does nothing.
func (h *Host) Bye(ctx context.Context) error {
	if err := h.acquire(ctx); err != nil {
		return &OpError{"bye", err}
	}
	defer h.release()
	h.mu.Lock()
	open := h.welcomed
	h.mu.Unlock()
	if !open {
		return nil
	}
	h.sayBye(ctx)
	h.mu.Lock()
	h.dropSession(ErrNoSession)
	left, err := h.wire.done(time.Now()), h.fatal
	h.mu.Unlock()
	if err != nil {
		return &OpError{"bye", err}
	}
	// Whoever closes the port next must not cut the frame off.
	timer := newTimer()
	defer timer.Stop()
	for d := time.Until(left); d > 0; d = time.Until(left) {
		if err := h.pause(ctx, timer, d); err != nil {
			return &OpError{"bye", err}
		}
	}
	return nil
}

// keepAlive tells the device now and then that the session is still wanted, while no call is under way.
func (h *Host) keepAlive(ctx context.Context) {
	tick := time.NewTicker(h.cfg.KeepAlive)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		select {
		case h.busy <- struct{}{}:
		default:
			continue // a call is under way; it is talk enough
		}
		h.mu.Lock()
		now := time.Now()
		var frame []byte
		if ctx.Err() == nil && now.Sub(h.lastTx) >= h.cfg.KeepAlive {
			frame, _, _ = h.seal(serialproto.Frame{Kind: serialproto.KindBusy}, now) // constant frame: cannot fail
		}
		h.mu.Unlock()
		if frame != nil {
			_ = h.write(ctx, frame) // a dead transport is noted by write itself
		}
		h.release()
	}
}

// sameBoot reports whether a new WELCOME is from the same start of the device.
func sameBoot(a, b serialproto.Welcome) bool { return bytes.Equal(a.BootID, b.BootID) }
