package baseline

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/creack/pty"

	"provstation/serialproto/link"
	"provstation/serialproto/prototest"
)

// realShell is a root shell on a terminal of its own, as at a box's console, in a directory of its own. mosquitto_pub is a
// script that says what the real one says: the broker it would need is not the subject.
func realShell(t *testing.T, dir string) link.Transport {
	t.Helper()
	bin := t.TempDir()
	publish := "#!/bin/sh\nprintf 'Client " + rigID + " %s\\n' 'sending CONNECT' 'received CONNACK (0)' " +
		"\"sending PUBLISH (d0, q1, r0, m1, '" + testTopic + "', ... (11 bytes))\" 'received PUBACK (Mid: 1, RC:0)' 'sending DISCONNECT'\n"
	if err := os.WriteFile(filepath.Join(bin, "mosquitto_pub"), []byte(publish), 0o700); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, "dash", "-i")
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + bin + ":/usr/bin:/bin", "PS1=" + promptFirst, "PS2=" + promptMore}
	master, err := pty.Start(cmd)
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // killed
	})
	line := prototest.Paced(master, prototest.Config{})
	t.Cleanup(func() { line.Close() })
	return line
}

// The station's side provisions a real shell with real openssl, cat, sha256sum and sync, and the model puts exactly as many
// bytes on the line as the real shell does: the model is no slower and no faster a box than a real one.
func TestModelIsLikeARealShell(t *testing.T) {
	r, dir := newRig(), t.TempDir()
	w := r.work()
	near := newStream(realShell(t, dir))
	stop := time.AfterFunc(time.Minute, near.interrupt)
	defer stop.Stop()
	if err := (console{near}).wakeAfterStart(); err != nil {
		t.Fatal(err)
	}
	near.tx, near.rx = 0, 0
	if err := heredocHost(t.Context(), near, w); err != nil {
		t.Fatal(err)
	}
	if bad := r.differs(dir, "heredoc"); bad != "" {
		t.Error(bad)
	}
	csr, err := os.ReadFile(filepath.Join(dir, fileCSR))
	if err != nil {
		t.Fatal(err)
	}

	host, device := prototest.Pipe(prototest.Config{})
	w.MakeKey = func(context.Context) ([]byte, error) { return r.asked, nil } // openssl's, so that its size is the same
	got, err := Run(t.Context(), "heredoc", host, device, t.TempDir(), w)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(csr, []byte("BEGIN CERTIFICATE REQUEST")) || got.TxBytes != near.tx || got.RxBytes != near.rx {
		t.Errorf("model: %d bytes to the box and %d back; a real shell: %d and %d", got.TxBytes, got.RxBytes, near.tx, near.rx)
	}
}

// wakeAfterStart reads the first prompt, which a console that was logged in has printed long ago.
func (c console) wakeAfterStart() error {
	if err := c.s.allow(patience); err != nil {
		return err
	}
	_, err := c.s.until(promptFirst)
	return err
}
