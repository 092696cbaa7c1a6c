//go:build linux

package vm

import (
	"bufio"
	"fmt"
	"io"
)

// Kinds of files, as in the mode of stat(2).
const (
	kindFolder  = 0o040000
	kindFile    = 0o100000
	kindSymlink = 0o120000
	kindChar    = 0o020000
)

// cpioWriter writes the "newc" archive that the kernel takes as initramfs (Documentation/driver-api/early-userspace/
// buffer-format.rst): a header of 110 ASCII characters, the name with a NUL, the data; header plus name, and the data, are
// each filled up to four bytes.
type cpioWriter struct {
	w     *bufio.Writer
	n     int64
	inode int
}

func newCPIO(w io.Writer) *cpioWriter { return &cpioWriter{w: bufio.NewWriterSize(w, 1<<20)} }

// cpioEntry is one file. Its data follow separately.
type cpioEntry struct {
	name         string
	mode         uint32 // kind and permissions
	size         int64
	major, minor uint32
}

func (c *cpioWriter) entry(e cpioEntry, data io.Reader) error {
	if e.size >= 1<<32 || len(e.name) == 0 {
		return fmt.Errorf("cpio: %q of %d bytes does not fit", e.name, e.size)
	}
	c.inode++
	links := 1
	if e.mode&0o170000 == kindFolder {
		links = 2
	}
	if err := c.text(fmt.Sprintf("070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%s\x00",
		c.inode, e.mode, 0, 0, links, 0, e.size, 0, 0, e.major, e.minor, len(e.name)+1, 0, e.name)); err != nil {
		return err
	}
	if e.size > 0 {
		n, err := io.CopyN(c.w, data, e.size)
		c.n += n
		if err != nil {
			return fmt.Errorf("cpio: %s: %w", e.name, err)
		}
	}
	return c.fill()
}

func (c *cpioWriter) text(s string) error {
	n, err := c.w.WriteString(s)
	c.n += int64(n)
	if err != nil {
		return err
	}
	return c.fill()
}

func (c *cpioWriter) fill() error {
	for ; c.n%4 != 0; c.n++ {
		if err := c.w.WriteByte(0); err != nil {
			return err
		}
	}
	return nil
}

func (c *cpioWriter) close() error {
	if err := c.entry(cpioEntry{name: "TRAILER!!!"}, nil); err != nil {
		return err
	}
	return c.w.Flush()
}
