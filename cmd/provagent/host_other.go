//go:build !linux

package main

import (
	"errors"
	"os"
	"time"
)

var errLinuxOnly = errors.New("serving a tty needs Linux")

func openTTY(string, int) (*os.File, error) { return nil, errors.Join(errNotTTY, errLinuxOnly) }

func lockStore(string) (func(), error) { return func() {}, nil }

func lockDir(string) (func(), error) { return func() {}, nil }

type hostClock struct{}

func (hostClock) Now() time.Time      { return time.Now() }
func (hostClock) Set(time.Time) error { return errLinuxOnly }

type hostConsole struct{}

func (hostConsole) Quiet() error   { return errLinuxOnly }
func (hostConsole) Restore() error { return errLinuxOnly }

func rngReady() error   { return nil }
func hostReboot() error { return errLinuxOnly }
