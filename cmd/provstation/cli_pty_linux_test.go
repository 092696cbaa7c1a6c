package main

import (
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
)

// person is someone before a real terminal: types keys, sees the screen.
type person struct {
	t      *testing.T
	cmd    *exec.Cmd
	tty    *os.File
	screen *vt.SafeEmulator
	ended  chan struct{}
}

func sitDown(t *testing.T, args ...string) *person {
	t.Helper()
	return sitDownAt(t, 100, 30, nil, args...)
}

// sitDownIn is sitDown with more in the environment.
func sitDownIn(t *testing.T, env []string, args ...string) *person {
	t.Helper()
	return sitDownAt(t, 100, 30, env, args...)
}

// sitDownAt is sitDown at a terminal of that size, with more in the environment.
func sitDownAt(t *testing.T, cols, rows uint16, env []string, args ...string) *person {
	t.Helper()
	p := &person{t: t, cmd: exec.Command(binary(t, "provstation"), args...), screen: vt.NewSafeEmulator(int(cols), int(rows)), ended: make(chan struct{})} //nolint:noctx // ended by the cleanup
	p.cmd.Env, p.cmd.Dir = isolated(t, append([]string{"TERM=xterm-256color"}, env...)...), t.TempDir()
	var err error
	if p.tty, err = pty.StartWithSize(p.cmd, &pty.Winsize{Cols: cols, Rows: rows}); err != nil {
		t.Fatal(err)
	}
	drawn := make(chan struct{})
	go func() { // ends with the program: reading a terminal nobody holds any more fails
		defer close(drawn)
		_, _ = io.Copy(p.screen, p.tty)
	}()
	go func() { _, _ = io.Copy(p.tty, p.screen) }() // the terminal's answers to what the program asks it
	go func() {
		_ = p.cmd.Wait()
		<-drawn
		close(p.ended)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.ended
		_ = p.screen.Close()
		_ = p.tty.Close()
	})
	return p
}

func (p *person) sees() string { return ansi.Strip(p.screen.Render()) }

// waitFor looks at the screen until it shows what is expected.
func (p *person) waitFor(what string, ok func(screen string) bool) {
	p.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(liveEnd); !ok(p.sees()); {
		select {
		case <-tick.C:
		case <-p.ended:
			p.t.Fatalf("provstation ended (%v) before %s; the screen:\n%s", p.cmd.ProcessState, what, p.sees())
		case <-late:
			p.t.Fatalf("no %s within %v; the screen:\n%s", what, liveEnd, p.sees())
		}
	}
}

func (p *person) types(keys string) {
	p.t.Helper()
	if _, err := p.tty.WriteString(keys); err != nil {
		p.t.Fatal(err)
	}
}

// leaves waits for the end, which has to be a good one.
func (p *person) leaves() {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(liveEnd):
		p.t.Fatalf("still there; the screen:\n%s", p.sees())
	}
	if code := p.cmd.ProcessState.ExitCode(); code != exitGood {
		p.t.Errorf("got exit code %d, want 0", code)
	}
	if p.screen.IsAltScreen() || p.screen.CursorHidden() {
		p.t.Errorf("the terminal is left in the alternate screen or without its cursor")
	}
}

// The bench on a real terminal: two devices show PASS, q leaves without a question, exit code 0.
func TestScreenShowsPass(t *testing.T) {
	t.Parallel()
	p := sitDown(t, "demo", "--devices", "2")
	verdict := regexp.MustCompile(`slot-0[12] +. PASS`)
	p.waitFor("two slots with PASS", func(s string) bool { return len(verdict.FindAllString(s, -1)) >= 2 })
	p.types("q")
	p.leaves()
}

// With a run in flight q asks first: esc goes back to the bench, y ends the run in order and leaves.
// TestScreenSpeaksGerman: the environment's language is on the screen, and its letters are whole.
func TestScreenSpeaksGerman(t *testing.T) {
	t.Parallel()
	p := sitDownIn(t, []string{"LANG=de_DE.UTF-8"}, "demo", "--devices", "1")
	p.waitFor("a device that is finished", func(s string) bool {
		return strings.Contains(s, "PASS") && strings.Contains(s, "Läuft 0")
	})
	p.types("?")
	p.waitFor("the help in German", func(s string) bool {
		return strings.Contains(s, "Tasten") && strings.Contains(s, "Ergebnisse") && strings.Contains(s, "ein Mensch entscheidet")
	})
	p.types("?q")
	p.leaves()
}

func TestScreenAsksBeforeQuitting(t *testing.T) {
	t.Parallel()
	p := sitDown(t, "demo", "--devices", "1", "--baud", "1200")
	const question = "Stop them and quit?"
	p.waitFor("a run in flight", func(s string) bool { return strings.Contains(s, "1 running") || strings.Contains(s, "running 1") })
	p.types("q")
	p.waitFor("the question", func(s string) bool { return strings.Contains(s, question) })
	p.types("n")
	p.waitFor("the bench again", func(s string) bool { return !strings.Contains(s, question) })
	p.types("q")
	p.waitFor("the question again", func(s string) bool { return strings.Contains(s, question) })
	p.types("y")
	p.leaves()
}
