package ledger

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"provstation/station/audit"
)

// heads are checkpoints that were made durable in the database and not yet outside of it.
type heads struct {
	mu   sync.Mutex
	wait []audit.Checkpoint

	file sync.Mutex // one at a time writes the file
	path string
	err  error // of the last writing
}

func (h *heads) add(list []audit.Checkpoint) {
	if len(list) == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wait = append(h.wait, list...)
}

// flush appends what waits to the heads file and syncs it. What could not be written waits for the next time.
func (h *heads) flush() error {
	h.file.Lock()
	defer h.file.Unlock()
	h.mu.Lock()
	list := h.wait
	h.wait = nil
	h.mu.Unlock()
	if h.path == "" || len(list) == 0 {
		return nil
	}
	if h.err = appendHeads(h.path, list); h.err != nil {
		h.mu.Lock()
		h.wait = append(list, h.wait...)
		h.mu.Unlock()
	}
	return h.err
}

func appendHeads(path string, list []audit.Checkpoint) error {
	var text []byte
	for _, c := range list {
		line, err := c.Line()
		if err != nil {
			return err
		}
		text = append(text, line...)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("write heads: %w", err)
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return fmt.Errorf("write heads: %w", err)
	}
	// A line that a power cut has left half written is ended, so that it spoils no other one.
	if size := fi.Size(); size > 0 {
		last := make([]byte, 1)
		if _, err := f.ReadAt(last, size-1); err != nil {
			return fmt.Errorf("write heads: %w", err)
		}
		if last[0] != '\n' {
			text = append([]byte{'\n'}, text...)
		}
	} else if err := syncDir(filepath.Dir(path)); err != nil {
		return fmt.Errorf("write heads: %w", err)
	}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Sync()); err != nil {
		return fmt.Errorf("write heads: %w", err)
	}
	return nil
}

// ReadHeads reads a heads file: its checkpoints, and the numbers of the lines that are none. Nothing is said about the
// signatures.
func ReadHeads(r io.Reader) (list []audit.Checkpoint, bad []int, err error) {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 0, 4096), 64<<10)
	for n := 1; s.Scan(); n++ {
		if len(s.Bytes()) == 0 {
			continue
		}
		c, err := audit.ParseCheckpoint(s.Bytes())
		if err != nil {
			bad = append(bad, n)
			continue
		}
		list = append(list, c)
	}
	if err := s.Err(); err != nil {
		return nil, nil, fmt.Errorf("read heads: %w", err)
	}
	return list, bad, nil
}
