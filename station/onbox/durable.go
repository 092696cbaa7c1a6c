package onbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// maxStateFile bounds the agent's own small files.
const maxStateFile = 64 << 10

// readJSON reads a small file; a missing one leaves v as it is.
func readJSON(path string, v any) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxStateFile))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// writeJSON puts a file in place: after a power cut it is the old one or the new one. Before, if not nil, may refuse each
// operation that changes something; for tests.
func writeJSON(path string, v any, before func(op, path string) error) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	ask := func(op string) error {
		if before == nil {
			return nil
		}
		return before(op, path)
	}
	dir, tmp := filepath.Dir(path), path+".new"
	if err := ask("mkdir"); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := ask("create"); err != nil {
		return err
	}
	if err := writeSynced(tmp, b); err != nil {
		return err
	}
	if err := ask("rename"); err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		return err
	}
	if err := ask("sync"); err != nil {
		return err
	}
	return syncDir(dir)
}

func writeSynced(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
