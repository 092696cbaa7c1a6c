//go:build linux

package vm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"provstation/station/stationtest"
	"provstation/station/stationtest/vm/guest"
)

// power is a QEMU process.
type power struct {
	cmd     *exec.Cmd
	began   time.Time
	stderr  buffer
	exited  chan struct{}
	err     error // of the process, once it has exited
	qmp     *qmp
	control *control
	up      bool // the guest's first process has said so since the last reset; under the machine's mutex
}

// buffer is a bytes.Buffer for two goroutines.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.TrimSpace(b.b.String())
}

// lowMemory is where a PC's memory begins that is memory and nothing else; highMemory is how far it goes at least (q35).
const (
	lowMemory  = 1 << 20
	highMemory = 2 << 30
)

// blank makes the file that QEMU writes over the guest's memory at each reset, as cold memory is. What it is for: QEMU keeps
// what it has translated of the guest's code by the page that the code lay in, and goes through all that it has of a page at
// each byte that is written there. A kernel that is unpacked, byte by byte, to where the last one ran takes minutes then, or
// seconds, as its random place has it. Memory that is written at once is forgotten at once.
func (m *Machine) blank() error {
	f, err := os.Create(m.file("blank"))
	if err != nil {
		return err
	}
	return errors.Join(f.Truncate(int64(min(m.MemoryMiB<<20, highMemory)-lowMemory)), f.Close())
}

// args is QEMU's command line.
func (m *Machine) args() []string {
	k := m.Image.Kernel
	a := []string{
		"-accel", "tcg,thread=multi", "-machine", "q35", "-cpu", "max", "-smp", strconv.Itoa(m.CPUs), "-m", strconv.Itoa(m.MemoryMiB),
		"-nodefaults", "-no-user-config", "-display", "none", "-S",
		"-kernel", k.Image, "-initrd", m.file("initrd"), "-append", m.commandLine(),
		"-qmp", "unix:" + m.file("qmp") + ",server=on,wait=off",
		"-chardev", "file,id=console,append=on,path=" + m.file("console.log"), "-device", "isa-serial,index=0,chardev=console",
		"-device", "virtio-serial-pci", "-chardev", "socket,id=control,server=on,wait=off,path=" + m.file("control"),
		"-device", "virtserialport,chardev=control,name=" + guest.Port,
	}
	irq := []string{"4", "3", "5", "7"} // one each: the first two pairs of a PC would share theirs
	for n := 1; n <= m.Lines; n++ {
		id := "line" + strconv.Itoa(n)
		a = append(a, "-chardev", "pty,id="+id+",logappend=on,logfile="+m.Line(n)+".log",
			"-device", fmt.Sprintf("isa-serial,index=%d,irq=%s,chardev=%s", n, irq[n], id))
	}
	a = append(a, "-device", "loader,force-raw=on,addr="+strconv.Itoa(lowMemory)+",file="+m.file("blank"))
	if m.DiskMiB > 0 {
		a = append(a, "-drive", "if=none,id=disk,format=raw,file="+m.file("disk"), "-device", "virtio-blk-pci,drive=disk")
	}
	if m.Network {
		a = append(a, "-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net,romfile=")
	}
	if m.TPM != "" {
		a = append(a, "-chardev", "socket,id=tpm,path="+m.TPM, "-tpmdev", "emulator,id=tpm0,chardev=tpm", "-device", "tpm-tis,tpmdev=tpm0")
	}
	if m.Serial != "" || m.Product != "" {
		a = append(a, "-smbios", "type=1,manufacturer=Acme,product="+m.Product+",serial="+m.Serial)
	}
	return append(a, m.Args...)
}

func (m *Machine) commandLine() string {
	words := []string{"panic=-1", "mitigations=off", "printk.devkmsg=on", "net.ifnames=0"}
	if m.Shared != "" {
		words = append(words, "console="+m.Shared, "loglevel=7")
	} else {
		words = append(words, "console=ttyS0", "quiet")
	}
	return strings.Join(append(words, m.Kernel...), " ")
}

// start starts QEMU with its processor held, and connects to it.
func (m *Machine) start() (*power, error) {
	p := &power{exited: make(chan struct{}), began: time.Now()}
	for _, s := range []string{"qmp", "control"} {
		if err := os.Remove(m.file(s)); err != nil && !os.IsNotExist(err) {
			return nil, err
		}
	}
	p.cmd = exec.Command(stationtest.Program(m.t, "qemu-system-x86_64"), m.args()...) //nolint:noctx // ended by kill
	p.cmd.Stdout, p.cmd.Stderr = &p.stderr, &p.stderr
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started := make(chan error, 1)
	go func() { // Pdeathsig is about the thread that forked: this one stays until the child is gone
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.err = p.cmd.Wait()
			close(p.exited)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	noteStart(m, p.cmd.Process.Pid)
	if err := p.connect(m.t.Context(), m.file("qmp"), m.file("control")); err != nil {
		p.kill()
		return nil, fmt.Errorf("%w; QEMU said: %s", err, p.stderr.String())
	}
	return p, nil
}

func (p *power) connect(ctx context.Context, qmpPath, controlPath string) error {
	c, err := p.dial(ctx, qmpPath)
	if err != nil {
		return err
	}
	if p.qmp, err = newQMP(ctx, c); err != nil {
		return err
	}
	if c, err = p.dial(ctx, controlPath); err != nil {
		return err
	}
	p.control = newControl(c)
	return nil
}

// dial connects to a socket that QEMU makes in its own time.
func (p *power) dial(ctx context.Context, path string) (net.Conn, error) {
	var d net.Dialer
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(30 * time.Second)
	for {
		c, err := d.DialContext(ctx, "unix", path)
		if err == nil {
			return c, nil
		}
		select {
		case <-tick.C:
		case <-p.exited:
			return nil, fmt.Errorf("QEMU ended: %w", errors.Join(p.err, err))
		case <-late:
			return nil, err
		}
	}
}

// kill ends QEMU and all that it started.
func (p *power) kill() {
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // or it has ended by itself
	<-p.exited
	if p.qmp != nil {
		p.qmp.close()
	}
	if p.control != nil {
		p.control.close()
	}
}
