package onbox

import (
	"context"
	"fmt"
	"os/exec"
	"time"
)

const reloadTimeout = time.Minute

// Shell runs a command that a person configured to be run after a renewal. Its error holds the end of what it printed.
func Shell(ctx context.Context, command string) error {
	ctx, cancel := context.WithTimeout(ctx, reloadTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", command)
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", command, err, Printable(string(out), 300))
	}
	return nil
}
