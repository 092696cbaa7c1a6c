//go:build !linux && !windows

package port

import "os"

// changed is "" where device nodes do not tell when they were made.
func changed(os.FileInfo) string { return "" }
