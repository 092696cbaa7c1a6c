package main

import (
	"context"
	"fmt"

	"provstation/station"
	"provstation/station/ledger"
)

// underIssuer is the devices that have to get away from a CA: those whose present certificate was by it when the command began.
type underIssuer struct {
	issuer string
	serial map[string]bool // hardware serials
}

// find looks them up, once. None at all is an error: a CA's name that was mistyped is not one whose devices have all moved.
func (u *underIssuer) find(ctx context.Context, l *ledger.Ledger, tenant string) error {
	found, err := l.DevicesUnder(ctx, ledger.IssuerOf(tenant, u.issuer))
	if err != nil {
		return recordsError(err)
	}
	if len(found.Devices) == 0 {
		detail := "no certificate by it is on file"
		if found.Moved > 0 {
			detail = fmt.Sprintf("the %d devices that were under it have another CA's certificate now", found.Moved)
		}
		return &exitError{exitBad, fmt.Errorf("no device is under %q: %s", plain(u.issuer), detail)}
	}
	u.serial = map[string]bool{}
	for _, d := range found.Devices {
		u.serial[d.HardwareSerial] = true
	}
	return nil
}

func (u *underIssuer) wants(a station.Announcement) bool { return u.serial[a.HardwareSerial] }
