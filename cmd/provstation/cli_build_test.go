package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The agent goes on small boxes: stripped for arm64, without cgo, it stays below 8 MiB, the HTTPS of its renewals included.
func TestAgentIsSmall(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds for another processor")
	}
	const limit = 8 << 20
	path := filepath.Join(t.TempDir(), "provagent")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, "./cmd/provagent")
	cmd.Dir = filepath.Join("..", "..")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=arm64")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build provagent for linux/arm64: %v\n%s", err, out)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() >= limit {
		t.Errorf("got %d bytes, want less than %d", info.Size(), limit)
	}
}
