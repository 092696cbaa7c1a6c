//go:build !linux

package tpmkey

import (
	"errors"
	"os"
)

// openDevice: device files of TPMs are Linux's.
func openDevice(path string) (line, error) {
	return nil, &os.PathError{Op: "open", Path: path, Err: errors.ErrUnsupported}
}
