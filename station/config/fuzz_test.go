package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"provstation/station/config"
)

// Whatever a file holds, loading ends with an [*config.Error] whose lines are fit for a terminal, or with a
// configuration that is valid and survives being written and read.
func FuzzLoad(f *testing.F) {
	for _, name := range []string{"bench.yaml", "full.yaml", "two-tenants.yaml"} {
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
