package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"provstation/station/config"
	"provstation/station/stationtest"
)

// The password is read anew each time, from a file or a variable, and an unusable one is told without being shown.
func TestLedgerPassword(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	t.Setenv("LEDGER_TEST_PASSWORD", "from the variable")
	for _, tc := range []struct {
		c          config.Ledger
		text, want string
		fails      bool
	}{
		{config.Ledger{PasswordFile: file}, "hunter2\n", "hunter2", false},
		{config.Ledger{PasswordFile: file}, "changed \r\n", "changed ", false},
		{config.Ledger{PasswordFile: file}, "\n", "", true},
		{config.Ledger{PasswordFile: file}, "hunter2\nhunter3\n", "", true},
		{config.Ledger{PasswordFile: file}, strings.Repeat("hunter2", 20_000), "", true},
		{config.Ledger{PasswordFile: file + ".gone"}, "", "", true},
		{config.Ledger{PasswordEnv: "LEDGER_TEST_PASSWORD"}, "", "from the variable", false},
		{config.Ledger{PasswordEnv: "LEDGER_TEST_NO_PASSWORD"}, "", "", true},
	} {
		if err := os.WriteFile(file, []byte(tc.text), 0o600); err != nil {
			t.Fatal(err)
		}
		secret, err := ledgerPassword(tc.c)()
		if got := string(secret.Reveal()); got != tc.want || (err != nil) != tc.fails {
			t.Errorf("%+v: got %q, %v, want %q, an error %t", tc.c, got, err, tc.want, tc.fails)
		}
		if err != nil && strings.Contains(err.Error(), "hunter") {
			t.Errorf("got the password in %q", err)
		}
	}
	if ledgerPassword(config.Ledger{}) != nil {
		t.Error("without one: got a password, want none")
	}
}

// The doctor says of a ledger on a server what it can: that it can be written, and what the server does not keep.
func TestDoctorLedgerOnServer(t *testing.T) {
	server := stationtest.StartPostgres(t)
	p := newPatient(t)
	p.cfg.Ledger.URL = server.URL
	for _, want := range []string{"fsync off", "full_page_writes off"} {
		found := false
		for _, f := range p.checkLedger(within(t, ledgerLimit)) {
			found = found || f.Status == checkWarn && strings.Contains(f.Seen, want)
			if f.Status == checkFail {
				t.Errorf("got %+v, want no failure", f)
			}
		}
		if !found {
			t.Errorf("got no word on %s, want a warning", want)
		}
	}
}
