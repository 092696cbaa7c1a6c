package prototest_test

import (
	"os"

	"golang.org/x/term"
)

// rawMode makes a terminal pass bytes as they are.
func rawMode(f *os.File) error {
	_, err := term.MakeRaw(int(f.Fd()))
	return err
}
