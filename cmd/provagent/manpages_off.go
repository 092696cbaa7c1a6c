//go:build !mandoc

package main

import "github.com/spf13/cobra"

// manPages is for builds with the tag mandoc: the manual is made once, and shipped as pages.
func manPages(*cobra.Command) {}
