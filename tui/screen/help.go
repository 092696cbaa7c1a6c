package screen

import (
	"strconv"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"provstation/station"
	"provstation/tui/keymap"
	"provstation/tui/widget"
)

// Help lists every key of the screen it was opened from, why a key does nothing now, and what the signs mean.
type Help struct {
	look   widget.Look
	w, h   int
	offset int
	last   int
	keys   keymap.Map
	about  station.StationInfo
}

// SetSize tells how much room there is.
func (p *Help) SetSize(w, h int) { p.w, p.h = w, h }

// SetLook tells how to draw.
func (p *Help) SetLook(l widget.Look) { p.look = l }

// Open starts the page for the keys of a screen and the station they work on.
func (p *Help) Open(keys keymap.Map, about station.StationInfo) {
	p.keys, p.about, p.offset = keys, about, 0
}

// Scroll moves by n lines.
func (p *Help) Scroll(n int) { p.offset = min(max(p.offset+n, 0), p.last) }

// View gives the lines of the screen, joined.
func (p *Help) View() string {
	l := p.look
	body := p.body()
	room := p.h - 1
	p.last = max(0, len(body)-room)
	p.offset = min(p.offset, p.last)
	title := " " + l.Text("help.title")
	if p.last > 0 {
		title += "  " + l.Text("detail.scroll", "from", strconv.Itoa(p.offset+1), "to", strconv.Itoa(p.offset+room), "of", strconv.Itoa(len(body)))
	}
	lines := []string{l.Styles.PlainBar.Render(l.Ends(title, l.Text("help.close")+" ", p.w))}
	for _, line := range body[p.offset:min(len(body), p.offset+room)] {
		lines = append(lines, " "+line)
	}
	return strings.Join(l.Block(lines, p.w, p.h), "\n")
}

// Widths from which the page has two and three columns.
const (
	helpTwo   = 76
	helpThree = 110
)

func (p *Help) columns() int {
	switch {
	case p.w >= helpThree:
		return 3
	case p.w >= helpTwo:
		return 2
	default:
		return 1
	}
}

// column is the width of one of the columns, which stand two cells apart and one from the edges.
func (p *Help) column() int { return (p.w - 2*p.columns()) / p.columns() }

// body is the keys, in two columns where there are three, and the meaning of the signs.
func (p *Help) body() []string {
	l, w := p.look, p.column()
	keys, legend := p.keyLines(), p.legend()
	switch p.columns() {
	case 3:
		half := (len(keys) + 1) / 2
		for half < len(keys) && strings.HasPrefix(ansi.Strip(keys[half]), " ") {
			half++ // not inside a key's words
		}
		return l.Beside(l.Beside(keys[:half], append([]string{""}, keys[half:]...), w, 2), legend, 2*w+2, 2)
	case 2:
		return l.Beside(keys, legend, w, 2)
	default:
		return append(append(keys, ""), legend...)
	}
}

func (p *Help) keyLines() []string {
	l := p.look
	lines := []string{l.Styles.Heading.Render(l.Text("help.keys"))}
	for _, k := range p.keys {
		h := k.Binding.Help()
		if len(k.Binding.Keys()) == 0 {
			continue
		}
		style := l.Styles.Key
		if k.Why != "" {
			style = l.Styles.KeyOff
		}
		desc := h.Desc
		if k.Why != "" {
			desc += " (" + l.Text(k.Why) + ")"
		}
		for i, part := range widget.Wrap(desc, p.column()-12) {
			head := strings.Repeat(" ", 12)
			text := l.Styles.Text
			if i == 0 {
				head = style.Render(l.Fit(h.Key, 11)) + " "
			}
			if k.Why != "" {
				text = l.Styles.Muted
			}
			lines = append(lines, head+text.Render(part))
		}
	}
	return lines
}

func (p *Help) legend() []string {
	l := p.look
	lines := []string{l.Styles.Heading.Render(l.Text("help.verdicts"))}
	for _, o := range station.Outcomes() {
		if o == station.Collected { // no run on a screen ends so
			continue
		}
		word := l.Text("outcome." + string(o))
		lines = append(lines, l.Styles.VerdictText(o).Render(l.Fit(l.Signs.Outcome(o)+" "+word, 12))+l.Styles.Muted.Render(l.Text("meaning."+string(o))))
	}
	for _, x := range []struct {
		style       lipgloss.Style
		sign, state string
		meaning     string
	}{
		{l.Styles.Ask, l.Signs.Ask, l.Text("state.scan"), "meaning.scan"},
		{l.Styles.Warn, "!", l.Text("state.held"), "meaning.held"},
		{l.Styles.Muted, l.Signs.Dot, l.Text("state.silent"), "meaning.silent"},
	} {
		lines = append(lines, x.style.Render(l.Fit(x.sign+" "+x.state, 12))+l.Styles.Muted.Render(l.Text(x.meaning)))
	}
	lines = append(lines, l.Styles.Heading.Render(l.Text("help.steps")))
	for _, x := range []struct {
		status station.PhaseStatus
		key    string
	}{
		{station.PhaseDone, "sign.done"},
		{station.PhaseStarted, "sign.active"},
		{station.PhaseFailed, "sign.failed"},
		{station.PhaseSkipped, "sign.skipped"},
		{"", "sign.pending"},
	} {
		lines = append(lines, l.Styles.Strong.Render(l.Signs.Phase(x.status, false))+" "+l.Styles.Muted.Render(l.Text(x.key)))
	}
	lines = append(lines, l.Styles.Strong.Render(l.Signs.Phase(station.PhaseDone, true))+" "+l.Styles.Muted.Render(l.Text("sign.warned")))
	if p.about.StationID == "" {
		return lines
	}
	lines = append(lines, l.Styles.Heading.Render(l.Text("help.station")))
	for _, s := range []string{
		l.Text("header.bridge", "bridge", p.about.Bridge), l.Text("header.broker", "broker", p.about.Broker),
		l.Text("help.version", "station", p.about.StationID, "version", p.about.Version, "digest", l.Cut(p.about.ConfigDigest, 12)),
	} {
		for _, part := range widget.Wrap(s, p.column()) {
			lines = append(lines, l.Styles.Muted.Render(part))
		}
	}
	return lines
}
