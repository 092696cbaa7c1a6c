package filestore

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"provstation/serialproto"
	"provstation/serialproto/agent"
)

func opened(t *testing.T, dir string, cfg Config) *Store {
	t.Helper()
	s, err := Open(dir, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func must(t *testing.T, s *Store, steps ...func(*Store) error) {
	t.Helper()
	if i, err := play(s, steps, func(int) {}); err != nil {
		t.Fatalf("step %d: %v", i, err)
	}
}

// TestDamageIsAnError damages every state file in turn; never is the store taken for one without a key.
func TestDamageIsAnError(t *testing.T) {
	damage := map[string]func([]byte) []byte{
		"truncated":     func(b []byte) []byte { return b[:len(b)/2] },
		"empty":         func([]byte) []byte { return nil },
		"zeros":         func(b []byte) []byte { return make([]byte, len(b)) },
		"trailing data": func(b []byte) []byte { return append(b, "{}"...) },
		"unknown field": func([]byte) []byte { return []byte(`{"version":1,"surprise":2}`) },
		"other version": func(b []byte) []byte { return []byte(strings.Replace(string(b), `"version":1`, `"version":9`, 1)) },
	}
	for _, file := range []string{"agent.json", "generations/1.2/generation.json"} {
		for name, how := range damage {
			t.Run(file+"/"+name, func(t *testing.T) {
				dir := t.TempDir()
				s := opened(t, dir, Config{})
				must(t, s, create("one"), install("one"), activate("one"))
				p := filepath.Join(dir, file)
				b, err := os.ReadFile(p)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(p, how(b), 0o644); err != nil {
					t.Fatal(err)
				}
				if _, err := Open(dir, Config{}); !errors.Is(err, ErrDamaged) {
					t.Errorf("open: got %v, want %v", err, ErrDamaged)
				}
				if err := create("two")(s); !errors.Is(err, ErrDamaged) {
					t.Errorf("create: got %v, want %v", err, ErrDamaged)
				}
			})
		}
	}
}

func TestMissingPartsAreDamage(t *testing.T) {
	for _, gone := range []string{"agent.json", "generations/1.2/generation.json", "generations/1.2"} {
		t.Run(gone, func(t *testing.T) {
			dir := t.TempDir()
			must(t, opened(t, dir, Config{}), create("one"), install("one"), activate("one"))
			if err := os.RemoveAll(filepath.Join(dir, gone)); err != nil {
				t.Fatal(err)
			}
			if _, err := Open(dir, Config{}); !errors.Is(err, ErrDamaged) {
				t.Errorf("got %v, want %v", err, ErrDamaged)
			}
		})
	}
}

func TestForeignBox(t *testing.T) {
	for _, flag := range []string{".enrolled", "enrolled"} {
		t.Run(flag, func(t *testing.T) {
			dir := t.TempDir()
			foreignFiles(flag)(t, dir)
			s := opened(t, dir, Config{})
			st, err := s.Load()
			if err != nil || st.Newest == nil || !st.Newest.Foreign || st.Newest.Number != 0 {
				t.Fatalf("got %+v (%v), want generation 0, foreign", st.Newest, err)
			}
			f, err := s.Files(0)
			if err != nil || string(f.Device) != "device of script" {
				t.Errorf("got %q (%v), want the script's file", f.Device, err)
			}
			if err := s.Count(0, 5, 0); err != nil {
				t.Fatal(err)
			}
			if st, err = opened(t, dir, Config{}).Load(); err != nil || st.Newest.Signed != 5 {
				t.Errorf("got %+v (%v), want 5 signatures", st.Newest, err)
			}
			must(t, s, create("one"), install("one"), activate("one"))
			if got := shown(t, dir); got != "one" {
				t.Errorf("got files of %q, want those of one", got)
			}
			b, err := os.ReadFile(filepath.Join(dir, flag))
			if err != nil || string(b) != "flag of one\n" {
				t.Errorf("%s: got %q (%v), want the new flag", flag, b, err)
			}
		})
	}
}

func TestHalfEnrolledBoxIsNotForeign(t *testing.T) {
	dir := t.TempDir()
	foreignFiles("unrelated")(t, dir)
	s := opened(t, dir, Config{})
	if st, err := s.Load(); err != nil || st.Newest != nil {
		t.Fatalf("got %+v (%v), want no generation without a flag", st.Newest, err)
	}
	must(t, s, create("one"), install("one"), activate("one"))
	if got := shown(t, dir); got != "one" {
		t.Errorf("got files of %q, want those of one", got)
	}
}

// TestRenewedInPlace: a program that renews may replace a link by a file. That file counts.
func TestRenewedInPlace(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir, Config{})
	must(t, s, create("one"), install("one"), activate("one"))
	p := filepath.Join(dir, "device.pem")
	if err := os.Remove(p); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte("device of renewal"), 0o644); err != nil {
		t.Fatal(err)
	}
	if f, err := opened(t, dir, Config{}).Files(1); err != nil || string(f.Device) != "device of renewal" {
		t.Errorf("got %q (%v), want the renewed certificate", f.Device, err)
	}
	must(t, s, create("two"), install("two"), activate("two"))
	if got := shown(t, dir); got != "two" {
		t.Errorf("got files of %q, want those of two", got)
	}
}

func TestCopies(t *testing.T) {
	dir := t.TempDir()
	cfg := Config{Copies: true}
	s := opened(t, dir, cfg)
	must(t, s, create("one"), install("one"), activate("one"))
	if got := shown(t, dir); got != "one" {
		t.Errorf("got files of %q, want those of one", got)
	}
	must(t, s, create("two"), install("two"), activate("two"))
	// As if the power had gone between the switch and a copy.
	if err := os.WriteFile(filepath.Join(dir, "device.pem"), []byte("device of one"), 0o644); err != nil {
		t.Fatal(err)
	}
	opened(t, dir, cfg)
	if got := shown(t, dir); got != "two" {
		t.Errorf("got files of %q after Open, want those of two", got)
	}
	if i, err := os.Lstat(filepath.Join(dir, "device-key.pem")); err != nil || i.Mode().Perm() != 0o600 {
		t.Errorf("got mode %v (%v), want 0600", i.Mode(), err)
	}
}

func TestNames(t *testing.T) {
	dir := t.TempDir()
	cfg := Config{Names: Names{Key: "device.key", Device: "device.crt", Anchor: "ca-chain.crt", Flag: "enrolled", OtherFlags: []string{".enrolled"}}}
	must(t, opened(t, dir, cfg), create("one"), install("one"), activate("one"))
	for name, want := range map[string]string{"device.key": "key of one", "device.crt": "device of one", "ca-chain.crt": "anchor of one", "enrolled": "flag of one\n"} {
		if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(b) != want {
			t.Errorf("%s: got %q (%v), want %q", name, b, err, want)
		}
	}
	for _, bad := range []Names{{Key: "../key"}, {Key: "a/b"}, {Device: "current"}, {Device: "wg0.conf"}, {Flag: ".."}} {
		if _, err := Open(t.TempDir(), Config{Names: bad}); err == nil {
			t.Errorf("names %+v: got no error", bad)
		}
	}
}

func TestStaging(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir, Config{})
	want := agent.Staged{EnrollID: tagID("one"), Obj: serialproto.ObjLeaf, Total: 9, SHA256: make([]byte, 32), Data: []byte("abc")}
	if err := s.Stage(want); err != nil {
		t.Fatal(err)
	}
	got, err := opened(t, dir, Config{}).Staged()
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]agent.Staged{want}, got); d != "" {
		t.Errorf("staged (-want +got):\n%s", d)
	}
	if err := s.Unstage(); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Staged(); err != nil || len(got) != 0 {
		t.Errorf("got %d staged (%v), want none", len(got), err)
	}
}

func TestFloorOnlyRises(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir, Config{})
	high := time.UnixMicro(1_800_000_000_000_000).UTC()
	for _, at := range []time.Time{high, high.Add(-time.Hour)} {
		if err := s.RaiseFloor(at); err != nil {
			t.Fatal(err)
		}
	}
	if st, err := opened(t, dir, Config{}).Load(); err != nil || !st.Floor.Equal(high) {
		t.Errorf("got floor %v (%v), want %v", st.Floor, err, high)
	}
}
