package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestUsage(t *testing.T) {
	dir := t.TempDir()
	for name, tt := range map[string]struct {
		args []string
		want int
		text string
	}{
		"no tty":          {[]string{"serve", "--state-dir", dir}, exitUsage, "--tty is required"},
		"no state dir":    {[]string{"serve", "--tty", "/dev/null"}, exitUsage, "--state-dir is required"},
		"unknown flag":    {[]string{"serve", "--key", "x"}, exitUsage, "unknown flag"},
		"unknown policy":  {[]string{"serve", "--tty", "t", "--state-dir", dir, "--reenroll", "maybe"}, exitUsage, "want open, unlock or never"},
		"negative baud":   {[]string{"serve", "--tty", "t", "--state-dir", dir, "--baud", "-1"}, exitUsage, "--baud"},
		"stray argument":  {[]string{"serve", "now"}, exitUsage, "unexpected argument"},
		"no signatures":   {[]string{"serve", "--tty", "t", "--state-dir", dir, "--max-signatures", "0"}, exitUsage, "--max-signatures"},
		"not a tty":       {[]string{"serve", "--tty", "/dev/null", "--state-dir", dir}, exitError, "not a tty"},
		"path in a name":  {[]string{"serve", "--tty", "/dev/null", "--state-dir", dir, "--file-key", "../k"}, exitError, "not a plain name"},
		"unknown command": {[]string{"export-key"}, exitError, "unknown command"},
		"version":         {[]string{"version"}, exitOK, ""},
		"no tokens":       {[]string{"serve", "--tty", "t", "--state-dir", dir, "--max-tokens", "0"}, exitUsage, "--max-tokens"},
		"renew what":      {[]string{"renew", "--state-dir", dir}, exitUsage, "want --once or --daemon"},
		"renew twice":     {[]string{"renew", "--once", "--daemon", "--state-dir", dir}, exitUsage, "want --once or --daemon"},
		"renew nowhere":   {[]string{"renew", "--once"}, exitUsage, "--state-dir is required"},
		"renew by http":   {[]string{"renew", "--once", "--state-dir", dir, "--url", "http://ca/renew"}, exitUsage, "want an https URL"},
		"renew at rekey":  {[]string{"renew", "--once", "--state-dir", dir, "--url", "https://ca/rekey"}, exitUsage, "want an https URL"},
		"renew for":       {[]string{"renew", "--once", "--state-dir", dir, "--audience", "https://ca/renew"}, exitUsage, "--audience goes with --url"},
		"renew by force":  {[]string{"renew", "--daemon", "--force", "--state-dir", dir}, exitUsage, "--force goes with --once"},
		"two trusts":      {[]string{"renew", "--once", "--state-dir", dir, "--server-ca", "f", "--system-ca"}, exitUsage, "not both"},
		"nothing set up":  {[]string{"renew", "--once", "--state-dir", dir}, exitError, "not-set-up"},
		"not sealed":      {[]string{"renew", "--once", "--state-dir", dir, "--url", "https://ca.example/renew"}, exitError, "not-sealed"},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errOut bytes.Buffer
			if got := run(t.Context(), tt.args, &out, &errOut); got != tt.want {
				t.Errorf("got exit code %d, want %d: %s", got, tt.want, &errOut)
			}
			if !strings.Contains(errOut.String(), tt.text) {
				t.Errorf("got %q, want %q in it", &errOut, tt.text)
			}
		})
	}
}

func TestHelpSaysWhatUnlockIs(t *testing.T) {
	var out bytes.Buffer
	if got := run(t.Context(), []string{"serve", "--help"}, &out, &out); got != exitOK {
		t.Fatalf("got exit code %d, want %d", got, exitOK)
	}
	for _, want := range []string{"an unlock that a pinned key signed", "cannot be unlocked; only flashing it anew", "--sign-tls12", "--manage-clock", "--manage-console", "(default \"unlock\")"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("help does not say %q:\n%s", want, &out)
		}
	}
}

func TestBuildTimeIsPlausible(t *testing.T) {
	if b := buildTime(); b.Before(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)) || b.After(time.Now().AddDate(1, 0, 0)) {
		t.Errorf("got build time %v", b)
	}
}

// TestLinksLittle keeps the agent small: no screen, no SQL, no engine. It links net/http for one thing: a box renews its
// certificate at the CA by itself, and speaking HTTPS through proxies by own code would be no smaller for long.
func TestLinksLittle(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "provstation/cmd/provagent").Output()
	if err != nil {
		t.Fatal(err)
	}
	allowed := map[string]bool{
		"provstation/cmd/provagent": true, "provstation/serialproto": true, "provstation/serialproto/link": true,
		"provstation/serialproto/agent": true, "provstation/serialproto/agent/filestore": true, "provstation/station/wgconf": true, "provstation/station/mqttcheck": true,
		"provstation/station/wgcheck": true, "provstation/station/onbox": true,
	}
	for dep := range strings.Lines(string(out)) {
		dep = strings.TrimSpace(dep)
		for _, bad := range []string{"net/http/httptest", "net/http/pprof", "database/sql", "charm.land/", "modernc.org/", "go.bug.st/", "gvisor.dev/", "golang.zx2c4.com/wireguard/device"} {
			if strings.HasPrefix(dep, bad) {
				t.Errorf("provagent links %s", dep)
			}
		}
		if strings.HasPrefix(dep, "provstation/") && !allowed[dep] {
			t.Errorf("provagent links %s, want only the wire, the agent, the broker test, renewal, the tunnel's configuration and check", dep)
		}
	}
}

// TestUnitsFit: the units that are shipped start this program with flags that it has.
func TestUnitsFit(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "assets", "systemd", "provagent*.service"))
	if err != nil || len(files) != 4 {
		t.Fatalf("got %v, %v, want four services", files, err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		_, line, found := strings.Cut(string(text), "\nExecStart=/usr/bin/provagent ")
		line, _, _ = strings.Cut(line, "\n")
		line = strings.NewReplacer(
			"${PROVAGENT_STATE_DIR}", t.TempDir(), " $PROVAGENT_RENEW_FLAGS", "", "${PROVAGENT_BAUD}", "115200", "%I", "ttyS0",
			"$PROVAGENT_FLAGS", setByUnit(string(text), "PROVAGENT_FLAGS"),
		).Replace(line)
		args := strings.Fields(line)
		if !found || strings.Contains(line, "$") {
			t.Fatalf("%s: got command line %q", f, line)
		}
		if err := fits(args); err != nil {
			t.Errorf("%s: %q: %v", f, args, err)
		}
	}
}

// setByUnit is what a unit sets a variable to.
func setByUnit(unit, name string) string {
	_, value, _ := strings.Cut(unit, "\nEnvironment="+name+"=")
	value, _, _ = strings.Cut(value, "\n")
	return value
}

// fits parses a command line as the program does.
func fits(args []string) error {
	if args[0] == "serve" {
		var o options
		cmd := serveCommandFor(&o, &bytes.Buffer{})
		if err := cmd.ParseFlags(args[1:]); err != nil {
			return err
		}
		return o.check()
	}
	var o renewOptions
	cmd := renewCommandFor(&o, &bytes.Buffer{})
	if err := cmd.ParseFlags(args[1:]); err != nil {
		return err
	}
	if args[0] != cmd.Name() {
		return errors.New("no such command")
	}
	return o.check()
}
