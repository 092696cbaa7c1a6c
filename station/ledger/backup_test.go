package ledger

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"provstation/station"
)

// A backup is the ledger at one moment, whoever writes meanwhile, and a restored one is the same again.
func TestBackupAndRestore(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	path := filepath.Join(dir, "led ger?#%.db") // no character of a path is part of a url
	l := openAt(t, path, Config{})
	for i := range 20 {
		must(t, dev("HW-"+strconv.Itoa(i)).pass(ctx, l))
	}
	writing, stop := context.WithCancel(ctx)
	wrote := make(chan error, 1)
	go func() {
		var err error
		for i := 100; writing.Err() == nil && err == nil; i++ {
			err = dev("HW-"+strconv.Itoa(i)).pass(writing, l)
		}
		if errors.Is(err, context.Canceled) {
			err = nil
		}
		wrote <- err
	}()
	copyPath := filepath.Join(dir, "copy.db")
	s, err := l.Backup(ctx, copyPath)
	stop()
	if err := <-wrote; err != nil {
		t.Errorf("writing meanwhile: got %v, want nil", err)
	}
	must(t, err)
	if runs, proofs := s.Rows("runs"), s.Rows("proofs"); runs < 20 || proofs < runs-1 || len(s.Digest) != 32 { // one run may be on its way
		t.Errorf("got %d runs, %d proofs, want one moment with 20 at least", runs, proofs)
	}
	if fi, err := os.Stat(copyPath); err != nil || fi.Mode().Perm()&0o077 != 0 {
		t.Errorf("got %v, %v, want a private file", fi.Mode(), err)
	}
	seen, err := Inspect(ctx, copyPath)
	must(t, err)
	if !slices.Equal(seen.Digest, s.Digest) {
		t.Errorf("inspect: got %s, want %s", seen, s)
	}

	restored := filepath.Join(dir, "new", "ledger.db")
	r, err := Restore(ctx, copyPath, "sqlite:"+restored)
	must(t, err)
	if !slices.Equal(r.Digest, s.Digest) {
		t.Errorf("restored: got %s, want %s", r, s)
	}
	back := openAt(t, restored, Config{})
	if d, err := back.Device(ctx, "acme", "HW-7"); err != nil || d.LastOutcome != station.Pass {
		t.Errorf("device after restoring: got %+v, %v, want its PASS", d, err)
	}
	if rep, err := back.Check(ctx); err != nil || !rep.OK() {
		t.Errorf("check after restoring: got %+v, %v, want sound", rep, err)
	}
	entries, err := os.ReadDir(dir)
	must(t, err)
	for _, e := range entries {
		if e.Name()[0] == '.' {
			t.Errorf("%s was left behind", e.Name())
		}
	}

	// Nothing is ever overwritten.
	_, err = l.Backup(ctx, copyPath)
	want(t, err, ErrExists)
	_, err = Restore(ctx, copyPath, "sqlite:"+restored)
	want(t, err, ErrExists)
}

func TestBackupRefuses(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	mem, err := Open(ctx, "sqlite::memory:", Config{})
	must(t, err)
	defer mem.Close()
	_, err = mem.Backup(ctx, filepath.Join(dir, "x.db"))
	want(t, err, ErrNoBackup)

	l := openAt(t, filepath.Join(dir, "ledger.db"), Config{})
	must(t, dev("HW-1").pass(ctx, l))
	good := filepath.Join(dir, "good.db")
	_, err = l.Backup(ctx, good)
	must(t, err)
	_, err = l.Backup(ctx, filepath.Join(dir, "no", "folder.db"))
	if err == nil {
		t.Error("a backup into a missing folder: got nil, want an error")
	}
	whole, err := os.ReadFile(good)
	must(t, err)

	for _, row := range []struct {
		name string
		make func(path string) error
		err  error
	}{
		{"not there", func(string) error { return nil }, fs.ErrNotExist},
		{"a text", func(p string) error { return os.WriteFile(p, []byte("no ledger at all"), 0o600) }, ErrNotBackup},
		{"empty", func(p string) error { return os.WriteFile(p, nil, 0o600) }, ErrNotBackup},
		{"a folder", func(p string) error { return os.Mkdir(p, 0o700) }, ErrNotBackup},
		{"cut short", func(p string) error { return os.WriteFile(p, whole[:len(whole)-4096], 0o600) }, ErrNotBackup},
		{"a page overwritten", func(p string) error {
			bad := slices.Clone(whole)
			copy(bad[3*4096:], make([]byte, 4096))
			return os.WriteFile(p, bad, 0o600)
		}, ErrNotBackup},
		{"a live ledger's file alone", func(p string) error {
			return errors.Join(os.WriteFile(p, whole, 0o600), os.WriteFile(p+"-wal", []byte("log"), 0o600))
		}, ErrNotBackup},
	} {
		t.Run(row.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "backup.db")
			must(t, row.make(file))
			to := filepath.Join(t.TempDir(), "ledger.db")
			_, err := Restore(ctx, file, "sqlite:"+to)
			want(t, err, row.err)
			if _, err := os.Stat(to); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("got %v, want nothing restored", err)
			}
		})
	}
	for _, url := range []string{"sqlite::memory:", "nonsense"} {
		if _, err := Restore(ctx, good, url); err == nil {
			t.Errorf("restore to %s: got nil, want an error", url)
		}
	}
}
