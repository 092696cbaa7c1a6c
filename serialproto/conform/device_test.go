package conform_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"testing"
	"time"

	"provstation/serialproto"
	"provstation/serialproto/agent"
	"provstation/serialproto/agent/filestore"
	"provstation/serialproto/link"
	"provstation/serialproto/prototest"
)

// device is the Go agent on a line in memory.
type device struct {
	agent agent.Config
	link  link.DeviceConfig
	line  prototest.Config
	wrap  func(link.Handler) link.Handler     // nil: the agent as it is
	tap   func(link.Transport) link.Transport // of the host's end; nil: as it is
}

const keyLine = "PrivateKey = "

// completeWG and stripWG stand for the tunnel's own package: they put the key behind the first line.
func completeWG(conf []byte, priv [32]byte) ([]byte, error) {
	head, rest, ok := bytes.Cut(conf, []byte("\n"))
	if !ok || string(head) != "[Interface]" || bytes.Contains(conf, []byte(keyLine)) {
		return nil, errors.New("no interface, or a key")
	}
	line := keyLine + base64.StdEncoding.EncodeToString(priv[:]) + "\n"
	return append(append(append(bytes.Clone(head), '\n'), line...), rest...), nil
}

func stripWG(file []byte) ([]byte, error) {
	var out []byte
	for l := range bytes.Lines(file) {
		if !bytes.HasPrefix(l, []byte(keyLine)) {
			out = append(out, l...)
		}
	}
	return out, nil
}

// renewal keeps where to renew in memory.
type renewal struct{ url, audience string }

func (r *renewal) Set(url, audience string) error { r.url, r.audience = url, audience; return nil }
func (r *renewal) Get() (string, string, error)   { return r.url, r.audience, nil }
func (r *renewal) State() (serialproto.RenewalState, error) {
	return serialproto.RenewalState{URL: r.url}, nil
}

// silent is a tunnel whose peer never answers.
type silent struct{}

func (silent) Check(ctx context.Context, _ agent.TunnelCheck) serialproto.CheckWGResult {
	<-ctx.Done()
	return serialproto.CheckWGResult{Reason: "no-handshake", Sentence: "the peer did not answer"}
}

type steady struct{ off time.Duration }

func (c *steady) Now() time.Time        { return time.Now().Add(c.off) }
func (c *steady) Set(t time.Time) error { c.off = time.Until(t); return nil }

// whole is an agent with everything that it can have.
func whole() device {
	return device{agent: agent.Config{
		Model: "box", Serial: "HW-1", Firmware: "1.0", Reenroll: serialproto.ReenrollUnlock, SignTLS12: true, ManageClock: true,
		Clock: &steady{}, CompleteWG: completeWG, StripWG: stripWG, Renewal: &renewal{}, Tunnel: silent{},
		CheckMQTT: func(ctx context.Context, _ agent.BrokerCheck) serialproto.CheckMQTTResult {
			<-ctx.Done()
			return serialproto.CheckMQTTResult{Reason: "tcp", Sentence: "nobody answers", Failed: "tcp"}
		},
	}}
}

// start serves the device until the test ends, and returns the host's end of its line.
func (d device) start(t *testing.T) link.Transport {
	t.Helper()
	store, err := filestore.Open(t.TempDir(), filestore.Config{})
	if err != nil {
		t.Fatal(err)
	}
	near, far := prototest.Pipe(d.line)
	ended := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			d.boot(ctx, t, store, far)
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
		_ = near.Close()
		_ = far.Close()
	})
	if d.tap != nil {
		return d.tap(near)
	}
	return near
}

// boot serves until the device restarts.
func (d device) boot(ctx context.Context, t *testing.T, store agent.Store, far *prototest.Conn) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	d.agent.Reboot = func() error { cancel(); return nil }
	d.agent.Link = d.link
	a, err := agent.New(store, d.agent)
	if err != nil {
		t.Error(err)
		return
	}
	if d.wrap == nil {
		_ = a.Run(ctx, far) // ends with the test or the restart
		return
	}
	_ = link.NewDevice(far, d.link, d.wrap(a)).Serve(ctx)
}
