package tui

import (
	"cmp"
	"context"
	"strconv"

	tea "charm.land/bubbletea/v2"

	"provstation/station"
	"provstation/station/ledger"
	"provstation/tui/board"
	"provstation/tui/dialog"
)

// ledgerChanged tells that the ledger which the stations share is there again. That it is away stands in the header.
func (m *Model) ledgerChanged(e station.LedgerChanged) {
	away := e.Status == station.LedgerAway
	back := m.away && !away
	m.away = away
	switch {
	case e.HandedOver > 0 && !away:
		m.say(m.text("status.ledger.handed", "n", strconv.Itoa(e.HandedOver)), false)
	case back && e.Waiting > 0:
		m.say(m.text("status.ledger.handing", "n", strconv.Itoa(e.Waiting)), false)
	case back:
		m.say(m.text("status.ledger.back"), false)
	}
}

// alarmed is how many contradictions between stations nobody here has acknowledged.
func (m *Model) alarmed() int { return len(m.board.Duplicates) + m.board.Unlisted }

// openAlarm shows the contradictions between stations, all in one dialog, until somebody closes it. One that comes while it
// is open makes it anew, so that no key closes it that was meant for what was there before.
func (m *Model) openAlarm() tea.Cmd {
	n := m.alarmed()
	open := m.talk.opened == wishAlarm
	if n == 0 || open && m.talk.told == n || !open && !isPage(m.mode.screen) {
		return nil
	}
	m.begin()
	said := m.notice // it was not for this dialog that it was said
	title := m.text("dialog.duplicate.title")
	if n > 1 {
		title = m.text("dialog.duplicates.title", "n", strconv.Itoa(n))
	}
	about := []string{m.text("next." + string(station.CodeDuplicate))}
	for _, d := range m.board.Duplicates {
		about = append(append(about, ""), m.contradiction(d)...)
	}
	if m.board.Unlisted > 0 {
		about = append(about, "", m.text("dialog.duplicates.more", "n", strconv.Itoa(m.board.Unlisted)))
	}
	m.open(dialog.NewInfo(dialog.InfoConfig{Title: title, About: about, Tone: dialog.Grave}), func(dialog.Action) tea.Cmd { return nil })
	m.guarded(wishAlarm)
	m.talk.told, m.notice = n, said
	m.talk.leave = func() tea.Cmd {
		m.board.Acknowledge()
		m.resize(m.w, m.h) // the header has a line less
		return nil
	}
	return m.ring()
}

// contradiction is what two stations have recorded, and about which devices.
func (m *Model) contradiction(d station.DuplicateFound) []string {
	lines := []string{m.text(kindOf(d.Kind)), m.side(d.HardwareSerial, d.DeviceID, d.Station, d.StationName)}
	return append(lines, m.side(d.OtherSerial, d.OtherID, d.OtherStation, d.OtherName))
}

func kindOf(kind string) string {
	switch ledger.DuplicateKind(kind) {
	case ledger.DuplicateKey, ledger.DuplicateID, ledger.DuplicateAddress, ledger.DuplicateLease:
		return "duplicate." + kind
	default:
		return "duplicate.record"
	}
}

// side is one of the two: a device, and the station that recorded it.
func (m *Model) side(hardware, device, id, name string) string {
	name = cmp.Or(name, id)
	if own := m.board.Station; id != "" && id == own.StationID {
		name = m.text("duplicate.here", "station", cmp.Or(own.Station, name))
	}
	return m.text("duplicate.side", "hardware", cmp.Or(hardware, m.text("duplicate.unknown")), "device", device, "station", name)
}

// duplicates lists the contradictions between stations that nobody has decided about, and leads to the runs of their devices.
func (m *Model) duplicates() tea.Cmd {
	m.begin()
	title := m.text("dialog.duplicates.list")
	m.wait(title)
	return fetch(m, func(ctx context.Context, o Office) ([]station.DuplicateFound, error) { return o.Duplicates(ctx) }, func(list []station.DuplicateFound, err error) tea.Cmd {
		switch {
		case err != nil:
			return m.fail(title, err)
		case len(list) == 0:
			m.open(dialog.NewInfo(dialog.InfoConfig{Title: title, About: m.known([]string{m.text("dialog.duplicates.none")})}), func(dialog.Action) tea.Cmd { return nil })
			return nil
		}
		list = list[:min(len(list), maxListed)]
		items := make([]string, len(list))
		for i := range list {
			list[i] = board.CleanDuplicate(list[i])
			d := list[i]
			items[i] = cmp.Or(d.HardwareSerial, d.OtherSerial)
			if d.OtherSerial != "" && d.OtherSerial != items[i] {
				items[i] += " - " + d.OtherSerial
			}
			items[i] += "  " + m.text(kindOf(d.Kind))
		}
		m.open(dialog.NewChoice(title, m.known([]string{m.text("dialog.duplicates.about")}), items, 0), func(a dialog.Action) tea.Cmd {
			m.chooseSide(title, list[a.(dialog.Chosen).Index])
			return nil
		})
		return nil
	})
}

// known adds what is not known here of what others decided.
func (m *Model) known(about []string) []string {
	if m.board.Away.IsZero() {
		return about
	}
	return append(about, "", m.text("dialog.duplicates.local"))
}

// chooseSide shows one contradiction, and the runs of the device that is chosen.
func (m *Model) chooseSide(title string, d station.DuplicateFound) {
	serials := []string{d.HardwareSerial}
	if d.OtherSerial != d.HardwareSerial && d.OtherSerial != "" {
		serials = append(serials, d.OtherSerial)
	}
	items := make([]string, len(serials))
	for i, s := range serials {
		items[i] = m.text("duplicate.runs", "hardware", s)
	}
	about := m.contradiction(d)
	if d.Detail != "" {
		about = append(about, "", d.Detail)
	}
	about = append(about, "", m.text("dialog.duplicate.how"))
	m.open(dialog.NewChoice(title, about, items, 0), func(a dialog.Action) tea.Cmd {
		m.records.filter = ledger.Filter{Text: serials[a.(dialog.Chosen).Index]}
		m.closeDialog()
		return m.load(false)
	})
}
