package config

import (
	"path/filepath"
	"runtime"
)

// StateDir is the folder of ledger and log: $STATE_DIRECTORY under systemd, $XDG_STATE_HOME/provstation,
// ~/.local/state/provstation, or the platform's own place on Windows and macOS. Empty if the environment has no home.
func StateDir(env map[string]string) string {
	if d := env["STATE_DIRECTORY"]; filepath.IsAbs(d) {
		return d
	}
	if d := env["XDG_STATE_HOME"]; filepath.IsAbs(d) { // a relative one is invalid by the base directory specification
		return filepath.Join(d, "provstation")
	}
	switch runtime.GOOS {
	case "windows":
		if d := env["LOCALAPPDATA"]; d != "" {
			return filepath.Join(d, "provstation")
		}
	case "darwin":
		if h := env["HOME"]; h != "" {
			return filepath.Join(h, "Library", "Application Support", "provstation")
		}
	default:
		if h := env["HOME"]; h != "" {
			return filepath.Join(h, ".local", "state", "provstation")
		}
	}
	return ""
}

func userConfigDir(env map[string]string) string {
	if d := env["XDG_CONFIG_HOME"]; filepath.IsAbs(d) {
		return d
	}
	switch runtime.GOOS {
	case "windows":
		return env["APPDATA"]
	case "darwin":
		if h := env["HOME"]; h != "" {
			return filepath.Join(h, "Library", "Application Support")
		}
	default:
		if h := env["HOME"]; h != "" {
			return filepath.Join(h, ".config")
		}
	}
	return ""
}
