package main

import (
	"bytes"
	"regexp"
	"unicode/utf8"

	"provstation/serialproto"
)

// What was heard on a port, in stable English.
const (
	heardSilent  = "silent"
	heardGarbage = "garbage" // neither text nor frames
	heardAgent   = "agent"   // an ANNOUNCE
	heardShell   = "shell"   // a shell's prompt
	heardLogin   = "login"   // a question for a user or a password
	heardBoot    = "boot"    // a boot loader or a kernel, and nothing after it
	heardText    = "text"    // text that says nothing of these
)

// speech is what the bytes of a port tell, once they are cut into frames and text.
type speech struct {
	Bytes     int
	Announced int    // frames with ANNOUNCE
	Echoes    int    // frames of our own direction: the line echoes what is sent
	Text      []byte // console text, in order
	Between   int    // of it, readable bytes that came after the first ANNOUNCE

	Countdown bool // a boot loader waits for a key
	Boot      bool // a boot loader spoke
	Kernel    bool // a kernel spoke
	MCU       bool // a microcontroller's start spoke
	Login     bool // the end asks for a user or a password
	Shell     bool // the end is a shell's prompt
	Garbage   bool
}

// What boot loaders, kernels and logins say. They are looked for in bytes that anybody may have sent: nothing but advice
// hangs on them.
var (
	bootText   = regexp.MustCompile(`(?m)U-Boot (SPL )?20\d\d|^barebox 20\d\d|^Starting kernel \.\.\.|RedBoot|^CFE version`)
	kernelText = regexp.MustCompile(`(?m)^\[ {0,4}\d+\.\d{6}\] |Linux version \d`)
	mcuText    = regexp.MustCompile(`(?m)^ESP-ROM:|^rst:0x[0-9a-f]+ \(|^ets [A-Z][a-z]{2} |^\*\*\* Booting Zephyr|^\*\*\* Booting MCUboot|Starting bootloader`)
	loginText  = regexp.MustCompile(`(?i)(login|user ?name|password): ?$`)
	shellText  = regexp.MustCompile(`(^|[^\s]) ?[$#>%] ?$`)
)

const (
	leastJudged  = 16       // bytes below which nobody can tell garbage from a glitch at plugging in
	mostText     = 64 << 10 // of what is looked at
	leastBetween = 20       // readable bytes among frames that are more than a stray line
)

// judgeSpeech looks at what a port said. segments are stretches of bytes outside any session of ours, in order. prompt is what
// the profile says of the shell's prompt; nil: the usual ones.
func judgeSpeech(segments [][]byte, prompt *regexp.Regexp) speech {
	var s speech
	implausible := 0
	for _, seg := range segments {
		s.Bytes += len(seg)
		implausible += implausibleBytes(seg)
		s.cut(seg)
	}
	if n := len(s.Text); n > mostText {
		s.Text = s.Text[n-mostText:]
	}
	s.Countdown, s.Boot = serialproto.CountdownText.Match(s.Text), bootText.Match(s.Text)
	s.Kernel, s.MCU = kernelText.Match(s.Text), mcuText.Match(s.Text)
	s.Garbage = s.Announced == 0 && s.Echoes == 0 && s.Bytes >= leastJudged && implausible*10 > s.Bytes*3
	if s.Garbage {
		return s
	}
	last := lastLine(s.Text)
	s.Login = loginText.Match(last)
	if prompt == nil {
		prompt = shellText
	}
	s.Shell = !s.Login && len(last) <= 160 && prompt.Match(last)
	return s
}

// cut takes the frames out of a stretch of bytes. Frames of a session that is not ours count as damaged, and are no text.
func (s *speech) cut(seg []byte) {
	var dec serialproto.Decoder
	frame := func(f serialproto.Frame) {
		switch {
		case f.Dir == serialproto.HostToDevice:
			s.Echoes++
		case f.Kind == serialproto.KindAnnounce:
			s.Announced++
		}
	}
	text := func(p []byte) {
		s.Text = append(s.Text, p...)
		if s.Announced > 0 {
			s.Between += len(bytes.TrimSpace(p))
		}
	}
	dec.Feed(seg, frame, text)
	dec.Flush(text)
}

// kind puts what was heard into one word, the most telling first.
func (s speech) kind() string {
	switch {
	case s.Announced > 0:
		return heardAgent
	case s.Bytes == 0:
		return heardSilent
	case s.Garbage:
		return heardGarbage
	case s.Shell:
		return heardShell
	case s.Login:
		return heardLogin
	case s.Countdown, s.Boot, s.Kernel, s.MCU:
		return heardBoot
	default:
		return heardText
	}
}

// lastLine is what stands on the last line, without colours and other sequences that a shell puts into its prompt.
func lastLine(text []byte) []byte {
	text = bytes.TrimRight(text, "\x00")
	if i := bytes.LastIndexAny(text, "\r\n"); i >= 0 {
		text = text[i+1:]
	}
	return escapeSequence.ReplaceAll(text, nil)
}

var escapeSequence = regexp.MustCompile(`\x1b(\[[0-9;?]*[ -/]*[@-~]|\][^\x07]*(\x07|$)|[@-Z\\^_])`)

// implausibleBytes counts what no console says: a line at the wrong speed is full of it.
func implausibleBytes(p []byte) int {
	n := 0
	for len(p) > 0 {
		r, size := utf8.DecodeRune(p)
		switch c := p[0]; {
		case size == 1 && r == utf8.RuneError:
			n++
		case c < 0x20 && c != '\n' && c != '\r' && c != '\t' && c != 0x1b && c != 0x08 && c != 0x07, c == 0x7f:
			n++
		}
		p = p[size:]
	}
	return n
}
