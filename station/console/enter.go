package console

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"time"

	"provstation/station"
)

const (
	helloWait = 6 * time.Second
	probeWait = 8 * time.Second
	setTries  = 4
	toolWord  = `^[a-z0-9_]+(:[a-z0-9_]+)?$`
)

var toolName = regexp.MustCompile(toolWord)

// begin logs in, if need be, and has the login shell replaced by one that reads requests.
func (l *line) begin(ctx context.Context) error {
	l.sess = nil
	if err := l.login(ctx); err != nil {
		if l.screen.reset {
			l.restarted()
		}
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, 2*l.cfg.LoginTimeout, errLoginTime)
	defer cancel()
	s := &shell{term: l.term, token: newToken(), maxLine: l.cfg.MaxLine, loaded: map[string]bool{}}
	err := l.replaceShell(ctx, s)
	if err == nil {
		err = l.setUp(ctx, s)
	}
	if err != nil {
		if !s.lost { // else it has left already: what stands there may be a boot
			_ = l.term.write(context.WithoutCancel(ctx), []byte("\x03"))
		}
		if s.lost = true; s.reset {
			l.restarted()
		}
		if errors.Is(err, context.DeadlineExceeded) && errors.Is(context.Cause(ctx), errLoginTime) {
			return fault(station.CodeConsoleShell, station.Timeout, "its shell does not answer in time")
		}
		return err
	}
	l.sess = s
	return nil
}

// firstLine makes the login shell a reader of lines. It is sent to a shell of which nothing is known, which may echo it, edit
// it and keep it; so it holds the token in two pieces. History is switched off first, and exec leaves none. A shell that is
// process 1 is not replaced: its end would be the kernel's.
func firstLine(token string, clean bool, become Become) string {
	env := "env E=$$ "
	if clean {
		env = `env -i E=$$ PATH="$PATH:/usr/sbin:/sbin" HOME="$HOME" LC_ALL=C `
	}
	if become == BecomeSudo {
		env = "sudo -p '" + token[:8] + sudoPrompt + "' " + env
	}
	return ` unset HISTFILE;stty -echo;e=exec;[ $$ = 1 ]&&e=;$e ` + env + `sh -c 'T=` + token[:5] + `"` + token[5:] +
		`";echo;echo "$T hello $(id -u) $E $$ $T";while IFS= read -r l;do eval "$l";echo;echo "$T . $T";done'`
}

const sudoPrompt = " sudo: "

// replaceShell sends the first line until its shell says hello.
func (l *line) replaceShell(ctx context.Context, s *shell) error {
	for try := range setTries {
		l.screen.clear()
		if err := l.term.write(ctx, []byte(firstLine(s.token, try%2 == 0, l.cfg.Login.Become)+"\r")); err != nil {
			return err
		}
		w, err := l.word(ctx, s, "hello", helloWait)
		if err == nil && len(w) == 4 {
			s.outer = w[2] != w[3] && w[2] != "1"
			l.sudos.forget()
			return nil
		}
		if !errors.Is(err, errQuiet) {
			return err
		}
		if err := l.term.write(ctx, []byte("\x03\r")); err != nil { // out of a quote, a pager, a program
			return err
		}
		if _, err := l.find(ctx, time.Second); err != nil {
			return err
		}
		s.buf = nil
	}
	return l.said(station.CodeConsoleShell, station.Fail, lastLine(l.shown()))
}

// word waits for what the new shell says; sudo's question for the password is answered, once.
func (l *line) word(ctx context.Context, s *shell, want string, within time.Duration) ([]string, error) {
	until := time.Now().Add(within)
	asked := false
	for {
		f, err := s.next(ctx, earlier(until, time.Now().Add(l.cfg.Settle)))
		if errors.Is(err, errQuiet) && time.Now().Before(until) {
			if l.cfg.Login.Become == BecomeSudo && strings.HasSuffix(plain(s.buf), s.token[:8]+sudoPrompt) {
				if asked {
					return nil, l.sudoRefused()
				}
				asked = true
				until = time.Now().Add(afterRefuse)
				s.buf = nil
				if err := l.sendPassword(ctx, &l.sudos); err != nil {
					return nil, bySudo(err)
				}
				s.buf = append(s.buf, l.screen.text...)
			}
			continue
		}
		if asked && errors.Is(err, station.ErrSessionLost) { // it took the login's shell, and left
			return nil, l.sudoRefused()
		}
		if err != nil {
			return nil, err
		}
		if f.kind == frameWord && f.words[0] == want {
			return f.words, nil
		}
	}
}

// bySudo says that it is sudo which wanted the password.
func bySudo(err error) error {
	if f, ok := station.AsFault(err); ok && (f.Code == station.CodeConsoleLogin || f.Code == station.CodeConsolePassword) {
		f.Params["detail"] = "sudo: " + f.Params["detail"]
	}
	return err
}

func (l *line) sudoRefused() error {
	l.sudos.refuse()
	_ = l.press(context.Background(), "\x03")
	return l.withUser(fault(station.CodeConsoleLogin, station.Error, "sudo"))
}

// setUp finds out what the box has and hands it the shell that checks what it reads.
func (l *line) setUp(ctx context.Context, s *shell) error {
	have, err := l.tools(ctx, s)
	if err != nil {
		return err
	}
	script, missing := core(have, l.cfg.Idle)
	for range 2 { // nothing is lacking because a name was lost on the way
		if len(missing) == 0 {
			break
		}
		more, err := l.tools(ctx, s)
		if err != nil {
			return err
		}
		maps.Copy(have, more)
		script, missing = core(have, l.cfg.Idle)
	}
	l.have = have
	if len(missing) > 0 {
		f := fault(station.CodeConsoleTools, station.Fail, "")
		f.Params["missing"] = strings.Join(missing, ", ")
		f.Err = fmt.Errorf("the box lacks %s", f.Params["missing"])
		return f
	}
	hash, _ := pick(hashes, have)
	dec, _ := pick(decodes, have)
	for range setTries {
		err = l.handOver(ctx, s, script, hash, dec)
		if !errors.Is(err, errQuiet) {
			return err
		}
		s.slower()
	}
	return fault(station.CodeConsoleShell, station.Fail, "it does not take the station's shell")
}

// tools asks for the programs of the box. Asking again does no harm.
func (l *line) tools(ctx context.Context, s *shell) (map[string]bool, error) {
	list := strings.Join(append(append([]string{}, needed...), wanted...), " ")
	lines := []string{
		`o=`,
		`for t in ` + list + `;do command -v $t >/dev/null 2>&1&&o="$o $t";done`,
		`for t in base64 sha256sum;do busybox $t </dev/null >/dev/null 2>&1&&o="$o busybox:$t";done`,
		`echo;echo "$T tools$o $T"`,
	}
	for range setTries {
		for _, ln := range lines {
			if err := l.term.write(ctx, []byte(ln+"\r")); err != nil {
				return nil, err
			}
		}
		w, err := l.word(ctx, s, "tools", probeWait)
		if errors.Is(err, errQuiet) {
			s.slower()
			continue
		}
		if err != nil {
			return nil, err
		}
		have := map[string]bool{}
		for _, t := range w[1:] {
			if toolName.MatchString(t) && len(have) < 64 {
				have[t] = true
			}
		}
		return have, nil
	}
	return nil, fault(station.CodeConsoleShell, station.Fail, "its shell does not answer")
}

// handOver sends the core as base64, which means nothing to a shell whatever noise makes of it, has its digest compared, and
// starts it.
func (l *line) handOver(ctx context.Context, s *shell, script, hash, dec string) error {
	text := b64([]byte(script))
	if err := l.rawLine(ctx, s, "s="); err != nil {
		return err
	}
	for len(text) > 0 {
		n := min(len(text), s.maxLine-16)
		if err := l.rawLine(ctx, s, "s=${s}"+text[:n]); err != nil {
			return err
		}
		text = text[n:]
	}
	ask := `echo;set -- $(printf %s "$s"|` + dec + `|` + hash + `);echo "$T sum ${1%"${1#????????????????}"} $T"`
	if err := l.term.write(ctx, []byte(ask+"\r")); err != nil {
		return err
	}
	w, err := l.word(ctx, s, "sum", probeWait)
	if err != nil {
		return err
	}
	if len(w) != 2 || w[1] != check(script) {
		return errQuiet
	}
	if err := l.term.write(ctx, []byte(`eval "$(printf %s "$s"|`+dec+`)"`+"\r")); err != nil {
		return err
	}
	_, err = l.word(ctx, s, "ready", probeWait)
	return err
}

// rawLine sends a line to the shell that checks nothing, and waits until it has read it: no terminal takes more than 4095 bytes ahead.
func (l *line) rawLine(ctx context.Context, s *shell, text string) error {
	if err := l.term.write(ctx, []byte(text+"\r")); err != nil {
		return err
	}
	until := time.Now().Add(probeWait)
	for {
		f, err := s.next(ctx, until)
		if err != nil || f.kind == frameUnheard {
			return err
		}
	}
}
