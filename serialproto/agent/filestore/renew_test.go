package filestore

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"provstation/serialproto/agent"
)

// TestRenewAndErase with links and with copies.
func TestRenewAndErase(t *testing.T) {
	for name, copies := range map[string]bool{"links": false, "copies": true} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			cfg := Config{Copies: copies, Volatile: true}
			s, err := Open(dir, cfg)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := play(s, []func(*Store) error{create("one"), install("one")}, func(int) {}); err != nil {
				t.Fatal(err)
			}
			if err := s.Renew(1, renewedFiles("one", "2nd")); !errors.Is(err, errNotActive) {
				t.Errorf("renewal of a generation that is not active: got %v", err)
			}
			if err := s.Switch(1); !errors.Is(err, agent.ErrNoGeneration) {
				t.Errorf("switch to nothing: got %v", err)
			}
			if _, err := play(s, []func(*Store) error{activate("one"), renew("one", "2nd")}, func(int) {}); err != nil {
				t.Fatal(err)
			}
			want := func(device string) {
				t.Helper()
				if b, err := os.ReadFile(filepath.Join(dir, "device.pem")); err != nil || string(b) != device {
					t.Errorf("device.pem is %q (%v), want %q", b, err, device)
				}
				if tag := shown(t, dir); tag != "one" {
					t.Errorf("shown is %q", tag)
				}
			}
			want("device of one")
			if s, err = Open(dir, cfg); err != nil {
				t.Fatal(err)
			}
			if err := commitRenewal(s); err != nil {
				t.Fatal(err)
			}
			want("device 2nd of one")
			if f, err := s.Files(1); err != nil || string(f.Device) != "device 2nd of one" || string(f.Pins) != "pins of one" {
				t.Errorf("got %s, %s, %v", f.Device, f.Pins, err)
			}
			if err := s.Erase(); err != nil {
				t.Fatal(err)
			}
			left, err := filepath.Glob(filepath.Join(dir, "*"))
			if err != nil || len(left) != 3 { // agent.json, generations, staging
				t.Errorf("left over: %v (%v)", left, err)
			}
			if st, err := s.Load(); err != nil || st.Newest != nil || st.Last != 1 || len(st.Retired) != 1 {
				t.Errorf("got %+v, %v, want nothing but what was used", st, err)
			}
		})
	}
}

// TestRenewOverAProgramsFile: a program that put its own file in a link's place has the renewal in it afterwards, too.
func TestRenewOverAProgramsFile(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, Config{Volatile: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := play(s, []func(*Store) error{create("one"), install("one"), activate("one")}, func(int) {}); err != nil {
		t.Fatal(err)
	}
	device := filepath.Join(dir, "device.pem")
	if err := os.Remove(device); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(device, []byte("device of another program"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := play(s, []func(*Store) error{renew("one", "2nd"), commitRenewal}, func(int) {}); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(device); err != nil || string(b) != "device 2nd of one" {
		t.Errorf("device.pem is %q (%v)", b, err)
	}
}
