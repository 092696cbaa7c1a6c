package device

import "provstation/serialproto/port"

// NewEventWatcher is a watcher whose every setting is the test's.
func NewEventWatcher(cfg port.WatchConfig) *Watcher { return &Watcher{cfg} }
