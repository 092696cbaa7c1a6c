//go:build linux

package vm

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// qmp is a connection to QEMU's monitor (docs/interop/qmp-spec.txt): JSON objects, one a line, events in between.
type qmp struct {
	conn net.Conn

	mu     sync.Mutex
	last   uint64
	wait   map[uint64]chan qmpAnswer
	events map[string]int
	more   chan struct{} // closed and replaced at each event, and at the end
	ended  error
}

type qmpAnswer struct {
	ID     uint64          `json:"id"`
	Return json.RawMessage `json:"return"`
	Event  string          `json:"event"`
	Error  *struct {
		Desc string `json:"desc"`
	} `json:"error"`
}

const qmpTime = time.Minute

func newQMP(ctx context.Context, c net.Conn) (*qmp, error) {
	q := &qmp{conn: c, wait: map[uint64]chan qmpAnswer{}, events: map[string]int{}, more: make(chan struct{})}
	go q.read()
	return q, q.do(ctx, "qmp_capabilities", nil, nil)
}

func (q *qmp) read() {
	s := bufio.NewScanner(q.conn)
	s.Buffer(nil, 4<<20)
	for s.Scan() {
		var a qmpAnswer
		if err := json.Unmarshal(s.Bytes(), &a); err != nil {
			continue // the greeting has other fields only
		}
		q.mu.Lock()
		switch ch := q.wait[a.ID]; {
		case a.Event != "":
			q.events[a.Event]++
			close(q.more)
			q.more = make(chan struct{})
		case ch != nil:
			delete(q.wait, a.ID)
			ch <- a
		}
		q.mu.Unlock()
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ended = errors.New("QEMU has closed its monitor")
	for _, ch := range q.wait {
		close(ch)
	}
	q.wait = nil
	close(q.more)
	q.more = make(chan struct{})
}

func (q *qmp) do(ctx context.Context, command string, args, result any) error {
	q.mu.Lock()
	if q.ended != nil {
		q.mu.Unlock()
		return q.ended
	}
	q.last++
	id, ch := q.last, make(chan qmpAnswer, 1)
	q.wait[id] = ch
	q.mu.Unlock()
	msg := map[string]any{"execute": command, "id": id}
	if args != nil {
		msg["arguments"] = args
	}
	line, err := json.Marshal(msg)
	if err != nil {
		return err
	}
	if _, err := q.conn.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("%s: %w", command, err)
	}
	ctx, cancel := context.WithTimeout(ctx, qmpTime)
	defer cancel()
	select {
	case a, ok := <-ch:
		switch {
		case !ok:
			return fmt.Errorf("%s: QEMU has closed its monitor", command)
		case a.Error != nil:
			return fmt.Errorf("%s: %s", command, a.Error.Desc)
		case result != nil:
			return json.Unmarshal(a.Return, result)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", command, ctx.Err())
	}
}

func (q *qmp) close() { _ = q.conn.Close() }

// QMP gives QEMU's monitor a command. Nil args are none, a nil result is thrown away.
func (m *Machine) QMP(command string, args, result any) {
	m.t.Helper()
	if err := m.on().qmp.do(m.t.Context(), command, args, result); err != nil {
		m.t.Fatalf("vm: %s: %v", m.Name, err)
	}
}

// on is the machine's power, which it must have.
func (m *Machine) on() *power {
	m.t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.power == nil {
		m.t.Fatalf("vm: %s has no power", m.Name)
	}
	return m.power
}

func (m *Machine) events(name string) int {
	q := m.on().qmp
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.events[name]
}

// WaitEvent waits until QEMU has told of an event n times since the last power-on.
func (m *Machine) WaitEvent(name string, n int) {
	m.t.Helper()
	q := m.on().qmp
	late := time.After(qmpTime)
	for {
		q.mu.Lock()
		seen, more, ended := q.events[name], q.more, q.ended
		q.mu.Unlock()
		if seen >= n {
			return
		}
		if ended != nil {
			m.t.Fatalf("vm: %s: waiting for %s: %v", m.Name, name, ended)
		}
		select {
		case <-more:
		case <-late:
			m.t.Fatalf("vm: %s: QEMU told of %s %d times, want %d", m.Name, name, seen, n)
		}
	}
}

// AddDevice plugs a device in. Properties are those of `-device`, the driver among them.
func (m *Machine) AddDevice(properties map[string]any) {
	m.t.Helper()
	m.QMP("device_add", properties, nil)
}

// RemoveDevice pulls a device out, and waits until it is gone.
func (m *Machine) RemoveDevice(id string) {
	m.t.Helper()
	seen := m.events("DEVICE_DELETED")
	m.QMP("device_del", map[string]any{"id": id}, nil)
	m.WaitEvent("DEVICE_DELETED", seen+1)
}
