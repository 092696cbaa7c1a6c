package main

import (
	"os"
	"path/filepath"
	"testing"
)

// writeStation writes a valid configuration with more lines at its end, and gives its path.
func writeStation(t *testing.T, more string) string {
	t.Helper()
	const base = "bridge: {url: \"https://t.example/api\"}\npki: {root_file: root.pem}\nmqtt: {host: b.example}\n"
	path := filepath.Join(t.TempDir(), "station.yaml")
	if err := os.WriteFile(path, []byte(base+more+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
