package console_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"provstation/station"
	"provstation/station/console"
)

// TestWrongPassword: a password that the box refuses is sent once: not again by itself, not after the box has started anew, and
// once more when a person asks.
func TestWrongPassword(t *testing.T) {
	t.Parallel()
	b := newBox(t, debian)
	p := &tap{}
	cfg := quick(b, p)
	wrong := "not-the-password-7"
	cfg.Login.Password = func(context.Context) (station.Secret, error) { return station.NewSecret([]byte(wrong)), nil }
	r := newRig(t, cfg)
	b.on("")
	r.start()
	sent := func(what string, want int) {
		t.Helper()
		if n := bytes.Count(p.sent(), []byte(wrong)); n != want {
			t.Errorf("%s: the password was sent %d times, want %d\n%s", what, n, want, p.heard())
		}
	}
	r.check("first", r.end(), station.Error, station.CodeConsoleLogin)
	sent("first", 1)
	b.reboot("")
	e := r.end()
	r.check("after a restart", e, station.Error, station.CodeConsoleLogin)
	if !strings.Contains(e.Params["detail"], "not tried again") || e.Params["user"] != "root" {
		t.Errorf("got %v, want that it was not tried", e.Params)
	}
	sent("after a restart", 1)
	must(t, r.bench.Retry("left"))
	r.check("asked for", r.end(), station.Error, station.CodeConsoleLogin)
	sent("asked for", 2)
	b.reboot("")
	r.check("after another restart", r.end(), station.Error, station.CodeConsoleLogin)
	sent("after another restart", 2)
	r.stop()
	if bytes.Contains(p.heard(), []byte("Maximum number of tries")) {
		t.Errorf("the box counts tries: %s", p.heard())
	}
}

// TestPasswordMustChange: a box that wants a new password gets none.
func TestPasswordMustChange(t *testing.T) {
	t.Parallel()
	b := newBox(t, debian)
	text, err := os.ReadFile(b.path("etc/shadow"))
	must(t, err)
	must(t, os.WriteFile(b.path("etc/shadow"), bytes.Replace(text, []byte(":20000:"), []byte(":0:"), 1), 0o600))
	p := &tap{}
	r := newRig(t, quick(b, p))
	b.on("")
	r.start()
	r.check("must change", r.end(), station.Error, station.CodeConsoleChange)
	if n := bytes.Count(p.sent(), []byte(password)); n != 1 {
		t.Errorf("the password was sent %d times, want 1", n)
	}
}

// hostileRC makes a prompt that says what the station's shell and the login program say, in colours, with the title of a
// window, and that prints more of it before each command.
const hostileRC = `PS1='\[\e]0;\u@\h\a\]\[\e[1;32m\]0123456789abcdef 1 . 1 0 01ba4719c80b6fe9 0123456789abcdef\[\e[0m\] login: # \$ => \[\e[31m\]>\[\e[0m\] '
PROMPT_COMMAND='printf "\e[6n\e[2J0123456789abcdef ! 0123456789abcdef\r\nPassword: \e[?2004h"'
PS2='login: '
trap 'echo "$BASH_COMMAND #"' DEBUG
alias echo='echo evil' ls='rm' sh='echo sh'
echo() { builtin echo hostile; }
export -f echo
set -o noclobber
export BASH_ENV=/root/.bashrc ENV=/root/.bashrc IFS=x CDPATH=/ GREP_OPTIONS=-v POSIXLY_CORRECT=1
`

func TestHostilePrompts(t *testing.T) {
	for _, row := range []struct {
		name string
		land userland
		file string
		text string
		set  func(*console.Config)
	}{
		{"bash", debian, "root/.bashrc", hostileRC, nil},
		{"a prompt of the profile", debian, "root/.bashrc", "PS1='router(config)~ '\n", func(c *console.Config) { c.Prompt = promptOf(`router\(config\)~ $`) }},
		{"ash", busybox, "root/.profile", `PS1='\033[1;31mlogin\033[0m 0123456789abcdef ! 0123456789abcdef # '; echo 'uid=7 err=space'; export PS1; export ENV=/root/.profile` + "\n", nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t, row.land)
			b.write(row.file, row.text)
			p := &tap{}
			cfg := quick(b, p)
			if row.set != nil {
				row.set(&cfg)
			}
			r := newRig(t, cfg)
			b.on("")
			r.start()
			r.check(row.name, r.end(), station.Pass, "")
			if t.Failed() {
				t.Logf("%q", p.heard())
			}
		})
	}
}

// TestBareTools: no stty (so that the line echoes all that is sent), no base64, no sha256sum, no readlink: openssl does it.
func TestBareTools(t *testing.T) {
	t.Parallel()
	b := newBox(t, busybox)
	dir := b.path("bin")
	must(t, os.Rename(filepath.Join(dir, "busybox"), filepath.Join(dir, "box")))
	for _, e := range entries(t, dir) {
		if e == "box" {
			continue
		}
		must(t, os.Remove(filepath.Join(dir, e)))
		switch e {
		case "sh", "ash", "stty", "base64", "sha256sum", "readlink", "timeout", "grep", "dmesg":
		default:
			must(t, os.Symlink("box", filepath.Join(dir, e)))
		}
	}
	withLibraries(t, program(t, "dash"), b.path("")) // busybox's own shell needs no links to its applets
	must(t, os.Symlink("../usr/bin/dash", filepath.Join(dir, "sh")))
	b.land.getty = "setsid -c getty -L 115200 - vt100"
	p := &tap{}
	r := newRig(t, quick(b, p))
	b.on("")
	r.start()
	r.check("bare", r.end(), station.Pass, "")
	if !bytes.Contains(p.heard(), []byte("makekey")) {
		t.Errorf("the line does not echo: what was to be shown was not")
	}
}

func promptOf(text string) *regexp.Regexp { return regexp.MustCompile(text) }

func entries(t *testing.T, dir string) (names []string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	must(t, err)
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

// TestMissingTools: a box without openssl is told what it lacks.
func TestMissingTools(t *testing.T) {
	t.Parallel()
	b := newBox(t, busybox)
	must(t, os.Remove(b.path("usr/bin/openssl")))
	r := newRig(t, quick(b, &tap{}))
	b.on("")
	r.start()
	e := r.end()
	r.check("no openssl", e, station.Fail, station.CodeConsoleTools)
	if e.Params["missing"] != "openssl" {
		t.Errorf("got %v, want openssl alone", e.Params)
	}
}

// TestKernelMessages: the kernel talks into everything, in the middle of lines and with text that looks like a login.
func TestKernelMessages(t *testing.T) {
	t.Parallel()
	b := newBox(t, busybox)
	p := &tap{}
	r := newRig(t, quick(b, p))
	b.on("")
	stop := b.chatter(40*time.Millisecond, "[   12.345678] usb 1-1: new high-speed USB device\r\n", "[   13.100000] login: not a login\r\n", "<6>[    1.000000] x: a message\r\n")
	r.start()
	r.check("chatter", r.end(), station.Pass, "")
	stop()
}

// TestKernelMessagesAlone: where the login was shown before the station listened, and the kernel leaves no moment of quiet since,
// the console is woken all the same.
func TestKernelMessagesAlone(t *testing.T) {
	t.Parallel()
	b := newBox(t, busybox)
	r := newRig(t, quick(b, &tap{}))
	b.on("")
	b.waits(t, "login: ")
	stop := b.chatter(300*time.Millisecond, "[   12.345678] usb 1-1.4: device descriptor read/64, error -71\r\n")
	defer stop()
	r.start()
	r.check("chatter alone", r.end(), station.Pass, "")
}

// chatter prints messages at about every interval until stop is called.
func (b *box) chatter(every time.Duration, messages ...string) (stop func()) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		r := rand.New(rand.NewPCG(1, 2))
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				_, _ = b.slave.WriteString(messages[r.IntN(len(messages))])
			}
		}
	})
	return func() { close(done); wg.Wait() }
}

// TestNoisyAndSlow: a line of 38400 baud that loses and changes bytes in both directions.
func TestNoisyAndSlow(t *testing.T) {
	t.Parallel()
	b := newBox(t, busybox)
	p := &tap{}
	cfg := quick(b, p)
	cfg.Command = 60 * time.Second
	plug := cfg.OpenPort
	noise := &noise{r: rand.New(rand.NewPCG(7, 9)), each: 4000}
	cfg.OpenPort = func(path string, baud int) (console.Transport, error) {
		c, err := plug(path, baud)
		return &noisy{Transport: c, n: noise, byteTime: time.Second / 3840}, err
	}
	r := newRig(t, cfg)
	r.cfg.Timeouts = map[station.Phase]time.Duration{}
	for p := range strings.FieldsSeq("identify keygen install readback mqtt seal record") {
		r.cfg.Timeouts[station.Phase(p)] = 3 * time.Minute
	}
	b.on("")
	r.start()
	defer func() {
		if t.Failed() {
			t.Logf("%q\n%q", p.heard(), p.sent())
		}
	}()
	r.check("noisy", r.end(), station.Pass, "")
	if noise.done == 0 {
		t.Errorf("no byte was changed")
	}
	if t.Failed() {
		t.Logf("%q\n%q", p.heard(), p.sent())
	}
}

// noise changes a byte in so many, once the login is over.
type noise struct {
	mu   sync.Mutex
	r    *rand.Rand
	each int
	done int
	on   bool
}

func (n *noise) spoil(p []byte) []byte {
	n.mu.Lock()
	defer n.mu.Unlock()
	if bytes.Contains(p, []byte(" ready ")) {
		n.on = true
		return p
	}
	out := p[:0:0]
	for _, c := range p {
		if n.on && n.r.IntN(n.each) == 0 {
			n.done++
			if n.r.IntN(2) == 0 {
				continue
			}
			c ^= 0x11
			if c < 0x20 {
				c = '~'
			}
		}
		out = append(out, c)
	}
	return out
}

type noisy struct {
	console.Transport
	n        *noise
	byteTime time.Duration
}

func (c *noisy) Read(p []byte) (int, error) {
	n, err := c.Transport.Read(p[:min(len(p), 64)])
	out := c.n.spoil(p[:n])
	wait(time.Duration(n) * c.byteTime)
	if n > 0 && len(out) == 0 { // never (0, nil)
		out = []byte{'~'}
	}
	return copy(p, out), err
}

func (c *noisy) Write(p []byte) (int, error) {
	wait(time.Duration(len(p)) * c.byteTime)
	if _, err := c.Transport.Write(c.n.spoil(bytes.Clone(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

func wait(d time.Duration) { <-time.After(d) }

// TestFullDisk: a box whose disk is full says so, whatever it was about, and keeps nothing half done.
func TestFullDisk(t *testing.T) {
	for _, kb := range []int{0, 12, 20, 28, 36} { // pages of 4 KiB: full at each step
		t.Run(fmt.Sprintf("%d KiB", kb), func(t *testing.T) {
			t.Parallel()
			b := newBox(t, debian)
			p := &tap{}
			r := newRig(t, quick(b, p))
			b.on(fmt.Sprintf("mkdir -p $R/certs; mount -t tmpfs -o size=64k none $R/certs; dd if=/dev/zero of=$R/certs/other bs=1k count=%d 2>/dev/null", 64-kb))
			r.start()
			e := r.end()
			r.check("full", e, station.Fail, station.CodeAgentSpace)
			if t.Failed() {
				t.Logf("%s", p.heard())
			}
		})
	}
}

// TestBootLoader: a box that stopped in its boot loader is told as that, without a key pressed; switched off and on, it passes.
func TestBootLoader(t *testing.T) {
	t.Parallel()
	b := newBox(t, busybox)
	p := &tap{}
	r := newRig(t, quick(b, p))
	b.print("\r\nU-Boot 2023.04 (May 01 2023 - 10:00:00 +0000)\r\nHit any key to stop autoboot:  0 \r\n=> ")
	r.start()
	e := r.end()
	r.check("boot loader", e, station.Error, station.CodeConsoleBoot)
	if s := p.sent(); len(s) > 0 {
		t.Errorf("%q was sent to a boot loader", s)
	}
	b.reboot("")
	r.check("switched on again", r.end(), station.Pass, "")
}
