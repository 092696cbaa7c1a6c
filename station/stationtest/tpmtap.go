package stationtest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Commands of a TPM (TPM 2.0 Part 2, 6.5.2), as far as a tap tells them apart.
const (
	TPMCreatePrimary uint32 = 0x131
	TPMCreate        uint32 = 0x153
	TPMLoad          uint32 = 0x157
	TPMSign          uint32 = 0x15d
	TPMFlush         uint32 = 0x165
)

// TPMCommand is one command that crossed a tap, with the TPM's answer.
type TPMCommand struct {
	Code     uint32
	RC       uint32
	Request  []byte
	Response []byte
}

// TPMSignature is what a TPM2_Sign was given and gave.
type TPMSignature struct {
	Digest []byte
	R, S   *big.Int
}

// TPMTap lies between a program and a TPM, and writes down every command and its answer.
type TPMTap struct {
	Socket string // where the program takes it for the TPM

	t    testing.TB
	tpm  *SWTPM
	one  sync.Mutex // held by the client that is served
	mu   sync.Mutex
	seen []TPMCommand
	hold func(code uint32) // called before each command goes on; nil: nothing
	fake func(code uint32) (rc uint32)
}

// Device names the tap as `provagent --tpm-device` does.
func (p *TPMTap) Device() string { return "unix:" + p.Socket }

// Tap puts one before the TPM.
func (s *SWTPM) Tap() *TPMTap {
	s.t.Helper()
	p := &TPMTap{Socket: s.Socket + ".tap", t: s.t, tpm: s}
	l, err := new(net.ListenConfig).Listen(s.t.Context(), "unix", p.Socket)
	if err != nil {
		s.t.Fatal(err)
	}
	var clients sync.WaitGroup
	clients.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			clients.Go(func() { p.serve(c) })
		}
	})
	s.t.Cleanup(func() {
		_ = l.Close()
		clients.Wait()
	})
	return p
}

// Hold has f called before each command goes on to the TPM.
func (p *TPMTap) Hold(f func(code uint32)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hold = f
}

// Fake has f say what a command is answered with in the TPM's place; 0: the TPM answers.
func (p *TPMTap) Fake(f func(code uint32) (rc uint32)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fake = f
}

// Commands are those that were answered so far, in order.
func (p *TPMTap) Commands() []TPMCommand {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]TPMCommand(nil), p.seen...)
}

// Count is how often a command was answered.
func (p *TPMTap) Count(code uint32) (n int) {
	for _, c := range p.Commands() {
		if c.Code == code {
			n++
		}
	}
	return n
}

// Signatures are those that the TPM gave.
func (p *TPMTap) Signatures() (out []TPMSignature) {
	p.t.Helper()
	for _, c := range p.Commands() {
		if c.Code != TPMSign || c.RC != 0 {
			continue
		}
		s, err := parseSign(c)
		if err != nil {
			p.t.Fatalf("TPM2_Sign: %v", err)
		}
		out = append(out, s)
	}
	return out
}

// Signed finds the TPM2_Sign that gave a signature.
func (p *TPMTap) Signed(r, s *big.Int) (TPMSignature, bool) {
	p.t.Helper()
	for _, g := range p.Signatures() {
		if g.R.Cmp(r) == 0 && g.S.Cmp(s) == 0 {
			return g, true
		}
	}
	return TPMSignature{}, false
}

// serve passes one client's commands on. The emulator has one client at a time.
func (p *TPMTap) serve(client net.Conn) {
	defer client.Close()
	p.one.Lock()
	defer p.one.Unlock()
	var tpm net.Conn
	defer func() {
		if tpm != nil {
			_ = tpm.Close()
		}
	}()
	for {
		req, err := readTPM(client)
		if err != nil {
			return
		}
		code := binary.BigEndian.Uint32(req[6:])
		rsp := p.inItsPlace(code)
		if rsp == nil {
			if tpm == nil {
				if tpm, err = p.dial(); err != nil {
					return
				}
			}
			if _, err = tpm.Write(req); err == nil {
				rsp, err = readTPM(tpm)
			}
			if err != nil {
				return
			}
		}
		p.mu.Lock()
		p.seen = append(p.seen, TPMCommand{Code: code, RC: binary.BigEndian.Uint32(rsp[6:]), Request: req, Response: rsp})
		p.mu.Unlock()
		if _, err := client.Write(rsp); err != nil {
			return
		}
	}
}

// inItsPlace is the answer that the TPM is not asked for; nil: it is asked.
func (p *TPMTap) inItsPlace(code uint32) []byte {
	p.mu.Lock()
	hold, fake := p.hold, p.fake
	p.mu.Unlock()
	if hold != nil {
		hold(code)
	}
	if fake == nil {
		return nil
	}
	rc := fake(code)
	if rc == 0 {
		return nil
	}
	return binary.BigEndian.AppendUint32([]byte{0x80, 0x01, 0, 0, 0, 10}, rc)
}

// dial waits for the emulator to take leave of the client before.
func (p *TPMTap) dial() (net.Conn, error) {
	late := time.After(10 * time.Second)
	for {
		c, err := net.Dial("unix", p.tpm.Socket) //nolint:noctx // ended with the client
		if !errors.Is(err, syscall.EAGAIN) {
			return c, err
		}
		select {
		case <-time.After(time.Millisecond):
		case <-late:
			return nil, err
		}
	}
}

// readTPM reads one command or answer: tag, size, code, the rest.
func readTPM(r io.Reader) ([]byte, error) {
	head := make([]byte, 10)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(head[2:])
	if size < 10 || size > 4096 {
		return nil, fmt.Errorf("a size of %d", size)
	}
	b := make([]byte, size)
	_, err := io.ReadFull(r, b[copy(b, head):])
	return b, err
}

var errShort = errors.New("cut off")

// field takes a TPM2B off b.
func field(b []byte) (f, rest []byte, err error) {
	if len(b) < 2 || len(b)-2 < int(binary.BigEndian.Uint16(b)) {
		return nil, nil, errShort
	}
	n := int(binary.BigEndian.Uint16(b))
	return b[2 : 2+n], b[2+n:], nil
}

// parseSign reads a TPM2_Sign and its answer (TPM 2.0 Part 3, 20.2): handle, authorisation area, digest; parameter size,
// signature algorithm, hash, r, s.
func parseSign(c TPMCommand) (out TPMSignature, err error) {
	req, rsp := c.Request, c.Response
	if len(req) < 18 || len(rsp) < 18 {
		return out, errShort
	}
	auth := int(binary.BigEndian.Uint32(req[14:]))
	if auth > len(req)-18 {
		return out, errShort
	}
	if out.Digest, _, err = field(req[18+auth:]); err != nil {
		return out, err
	}
	const ecdsa = 0x0018
	if alg := binary.BigEndian.Uint16(rsp[14:]); alg != ecdsa {
		return out, fmt.Errorf("algorithm %#x", alg)
	}
	r, rest, err := field(rsp[18:])
	if err != nil {
		return out, err
	}
	s, _, err := field(rest)
	if err != nil {
		return out, err
	}
	out.R, out.S = new(big.Int).SetBytes(r), new(big.Int).SetBytes(s)
	return out, nil
}
