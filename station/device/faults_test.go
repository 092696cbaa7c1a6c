package device

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"
	"unicode"

	"provstation/serialproto"
	"provstation/serialproto/link"
	"provstation/serialproto/port"
	"provstation/serialproto/prototest"
	"provstation/station"
)

// Every refusal a device can answer with.
func TestStatusFaults(t *testing.T) {
	fail, wrong := station.Fail, station.Error
	want := map[serialproto.Status]station.Fault{
		serialproto.StatusInternal:     {Code: station.CodeAgentError, Outcome: fail},
		serialproto.StatusBadVersion:   {Code: station.CodeAgentOld, Outcome: fail},
		serialproto.StatusUnknownOp:    {Code: station.CodeAgentOld, Outcome: fail},
		serialproto.StatusBadArgument:  {Code: station.CodeAgentError, Outcome: fail},
		serialproto.StatusTooLarge:     {Code: station.CodeAgentError, Outcome: fail},
		serialproto.StatusWrongState:   {Code: station.CodeAgentError, Outcome: fail},
		serialproto.StatusLocked:       {Code: station.CodeAgentLocked, Outcome: fail},
		serialproto.StatusBusy:         {Code: station.CodeAgentError, Outcome: wrong, Class: station.Passing},
		serialproto.StatusHashMismatch: {Code: station.CodeReadback, Outcome: fail},
		serialproto.StatusCertKey:      {Code: station.CodeInstallKey, Outcome: fail},
		serialproto.StatusNoSpace:      {Code: station.CodeAgentSpace, Outcome: fail},
		serialproto.StatusCrypto:       {Code: station.CodeKeyFailed, Outcome: fail},
		serialproto.StatusRefused:      {Code: station.CodeAgentRefuse, Outcome: fail},
		serialproto.StatusBadOffset:    {Code: station.CodeAgentError, Outcome: fail},
		serialproto.StatusRNGNotReady:  {Code: station.CodeAgentRNG, Outcome: wrong, Class: station.Passing},
		99:                             {Code: station.CodeAgentBad, Outcome: fail},
	}
	status := serialproto.Status(1)
	l := peer(t, &prototest.Peer{Func: func(context.Context, serialproto.Op, []byte) []byte {
		answer, _ := serialproto.EncodeResponse(status, "because", 0, nil)
		return answer
	}}, 0)
	for ; status < 100; status++ {
		w, ok := want[status]
		if !ok {
			if !strings.HasPrefix(status.String(), "unknown") {
				t.Errorf("status %v has no row", status)
			}
			continue
		}
		_, err := l.Holding(within(t))
		f, ok := station.AsFault(err)
		if !ok {
			t.Errorf("%v: got %v, want a fault", status, err)
			continue
		}
		if f.Code != w.Code || f.Outcome != w.Outcome || f.Class != w.Class {
			t.Errorf("%v: got %s %v %v, want %s %v %v", status, f.Code, f.Outcome, f.Class, w.Code, w.Outcome, w.Class)
		}
		if (f.Class == station.Passing) != status.Passing() {
			t.Errorf("%v: passing on the wire is %v, in the fault %v", status, status.Passing(), f.Class)
		}
		if f.Code != station.CodeAgentBad && (f.Params["detail"] != "because" || f.Params["doing"] == "" || f.Params["status"] != status.String()) {
			t.Errorf("%v: params %v", status, f.Params)
		}
	}
}

// Every other way a line fails.
func TestLineFaults(t *testing.T) {
	wrap := func(err error) error { return &link.OpError{Action: "call STATUS", Err: fmt.Errorf("x: %w", err)} }
	gone := func(kind error) error { return wrap(&port.Error{Op: "read", Path: "/dev/ttyTEST0", Kind: kind}) }
	l := &line{path: "/dev/ttyTEST0"}
	for _, row := range []struct {
		err     error
		is      error
		code    station.Code
		outcome station.Outcome
	}{
		{wrap(&link.ResetError{Rebooted: true}), station.ErrDeviceReset, "", ""},
		{wrap(link.ErrReset), station.ErrDeviceReset, "", ""},
		{wrap(link.ErrNoProgress), station.ErrSessionLost, "", ""},
		{wrap(context.Canceled), context.Canceled, "", ""},
		{wrap(context.DeadlineExceeded), context.DeadlineExceeded, "", ""},
		{wrap(link.ErrVersion), nil, station.CodeAgentOld, station.Fail},
		{wrap(link.ErrProtocol), nil, station.CodeAgentBad, station.Fail},
		{wrap(link.ErrEcho), nil, station.CodeLineEcho, station.Error},
		{gone(port.ErrGone), nil, station.CodePortGone, station.Error},
		{gone(port.ErrNotFound), nil, station.CodePortGone, station.Error},
		{gone(port.ErrBusy), nil, station.CodePortBusy, station.Error},
		{gone(port.ErrPermission), nil, station.CodePortDenied, station.Error},
		{gone(port.ErrStuck), nil, station.CodePortStuck, station.Error},
		{gone(port.ErrNotSerial), nil, station.CodePortBad, station.Error},
		{gone(port.ErrTooManyDescriptors), nil, station.CodePortBad, station.Error},
		{gone(port.ErrUnsupported), nil, station.CodePortBad, station.Error},
		{gone(port.ErrIO), nil, station.CodePortBad, station.Error},
		{wrap(io.EOF), nil, station.CodePortGone, station.Error},
		{wrap(os.ErrClosed), nil, station.CodePortBad, station.Error},
	} {
		got := l.fault("test", row.err)
		if row.is != nil {
			if !errors.Is(got, row.is) {
				t.Errorf("%v: got %v, want %v", row.err, got, row.is)
			}
			if _, fault := station.AsFault(got); fault {
				t.Errorf("%v: got a fault, want what the run mends or heeds", row.err)
			}
			continue
		}
		f, ok := station.AsFault(got)
		if !ok || f.Code != row.code || f.Outcome != row.outcome || f.Class != station.Permanent {
			t.Errorf("%v: got %v, want %s %s", row.err, got, row.code, row.outcome)
			continue
		}
		if !errors.Is(got, row.err) {
			t.Errorf("%v: the cause is lost in %v", row.err, got)
		}
		if strings.HasPrefix(string(f.Code), "E-PORT") && f.Params["port"] != l.path {
			t.Errorf("%v: the fault does not name the port: %v", row.err, f.Params)
		}
	}
	// An echo is told apart from mere silence, which it is as well.
	if f, ok := station.AsFault(l.fault("test", wrap(fmt.Errorf("%w: %w", link.ErrEcho, link.ErrNoProgress)))); !ok || f.Code != station.CodeLineEcho {
		t.Errorf("an echo without progress: got %v, want %s", f, station.CodeLineEcho)
	}
}

func TestOpenFails(t *testing.T) {
	c := NewConnector(Config{OpenPort: func(string, int) (link.Transport, error) {
		return nil, &port.Error{Op: "open", Path: "/dev/x", Kind: port.ErrPermission}
	}})
	ln, err := c.Open(t.Context(), station.PortInfo{Path: "/dev/x"})
	if f, ok := station.AsFault(err); ln != nil || !ok || f.Code != station.CodePortDenied || f.Params["port"] != "/dev/x" {
		t.Errorf("got %v %v, want %s for /dev/x", ln, err, station.CodePortDenied)
	}
	if _, err := NewConnector(Config{}).Open(t.Context(), station.PortInfo{Path: t.TempDir() + "/none"}); err == nil {
		t.Error("opened nothing")
	} else if f, ok := station.AsFault(err); !ok || f.Code != station.CodePortGone {
		t.Errorf("got %v, want %s", err, station.CodePortGone)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Open(ctx, station.PortInfo{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

func plain(t *testing.T, what, s string) {
	t.Helper()
	if strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && r != '\n' }) {
		t.Errorf("%s %q has control characters", what, s)
	}
}

// A device's words reach nobody as they are.
func TestHostileWords(t *testing.T) {
	const evil = "\x1b]0;x\x07\x1b[2J\r\u009b31m"
	l := peer(t, &prototest.Peer{Func: func(context.Context, serialproto.Op, []byte) []byte {
		return append([]byte{0xa2, 0x00, 0x01, 0x0f, 0x60 | byte(len(evil))}, evil...) // {0: internal, 15: evil}
	}}, 0)
	_, err := l.Holding(within(t))
	f, ok := station.AsFault(err)
	if !ok {
		t.Fatalf("got %v, want a fault", err)
	}
	plain(t, "error", err.Error())
	for name, p := range f.Params {
		plain(t, name, p)
		if len(p) > 512 {
			t.Errorf("%s has %d bytes", name, len(p))
		}
	}
}

// The same in WELCOME: a device with such a name is not greeted.
func TestHostileWelcome(t *testing.T) {
	near, far := prototest.Pipe(prototest.Config{ToHost: prototest.Line{
		Rewrite: func(f serialproto.Frame, _ int, raw []byte) []byte {
			if f.Kind != serialproto.KindWelcome && f.Kind != serialproto.KindAnnounce {
				return raw
			}
			f.Payload = []byte(strings.ReplaceAll(string(f.Payload), "SERIAL", "\x1b[2J\a\r"))
			out, err := serialproto.AppendFrame(nil, 0, f)
			if err != nil {
				return raw
			}
			return out
		},
	}})
	serve(t, func(ctx context.Context) {
		_ = link.NewDevice(far, link.DeviceConfig{}, &prototest.Peer{Serial: "SERIAL"}).Serve(ctx)
	})
	l := open(t, near, Config{Probe: true})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	g, err := l.Greet(ctx)
	if err == nil {
		t.Fatalf("greeted %q", g.HardwareSerial)
	}
	plain(t, "error", err.Error())
	t.Logf("refused: %v", err)
}

// A boot log reaches the screen without its escapes.
func TestHostileBootLog(t *testing.T) {
	near, far := prototest.Pipe(prototest.Config{})
	near.Inject([]byte("\x1b[31mboot\x07 log\x1b]0;title\x07\r\n\x00\x00"))
	serve(t, func(ctx context.Context) { _ = link.NewDevice(far, link.DeviceConfig{}, &prototest.Peer{}).Serve(ctx) })
	l := open(t, near, Config{})
	greet(t, l) // what was said before is heard before
	log := l.BootLog()
	plain(t, "boot log", log)
	if !strings.Contains(log, "boot") || !strings.Contains(log, "log") {
		t.Errorf("boot log %q lost its words", log)
	}
}
