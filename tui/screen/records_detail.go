package screen

import (
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"provstation/station"
	"provstation/station/ledger"
	"provstation/tui/board"
	"provstation/tui/widget"
)

// opened draws the run that is open.
func (r *Records) opened() string {
	l, d := r.look, r.detail
	f := file{look: l, now: r.now, d: d, trees: r.trees}
	sign, word, _ := outcomeWord(l, d.Outcome)
	title := sign + " " + word + "  " + f.clean(d.Slot)
	if id := f.clean(d.DeviceID); id != "" {
		title += " " + l.Signs.Dot + " " + id
	}
	if task := taskName(l, &d.RunRow); task != "" {
		title += " " + l.Signs.Dot + " " + task
	}
	ground := l.Styles.BusyBar
	if d.Outcome != "" {
		ground = l.Styles.Verdict(d.Outcome)
	}
	w := r.w - 2
	body := f.verdict(w)
	body = append(body, "")
	left := []part{f.run, f.decision, f.override, f.labels, f.warnings, f.observations, f.certificates}
	right := []part{f.phases, f.proofs, f.posts, f.logs}
	switch {
	case w >= threeColumns:
		body = append(body, abreast(l, w, []part{f.run, f.decision, f.override, f.labels, f.warnings, f.observations}, []part{f.certificates, f.proofs, f.posts, f.logs}, []part{f.phases})...)
	case w >= twoColumns:
		body = append(body, abreast(l, w, left, right)...)
	default:
		body = append(body, stack(w, append(left, right...)...)...)
	}
	return r.titled(&r.view, ground, title, r.stamp(d.StartedAt), body)
}

// file is one drawing of a run on file.
type file struct {
	look  widget.Look
	now   time.Time
	d     *ledger.RunDetail
	trees [][]link
}

const fileLabels = 17

func (f file) clean(s string) string { return board.Clean(s, 1024) }

func (f file) stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(f.now.Location()).Format("2006-01-02 15:04:05")
}

// entry is one line of a list: a name of the catalogue, and what is on file.
type entry struct{ key, value string }

// listing is a section of entries; those without a value are left out.
func (f file) listing(title string, entries []entry, w int) []string {
	l := f.look
	lines := []string{l.Styles.Heading.Render(l.Text(title))}
	for _, e := range entries {
		lines = append(lines, labelled(l, l.Text(e.key), f.clean(e.value), fileLabels, w)...)
	}
	if len(lines) == 1 {
		return nil
	}
	return lines
}

// verdict is how the run ended, in sentences, and what to do.
func (f file) verdict(w int) []string {
	l, d := f.look, f.d
	text, style := runSentence(l, &d.RunRow)
	lines := wrapped(style, text, w)
	if d.Outcome.Good() || d.Code == "" {
		return lines
	}
	lines = append(lines, nextAction(l, nextOf(l, &d.RunRow), w)...)
	tail := l.Text("detail.code", "code", board.Clean(string(d.Code), 64))
	if d.Phase != "" {
		tail += "  " + l.Text("detail.failed", "phase", f.phaseName(d.Phase))
	}
	return append(lines, l.Styles.Muted.Render(l.Cut(tail, w)))
}

func (f file) phaseName(p station.Phase) string {
	name := board.Clean(string(p), 64)
	if text := f.look.Text("phase." + name); text != "phase."+name {
		return text
	}
	return name
}

// value puts the words among the values of facts into the station's language, and times into its time zone.
func (f file) value(v string) string {
	v = f.clean(v)
	if at, err := time.Parse(time.RFC3339, v); err == nil {
		return f.stamp(at)
	}
	if text := f.look.Text("value." + v); v != "" && text != "value."+v {
		return text
	}
	return v
}

func (f file) run(w int) []string {
	d := f.d
	elapsed, wire := "", ""
	if d.Outcome != "" {
		elapsed = widget.Milliseconds(d.Elapsed)
	}
	if d.WireTx+d.WireRx > 0 {
		wire = f.look.Text("wire.amount", "tx", strconv.FormatUint(d.WireTx, 10), "rx", strconv.FormatUint(d.WireRx, 10))
	}
	attempt := ""
	if d.Attempt > 0 {
		attempt = strconv.Itoa(d.Attempt)
	}
	return f.listing("section.run", []entry{
		{"record.started", f.stamp(d.StartedAt)},
		{"record.ended", f.stamp(d.EndedAt)},
		{"record.elapsed", elapsed},
		{"fact.device_id", d.DeviceID},
		{"fact.hardware_serial", d.HardwareSerial},
		{"record.task", taskName(f.look, &d.RunRow)},
		{"fact.attempt", attempt},
		{"fact.proof", f.value(string(d.Proof))},
		{"fact.not_after", f.stamp(d.NotAfter)},
		{"record.operator", d.Operator},
		{"record.batch", d.Batch},
		{"record.slot", d.Slot},
		{"fact.port", d.Port},
		{"record.station", d.Station},
		{"record.site", d.Site},
		{"record.tenant", d.Tenant},
		{"record.profile", d.Profile},
		{"fact.contract", string(d.Contract)},
		{"fact.wire", wire},
		{"record.asked", d.RequestedID},
		{"record.version", d.Version},
		{"record.config", d.ConfigDigest},
		{"record.run", d.Run},
	}, w)
}

func (f file) override(w int) []string {
	o := f.d.Override
	if o == nil {
		return nil
	}
	return f.listing("section.override", []entry{
		{"record.lead", o.Lead},
		{"record.operator", o.Operator},
		{"record.reason", o.Reason},
		{"record.held", faultText(f.look, station.Code(board.Clean(string(o.Code), 64)), nil)},
		{"record.heldrun", o.Run},
	}, w)
}

// decision is what a person decided about the run, or that somebody has to.
func (f file) decision(w int) []string {
	h := f.d.Held
	if r := h.Resolution; r != nil {
		return f.listing("section.decision", []entry{
			{"record.decision", f.look.Text("decision." + board.Clean(string(r.Decision), 32))},
			{"record.by", r.By},
			{"record.reason", r.Reason},
			{"record.at", f.stamp(r.At)},
		}, w)
	}
	if !h.Open {
		return nil
	}
	lines := []string{f.look.Styles.Heading.Render(f.look.Text("section.decision"))}
	return append(lines, wrapped(f.look.Styles.Warn, f.look.Text("records.undecided"), w)...)
}

// labels is what went to the printer for the run's device.
func (f file) labels(w int) []string {
	var entries []entry
	for _, p := range f.d.Labels {
		parts := []string{strconv.Itoa(p.Copy), f.stamp(p.At), p.Template, p.Printer}
		for _, more := range []string{p.Operator, p.Reason, p.Err} {
			if more != "" {
				parts = append(parts, more)
			}
		}
		if p.EndedAt.IsZero() {
			parts = append(parts, f.look.Text("record.copy.unknown"))
		}
		entries = append(entries, entry{"record.copy", strings.Join(parts, ", ")})
	}
	return f.listing("section.labels", entries, w)
}

func (f file) warnings(w int) []string {
	l := f.look
	if len(f.d.Warnings) == 0 {
		return nil
	}
	lines := []string{l.Styles.Heading.Render(l.Text("section.warnings"))}
	for _, x := range f.d.Warnings {
		text := f.clean(x.Text)
		if text == "" {
			text = faultText(l, station.Code(board.Clean(string(x.Code), 64)), nil)
		}
		lines = append(lines, bullet(l, l.Signs.Warned, l.Styles.Warn, text, w)...)
	}
	return lines
}

func (f file) observations(w int) []string {
	var lines []string
	for _, o := range f.d.Observations {
		ahead := ""
		if o.HasClock {
			ahead = offset(o.ClockOffset.String())
		}
		model := strings.TrimSpace(o.Model + " " + o.Firmware)
		lines = append(lines, f.listing("section.observed", []entry{
			{"record.at", f.stamp(o.At)},
			{"fact.hardware_serial", o.HardwareSerial},
			{"fact.model", model},
			{"fact.device_state", f.value(string(o.State))},
			{"fact.clock_offset", ahead},
			{"record.boot", o.BootID},
		}, w)...)
	}
	return lines
}

// certificates is what was issued in the run: each as a tree down from its root, and what tells it from others.
func (f file) certificates(w int) []string {
	var lines []string
	for i := range f.d.Certificates {
		c := &f.d.Certificates[i]
		state := ""
		switch {
		case !c.RevokedAt.IsZero():
			state = f.look.Text("record.revoked", "time", f.stamp(c.RevokedAt), "reason", f.clean(c.RevokeReason))
		case c.Current:
			state = f.look.Text("record.current")
		}
		lines = append(lines, f.look.Styles.Heading.Render(f.look.Text("section.certificate")))
		if i < len(f.trees) {
			lines = append(lines, tree(f.look, f.trees[i], f.now, w)...)
		}
		more := f.listing("section.certificate", []entry{
			{"record.state", state},
			{"fact.not_before", f.stamp(c.NotBefore)},
			{"fact.not_after", f.stamp(c.NotAfter)},
			{"fact.cert_serial", c.CertSerial},
			{"fact.fingerprint", hex.EncodeToString(c.Fingerprint)},
			{"fact.spki_sha256", hex.EncodeToString(c.SPKI)},
			{"fact.tunnel_address", strings.Join(c.TunnelAddresses, ", ")},
		}, w)
		if len(more) > 0 {
			lines = append(lines, more[1:]...)
		}
		lines = append(lines, confLines(f.look, board.HideSecrets(board.CleanLines(c.WGConf, 8192)), w)...)
	}
	return lines
}

// phases is every phase with its time, its tries, and what it found out.
func (f file) phases(w int) []string {
	l := f.look
	if len(f.d.Phases) == 0 {
		return nil
	}
	lines := []string{l.Styles.Heading.Render(l.Text("section.phases"))}
	for _, p := range f.d.Phases {
		status := station.PhaseStatus(board.Clean(string(p.Status), 32))
		elapsed := ""
		if status != station.PhaseSkipped && !p.StartedAt.IsZero() && !p.EndedAt.IsZero() {
			elapsed = widget.Milliseconds(p.EndedAt.Sub(p.StartedAt))
		}
		if p.Tries > 1 {
			elapsed = l.Text("record.tries", "n", strconv.Itoa(p.Tries)) + "  " + elapsed
		}
		head := l.PhaseSign(board.Phase{Status: status}) + " " + l.Styles.Strong.Render(f.phaseName(p.Phase))
		if p.Code != "" {
			head += "  " + l.Styles.Bad.Render(board.Clean(string(p.Code), 64))
		}
		lines = append(lines, l.Ends(head, l.Styles.Muted.Render(elapsed), w))
		for _, k := range sortedKeys(p.Facts) {
			lines = append(lines, f.fact(k, p.Facts[k], w)...)
		}
	}
	return lines
}

// messages is what crossed the line in a phase.
func (f file) messages(log string, w int) []string {
	var lines []string
	for _, row := range strings.Split(board.CleanLines(log, 8192), "\n") {
		if row != "" {
			lines = append(lines, f.look.Styles.Muted.Render(f.look.Cut("  "+arrowed(f.look, row), w)))
		}
	}
	return lines
}

// logs is what the device printed and what its program logged.
func (f file) logs(w int) []string {
	var lines []string
	for _, p := range f.d.Phases {
		for _, log := range []struct{ fact, title string }{{station.FactBootLog, "section.boot"}, {station.FactDeviceLog, "section.log"}} {
			text := board.LogText(p.Facts[log.fact])
			if text == "" {
				continue
			}
			lines = append(lines, f.look.Styles.Heading.Render(f.look.Text(log.title)))
			for _, row := range strings.Split(text, "\n") {
				lines = append(lines, f.look.Styles.Muted.Render(f.look.Cut(row, w)))
			}
		}
	}
	return lines
}

// fact is one fact of a phase. What has a place of its own is left out.
func (f file) fact(name, value string, w int) []string {
	name = board.Clean(name, 64)
	switch name {
	case station.FactTunnelConf, station.FactBootLog, station.FactDeviceLog:
		return nil
	case station.FactWireLog:
		return f.messages(value, w)
	case station.FactClockOffset:
		value = offset(value)
	}
	label := f.look.Text("fact." + name)
	if label == "fact."+name {
		label = name
	}
	lines := labelled(f.look, label, f.value(value), fileLabels, w-2)
	for i := range lines {
		lines[i] = "  " + lines[i]
	}
	return lines
}

func (f file) proofs(w int) []string {
	var lines []string
	for _, p := range f.d.Proofs {
		entries := []entry{
			{"record.at", f.stamp(p.At)},
			{"fact.proof", f.value(string(p.Proof))},
			{"record.broker", p.Broker},
			{"fact.tls", p.TLS},
			{"fact.mqtt", p.MQTT},
			{"fact.fingerprint", hex.EncodeToString(p.Leaf)},
		}
		more := f.listing("section.proof", entries, w)
		for _, k := range sortedKeys(p.Readback) {
			more = append(more, labelled(f.look, f.clean(k), f.clean(p.Readback[k]), fileLabels, w)...)
		}
		lines = append(lines, more...)
	}
	return lines
}

func (f file) posts(w int) []string {
	var lines []string
	for _, p := range f.d.Posts {
		state := board.Clean(string(p.State), 32)
		lines = append(lines, f.listing("section.post", []entry{
			{"record.at", f.stamp(p.At)},
			{"record.state", f.look.Text("post." + state)},
			{"record.reason", p.Reason},
			{"fact.csr_sha256", hex.EncodeToString(p.CSRDigest)},
		}, w)...)
	}
	return lines
}

// bullet is a sentence with a sign before it.
func bullet(l widget.Look, sign string, style interface{ Render(...string) string }, text string, w int) []string {
	var lines []string
	for i, line := range widget.Wrap(text, w-2) {
		if i > 0 {
			sign = " "
		}
		lines = append(lines, style.Render(sign)+" "+l.Styles.Text.Render(line))
	}
	return lines
}

// confLines is a wg0.conf, its sections set off from their settings.
func confLines(l widget.Look, conf string, w int) []string {
	if conf == "" {
		return nil
	}
	var lines []string
	for _, row := range strings.Split(conf, "\n") {
		style := l.Styles.Muted
		if strings.HasPrefix(row, "[") {
			style = l.Styles.Text
		}
		lines = append(lines, style.Render(l.Cut(row, w)))
	}
	return lines
}
