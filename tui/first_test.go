package tui

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"provstation/station"
)

// quiet is a model that has heard nothing.
func quiet(t *testing.T) *Model {
	t.Helper()
	at := time.Date(2026, 3, 4, 5, 6, 7, 8, time.UTC)
	return New(Config{Events: make(chan station.Event), Intents: &recorder{}, Words: catalogue(t), Now: func() time.Time { return at }, Environ: utf8Env})
}

// What is drawn before the program runs is what View gives, line under line in the alternate screen, and taken back only where
// no program begins.
func TestFirstFrame(t *testing.T) {
	m := quiet(t)
	var out bytes.Buffer
	m.undrawFirst(&out)
	if out.Len() > 0 {
		t.Errorf("got %q where nothing was drawn, want nothing", out.String())
	}
	const w, h = 100, 30
	if err := m.drawOn(&out, w, h); err != nil {
		t.Fatal(err)
	}
	text, found := strings.CutPrefix(out.String(), "\x1b[?1049h\x1b[?25l\x1b[H")
	if !found {
		t.Errorf("got %.40q, want the alternate screen, no cursor, and the upper left corner first", out.String())
	}
	lines := strings.Split(text, "\r\n")
	want := strings.Split(m.View().Content, "\n")
	if len(lines) != h || len(lines) != len(want) || strings.Count(text, "\n") != h-1 {
		t.Errorf("got %d lines, want the %d of the screen, each at its beginning", len(lines), h)
	}
	for i, line := range lines {
		if ansi.Strip(line) != ansi.Strip(want[i]) || ansi.StringWidth(line) > w {
			t.Errorf("line %d: got %q, want %q", i, ansi.Strip(line), ansi.Strip(want[i]))
		}
	}
	out.Reset()
	m.undrawFirst(&out)
	if got := out.String(); got != "\x1b[?25h\x1b[?1049l" {
		t.Errorf("where no program began: got %q, want the screen before and the cursor", got)
	}
	m.Init()
	out.Reset()
	m.undrawFirst(&out)
	if out.Len() > 0 {
		t.Errorf("got %q where a program ran, which leaves the screen itself, want nothing", out.String())
	}
}

func TestFirstFrameIsForTerminals(t *testing.T) {
	file, err := os.Create(t.TempDir() + "/out")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := quiet(t).drawFirst(file); err != nil {
		t.Fatal(err)
	}
	if at, err := file.Seek(0, 1); err != nil || at != 0 {
		t.Errorf("got %d bytes in a file, %v; want none", at, err)
	}
}
