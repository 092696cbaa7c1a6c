//go:build !linux

package port

// Holder is known on Linux only.
func Holder(string) (pid int, name string, ok bool) { return 0, "", false }

type deviceKey struct{}

func keyOf(string) (deviceKey, bool) { return deviceKey{}, false }

func allHolders() map[deviceKey]Process { return nil }

// LatencyTimer is known on Linux only.
func LatencyTimer(string) (ms int, ok bool) { return 0, false }
