package tpmkey

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
)

// Bounds of a TPM's answer: its header (tag, size, code) and what go-tpm takes.
const (
	headerSize = 10
	maxAnswer  = 4096
)

// answerWait is how long an emulator may take for one command. A real TPM's time is bounded by the kernel's driver.
const answerWait = 30 * time.Second

// Response codes that say "later" (TPM 2.0 Part 2, 6.6.3).
const (
	rcYielded       = 0x908
	rcTesting       = 0x90a
	rcNVRate        = 0x920
	rcRetry         = 0x922
	rcNVUnavailable = 0x923
)

func later(code uint32) bool {
	switch code {
	case rcYielded, rcTesting, rcNVRate, rcRetry, rcNVUnavailable:
		return true
	}
	return false
}

// line is a way to a TPM: a device file, or an emulator's socket.
type line interface {
	io.ReadWriteCloser
	SetDeadline(t time.Time) error
}

type dialer func() (line, error)

func parseDevice(device string) (dialer, error) {
	network, address, ok := strings.Cut(device, ":")
	switch {
	case device == "":
		return nil, errors.New("no TPM device is named")
	case strings.HasPrefix(device, "/"):
		return func() (line, error) { return openDevice(device) }, nil
	case ok && network == "unix" && address != "":
	case ok && network == "tcp" && strings.Contains(address, ":"):
	default:
		return nil, fmt.Errorf("TPM device %q: want a path that begins with /, unix:PATH or tcp:HOST:PORT", device)
	}
	return func() (line, error) {
		ctx, cancel := context.WithTimeout(context.Background(), answerWait) // a key store's methods take none
		defer cancel()
		return new(net.Dialer).DialContext(ctx, network, address)
	}, nil
}

// channel is one conversation with the TPM: each Write is a command, whose answer is there to be read when it returns. go-tpm
// writes a command and reads its answer, both whole.
type channel struct {
	line   line
	until  time.Time // busy answers are waited out until then
	answer []byte
}

// open waits for a TPM that another program holds: without a resource manager one at a time has it.
func (k *Keys) open() (*channel, error) {
	until := time.Now().Add(k.patience)
	for pause := firstPause; ; pause *= 2 {
		l, err := k.dial()
		if err == nil {
			return &channel{line: l, until: until}, nil
		}
		if !held(err) || time.Now().Add(pause).After(until) {
			return nil, &openError{err}
		}
		wait(min(pause, mostPause))
	}
}

// held reports whether somebody else has the TPM: its device file, or the one client that an emulator takes at a time.
func held(err error) bool { return errors.Is(err, syscall.EBUSY) || errors.Is(err, syscall.EAGAIN) }

const (
	firstPause = 5 * time.Millisecond
	mostPause  = 500 * time.Millisecond
)

func wait(d time.Duration) { <-time.After(d) }

func (c *channel) close() { _ = c.line.Close() } // nothing is loaded any more that it could lose

// Write sends a command and waits for its answer; where the TPM says "later", it is sent again. go-tpm would try again, too,
// by a clock of its own, and has no error for a TPM that never comes round.
func (c *channel) Write(command []byte) (int, error) {
	for pause := firstPause; ; pause *= 2 {
		answer, err := c.exchange(command)
		if err != nil {
			return 0, &lineError{err}
		}
		code := binary.BigEndian.Uint32(answer[6:])
		if !later(code) {
			c.answer = answer
			return len(command), nil
		}
		if time.Now().Add(pause).After(c.until) {
			return 0, &busyError{code}
		}
		wait(min(pause, mostPause))
	}
}

// Read gives the answer of the last command.
func (c *channel) Read(p []byte) (int, error) {
	if len(c.answer) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.answer)
	c.answer = c.answer[n:]
	return n, nil
}

func (c *channel) exchange(command []byte) ([]byte, error) {
	if err := c.line.SetDeadline(time.Now().Add(answerWait)); err != nil && !errors.Is(err, os.ErrNoDeadline) {
		return nil, err
	}
	if _, err := c.line.Write(command); err != nil {
		return nil, err
	}
	// A device file gives an answer whole at the first read; a socket may cut it.
	buf := make([]byte, maxAnswer)
	for have := 0; ; {
		n, err := c.line.Read(buf[have:])
		have += n
		if have >= headerSize {
			size := binary.BigEndian.Uint32(buf[2:])
			if size < headerSize || size > maxAnswer || int(size) < have {
				return nil, fmt.Errorf("an answer of %d bytes", size)
			}
			if int(size) == have {
				return buf[:have], nil
			}
		}
		if err != nil {
			return nil, err
		}
		if n == 0 {
			return nil, io.ErrUnexpectedEOF
		}
	}
}
