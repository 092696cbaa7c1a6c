package screen

import (
	"strconv"
	"strings"

	"charm.land/lipgloss/v2"

	"provstation/tui/board"
	"provstation/tui/widget"
)

// maxChecks bounds the list of the doctor.
const maxChecks = 256

// Doctor is the list of checks of the station and what it talks to, each with what to do when it is not in order.
type Doctor struct {
	pane
	view    window
	checks  []Check
	running bool
	asked   bool
	failure string
}

// NewDoctor makes the page; nothing has been checked yet.
func NewDoctor() *Doctor { return &Doctor{} }

// Begin starts anew: the checks have been asked for.
func (d *Doctor) Begin() {
	d.checks, d.view, d.running, d.asked, d.failure = nil, window{}, true, true, ""
}

// Add takes in a check that has ended.
func (d *Doctor) Add(c Check) {
	if len(d.checks) >= maxChecks {
		return
	}
	c.Name, c.Title, c.Status = board.Clean(c.Name, 128), board.Clean(c.Title, 256), board.Clean(c.Status, 32)
	c.Detail, c.Next = board.Clean(c.Detail, 1024), board.Clean(c.Next, 1024)
	d.checks = append(d.checks, c)
}

// Finish says that no further check follows. err is why the checks could not be made to the end, nil otherwise.
func (d *Doctor) Finish(err error) {
	d.running = false
	if err != nil {
		d.failure = board.Clean(err.Error(), 1024)
	}
}

// Running reports whether checks are still going on.
func (d *Doctor) Running() bool { return d.running }

// Scroll moves by n lines.
func (d *Doctor) Scroll(n int) { d.view.move(n) }

// Page is the number of lines that a page moves by.
func (d *Doctor) Page() int { return d.view.page() }

// View gives the lines of the screen, joined.
func (d *Doctor) View() string {
	ground, summary := d.summary()
	return d.titled(&d.view, ground, d.look.Text("doctor.title"), summary, d.body(d.w-2))
}

// count is how many checks ended ok, warn, fail (whatever else they say) and skipped.
func (d *Doctor) count() (ok, warn, fail, skipped int) {
	for _, c := range d.checks {
		switch c.Status {
		case "ok":
			ok++
		case "warn":
			warn++
		case "skipped":
			skipped++
		default:
			fail++
		}
	}
	return ok, warn, fail, skipped
}

func (d *Doctor) summary() (lipgloss.Style, string) {
	l := d.look
	ok, warn, fail, skipped := d.count()
	text := l.Text("doctor.counts", "ok", strconv.Itoa(ok), "warn", strconv.Itoa(warn), "fail", strconv.Itoa(fail))
	if skipped > 0 {
		text += ", " + l.Text("doctor.counts.skipped", "n", strconv.Itoa(skipped))
	}
	switch {
	case d.running:
		return l.Styles.BusyBar, l.Text("doctor.running")
	case !d.asked:
		return l.Styles.PlainBar, ""
	case fail > 0 || d.failure != "":
		return l.Styles.BadBar, text
	case warn > 0 || len(d.checks) == 0:
		return l.Styles.WarnBar, text
	default:
		return l.Styles.GoodBar, text
	}
}

// body is the verdict of all checks and the checks: first those that ask for something, then the others.
func (d *Doctor) body(w int) []string {
	l := d.look
	lines := d.verdict(w)
	for _, urgent := range []bool{true, false} {
		for _, c := range d.checks {
			if urgent != (c.Status != "ok" && c.Status != "skipped") {
				continue
			}
			lines = append(lines, d.check(c, w)...)
		}
	}
	if d.running {
		lines = append(lines, l.Styles.Busy.Render(l.Signs.Active)+" "+l.Styles.Muted.Render(l.Text("doctor.going", "n", strconv.Itoa(len(d.checks)))))
	}
	return lines
}

func (d *Doctor) verdict(w int) []string {
	l := d.look
	_, warn, fail, _ := d.count()
	var lines []string
	switch {
	case d.running:
		return nil
	case !d.asked:
		return wrapped(l.Styles.Muted, l.Text("doctor.idle"), w)
	case d.failure != "":
		lines = wrapped(l.Styles.Bad, l.Text("doctor.failed", "reason", d.failure), w)
	case fail > 0:
		lines = wrapped(l.Styles.Bad, l.Text("doctor.bad"), w)
	case len(d.checks) == 0:
		lines = wrapped(l.Styles.Warn, l.Text("doctor.nothing"), w)
	case warn > 0:
		lines = wrapped(l.Styles.Warn, l.Text("doctor.fair"), w)
	default:
		lines = wrapped(l.Styles.Good, l.Text("doctor.good"), w)
	}
	return append(lines, "")
}

func (d *Doctor) check(c Check, w int) []string {
	l := d.look
	sign, style := l.Signs.Failed, l.Styles.Bad
	title := l.Styles.Strong
	switch c.Status {
	case "ok":
		sign, style, title = l.Signs.Done, l.Styles.Good, l.Styles.Text
	case "warn":
		sign, style = l.Signs.Warned, l.Styles.Warn
	case "skipped":
		sign, style, title = l.Signs.Skipped, l.Styles.Muted, l.Styles.Muted
	}
	name := c.Title
	if name == "" {
		name = c.Name
	}
	word := ""
	switch c.Status {
	case "ok", "warn", "fail", "skipped":
		word = l.Text("doctor.status." + c.Status)
	}
	head := style.Render(sign + " " + l.Fit(word, d.words()))
	if c.Status == "ok" || c.Status == "skipped" {
		detail := ""
		if c.Detail != "" {
			detail = l.Styles.Muted.Render("  " + c.Detail)
		}
		return []string{l.Cut(head+" "+title.Render(name)+detail, w)}
	}
	indent := strings.Repeat(" ", d.words()+3)
	lines := []string{l.Cut(head+" "+title.Render(name), w)}
	for _, line := range widget.Wrap(c.Detail, w-len(indent)) {
		lines = append(lines, indent+l.Styles.Text.Render(line))
	}
	for _, line := range nextAction(l, c.Next, w-len(indent)) {
		lines = append(lines, indent+line)
	}
	return append(lines, "")
}

// words is the width of the longest status.
func (d *Doctor) words() int {
	var words []string
	for _, s := range []string{"ok", "warn", "fail", "skipped"} {
		words = append(words, d.look.Text("doctor.status."+s))
	}
	return widest(2, 14, words...)
}
