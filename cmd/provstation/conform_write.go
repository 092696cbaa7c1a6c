package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"golang.org/x/term"

	"provstation/serialproto/conform"
)

// Columns of the table. Where there is room the note stands beside the rest, else below it.
const (
	conformID      = 24
	conformLevel   = 6
	conformVerdict = 7
	conformClause  = 27
	conformIndent  = 4
	conformBeside  = 110 // columns from which notes stand beside
	conformWidth   = 120 // of what is no terminal
)

// conformWriter prints results as they come.
type conformWriter struct {
	*lines
	json    bool
	listing bool
	width   int
}

func newConformWriter(w io.Writer, asJSON bool) *conformWriter {
	return &conformWriter{lines: newLines(w), json: asJSON, width: columnsOf(w)}
}

// columnsOf is how wide a terminal is, and enough for files.
func columnsOf(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil && n > 0 { //nolint:gosec // a descriptor
			return max(n, 60)
		}
	}
	return conformWidth
}

func (w *conformWriter) begin() {
	if !w.json {
		w.row("CASE", "LEVEL", "VERDICT", "CLAUSE", "NOTE")
	}
}

// row writes one row. A list of cases has no verdicts.
func (w *conformWriter) row(id, level, verdict, clause, note string) {
	head := fmt.Sprintf("%-*s  %-*s  ", conformID, id, conformLevel, level)
	if !w.listing {
		head += fmt.Sprintf("%-*s  ", conformVerdict, verdict)
	}
	head += fmt.Sprintf("%-*s  ", conformClause, clause)
	beside := w.width >= conformBeside
	indent := conformIndent
	if beside {
		indent = len(head)
	}
	var more []string
	if note != "" {
		more = strings.Split(ansi.Wrap(note, w.width-indent, ""), "\n")
	}
	if beside && len(more) > 0 {
		head, more = head+more[0], more[1:]
	}
	w.printf("%s\n", strings.TrimRight(head, " "))
	for _, line := range more {
		w.printf("%s%s\n", strings.Repeat(" ", indent), line)
	}
}

// list shows cases without running any.
func (w *conformWriter) list(only []string) error {
	w.listing = true
	if !w.json {
		w.row("CASE", "LEVEL", "", "CLAUSE", "WHAT THE DEVICE HAS TO DO")
	}
	for _, c := range conform.Cases() {
		if len(only) > 0 && !slices.Contains(only, c.ID) {
			continue
		}
		if w.json {
			w.encode(struct {
				eventHead
				caseRow
			}{w.head("case"), rowOf(c)})
			continue
		}
		text := c.Text
		if needs := c.Needs(); needs != "" {
			text += " [" + needs + "]"
		}
		w.row(c.ID, c.Level.String(), "", c.Clause, text)
	}
	return w.err
}

// caseRow is a case as scripts read it.
type caseRow struct {
	ID     string `json:"id"`
	Clause string `json:"clause"`
	Level  string `json:"level"`
	Text   string `json:"text"`
	Needs  string `json:"needs,omitempty"`
}

func rowOf(c conform.Case) caseRow {
	return caseRow{c.ID, c.Clause, c.Level.String(), c.Text, c.Needs()}
}

// lineRow is what an enrollment took on its line.
type lineRow struct {
	ElapsedMS   int64   `json:"elapsed_ms"`
	WireBytes   uint64  `json:"wire_bytes"`
	Retransmits uint64  `json:"retransmits"`
	Hellos      uint64  `json:"hellos"`
	TimeRatio   float64 `json:"time_ratio,omitempty"`
	WireRatio   float64 `json:"wire_ratio,omitempty"`
}

// result writes one.
func (w *conformWriter) result(r conform.Result) {
	if !w.json {
		if !r.Cut { // the end of the table says how many there were
			w.row(r.ID, r.Level.String(), r.Verdict.String(), r.Clause, plain(r.Note))
		}
		return
	}
	var line *lineRow
	if m := r.Line; m != nil {
		line = &lineRow{m.Elapsed.Milliseconds(), m.Bytes, m.Retransmits, m.Hellos, m.Time, m.Wire}
	}
	w.encode(struct {
		eventHead
		caseRow
		Verdict   string   `json:"verdict"`
		Note      string   `json:"note,omitempty"`
		ElapsedMS int64    `json:"elapsed_ms"`
		Line      *lineRow `json:"line,omitempty"`
	}{w.head("case"), rowOf(r.Case), r.Verdict.String(), plain(r.Note), r.Took.Milliseconds(), line})
}

// device writes what the device said of itself.
func (w *conformWriter) device(d conform.Device) {
	if !w.json {
		return
	}
	w.encode(struct {
		eventHead
		Model      string `json:"model"`
		Serial     string `json:"hardware_serial"`
		Firmware   string `json:"firmware"`
		Features   uint32 `json:"features"`
		MTU        int    `json:"mtu"`
		Window     int    `json:"window"`
		MaxMessage int    `json:"max_msg"`
	}{w.head("device"), plain(d.Model), plain(d.Serial), plain(d.Firmware), d.Features, d.MTU, d.Window, d.MaxMessage})
}

// shouldFail counts what fails and need not pass.
func shouldFail(rep conform.Report) int {
	n := 0
	for _, r := range rep.Results {
		if r.Verdict == conform.Fail && r.Level != conform.Must {
			n++
		}
	}
	return n
}

// report writes the end.
func (w *conformWriter) report(rep conform.Report, err error) {
	untested := rep.Untested()
	state := ""
	if rep.Known {
		state = rep.State.String()
	}
	should := shouldFail(rep)
	fail, na, not := rep.Count(conform.Fail)-should, rep.Count(conform.NotApplicable), rep.Count(conform.NotRun)
	if w.json {
		problem := ""
		if err != nil {
			problem = plain(err.Error())
		}
		w.encode(struct {
			eventHead
			Cases         int    `json:"cases"`
			Pass          int    `json:"pass"`
			Fail          int    `json:"fail"`
			FailShould    int    `json:"fail_should"`
			NotApplicable int    `json:"not_applicable"`
			NotRun        int    `json:"not_run"`
			MustNotRun    int    `json:"must_not_run"` // left out by --only included
			Complete      bool   `json:"complete"`
			Conforms      bool   `json:"conforms"`        // only if complete
			State         string `json:"state,omitempty"` // in which the device was left
			Advice        string `json:"advice,omitempty"`
			Error         string `json:"error,omitempty"`
		}{w.head("summary"), len(rep.Results), rep.Count(conform.Pass), fail, should, na, not, untested, untested == 0, err == nil && rep.Conforms(), state, plain(rep.Advice), problem})
		return
	}
	if d := rep.Device; d.MTU > 0 {
		w.printf("\nmodel %s, hardware serial %s, firmware %s: mtu %d, window %d, max_msg %d, features %#x\n",
			orNone(d.Model), orNone(d.Serial), orNone(d.Firmware), d.MTU, d.Window, d.MaxMessage, d.Features)
	} else {
		w.printf("\n")
	}
	verdict := "it conforms"
	switch {
	case err != nil || !rep.Clean():
		verdict = "it does not conform"
	case untested > 0:
		verdict = fmt.Sprintf("it conforms as far as it was tested (%d MUST cases not run)", untested)
	}
	w.printf("%d cases: %d pass, %d FAIL, %d SHOULD fail, %d n/a, %d not run\n%s\n", len(rep.Results), rep.Count(conform.Pass), fail, should, na, not, verdict)
	if state != "" {
		w.printf("the device was left %s\n", state)
	}
	if rep.Advice != "" {
		w.printf("%s\n", plain(rep.Advice))
	}
}

func orNone(s string) string {
	if s == "" {
		return "(none)"
	}
	return plain(s)
}
