package device

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"testing"
	"time"

	"provstation/serialproto"
	"provstation/serialproto/port"
	"provstation/serialproto/prototest"
	"provstation/station"
	"provstation/station/stationtest"
)

func full(b []byte) []byte { s := sha256.Sum256(b); return s[:] }

func TestGreetingAndHolding(t *testing.T) {
	l, p := realAgent(t, 0), stationtest.NewPKI(t)
	g := greetAgain(t, l)
	if g.HardwareSerial != "SN-0001" || g.Model != "box" || g.Firmware != "1.2.3" || len(g.BootID) != 16 || g.State != station.StateEmpty {
		t.Errorf("got %+v", g)
	}
	if !g.SignTLS13 || !g.SignTLS12 || !g.WireGuard || g.SetClock {
		t.Errorf("features: got 13 %v, 12 %v, WireGuard %v, clock %v, want all but the clock", g.SignTLS13, g.SignTLS12, g.WireGuard, g.SetClock)
	}
	if d := g.HeardAt.Sub(g.Clock); d < 0 || d > 10*time.Second || g.Clock.Location() != time.UTC {
		t.Errorf("the device's clock %v was heard at %v", g.Clock, g.HeardAt)
	}
	if g.SPKIPrefix != nil || g.LeafPrefix != nil {
		t.Errorf("an empty device has key %x and leaf %x", g.SPKIPrefix, g.LeafPrefix)
	}
	h, err := l.Holding(within(t))
	must(t, err)
	if h.State != station.StateEmpty || len(h.Objects) != 0 || !h.EnrollID.IsZero() || h.Reenroll != "open" {
		t.Errorf("an empty device holds %+v", h)
	}
	if _, _, err := l.Certificates(within(t)); err == nil {
		t.Error("an empty device has certificates")
	}

	csr, a := key(t, l, "enroll-1", "P-256")
	if _, again := key(t, l, "enroll-1", "P-256"); !again.Existing || !bytes.Equal(again.CSR, a.CSR) {
		t.Error("the same enroll id made another key")
	}
	b := bundle(t, p, a.CSR, "enroll-1")
	back, err := l.Install(within(t), b)
	installed(t, b, back, err)
	h, err = l.Holding(within(t))
	must(t, err)
	spki, err := x509.MarshalPKIXPublicKey(csr.PublicKey)
	must(t, err)
	if h.State != station.StateInstalled || h.DeviceID != deviceID || h.EnrollID != b.EnrollID || h.Generation != 1 || h.Active != 0 ||
		!bytes.Equal(h.SPKI, full(spki)) || !bytes.Equal(h.Leaf, full(b.Leaf)) || !bytes.Equal(h.CSR, full(a.CSR)) {
		t.Errorf("an installed device holds %+v", h)
	}
	for name, digest := range back {
		if !bytes.Equal(h.Objects[name], digest) {
			t.Errorf("%s: holding says %x, install said %x", name, h.Objects[name], digest)
		}
	}
	must(t, l.Seal(within(t), b.EnrollID, "10.8.1.2"))
	g = greetAgain(t, l)
	if g.State != station.StateSealed || !bytes.Equal(g.SPKIPrefix, full(spki)[:16]) || !bytes.Equal(g.LeafPrefix, full(b.Leaf)[:16]) {
		t.Errorf("a sealed device greets with %+v", g)
	}
	if err := l.SetClock(within(t), time.Now()); err == nil {
		t.Error("the clock was set on a device that does not manage it")
	} else if f, ok := station.AsFault(err); !ok || f.Code != station.CodeAgentRefuse {
		t.Errorf("setting its clock: got %v, want %s", err, station.CodeAgentRefuse)
	}
	tx, rx := l.Traffic()
	if tx == 0 || rx == 0 || l.FirstByte().IsZero() {
		t.Errorf("traffic %d and %d, first byte %v", tx, rx, l.FirstByte())
	}
}

func TestUnknownKeyType(t *testing.T) {
	wire := &prototest.Peer{}
	l := peer(t, wire, 0)
	_, err := l.MakeKey(within(t), station.KeyRequest{DeviceID: deviceID, EnrollID: station.EnrollID([]byte("enroll-1")), KeyType: "RSA"})
	if f, ok := station.AsFault(err); !ok || f.Class != station.Misconfigured || len(wire.Executed()) != 0 {
		t.Errorf("got %v after %v, want misconfigured and nothing asked", err, wire.Executed())
	}
}

// A device that leaves out the WireGuard key it was asked for.
func TestMissingWireGuardKey(t *testing.T) {
	csr := stationtest.NewCSR(t, stationtest.NewKey(t, "P-256"), deviceID)
	l := peer(t, &prototest.Peer{Func: func(context.Context, serialproto.Op, []byte) []byte {
		answer, _ := serialproto.EncodeResponse(0, "", 0, serialproto.EnrollResult{CSR: csr, KeyStore: serialproto.KeyStoreFlash})
		return answer
	}}, 0)
	_, err := l.MakeKey(within(t), station.KeyRequest{
		DeviceID: deviceID, EnrollID: station.EnrollID([]byte("enroll-1")), KeyType: "P-256", WireGuard: true,
	})
	if f, ok := station.AsFault(err); !ok || f.Code != station.CodeAgentBad {
		t.Errorf("got %v, want %s", err, station.CodeAgentBad)
	}
}

func TestStates(t *testing.T) {
	for wire, want := range map[serialproto.State]station.DeviceState{
		serialproto.StateEmpty: station.StateEmpty, serialproto.StateKeyed: station.StateKeyed,
		serialproto.StateInstalled: station.StateInstalled, serialproto.StateSealed: station.StateSealed,
		serialproto.StateForeign: station.StateForeign,
	} {
		if got, err := deviceState(wire); err != nil || got != want {
			t.Errorf("%v: got %q %v, want %q", wire, got, err, want)
		}
	}
	for _, wire := range []serialproto.State{5, 99, 255} {
		if f, ok := station.AsFault(func() error { _, err := deviceState(wire); return err }()); !ok || f.Code != station.CodeAgentBad {
			t.Errorf("%v: got %v, want %s", wire, f, station.CodeAgentBad)
		}
	}
}

// An unplugged line says so to whoever waits.
func TestUnplugged(t *testing.T) {
	near, far := prototest.Pipe(prototest.Config{})
	l := open(t, near, Config{})
	far.Unplug(&port.Error{Op: "read", Path: l.path, Kind: port.ErrGone})
	_, err := l.Wait(within(t))
	if f, ok := station.AsFault(err); !ok || f.Code != station.CodePortGone {
		t.Errorf("got %v, want %s", err, station.CodePortGone)
	}
}

// Nothing is sent before the device was heard, and a wait ends with its context.
func TestSilentUntilHeard(t *testing.T) {
	near, _ := prototest.Pipe(prototest.Config{})
	l := open(t, near, Config{})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := l.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want context.DeadlineExceeded", err)
	}
	if _, err := l.Greet(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want context.DeadlineExceeded", err)
	}
	if tx, _ := l.Traffic(); tx != 0 {
		t.Errorf("sent %d bytes to a device that was not heard", tx)
	}
}

func TestDescribe(t *testing.T) {
	got := Describe(port.Info{Path: "/dev/ttyUSB0", Slot: "s", ByID: "b", VID: "0403", PID: "6001", HardwareSerial: "h", Product: "p"})
	want := station.PortInfo{Path: "/dev/ttyUSB0", Slot: "s", ByID: "b", VID: "0403", PID: "6001", HardwareSerial: "h", Product: "p"}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
