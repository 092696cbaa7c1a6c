package batch

import "provstation/station"

// Manifest is a list of expected devices that passed every check.
type Manifest struct {
	Name    string // of the batch: given, or the file's name without its ending
	Path    string
	Digest  []byte // SHA-256 of the file
	Devices []station.BatchDevice
}
