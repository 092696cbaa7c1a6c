package link_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"provstation/serialproto"
	"provstation/serialproto/link"
	"provstation/serialproto/prototest"
)

// Sizes of a typical enrolment, in bytes.
const (
	csrSize   = 300
	leafSize  = 600
	chainSize = 1600 // three certificates
	wgSize    = 300
	sigSize   = 71
	payload   = csrSize + leafSize + chainSize + wgSize + 32 + sigSize
)

var enrollment = []byte("enroll01")

func der(n int, seed byte) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)*7 + seed
	}
	b[0] = 0x30
	return b
}

// script is a device that remembers what it was told: key per enrollment id, objects whole or not at all.
type script struct {
	work time.Duration // of each operation

	mu       sync.Mutex
	keys     map[string][]byte
	keygens  int
	installs int
	signs    int
	state    serialproto.State
	digests  map[serialproto.Obj][]byte
}

func newScript() *script { return &script{keys: map[string][]byte{}} }

func ok(result any) []byte {
	data, err := serialproto.EncodeResponse(serialproto.StatusOK, "", 0, result)
	if err != nil {
		panic(err)
	}
	return data
}

func status(s serialproto.Status) []byte {
	data, err := serialproto.EncodeResponse(s, "", 0, nil)
	if err != nil {
		panic(err)
	}
	return data
}

func (s *script) handle(ctx context.Context, op serialproto.Op, req []byte) []byte {
	if s.work > 0 {
		select {
		case <-time.After(s.work):
		case <-ctx.Done():
			return status(serialproto.StatusInternal)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch op {
	case serialproto.OpStatus:
		return ok(serialproto.StatusResult{State: s.state, Generation: 1})
	case serialproto.OpEnroll:
		return s.enroll(req)
	case serialproto.OpInstall:
		return s.install(req)
	case serialproto.OpSignTLS13:
		s.signs++
		return ok(serialproto.SignResult{Signature: der(sigSize, 9)})
	case serialproto.OpLock:
		s.state = serialproto.StateSealed
		return ok(nil)
	}
	return status(serialproto.StatusUnknownOp)
}

func (s *script) enroll(req []byte) []byte {
	var a serialproto.EnrollArgs
	if serialproto.DecodeRequest(req, &a) != nil {
		return status(serialproto.StatusBadArgument)
	}
	csr, existing := s.keys[string(a.EnrollID)]
	if !existing {
		s.keygens++
		csr = der(csrSize, byte(s.keygens))
		s.keys[string(a.EnrollID)] = csr
	}
	s.state = serialproto.StateKeyed
	return ok(serialproto.EnrollResult{CSR: csr, KeyStore: serialproto.KeyStoreFlash, Existing: existing})
}

func (s *script) install(req []byte) []byte {
	var a serialproto.InstallArgs
	if serialproto.DecodeRequest(req, &a) != nil {
		return status(serialproto.StatusBadArgument)
	}
	s.installs++
	d := sha256.Sum256(a.Leaf)
	s.digests = map[serialproto.Obj][]byte{serialproto.ObjLeaf: d[:8]}
	s.state = serialproto.StateInstalled
	return ok(serialproto.InstallResult{Objects: s.digests})
}

// enrol drives one whole enrolment through h, checking every answer.
func enrol(ctx context.Context, h *link.Host) error {
	var e serialproto.EnrollResult
	err := h.Call(ctx, serialproto.EnrollArgs{Op: serialproto.OpEnroll, Alg: serialproto.AlgP256, DeviceID: "device-0001", EnrollID: enrollment}, &e)
	if err != nil {
		return err
	}
	if !bytes.Equal(e.CSR, der(csrSize, 1)) {
		return errors.New("csr differs from the one key's")
	}
	leaf := der(leafSize, 5)
	var i serialproto.InstallResult
	err = h.Call(ctx, serialproto.InstallArgs{
		Op: serialproto.OpInstall, Leaf: leaf, EnrollID: enrollment, Commit: true,
		Chain:  [][]byte{der(500, 1), der(500, 2), der(600, 3)},
		WGConf: bytes.Repeat([]byte("AllowedIPs = 10.0.0\n"), wgSize/20),
	}, &i)
	if err != nil {
		return err
	}
	if d := sha256.Sum256(leaf); !bytes.Equal(i.Objects[serialproto.ObjLeaf], d[:8]) {
		return errors.New("leaf arrived damaged")
	}
	var sig serialproto.SignResult
	if err := h.Call(ctx, serialproto.SignTLS13Args{Op: serialproto.OpSignTLS13, Hash: make([]byte, 32), Scheme: 0x0403}, &sig); err != nil {
		return err
	}
	if len(sig.Signature) != sigSize {
		return fmt.Errorf("signature of %d bytes", len(sig.Signature))
	}
	return h.Call(ctx, serialproto.LockArgs{Op: serialproto.OpLock, EnrollID: enrollment}, nil)
}

// bench is a host and a device on one line.
type bench struct {
	near, far *prototest.Conn
	host      *link.Host
	dev       *link.Device
	peer      *prototest.Peer
	script    *script
	served    chan error
	stop      context.CancelFunc
	t         testing.TB
}

// start wires a bench up. The caller closes it.
func start(t testing.TB, line prototest.Config, hc link.HostConfig, dc link.DeviceConfig, s *script) *bench {
	t.Helper()
	b := &bench{script: s, served: make(chan error, 1), t: t}
	b.near, b.far = prototest.Pipe(line)
	if hc.Baud == 0 {
		hc.Baud = line.Baud
	}
	if dc.Baud == 0 {
		dc.Baud = line.Baud
	}
	b.peer = &prototest.Peer{Func: s.handle}
	b.host = link.NewHost(b.near, hc)
	b.boot(dc)
	return b
}

// boot starts the device.
func (b *bench) boot(dc link.DeviceConfig) {
	ctx, cancel := context.WithCancel(context.Background())
	b.stop = cancel
	b.dev = link.NewDevice(b.far, dc, b.peer)
	dev := b.dev
	go func() { b.served <- dev.Serve(ctx) }()
}

// reset kills the device's agent without a word and starts it anew under another boot id.
func (b *bench) reset(dc link.DeviceConfig, id byte) {
	b.stop()
	b.ended()
	b.peer = &prototest.Peer{Func: b.script.handle, BootID: bytes.Repeat([]byte{id}, 8)}
	b.boot(dc)
}

func (b *bench) close(t testing.TB) {
	t.Helper()
	if err := b.host.Close(); err != nil {
		t.Errorf("close: got %v, want nil", err)
	}
	b.stop()
	b.ended()
}

// ended waits until the device's Serve has returned, which it never does without a reason.
func (b *bench) ended() {
	if err := <-b.served; err == nil {
		b.t.Errorf("serve: got nil, want the reason it ended")
	}
}
