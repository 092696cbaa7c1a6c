package baseline

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// maxFile bounds a file of the models, in bytes.
const maxFile = 64 << 10

// disk is the files of a model, in one directory.
type disk struct {
	dir   string
	dirty map[string]bool // written, not yet on the disk
}

func newDisk(dir string) *disk { return &disk{dir, map[string]bool{}} }

// path refuses names that lead elsewhere: they come over the line.
func (d *disk) path(name string) (string, error) {
	if name == "" || len(name) > 64 || name == "." || name == ".." || strings.ContainsAny(name, "/\\\x00") || !filepath.IsLocal(name) {
		return "", fmt.Errorf("file name %s: %w", clip([]byte(name)), os.ErrInvalid)
	}
	return filepath.Join(d.dir, name), nil
}

// write makes or empties a file and writes it. It is on the disk after sync.
func (d *disk) write(name string, content []byte) error {
	p, err := d.path(name)
	if err != nil {
		return err
	}
	d.dirty[name] = true
	return os.WriteFile(p, content, 0o600)
}

// extend appends to a file that is off bytes long.
func (d *disk) extend(name string, off int64, content []byte) error {
	p, err := d.path(name)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(p, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	d.dirty[name] = true
	_, err = f.WriteAt(content, off)
	return errors.Join(err, f.Close())
}

// touch makes an empty file where there is none.
func (d *disk) touch(name string) error {
	p, err := d.path(name)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(p, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	d.dirty[name] = true
	return f.Close()
}

func (d *disk) read(name string) ([]byte, error) {
	p, err := d.path(name)
	if err != nil {
		return nil, err
	}
	return os.ReadFile(p)
}

func (d *disk) chmod(name string, mode os.FileMode) error {
	p, err := d.path(name)
	if err != nil {
		return err
	}
	return os.Chmod(p, mode)
}

func (d *disk) sum(name string) ([sha256.Size]byte, error) {
	content, err := d.read(name)
	return sha256.Sum256(content), err
}

// sync puts what was written on the disk: the files, then the directory with their names.
func (d *disk) sync() error {
	for name := range d.dirty {
		if err := fsync(filepath.Join(d.dir, name), os.O_RDWR); err != nil {
			return err
		}
		delete(d.dirty, name)
	}
	if runtime.GOOS == "windows" {
		return nil // directories cannot be synced there
	}
	return fsync(d.dir, os.O_RDONLY)
}

func fsync(path string, flag int) error {
	f, err := os.OpenFile(path, flag, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
