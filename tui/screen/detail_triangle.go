package screen

import (
	"slices"
	"strings"

	"charm.land/lipgloss/v2"

	"provstation/station"
	"provstation/tui/board"
)

// tie is how two corners of the identity triangle stand to each other.
type tie uint8

const (
	tieUnknown tie = iota // one of them is not known yet
	tieSame               // both are known and belong together
	tieOpen               // both are known, and nothing confirms that they belong together
	tieDiffers            // they do not belong together
)

// corners is the identity triangle: the id that was assigned, the hardware that reported itself, and what the device
// asked to be certified (subject CN and SAN of its CSR) or was certified before.
type corners struct {
	id, source string
	hardware   string
	certified  string // id in the request or the certificate
	byRequest  bool   // certified is of a request of this run

	idHardware, idCertified, hardwareCertified tie
}

// Codes that say which two corners do not belong together.
var (
	labelDiffers = []station.Code{
		station.CodeIDDiffers, station.CodeIDTaken, station.CodeSwapped, station.CodeScanWrong, station.CodeScanDuplicate,
		station.CodeScanForeign, station.CodeBatchForeign,
	}
	keyDiffers = []station.Code{station.CodeSwapped, station.CodeKeyTaken, station.CodeUnknownKey}
)

// triangleOf reads the corners off what a run found out. Nothing is taken for equal that no phase has compared.
func triangleOf(s *board.Slot) corners {
	c := corners{id: s.DeviceID, source: s.Facts[station.FactIDSource], hardware: s.HardwareSerial}
	code := station.Code("")
	if s.State == board.Ended {
		code = s.End.Code
	}
	chain := factChain(s.Facts)
	switch {
	case s.Phases[station.PhaseCSR.Index()].Status == station.PhaseDone && c.id != "":
		c.certified, c.byRequest = c.id, true // The phase is not left before CN and SAN equal the id.
		c.idCertified, c.hardwareCertified = tieSame, tieSame
	case len(chain) > 0:
		c.certified = chain[0].name
		c.idCertified = tieDiffers
		if strings.EqualFold(c.certified, c.id) {
			c.idCertified = tieSame
		}
		if s.State == board.Ended && s.End.Outcome.Good() {
			c.hardwareCertified = tieSame // The ledger has hardware, key and certificate together.
		}
	}
	switch {
	case c.id == "" || c.hardware == "":
	case s.Facts[station.FactCorroborated] == "yes":
		c.idHardware = tieSame
	case s.Facts[station.FactCorroborated] == "no" || code == station.CodeUnconfirmed:
		c.idHardware = tieOpen
	}
	if slices.Contains(labelDiffers, code) {
		c.idHardware = tieDiffers
	}
	if slices.Contains(keyDiffers, code) {
		c.hardwareCertified = tieDiffers
	}
	if code == station.CodeCSRBad {
		c.idCertified = tieDiffers
	}
	return c
}

// worst is what the triangle says as a whole.
func (c corners) worst() tie {
	ties := []tie{c.idHardware, c.idCertified, c.hardwareCertified}
	for _, t := range []tie{tieDiffers, tieOpen, tieUnknown} {
		if slices.Contains(ties, t) {
			return t
		}
	}
	return tieSame
}

func (v view) tie(t tie) (sign, word string, style lipgloss.Style) {
	m := marksOf(v.Signs)
	switch t {
	case tieSame:
		return m.same, v.Text("triangle.same"), v.Styles.Good
	case tieOpen:
		return m.open, v.Text("triangle.open"), v.Styles.Warn
	case tieDiffers:
		return m.different, v.Text("triangle.differs"), v.Styles.Bad
	default:
		return v.Signs.Dot, v.Text("triangle.unknown"), v.Styles.Muted
	}
}

// triangle draws who the device is, three times told: the id above, hardware and request below, and on each side whether
// the two ends belong together.
func (v view) triangle(w int) []string {
	w = min(w, 56)
	c := triangleOf(v.slot)
	m := marksOf(v.Signs)
	mid := w / 2
	side := func(t tie, stroke string) string {
		_, _, style := v.tie(t)
		return style.Render(stroke)
	}
	ls, lw, lstyle := v.tie(c.idHardware)
	rs, rw, rstyle := v.tie(c.idCertified)
	lines := []string{v.heading("section.triangle")}
	lines = append(lines, v.corner(c.id, v.Styles.Strong, w))
	if source := v.known(station.FactIDSource); source != "" && c.id != "" {
		lines = append(lines, v.Centre(v.Styles.Muted.Render("("+source+")"), w))
	}
	lines = append(lines,
		v.FitRight(lstyle.Render(ls), mid-4)+" "+side(c.idHardware, m.rise)+"    "+side(c.idCertified, m.fall)+" "+rstyle.Render(rs),
		v.FitRight(lstyle.Render(lw), mid-6)+" "+side(c.idHardware, m.rise)+"        "+side(c.idCertified, m.fall)+" "+rstyle.Render(v.Cut(rw, w-mid-7)),
		v.base(c, w))
	certified := c.certified
	if certified != "" {
		certified = "CN " + certified
	}
	half := (w - 2) / 2
	lines = append(lines, v.Fit(v.cornerText(v.Cut(c.hardware, half), v.Styles.Strong), w-half)+v.FitRight(v.cornerText(v.Cut(certified, half), v.Styles.Strong), half))
	worst := c.worst()
	_, _, style := v.tie(worst)
	key := map[tie]string{tieSame: "triangle.all", tieOpen: "triangle.check", tieDiffers: "triangle.wrong", tieUnknown: "triangle.yet"}[worst]
	return append(lines, wrapped(style, v.Text(key), w)...)
}

// base is the lower side: hardware and request, and how they stand to each other.
func (v view) base(c corners, w int) string {
	m := marksOf(v.Signs)
	right := "triangle.request"
	if c.certified != "" && !c.byRequest {
		right = "triangle.certificate"
	}
	sign, word, style := v.tie(c.hardwareCertified)
	from, to := v.Cut(v.Text("triangle.hardware"), w/3), v.Cut(v.Text(right), w/3)
	middle := v.Cut(" "+sign+" "+word+" ", max(3, w-len([]rune(from))-len([]rune(to))-4))
	flat := max(0, w-len([]rune(from))-len([]rune(to))-len([]rune(middle))-2)
	return v.Fit(v.Styles.Muted.Render(from)+" "+style.Render(strings.Repeat(m.flat, flat/2)+middle+strings.Repeat(m.flat, flat-flat/2))+
		" "+v.Styles.Muted.Render(to), w)
}

func (v view) corner(text string, style lipgloss.Style, w int) string {
	return v.Centre(v.cornerText(text, style), w)
}

// cornerText is what stands at a corner; one that is not known yet is dashes.
func (v view) cornerText(text string, style lipgloss.Style) string {
	if text == "" {
		return v.Styles.Muted.Render("- - -")
	}
	return style.Render(text)
}
