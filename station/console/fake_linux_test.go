package console_test

import (
	"bytes"
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"provstation/station"
	"provstation/station/console"
)

// fake is a box as a program of a few lines: for what no real one does at will.
type fake struct {
	net.Conn // the box's end
	got      string
	before   string // what came before the text that was waited for
}

// until reads up to a text and reports whether it came.
func (f *fake) until(text string) bool {
	buf := make([]byte, 4096)
	for !strings.Contains(f.got, text) {
		n, err := f.Read(buf)
		if err != nil {
			return false
		}
		f.got += string(buf[:n])
	}
	f.before, f.got, _ = strings.Cut(f.got, text)
	return true
}

func (f *fake) say(text string) { _, _ = f.Write([]byte(text)) }

// rest takes what is sent until the line ends, and says nothing.
func (f *fake) rest() { f.until("\x00 never") }

type typed struct {
	net.Conn
	mu sync.Mutex
	up bytes.Buffer
}

func (c *typed) Write(p []byte) (int, error) {
	c.mu.Lock()
	c.up.Write(p)
	c.mu.Unlock()
	return c.Conn.Write(p)
}

func (c *typed) sent() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.up.String()
}

func fakeLine(t *testing.T, set func(*console.Config), do func(*fake)) (station.Line, *typed) {
	t.Helper()
	near, far := net.Pipe()
	c := &typed{Conn: near}
	cfg := console.Config{
		Login: console.Login{Password: func(context.Context) (station.Secret, error) { return station.NewSecret([]byte(password)), nil }},
		Quiet: 500 * time.Millisecond, BootQuiet: 4 * time.Second, Settle: 60 * time.Millisecond, LoginTimeout: 4 * time.Second,
		OpenPort: func(string, int) (console.Transport, error) { return c, nil },
	}
	if set != nil {
		set(&cfg)
	}
	l := open(t, cfg)
	var wg sync.WaitGroup
	wg.Go(func() { do(&fake{Conn: far}) })
	t.Cleanup(func() { _ = far.Close(); wg.Wait() })
	return l, c
}

// meet is the first announcement of a box, and why its login failed.
func meet(t *testing.T, l station.Line, within time.Duration) *station.Fault {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	if _, err := l.Wait(ctx); err != nil {
		t.Fatalf("wait: %v\n%s", err, l.BootLog())
	}
	_, err := l.Greet(ctx)
	f, ok := station.AsFault(err)
	if !ok {
		t.Fatalf("greet: got %v, want a fault\n%s", err, l.BootLog())
	}
	return f
}

// TestSessionNeverBegins: a box whose login leads to no shell is announced with a fault, and is not logged in to for ever.
func TestSessionNeverBegins(t *testing.T) {
	t.Parallel()
	l, c := fakeLine(t, nil, func(f *fake) {
		for {
			for f.say("\r\nbox login: "); ; f.say("\r\nbox login: ") {
				if !f.until("\r") {
					return
				}
				if f.before == "root" {
					break
				}
			}
			f.say("root\r\nPassword: ")
			if !f.until(password + "\r") {
				return
			}
			f.say("\r\nbox:~# ")
			if !f.until("done'\r") {
				return
			}
			f.say("\r\nbye\r\n")
		}
	})
	if f := meet(t, l, 60*time.Second); f.Code != station.CodeConsoleShell {
		t.Errorf("got %s %v, want %s", f.Code, f.Params, station.CodeConsoleShell)
	}
	if n := strings.Count(c.sent(), password); n != 3 {
		t.Errorf("the password was sent %d times, want 3", n)
	}
}

// TestPasswordNowhere: whatever a box does with the password it was sent, no record of it is kept.
func TestPasswordNowhere(t *testing.T) {
	for name, answer := range map[string]func(*fake){
		"a refusal that names it, in a later chunk": func(f *fake) {
			f.say("\r\n")
			wait(200 * time.Millisecond)
			f.say("access denied for root/" + password + "\r\nbox login: ")
		},
		"in pieces": func(f *fake) {
			f.say("\r\naccess denied for root/" + password[:5])
			wait(100 * time.Millisecond)
			f.say(password[5:9])
			wait(100 * time.Millisecond)
			f.say(password[9:] + "\r\nbox login: ")
		},
		"in colours": func(f *fake) {
			f.say("\r\naccess denied for root/" + password[:5] + "\x1b[31m" + password[5:] + "\r\nbox login: ")
		},
		"an echo after a message of the kernel": func(f *fake) {
			f.say("[   12.345678] usb 1-1: new\r\n")
			wait(100 * time.Millisecond)
			f.say(password)
		},
		"a message of the kernel in the echo": func(f *fake) {
			f.say(password[:5] + "[   12.345678] usb 1-1: new\r\n")
			wait(100 * time.Millisecond)
			f.say(password[5:])
		},
		"half an echo":      func(f *fake) { f.say("\r\n" + password[:9]) },
		"an echo, and hung": func(f *fake) { f.say(password) },
		"a new password":    func(f *fake) { f.say("\r\nYour password has expired: " + password + "\r\nNew password: ") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, c := fakeLine(t, nil, func(f *fake) {
				f.say("box login: ")
				f.until("root\r")
				f.say("root\r\nPassword: ")
				f.until(password + "\r")
				answer(f)
				f.rest()
			})
			f := meet(t, l, 30*time.Second)
			all := append(l.AgentLog(), l.BootLog(), f.Error())
			if f.Err != nil {
				all = append(all, f.Err.Error())
			}
			for k, v := range f.Params {
				all = append(all, k+"="+v)
			}
			t.Logf("%q", all)
			for _, s := range all {
				for _, part := range []string{password, password[:5], password[5:]} {
					if strings.Contains(s, part) {
						t.Errorf("%q was kept: %q", part, s)
					}
				}
			}
			if n := strings.Count(c.sent(), password); n != 1 {
				t.Errorf("the password was sent %d times, want 1", n)
			}
		})
	}
}

// TestNothingIntoBoot: progress bars are drawn with the signs of prompts. Nothing is typed before such a boot is over, a pause of
// it or not.
func TestNothingIntoBoot(t *testing.T) {
	const boot = "\r\nU-Boot 2023.04 (May 01 2023)\r\nHit any key to stop autoboot:  0\r\nTFTP from server 10.0.0.1\r\n"
	for name, text := range map[string]string{
		"tftp": boot + "Loading: ", "second line": boot + "Loading: *\b" + strings.Repeat("#", 65) + "\r\n\t ", "flash": boot + "Writing at 0x00010000 ",
		"one sign": boot + "eMMC <", "other words": boot + "ubi0: attaching ",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			early := make(chan string, 1)
			var c *typed
			ready := make(chan struct{})
			l, c := fakeLine(t, nil, func(f *fake) {
				<-ready
				go f.rest()
				f.say(text)
				for range 8 {
					f.say("#")
					wait(400 * time.Millisecond) // longer than prompts must stand
				}
				early <- c.sent()
				f.say("\r\nbox login: ")
			})
			close(ready)
			go func() { _, _ = l.Wait(t.Context()) }()
			if s := <-early; s != "" {
				t.Errorf("%q was typed into a boot", s)
			}
		})
	}
}

// TestShellAfterBoot: a shell that a boot ends in is believed, once the console has been quiet.
func TestShellAfterBoot(t *testing.T) {
	t.Parallel()
	asked, used := make(chan time.Time, 1), make(chan struct{}, 1)
	l, _ := fakeLine(t, nil, func(f *fake) {
		f.say("\r\nLinux version 6.1.0\r\n/ # ")
		f.until("\r") // a shell answers the Enter key
		asked <- time.Now()
		f.say("\r\n/ # ")
		f.until("unset HISTFILE")
		used <- struct{}{}
		f.rest()
	})
	began := time.Now()
	go func() { _, _ = l.Wait(t.Context()) }()
	select {
	case <-used:
		if d := (<-asked).Sub(began); d < 4*time.Second {
			t.Errorf("the shell was used after %v, want the quiet time of a boot", d)
		}
	case <-time.After(20 * time.Second):
		t.Error("the shell was not used within 20 s")
	}
}
