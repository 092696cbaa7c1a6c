//go:build unix

package filestore

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestSecretsAreNeverReadable looks at each file right after its creation, before its first byte, with a umask that
// hides nothing.
func TestSecretsAreNeverReadable(t *testing.T) {
	old := syscall.Umask(0)
	t.Cleanup(func() { syscall.Umask(old) })
	secrets := 0
	for name, sc := range scenarios() {
		dir := t.TempDir()
		sc.prepare(t, dir)
		f := newFaulty(t, -1, errCut)
		s, err := open(f, dir, Config{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := play(s, sc.steps, func(int) {}); err != nil {
			t.Fatal(err)
		}
		for p, mode := range f.modes {
			base := strings.TrimPrefix(filepath.Base(p), ".tmp-")
			if base == fileKey || base == fileWGConf || base == fileWGKey {
				secrets++
				if mode != 0o600 {
					t.Errorf("%s: %s was made with mode %v, want 0600", name, p, mode)
				}
			}
		}
	}
	if secrets < 10 {
		t.Errorf("got %d secret files, want more: nothing was tested", secrets)
	}
}
