package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"provstation/serialproto"
	"provstation/station"
	"provstation/station/config"
)

func announceFrame(t testing.TB) []byte {
	t.Helper()
	payload, err := serialproto.Encode(serialproto.Announce{MinVersion: 1, MaxVersion: 1, Model: "box", Serial: "SN-1", BootID: []byte("12345678")})
	if err != nil {
		t.Fatal(err)
	}
	frame, err := serialproto.AppendFrame(nil, 0, serialproto.Frame{Dir: serialproto.DeviceToHost, Kind: serialproto.KindAnnounce, Payload: payload})
	if err != nil {
		t.Fatal(err)
	}
	return frame
}

// noise is what a line at the wrong speed gives.
func noise(n int) []byte {
	out := make([]byte, n)
	x := uint32(1)
	for i := range out {
		x = x*1664525 + 1013904223
		out[i] = byte(x>>24) | 0x80
		if i%5 == 0 {
			out[i] = 0
		}
	}
	return out
}

const bootBanner = "U-Boot 2026.01 (Jan 01 2026)\r\n\r\nDRAM:  512 MiB\r\nHit any key to stop autoboot:  3 \b\b\b 2 \b\b\b 1 "

func TestJudgeSpeech(t *testing.T) {
	frame := announceFrame(t)
	for name, tc := range map[string]struct {
		segments []string
		prompt   string
		want     string   // kind
		flags    []string // countdown, boot, kernel, mcu, login, shell
	}{
		"nothing":           {nil, "", heardSilent, nil},
		"agent":             {[]string{string(frame)}, "", heardAgent, nil},
		"agent after noise": {[]string{string(noise(100)) + "\x00" + string(frame)}, "", heardAgent, nil},
		"agent after boot":  {[]string{bootBanner + "\r\n" + string(frame)}, "", heardAgent, []string{"countdown", "boot"}},
		"countdown alone":   {[]string{bootBanner}, "", heardBoot, []string{"countdown", "boot"}},
		"kernel":            {[]string{"[    0.000000] Linux version 6.1.0\r\n[    0.104211] smp: up\r\n"}, "", heardBoot, []string{"kernel"}},
		"microcontroller":   {[]string{"ESP-ROM:esp32s3-20210327\r\nrst:0x1 (POWERON),boot:0x8\r\n"}, "", heardBoot, []string{"mcu"}},
		"login":             {[]string{"\r\nDebian GNU/Linux 12 box ttyS0\r\n\r\nbox login: "}, "", heardLogin, []string{"login"}},
		"password":          {[]string{"box login: root\r\nPassword: "}, "", heardLogin, []string{"login"}},
		"shell":             {[]string{"\r\n/ # "}, "", heardShell, []string{"shell"}},
		"coloured shell":    {[]string{"\x1b[01;32mroot@box\x1b[00m:~$ \x1b[6n"}, "", heardShell, []string{"shell"}},
		"own prompt":        {[]string{"\r\nrouter> enable\r\n(config) "}, `\(config\) $`, heardShell, []string{"shell"}},
		"not that prompt":   {[]string{"\r\n/ # "}, `\(config\) $`, heardText, nil},
		"text":              {[]string{"temperature 20 °C, all is well\r\n"}, "", heardText, nil},
		"noise":             {[]string{string(noise(400))}, "", heardGarbage, nil},
		"a glitch":          {[]string{"\x00\xfe\x80"}, "", heardText, nil}, // too little to judge by
		"session in between": {
			[]string{string(frame), "[    9.000000] usb 1-1: new device\r\n" + string(frame)}, "", heardAgent, []string{"kernel"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var segments [][]byte
			for _, s := range tc.segments {
				segments = append(segments, []byte(s))
			}
			var prompt *regexp.Regexp
			if tc.prompt != "" {
				prompt = regexp.MustCompile(tc.prompt)
			}
			s := judgeSpeech(segments, prompt)
			var flags []string
			for _, f := range []struct {
				is   bool
				name string
			}{{s.Countdown, "countdown"}, {s.Boot, "boot"}, {s.Kernel, "kernel"}, {s.MCU, "mcu"}, {s.Login, "login"}, {s.Shell, "shell"}} {
				if f.is {
					flags = append(flags, f.name)
				}
			}
			if diff := cmp.Diff(tc.flags, flags); s.kind() != tc.want || diff != "" {
				t.Errorf("got %s, want %s; flags (-want +got):\n%s", s.kind(), tc.want, diff)
			}
		})
	}
}

func TestRecommend(t *testing.T) {
	agent, _ := config.Default().DeviceProfile("agent")
	mcu, _ := config.Default().DeviceProfile("mcu")
	big := &serialproto.Welcome{MTU: 246, Window: 8, MaxMessage: 32768}
	for name, tc := range map[string]struct {
		speech  speech
		welcome *serialproto.Welcome
		used    config.DeviceProfile
		want    string
	}{
		"agent":              {speech{Announced: 4}, big, agent, "agent"},
		"agent as mcu":       {speech{Announced: 4}, &serialproto.Welcome{MTU: 246, Window: 1, MaxMessage: 4096}, mcu, "mcu"}, // as it was asked
		"small messages":     {speech{Announced: 4}, &serialproto.Welcome{MTU: 246, Window: 8, MaxMessage: 4096}, agent, "mcu"},
		"one frame":          {speech{Announced: 4}, &serialproto.Welcome{MTU: 246, Window: 1, MaxMessage: 32768}, agent, "mcu"},
		"started on opening": {speech{Announced: 4, MCU: true}, big, agent, "mcu"},
		"countdown":          {speech{Announced: 4, Countdown: true, Boot: true}, big, agent, "uboot"},
		"countdown of MCU":   {speech{Announced: 4, Countdown: true, MCU: true}, big, agent, "uboot"}, // the one that may do harm
		"kernel between":     {speech{Announced: 4, Between: 90}, big, agent, "shared-console"},
		"stray line":         {speech{Announced: 4, Between: 5}, big, agent, "agent"},
		"login":              {speech{Bytes: 20, Login: true}, nil, agent, "console"},
		"countdown alone":    {speech{Bytes: 20, Countdown: true}, nil, agent, "uboot"},
		"kernel alone":       {speech{Bytes: 20, Kernel: true}, nil, agent, ""},
		"noise":              {speech{Bytes: 20, Garbage: true}, nil, agent, ""},
		"nothing":            {speech{}, nil, agent, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := recommendFor(hearing{speech: tc.speech, Welcome: tc.welcome}, tc.used)
			if got.Profile != tc.want || got.Why == "" {
				t.Errorf("got %q because %q, want %q with a reason", got.Profile, got.Why, tc.want)
			}
		})
	}
}

// What is advised is a configuration that loads, and gives the port the profile.
func TestAdviceLines(t *testing.T) {
	for name, tc := range map[string]struct {
		port station.PortInfo
		heard
		want string
	}{
		"usb":    {station.PortInfo{Path: "/dev/ttyUSB0", VID: "10C4", PID: "EA60", SlotName: "left"}, heard{9600, speech{Announced: 1, MCU: true}}, "mcu-9600"},
		"slot":   {station.PortInfo{Path: "/dev/ttyS0", SlotName: "left"}, heard{115200, speech{Bytes: 9, Login: true}}, "console"},
		"path":   {station.PortInfo{Path: "/dev/ttyS0", SlotName: "/dev/ttyS0"}, heard{115200, speech{Bytes: 9, Shell: true}}, "console"},
		"server": {station.PortInfo{Path: "tcp://192.0.2.1:4001", Network: true}, heard{115200, speech{Announced: 1, Countdown: true}}, "uboot"},
		"same":   {station.PortInfo{Path: "/dev/ttyS0"}, heard{115200, speech{Announced: 1}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config.Default()
			tr := &trial{cfg: cfg, port: tc.port, choice: cfg.ProfileFor(tc.port), heard: hearing{speech: tc.speech, Baud: tc.baud}}
			lines := strings.Join(tr.recommend().Lines, "\n")
			if tc.want == "" {
				if lines != "" {
					t.Errorf("got lines, want none: the configuration says so\n%s", lines)
				}
				return
			}
			path := writeStation(t, lines)
			c, _, err := config.Load(config.LoadOptions{Path: path, Env: map[string]string{"HOME": t.TempDir()}})
			if err != nil {
				t.Fatalf("%v\n%s", err, lines)
			}
			if got := c.ProfileFor(tc.port); got.Name != tc.want || got.Profile.Baud != tc.baud {
				t.Errorf("got %s at %d by %s, want %s at %d\n%s", got.Name, got.Profile.Baud, got.Why(), tc.want, tc.baud, lines)
			}
		})
	}
}

type heard struct {
	baud int
	speech
}

// Whatever a port says, judging it ends, and what is shown of it steers no terminal.
func FuzzJudgeSpeech(f *testing.F) {
	f.Add([]byte(bootBanner), []byte("box login: "))
	f.Add(noise(64), announceFrame(f))
	f.Add([]byte("\x1b[2J\x1b]0;x\x07\xff\xfe"), []byte("\\ \x9b31m"))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		s := judgeSpeech([][]byte{a, b}, nil)
		if s.kind() == "" || len(s.Text) > mostText || s.Bytes != len(a)+len(b) {
			t.Errorf("got %+v of %d bytes", s, len(a)+len(b))
		}
		for _, line := range (hearing{speech: s}).tail() {
			if strings.ContainsFunc(line, func(r rune) bool { return r < 0x20 || r == 0x7f || r >= 0x80 && r < 0xa0 }) {
				t.Errorf("control character in %q", line)
			}
		}
		if again := judgeSpeech([][]byte{bytes.Clone(a), bytes.Clone(b)}, nil); again.kind() != s.kind() {
			t.Errorf("got %s and %s of the same bytes", s.kind(), again.kind())
		}
	})
}
