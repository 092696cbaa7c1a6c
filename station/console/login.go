package console

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"provstation/station"
)

const (
	loginSteps  = 12 // prompts answered on the way to a shell
	loginQuiet  = 8 * time.Second
	typeDelay   = 150 * time.Millisecond // login programs throw away what was typed before their prompt
	afterRefuse = 10 * time.Second
)

// login goes from whatever the console shows to a shell's prompt. The password is sent once.
func (l *line) login(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, l.cfg.LoginTimeout, errLoginTime)
	defer cancel()
	err := l.loginSteps(ctx)
	if errors.Is(err, context.DeadlineExceeded) && errors.Is(context.Cause(ctx), errLoginTime) {
		f := l.said(station.CodeConsolePrompt, station.Timeout, lastLine(l.shown()))
		f.Err = errLoginTime
		return f
	}
	return err
}

var errLoginTime = errors.New("the login took too long")

func (l *line) loginSteps(ctx context.Context) error {
	named, sent := false, false
	for range loginSteps {
		s, err := l.find(ctx, loginQuiet)
		if err != nil {
			return err
		}
		text := plain(l.screen.text)
		if sent {
			if f := l.judgePassword(ctx, s, text); f != nil {
				return f
			}
		}
		switch s {
		case seenShell:
			if !named {
				l.note("a shell was open on the console already; it is used, and ended as if it were the station's own")
			}
			return nil
		case seenLogin:
			if named {
				return l.loginRefused()
			}
			named = true
			l.screen.clear()
			if err := l.enter(ctx, []byte(l.cfg.Login.User)); err != nil {
				return err
			}
		case seenPassword:
			if !named { // somebody else's name stands there
				err = l.press(ctx, "\x04")
				break
			}
			sent = true
			err = l.sendPassword(ctx, &l.logins)
		case seenActivate:
			err = l.press(ctx, "\r")
		case seenOurs:
			err = l.press(ctx, "exit\r")
		default:
			return l.notLogin(s)
		}
		if err != nil {
			return err
		}
	}
	return l.notLogin(seenOther)
}

// press sends a key and forgets what stood there before.
func (l *line) press(ctx context.Context, keys string) error {
	l.screen.clear()
	return l.term.write(ctx, []byte(keys))
}

// enter types a text and Enter, after a moment.
func (l *line) enter(ctx context.Context, text []byte) error {
	if err := pause(ctx, typeDelay); err != nil {
		return err
	}
	return l.term.write(ctx, append(bytes.Clone(text), '\r'))
}

// sendPassword sends the password to an asker, once. What the box shows until the next line is not recorded: some show what is typed.
func (l *line) sendPassword(ctx context.Context, to *tried) error {
	pw, err := l.password(ctx, to)
	if err != nil {
		return err
	}
	l.screen.clear()
	l.hider = newHider(pw.Reveal())
	l.term.hide(l.hider)
	to.send(pw.Reveal())
	if err := l.enter(ctx, pw.Reveal()); err != nil {
		return err
	}
	return l.untilLineEnd(ctx)
}

// untilLineEnd waits for the line end that a login program answers a password with. A box that sends none within two seconds
// has not shown what was typed either.
func (l *line) untilLineEnd(ctx context.Context) error {
	buf := make([]byte, readSize)
	for until := time.Now().Add(2 * time.Second); ; {
		n, err := l.term.read(ctx, until, buf)
		if errors.Is(err, errQuiet) {
			return nil
		}
		if err != nil {
			return err
		}
		l.screen.add(buf[:n])
		if i := bytes.IndexByte(l.screen.text, '\n'); i >= 0 {
			rest := bytes.Clone(l.screen.text[i+1:])
			l.screen.clear()
			l.hear(rest)
			return nil
		}
	}
}

// password asks for the secret, and refuses one that its asker has not taken before.
func (l *line) password(ctx context.Context, to *tried) (station.Secret, error) {
	if l.cfg.Login.Password == nil {
		return station.Secret{}, l.withUser(fault(station.CodeConsolePassword, station.Error, "none is configured"))
	}
	pw, err := l.cfg.Login.Password(ctx)
	if err != nil {
		f := fault(station.CodeConsolePassword, station.Error, "it cannot be read")
		f.Class, f.Err = station.Misconfigured, fmt.Errorf("read the password: %w", err)
		return station.Secret{}, l.withUser(f)
	}
	if bytes.ContainsAny(pw.Reveal(), "\r\n\x00\x03\x04") {
		f := fault(station.CodeConsolePassword, station.Error, "it holds a line end or another control character")
		f.Class = station.Misconfigured
		return station.Secret{}, l.withUser(f)
	}
	if why := to.bar(pw.Reveal()); why != "" {
		return station.Secret{}, l.withUser(fault(station.CodeConsoleLogin, station.Error, why))
	}
	return pw, nil
}

func (l *line) withUser(f *station.Fault) *station.Fault {
	f.Params["user"] = l.cfg.Login.User
	return f
}

// judgePassword looks at what came after the password. A password that was refused is remembered, so that nobody is locked
// out by tries.
func (l *line) judgePassword(ctx context.Context, s seen, text string) error {
	switch {
	case s == seenShell:
		l.logins.forget()
		return nil
	case changeText.MatchString(text) || s == seenChange:
		shown := l.shown()
		_ = l.press(ctx, "\x03") // leave the question; the login ends with it
		return l.withUser(l.said(station.CodeConsoleChange, station.Error, firstMatch(shown, changeText.FindString(shown))))
	case s == seenLogin || s == seenPassword || refuseText.MatchString(text) || barredText.MatchString(text):
		if l.screen.reset && bootText.MatchString(text) {
			return station.ErrDeviceReset
		}
		l.logins.refuse()
		f := l.loginRefused()
		if s == seenPassword { // of the same login; it is not answered
			_ = l.press(ctx, "\x04")
		}
		return f
	}
	return nil
}

// firstMatch is the line in which something was found.
func firstMatch(text, found string) string {
	for _, ln := range strings.Split(text, "\n") {
		if found != "" && strings.Contains(ln, found) {
			return ln
		}
	}
	return ""
}

func (l *line) loginRefused() error {
	text := l.shown()
	detail := barredText.FindString(text)
	if detail == "" {
		detail = refuseText.FindString(text)
	}
	return l.withUser(l.said(station.CodeConsoleLogin, station.Error, detail))
}
