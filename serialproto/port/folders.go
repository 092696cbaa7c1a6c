package port

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/fsnotify/fsnotify"
)

// folders watches the folders in which configured paths may appear.
type folders struct {
	fs   *fsnotify.Watcher
	done chan struct{}
}

func newFolders(hint func()) (*folders, error) {
	fs, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	f := &folders{fs: fs, done: make(chan struct{})}
	go func() {
		defer close(f.done)
		for {
			select {
			case e, ok := <-fs.Events:
				if !ok {
					return
				}
				if e.Has(fsnotify.Create) || e.Has(fsnotify.Remove) || e.Has(fsnotify.Rename) {
					hint()
				}
			case _, ok := <-fs.Errors: // an overflow, mostly: look at everything
				if !ok {
					return
				}
				hint()
			}
		}
	}()
	return f, nil
}

func (f *folders) close() {
	_ = f.fs.Close()
	<-f.done
}

// follow watches, for each path, its folder or the nearest one above that is
// there. It reports whether a watch was added, for the caller to look again.
//
// A folder under /dev is watched only while the path is missing: every byte
// through a pty is an event in /dev/pts. That a device there has gone is told by
// its open port, the kernel, or the next safety scan.
func (f *folders) follow(paths []string) bool {
	want := make(map[string]bool)
	for _, path := range paths {
		if IsNetwork(path) {
			continue
		}
		dir := nearest(filepath.Dir(path))
		if dir == "" {
			continue
		}
		if strings.HasPrefix(dir+"/", "/dev/") {
			if _, err := os.Stat(path); err == nil {
				continue
			}
		}
		want[dir] = true
	}
	// The watcher forgets folders that were deleted: its list is the truth.
	set := make(map[string]bool)
	for _, dir := range f.fs.WatchList() {
		if want[dir] {
			set[dir] = true
		} else {
			_ = f.fs.Remove(dir)
		}
	}
	added := false
	for dir := range want {
		if !set[dir] && f.fs.Add(dir) == nil {
			added = true
		}
	}
	return added
}

// nearest returns dir or the first folder above it that exists.
func nearest(dir string) string {
	for {
		if st, err := os.Stat(dir); err == nil && st.IsDir() {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			return ""
		}
		dir = up
	}
}
