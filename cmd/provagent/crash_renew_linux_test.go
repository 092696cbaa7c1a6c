package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestRenewalKilledAtEveryFileOperation kills a real `provagent renew --once`, by a real signal, before each operation on the
// store's files and on the state beside them, one after the other, while it renews at a real step-ca. At once, before anything
// is repaired, the box's programs find a pair that works, old or new; the next start renews again, and runs the command that
// reloads what uses the certificate, if a new one was put in place unsaid.
func TestRenewalKilledAtEveryFileOperation(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("kills some dozen renewals")
	}
	ca := startRealCA(t, time.Hour)
	bin, dir := builtMortal(t), t.TempDir()
	near, far, sealed := filepath.Join(dir, "near"), filepath.Join(dir, "far"), filepath.Join(dir, "sealed")
	cable(t, near, far)
	serving := start(t, bin, "serve", "--tty", far, "--state-dir", sealed, "--baud", "0")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	provision(ctx, t, near, ca.pki, ca.sign, ca.url+"/1.0/renew", "")
	if err := serving.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if code := serving.ends(t); code != exitOK {
		t.Fatalf("the agent ended with %d: %s", code, serving.out)
	}

	const lanes = 2
	var mu sync.Mutex
	var wg sync.WaitGroup
	killed, kinds, replaced := 0, map[string]int{}, 0
	for lane := range lanes {
		wg.Go(func() {
			for n := lane + 1; !t.Failed(); n += lanes {
				r := &mortalRenewal{t: t, bin: bin, n: n, state: filepath.Join(dir, fmt.Sprint("state-", n))}
				if !r.copyOf(ctx, sealed) || !r.dies(ctx) {
					return
				}
				r.goesOn(ctx)
				mu.Lock()
				killed++
				kinds[r.op]++
				if r.replaced {
					replaced++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	t.Logf("%d renewals killed, before: %v; %d of them with the new certificate in place", killed, kinds, replaced)
	if t.Failed() {
		return
	}
	if killed < 20 || replaced == 0 || replaced == killed {
		t.Errorf("got %d killed, %d with the new certificate in place, want all of a renewal's operations", killed, replaced)
	}
	for _, op := range []string{"mkdir", "create", "write", "sync", "rename", "remove"} {
		if kinds[op] == 0 {
			t.Errorf("no renewal died before %s: %v", op, kinds)
		}
	}
}

// mortalRenewal is a sealed box whose renewal dies before its n-th operation on a file.
type mortalRenewal struct {
	t          *testing.T
	bin, state string
	n          int

	op       string            // what it died before
	old      *x509.Certificate // what it held
	replaced bool              // it holds another now
}

func (r *mortalRenewal) errorf(format string, args ...any) {
	r.t.Helper()
	r.t.Errorf("operation %d (%s): "+format, append([]any{r.n, r.op}, args...)...)
}

// copyOf makes a box as another one lies on its disk, links and all.
func (r *mortalRenewal) copyOf(ctx context.Context, sealed string) bool {
	r.t.Helper()
	if out, err := exec.CommandContext(ctx, "cp", "-a", sealed, r.state).CombinedOutput(); err != nil {
		r.errorf("cp: %v\n%s", err, out)
		return false
	}
	r.old = r.pair("as copied")
	return r.old != nil
}

// pair reads the box's files as its programs do, and as the tenant's own command does; nil: they do not work together.
func (r *mortalRenewal) pair(when string) *x509.Certificate {
	r.t.Helper()
	device, anchor := filepath.Join(r.state, "device.pem"), filepath.Join(r.state, "ca-chain.pem")
	leaf, err := pairIn(r.state)
	if err != nil {
		r.errorf("%s: %v", when, err)
		return nil
	}
	out, err := exec.CommandContext(r.t.Context(), "openssl", "verify", "-CAfile", anchor, device).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "device.pem: OK") {
		r.errorf("%s: openssl verify: %v: %s", when, err, out)
		return nil
	}
	return leaf
}

// renew runs one look, with a command that leaves a mark.
func (r *mortalRenewal) renew(ctx context.Context, dieAt int, args ...string) (*exec.Cmd, string) {
	cmd := exec.CommandContext(ctx, r.bin, append([]string{"renew", "--once", "--state-dir", r.state, "--reload", "echo x >> " + r.state + ".mark"}, args...)...)
	cmd.Env = append(os.Environ(), fmt.Sprintf("PROVAGENT_CRASH_AT=%d", dieAt))
	out, _ := cmd.CombinedOutput() // its state says how it ended
	return cmd, string(out)
}

func (r *mortalRenewal) reloads() int {
	text, err := os.ReadFile(r.state + ".mark")
	if err != nil && !os.IsNotExist(err) {
		r.errorf("%v", err)
	}
	return bytes.Count(text, []byte("x"))
}

// dies has the renewal die; false: it has no operation with that number, and has renewed, or the test has failed.
func (r *mortalRenewal) dies(ctx context.Context) bool {
	r.t.Helper()
	cmd, out := r.renew(ctx, r.n, "--force")
	if cmd.ProcessState == nil {
		r.errorf("not started: %s", out)
		return false
	}
	if cmd.ProcessState.Success() {
		if leaf := r.pair("undisturbed"); leaf != nil && leaf.Equal(r.old) || r.reloads() != 1 {
			r.errorf("undisturbed: got the old certificate or %d reloads, want a new one and 1\n%s", r.reloads(), out)
		}
		return false
	}
	status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
	_, what, found := strings.Cut(out, "dies before ")
	if !found || !status.Signaled() || status.Signal() != syscall.SIGKILL {
		r.errorf("got %v, want it killed there\n%s", cmd.ProcessState, out)
		return false
	}
	r.op, _, _ = strings.Cut(what, " ")
	leaf := r.pair("killed")
	r.replaced = leaf != nil && !leaf.Equal(r.old)
	return leaf != nil
}

// goesOn starts it again: first as the timer does, then with a renewal that has to be.
func (r *mortalRenewal) goesOn(ctx context.Context) {
	r.t.Helper()
	if cmd, out := r.renew(ctx, 0); !cmd.ProcessState.Success() {
		r.errorf("the next look: %v\n%s", cmd.ProcessState, out)
	}
	after := r.pair("after the next look")
	if after == nil {
		return
	}
	if !after.Equal(r.old) && r.reloads() == 0 {
		r.errorf("the new certificate is in place, and nothing was reloaded")
	}
	if r.replaced && after.Equal(r.old) {
		r.errorf("the old certificate came back")
	}
	before := r.reloads()
	if cmd, out := r.renew(ctx, 0, "--force"); !cmd.ProcessState.Success() {
		r.errorf("renewing again: %v\n%s", cmd.ProcessState, out)
	}
	if last := r.pair("renewed again"); last == nil || last.Equal(after) || last.Equal(r.old) || r.reloads() != before+1 {
		r.errorf("renewing again: got no new certificate, or %d reloads after %d", r.reloads(), before)
	}
	for _, pattern := range []string{".tmp-*", "generations/.??*", "generations/*/.tmp-*", "renewal/*.new"} {
		if left, err := filepath.Glob(filepath.Join(r.state, pattern)); err != nil || len(left) > 0 {
			r.errorf("got %v left behind (%v)", left, err)
		}
	}
}
