package screen

import (
	"strconv"
	"strings"

	"provstation/station"
	"provstation/tui/widget"
)

// line is what crossed the line between station and device, in words.
func (v view) line(w int) []string {
	m := marksOf(v.Signs)
	lines := []string{v.heading("section.line")}
	if amount := v.amount(); amount != "" {
		lines = append(lines, v.fact("wire", amount, w)...)
	}
	say := func(sign, key string, pairs ...string) {
		for i, row := range widget.Wrap(v.Text(key, pairs...), w-3) {
			if i > 0 {
				sign = strings.Repeat(" ", len([]rune(sign)))
			}
			lines = append(lines, v.Styles.Accent.Render(v.Fit(sign, 2))+" "+v.Styles.Text.Render(row))
		}
	}
	if v.done(station.PhaseIdentify) {
		say(m.left, "line.identify")
	}
	if v.done(station.PhaseKeygen) {
		say(m.right, "line.keygen")
	}
	if v.done(station.PhaseCSR) {
		say(m.left, "line.csr")
	}
	if way := v.slot.Facts[station.FactRenewedBy]; way == string(station.RenewByToken) || way == string(station.RenewByMTLS) {
		say(m.left, "line.renewed."+way)
	}
	switch {
	case !v.done(station.PhaseInstall):
	case v.slot.Task == station.TaskRenew: // the rest stays as it was
		say(m.right, "line.leaf")
	default:
		if n := len(factChain(v.slot.Facts)); n > 0 {
			say(m.right, "line.certificates", "n", strconv.Itoa(n))
		}
		if v.slot.Facts[station.FactTunnelAddress] != "" && v.slot.Task != station.TaskRekey {
			say(m.right, "line.tunnel")
		}
	}
	if v.done(station.PhaseReadback) {
		say(m.left, "line.readback")
	}
	if v.done(station.PhaseMQTT) {
		say(m.left, "line.signature")
	}
	if v.done(station.PhaseSeal) {
		say(m.right, "line.seal")
	}
	switch {
	case v.warned(station.CodeWGKeyCrossed):
		say(v.Signs.Warned, "line.tunnelkey")
	case v.done(station.PhaseCSR):
		say(v.Signs.Skipped, "line.never")
	}
	if log := v.slot.Facts[station.FactWireLog]; log != "" {
		lines = append(lines, "", v.heading("section.messages"))
		for _, row := range strings.Split(log, "\n") {
			lines = append(lines, v.Styles.Muted.Render(v.Cut(arrowed(v.Look, row), w)))
		}
	}
	if len(lines) == 1 {
		return nil
	}
	return lines
}

// arrowed is a line of the wire log with the sign of its direction.
func arrowed(l widget.Look, row string) string {
	m := marksOf(l.Signs)
	if rest, ok := strings.CutPrefix(row, "->"); ok {
		return m.right + rest
	}
	if rest, ok := strings.CutPrefix(row, "<-"); ok {
		return m.left + rest
	}
	return row
}

func (v view) done(p station.Phase) bool {
	return v.slot.Phases[p.Index()].Status == station.PhaseDone
}

func (v view) warned(code station.Code) bool {
	for _, x := range v.slot.Warnings {
		if x.Code == code {
			return true
		}
	}
	return false
}

// boot is the end of what the device printed while it started.
func (v view) boot(w int) []string {
	return v.text("section.boot", v.slot.Facts[station.FactBootLog], w)
}

// log is the end of what the device's agent logged.
func (v view) log(w int) []string {
	return v.text("section.log", v.slot.Facts[station.FactDeviceLog], w)
}

func (v view) text(title, text string, w int) []string {
	if text == "" {
		return nil
	}
	rows := strings.Split(text, "\n")
	if keep := 12; !v.full && len(rows) > keep {
		rows = rows[len(rows)-keep:]
	}
	lines := []string{v.heading(title)}
	for _, row := range rows {
		if !v.full {
			lines = append(lines, v.Styles.Muted.Render(v.Cut(row, w)))
			continue
		}
		if row == "" {
			lines = append(lines, "")
			continue
		}
		lines = append(lines, wrapped(v.Styles.Muted, row, w)...)
	}
	return lines
}
