package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"provstation/serialproto"
	"provstation/serialproto/link"
)

// bed is a device whose agent dies, and the station that enrolls it.
type bed struct {
	t              *testing.T
	bin, far, wdir string
	host           *link.Host
	root, ica, sub issuer
	conf           []byte
}

// TestAgentKilledAtEveryFileOperation kills a real agent, by a real signal, before each operation on its files in an
// enrollment, one after the other. Whatever was answered is there when it is started again, the enrollment goes on with the
// same key, and the device's files are whole at its end.
func TestAgentKilledAtEveryFileOperation(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("kills some hundred agents")
	}
	dir := t.TempDir()
	bin := builtMortal(t)
	root := issuer{}.ca(t, "Provider Root CA", 2)
	ica := root.ca(t, "Provider ICA", 1)
	sub := ica.ca(t, "Tenant Sub-CA", 0)
	conf := tunnel(t)

	const lanes = 4
	ops := make([]map[string]int, lanes) // what it died before
	killed := make([]int, lanes)
	var wg sync.WaitGroup
	for lane := range lanes {
		wdir := filepath.Join(dir, fmt.Sprint(lane))
		if err := os.Mkdir(wdir, 0o700); err != nil {
			t.Fatal(err)
		}
		near, far := filepath.Join(wdir, "near"), filepath.Join(wdir, "far")
		cable(t, near, far)
		b := &bed{t: t, bin: bin, far: far, wdir: wdir, host: station(t, near), root: root, ica: ica, sub: sub, conf: conf}
		ops[lane] = map[string]int{}
		wg.Go(func() {
			for n := lane + 1; !t.Failed(); n += lanes {
				op, died := b.dieAt(n)
				if !died {
					return
				}
				ops[lane][op]++
				killed[lane]++
			}
		})
	}
	wg.Wait()
	total, kinds := 0, map[string]int{}
	for lane := range lanes {
		total += killed[lane]
		for op, n := range ops[lane] {
			kinds[op] += n
		}
	}
	t.Logf("%d agents killed, before: %v", total, kinds)
	if total < 80 && !t.Failed() {
		t.Errorf("got %d operations in an enrollment, want all of them: some eighty", total)
	}
	for _, op := range []string{"mkdir", "create", "write", "sync", "rename", "symlink", "remove"} {
		if kinds[op] == 0 && !t.Failed() {
			t.Errorf("no agent died before %s", op)
		}
	}
}

// builtMortal gives a provagent that can be told where to die.
func builtMortal(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "provagent")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-tags", "crashpoints", "-o", bin, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build -tags crashpoints: %v\n%s", err, out)
	}
	return bin
}

// dieAt enrolls a new device whose agent dies before its n-th operation, and enrolls it again with one that does not. It gives
// the operation; died is false where an enrollment has none with that number.
func (b *bed) dieAt(n int) (op string, died bool) {
	state := filepath.Join(b.wdir, fmt.Sprintf("state-%d", n))
	first := b.agent(state, n)
	var csr []byte
	err := b.enroll(first, &csr)
	if err == nil {
		b.stop(first)
		return "", false
	}
	<-first.gone
	status, _ := first.cmd.ProcessState.Sys().(syscall.WaitStatus)
	_, said, ok := strings.Cut(first.out.String(), "dies before ")
	if !ok || !status.Signaled() || status.Signal() != syscall.SIGKILL {
		b.t.Errorf("operation %d: got %v and %v, want the agent killed there\n%s", n, err, first.cmd.ProcessState, first.out)
		return "", true
	}
	op, _, _ = strings.Cut(said, " ")
	second, again := b.agent(state, 0), []byte(nil)
	defer b.stop(second)
	if err := b.enroll(second, &again); err != nil {
		b.t.Errorf("operation %d (%s): after it the device is not enrolled: %v\n%s", n, op, err, second.out)
		return op, true
	}
	if csr != nil && !bytes.Equal(csr, again) {
		b.t.Errorf("operation %d (%s): an answered request was replaced by another", n, op)
	}
	b.check(n, op, state, again)
	return op, true
}

// mortal is an agent that may die by itself.
type mortal struct {
	cmd  *exec.Cmd
	out  *tail
	gone chan struct{}
}

func (b *bed) agent(state string, dieAt int) *mortal {
	p := &mortal{
		cmd: exec.Command(b.bin, "serve", "--tty", b.far, "--state-dir", state, "--serial", "HW-7", "--model", "box", "--baud", "0"), //nolint:noctx // ended by signal
		out: &tail{more: make(chan struct{}, 1)}, gone: make(chan struct{}),
	}
	p.cmd.Env = os.Environ()
	if dieAt > 0 {
		p.cmd.Env = append(p.cmd.Env, fmt.Sprintf("PROVAGENT_CRASH_AT=%d", dieAt))
	}
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	if err := p.cmd.Start(); err != nil {
		b.t.Error(err)
		close(p.gone)
		return p
	}
	b.t.Cleanup(func() { b.stop(p) })
	go func() {
		_ = p.cmd.Wait() // its state says how it ended
		close(p.gone)
	}()
	return p
}

func (b *bed) stop(p *mortal) {
	if p.cmd.Process != nil {
		_ = p.cmd.Process.Kill() // gone already, where it died
	}
	<-p.gone
}

// errAgentDied: the agent's process is gone.
var errAgentDied = errors.New("the agent died")

// enroll does a whole enrollment; csr is what was answered first.
func (b *bed) enroll(p *mortal, csr *[]byte) error {
	ctx, cancel := context.WithTimeoutCause(b.t.Context(), 2*time.Minute, errors.New("nothing came of it for two minutes"))
	defer cancel()
	ctx, died := context.WithCancelCause(ctx)
	defer died(nil)
	go func() {
		select {
		case <-p.gone:
			died(errAgentDied)
		case <-ctx.Done():
		}
	}()
	err := b.steps(ctx, csr)
	if err != nil && ctx.Err() != nil {
		err = errors.Join(err, context.Cause(ctx))
	}
	return err
}

func (b *bed) steps(ctx context.Context, csr *[]byte) error {
	w, err := b.host.Greet(ctx)
	if err != nil {
		return err
	}
	id := []byte("12345678")
	var e serialproto.EnrollResult
	if err := b.host.Call(ctx, serialproto.EnrollArgs{
		Op: serialproto.OpEnroll, Alg: serialproto.AlgP256, DeviceID: "box-7", EnrollID: id, WireGuard: true,
	}, &e); err != nil {
		return err
	}
	*csr = e.CSR
	if w.State == serialproto.StateSealed { // it died with all of it done, and the answer unsaid
		return nil
	}
	r, err := x509.ParseCertificateRequest(e.CSR)
	if err != nil {
		return err
	}
	leaf := b.sub.issue(b.t, &x509.Certificate{
		Subject: r.Subject, DNSNames: r.DNSNames, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, r.PublicKey)
	for _, call := range []any{
		serialproto.InstallArgs{
			Op: serialproto.OpInstall, Leaf: leaf.Raw, Chain: [][]byte{b.sub.cert.Raw, b.ica.cert.Raw, b.root.cert.Raw},
			WGConf: b.conf, EnrollID: id, Commit: true,
		},
		serialproto.SignTLS13Args{Op: serialproto.OpSignTLS13, Hash: make([]byte, 32), Scheme: 0x0403},
		serialproto.LockArgs{Op: serialproto.OpLock, EnrollID: id, Flag: "10.8.0.7"},
	} {
		if err := b.host.Call(ctx, call, nil); err != nil {
			return err
		}
	}
	return nil
}

// check reads the device's files as its programs do.
func (b *bed) check(n int, op, state string, csr []byte) {
	file := func(name string) []byte {
		text, err := os.ReadFile(filepath.Join(state, name))
		if err != nil {
			b.t.Errorf("operation %d (%s): %v", n, op, err)
		}
		return text
	}
	block, _ := pem.Decode(file("device-key.pem"))
	leaf, _ := pem.Decode(file("device.pem"))
	if block == nil || leaf == nil {
		b.t.Errorf("operation %d (%s): got no key or no certificate", n, op)
		return
	}
	key, kerr := x509.ParsePKCS8PrivateKey(block.Bytes)
	cert, cerr := x509.ParseCertificate(leaf.Bytes)
	r, rerr := x509.ParseCertificateRequest(csr)
	if err := errors.Join(kerr, cerr, rerr); err != nil {
		b.t.Errorf("operation %d (%s): %v", n, op, err)
		return
	}
	k, ok := key.(*ecdsa.PrivateKey)
	if !ok || !k.PublicKey.Equal(cert.PublicKey) || !k.PublicKey.Equal(r.PublicKey) {
		b.t.Errorf("operation %d (%s): key, request and certificate are not of one piece", n, op)
	}
	if len(file("ca-chain.pem")) == 0 || len(file("wg0.conf")) == 0 || len(file(".enrolled")) == 0 {
		b.t.Errorf("operation %d (%s): a file is empty", n, op)
	}
	for pattern, want := range map[string]int{"generations/*": 1, "generations/.*": 0, ".tmp-*": 0, "generations/*/.tmp-*": 0} {
		got, err := filepath.Glob(filepath.Join(state, pattern))
		if pattern == "generations/*" { // Glob takes hidden ones for its own
			visible := got[:0]
			for _, g := range got {
				if !strings.HasPrefix(filepath.Base(g), ".") {
					visible = append(visible, g)
				}
			}
			got = visible
		}
		if err != nil || len(got) != want {
			b.t.Errorf("operation %d (%s): got %v for %s (%v), want %d", n, op, got, pattern, err, want)
		}
	}
}
