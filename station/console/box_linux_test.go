package console_test

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/creack/pty"

	"provstation/station/console"
	"provstation/station/stationtest"
)

// userland is what a box runs: names of programs, and how its root file system is made.
type userland struct {
	name  string
	shell string // of root
	getty string // the command that init repeats, on the console
	root  func(t *testing.T, dir string)
	mount string // what the box's first process does before it enters the root: $R
}

// debian is this machine's own userland, with another root folder, passwords and machine id laid over it.
var debian = userland{
	name: "debian", shell: "/bin/bash",
	getty: "setsid -c -w agetty -L --noclear --noissue 115200 - vt100",
	root:  func(t *testing.T, dir string) { t.Helper(); program(t, "agetty"); program(t, "login") },
	mount: `mkdir -p $D/work $R; mount -t overlay overlay -o lowerdir=/,upperdir=$D/upper,workdir=$D/work $R`,
}

// busybox is a static busybox, openssl, and nothing else.
var busybox = userland{
	name: "busybox", shell: "/bin/sh",
	getty: "setsid -c busybox getty -L 115200 - vt100",
	root:  busyboxRoot,
	mount: `mkdir -p $R; mount --bind $D/upper $R`,
}

func program(t *testing.T, name string) string {
	t.Helper()
	return stationtest.Program(t, name)
}

// busyboxRoot fills a root folder.
func busyboxRoot(t *testing.T, dir string) {
	t.Helper()
	for _, d := range []string{"bin", "sbin", "usr/bin", "usr/sbin", "dev", "proc", "sys", "tmp", "root"} {
		must(t, os.MkdirAll(filepath.Join(dir, d), 0o755))
	}
	copyFile(t, program(t, "busybox"), filepath.Join(dir, "bin/busybox"))
	out, err := exec.CommandContext(t.Context(), filepath.Join(dir, "bin/busybox"), "--list").Output()
	must(t, err)
	for _, applet := range strings.Fields(string(out)) {
		if applet != "busybox" {
			must(t, os.Symlink("busybox", filepath.Join(dir, "bin", applet)))
		}
	}
	withLibraries(t, program(t, "openssl"), dir)
}

// withLibraries copies a program and what it is linked with.
func withLibraries(t *testing.T, path, dir string) {
	t.Helper()
	copyFile(t, path, filepath.Join(dir, "usr/bin", filepath.Base(path)))
	out, err := exec.CommandContext(t.Context(), "ldd", path).Output()
	must(t, err)
	for _, w := range strings.Fields(string(out)) {
		if strings.HasPrefix(w, "/") {
			copyFile(t, w, filepath.Join(dir, w))
		}
	}
}

// copyFile copies a program. No process is begun meanwhile: between its fork and its exec it would hold the file open for writing,
// and whoever runs the copy just then is told "text file busy".
func copyFile(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	must(t, err)
	must(t, os.MkdirAll(filepath.Dir(to), 0o755))
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	must(t, os.WriteFile(to, b, 0o755))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// password of root on every box.
const password = "Tr0ub4dor&3;$x"

// box is a machine without an agent: its processes have a file system, a process table and a console of their own. Its
// console is a terminal with a line discipline, echo and all, as a UART's is.
type box struct {
	t     *testing.T
	land  userland
	dir   string
	slave *os.File
	main  *os.File

	mu    sync.Mutex
	init  *exec.Cmd
	ended chan struct{}
}

// newBox makes a box that is switched off. Skipped where this may not be done.
func newBox(t *testing.T, land userland) *box {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("a box of its own needs root")
	}
	dir := t.TempDir()
	upper := filepath.Join(dir, "upper")
	for _, d := range []string{"etc", "root", "home"} {
		must(t, os.MkdirAll(filepath.Join(upper, d), 0o755))
	}
	must(t, os.Chmod(dir, 0o755))
	land.root(t, upper)
	hash, err := exec.CommandContext(t.Context(), program(t, "openssl"), "passwd", "-6", password).Output()
	must(t, err)
	b := &box{t: t, land: land, dir: dir}
	b.write("etc/passwd", "root:x:0:0:root:/root:"+land.shell+"\nmessagebus:x:100:65534::/:/bin/false\noperator:x:1000:1000::/home:"+land.shell+"\n")
	b.write("etc/group", "root:x:0:\ntty:x:5:\nutmp:x:43:\noperator:x:1000:\nnogroup:x:65534:\n")
	h := strings.TrimSpace(string(hash))
	b.write("etc/shadow", "root:"+h+":20000:0:99999:7:::\noperator:"+h+":20000:0:99999:7:::\n")
	must(t, os.Chmod(filepath.Join(upper, "etc/shadow"), 0o600))
	b.write("etc/machine-id", random(16)+"\n")
	b.write("etc/hostname", "box\n")
	b.main, b.slave, err = pty.Open()
	must(t, err)
	must(t, syscall.SetNonblock(int(b.main.Fd()), true))
	t.Cleanup(func() {
		b.off()
		_ = b.main.Close()
		_ = b.slave.Close()
	})
	return b
}

func random(n int) string {
	p := make([]byte, n)
	_, _ = rand.Read(p)
	return hex.EncodeToString(p)
}

// write puts a file into the box's file system.
func (b *box) write(name, text string) {
	b.t.Helper()
	path := filepath.Join(b.dir, "upper", name)
	must(b.t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(b.t, os.WriteFile(path, []byte(text), 0o644))
}

// path is where a file of the box lies on this machine; "/certs/x".
func (b *box) path(name string) string { return filepath.Join(b.dir, "upper", name) }

// script is the box's first process: it makes the file system and repeats the getty.
const script = `set -e
mount --make-rprivate /
` + `@MOUNT@
for d in dev proc; do mkdir -p $R/$d; done
mount --bind /dev $R/dev
mkdir -p $R/dev/pts; mount --bind /dev/pts $R/dev/pts
mount -t proc proc $R/proc
echo $BOOT >$D/boot_id
mount --bind $D/boot_id $R/proc/sys/kernel/random/boot_id
@EXTRA@
cd $R
exec chroot $R /bin/sh -c 'unset D R BOOT; hostname box 2>/dev/null; while :; do @GETTY@ || sleep 0.2; done'
`

// on switches the box on. Extra is done as root in the box's mounts before it starts, with $R its root.
func (b *box) on(extra string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	text := strings.NewReplacer("@MOUNT@", b.land.mount, "@GETTY@", b.land.getty, "@EXTRA@", extra).Replace(script)
	cmd := exec.Command("unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child", "--propagation", "private", "sh", "-c", text) //nolint:noctx // ended by off
	boot := random(16)
	cmd.Env = []string{
		"D=" + b.dir, "R=" + filepath.Join(b.dir, "root"), "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "TERM=vt100",
		fmt.Sprintf("BOOT=%s-%s-%s-%s-%s", boot[:8], boot[8:12], boot[12:16], boot[16:20], boot[20:]),
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = b.slave, b.slave, b.slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	must(b.t, cmd.Start())
	b.init, b.ended = cmd, make(chan struct{})
	go func(done chan struct{}) { _ = cmd.Wait(); close(done) }(b.ended)
}

// off cuts the box's power.
func (b *box) off() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.init == nil {
		return
	}
	_ = syscall.Kill(-b.init.Process.Pid, syscall.SIGKILL)
	_ = b.init.Process.Kill()
	<-b.ended
	b.init = nil
}

// bootLog is what a box prints before anybody can log in.
const bootLog = "\r\nU-Boot 2023.04 (May 01 2023 - 10:00:00 +0000)\r\nDRAM:  512 MiB\r\nHit any key to stop autoboot:  0\r\n" +
	"Starting kernel ...\r\n\r\n[    0.000000] Booting Linux on physical CPU 0x0\r\n[    0.000000] Linux version 6.1.0 (gcc 12)\r\n" +
	"[    1.234567] Run /sbin/init as init process\r\n"

// reboot cuts the power and switches the box on again, with what it prints then.
func (b *box) reboot(extra string) {
	b.off()
	b.print(bootLog)
	b.on(extra)
}

// print has the kernel say something on the console.
func (b *box) print(text string) {
	_, err := b.slave.WriteString(text)
	must(b.t, err)
}

// cable is an end of the console's line: closing it does not close the box's.
type cable struct {
	*os.File
	tap *tap
}

// tap records what crosses a cable.
type tap struct {
	mu       sync.Mutex
	up, down bytes.Buffer // to the box, from it
	onUp     func(all []byte)
}

func (p *tap) sent() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return bytes.Clone(p.up.Bytes())
}

func (p *tap) heard() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return bytes.Clone(p.down.Bytes())
}

func (c *cable) Read(p []byte) (int, error) {
	n, err := c.File.Read(p)
	c.tap.mu.Lock()
	c.tap.down.Write(p[:max(n, 0)])
	c.tap.mu.Unlock()
	if errors.Is(err, syscall.EIO) {
		err = os.ErrClosed
	}
	return n, err
}

func (c *cable) Write(p []byte) (int, error) {
	c.tap.mu.Lock()
	c.tap.up.Write(p)
	hook, all := c.tap.onUp, c.tap.up.Bytes()
	c.tap.mu.Unlock()
	if hook != nil {
		hook(all)
	}
	return c.File.Write(p)
}

// plug gives the station's end.
func (b *box) plug(p *tap) (console.Transport, error) {
	fd, err := syscall.Dup(int(b.main.Fd()))
	if err != nil {
		return nil, err
	}
	if err := syscall.SetNonblock(fd, true); err != nil {
		return nil, err
	}
	return &cable{File: os.NewFile(uintptr(fd), "console"), tap: p}, nil
}
