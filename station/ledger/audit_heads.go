package ledger

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"

	"provstation/station/audit"
)

// heads are checkpoints that were made durable in the database and not yet outside of it.
type heads struct {
	wake chan struct{} // buffer 1: there are some

	mu   sync.Mutex
	wait []audit.Checkpoint

	file sync.Mutex // one at a time writes the file
	path string
	err  error // of the last writing
}

// keptIn says which file the heads go into, before there are any.
func (h *heads) keptIn(path string) {
	h.file.Lock()
	defer h.file.Unlock()
	h.path = path
}

func (h *heads) add(list []audit.Checkpoint) {
	if len(list) == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wait = append(h.wait, list...)
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// keep flushes whenever something waits, until quit is closed: a run's end does not wait for a second file.
func (h *heads) keep(quit <-chan struct{}, failed func(error)) {
	for {
		select {
		case <-quit:
			return
		case <-h.wake:
		}
		if err := h.flush(); err != nil {
			failed(err)
		}
	}
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
	n := 0
	err = eachLine(r, func(line []byte) {
		if n++; len(line) == 0 {
			return
		}
		c, err := audit.ParseCheckpoint(line)
		if err != nil {
			bad = append(bad, n)
			return
		}
		list = append(list, c)
	})
	return list, bad, err
}

func readHeadsFile(path string) ([]audit.Checkpoint, []int, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, fmt.Errorf("read heads: %w", err)
	}
	defer f.Close()
	return ReadHeads(f)
}

// eachLine gives the lines of a heads file. What is longer than any line of one comes cut.
func eachLine(from io.Reader, do func(line []byte)) error {
	r := bufio.NewReaderSize(from, 16<<10)
	for {
		line, err := r.ReadSlice('\n')
		if len(line) > 0 {
			do(bytes.TrimSuffix(line, []byte{'\n'}))
		}
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = r.ReadSlice('\n')
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read heads: %w", err)
		}
	}
}

// newestHeads reads the heads of the highest rows of a station from a heads file. The file is gone through, and no other line
// of it is looked at closely.
func newestHeads(path, stationID string) ([]audit.Checkpoint, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read heads: %w", err)
	}
	defer f.Close()
	type numbered struct {
		n    uint64
		line []byte
	}
	var top []numbered // the highest first
	err = eachLine(f, func(line []byte) {
		n, ok := lineNumber(line)
		if !ok || len(top) == startSigned && n <= top[startSigned-1].n {
			return
		}
		i, _ := slices.BinarySearchFunc(top, n, func(have numbered, n uint64) int { return cmp.Compare(n, have.n) })
		top = slices.Insert(top, i, numbered{n, bytes.Clone(line)})
		top = top[:min(len(top), startSigned)]
	})
	var list []audit.Checkpoint
	for _, t := range top {
		if c, err := audit.ParseCheckpoint(t.line); err == nil && c.Station == stationID {
			list = append(list, c)
		}
	}
	return list, err
}

// lineNumber is the number of the row in a line of a heads file, as far as it can be seen.
func lineNumber(line []byte) (n uint64, ok bool) {
	_, rest, ok := bytes.Cut(line, []byte(`,"n":`))
	digits, _, more := bytes.Cut(rest, []byte{','})
	if !ok || !more {
		return 0, false
	}
	n, err := strconv.ParseUint(string(digits), 10, 64)
	return n, err == nil
}
