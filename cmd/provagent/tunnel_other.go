//go:build !linux

package main

import (
	"context"

	"provstation/station/wgcheck"
)

// hostTunnel is not to be had here.
type hostTunnel struct{}

func (*hostTunnel) Up(context.Context, []byte) error {
	return &wgcheck.Error{Step: wgcheck.StepUp, Reason: wgcheck.Unsupported, Detail: errLinuxOnly.Error(), Err: errLinuxOnly}
}

func (*hostTunnel) Status(context.Context) (wgcheck.Interface, error) {
	return wgcheck.Interface{}, errLinuxOnly
}

func (*hostTunnel) Down() error { return nil }
