//go:build !linux

package stationtest

import "os/exec"

// endWithParent: no such thing here; the test's cleanup ends the child.
func endWithParent(*exec.Cmd) {}

// apply: the child runs as this process does; a server that refuses that says so.
func (*account) apply(*exec.Cmd) {}
