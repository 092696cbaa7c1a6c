package ctest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"provstation/station/stationtest"
)

// build makes everything once, under AddressSanitizer and UndefinedBehaviorSanitizer, which also runs the vectors.
var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "sp1-c-")
	if err != nil {
		return "", err
	}
	cmd := exec.Command("make", "-j2", "-C", "..", "OUT="+dir, "sanitize") //nolint:noctx // shared by all tests
	cmd.Env = append(os.Environ(), "MAKEFLAGS=")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return dir, fmt.Errorf("make: %w\n%s", err, out)
	}
	return filepath.Join(dir, "san"), nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, err := build(); err == nil {
		_ = os.RemoveAll(filepath.Dir(dir)) // a folder of the system's for temporary files
	}
	os.Exit(code)
}

// program gives one of the programs that were built. Without a compiler or mbed TLS the test is skipped, or fails where
// PROVSTATION_REQUIRE_REAL is 1.
func program(t *testing.T, name string) string {
	t.Helper()
	stationtest.Program(t, "make")
	stationtest.Program(t, "cc")
	if _, err := os.Stat("/usr/include/mbedtls/pk.h"); err != nil {
		if os.Getenv(stationtest.RequireReal) == "1" {
			t.Fatalf("libmbedtls-dev is not installed, and %s=1 demands it", stationtest.RequireReal)
		}
		t.Skip("libmbedtls-dev is not installed")
	}
	dir, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, name)
}

// ask gives a program its standard input and returns the lines it answers.
func ask(t *testing.T, name string, input []byte, args ...string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program(t, name), args...)
	cmd.Stdin = strings.NewReader(string(input))
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", name, err, out, stderr.String())
	}
	return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
}
