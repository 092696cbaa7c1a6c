package station_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"provstation/serialproto"
	"provstation/serialproto/agent"
	"provstation/serialproto/agent/filestore"
	"provstation/serialproto/link"
	"provstation/station"
	"provstation/station/devstack"
	"provstation/station/mqttcheck"
	"provstation/station/stationtest"
	"provstation/station/wgconf"
)

// tlsBroker is a TLS server that is no broker: what happens to a device happens before MQTT.
func tlsBroker(t *testing.T, cfg *tls.Config) uint16 {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", cfg)
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = c.Read(make([]byte, 1024)) // handshake, and the first bytes at most
			}()
		}
	}()
	return uint16(l.Addr().(*net.TCPAddr).Port)
}

// A broker that refuses, is another, is down: the outcome says whether the device is bad or we could not tell. Then the
// right broker, and the certificate on file is proven: nothing is issued twice.
func TestBrokerRefuses(t *testing.T) {
	stranger := stationtest.NewPKI(t)
	key := stationtest.NewKey(t, "P-256")
	strange := tls.Certificate{PrivateKey: key, Certificate: [][]byte{stationtest.Sign(t, stranger.Sub, &x509.Certificate{
		Subject: pkix.Name{CommonName: "mqtt"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, key.Public()), stranger.Sub.Cert.Raw, stranger.ICA.Cert.Raw}}
	strangers := x509.NewCertPool()
	strangers.AddCert(stranger.Root.Cert)

	r := newRig(t, devstack.Config{Devices: 1})
	cert, pkey, err := r.stack.ServerFiles(t.TempDir())
	must(t, err)
	own, err := tls.LoadX509KeyPair(cert, pkey)
	must(t, err)
	var lc net.ListenConfig
	closed, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	down := uint16(closed.Addr().(*net.TCPAddr).Port)
	must(t, closed.Close())

	good := r.cfg.MQTT
	rows := []struct {
		name    string
		set     func(c *mqttcheck.Config)
		outcome station.Outcome
		code    station.Code
	}{
		{"another CA's broker", func(c *mqttcheck.Config) {
			c.Port = tlsBroker(t, &tls.Config{Certificates: []tls.Certificate{strange}, ClientAuth: tls.RequireAnyClientCert})
		}, station.Error, station.CodeBrokerUntrusted},
		{"a broker that trusts another CA", func(c *mqttcheck.Config) {
			c.Port = tlsBroker(t, &tls.Config{
				Certificates: []tls.Certificate{own}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: strangers,
			})
		}, station.Fail, station.CodeBrokerCert},
		{"a broker that asks for no certificate", func(c *mqttcheck.Config) {
			c.Port = tlsBroker(t, &tls.Config{Certificates: []tls.Certificate{own}})
		}, station.Error, station.CodeBrokerTLS},
		{"another name", func(c *mqttcheck.Config) { c.ServerName = "mqtt.elsewhere.example" }, station.Error, station.CodeBrokerHostname},
		{"a topic that the ACL denies", func(c *mqttcheck.Config) { c.Topic = "v1/everybody" }, station.Fail, station.CodeBrokerPublish},
		{"down", func(c *mqttcheck.Config) { c.Port = down }, station.Error, station.CodeBrokerRefused},
	}
	for _, row := range rows {
		r.cfg.MQTT = good
		row.set(&r.cfg.MQTT)
		r.start(r.stack.Devices...)
		r.check(row.name, r.end(), row.outcome, row.code)
		r.stop()
	}
	r.cfg.MQTT = good
	r.start(r.stack.Devices...)
	r.check("the right broker", r.end(), station.Pass, "")
	// A certificate that a broker refused is not used again, over a restart of the station.
	if got := r.stack.Bridge.Posts(); got != 2 {
		t.Errorf("got %d posts, want 2 for all runs: one more after the certificate was refused", got)
	}
	r.stop()
}

// A full disk under the ledger, before a run and in the middle of one: ERROR E-LEDGER, never a PASS. When there is room
// again the next run is fine.
func TestLedgerDiskFull(t *testing.T) {
	for _, at := range []station.Phase{station.PhaseIdentify, station.PhaseMQTT, station.PhaseRecord} {
		t.Run(string(at), func(t *testing.T) {
			dir := t.TempDir()
			if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=2m"); err != nil {
				if os.Getenv("PROVSTATION_REQUIRE_REAL") == "1" && os.Geteuid() == 0 {
					t.Fatalf("mount tmpfs: %v", err)
				}
				t.Skipf("mount tmpfs: %v", err)
			}
			t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
			r := newRig(t, devstack.Config{Devices: 1})
			r.open(filepath.Join(dir, "ledger.db"))
			ballast := filepath.Join(dir, "ballast")
			slot := r.stack.Devices[0].Name
			full := func(string) {
				if err := fill(ballast); err != nil {
					t.Errorf("fill: %v", err)
				}
			}
			if at == station.PhaseIdentify {
				full(slot)
			} else {
				r.wrap = hook(once(map[string]station.Phase{slot: at}, full))
			}
			r.start(r.stack.Devices...)
			r.check("full", r.end(), station.Error, station.CodeLedger)
			must(t, os.Remove(ballast))
			must(t, r.bench.Retry(slot))
			r.check("with room again", r.end(), station.Pass, "")
			if c, err := r.ledger.Check(t.Context()); err != nil || !c.OK() {
				t.Errorf("got %+v, %v, want a sound ledger", c, err)
			}
			r.stop()
		})
	}
}

// fill writes until nothing more goes.
func fill(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, n := range []int{64 << 10, 4096} {
		for err == nil {
			_, err = f.Write(make([]byte, n))
		}
		if !errors.Is(err, unix.ENOSPC) {
			return err
		}
		err = nil
	}
	return nil
}

// A port that another program holds is said to be busy, with what to do; when it is let go, the device is run.
func TestPortHeldByAnother(t *testing.T) {
	r := newRig(t, devstack.Config{Devices: 1})
	d := r.stack.Devices[0]
	f, err := os.OpenFile(d.Path, os.O_RDWR|unix.O_NOCTTY, 0)
	must(t, err)
	defer f.Close()
	must(t, unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB))
	r.start(d)
	e := r.until("port event", func(e station.Event) bool { _, ok := e.Body.(station.PortSeen); return ok })
	seen, _ := e.Body.(station.PortSeen)
	if seen.Status != "busy" || seen.Code != station.CodePortBusy || seen.Reason == "" || seen.Slot != d.Name {
		t.Errorf("got %+v, want the port busy, with what to do", seen)
	}
	must(t, f.Close())
	r.check("let go", r.end(), station.Pass, "")
	for _, e := range r.seen {
		if v, ok := e.Body.(station.RunEnded); ok && v.Outcome != station.Pass {
			t.Errorf("got %+v, want no run while the port was held", v)
		}
	}
	r.stop()
}

// bare is a pty with nothing behind it yet.
func bare(t *testing.T) (master *os.File, path string) {
	t.Helper()
	master, slave, err := pty.Open()
	must(t, err)
	t.Cleanup(func() { _, _ = master.Close(), slave.Close() })
	state, err := unix.IoctlGetTermios(int(slave.Fd()), unix.TCGETS)
	must(t, err)
	state.Iflag, state.Oflag, state.Lflag = 0, 0, 0
	must(t, unix.IoctlSetTermios(int(slave.Fd()), unix.TCSETS, state))
	fd, err := unix.FcntlInt(master.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	must(t, err)
	must(t, unix.SetNonblock(fd, true))
	end := os.NewFile(uintptr(fd), "master")
	t.Cleanup(func() { _ = end.Close() })
	return end, slave.Name()
}

// 1 MB of noise before a device announces itself: bounded memory, no run until there is a device, then PASS. A port that
// has nothing but noise is said to be silent and never becomes a run.
func TestNoise(t *testing.T) {
	r := newRig(t, devstack.Config{})
	master, path := bare(t)
	other, noisy := bare(t)
	r.start()
	r.plugged(path, "device")
	r.plugged(noisy, "noise")
	listening := 0
	r.until("both ports", func(e station.Event) bool {
		if p, ok := e.Body.(station.PortSeen); ok && p.Status == "listening" {
			listening++
		}
		return listening == 2
	})
	noise := make([]byte, 1<<20)
	random := rand.NewChaCha8([32]byte{7})
	_, _ = random.Read(noise) // never fails
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for _, f := range []*os.File{master, other} {
		must(t, f.SetWriteDeadline(time.Now().Add(patience)))
		if _, err := f.Write(noise); err != nil {
			t.Fatalf("write noise: %v", err)
		}
	}
	r.until("silent", func(e station.Event) bool {
		p, ok := e.Body.(station.PortSeen)
		return ok && p.Status == "silent" && p.Slot == "noise"
	})
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 1<<20 {
		t.Errorf("got %d bytes more in use after 2 MB of noise, want them bounded", grown)
	}

	store, err := filestore.Open(t.TempDir(), filestore.Config{Volatile: true})
	must(t, err)
	a, err := agent.New(store, agent.Config{
		Model: "noisy", Serial: "NOISY-77", Firmware: "1", Reenroll: serialproto.ReenrollOpen, SignTLS12: true,
		CompleteWG: func(conf []byte, priv [32]byte) ([]byte, error) { return wgconf.Complete(conf, wgtypes.Key(priv)) },
		StripWG:    wgconf.WithoutPrivateKey, Link: link.DeviceConfig{Baud: rigBaud},
	})
	must(t, err)
	must(t, master.SetWriteDeadline(time.Time{}))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx, master) }()
	e := r.end()
	r.check("after the noise", e, station.Pass, "")
	if e.Slot != "device" || e.HardwareSerial != "NOISY-77" {
		t.Errorf("got %+v, want the device", e)
	}
	for _, ev := range r.seen {
		if s, ok := ev.Body.(station.RunStarted); ok && s.Slot != "device" {
			t.Errorf("got a run in slot %s: noise is no device", s.Slot)
		}
		if p, ok := ev.Body.(station.PhaseChanged); ok && len(p.Facts[station.FactBootLog]) > 256<<10 {
			t.Errorf("got a boot log of %d bytes, want it bounded", len(p.Facts[station.FactBootLog]))
		}
	}
	r.stop()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("agent: got %v, want to be canceled", err)
	}
}

// Lines that lose and damage one byte in a thousand: every device ends in PASS.
func TestBadLines(t *testing.T) {
	for name, faults := range map[string]devstack.Spec{
		"lost": {Drop: 1e-3}, "damaged": {Flip: 1e-3}, "both": {Drop: 1e-3, Flip: 1e-3, Dup: 1e-4},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, devstack.Config{Devices: 4, Faults: faults, Seed: 42})
			r.start(r.stack.Devices...)
			for slot, e := range r.ends(4) {
				r.check(slot, e, station.Pass, "")
			}
			r.stop()
		})
	}
}
