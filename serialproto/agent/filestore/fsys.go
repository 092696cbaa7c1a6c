package filestore

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"syscall"

	"provstation/serialproto/agent"
)

// maxFile bounds every file that is read; the largest real one is a CA file of eight certificates in PEM.
const maxFile = 256 << 10

// fsys is the part of a file system that the store uses. Tests put faults between it and the disk.
type fsys interface {
	Mkdir(path string, mode fs.FileMode) error
	// Create makes a file that must not exist, with this mode from the start.
	Create(path string, mode fs.FileMode) (file, error)
	ReadFile(path string) ([]byte, error)
	ReadDir(path string) ([]string, error)
	Lstat(path string) (fs.FileMode, error)
	Rename(from, to string) error
	Remove(path string) error
	Symlink(target, path string) error
	Readlink(path string) (string, error)
	SyncDir(path string) error
}

type file interface {
	io.WriteCloser
	Sync() error
}

// disk is the real file system.
type disk struct{}

// volatile is the real file system without syncing.
type volatile struct{ disk }

func (volatile) SyncDir(string) error { return nil }

func (v volatile) Create(path string, mode fs.FileMode) (file, error) {
	f, err := v.disk.Create(path, mode)
	if err != nil {
		return nil, err
	}
	return unsynced{f}, nil
}

type unsynced struct{ file }

func (unsynced) Sync() error { return nil }

func (disk) Mkdir(path string, mode fs.FileMode) error { return os.Mkdir(path, mode) }

func (disk) Create(path string, mode fs.FileMode) (file, error) {
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
}

func (disk) ReadFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxFile {
		return nil, fmt.Errorf("%s: larger than %d bytes", path, maxFile)
	}
	return b, nil
}

func (disk) ReadDir(path string) ([]string, error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, nil
}

func (disk) Lstat(path string) (fs.FileMode, error) {
	i, err := os.Lstat(path)
	if err != nil {
		return 0, err
	}
	return i.Mode(), nil
}

func (disk) Rename(from, to string) error         { return os.Rename(from, to) }
func (disk) Remove(path string) error             { return os.Remove(path) }
func (disk) Symlink(target, path string) error    { return os.Symlink(target, path) }
func (disk) Readlink(path string) (string, error) { return os.Readlink(path) }

func (disk) SyncDir(path string) error {
	if runtime.GOOS == "windows" {
		return nil // directories cannot be synced there; NTFS journals renames
	}
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// mapped turns a full disk into agent.ErrNoSpace.
func mapped(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", agent.ErrNoSpace, err)
	}
	return err
}

func missing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
