package tpmkey

import (
	"os"
	"syscall"
)

// openDevice opens a TPM's device file so that writing waits for the command's end: opened by os.OpenFile it would not block,
// and the kernel would then answer a read that comes too early with nothing at all.
func openDevice(path string) (line, error) {
	fd, err := syscall.Open(path, syscall.O_RDWR|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(fd), path), nil
}
