package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// lines writes NDJSON: numbered, dated, typed objects, and keeps the first error.
type lines struct {
	w   io.Writer
	seq int
	now func() time.Time
	err error
}

func newLines(w io.Writer) *lines { return &lines{w: w, now: time.Now} }

// eventHead is what every line of NDJSON has.
type eventHead struct {
	Seq  int       `json:"seq"`
	Time time.Time `json:"time"`
	Type string    `json:"type"`
}

func (l *lines) head(kind string) eventHead {
	l.seq++
	return eventHead{l.seq, l.now().UTC(), kind}
}

func (l *lines) encode(v any) {
	enc := json.NewEncoder(l.w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil && l.err == nil {
		l.err = err
	}
}

func (l *lines) printf(format string, args ...any) {
	if _, err := fmt.Fprintf(l.w, format, args...); err != nil && l.err == nil {
		l.err = err
	}
}

// findingWriter prints findings as they come and counts them.
type findingWriter struct {
	*lines
	json  bool
	count map[checkStatus]int
}

func newFindingWriter(w io.Writer, asJSON bool) *findingWriter {
	return &findingWriter{lines: newLines(w), json: asJSON, count: map[checkStatus]int{}}
}

func (f *findingWriter) write(list []finding) {
	for _, one := range list {
		f.count[one.Status]++
		if f.json {
			f.encode(struct {
				eventHead
				finding
			}{f.head("check"), one})
			continue
		}
		f.text(one)
	}
}

// text is one finding for people: a sign and a word, so that colour is not needed.
func (f *findingWriter) text(one finding) {
	sign := map[checkStatus]string{checkOK: "✓ OK  ", checkWarn: "! WARN", checkFail: "✗ FAIL", checkSkipped: "– SKIP"}[one.Status]
	name := one.Check
	if one.Subject != "" {
		name += " " + one.Subject
	}
	f.printf("%s  %-18s %s\n", sign, name, one.Seen)
	if one.Fix != "" {
		f.printf("        %-18s fix: %s\n", "", one.Fix)
	}
}

// doctorSummary is the last line of NDJSON.
type doctorSummary struct {
	eventHead
	Checks  int `json:"checks"`
	OK      int `json:"ok"`
	Warn    int `json:"warn"`
	Fail    int `json:"fail"`
	Skipped int `json:"skipped"`
}

func (f *findingWriter) finish() {
	s := doctorSummary{OK: f.count[checkOK], Warn: f.count[checkWarn], Fail: f.count[checkFail], Skipped: f.count[checkSkipped]}
	s.Checks = s.OK + s.Warn + s.Fail + s.Skipped
	if f.json {
		s.eventHead = f.head("summary")
		f.encode(s)
		return
	}
	f.printf("%d checks: %d OK, %d WARN, %d FAIL, %d SKIP\n", s.Checks, s.OK, s.Warn, s.Fail, s.Skipped)
}
