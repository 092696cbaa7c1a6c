package console_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"provstation/station"
	"provstation/station/console"
)

// sudoBox is a box whose user becomes root by sudo, as its sudoers say.
func sudoBox(t *testing.T, sudoers string) (*box, *tap, console.Config) {
	t.Helper()
	program(t, "sudo")
	b := newBox(t, debian)
	b.write("etc/sudoers", sudoers)
	must(t, os.Chmod(b.path("etc/sudoers"), 0o440))
	must(t, os.Chown(b.path("home"), 1000, 1000))
	p := &tap{}
	cfg := quick(b, p)
	cfg.Login.User, cfg.Login.Become = "operator", console.BecomeSudo
	return b, p, cfg
}

// TestSudoRefuses: a password that sudo does not take is sent to it once, whether sudo asks again, ends, or lets nobody: not again
// after a restart of the box, and once more when a person asks. The run ends with the reason.
func TestSudoRefuses(t *testing.T) {
	for name, sudoers := range map[string]string{
		"not in sudoers": "root ALL=(ALL) ALL\n",
		"one try":        "Defaults passwd_tries=1, rootpw\noperator ALL=(ALL) ALL\n",
		"asks again":     "Defaults rootpw\noperator ALL=(ALL) ALL\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, p, cfg := sudoBox(t, sudoers)
			shadow, err := os.ReadFile(b.path("etc/shadow"))
			must(t, err)
			_, rest, _ := strings.Cut(string(shadow), "\n") // root has another password
			must(t, os.WriteFile(b.path("etc/shadow"), []byte("root:!:20000:0:99999:7:::\n"+rest), 0o600))
			r := newRig(t, cfg)
			b.on("")
			r.start()
			check := func(what string, want int) {
				t.Helper()
				e := r.end()
				r.check(what, e, station.Error, station.CodeConsoleLogin)
				if !strings.HasPrefix(e.Params["detail"], "sudo") || e.Params["user"] != "operator" {
					t.Errorf("%s: got %v, want that sudo refused operator", what, e.Params)
				}
				if n := bytes.Count(p.sent(), []byte(password)); n != want {
					t.Errorf("%s: the password was sent %d times, want %d\n%q", what, n, want, p.heard())
				}
			}
			check("first", 2) // login and sudo
			b.reboot("")
			check("after a restart", 3) // the login took it
			must(t, r.bench.Retry("left"))
			check("asked for", 5)
			r.stop()
		})
	}
}
