package ledger

import (
	"errors"
	"io/fs"
	"os"
	"strings"
)

// diskTrouble finds out why SQLite could not read, write or create a file in dir. SQLite tells a full disk apart from
// a failing one only for ENOSPC; a quota, a file size limit or a directory without permission come as plain I/O
// errors. So it is tried: a file is written as far out as the ledger's own files reach.
func diskTrouble(dir string) error {
	if dir == "" {
		return ErrIO
	}
	f, err := os.CreateTemp(dir, ".probe-*")
	if err != nil {
		return troubleClass(err)
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.WriteAt(make([]byte, 64<<10), farthest(dir))
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return troubleClass(err)
}

func troubleClass(err error) error {
	switch {
	case err == nil:
		return ErrIO
	case isNoSpace(err):
		return ErrFull
	case errors.Is(err, fs.ErrPermission), isReadOnlyFS(err):
		return ErrReadOnly
	default:
		return ErrIO
	}
}

// farthest is the size of the largest log in dir: where SQLite may have been writing.
func farthest(dir string) int64 {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0
	}
	var size int64
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), "-wal") {
			continue
		}
		if fi, err := e.Info(); err == nil {
			size = max(size, fi.Size())
		}
	}
	return size
}
