//go:build !linux

package port

func openLine(path string, cfg Config) (line, []byte, error) { return openLibraryLine(path, cfg) }
