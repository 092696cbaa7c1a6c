package station

import (
	"context"
	"crypto"
	"fmt"
	"strings"
	"sync"
	"time"
)

// talk is a Line that notes in words what goes over it: "-> " to the device, "<- " from it. It holds sizes and names,
// never contents.
type talk struct {
	Line
	mu    sync.Mutex
	lines []string
}

// maxTalk bounds what is noted between two looks, in lines.
const maxTalk = 64

func (t *talk) say(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.lines) < maxTalk {
		t.lines = append(t.lines, printable(fmt.Sprintf(format, args...)))
	}
}

// take gives what was said since the last call, one message a line.
func (t *talk) take() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := strings.Join(t.lines, "\n")
	t.lines = nil
	return text
}

// heard notes how a request ended.
func (t *talk) heard(err error, format string, args ...any) {
	if err != nil {
		if f, ok := AsFault(err); ok {
			t.say("<- %s", f.Code)
			return
		}
		t.say("<- no answer: %v", err)
		return
	}
	t.say("<- "+format, args...)
}

func (t *talk) Greet(ctx context.Context) (Greeting, error) {
	t.say("-> HELLO")
	g, err := t.Line.Greet(ctx)
	t.heard(err, "WELCOME %s, %s %s, %s", g.HardwareSerial, g.Model, g.Firmware, g.State)
	return g, err
}

func (t *talk) Holding(ctx context.Context) (Holding, error) {
	t.say("-> STATUS")
	h, err := t.Line.Holding(ctx)
	t.heard(err, "%s, generation %d", h.State, h.Generation)
	return h, err
}

func (t *talk) SetClock(ctx context.Context, now time.Time) error {
	t.say("-> SET CLOCK %s", stamp(now))
	err := t.Line.SetClock(ctx, now)
	t.heard(err, "OK")
	return err
}

func (t *talk) MakeKey(ctx context.Context, r KeyRequest) (KeyAnswer, error) {
	t.say("-> ENROLL %s for %s", r.KeyType, r.DeviceID)
	a, err := t.Line.MakeKey(ctx, r)
	made := "made"
	if a.Existing {
		made = "was there"
	}
	t.heard(err, "CSR %d B, key %d %s, in %s", len(a.CSR), a.Generation, made, a.KeyStore)
	return a, err
}

func (t *talk) Install(ctx context.Context, b Bundle) (Readback, error) {
	chain := 0
	for _, c := range b.Chain {
		chain += len(c)
	}
	t.say("-> INSTALL leaf %d B, %d certificates %d B, wg0.conf %d B", len(b.Leaf), len(b.Chain), chain, len(b.WGConf))
	back, err := t.Line.Install(ctx, b)
	t.heard(err, "stored, %d digests read back", len(back))
	return back, err
}

func (t *talk) Certificates(ctx context.Context) (device, anchors [][]byte, err error) {
	t.say("-> READ certificates")
	device, anchors, err = t.Line.Certificates(ctx)
	t.heard(err, "%d in device.pem, %d in ca-chain.pem", len(device), len(anchors))
	return device, anchors, err
}

func (t *talk) Signer(ctx context.Context, pub crypto.PublicKey, chain [][]byte) crypto.Signer {
	t.say("-> SIGN one TLS handshake")
	return t.Line.Signer(ctx, pub, chain)
}

func (t *talk) Seal(ctx context.Context, id EnrollID, flag string) error {
	t.say("-> LOCK")
	err := t.Line.Seal(ctx, id, flag)
	t.heard(err, "sealed")
	return err
}

func (t *talk) Abandon(ctx context.Context, id EnrollID) error {
	t.say("-> ABANDON")
	err := t.Line.Abandon(ctx, id)
	t.heard(err, "OK")
	return err
}
