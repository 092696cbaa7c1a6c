//go:build !linux

package ledger

import "errors"

func childLimited(string) error { return errors.New("linux only") }
