package agent_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"provstation/serialproto"
	"provstation/serialproto/agent"
	"provstation/serialproto/link"
	"provstation/serialproto/prototest"
)

// serveOn runs the agent on a line until the test ends, and gives the station's end.
func (d *device) serveOn(line prototest.Config) *link.Host {
	d.t.Helper()
	near, far := prototest.Pipe(line)
	ctx, cancel := context.WithCancel(d.t.Context())
	done := make(chan error, 1)
	go func() { done <- d.agent.Run(ctx, far) }()
	host := link.NewHost(near, link.HostConfig{})
	d.t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			d.t.Errorf("Run: got %v, want %v", err, context.Canceled)
		}
		if err := host.Close(); err != nil {
			d.t.Errorf("close host: %v", err)
		}
		far.Close()
	})
	return host
}

func ask[T any](t *testing.T, h *link.Host, req any) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var r T
	if err := h.Call(ctx, req, &r); err != nil {
		t.Fatalf("%T: %v", req, err)
	}
	return r
}

// TestOverALine enrolls over a line, clean and bad, and finds one key whatever happened.
func TestOverALine(t *testing.T) {
	for name, line := range map[string]prototest.Config{
		"clean": {},
		"lossy": {
			ToHost:   prototest.Line{Rewrite: prototest.DropNth(serialproto.KindRsp, 1, 3)},
			ToDevice: prototest.Line{Rewrite: prototest.DropNth(serialproto.KindReq, 1, 4)},
		},
		"duplicated": {
			ToHost:   prototest.Line{Rewrite: prototest.DuplicateNth(serialproto.KindRsp, 1, 2, 3)},
			ToDevice: prototest.Line{Rewrite: prototest.DuplicateNth(serialproto.KindReq, 1, 2, 3)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPKI(t)
			console := &countedConsole{}
			d := newDevice(t, func(c *agent.Config) { c.Console = console })
			h := d.serveOn(line)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			w, err := h.Greet(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if w.Serial != "HW-1" || w.Model != "box" || w.State != serialproto.StateEmpty {
				t.Errorf("got welcome %+v, want an empty box HW-1", w)
			}
			e := ask[serialproto.EnrollResult](t, h, enrollArgs(1))
			again := ask[serialproto.EnrollResult](t, h, enrollArgs(1))
			if !bytes.Equal(e.CSR, again.CSR) || e.Generation != 1 || again.Generation != 1 {
				t.Errorf("asked twice: got another CSR or generation %d, want 1", again.Generation)
			}
			leaf := p.leaf(t, e.CSR)
			r := ask[serialproto.InstallResult](t, h, installArgs(1, leaf, p))
			if len(r.Objects) != 4 {
				t.Errorf("got %d digests, want 4", len(r.Objects))
			}
			sign := serialproto.SignTLS13Args{Op: serialproto.OpSignTLS13, Hash: make([]byte, 32), Scheme: 0x0403}
			if s := ask[serialproto.SignResult](t, h, sign); len(s.Signature) == 0 {
				t.Errorf("got no signature")
			}
			if err := h.Call(ctx, lockArgs(1), nil); err != nil {
				t.Fatal(err)
			}
			s := ask[serialproto.StatusResult](t, h, serialproto.SimpleArgs{Op: serialproto.OpStatus})
			if s.State != serialproto.StateSealed || s.Signatures != agent.DefaultMaxSignatures-1 {
				t.Errorf("got %v with %d signatures left, want sealed with one signature given", s.State, s.Signatures)
			}
			err = h.Call(ctx, sign, nil)
			if !errors.Is(err, &serialproto.StatusError{Status: serialproto.StatusLocked}) {
				t.Errorf("sign after seal: got %v, want locked", err)
			}
			want := []string{"refused: sealed; TLS 1.3 is signed under an unlock only"}
			if diff := cmp.Diff(want, h.Log()); diff != "" {
				t.Errorf("what the device says beside its answers (-want +got):\n%s", diff)
			}
			if err := h.Bye(ctx); err != nil {
				t.Fatal(err)
			}
		})
	}
}

type countedConsole struct{ quiet, restored int }

func (c *countedConsole) Quiet() error   { c.quiet++; return nil }
func (c *countedConsole) Restore() error { c.restored++; return nil }

func TestConsoleIsQuietDuringASession(t *testing.T) {
	c := &countedConsole{}
	d := newDevice(t, func(cfg *agent.Config) { cfg.Console = c })
	d.agent.SessionStart()
	if c.quiet != 1 || c.restored != 0 {
		t.Errorf("in a session: got %+v, want quiet", c)
	}
	d.agent.SessionEnd()
	if c.restored != 1 {
		t.Errorf("after it: got %+v, want restored", c)
	}
}

func TestRebootAfterItsAnswer(t *testing.T) {
	reboots := 0
	d := newDevice(t, func(c *agent.Config) { c.Reboot = func() error { reboots++; return nil } })
	d.agent.AfterResponse(serialproto.OpReboot) // nobody asked
	d.want(serialproto.StatusOK, serialproto.SimpleArgs{Op: serialproto.OpReboot}, nil)
	if reboots != 0 {
		t.Fatalf("rebooted before the answer left")
	}
	d.agent.AfterResponse(serialproto.OpReboot)
	d.agent.AfterResponse(serialproto.OpReboot)
	if reboots != 1 {
		t.Errorf("got %d reboots, want 1", reboots)
	}
}
