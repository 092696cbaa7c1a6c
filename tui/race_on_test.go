//go:build race

package tui

// slower is how much slower the race detector makes a program.
const slower = 10
