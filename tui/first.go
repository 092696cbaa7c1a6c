package tui

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"

	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"
	"golang.org/x/term"
)

// drawFirst draws the screen on a terminal before the program runs, whose renderer looks for something to draw only a few times a
// second: what takes its place then is the same and what has come since. The program enters the alternate screen
// again, which changes nothing, and leaves it. Where out is no terminal, nothing is drawn, nor on Windows, whose console the program has
// to be told first to take sequences.
func (m *Model) drawFirst(out *os.File) error {
	if runtime.GOOS == "windows" || !term.IsTerminal(int(out.Fd())) {
		return nil
	}
	w, h, err := term.GetSize(int(out.Fd()))
	if err != nil {
		return fmt.Errorf("the terminal's size: %w", err)
	}
	if w <= 0 || h <= 0 {
		return nil // the program assumes one
	}
	environ := m.cfg.Environ
	if environ == nil {
		environ = os.Environ()
	}
	return m.drawOn(colorprofile.NewWriter(out, environ), w, h)
}

// drawOn draws what View gives on a terminal of w columns and h lines, in its alternate screen.
func (m *Model) drawOn(out io.Writer, w, h int) error {
	m.resize(w, h)
	// The terminal is not in raw mode yet, or may be.
	content := strings.ReplaceAll(m.View().Content, "\n", "\r\n")
	m.drawn = true
	if _, err := io.WriteString(out, ansi.SetModeAltScreenSaveCursor+ansi.ResetModeTextCursorEnable+ansi.CursorHomePosition+content); err != nil {
		return fmt.Errorf("draw the screen: %w", err)
	}
	return nil
}

// undrawFirst takes back what drawFirst drew where no program has begun that does.
func (m *Model) undrawFirst(out io.Writer) {
	if m.drawn && !m.ran {
		_, _ = io.WriteString(out, ansi.SetModeTextCursorEnable+ansi.ResetModeAltScreenSaveCursor) // the error that ended it is told
	}
}
