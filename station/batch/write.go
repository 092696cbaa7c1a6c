package batch

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"provstation/station"
)

// CSV writes a header and one line for every expected device, in the list's order. Times are RFC 3339 in UTC; a cell of
// what is not known is empty. What a spreadsheet would take for a formula gets an apostrophe in front.
func (r Report) CSV(w io.Writer) error {
	c := csv.NewWriter(w)
	rows := [][]string{{
		"line", "hardware_serial", "device_id", "label", "done", "outcome", "run", "found_hardware_serial", "found_device_id",
		"cert_fingerprint", "not_after", "ended_at", "attempts", "last_code",
	}}
	for _, d := range r.Devices {
		done := "no"
		if d.Done {
			done = "yes"
		}
		rows = append(rows, []string{
			strconv.Itoa(d.Line), d.HardwareSerial, d.DeviceID, d.Label, done, string(d.Outcome), d.Run, d.FoundSerial, d.FoundID,
			d.CertFingerprint, stamp(d.NotAfter), stamp(d.EndedAt), strconv.Itoa(d.Attempts), string(d.LastCode),
		})
	}
	for _, cells := range rows {
		for i, cell := range cells {
			cells[i] = station.CSVCell(cell)
		}
		if err := c.Write(cells); err != nil {
			return fmt.Errorf("write report: %w", err)
		}
	}
	c.Flush()
	if err := c.Error(); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// Markdown tells the report to people, in the sentences that text gives for a key and its parameters, name and value in
// turn. Times are in the zone of r.At.
func (r Report) Markdown(text func(key string, pairs ...string) string) string {
	m := &writer{text: text, zone: r.At.Location()}
	m.head(r)
	m.result(r)
	m.missing(r)
	m.pace(r)
	m.failures(r)
	m.places(r)
	return m.b.String()
}

// writer puts a report together.
type writer struct {
	b    strings.Builder
	text func(key string, pairs ...string) string
	zone *time.Location
}

func (m *writer) title(key string, pairs ...string) {
	if m.b.Len() > 0 {
		m.b.WriteString("\n## ")
	} else {
		m.b.WriteString("# ")
	}
	m.b.WriteString(m.text(key, pairs...) + "\n\n")
}

func (m *writer) item(key string, pairs ...string) {
	m.b.WriteString("- " + m.text(key, pairs...) + "\n")
}

func (m *writer) head(r Report) {
	if r.Batch == "" {
		m.title("report.title-none")
	} else {
		m.title("report.title", "batch", code(r.Batch))
	}
	if r.Station != "" {
		m.item("report.station", "station", code(r.Station), "tenant", code(r.Tenant))
	}
	if !r.OpenedAt.IsZero() {
		m.item("report.opened", "at", m.time(r.OpenedAt), "who", code(r.OpenedBy))
	}
	switch {
	case !r.ClosedAt.IsZero():
		m.item("report.closed", "at", m.time(r.ClosedAt), "who", code(r.ClosedBy), "elapsed", span(r.Elapsed))
	case r.Batch != "":
		m.item(stateKey(r.State))
	}
	if r.Reason != "" {
		m.item("report.reason", "reason", code(r.Reason))
	}
	m.item("report.made", "at", m.time(r.At))
}

// stateKey is the sentence of a batch that is not closed.
func stateKey(s station.BatchState) string {
	switch s {
	case station.BatchPaused:
		return "report.paused"
	case station.BatchHeld:
		return "report.held"
	default:
		return "report.open"
	}
}

func (m *writer) result(r Report) {
	m.title("report.result")
	if r.Batch != "" {
		m.item("report.expected", "n", strconv.Itoa(r.Expected))
	}
	m.item("report.done", "n", strconv.Itoa(r.Done))
	if r.Batch != "" {
		m.item("report.missing", "n", strconv.Itoa(r.Missing))
	}
	m.item("report.doubled", "n", strconv.Itoa(r.Doubled))
	m.item("report.runs", "n", strconv.Itoa(r.Runs), "failed", strconv.Itoa(r.Failed))
	if r.FirstTried > 0 {
		m.item("report.yield", "share", percent(r.FirstPassYield), "passed", strconv.Itoa(r.FirstPassed),
			"tried", strconv.Itoa(r.FirstTried))
	}
}

// missing lists every missing device: somebody has to look for each of them.
func (m *writer) missing(r Report) {
	list := r.MissingDevices()
	if len(list) == 0 {
		return
	}
	m.title("report.missing-title")
	for _, d := range list {
		attempts := ""
		if d.Attempts > 0 {
			attempts = strconv.Itoa(d.Attempts)
		}
		m.item("report.device", "name", code(d.Name()), "hardware_serial", code(d.HardwareSerial), "label", code(d.Label),
			"line", strconv.Itoa(d.Line), "attempts", attempts, "code", string(d.LastCode))
	}
}

func (m *writer) pace(r Report) {
	if r.Takt == 0 && len(r.Phases) == 0 {
		return
	}
	m.title("report.pace")
	if r.Takt > 0 {
		m.item("report.takt", "takt", span(r.Takt))
		m.item("report.rate", "n", strconv.FormatFloat(r.UnitsPerHour, 'f', 1, 64))
		if r.Remaining > 0 && r.ClosedAt.IsZero() {
			m.item("report.remaining", "left", span(r.Remaining))
		}
	}
	for _, p := range r.Phases {
		m.item("report.phase", "phase", m.text("phase."+string(p.Phase)), "half", span(p.P50), "most", span(p.P95),
			"n", strconv.Itoa(p.N))
	}
}

func (m *writer) failures(r Report) {
	if len(r.Codes) == 0 {
		return
	}
	m.title("report.failures")
	for _, c := range r.Codes {
		m.item("report.code", "n", strconv.Itoa(c.N), "code", string(c.Code), "share", percent(c.Share),
			"sum", percent(c.Cumulative), "message", m.text("fault."+string(c.Code)))
	}
}

func (m *writer) places(r Report) {
	if len(r.Slots) == 0 {
		return
	}
	m.title("report.slots")
	for _, s := range r.Slots {
		m.item("report.slot", "slot", code(s.Slot), "runs", strconv.Itoa(s.Runs), "failed", strconv.Itoa(s.Failed))
	}
	for _, s := range r.Slots {
		switch {
		case s.Suspect && s.Ratio > 0:
			m.item("report.suspect", "slot", code(s.Slot), "ratio", strconv.FormatFloat(s.Ratio, 'f', 1, 64))
		case s.Suspect:
			m.item("report.suspect-alone", "slot", code(s.Slot))
		}
	}
}

func (m *writer) time(t time.Time) string { return t.In(m.zone).Format("2006-01-02 15:04:05 MST") }

// code is a name as a code span: nothing in it is markup there. Empty stays empty.
func code(s string) string {
	if s = strings.ReplaceAll(printable(s), "`", "'"); s == "" {
		return ""
	}
	return "`" + s + "`"
}

func percent(x float64) string { return strconv.FormatFloat(100*x, 'f', 0, 64) + " %" }

// span is a duration with as many digits as tell something.
func span(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	default:
		return d.Round(time.Second).String()
	}
}
