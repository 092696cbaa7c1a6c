//go:build linux

package vm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"provstation/station/stationtest/vm/guest"
)

// Image is an initramfs in the making. Its /bin, /sbin and /lib are links into /usr, as in Debian; a path may be given
// either way. What is added later takes the place of what was there.
type Image struct {
	Kernel Kernel
	Spec   guest.Spec // what /init does; the methods fill most of it

	t       testing.TB
	entries map[string]entry
}

// entry is a file: of data, or of this machine.
type entry struct {
	mode         uint32 // kind and permissions
	data         []byte
	source       string
	major, minor uint32
}

// base are the modules that every machine loads: its channel to the test, its disk (ext4 looks for a crc32c by that name
// only, which no dependency tells), its network.
func base() []string {
	return []string{"virtio_pci", "virtio_console", "virtio_blk", "crc32c_generic", "ext4", "virtio_net"}
}

// NewImage is an image with a kernel of Debian ([Cloud], [Full]) and the rig's /init in it, and nothing else.
func NewImage(t testing.TB, kernel string) *Image {
	t.Helper()
	m := &Image{Kernel: FetchKernel(t, kernel), t: t, entries: map[string]entry{}}
	m.entries["usr"] = entry{mode: kindFolder | 0o755}
	for _, dir := range []string{"bin", "sbin", "lib", "lib64"} {
		m.entries["usr/"+dir] = entry{mode: kindFolder | 0o755}
		m.entries[dir] = entry{mode: kindSymlink | 0o777, data: []byte("usr/" + dir)}
	}
	for _, dir := range []string{"dev", "proc", "sys", "run", "tmp", "etc", "root", "data", "var/lib"} {
		m.Folder("/"+dir, 0o755)
	}
	m.Symlink("/var/run", "/run")
	m.Device("/dev/console", 5, 1)
	m.Device("/dev/null", 1, 3)
	m.File("/etc/passwd", 0o644, []byte("root:x:0:0:root:/root:/bin/sh\n"))
	m.File("/etc/group", 0o644, []byte("root:x:0:\ntty:x:5:\ndialout:x:20:\n"))
	m.File("/etc/hosts", 0o644, []byte("127.0.0.1 localhost\n"))
	m.GoProgram("/init", "./station/stationtest/vm/guest/init")
	m.Modules(base()...)
	return m
}

// clean is the place of a path in the archive.
func clean(p string) string {
	p = strings.TrimPrefix(path.Clean("/"+p), "/")
	first, _, _ := strings.Cut(p, "/")
	switch first {
	case "bin", "sbin", "lib", "lib64":
		if first != p {
			return "usr/" + p
		}
	}
	return p
}

func (m *Image) put(name string, e entry) {
	name = clean(name)
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if _, ok := m.entries[dir]; !ok {
			m.entries[dir] = entry{mode: kindFolder | 0o755}
		}
	}
	m.entries[name] = e
}

// Folder adds a folder.
func (m *Image) Folder(name string, perm fs.FileMode) {
	m.put(name, entry{mode: kindFolder | uint32(perm)})
}

// File adds a file.
func (m *Image) File(name string, perm fs.FileMode, data []byte) {
	m.put(name, entry{mode: kindFile | uint32(perm), data: slices.Clone(data)})
}

// Symlink adds a link.
func (m *Image) Symlink(name, target string) {
	m.put(name, entry{mode: kindSymlink | 0o777, data: []byte(target)})
}

// Device adds a character device. devtmpfs brings all that the kernel knows; this is for what must be there before.
func (m *Image) Device(name string, major, minor uint32) {
	m.put(name, entry{mode: kindChar | 0o600, major: major, minor: minor})
}

// Copy adds a file of this machine, as it is.
func (m *Image) Copy(name, source string) {
	m.t.Helper()
	info, err := os.Stat(source)
	if err != nil {
		m.t.Fatalf("vm: image: %v", err)
	}
	m.put(name, entry{mode: kindFile | uint32(info.Mode().Perm()), source: source})
}

// Program adds a program of this machine at the same path, with the loader and the shared libraries that it is linked
// against. What it loads by name as it runs must be added beside.
func (m *Image) Program(source string) {
	m.t.Helper()
	m.Copy(source, source)
	list, err := libraries(source)
	if err != nil {
		m.t.Fatalf("vm: image: %v", err)
	}
	for _, lib := range list {
		m.Copy(lib, lib)
	}
}

// builds are Go programs that this test binary has built, by their arguments.
var builds = struct { //nolint:gochecknoglobals // one per process, as the compiler's cache
	sync.Mutex
	done map[string]string
}{done: map[string]string{}}

// GoProgram builds a package of this module without cgo, and adds it.
func (m *Image) GoProgram(name, pkg string, flags ...string) {
	m.t.Helper()
	m.Copy(name, Build(m.t, pkg, flags...))
}

// Build builds a package of this module for a machine: statically, stripped; once per test binary. Flags are those of
// `go build`.
func Build(t testing.TB, pkg string, flags ...string) string {
	t.Helper()
	return build(t, pkg, append([]string{"build", "-trimpath", "-ldflags", "-s -w"}, flags...))
}

// BuildTest builds the test binary of a package in the same way.
func BuildTest(t testing.TB, pkg string, flags ...string) string {
	t.Helper()
	return build(t, pkg, append([]string{"test", "-c", "-trimpath", "-ldflags", "-s -w"}, flags...))
}

func build(t testing.TB, pkg string, args []string) string {
	t.Helper()
	key := strings.Join(append(args, pkg), "\x00")
	builds.Lock()
	defer builds.Unlock()
	if file, ok := builds.done[key]; ok {
		return file
	}
	dir, err := os.MkdirTemp(runDir(t), "build-") //nolint:usetesting // outlives the test
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "program")
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "go", append(slices.Clone(args), "-o", file, pkg)...)
	cmd.Dir, cmd.Env = moduleRoot(t), append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("vm: go %s %s: %v\n%s", strings.Join(args, " "), pkg, err, out)
	}
	builds.done[key] = file
	return file
}

// Modules adds kernel modules by name, with those they need; /init loads them in that order. What the kernel has built in is
// left out. Parameters may follow a name: "dummy_hcd num=9".
func (m *Image) Modules(names ...string) {
	m.t.Helper()
	root := filepath.Join(m.Kernel.Dir, "lib", "modules", m.Kernel.Version)
	built, err := builtins(filepath.Join(root, "modules.builtin"))
	if err != nil {
		m.t.Fatal(err)
	}
	for _, n := range names {
		name, params, _ := strings.Cut(n, " ")
		list, err := modules(root, built, []string{name})
		if err != nil {
			m.t.Fatalf("vm: image: %v", err)
		}
		for _, file := range list {
			if moduleName(file) == moduleName(name) {
				m.module(file, params)
			} else {
				m.module(file, "")
			}
		}
	}
}

func (m *Image) module(file, params string) {
	m.t.Helper()
	rel, err := filepath.Rel(m.Kernel.Dir, file)
	if err != nil {
		m.t.Fatal(err)
	}
	if !slices.ContainsFunc(m.Spec.Modules, func(s guest.Module) bool { return s.Path == "/"+rel }) {
		m.Copy(rel, file)
		m.Spec.Modules = append(m.Spec.Modules, guest.Module{Path: "/" + rel, Params: params})
	}
}

// Service has /init run a program and start it again whenever it ends.
func (m *Image) Service(s guest.Service) { m.Spec.Services = append(m.Spec.Services, s) }

// Mount has /init mount a file system once the modules are loaded.
func (m *Image) Mount(source, target, kind string) {
	m.Spec.Mounts = append(m.Spec.Mounts, guest.Mount{Source: source, Target: target, Type: kind})
}

// Debian unpacks Debian packages and all that they depend on, without running a script of theirs: no user is made, no
// alternative is chosen. Documentation and translations are left out. What is not wanted can be named with a leading dash:
// Debian("udev", "-debconf").
func (m *Image) Debian(pkgs ...string) {
	m.t.Helper()
	var want, not []string
	for _, p := range pkgs {
		if p, dash := strings.CutPrefix(p, "-"); dash {
			not = append(not, p)
		} else {
			want = append(want, p)
		}
	}
	list := slices.DeleteFunc(closure(m.t, want), func(p string) bool { return slices.Contains(not, p) })
	m.Unpack(list...)
}

// Unpack is [Image.Debian] for the named packages alone.
func (m *Image) Unpack(pkgs ...string) {
	m.t.Helper()
	for _, dir := range unpacked(m.t, pkgs) {
		if err := m.tree(dir); err != nil {
			m.t.Fatalf("vm: image: %v", err)
		}
	}
}

// unwanted are folders of packages that no machine reads.
func unwanted(name string) bool {
	for _, dir := range []string{"doc", "man", "locale", "info", "lintian", "bug", "i18n"} {
		if name == "usr/share/"+dir {
			return true
		}
	}
	return false
}

// Tree adds what lies below a folder of this machine, at the image's root.
func (m *Image) Tree(dir string) {
	m.t.Helper()
	if err := m.tree(dir); err != nil {
		m.t.Fatalf("vm: image: %v", err)
	}
}

func (m *Image) tree(dir string) error {
	return filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || p == dir {
			return err
		}
		rel, err := filepath.Rel(dir, p)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		switch {
		case d.IsDir() && unwanted(rel):
			return fs.SkipDir
		case d.IsDir():
			if name := clean(rel); strings.Contains(name, "/") || m.entries[name].mode == 0 {
				m.put(rel, entry{mode: kindFolder | uint32(info.Mode().Perm())})
			}
		case info.Mode()&fs.ModeSymlink != 0:
			target, err := os.Readlink(p)
			if err != nil {
				return err
			}
			m.Symlink(rel, target)
		case info.Mode().IsRegular():
			perm := uint32(info.Mode().Perm())
			if info.Mode()&fs.ModeSetuid != 0 {
				perm |= 0o4000
			}
			m.put(rel, entry{mode: kindFile | perm, source: p})
		}
		return nil
	})
}

// Busybox adds a statically linked busybox and a link for each of its applets.
func (m *Image) Busybox() {
	m.t.Helper()
	dir := unpacked(m.t, []string{"busybox-static"})[0]
	file := filepath.Join(dir, "bin", "busybox")
	if _, err := os.Stat(file); err != nil {
		file = filepath.Join(dir, "usr", "bin", "busybox")
	}
	m.Copy("/bin/busybox", file)
	out, err := exec.CommandContext(m.t.Context(), file, "--list-full").Output()
	if err != nil {
		m.t.Fatalf("vm: busybox --list-full: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		if applet := clean(strings.TrimSpace(line)); applet != "init" && m.entries[applet].mode == 0 {
			m.Symlink(applet, "/bin/busybox")
		}
	}
}

// write writes the archive to a file, with a spec.
func (m *Image) write(file string, s guest.Spec) (err error) {
	spec, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		return err
	}
	m.File(guest.SpecPath, 0o644, spec)
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	c := newCPIO(f)
	for _, name := range slices.Sorted(maps.Keys(m.entries)) { // a folder sorts before what it holds
		if err := m.writeEntry(c, name, m.entries[name]); err != nil {
			return err
		}
	}
	return c.close()
}

func (m *Image) writeEntry(c *cpioWriter, name string, e entry) error {
	data, size := io.Reader(bytes.NewReader(e.data)), int64(len(e.data))
	if e.source != "" {
		f, err := os.Open(e.source)
		if err != nil {
			return err
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return err
		}
		data, size = f, info.Size()
	}
	return c.entry(cpioEntry{name: name, mode: e.mode, size: size, major: e.major, minor: e.minor}, data)
}
