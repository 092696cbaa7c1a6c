package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"provstation/station/config"
	"provstation/station/ledger"
)

func TestDoctorConfig(t *testing.T) {
	for name, tc := range map[string]struct {
		err  error
		mode fs.FileMode
		want expect
	}{
		"in order":            {nil, 0o600, expect{"config", checkOK, "station.yaml", ""}},
		"others may write":    {nil, 0o666, expect{"config", checkWarn, "0666", "chmod go-w "}},
		"not found":           {fmt.Errorf("%w: looked", config.ErrNotFound), 0o600, expect{"config", checkFail, "no configuration", "--config"}},
		"not readable":        {&fs.PathError{Op: "open", Path: "x", Err: fs.ErrPermission}, 0o600, expect{"config", checkFail, "x", "let this user read"}},
		"named but not there": {&fs.PathError{Op: "open", Path: "x", Err: fs.ErrNotExist}, 0o600, expect{"config", checkFail, "x", "--config"}},
		"a problem": {
			&config.Error{Problems: []config.Problem{{Where: "s.yaml:3", Key: "bridge.url", Message: "is missing"}}}, 0o600,
			expect{"config", checkFail, "s.yaml:3: bridge.url", "provstation config check"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPatient(t)
			p.loadErr = tc.err
			p.src.Path = p.file("station.yaml", "", tc.mode)
			tc.want.in(t, p.checkConfig(t.Context()))
		})
	}
}

func TestDoctorClock(t *testing.T) {
	at := func(text string) func() time.Time {
		return func() time.Time {
			v, err := time.Parse(time.DateOnly, text)
			if err != nil {
				t.Error(err)
			}
			return v
		}
	}
	for name, tc := range map[string]struct {
		now           func() time.Time
		synced, known bool
		want          expect
	}{
		"kept right": {time.Now, true, true, expect{"clock", checkOK, "synchronised", ""}},
		"runs free":  {time.Now, false, true, expect{"clock", checkWarn, "not synchronised", "timedatectl set-ntp true"}},
		"unknown":    {time.Now, false, false, expect{"clock", checkOK, "does not say", ""}},
		"1970":       {at("1970-01-01"), true, true, expect{"clock", checkFail, "1970", "timedatectl set-ntp true"}},
		"2199":       {at("2199-01-01"), true, true, expect{"clock", checkFail, "2199", "timedatectl set-ntp true"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPatient(t)
			p.sys.now, p.sys.synced = tc.now, func() (bool, bool) { return tc.synced, tc.known }
			tc.want.in(t, p.checkClock(t.Context()))
		})
	}
}

// existingLedger makes a ledger and closes it.
func (p *patient) existingLedger() string {
	p.t.Helper()
	l, err := ledger.Open(p.t.Context(), p.cfg.Ledger.URL, ledger.Config{})
	if err != nil {
		p.t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		p.t.Fatal(err)
	}
	return ledgerFile(p.cfg.Ledger.URL)
}

func TestDoctorLedger(t *testing.T) {
	for name, tc := range map[string]struct {
		prepare func(p *patient)
		want    expect
	}{
		"not there yet": {func(*patient) {}, expect{"ledger", checkOK, "the first run makes it", ""}},
		"in order":      {func(p *patient) { p.existingLedger() }, expect{"ledger", checkOK, "sound, writable, schema", ""}},
		"in memory":     {func(p *patient) { p.cfg.Ledger.URL = "sqlite::memory:" }, expect{"ledger", checkWarn, "in memory", "sqlite:PATH"}},
		"no database": {func(p *patient) {
			p.cfg.Ledger.URL = "sqlite:" + p.file("l.db", strings.Repeat("hello world ", 500), 0o600)
		}, expect{"ledger", checkFail, "l.db", "restore the last backup"}},
		"damaged": {func(p *patient) {
			file := p.existingLedger()
			f, err := os.OpenFile(file, os.O_RDWR, 0)
			if err != nil {
				p.t.Fatal(err)
			}
			defer f.Close()
			fi, err := f.Stat()
			if err != nil {
				p.t.Fatal(err)
			}
			junk := []byte(strings.Repeat("\xa5", 4096))
			for at := int64(8192); at+4096 <= fi.Size(); at += 4096 {
				if _, err := f.WriteAt(junk, at); err != nil {
					p.t.Fatal(err)
				}
			}
		}, expect{"ledger", checkFail, "damaged", "restore the last backup"}},
		"folder is a file": {func(p *patient) { p.cfg.Ledger.URL = "sqlite:" + p.file("file", "", 0o600) + "/ledger.db" }, expect{"ledger", checkFail, "", "ledger"}},
		"server away":      {func(p *patient) { p.cfg.Ledger.URL = "postgres://u:hunter2@127.0.0.1:1/db" }, expect{"ledger", checkFail, "postgres://u@127.0.0.1:1/db", "can be reached"}},
		"no password there": {func(p *patient) {
			p.cfg.Ledger.URL, p.cfg.Ledger.PasswordFile = "postgres://u@127.0.0.1:1/db", p.dir+"/gone"
		}, expect{"ledger", checkFail, "password of the ledger's database", "ledger"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPatient(t)
			tc.prepare(p)
			got := p.checkLedger(within(t, ledgerLimit))
			tc.want.in(t, got)
			if s := fmt.Sprint(got); strings.Contains(s, "hunter2") {
				t.Errorf("got a password in %s", s)
			}
			if name == "not there yet" {
				if _, err := os.Stat(filepath.Dir(ledgerFile(p.cfg.Ledger.URL))); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("the doctor made the ledger's folder: %v", err)
				}
			}
		})
	}
}

// A folder nobody can write is one in /proc, also for root.
func TestDoctorUnwritable(t *testing.T) {
	p := newPatient(t)
	if _, err := os.Stat("/proc/self"); err == nil {
		p.cfg.Ledger.URL, p.cfg.Log.File = "sqlite:/proc/provstation/ledger.db", "/proc/provstation/station.log"
		expect{"ledger", checkFail, "/proc/provstation/ledger.db cannot be made", "let this user write the ledger's folder"}.in(t, p.checkLedger(t.Context()))
		expect{"state-dir", checkFail, "the log cannot be written", "log.file"}.in(t, p.checkStateDir(t.Context()))
	}
	for _, r := range []struct {
		report ledger.CheckReport
		want   expect
	}{
		{ledger.CheckReport{Path: "l", Free: 1 << 40, WriteError: fmt.Errorf("write: %w", ledger.ErrReadOnly)}, expect{"ledger", checkFail, "read-only", "let this user write"}},
		{ledger.CheckReport{Path: "l", Free: 1 << 20}, expect{"ledger", checkFail, "1 MiB left", "free space"}},
		{ledger.CheckReport{Path: "l", Free: 100 << 20}, expect{"ledger", checkWarn, "100 MiB left", "free space"}},
		{ledger.CheckReport{Path: "l", Free: 1 << 40, Integrity: []string{"row 1 missing from index"}}, expect{"ledger", checkFail, "row 1 missing", "restore the last backup"}},
	} {
		r.want.in(t, ledgerFindings("ledger", r.report, nil))
	}
}

func TestDoctorStateDir(t *testing.T) {
	p := newPatient(t)
	file := p.existingLedger()
	expect{"state-dir", checkOK, filepath.Dir(file), ""}.in(t, p.checkStateDir(t.Context()))
	if err := errors.Join(os.Chmod(file, 0o644), os.Chmod(filepath.Dir(file), 0o777)); err != nil {
		t.Fatal(err)
	}
	got := p.checkStateDir(t.Context())
	expect{"state-dir", checkWarn, "0644", "chmod 600 " + file}.in(t, got)
	expect{"state-dir", checkFail, "0777", "chmod go-w " + filepath.Dir(file)}.in(t, got)
}

func TestDoctorAuth(t *testing.T) {
	const secret = "tok-hunter2"
	for name, tc := range map[string]struct {
		prepare func(p *patient, c *config.Auth)
		want    expect
	}{
		"none":          {func(_ *patient, c *config.Auth) { c.Mode = config.AuthNone }, expect{"bridge-auth", checkSkipped, "none", ""}},
		"a file":        {func(p *patient, c *config.Auth) { c.TokenFile = p.file("token", secret+"\n", 0o600) }, expect{"bridge-auth", checkOK, "bearer", ""}},
		"an open file":  {func(p *patient, c *config.Auth) { c.TokenFile = p.file("token", secret, 0o644) }, expect{"bridge-auth", checkWarn, "0644", "chmod 600 "}},
		"no file":       {func(p *patient, c *config.Auth) { c.TokenFile = p.dir + "/gone" }, expect{"bridge-auth", checkFail, "gone", "bridge.auth.token_file"}},
		"an empty file": {func(p *patient, c *config.Auth) { c.TokenFile = p.file("token", " \n", 0o600) }, expect{"bridge-auth", checkFail, "is empty", "one line"}},
		"a variable": {func(p *patient, c *config.Auth) {
			c.TokenEnv, p.sys.getenv = "BRIDGE_TOKEN", func(string) string { return secret }
		}, expect{"bridge-auth", checkOK, "bearer", ""}},
		"an empty variable": {func(_ *patient, c *config.Auth) { c.TokenEnv = "BRIDGE_TOKEN" }, expect{"bridge-auth", checkFail, "$BRIDGE_TOKEN is empty", "set $BRIDGE_TOKEN"}},
		"a client secret":   {func(p *patient, c *config.Auth) { c.ClientSecretFile = p.dir + "/gone" }, expect{"bridge-auth", checkFail, "gone", "bridge.auth.client_secret_file"}},
		"no certificate": {
			func(p *patient, c *config.Auth) { c.CertFile, c.KeyFile = p.dir+"/c.pem", p.dir+"/k.pem" },
			expect{"bridge-auth", checkFail, "client certificate", "cert_file"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPatient(t)
			p.cfg.Bridge.Auth = config.Auth{Mode: config.AuthBearer}
			tc.prepare(p, &p.cfg.Bridge.Auth)
			got := p.checkAuth(t.Context())
			tc.want.in(t, got)
			if strings.Contains(fmt.Sprint(got), secret) {
				t.Errorf("got the secret in %v", got)
			}
		})
	}
}

// A check that hangs, deaf to its context, neither holds up the others nor loses its place.
func TestDoctorHangingCheck(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	quick := make(chan struct{})
	checks := []check{
		{names: []string{"stuck", "stuck-too"}, limit: time.Millisecond, run: func(context.Context) []finding { <-release; return nil }},
		{names: []string{"quick"}, run: func(context.Context) []finding { close(quick); return []finding{ok("quick", "fine\x1b[2J\nreally")} }},
	}
	var got []finding
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		examine(t.Context(), checks, func(l []finding) { got = append(got, l...) })
	}()
	<-quick
	<-finished
	if len(got) != 3 || got[0].Check != "stuck" || got[1].Check != "stuck-too" || got[2].Check != "quick" {
		t.Fatalf("got %+v, want stuck, stuck-too, quick in this order", got)
	}
	expect{"stuck", checkFail, "did not end within 1ms", "try again"}.in(t, got)
	if want := "fine?[2J really"; got[2].Seen != want {
		t.Errorf("got %q, want %q", got[2].Seen, want)
	}
}
