//go:build linux

package vm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"provstation/station/stationtest"
)

// Kernels of Debian, by the package that depends on the current version.
const (
	// Cloud is small and boots fast: UARTs, ext4 and TPM built in, no USB.
	Cloud = "linux-image-cloud-amd64"
	// Full has every driver as a module.
	Full = "linux-image-amd64"
)

// Kernel is an unpacked kernel package.
type Kernel struct {
	Version string // 6.1.0-56-cloud-amd64
	Image   string // its file
	Dir     string // where the package is unpacked
}

// FetchKernel downloads and unpacks the kernel that a package such as [Cloud] depends on, once.
func FetchKernel(t testing.TB, meta string) Kernel {
	t.Helper()
	out := apt(t, "apt-cache", "depends", meta)
	for line := range strings.Lines(out) {
		pkg, ok := strings.CutPrefix(strings.TrimSpace(line), "Depends: ")
		if version, is := strings.CutPrefix(pkg, "linux-image-"); ok && is {
			dir := unpacked(t, []string{pkg})[0]
			return Kernel{Version: version, Image: filepath.Join(dir, "boot", "vmlinuz-"+version), Dir: dir}
		}
	}
	missing(t, "the package "+meta+" in apt's lists (apt-get update)")
	return Kernel{}
}

// missing ends a test for want of a real part.
func missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv(stationtest.RequireReal) == "1" {
		t.Fatalf("vm: want %s, and %s=1 demands it: run `make test-vm`, which installs it", what, stationtest.RequireReal)
	}
	t.Skipf("vm: want %s", what)
}

// aptTime is how long a question to apt, or a download, may take.
const aptTime = 5 * time.Minute

func apt(t testing.TB, program string, args ...string) string {
	t.Helper()
	out, err := aptIn(t, "", program, args...)
	if err != nil {
		missing(t, err.Error())
	}
	return out
}

func aptIn(t testing.TB, dir, program string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(t.Context(), aptTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "LC_ALL=C")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", program, strings.Join(args, " "), err, bytes.TrimSpace(stderr.Bytes()))
	}
	return string(out), nil
}

// closure is a package and all that it depends on, as apt would install it on a machine that has nothing.
func closure(t testing.TB, pkgs []string) []string {
	t.Helper()
	args := append([]string{"-o", "Dir::State::status=/dev/null", "-s", "install", "--no-install-recommends"}, pkgs...)
	var out []string
	for line := range strings.Lines(apt(t, "apt-get", args...)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "Inst" {
			out = append(out, f[1])
		}
	}
	return out
}

// cacheDir is .cache/vm beside the nearest go.mod above the test's folder.
func cacheDir(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(moduleRoot(t), ".cache", "vm")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// moduleRoot is the folder of go.mod.
func moduleRoot(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	for err == nil && dir != filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		dir = filepath.Dir(dir)
	}
	t.Fatalf("vm: no go.mod above the test (%v)", err)
	return ""
}

// unpacked gives the folders in which packages lie unpacked, in the given order. Nothing is installed; a package is
// downloaded once per version. Several test binaries may ask at the same time.
func unpacked(t testing.TB, pkgs []string) []string {
	t.Helper()
	cache := cacheDir(t)
	lock, err := os.OpenFile(filepath.Join(cache, "lock"), os.O_RDWR|os.O_CREATE|unix.O_CLOEXEC, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close() // and with it the lock
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		t.Fatalf("vm: lock %s: %v", cache, err)
	}
	files := map[string]string{}
	for line := range strings.Lines(apt(t, "apt-get", append([]string{"--print-uris", "download"}, pkgs...)...)) {
		if f := strings.Fields(line); len(f) > 2 && strings.HasPrefix(f[0], "'") { // 'URL' name_version_arch.deb size hash
			name, _, _ := strings.Cut(f[1], "_")
			files[name] = f[1]
		}
	}
	var out, want []string
	for _, p := range pkgs {
		file, ok := files[p]
		if !ok {
			t.Fatalf("vm: apt knows no file of package %s", p)
		}
		dir := filepath.Join(cache, strings.TrimSuffix(file, ".deb"))
		out = append(out, dir)
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			want = append(want, p)
		}
	}
	if err := fetch(t, cache, want, files); err != nil {
		missing(t, err.Error())
	}
	return out
}

func fetch(t testing.TB, cache string, want []string, files map[string]string) error {
	if len(want) == 0 {
		return nil
	}
	tmp, err := os.MkdirTemp(cache, "fetch-") //nolint:usetesting // renamed into the cache: the same file system
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	began := time.Now()
	if _, err := aptIn(t, tmp, "apt-get", append([]string{"-q", "-o", "APT::Sandbox::User=root", "download"}, want...)...); err != nil {
		return err
	}
	for _, p := range want {
		fresh := filepath.Join(tmp, "unpacked")
		if _, err := aptIn(t, tmp, "dpkg-deb", "-x", files[p], fresh); err != nil {
			return err
		}
		if err := os.Rename(fresh, filepath.Join(cache, strings.TrimSuffix(files[p], ".deb"))); err != nil {
			return err
		}
	}
	t.Logf("vm: downloaded and unpacked %s in %v", strings.Join(want, " "), time.Since(began).Round(time.Millisecond))
	return nil
}
