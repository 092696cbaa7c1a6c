package pki_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// opensslAccepts asks the openssl program whether it takes device.pem for a TLS client's certificate with caFile alone.
func opensslAccepts(t *testing.T, device, caFile string, now time.Time) (bool, string) {
	t.Helper()
	bin, err := exec.LookPath("openssl")
	if err != nil {
		if os.Getenv("PROVSTATION_REQUIRE_REAL") == "1" {
			t.Fatal("openssl is not installed, and PROVSTATION_REQUIRE_REAL=1")
		}
		t.Skip("openssl is not installed")
	}
	dir := t.TempDir()
	dev, ca := filepath.Join(dir, "device.pem"), filepath.Join(dir, "ca-chain.pem")
	for path, text := range map[string]string{dev: device, ca: caFile} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), bin, "verify", "-purpose", "sslclient", "-no-CApath", "-no-CAstore",
		"-attime", strconv.FormatInt(now.Unix(), 10), "-CAfile", ca, "-untrusted", dev, dev)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("run openssl: %v", err)
	}
	return err == nil, out.String()
}
