package filestore

import "io/fs"

// guarded asks before every operation that changes something. It stands for a flash that is full or broken, and for a
// power cut: whoever lets every operation fail from one on has a device that stopped there.
type guarded struct {
	fsys
	before func(op, path string) error
}

func (g guarded) ask(op, path string) error {
	if err := g.before(op, path); err != nil {
		return &fs.PathError{Op: op, Path: path, Err: err}
	}
	return nil
}

func (g guarded) Mkdir(path string, mode fs.FileMode) error {
	if err := g.ask("mkdir", path); err != nil {
		return err
	}
	return g.fsys.Mkdir(path, mode)
}

func (g guarded) Create(path string, mode fs.FileMode) (file, error) {
	if err := g.ask("create", path); err != nil {
		return nil, err
	}
	f, err := g.fsys.Create(path, mode)
	if err != nil {
		return nil, err
	}
	return &guardedFile{f, g, path}, nil
}

func (g guarded) Rename(from, to string) error {
	if err := g.ask("rename", to); err != nil {
		return err
	}
	return g.fsys.Rename(from, to)
}

func (g guarded) Remove(path string) error {
	if err := g.ask("remove", path); err != nil {
		return err
	}
	return g.fsys.Remove(path)
}

func (g guarded) Symlink(target, path string) error {
	if err := g.ask("symlink", path); err != nil {
		return err
	}
	return g.fsys.Symlink(target, path)
}

func (g guarded) SyncDir(path string) error {
	if err := g.ask("sync", path); err != nil {
		return err
	}
	return g.fsys.SyncDir(path)
}

// guardedFile is a file whose writes are asked about. One that fails has written half.
type guardedFile struct {
	file
	g    guarded
	path string
}

func (f *guardedFile) Write(p []byte) (int, error) {
	if err := f.g.ask("write", f.path); err != nil {
		n, _ := f.file.Write(p[:len(p)/2]) // what counts is that it was not all
		return n, err
	}
	return f.file.Write(p)
}

func (f *guardedFile) Sync() error {
	if err := f.g.ask("sync", f.path); err != nil {
		return err
	}
	return f.file.Sync()
}
