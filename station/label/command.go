package label

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

const (
	commandTimeout = 30 * time.Second
	commandWait    = 2 * time.Second // for its pipes, once it is gone
	maxSaid        = 512             // bytes of a command's output in an error
	ownVariables   = "PROVSTATION_"  // may hold tokens: a print command has no use for them
)

// CommandPrinter prints by a program that takes the label on its standard input. It is started without a shell, and ended
// with all it started when the context is done, or after 30 seconds.
func CommandPrinter(argv []string) (Printer, error) {
	if len(argv) == 0 || strings.TrimSpace(argv[0]) == "" {
		return nil, errors.New("label printer: no command")
	}
	return &commandPrinter{argv: append([]string(nil), argv...)}, nil
}

type commandPrinter struct {
	argv []string
	mu   sync.Mutex
}

// String names the program alone: its arguments may hold what is nobody's business.
func (p *commandPrinter) String() string { return clean(filepath.Base(p.argv[0])) }

// CommandError says how a print command failed.
type CommandError struct {
	Program string
	Said    string // what it wrote, printable, the first 512 bytes
	Err     error
}

func (e *CommandError) Error() string {
	s := fmt.Sprintf("print label: %s: %v", e.Program, e.Err)
	if e.Said != "" {
		s += ": " + e.Said
	}
	return s
}

func (e *CommandError) Unwrap() error { return e.Err }

var errNotTaken = errors.New("did not read the whole label")

// Print runs the program. Only its exit code 0 is a success.
func (p *commandPrinter) Print(ctx context.Context, label []byte) error {
	if len(label) == 0 {
		return ErrEmptyLabel
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	var said firstBytes
	cmd := exec.CommandContext(ctx, p.argv[0], p.argv[1:]...)
	in := bytes.NewReader(label)
	cmd.Stdin = in
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.Env = withoutOwn(os.Environ())
	cmd.WaitDelay = commandWait
	ownGroup(cmd)
	err := cmd.Run()
	if err == nil && in.Len() > 0 { // os/exec takes a closed pipe for no error
		err = errNotTaken
	}
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
			if in.Len() == 0 {
				err = fmt.Errorf("%w; %w", err, ErrMaybePrinted)
			}
		}
		return &CommandError{Program: p.String(), Said: clean(strings.ReplaceAll(said.String(), "\n", " ")), Err: err}
	}
	return nil
}

func withoutOwn(env []string) []string {
	var list []string
	for _, v := range env {
		if !strings.HasPrefix(v, ownVariables) {
			list = append(list, v)
		}
	}
	return list
}

// firstBytes keeps the beginning of what is written to it, and takes the rest.
type firstBytes struct{ bytes.Buffer }

func (b *firstBytes) Write(p []byte) (int, error) {
	b.Buffer.Write(p[:min(len(p), maxSaid-b.Len())])
	return len(p), nil
}
