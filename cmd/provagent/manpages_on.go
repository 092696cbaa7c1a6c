//go:build mandoc

package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// manPages adds the command that `make dist` writes the manual with: a page for the program and one for each of its commands.
// It is no part of what is shipped, since it brings a renderer of Markdown. Their date is that of SOURCE_DATE_EPOCH.
func manPages(root *cobra.Command) {
	root.AddCommand(&cobra.Command{
		Use: "man-pages DIR", Short: "Write a manual page a command", Hidden: true, Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			root.DisableAutoGenTag = true
			return doc.GenManTree(root, &doc.GenManHeader{Section: "1", Source: "provagent " + version, Manual: "provstation"}, args[0])
		},
	})
}
