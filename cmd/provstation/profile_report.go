package main

import (
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"time"

	"provstation/serialproto"
	"provstation/station"
)

const (
	tailLines   = 12 // of what came, for people
	reportWidth = 79
	labelColumn = 10
)

// tryRow is what `profile try --json` prints.
type tryRow struct {
	Port      string `json:"port"`
	Slot      string `json:"slot"`
	Use       string `json:"use"` // slot|ignored
	Why       string `json:"why,omitempty"`
	USB       string `json:"usb,omitempty"`
	Profile   string `json:"profile"`
	ProfileBy string `json:"profile_by"` // ports.profile, the rule, or --profile
	Driver    string `json:"driver"`
	hearingRow
	Fits      bool         `json:"fits"`
	Code      station.Code `json:"code,omitempty"` // why the port or the login failed
	Message   string       `json:"message,omitempty"`
	Scan      []hearingRow `json:"scan,omitempty"` // other speeds
	LoggedIn  *boxRow      `json:"logged_in,omitempty"`
	Recommend advice       `json:"recommend"`
}

// hearingRow is one opening of the port.
type hearingRow struct {
	Baud      int          `json:"baud"`
	Heard     string       `json:"heard,omitempty"` // silent|garbage|agent|shell|login|boot|text
	RxBytes   int          `json:"rx_bytes"`
	TxBytes   int          `json:"tx_bytes"`
	ElapsedMS int64        `json:"elapsed_ms"`
	FirstMS   *int64       `json:"first_byte_ms,omitempty"`
	Countdown bool         `json:"countdown,omitempty"`
	Boot      bool         `json:"boot_loader,omitempty"`
	Kernel    bool         `json:"kernel,omitempty"`
	MCU       bool         `json:"mcu,omitempty"`
	Between   int          `json:"text_between_frames,omitempty"` // bytes
	Text      string       `json:"text,omitempty"`                // the last lines, escaped
	Announce  *announceRow `json:"announce,omitempty"`
	Greeting  *greetingRow `json:"greeting,omitempty"`
	GreetErr  string       `json:"greeting_failed,omitempty"`
}

type announceRow struct {
	HardwareSerial string `json:"hardware_serial"`
	Model          string `json:"model"`
	BootID         string `json:"boot_id"`
	MinVersion     uint8  `json:"min_version"`
	MaxVersion     uint8  `json:"max_version"`
}

// greetingRow is what an agent said in WELCOME and STATUS.
type greetingRow struct {
	Version        uint8      `json:"version"`
	HardwareSerial string     `json:"hardware_serial"`
	Model          string     `json:"model"`
	Firmware       string     `json:"firmware,omitempty"`
	State          string     `json:"state"`
	Clock          *time.Time `json:"clock,omitempty"`
	MTU            int        `json:"mtu"`
	Window         int        `json:"window"`
	MaxMessage     int        `json:"max_message"`
	Features       []string   `json:"features"`
	DeviceID       string     `json:"device_id,omitempty"`
	KeyType        string     `json:"key_type,omitempty"`
	KeyStore       string     `json:"key_store,omitempty"`
	Generation     uint32     `json:"generation,omitempty"`
	Reenroll       string     `json:"reenroll,omitempty"`
}

// boxRow is what a box without an agent said of itself once the station had logged in.
type boxRow struct {
	HardwareSerial string     `json:"hardware_serial"`
	Model          string     `json:"model,omitempty"`
	Firmware       string     `json:"firmware,omitempty"`
	State          string     `json:"state"`
	Clock          *time.Time `json:"clock,omitempty"`
}

// featureNames are the words for the feature bits of SP1, in their order.
func featureNames(bits uint32) []string {
	names := []string{}
	for _, f := range []struct {
		bit  uint32
		name string
	}{
		{serialproto.FeatureSignTLS13, "sign-tls13"},
		{serialproto.FeatureSignTLS12, "sign-tls12"},
		{serialproto.FeatureSetClock, "set-clock"},
		{serialproto.FeatureWireGuard, "wireguard"},
		{serialproto.FeatureRenew, "renew"},
		{serialproto.FeatureUnlock, "unlock"},
		{serialproto.FeatureRenewSet, "own-renewal"},
		{serialproto.FeatureCheckMQTT, "check-mqtt"},
		{serialproto.FeatureCheckWG, "check-wireguard"},
		{serialproto.FeatureKeepWG, "keep-tunnel"},
		{serialproto.FeaturePacked, "packed"},
		{serialproto.FeatureAhead, "ahead"},
	} {
		if bits&f.bit != 0 {
			names = append(names, f.name)
			bits &^= f.bit
		}
	}
	if bits != 0 {
		names = append(names, fmt.Sprintf("others(%#x)", bits))
	}
	return names
}

func clockOf(micros int64) *time.Time {
	if micros == 0 {
		return nil
	}
	at := time.UnixMicro(micros).UTC()
	return &at
}

func (h hearing) row() hearingRow {
	r := hearingRow{
		Baud: h.Baud, Heard: h.kind(), RxBytes: h.Bytes, TxBytes: h.Sent, ElapsedMS: h.Took.Milliseconds(), Countdown: h.Countdown, Boot: h.Boot,
		Kernel: h.Kernel, MCU: h.MCU, Text: strings.Join(h.tail(), "\n"),
	}
	if h.Between >= leastBetween {
		r.Between = h.Between
	}
	if h.First >= 0 && h.Bytes > 0 {
		first := h.First.Milliseconds()
		r.FirstMS = &first
	}
	if a := h.Announce; a != nil {
		r.Announce = &announceRow{plain(a.Serial), plain(a.Model), hex.EncodeToString(a.BootID), a.MinVersion, a.MaxVersion}
	}
	if h.GreetErr != nil {
		r.GreetErr = plain(h.GreetErr.Error())
	}
	r.Greeting = h.greeting()
	return r
}

func (h hearing) greeting() *greetingRow {
	w := h.Welcome
	if w == nil {
		return nil
	}
	g := &greetingRow{
		Version: w.Version, HardwareSerial: plain(w.Serial), Model: plain(w.Model), Firmware: plain(w.Firmware), State: w.State.String(),
		Clock: clockOf(w.Clock), MTU: int(w.MTU), Window: int(w.Window), MaxMessage: int(w.MaxMessage), Features: featureNames(w.Features),
	}
	if s := h.Status; s != nil {
		g.DeviceID, g.Generation, g.Reenroll = plain(s.DeviceID), s.Generation, s.Reenroll.String()
		if s.Alg != 0 {
			g.KeyType = s.Alg.String()
		}
		if s.KeyStore != 0 {
			g.KeyStore = s.KeyStore.String()
		}
	}
	return g
}

// tail is the last lines of the text that came, escaped and cut to the width of a terminal.
func (h hearing) tail() []string {
	if h.Garbage {
		return nil
	}
	const most = 4 << 10
	text := h.Text[max(0, len(h.Text)-most):]
	var lines []string
	for line := range strings.Lines(serialproto.EscapeConsole(text)) {
		if line = strings.TrimRight(line, " \n"); line != "" {
			lines = append(lines, line)
		}
	}
	return lines[max(0, len(lines)-tailLines):]
}

func (t *trial) row() tryRow {
	r := tryRow{
		Port: plain(t.port.Path), Slot: plain(t.port.SlotName), Use: t.use.Use, Why: t.use.Why, USB: t.use.USB, Profile: t.choice.Name,
		ProfileBy: plain(t.by()), Driver: t.choice.Profile.Driver, Fits: t.fits(),
	}
	if t.trouble != nil {
		r.Code, r.Message = t.trouble.Code, plain(t.sentence())
	}
	if t.opened() {
		r.hearingRow = t.heard.row()
		r.Recommend = t.recommend()
	} else {
		r.Baud, r.Recommend.Why = t.choice.Profile.Baud, "the port could not be listened to"
	}
	for _, s := range t.scans {
		r.Scan = append(r.Scan, s.row())
	}
	if g := t.login; g != nil {
		r.LoggedIn = &boxRow{HardwareSerial: plain(g.HardwareSerial), Model: plain(g.Model), Firmware: plain(g.Firmware), State: string(g.State)}
		if !g.Clock.IsZero() {
			at := g.Clock.UTC()
			r.LoggedIn.Clock = &at
		}
	}
	return r
}

// opened reports whether the port was listened to.
func (t *trial) opened() bool { return t.heard.Took > 0 }

func (t *trial) by() string {
	if t.flags.profile != "" {
		return "--profile"
	}
	return t.choice.Why()
}

func (t *trial) sentence() string {
	message, next := t.words.Fault(t.trouble.Code, t.trouble.Params)
	return strings.TrimSpace(message + " " + next)
}

func (t *trial) write(w io.Writer) error {
	r, l := t.row(), newLines(w)
	if t.flags.json {
		l.encode(struct {
			eventHead
			tryRow
		}{l.head("profile-try"), r})
		return l.err
	}
	s := report{l}
	s.port(r)
	if t.opened() {
		s.hearing(r.hearingRow)
	}
	for _, one := range r.Scan {
		s.entry(fmt.Sprintf("at %d", one.Baud), heardWords(one))
	}
	if t.found != nil {
		s.details(t.found.row())
	}
	if b := r.LoggedIn; b != nil {
		s.entry("logged in", strings.TrimSpace(fmt.Sprintf("%s %s %s, %s", b.HardwareSerial, b.Model, b.Firmware, b.State)))
	}
	s.verdict(t, r)
	return l.err
}

// report writes for people, within 80 columns.
type report struct{ *lines }

// entry is a label and a text that is wrapped below itself.
func (s report) entry(label, text string) {
	for _, line := range wrapWords(text, reportWidth-labelColumn) {
		s.printf("%-*s%s\n", labelColumn, label, line)
		label = ""
	}
}

func (s report) port(r tryRow) {
	what := r.Port
	switch {
	case r.Use != useSlot:
		what += ", no slot of this bench (" + r.Why + ")"
	case r.Slot != r.Port:
		what += ", slot " + r.Slot
	}
	if r.USB != "" {
		what += ", usb " + r.USB
	}
	s.entry("port", what)
	s.entry("profile", fmt.Sprintf("%s (%s), driver %s, %d baud", r.Profile, r.ProfileBy, r.Driver, r.Baud))
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// heardWords say what kind of thing was heard.
func heardWords(h hearingRow) string {
	word := map[string]string{
		heardSilent: "nothing", heardGarbage: "bytes that are neither text nor frames", heardAgent: "an agent", heardShell: "a shell's prompt",
		heardLogin: "a login", heardBoot: "a device that starts", heardText: "text",
	}[h.Heard]
	if h.RxBytes == 0 {
		return word
	}
	return word + ", " + counted(h.RxBytes, "byte")
}

func (s report) hearing(h hearingRow) {
	text := heardWords(h) + " in " + ms(h.ElapsedMS).Round(100*time.Millisecond).String()
	if h.FirstMS != nil {
		text += ", the first after " + ms(*h.FirstMS).String()
	}
	if h.TxBytes == 0 {
		text += "; sent nothing"
	} else {
		text += "; sent " + counted(h.TxBytes, "byte")
	}
	s.entry("heard", text)
	s.details(h)
}

// details are what the bytes told.
func (s report) details(h hearingRow) {
	var boot []string
	for _, b := range []struct {
		is   bool
		text string
	}{
		{h.Countdown, "a boot loader's countdown: a byte during it stops the boot"},
		{h.Boot && !h.Countdown, "a boot loader"},
		{h.MCU, "the start of a microcontroller"},
		{h.Kernel, "a kernel's messages"},
	} {
		if b.is {
			boot = append(boot, b.text)
		}
	}
	if len(boot) > 0 {
		s.entry("boot", strings.Join(boot, "; "))
	}
	if a := h.Announce; a != nil {
		s.entry("announced", fmt.Sprintf("%s, model %s, boot id %s, SP1 %s", a.HardwareSerial, a.Model, a.BootID, versions(a.MinVersion, a.MaxVersion)))
	}
	if h.Between > 0 {
		s.entry("", counted(h.Between, "byte")+" of text came between its frames")
	}
	if h.GreetErr != "" {
		s.entry("greeting", "failed: "+h.GreetErr)
	}
	s.greeting(h.Greeting)
	for i, line := range strings.Split(h.Text, "\n") {
		if line == "" {
			continue
		}
		label := ""
		if i == 0 {
			label = "said"
		}
		s.printf("%-*s| %s\n", labelColumn, label, cutText(line, reportWidth-labelColumn-2))
	}
}

func (s report) greeting(g *greetingRow) {
	if g == nil {
		return
	}
	s.entry("greeted", fmt.Sprintf("SP1 %d, %s %s %s, state %s", g.Version, g.HardwareSerial, g.Model, g.Firmware, g.State))
	if g.Clock != nil {
		s.entry("", "clock "+g.Clock.Format(time.RFC3339))
	}
	s.entry("", fmt.Sprintf("frames of %d bytes, %d in flight, messages up to %d bytes", g.MTU, g.Window, g.MaxMessage))
	s.entry("", "can "+strings.Join(g.Features, ", "))
	store := ""
	if g.KeyStore != "" {
		store = " in " + g.KeyStore
	}
	if g.Generation == 0 {
		s.entry("", strings.TrimSuffix("no key yet; keys are made"+store, "; keys are made"))
		return
	}
	s.entry("", fmt.Sprintf("key %s%s, generation %d, device id %s, re-enrolls: %s", g.KeyType, store, g.Generation, g.DeviceID, g.Reenroll))
}

func versions(least, most uint8) string {
	if least == most {
		return fmt.Sprint(least)
	}
	return fmt.Sprintf("%d to %d", least, most)
}

func (s report) verdict(t *trial, r tryRow) {
	switch {
	case r.Code != "":
		s.entry("verdict", fmt.Sprintf("✗ %s %s", r.Code, r.Message))
	case r.Fits:
		s.entry("verdict", "✓ profile "+r.Profile+" fits what is there")
	default:
		s.entry("verdict", "✗ profile "+r.Profile+" does not fit what is there")
	}
	if !t.opened() {
		return
	}
	a := r.Recommend
	head := a.Why
	if a.Profile != "" {
		head = fmt.Sprintf("%s at %d baud: %s", a.Profile, a.Baud, a.Why)
	}
	s.entry("advice", head)
	if a.Profile != "" && len(a.Lines) == 0 {
		s.entry("", "the configuration says so already")
	}
	for _, line := range a.Lines {
		s.printf("%-*s%s\n", labelColumn, "", plain(line))
	}
}

// wrapWords breaks a text between words; a word that is longer than a line stays whole.
func wrapWords(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len([]rune(line))+1+len([]rune(word)) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

func cutText(s string, width int) string {
	if r := []rune(s); len(r) > width {
		return string(r[:width-1]) + "…"
	}
	return s
}
