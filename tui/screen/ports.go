package screen

import (
	"github.com/charmbracelet/x/ansi"

	"provstation/tui/board"
	"provstation/tui/widget"
)

// portLines lists the ports that are no slots, each with the reason.
func portLines(l widget.Look, b *board.Board, w int) []string {
	if len(b.Ports()) == 0 {
		if len(b.Slots()) > 0 || !b.Began() {
			return nil
		}
		return []string{l.Styles.Muted.Render(l.Cut(l.Text("waiting.noports"), w))}
	}
	path := 8
	for _, p := range b.Ports() {
		path = min(max(path, ansi.StringWidth(p.Path)), 28)
	}
	lines := []string{l.Styles.Heading.Render(l.Text("section.ports"))}
	for _, p := range b.Ports() {
		reason := p.Reason
		if reason == "" && p.Code != "" {
			reason = l.Text("fault." + string(p.Code))
		}
		lines = append(lines, l.Cut(l.Styles.Text.Render(l.Fit(p.Path, path))+"  "+
			l.Styles.Warn.Render(l.Fit(l.Text("port."+p.Status), 10))+"  "+l.Styles.Muted.Render(reason), w))
	}
	return lines
}
