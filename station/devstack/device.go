package devstack

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"provstation/serialproto"
	"provstation/serialproto/agent"
	"provstation/serialproto/agent/filestore"
	"provstation/serialproto/link"
	"provstation/serialproto/prototest"
	"provstation/station/onbox"
	"provstation/station/wgconf"
)

// Device is a virtual device: the real agent over its own state directory, behind a line paced to a baud rate.
type Device struct {
	Name   string // its folder below devices/, and its place's name where it was not plugged in elsewhere
	Serial string // hardware serial
	Dir    string // its files
	Path   string // the port a station opens

	cfg   deviceConfig
	mu    sync.Mutex
	slot  string // place that it is or was plugged into
	stop  context.CancelFunc
	ended chan struct{}
	ln    cable
	boots int
	clock *ownClock // nil: this machine's; it goes on while the device is off

	trouble deviceFaults
}

type deviceConfig struct {
	ports string // folder of the links to the ports
	cable func(link string) (cable, string, error)
	baud  int
	line  prototest.Config
	boot  bool
	model string
	log   *slog.Logger
	stuck bool           // its clock is stuckClock
	off   time.Duration  // its clock is ownClock, off by so much; 0: this machine's, read only
	keys  agent.KeyStore // nil: flash
	spec  Spec           // of its faults: those that are the device's own

	reenroll serialproto.Reenroll // 0: open
	noTLS12  bool                 // it signs no TLS 1.2
	noTunnel bool                 // it brings no tunnel up
	anchors  []*x509.Certificate  // of its firmware
}

// cable is a device's end of its port.
type cable interface {
	// open gives the device's end for one boot of the device.
	open() (io.ReadWriteCloser, error)
	// dial gives the station's end for one use of the port; nil where the port is a file that a station opens.
	dial() (link.Transport, error)
	// unlock takes off a lock that a station left on the port when it was killed.
	unlock()
	close() error
}

// newDevice makes a device that is powered off.
func newDevice(dir, name, serial string, cfg deviceConfig) *Device {
	return &Device{Name: name, Serial: serial, Dir: filepath.Join(dir, name), cfg: cfg, slot: name}
}

// bootText is what a small Linux box says on its console before anything else.
const bootText = "\r\nU-Boot SPL 2024.01 (demo)\r\nU-Boot 2024.01 (demo)\r\nDRAM:  512 MiB\r\nHit any key to stop autoboot:  0\r\n" +
	"[    0.000000] Booting Linux on physical CPU 0x0\r\n[    0.813217] random: crng init done\r\n" +
	"Starting provagent: \x1b[32mOK\x1b[0m\r\n"

// Plug plugs an unplugged device in again. It may get another port: see Path. The device has power until ctx ends.
func (d *Device) Plug(ctx context.Context) error { return d.start(ctx) }

// start plugs the device in: it gets a port, boots and serves.
func (d *Device) start(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ln != nil {
		return nil
	}
	if err := d.getPort(); err != nil {
		return err
	}
	return d.boot(ctx)
}

// wire gives the device its port, and no power.
func (d *Device) wire(context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.getPort()
}

// getPort gives the device a port. d.mu is held.
func (d *Device) getPort() error {
	ln, path, err := d.cfg.cable(filepath.Join(d.cfg.ports, d.slot))
	if err != nil {
		return fmt.Errorf("virtual device %s: %w", d.Name, err)
	}
	d.ln, d.Path = ln, path
	return nil
}

// boot starts the agent on the device's line.
func (d *Device) boot(ctx context.Context) error {
	files, err := filestore.Open(d.Dir, filestore.Config{Volatile: true, Before: d.flash})
	if err != nil {
		return fmt.Errorf("virtual device %s: %w", d.Name, err)
	}
	own := newOwnRenewal(onbox.Files{Dir: d.Dir, Before: d.flash})
	store := &tunnelled{Store: files, log: d.cfg.log.With("device", d.Name), sealed: own.wake, off: d.cfg.noTunnel}
	end, err := d.ln.open()
	if err != nil {
		return fmt.Errorf("virtual device %s: %w", d.Name, err)
	}
	var clock agent.Clock
	switch {
	case d.cfg.stuck:
		clock = stuckClock{time.Now()}
	case d.cfg.off != 0:
		if d.clock == nil {
			d.clock = &ownClock{off: d.cfg.off}
		}
		clock = d.clock
	}
	c := agent.Config{
		Model: d.cfg.model, Serial: d.Serial, Firmware: "1.0.0-demo", Reenroll: cmp.Or(d.cfg.reenroll, serialproto.ReenrollOpen), SignTLS12: !d.cfg.noTLS12,
		Tunnel: store, CompleteWG: completeTunnel, StripWG: wgconf.WithoutPrivateKey, Log: d.cfg.log,
		Keys: d.keyStore(), RNGReady: d.random, Clock: clock, ManageClock: d.clock != nil,
		CheckMQTT: onbox.CheckBroker, Renewal: own, Guard: own.guard, Anchors: d.cfg.anchors, Link: link.DeviceConfig{Baud: d.cfg.baud},
	}
	a, err := agent.New(store, c)
	if err == nil {
		own.renewer, err = d.renewer(store, c, own.files)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("virtual device %s: %w", d.Name, err), end.Close())
	}
	cfg := d.cfg.line
	cfg.ToHost.Rewrite = d.answering(ctx)
	ctx, d.stop = context.WithCancel(ctx)
	cfg.ToHost.Faults.Seed += uint64(d.boots)
	d.boots++
	cfg.ToHost, cfg.ToDevice = cfg.ToDevice, cfg.ToHost // the agent has the end that Paced calls the host's
	t := prototest.Paced(end, cfg)
	d.ended = make(chan struct{})
	store.refresh()
	go d.serve(ctx, a, own, t, store, d.ln, d.ended)
	return nil
}

// unlockEvery is the pause between two looks for a lock that nobody holds any more.
const unlockEvery = time.Second

func (d *Device) serve(
	ctx context.Context, a *agent.Agent, own *ownRenewal, t *prototest.Conn, store *tunnelled, ln cable, ended chan struct{},
) {
	defer close(ended)
	defer store.use(nil)
	ctx, cancel := context.WithCancel(ctx)
	var beside sync.WaitGroup
	defer beside.Wait()
	defer cancel()
	defer t.Close()
	beside.Go(func() { keepUnlocked(ctx, ln) })
	beside.Go(func() { own.run(ctx) })
	if err := d.noise(t); err != nil {
		return
	}
	if d.cfg.boot {
		if _, err := io.Copy(t, strings.NewReader(bootText)); err != nil {
			return
		}
	}
	if err := a.Run(ctx, t); err != nil && ctx.Err() == nil {
		d.cfg.log.Info("virtual device stopped", "device", d.Name, "err", err)
	}
}

// ErrUnplugged says that the device has no port.
var ErrUnplugged = errors.New("device is not plugged in")

// Reset restarts the device, as its reset button does. The port stays. The device has power until ctx ends.
func (d *Device) Reset(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ln == nil {
		return fmt.Errorf("virtual device %s: %w", d.Name, ErrUnplugged)
	}
	d.halt()
	return d.boot(ctx)
}

// Unplug takes device and port away.
func (d *Device) Unplug() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.halt()
	if d.ln == nil {
		return nil
	}
	err := d.ln.close()
	d.ln = nil
	return err
}

// halt powers the device off.
func (d *Device) halt() {
	if d.stop != nil {
		d.stop()
		<-d.ended
		d.stop = nil
	}
}

func completeTunnel(conf []byte, priv [32]byte) ([]byte, error) {
	return wgconf.Complete(conf, wgtypes.Key(priv))
}

// keepUnlocked takes the exclusive mode off the port again and again. A station that was killed cannot take it off itself,
// whether it had opened a session or not, and the kernel keeps it as long as anybody has the port open. Stations exclude
// each other by a file lock, which dies with its holder.
func keepUnlocked(ctx context.Context, ln cable) {
	tick := time.NewTicker(unlockEvery)
	defer tick.Stop()
	for {
		ln.unlock()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// stationEnd is the station's end of the port at path for one use, where that port is this device's and no file.
func (d *Device) stationEnd(path string) link.Transport {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ln == nil || d.Path != path {
		return nil
	}
	end, err := d.ln.dial()
	if err != nil {
		return nil // the line is being taken away
	}
	return end
}
