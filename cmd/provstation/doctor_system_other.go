//go:build !linux

package main

import "provstation/serialproto/port"

// clockSynced is known on Linux only.
func clockSynced() (synced, known bool) { return false, false }

// holderOf finds who has the port open, where the system tells.
func holderOf(path string) (pid int, name string, ok bool) { return port.Holder(path) }
