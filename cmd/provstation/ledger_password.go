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
	switch {
	case c.PasswordEnv != "":
		return func() (station.Secret, error) {
			return lineSecret([]byte(os.Getenv(c.PasswordEnv)), "$"+c.PasswordEnv)
		}
	case c.PasswordFile != "":
		return func() (station.Secret, error) {
			f, err := os.Open(c.PasswordFile)
			if err != nil {
				return station.Secret{}, err
			}
			defer f.Close()
			text, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
			if err != nil {
				return station.Secret{}, err
			}
			return lineSecret(text, c.PasswordFile)
		}
	default:
		return nil
	}
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
