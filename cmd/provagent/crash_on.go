//go:build crashpoints

package main

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
)

// beforeFile gives what kills the process, as kill -9 does, before the operation on its files that PROVAGENT_CRASH_AT numbers,
// counted from 1, whoever does them. It says which that is, for the test that goes through them all.
var beforeFile = sync.OnceValue(func() func(op, path string) error {
	at, err := strconv.ParseInt(os.Getenv("PROVAGENT_CRASH_AT"), 10, 64)
	if err != nil {
		return nil
	}
	var passed atomic.Int64
	return func(op, path string) error {
		if passed.Add(1) != at {
			return nil
		}
		fmt.Fprintf(os.Stderr, "dies before %s %s\n", op, path)
		self, err := os.FindProcess(os.Getpid())
		if err == nil {
			err = self.Kill()
		}
		if err != nil {
			panic("kill the own process: " + err.Error())
		}
		select {} // the signal is on its way
	}
})
