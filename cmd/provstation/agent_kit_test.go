package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
)

// tpmAgent is provagent with TPM support, built once per test run where a test wants it.
var tpmAgent = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "provstation-test-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "provagent")
	cmd := exec.Command("go", "build", "-tags", "tpm", "-o", path, "./cmd/provagent") //nolint:noctx // shared by tests
	cmd.Dir = filepath.Join("..", "..")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

// agentFor gives the agent that knows the flags.
func agentFor(t *testing.T, flags []string) string {
	t.Helper()
	if !slices.Contains(flags, "--key-store") {
		return binary(t, "provagent")
	}
	path, err := tpmAgent()
	if err != nil {
		t.Fatal(err)
	}
	return path
}
