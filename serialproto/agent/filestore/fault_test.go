package filestore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

var errCut = errors.New("power is gone")

// faulty is a disk on which the power goes, or the space runs out, at a chosen operation. After a power cut, what was
// not synced is lost: file contents, and renames whose directory was not synced.
type faulty struct {
	disk
	t     testing.TB
	left  int   // operations until the fault; negative: never
	fault error // errCut or syscall.ENOSPC
	ops   int
	dead  bool
	modes map[string]fs.FileMode // mode of each file right after its creation
	dirty map[string]bool        // files with content that was not synced
	undo  []undo                 // renames that a cut takes back
}

type undo struct {
	dir  string
	back func()
}

func newFaulty(t testing.TB, left int, fault error) *faulty {
	return &faulty{t: t, left: left, fault: fault, modes: map[string]fs.FileMode{}, dirty: map[string]bool{}}
}

func (f *faulty) cuts() bool { return errors.Is(f.fault, errCut) }

// step counts an operation. Frees reports one that gives space back rather than taking it.
func (f *faulty) step(frees bool) error {
	f.ops++
	if f.dead {
		if frees && !f.cuts() {
			return nil
		}
		return f.fault
	}
	if f.left < 0 {
		return nil
	}
	if f.left > 0 {
		f.left--
		return nil
	}
	if frees && !f.cuts() {
		return nil // the next operation that takes space meets the fault
	}
	f.dead = true
	if f.cuts() {
		for i := len(f.undo) - 1; i >= 0; i-- {
			f.undo[i].back()
		}
		for p := range f.dirty {
			_ = os.Truncate(p, 0)
		}
	}
	return f.fault
}

func (f *faulty) Mkdir(p string, m fs.FileMode) error {
	if err := f.step(false); err != nil {
		return &fs.PathError{Op: "mkdir", Path: p, Err: err}
	}
	return f.disk.Mkdir(p, m)
}

func (f *faulty) Create(p string, m fs.FileMode) (file, error) {
	if err := f.step(false); err != nil {
		return nil, &fs.PathError{Op: "create", Path: p, Err: err}
	}
	x, err := f.disk.Create(p, m)
	if err != nil {
		return nil, err
	}
	i, err := os.Stat(p)
	if err != nil {
		f.t.Error(err)
		return nil, err
	}
	f.modes[p] = i.Mode().Perm()
	f.dirty[p] = true
	return &faultyFile{f, x, p}, nil
}

func (f *faulty) Rename(from, to string) error {
	if err := f.step(true); err != nil {
		return &fs.PathError{Op: "rename", Path: to, Err: err}
	}
	if f.dirty[from] {
		f.t.Errorf("%s is renamed before it is synced", from)
	}
	f.undo = append(f.undo, undo{filepath.Dir(to), f.before(from, to)})
	return f.disk.Rename(from, to)
}

// before gives the way back from a rename.
func (f *faulty) before(from, to string) func() {
	i, err := os.Lstat(to)
	switch {
	case err != nil:
		return func() { _ = os.Rename(to, from) }
	case i.Mode()&fs.ModeSymlink != 0:
		target, _ := os.Readlink(to)
		return func() {
			_ = os.Rename(to, from)
			_ = os.Symlink(target, to)
		}
	default:
		b, _ := os.ReadFile(to)
		return func() {
			_ = os.Rename(to, from)
			_ = os.WriteFile(to, b, i.Mode().Perm())
		}
	}
}

func (f *faulty) Remove(p string) error {
	if err := f.step(true); err != nil {
		return &fs.PathError{Op: "remove", Path: p, Err: err}
	}
	return f.disk.Remove(p)
}

func (f *faulty) Symlink(target, p string) error {
	if err := f.step(false); err != nil {
		return &fs.PathError{Op: "symlink", Path: p, Err: err}
	}
	return f.disk.Symlink(target, p)
}

func (f *faulty) SyncDir(p string) error {
	if err := f.step(true); err != nil {
		return &fs.PathError{Op: "sync", Path: p, Err: err}
	}
	kept := f.undo[:0]
	for _, u := range f.undo {
		if u.dir != p {
			kept = append(kept, u)
		}
	}
	f.undo = kept
	return nil // the model above stands for the real thing, which takes a hundred times as long
}

type faultyFile struct {
	f *faulty
	file
	path string
}

// Write that fails has written half.
func (x *faultyFile) Write(b []byte) (int, error) {
	if err := x.f.step(false); err != nil {
		n, _ := x.file.Write(b[:len(b)/2])
		return n, &fs.PathError{Op: "write", Path: x.path, Err: err}
	}
	return x.file.Write(b)
}

func (x *faultyFile) Sync() error {
	if err := x.f.step(false); err != nil {
		return &fs.PathError{Op: "sync", Path: x.path, Err: err}
	}
	delete(x.f.dirty, x.path)
	return nil
}

// checkDurable demands that nothing is left that a power cut would lose.
func (f *faulty) checkDurable(what string) {
	f.t.Helper()
	for _, u := range f.undo {
		if !strings.Contains(u.dir, dirStaging) {
			f.t.Errorf("%s returned before a rename in %s was synced", what, u.dir)
		}
	}
}

func (f *faulty) String() string { return fmt.Sprintf("fault %v after %d operations", f.fault, f.ops) }

var errNoSpace error = syscall.ENOSPC
