//go:build !linux

package devstack

import "os/exec"

// dieWithParent: no such thing here; Close ends the child.
func dieWithParent(*exec.Cmd) {}
