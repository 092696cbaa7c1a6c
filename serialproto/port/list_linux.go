package port

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"syscall"
)

// maxPorts bounds one scan; a bench has tens.
const maxPorts = 1024

// enumerate reads sysfs and never opens a port: the library's enumerator opens
// every ttyS, which raises modem lines, and one device that vanishes meanwhile
// fails its whole list.
func enumerate(sysRoot, devRoot string) ([]present, error) {
	s := newSysfs(sysRoot, devRoot)
	class := filepath.Join(s.root, "class", "tty")
	entries, err := os.ReadDir(class)
	if err != nil {
		return nil, fmt.Errorf("list serial ports: %w", err)
	}
	byID := s.linkNames("by-id")
	var found []present
	for _, e := range entries {
		p, ok := s.port(filepath.Join(class, e.Name()), e.Name())
		if !ok {
			continue
		}
		p.ByID = clean(byID[e.Name()])
		if found = append(found, p); len(found) == maxPorts {
			break
		}
	}
	sort.Slice(found, func(i, j int) bool { return found[i].Path < found[j].Path })
	return found, nil
}

// sysfs is a mounted sysfs with the device folder that belongs to it.
type sysfs struct{ root, dev string }

func newSysfs(root, dev string) sysfs {
	if root == "" {
		root = "/sys"
	}
	if dev == "" {
		dev = "/dev"
	}
	if real, err := filepath.EvalSymlinks(root); err == nil {
		root = real // parents are walked up to it
	}
	return sysfs{root: root, dev: dev}
}

// port describes one entry of class/tty; ok is false for what is no port: a
// virtual terminal (no device), a gadget's own end, an empty ttyS, one that
// vanished.
func (s sysfs) port(class, name string) (present, bool) {
	if strings.HasPrefix(name, "ttyGS") || name != clean(name) {
		return present{}, false
	}
	link := filepath.Join(class, "device")
	if _, err := os.Lstat(link); err != nil { // most entries; following a path costs a look at each of its parts
		return present{}, false
	}
	device, err := filepath.EvalSymlinks(link)
	if err != nil {
		return present{}, false
	}
	// PORT_UNKNOWN: the driver reserved the name and found no chip.
	if line, ok := readAttr(class, "type"); ok && line == "0" {
		return present{}, false
	}
	path := filepath.Join(s.dev, strings.ReplaceAll(name, "!", "/"))
	st, err := os.Stat(path)
	if err != nil {
		return present{}, false
	}
	p := present{Info: Info{Path: path, Slot: name, Driver: clean(linkBase(device, "driver"))}}
	if u, ok := st.Sys().(*syscall.Stat_t); ok {
		p.stamp = strconv.FormatUint(u.Ino, 10) // devtmpfs makes a new node each time
	}
	if !s.addUSB(&p, device) {
		return present{}, false
	}
	return p, true
}

// addUSB fills in what the USB device above says; false means that it vanished.
func (s sysfs) addUSB(p *present, device string) bool {
	iface := device
	port := ""
	switch linkBase(device, "subsystem") {
	case "usb":
	case "usb-serial":
		iface = filepath.Dir(device)
		n, ok := readAttr(device, "port_number")
		if !ok {
			return false
		}
		port = "-port" + n
	default:
		return true
	}
	usb := filepath.Dir(iface)
	vid, ok := readAttr(usb, "idVendor")
	if !ok {
		return false
	}
	pid, _ := readAttr(usb, "idProduct")
	p.IsUSB, p.VID, p.PID = true, cleanHex(vid), cleanHex(pid)
	p.HardwareSerial, _ = readAttr(usb, "serial")
	p.Manufacturer, _ = readAttr(usb, "manufacturer")
	p.Product, _ = readAttr(usb, "product")
	devnum, _ := readAttr(usb, "devnum") // counts up with every plug
	p.stamp += "/" + devnum
	if id := s.pathID(iface); id != "" {
		p.Slot = clean(id + port)
	}
	return true
}

// pathID computes udev's ID_PATH (systemd, udev-builtin-path_id.c) for a USB
// interface: the hub ports and the interface, then the controller. Bus numbers
// are left out, since they change when a controller comes up again.
func (s sysfs) pathID(iface string) string {
	var parts []string
	for dir := iface; len(dir) > len(s.root); {
		name := filepath.Base(dir)
		sub := linkBase(dir, "subsystem")
		switch sub {
		case "usb":
			_, ports, ok := strings.Cut(name, "-")
			if !ok {
				return ""
			}
			parts = append(parts, "usb-0:"+ports)
		case "pci", "platform", "amba", "acpi", "xen":
			parts = append(parts, sub+"-"+name)
		default:
			dir = filepath.Dir(dir)
			continue
		}
		// Hubs above the interface and bridges above the controller say nothing
		// that the name does not say already.
		for linkBase(dir, "subsystem") == sub && len(dir) > len(s.root) {
			dir = filepath.Dir(dir)
		}
	}
	for i, j := 0, len(parts)-1; i < j; i, j = i+1, j-1 {
		parts[i], parts[j] = parts[j], parts[i]
	}
	return strings.Join(parts, "-")
}

// linkNames maps device names to the name of the link to them in
// /dev/serial/KIND, where udev made one.
func (s sysfs) linkNames(kind string) map[string]string {
	dir := filepath.Join(s.dev, "serial", kind)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil // no udev, or no device yet
	}
	names := make(map[string]string, len(entries))
	for _, e := range entries {
		if target, err := os.Readlink(filepath.Join(dir, e.Name())); err == nil {
			names[filepath.Base(target)] = e.Name()
		}
	}
	return names
}

// linkBase is the last element of what the link points to, "" if there is none.
func linkBase(dir, link string) string {
	target, err := os.Readlink(filepath.Join(dir, link))
	if err != nil {
		return ""
	}
	return filepath.Base(target)
}

// readAttr reads one attribute as clean text; ok is false when it is not there
// or its device is going.
func readAttr(dir, name string) (string, bool) {
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		return "", false
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, 4096))
	if err != nil {
		return "", false
	}
	line, _, _ := strings.Cut(string(b), "\n")
	return clean(line), true
}

// LatencyTimer returns how long the USB adapter of the port waits, in
// milliseconds, before it sends a part-filled packet (16 by default for FTDI,
// which every short round trip pays); ok is false for adapters without it.
func LatencyTimer(path string) (ms int, ok bool) {
	return newSysfs("", "").latencyTimer(path)
}

func (s sysfs) latencyTimer(path string) (int, bool) {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	text, ok := readAttr(filepath.Join(s.root, "bus", "usb-serial", "devices", filepath.Base(path)), "latency_timer")
	if !ok {
		return 0, false
	}
	ms, err := strconv.Atoi(text)
	return ms, err == nil && ms >= 0
}
