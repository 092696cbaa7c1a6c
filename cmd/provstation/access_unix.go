//go:build unix

package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// mayReadWrite asks whether this process may open the file for reading and writing.
func mayReadWrite(path string) error {
	if err := unix.Access(path, unix.R_OK|unix.W_OK); err != nil {
		return &os.PathError{Op: "open", Path: path, Err: err}
	}
	return nil
}
