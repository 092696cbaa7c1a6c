package console_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"provstation/station"
	"provstation/station/console"
)

// after does something once a text has been sent to the box.
func (p *tap) after(text string, do func()) {
	var once sync.Once
	p.mu.Lock()
	defer p.mu.Unlock()
	p.onUp = func(all []byte) {
		if bytes.Contains(all, []byte(text)) {
			once.Do(do)
		}
	}
}

// TestRebootInTheMiddle: a box that starts anew while it gets its files keeps its key and comes to PASS in the same run.
func TestRebootInTheMiddle(t *testing.T) {
	for _, at := range []string{"x makekey", "x piece", "x install", "x tls13", "x seal"} {
		t.Run(strings.TrimPrefix(at, "x "), func(t *testing.T) {
			t.Parallel()
			b := newBox(t, busybox)
			p := &tap{}
			r := newRig(t, quick(b, p))
			b.on("")
			done := make(chan struct{})
			p.after(at, func() { go func() { defer close(done); b.reboot("") }() })
			r.start()
			e := r.end()
			r.check("rebooted at "+at, e, station.Pass, "")
			<-done
			if log := r.fact(e.Run, station.PhaseIdentify, station.FactBootLog); strings.Contains(log, password) {
				t.Errorf("the boot log holds the password")
			}
			if t.Failed() {
				t.Logf("%s", p.heard())
			}
		})
	}
}

// TestKilledInTheMiddle: a station that goes away leaves a box that the next one carries on with, with the same key.
func TestKilledInTheMiddle(t *testing.T) {
	for _, at := range []string{"x makekey", "x piece", "x install"} {
		t.Run(strings.TrimPrefix(at, "x "), func(t *testing.T) {
			t.Parallel()
			b := newBox(t, busybox)
			p := &tap{}
			cfg := quick(b, p)
			plug := cfg.OpenPort
			cut := make(chan struct{})
			cfg.OpenPort = func(path string, baud int) (console.Transport, error) {
				c, err := plug(path, baud)
				return &breakable{Transport: c, cut: cut}, err
			}
			r := newRig(t, cfg)
			b.on("")
			p.after(at, func() { close(cut) })
			r.start()
			first := r.end()
			r.check("cut off", first, station.Error, station.CodePortGone)
			r.stop()
			key := firstKey(b)
			r.con.OpenPort = plug
			r.start()
			r.check("carried on", r.end(), station.Pass, "")
			if now := firstKey(b); key != nil && !bytes.Equal(now, key) {
				t.Errorf("the box has another key than it had made")
			}
			if t.Failed() {
				t.Logf("%s", p.heard())
			}
		})
	}
}

// firstKey is the key of the box's first generation.
func firstKey(b *box) []byte {
	text, _ := os.ReadFile(b.path("certs/.provstation/gen1/key.pem"))
	return text
}

// breakable is a cable that is pulled.
type breakable struct {
	console.Transport
	cut chan struct{}
}

func (c *breakable) gone() bool {
	select {
	case <-c.cut:
		return true
	default:
		return false
	}
}

func (c *breakable) Write(p []byte) (int, error) {
	if c.gone() {
		return 0, os.ErrClosed
	}
	n, err := c.Transport.Write(p)
	if c.gone() {
		err = os.ErrClosed
	}
	return n, err
}

func (c *breakable) Read(p []byte) (int, error) {
	if c.gone() {
		return 0, os.ErrClosed
	}
	return c.Transport.Read(p)
}

// TestNoSecretIsKept: what the station has on record, and what crossed the line from the box, holds neither the password nor a
// private key, on a box that shows what is typed.
func TestNoSecretIsKept(t *testing.T) {
	t.Parallel()
	b := newBox(t, debian)
	p := &tap{}
	cfg := quick(b, p)
	r := newRig(t, cfg)
	b.on("")
	r.start()
	e := r.end()
	r.check("run", e, station.Pass, "")
	r.stop()
	must(t, r.ledger.Close())
	secrets := secretsOf(t, b)
	var kept bytes.Buffer
	for _, ev := range r.seen {
		text, err := ev.MarshalJSON()
		must(t, err)
		kept.Write(text)
	}
	files, err := filepath.Glob(r.file + "*")
	must(t, err)
	for _, f := range files {
		text, err := os.ReadFile(f)
		must(t, err)
		kept.Write(text)
	}
	if len(secrets) != 4 || kept.Len() < 10000 {
		t.Fatalf("%d secrets, %d bytes on record: nothing to look at", len(secrets), kept.Len())
	}
	for name, s := range secrets {
		if holds(kept.Bytes(), s) {
			t.Errorf("%s is on record", name)
		}
		if holds(p.heard(), s) {
			t.Errorf("%s came from the box", name)
		}
		if name != "password" && holds(p.sent(), s) {
			t.Errorf("%s went to the box", name)
		}
	}
}

// holds looks for a secret as it is, and in base64 whatever its place in a longer text.
func holds(text, secret []byte) bool {
	if bytes.Contains(text, secret) {
		return true
	}
	for shift := range 3 {
		if len(secret) < shift+12 {
			continue
		}
		enc := base64.StdEncoding.EncodeToString(secret[shift:])
		if bytes.Contains(text, []byte(strings.TrimRight(enc, "=")[:12])) {
			return true
		}
	}
	return false
}

// secretsOf are the secrets of an enrolled box.
func secretsOf(t *testing.T, b *box) map[string][]byte {
	t.Helper()
	text, err := os.ReadFile(b.path("certs/.provstation/gen1/key.pem"))
	must(t, err)
	block, _ := pem.Decode(text)
	if block == nil {
		t.Fatalf("no key on the box")
	}
	lines := strings.Split(string(text), "\n")
	wg, err := os.ReadFile(b.path("certs/.provstation/gen1/wireguard.key"))
	must(t, err)
	return map[string][]byte{
		"password": []byte(password), "the key": block.Bytes[36:68], "the key's text": []byte(lines[1][20:60]),
		"the tunnel's key": bytes.TrimSpace(wg),
	}
}

// TestLeavesNoTrace: after a run the box has the files of the credentials, in the modes they need, and nothing else of it.
func TestLeavesNoTrace(t *testing.T) {
	t.Parallel()
	b := newBox(t, debian)
	b.write("root/.bash_history", "echo before\n")
	p := &tap{}
	r := newRig(t, quick(b, p))
	b.on("")
	r.start()
	r.check("run", r.end(), station.Pass, "")
	r.stop()
	var found []string
	must(t, filepath.WalkDir(b.path("certs"), func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		must(t, err)
		name, _ := filepath.Rel(b.path("certs"), path)
		if !d.IsDir() {
			found = append(found, name+" "+info.Mode().String())
		}
		return nil
	}))
	want := []string{
		".enrolled Lrwxrwxrwx", ".provstation/current Lrwxrwxrwx", ".provstation/gen1/csr.der -rw-------",
		".provstation/gen1/files/ca-chain.pem -rw-r--r--", ".provstation/gen1/files/device.pem -rw-r--r--", ".provstation/gen1/files/flag -rw-r--r--",
		".provstation/gen1/files/wg0.conf -rw-------", ".provstation/gen1/key.pem -rw-------", ".provstation/gen1/record -rw-r--r--",
		".provstation/gen1/signed -rw-------", ".provstation/gen1/wireguard.key -rw-------", ".provstation/last -rw-r--r--",
		"ca-chain.pem Lrwxrwxrwx", "device-key.pem Lrwxrwxrwx", "device.pem Lrwxrwxrwx", "wg0.conf Lrwxrwxrwx",
	}
	if got := strings.Join(found, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
	history, err := os.ReadFile(b.path("root/.bash_history"))
	must(t, err)
	if string(history) != "echo before\n" {
		t.Errorf("got history %q, want what was there before", history)
	}
	b.waits(t, "login: ")
	leaf := run(t, "openssl", "verify", "-CAfile", b.path("certs/.provstation/gen1/files/ca-chain.pem"), b.path("certs/.provstation/gen1/files/device.pem"))
	if !strings.HasSuffix(leaf, ": OK\n") {
		t.Errorf("openssl says %q", leaf)
	}
	conf, err := os.ReadFile(b.path("certs/.provstation/gen1/files/wg0.conf"))
	must(t, err)
	if !bytes.Contains(conf, []byte("[Interface]\nPrivateKey = ")) {
		t.Errorf("wg0.conf has no private key under [Interface]")
	}
}

// waits reads the console until it ends in a text.
func (b *box) waits(t *testing.T, text string) {
	t.Helper()
	p := &tap{}
	c, err := b.plug(p)
	must(t, err)
	defer c.Close()
	must(t, c.SetReadDeadline(time.Now().Add(20*time.Second)))
	for buf := make([]byte, 4096); !bytes.HasSuffix(p.heard(), []byte(text)); {
		if _, err := c.Read(buf); err != nil {
			t.Fatalf("the console does not end in %q: %v\n%q", text, err, p.heard())
		}
	}
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), program(t, name), args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}

// TestEnrolledByItsOwnScript: flag and files of the tenant's script are recognised; the box is proven by itself, and its key is kept.
func TestEnrolledByItsOwnScript(t *testing.T) {
	program(t, "mosquitto_pub")
	t.Parallel()
	b := newBox(t, debian)
	p := &tap{}
	r := newRig(t, quick(b, p))
	b.on("")
	r.start()
	r.check("by a station", r.end(), station.Pass, "")
	r.stop()
	for name, inside := range map[string]string{
		"device-key.pem": "key.pem", "device.pem": "files/device.pem", "ca-chain.pem": "files/ca-chain.pem", "wg0.conf": "files/wg0.conf", "enrolled": "files/flag",
	} { // as if the script had written them
		text, err := os.ReadFile(b.path("certs/.provstation/gen1/" + inside))
		must(t, err)
		_ = os.Remove(b.path("certs/" + name))
		must(t, os.WriteFile(b.path("certs/"+name), text, 0o600))
	}
	must(t, os.RemoveAll(b.path("certs/.provstation")))
	must(t, os.Remove(b.path("certs/.enrolled")))
	r.open(filepath.Join(t.TempDir(), "new.db"))
	b.reboot("")
	r.start()
	e := r.end()
	r.check("adopted", e, station.Pass, "")
	if s := r.fact(e.Run, station.PhaseIdentify, station.FactDeviceState); s != string(station.StateForeign) {
		t.Errorf("got state %q, want foreign", s)
	}
	if by := r.fact(e.Run, station.PhaseMQTT, station.FactProofBy); by != "device" {
		t.Errorf("got proof by %q, want the box", by)
	}
	if t.Failed() {
		t.Logf("%s", p.heard())
	}
}

// TestKeyTypes: keys that are no P-256, and a new one on a box that has one.
func TestKeyTypes(t *testing.T) {
	t.Parallel()
	b := newBox(t, debian)
	p := &tap{}
	r := newRig(t, quick(b, p))
	b.on("")
	var before string
	for i, kind := range []string{"P-384", "Ed25519", "P-256"} {
		r.cfg.KeyType, r.cfg.Reenroll = kind, i > 0
		r.start()
		e := r.end()
		r.check(kind, e, station.Pass, "")
		r.stop()
		text, err := os.ReadFile(b.path("certs/.provstation/" + link(t, b) + "/files/device.pem"))
		must(t, err)
		block, _ := pem.Decode(text)
		c, err := x509.ParseCertificate(block.Bytes)
		must(t, err)
		if e.CertFingerprint == before || !strings.EqualFold(c.Subject.CommonName, e.DeviceID) {
			t.Errorf("%s: got the certificate of %s, want a new one", kind, c.Subject.CommonName)
		}
		before = e.CertFingerprint
	}
	if g := link(t, b); g != "gen3" {
		t.Errorf("got %s in use, want gen3", g)
	}
	if t.Failed() {
		t.Logf("%s", p.heard())
	}
}

func link(t *testing.T, b *box) string {
	t.Helper()
	g, err := os.Readlink(b.path("certs/.provstation/current"))
	must(t, err)
	return g
}

// TestSudo: a login that is not root becomes root, and asks for its password once.
func TestSudo(t *testing.T) {
	program(t, "sudo")
	t.Parallel()
	b := newBox(t, debian)
	b.write("etc/sudoers", "operator ALL=(ALL) ALL\n")
	must(t, os.Chmod(b.path("etc/sudoers"), 0o440))
	must(t, os.MkdirAll(b.path("home"), 0o755))
	must(t, os.Chown(b.path("home"), 1000, 1000))
	p := &tap{}
	cfg := quick(b, p)
	cfg.Login.User, cfg.Login.Become = "operator", console.BecomeSudo
	r := newRig(t, cfg)
	b.on("")
	r.start()
	r.check("sudo", r.end(), station.Pass, "")
	r.stop()
	if n := bytes.Count(p.sent(), []byte(password)); n != 2 {
		t.Errorf("the password was sent %d times, want 2: login and sudo", n)
	}
	cfg.Login.Become = console.BecomeNothing
	r.con = cfg
	r.start()
	r.check("without", r.end(), station.Fail, station.CodeConsoleDenied)
	if t.Failed() {
		t.Logf("%s", p.heard())
	}
}

// TestOpenShell: a console on which somebody is logged in is used, said to be, and logged out at the end.
func TestOpenShell(t *testing.T) {
	t.Parallel()
	b := newBox(t, debian)
	b.land.getty = "setsid -c -w env -i HOME=/root PATH=/usr/bin:/bin:/usr/sbin TERM=vt100 bash -i"
	p := &tap{}
	cfg := quick(b, p)
	cfg.Login.Password = func(context.Context) (station.Secret, error) {
		t.Error("the password was asked for")
		return station.Secret{}, nil
	}
	r := newRig(t, cfg)
	b.on("")
	r.start()
	e := r.end()
	r.check("open shell", e, station.Pass, "")
	if log := r.fact(e.Run, station.PhaseIdentify, station.FactDeviceLog); !strings.Contains(log, "a shell was open") {
		t.Errorf("got log %q, want that a shell was open", log)
	}
}

// TestWakeIsPatient: nothing is sent to a console that boots, until it has its login.
func TestWakeIsPatient(t *testing.T) {
	t.Parallel()
	b := newBox(t, busybox)
	p := &tap{}
	cfg := quick(b, p)
	cfg.BootQuiet = time.Minute
	l := open(t, cfg)
	ctx, cancel := context.WithTimeout(t.Context(), 3*cfg.Quiet)
	defer cancel()
	b.print(strings.TrimSuffix(bootLog, "[    1.234567] Run /sbin/init as init process\r\n"))
	if a, err := l.Wait(ctx); err == nil {
		t.Errorf("got %+v, want nobody", a)
	}
	if s := p.sent(); len(s) > 0 {
		t.Errorf("%q was sent to a box that boots", s)
	}
	b.on("")
	ctx, cancel = context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	a, err := l.Wait(ctx)
	must(t, err)
	if !strings.HasPrefix(a.HardwareSerial, "mid-") {
		t.Errorf("got %+v, want a box", a)
	}
}
