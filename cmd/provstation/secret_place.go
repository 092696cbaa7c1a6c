package main

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"provstation/station"
	"provstation/station/config"
)

// ledgerPassword reads the password of the ledger's database where the configuration says it is, each time it is asked
// for: a new one counts from the next connection on. Nil where none is configured.
func ledgerPassword(c config.Ledger) func() (station.Secret, error) {
	return secretPlace(c.PasswordFile, c.PasswordEnv)
}

// fileSecret is the one line of a file.
func fileSecret(path string) (station.Secret, error) {
	f, err := os.Open(path)
	if err != nil {
		return station.Secret{}, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	if err != nil {
		return station.Secret{}, err
	}
	return lineSecret(text, path)
}

// lineSecret is the one line of text, which from names.
func lineSecret(text []byte, from string) (station.Secret, error) {
	line := bytes.TrimRight(text, "\r\n")
	switch {
	case len(line) == 0:
		return station.Secret{}, fmt.Errorf("%s is empty", from)
	case len(line) > maxSecretFile || bytes.ContainsAny(line, "\r\n\x00"):
		return station.Secret{}, fmt.Errorf("%s holds more than one line", from)
	}
	return station.NewSecret(line), nil
}

// secretPlace reads a secret where the configuration says it is, each time it is asked for. Nil where it says nothing.
func secretPlace(file, env string) func() (station.Secret, error) {
	switch {
	case env != "":
		return func() (station.Secret, error) { return lineSecret([]byte(os.Getenv(env)), "$"+env) }
	case file != "":
		return func() (station.Secret, error) { return fileSecret(file) }
	default:
		return nil
	}
}
