package tui

import (
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"provstation/tui/scanner"
)

func nameOf(cmd tea.Cmd) string { return runtime.FuncForPC(reflect.ValueOf(cmd).Pointer()).Name() }

// leaves are the commands of a batch.
func leaves(cmd tea.Cmd) []tea.Cmd {
	if cmd == nil {
		return nil
	}
	if !strings.Contains(nameOf(cmd), "compactCmds") {
		return []tea.Cmd{cmd}
	}
	batch, ok := cmd().(tea.BatchMsg)
	if !ok {
		return nil
	}
	var out []tea.Cmd
	for _, c := range batch {
		out = append(out, leaves(c)...)
	}
	return out
}

// settle runs commands as a program would, until nothing is left but waits for time and for events. It gives how often
// the bell rang, and whether the program left.
func settle(m *Model, cmd tea.Cmd) (bells int, left bool) {
	for _, c := range leaves(cmd) {
		switch name := nameOf(c); {
		case strings.Contains(name, "bubbletea/v2.Tick"), strings.Contains(name, "waitForEvents"):
			continue
		case name == nameOf(tea.Quit):
			left = true
			continue
		case strings.Contains(name, "diagnose"):
			go c()
			continue
		}
		msg := c()
		if _, ok := msg.(tea.RawMsg); ok {
			bells++
			continue
		}
		if msg == nil {
			continue
		}
		_, next := m.Update(msg)
		b, l := settle(m, next)
		bells, left = bells+b, left || l
	}
	m.View()
	return bells, left
}

// fakeClock is the keyboard's time.
type fakeClock struct{ at time.Time }

func clockOf(m *Model) *fakeClock {
	c := &fakeClock{at: scriptStart.Add(time.Hour)}
	m.keyboard.clock = func() time.Time { return c.at }
	m.keyboard.typed = c.at.Add(-time.Hour)
	return c
}

// type types keys, each after a time, lets the last burst end and does what comes of it.
func (c *fakeClock) press(m *Model, after time.Duration, keys ...string) (bells int) {
	for _, k := range keys {
		c.at = c.at.Add(after)
		_, cmd := m.Update(keyPress(k))
		n, _ := settle(m, cmd)
		bells += n
		if after > m.keyboard.scan.Gap() {
			bells += c.expire(m)
		}
	}
	return bells + c.expire(m)
}

// expire lets the time of a held key go by.
func (c *fakeClock) expire(m *Model) int {
	c.at = c.at.Add(m.keyboard.scan.Gap())
	n, _ := settle(m, m.hear(scanner.Result{Out: m.keyboard.scan.Flush()}))
	return n
}

// scan types text as a wedge does: one character per millisecond, and enter.
func (c *fakeClock) scan(m *Model, text string) int {
	return c.press(m, time.Millisecond, append(strings.Split(text, ""), "enter")...)
}

// people lets a person press keys.
func (c *fakeClock) people(m *Model, keys ...string) int {
	return c.press(m, 500*time.Millisecond, keys...)
}

func letters(s string) []string { return strings.Split(s, "") }

func wantMode(t *testing.T, m *Model, want mode) {
	t.Helper()
	if m.mode != want {
		t.Errorf("got mode %+v, want %+v", m.mode, want)
	}
}
