package screen

import (
	"strconv"
	"strings"

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
	lines := []string{l.Styles.Heading.Render(l.Text("section.ports"))}
	path := pathWidth(b.Ports())
	for _, p := range b.Ports() {
		lines = append(lines, portLine(l, p, path, w))
	}
	return lines
}

func pathWidth(ports []board.Port) int {
	w := 8
	for _, p := range ports {
		w = min(max(w, ansi.StringWidth(p.Path)), 28)
	}
	return w
}

func portLine(l widget.Look, p board.Port, path, w int) string {
	return l.Cut(l.Styles.Text.Render(l.Fit(p.Path, path))+"  "+
		l.Styles.Warn.Render(l.Fit(l.Text("port."+p.Status), 10))+"  "+l.Styles.Muted.Render(portReason(l, p)), w)
}

func portReason(l widget.Look, p board.Port) string {
	if p.Reason == "" && p.Code != "" {
		return l.Text("fault."+string(p.Code), "port", p.Path)
	}
	return p.Reason
}

// portCount says how many ports are left alone.
func portCount(l widget.Look, b *board.Board) string {
	return l.Text("ports.alone", "n", strconv.Itoa(len(b.Ports())))
}

// portStrip is the ports that are left alone in h lines of w cells: all in one line, or a line each below their number.
func portStrip(l widget.Look, b *board.Board, w, h int) []string {
	if h <= 0 {
		return nil
	}
	ports := b.Ports()
	if h == 1 {
		parts := make([]string, 0, len(ports))
		for _, p := range ports {
			part := p.Path
			if reason := portReason(l, p); reason != "" {
				part += " (" + strings.TrimSuffix(reason, ".") + ")"
			}
			parts = append(parts, part)
		}
		return []string{l.Fit(" "+l.Styles.Warn.Render(portCount(l, b)+":")+l.Styles.Muted.Render(" "+strings.Join(parts, ", ")), w)}
	}
	head := portCount(l, b)
	if more := len(ports) - (h - 1); more > 0 {
		head += " (" + l.Text("list.below", "n", strconv.Itoa(more)) + ")"
	}
	lines := []string{" " + l.Styles.Warn.Render(head)}
	path := pathWidth(ports)
	for _, p := range ports[:min(len(ports), h-1)] {
		lines = append(lines, "  "+portLine(l, p, path, w-3))
	}
	return l.Block(lines, w, h)
}
