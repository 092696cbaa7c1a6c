// Package ctest holds the tests of the C device side in the folder above: they build it with the system's C compiler under
// sanitizers and drive it with this module's codec and link. There is nothing here for other packages, and the folder
// above holds no Go file, so that no build needs cgo.
package ctest
