package tui

import "provstation/tui/keymap"

// far is further than any page goes.
const far = 1 << 20

// move does the keys that only move something; false if the key is another.
func (m *Model) move(name keymap.Name) bool {
	if m.mode.screen == keymap.Bench && m.moveBench(name) || m.mode.screen == keymap.Details && m.moveDetail(name) {
		return true
	}
	lines, page := m.scrolling()
	switch name {
	case keymap.Up:
		lines(-1)
	case keymap.Down:
		lines(1)
	case keymap.PageUp:
		lines(-page())
	case keymap.PageDown:
		lines(page())
	case keymap.Home:
		lines(-far)
	case keymap.End:
		lines(far)
	default:
		return false
	}
	return true
}

// scrolling is what moves the present page by lines, and how many a page has.
func (m *Model) scrolling() (lines func(int), page func() int) {
	switch m.mode.screen {
	case keymap.HelpPage:
		return m.help.Scroll, m.bench.Page
	case keymap.Batch:
		return m.batch.Scroll, m.batch.Page
	case keymap.Records, keymap.Record:
		return m.records.page.Move, m.records.page.Page
	case keymap.Doctor:
		return m.doctor.page.Scroll, m.doctor.page.Page
	case keymap.Bench:
		return m.bench.Move, m.bench.Page
	default:
		return m.bench.Scroll, m.bench.Page
	}
}

// moveBench does the keys that move on the bench alone.
func (m *Model) moveBench(name keymap.Name) bool {
	switch name {
	case keymap.Up:
		m.bench.MoveY(-1)
	case keymap.Down:
		m.bench.MoveY(1)
	case keymap.Left:
		m.bench.MoveX(-1)
	case keymap.Right:
		m.bench.MoveX(1)
	case keymap.Rows:
		m.bench.SetList(!m.bench.List())
	default:
		return m.turnSlot(name)
	}
	return true
}

// moveDetail does the keys of the slot that fills the screen.
func (m *Model) moveDetail(name keymap.Name) bool {
	switch name {
	case keymap.Left:
		m.bench.PrevTab()
	case keymap.Right:
		m.bench.NextTab()
	default:
		return m.turnSlot(name)
	}
	return true
}

// turnSlot does the keys that go from slot to slot.
func (m *Model) turnSlot(name keymap.Name) bool {
	switch name {
	case keymap.Next:
		m.bench.Move(1)
	case keymap.Previous:
		m.bench.Move(-1)
	case keymap.Attention:
		m.attention()
	default:
		return false
	}
	return true
}
