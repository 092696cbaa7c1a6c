//go:build !crashpoints

package main

// beforeFile does nothing: see the build with the tag crashpoints.
func beforeFile() func(op, path string) error { return nil }
