//go:build windows

package port

import (
	"errors"

	"golang.org/x/sys/windows"
)

// wouldBlock says that a call would have had to wait: never, on Windows.
func wouldBlock(error) bool { return false }

// noModemLines says that the driver does not know modem lines.
func noModemLines(err error) bool {
	return errors.Is(err, windows.ERROR_INVALID_FUNCTION) || errors.Is(err, windows.ERROR_NOT_SUPPORTED)
}
