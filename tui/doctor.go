package tui

import (
	"context"

	tea "charm.land/bubbletea/v2"

	"provstation/tui/screen"
)

// doctor is the page of the checks, and the checks that are going on.
type doctor struct {
	page   *screen.Doctor
	id     int // of the checks that count; what older ones say comes too late
	asked  bool
	cancel context.CancelFunc
}

// checkMade is a check that ended, with the wait for the next one; without a check all have been made.
type checkMade struct {
	id    int
	check *screen.Check
	err   error
	next  tea.Cmd
}

// diagnose makes the checks anew. One command makes them, another one waits for what each says.
func (m *Model) diagnose() tea.Cmd {
	if m.cfg.Office == nil {
		return nil
	}
	d := &m.doctor
	if d.cancel != nil {
		d.cancel()
	}
	ctx, cancel := context.WithCancel(m.ctx)
	d.cancel, d.asked = cancel, true
	d.id++
	d.page.Begin()
	id, office := d.id, m.cfg.Office
	checks, ended := make(chan screen.Check), make(chan error, 1)
	work := func() tea.Msg {
		defer close(checks)
		ended <- office.Diagnose(ctx, func(c screen.Check) {
			select {
			case checks <- c:
			case <-ctx.Done():
			}
		})
		return nil
	}
	return tea.Batch(work, waitForCheck(id, checks, ended))
}

func waitForCheck(id int, checks <-chan screen.Check, ended <-chan error) tea.Cmd {
	return func() tea.Msg {
		c, ok := <-checks
		if !ok {
			return checkMade{id: id, err: <-ended}
		}
		return checkMade{id: id, check: &c, next: waitForCheck(id, checks, ended)}
	}
}

// checkMade shows a check. Those of checks that were begun anew are taken and forgotten, so that they end.
func (m *Model) checkMade(msg checkMade) tea.Cmd {
	d := &m.doctor
	if msg.id == d.id {
		if msg.check != nil {
			d.page.Add(*msg.check)
		} else {
			d.page.Finish(msg.err)
			d.cancel()
		}
	}
	return msg.next
}
