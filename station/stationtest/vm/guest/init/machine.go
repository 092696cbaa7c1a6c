//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"provstation/station/stationtest/vm/guest"
)

// machine is what runs.
type machine struct {
	spec guest.Spec

	mu       sync.Mutex
	running  map[int]bool   // processes that somebody here waits for
	services map[string]int // process of a service
	noise    chan struct{}  // closed: be quiet

	out sync.Mutex
	enc *json.Encoder
}

// begin starts a process so that reap leaves it alone.
func (m *machine) begin(cmd *exec.Cmd) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := cmd.Start(); err != nil {
		return err
	}
	m.running[cmd.Process.Pid] = true
	return nil
}

func (m *machine) finish(cmd *exec.Cmd) error {
	err := cmd.Wait()
	m.mu.Lock()
	delete(m.running, cmd.Process.Pid)
	m.mu.Unlock()
	return err
}

// reap takes away the dead that were left to process 1.
func (m *machine) reap() {
	dead := make(chan os.Signal, 1)
	signal.Notify(dead, unix.SIGCHLD)
	tick := time.NewTicker(time.Second)
	for {
		select {
		case <-dead:
		case <-tick.C:
		}
		for m.reapOne() {
		}
	}
}

func (m *machine) reapOne() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return false
	}
	again := false
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		var pid, parent int
		var state string
		line := string(text)
		if _, err := fmt.Sscanf(line[strings.LastIndexByte(line, ')')+1:], "%s %d", &state, &parent); err != nil || state != "Z" || parent != 1 {
			continue
		}
		if _, err := fmt.Sscanf(line, "%d", &pid); err != nil || m.running[pid] {
			continue
		}
		_, err = unix.Wait4(pid, nil, unix.WNOHANG, nil)
		again = again || err == nil
	}
	return again
}

func (m *machine) startAll(list []guest.Service) {
	for _, s := range list {
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			m.keep(s)
		}()
		if s.Wait {
			<-ended
		}
	}
}

// keep runs a service, again and again.
func (m *machine) keep(s guest.Service) {
	for {
		err := m.serve(s)
		if s.Once || s.Wait {
			if err != nil {
				say("%s: %v", s.Name, err)
			}
			return
		}
		say("%s ended (%v), starts again", s.Name, err)
		<-time.After(500 * time.Millisecond)
	}
}

func (m *machine) serve(s guest.Service) error {
	if len(s.Args) == 0 {
		return errors.New("no program")
	}
	cmd := exec.Command(s.Args[0], s.Args[1:]...) //nolint:noctx // ended by the machine
	cmd.Env, cmd.Dir = append(os.Environ(), s.Env...), s.Dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	switch {
	case s.TTY != "":
		f, err := os.OpenFile(s.TTY, os.O_RDWR|unix.O_NOCTTY, 0)
		if err != nil {
			return err
		}
		defer f.Close()
		cmd.Stdin, cmd.Stdout, cmd.Stderr = f, f, f
		cmd.SysProcAttr.Setctty = true
	case s.Log != "":
		f, err := os.OpenFile(s.Log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
		if err != nil {
			return err
		}
		defer f.Close()
		cmd.Stdout, cmd.Stderr = f, f
	}
	if err := m.begin(cmd); err != nil {
		return err
	}
	m.mu.Lock()
	m.services[s.Name] = cmd.Process.Pid
	m.mu.Unlock()
	return m.finish(cmd)
}

// obey says that the machine is up, and does what the test asks for.
func (m *machine) obey() error {
	path, err := controlPort()
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	m.enc = json.NewEncoder(f)
	uptime, err := os.ReadFile("/proc/uptime")
	if err != nil {
		return err
	}
	m.reply(guest.Reply{Uptime: string(bytes.TrimSpace(uptime))})
	say("up after %s", bytes.TrimSpace(uptime))
	go func() {
		dec := json.NewDecoder(f)
		for {
			var q guest.Request
			if err := dec.Decode(&q); err != nil {
				say("control: %v", err)
				return
			}
			go func() { m.reply(m.do(q)) }()
		}
	}()
	return nil
}

// controlPort is the device of the port with our name.
func controlPort() (string, error) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for late := time.Now().Add(20 * time.Second); time.Now().Before(late); <-tick.C {
		names, err := filepath.Glob("/sys/class/virtio-ports/*/name")
		if err != nil {
			return "", err
		}
		for _, n := range names {
			text, err := os.ReadFile(n)
			dev := filepath.Join("/dev", filepath.Base(filepath.Dir(n)))
			if _, e := os.Stat(dev); err == nil && e == nil && strings.TrimSpace(string(text)) == guest.Port {
				return dev, nil
			}
		}
	}
	return "", errors.New("no control port")
}

func (m *machine) reply(r guest.Reply) {
	m.out.Lock()
	defer m.out.Unlock()
	if err := m.enc.Encode(r); err != nil {
		say("control: %v", err)
	}
}

func (m *machine) do(q guest.Request) guest.Reply {
	r := guest.Reply{ID: q.ID}
	var err error
	switch q.Op {
	case guest.OpRun:
		r.Code, r.Data, err = m.command(q)
	case guest.OpRead:
		r.Data, err = readFile(q.Path)
	case guest.OpWrite:
		err = writeFile(q.Path, q.Data, os.FileMode(q.Mode))
	case guest.OpService:
		go m.startAll([]guest.Service{*q.Service})
	case guest.OpSignal:
		err = m.signal(q.Name, syscall.Signal(q.Signal))
	case guest.OpNoise:
		m.makeNoise(q.Every, q.Text)
	case guest.OpPowerOff:
		end(unix.LINUX_REBOOT_CMD_POWER_OFF)
	case guest.OpReboot:
		end(unix.LINUX_REBOOT_CMD_RESTART)
	default:
		err = fmt.Errorf("unknown operation %q", q.Op)
	}
	if err != nil {
		r.Err = err.Error()
	}
	return r
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, guest.MaxOutput))
}

func writeFile(path string, data []byte, mode os.FileMode) error {
	if !strings.HasPrefix(path, "/sys/") && !strings.HasPrefix(path, "/proc/") {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
	}
	return os.WriteFile(path, data, mode)
}

// bounded keeps the first bytes of what is written to it.
type bounded struct{ bytes.Buffer }

func (b *bounded) Write(p []byte) (int, error) {
	if room := guest.MaxOutput - b.Len(); room > 0 {
		b.Buffer.Write(p[:min(len(p), room)])
	}
	return len(p), nil
}

func (m *machine) command(q guest.Request) (code int, out []byte, err error) {
	if len(q.Args) == 0 {
		return 0, nil, errors.New("no program")
	}
	var b bounded
	cmd := exec.Command(q.Args[0], q.Args[1:]...) //nolint:noctx // ended by the machine
	cmd.Env, cmd.Dir, cmd.Stdin = append(os.Environ(), q.Env...), q.Dir, bytes.NewReader(q.Data)
	cmd.Stdout, cmd.Stderr = &b, &b
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := m.begin(cmd); err != nil {
		return 0, nil, err
	}
	err = m.finish(cmd)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode(), b.Bytes(), nil
	}
	return 0, b.Bytes(), err
}

func (m *machine) signal(name string, s syscall.Signal) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	pid := m.services[name]
	if !m.running[pid] {
		return fmt.Errorf("service %s does not run", name)
	}
	return unix.Kill(pid, s)
}

// makeNoise has the kernel say something time and again.
func (m *machine) makeNoise(every time.Duration, text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.noise != nil {
		close(m.noise)
		m.noise = nil
	}
	if every <= 0 {
		return
	}
	quiet := make(chan struct{})
	m.noise = quiet
	go func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for n := 1; ; n++ {
			select {
			case <-quiet:
				return
			case <-tick.C:
			}
			if err := os.WriteFile("/dev/kmsg", fmt.Appendf(nil, "<5>%s %d\n", text, n), 0); err != nil {
				say("kmsg: %v", err)
				return
			}
		}
	}()
}
