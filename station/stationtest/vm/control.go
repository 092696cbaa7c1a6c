//go:build linux

package vm

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"strings"
	"sync"
	"syscall"
	"time"

	"provstation/station/stationtest/vm/guest"
)

// control is the channel to a guest's first process.
type control struct {
	conn net.Conn
	in   *bufio.Scanner

	mu   sync.Mutex
	last uint64
	wait map[uint64]chan guest.Reply
}

func newControl(c net.Conn) *control {
	s := bufio.NewScanner(c)
	s.Buffer(nil, 4*guest.MaxOutput)
	return &control{conn: c, in: s, wait: map[uint64]chan guest.Reply{}}
}

func (c *control) close() { _ = c.conn.Close() }

// drop gives up on all requests: the guest that had them is no more.
func (c *control) drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, ch := range c.wait {
		close(ch)
	}
	clear(c.wait)
}

// listen takes what the guest says until QEMU is gone.
func (m *Machine) listen(p *power) {
	for p.control.in.Scan() {
		var r guest.Reply
		if err := json.Unmarshal(p.control.in.Bytes(), &r); err != nil {
			continue // half a line, from before a reset
		}
		if r.ID == 0 {
			p.control.drop()
			m.cameUp(p)
			continue
		}
		p.control.mu.Lock()
		if ch := p.control.wait[r.ID]; ch != nil {
			delete(p.control.wait, r.ID)
			ch <- r
		}
		p.control.mu.Unlock()
	}
	p.control.drop()
}

func (m *Machine) cameUp(p *power) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.boots++
	p.up = true
	if m.boot == 0 {
		m.boot = time.Since(p.began)
	}
	close(m.more)
	m.more = make(chan struct{})
}

// errGone: the guest was reset or lost its power.
var errGone = errors.New("the guest is gone")

func (c *control) ask(ctx context.Context, q guest.Request) (guest.Reply, error) {
	ch := make(chan guest.Reply, 1)
	c.mu.Lock()
	c.last++
	q.ID = c.last
	c.wait[q.ID] = ch
	line, err := json.Marshal(q)
	if err == nil {
		_, err = c.conn.Write(append(line, '\n'))
	}
	c.mu.Unlock()
	if err != nil {
		return guest.Reply{}, err
	}
	select {
	case r, ok := <-ch:
		switch {
		case !ok:
			return guest.Reply{}, errGone
		case r.Err != "":
			return r, errors.New(r.Err)
		}
		return r, nil
	case <-ctx.Done():
		return guest.Reply{}, ctx.Err()
	}
}

// How long a command in the guest may take, and anything else that it is asked for.
const (
	commandTime = 5 * time.Minute
	answerTime  = 2 * time.Minute
)

// Ask has the guest's first process do something. An error is its word, or that it is gone.
func (m *Machine) Ask(q guest.Request) (guest.Reply, error) {
	m.t.Helper()
	limit := answerTime
	if q.Op == guest.OpRun {
		limit = commandTime
	}
	ctx, cancel := context.WithTimeout(m.t.Context(), limit)
	defer cancel()
	return m.on().control.ask(ctx, q)
}

func (m *Machine) must(q guest.Request) guest.Reply {
	m.t.Helper()
	r, err := m.Ask(q)
	if err != nil {
		m.t.Fatalf("vm: %s: %s %s%s: %v", m.Name, q.Op, strings.Join(q.Args, " "), q.Path, err)
	}
	return r
}

// Exec runs a command in the guest to its end: its exit code, and its output of both kinds.
func (m *Machine) Exec(args ...string) (code int, output string) {
	m.t.Helper()
	r := m.must(guest.Request{Op: guest.OpRun, Args: args})
	return r.Code, string(r.Data)
}

// Run is [Machine.Exec] of a command that must succeed.
func (m *Machine) Run(args ...string) string {
	m.t.Helper()
	code, out := m.Exec(args...)
	if code != 0 {
		m.t.Fatalf("vm: %s: %s: exit code %d:\n%s", m.Name, strings.Join(args, " "), code, out)
	}
	return out
}

// ReadFile reads a file of the guest.
func (m *Machine) ReadFile(path string) []byte {
	m.t.Helper()
	return m.must(guest.Request{Op: guest.OpRead, Path: path}).Data
}

// WriteFile writes a file of the guest, and its folder where there is none.
func (m *Machine) WriteFile(path string, perm fs.FileMode, data []byte) {
	m.t.Helper()
	m.must(guest.Request{Op: guest.OpWrite, Path: path, Mode: uint32(perm), Data: data})
}

// Serve starts a service in the running guest. It is gone after a reset.
func (m *Machine) Serve(s guest.Service) {
	m.t.Helper()
	m.must(guest.Request{Op: guest.OpService, Service: &s})
}

// Signal sends a signal to a service's process.
func (m *Machine) Signal(service string, s syscall.Signal) {
	m.t.Helper()
	m.must(guest.Request{Op: guest.OpSignal, Name: service, Signal: int(s)})
}

// Noise has the kernel print a line time and again, on all its consoles; 0 ends it. It is gone after a reset.
func (m *Machine) Noise(every time.Duration, text string) {
	m.t.Helper()
	m.must(guest.Request{Op: guest.OpNoise, Every: every, Text: text})
}

// Reboot has the guest reboot in order, and waits until it is up again.
func (m *Machine) Reboot() {
	m.t.Helper()
	boots := m.Boots()
	m.gone(guest.OpReboot)
	m.WaitBoots(boots + 1)
}

// ShutDown has the guest power off in order, and waits until it is off.
func (m *Machine) ShutDown() {
	m.t.Helper()
	p := m.on()
	m.gone(guest.OpPowerOff)
	select {
	case <-p.exited:
	case <-time.After(m.Patience):
		m.t.Fatalf("vm: %s did not power off:\n%s", m.Name, m.Console(40))
	}
	m.PowerOff()
}

// gone asks for what the guest does not survive: no answer is the right one.
func (m *Machine) gone(op string) {
	m.t.Helper()
	// A slow host may take longer to bring it up again than an answer may take: whoever asked waits for that.
	if _, err := m.Ask(guest.Request{Op: op}); err != nil && !errors.Is(err, errGone) && !errors.Is(err, context.DeadlineExceeded) {
		m.t.Fatalf("vm: %s: %s: %v", m.Name, op, err)
	}
}
