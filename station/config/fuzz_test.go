package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"provstation/station/config"
)

// Whatever a file holds, loading ends with an [*config.Error] whose lines are fit for a terminal, or with a
// configuration that is valid and survives being written and read.
func FuzzLoad(f *testing.F) {
	for _, name := range []string{"bench.yaml", "full.yaml", "two-tenants.yaml", "profiles.yaml"} {
		data, err := os.ReadFile(filepath.Join(examples, name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(minimal))
	f.Add([]byte("bridge: {url: \"https://u:p@h\"}\n? a\n: b\n"))
	f.Add([]byte("a: &a [*a, *a]\n<<: *a\n"))
	dir := f.TempDir()
	env := map[string]string{"HOME": dir}
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		path := filepath.Join(dir, "station.yaml")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		o := config.LoadOptions{Path: path, Env: env, Dir: dir, Hostname: host}
		c, _, err := config.Load(o)
		if err != nil {
			var e *config.Error
			if !errors.As(err, &e) || len(e.Problems) == 0 || c != nil {
				t.Fatalf("got %v, %v; want a *config.Error alone", c, err)
			}
			if strings.ContainsFunc(strings.ReplaceAll(err.Error(), "\n", ""), func(r rune) bool { return r < 0x20 || r == 0x7f }) {
				t.Fatalf("control character in %q", err)
			}
			return
		}
		if err := config.WriteFile(path, c); err != nil {
			t.Fatal(err)
		}
		back, _, err := config.Load(o)
		if err != nil {
			t.Fatalf("written configuration: %v\n%s", err, c.Marshal())
		}
		if diff := cmp.Diff(c, back); diff != "" {
			t.Fatalf("written and read differ (-wrote +read):\n%s", diff)
		}
	})
}

// Whatever a slots file holds, it is refused with a message fit for a terminal, or it is saved and read to the same.
func FuzzLoadSlots(f *testing.F) {
	f.Add([]byte("1-1.2: A1\n\"tcp://192.0.2.1:4001\": far\n"))
	f.Add([]byte("# nothing\n"))
	f.Add([]byte("? [a]\n: b\n1-1: &x y\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "slots.yaml")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		slots, err := config.LoadSlots(path)
		if err != nil {
			var e *config.Error
			if !errors.As(err, &e) || slots != nil {
				t.Fatalf("got %v, %v; want a *config.Error alone", slots, err)
			}
			if strings.ContainsFunc(strings.ReplaceAll(err.Error(), "\n", ""), func(r rune) bool { return r < 0x20 || r == 0x7f }) {
				t.Fatalf("control character in %q", err)
			}
			return
		}
		if err := config.SaveSlots(path, slots); err != nil {
			t.Fatalf("what was loaded is not saved: %v", err)
		}
		back, err := config.LoadSlots(path)
		if err != nil || len(back) != len(slots) {
			t.Fatalf("got %v, %v; want %v again", back, err, slots)
		}
		if diff := cmp.Diff(slots, back, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("saved and loaded differ (-saved +loaded):\n%s", diff)
		}
	})
}
