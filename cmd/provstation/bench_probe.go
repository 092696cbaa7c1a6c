package main

import (
	"context"
	"crypto"
	"io"
	"slices"
	"sync"
	"time"

	"provstation/serialproto"
	"provstation/serialproto/agent"
	"provstation/station"
	"provstation/station/mqttcheck"
)

// probe measures what the runs of a cell wait for beside the line. It stands before the bridge, the broker test and the
// devices' key stores; the engine knows nothing of it.
type probe struct {
	mu    sync.Mutex
	waits map[string]*waits        // by device id
	asked map[string][]waitSpan    // questions to the bridge that name no device, by what they are
	keys  map[string]time.Duration // by hardware serial
}

// waits is what one device's runs waited for.
type waits struct {
	posts     []waitSpan // requests for a certificate, answered
	broker    time.Duration
	csr       int // bytes of what was posted
	tunnelKey int
	signature int // bytes
}

// span is from when to when something was waited for.
type waitSpan struct{ from, to time.Time }

func (s waitSpan) lasts() time.Duration { return s.to.Sub(s.from) }

// within reports whether the span lies in another.
func (s waitSpan) within(other waitSpan) bool {
	return !s.from.Before(other.from) && !s.to.After(other.to)
}

func newProbe() *probe {
	return &probe{waits: map[string]*waits{}, asked: map[string][]waitSpan{}, keys: map[string]time.Duration{}}
}

// watch puts the probe before bridge and broker test.
func (p *probe) watch(b *timedBridge, prove station.Prover) (station.Bridge, station.Prover) {
	return &watchedBridge{b, p}, func(ctx context.Context, cfg mqttcheck.Config, id mqttcheck.Identity) (mqttcheck.Result, error) {
		key := &watchedSigner{Signer: id.Signer}
		id.Signer = key
		began := time.Now()
		res, err := prove(ctx, cfg, id)
		took := time.Since(began)
		asked, n := key.measured()
		p.note(id.ClientID, func(w *waits) { w.broker, w.signature = w.broker+took-asked, n })
		return res, err
	}
}

func (p *probe) note(id string, f func(*waits)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waits[id] == nil {
		p.waits[id] = &waits{}
	}
	f(p.waits[id])
}

// keysOf is the key store of the device with this serial: flash, timed.
func (p *probe) keysOf(serial string) agent.KeyStore {
	return timedKeys{agent.FlashKeys{}, func(d time.Duration) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.keys[serial] += d
	}}
}

// of is what was measured for one device.
func (p *probe) of(id, serial string) (w waits, key time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if found := p.waits[id]; found != nil {
		w = *found
	}
	return w, p.keys[serial]
}

// shared is how long a phase waited for a question to the bridge that many runs may share: the shortest one that lies within
// the phase, since which of several it was cannot be told.
func (p *probe) shared(what string, phase waitSpan) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	var found []time.Duration
	for _, s := range p.asked[what] {
		if s.within(phase) {
			found = append(found, s.lasts())
		}
	}
	if len(found) == 0 {
		return 0
	}
	return slices.Min(found)
}

// Questions to the bridge that name no device.
const (
	askTime     = "time"
	askContract = "contract"
)

// watchedBridge times the answers of a bridge, at the client: making the connection is part of it.
type watchedBridge struct {
	*timedBridge
	p *probe
}

func (b *watchedBridge) Enroll(ctx context.Context, c station.Contract, r station.EnrollRequest) (station.EnrollAnswer, error) {
	began := time.Now()
	a, err := b.timedBridge.Enroll(ctx, c, r)
	s := waitSpan{began, time.Now()}
	b.p.note(r.DeviceID, func(w *waits) {
		w.posts, w.csr, w.tunnelKey = append(w.posts, s), len(r.CSR), len(r.WireGuardKey)
	})
	return a, err
}

func (b *watchedBridge) ServerTime(ctx context.Context) (time.Time, error) {
	defer b.ask(askTime)()
	return b.timedBridge.ServerTime(ctx)
}

func (b *watchedBridge) Contract(ctx context.Context) (station.Contract, error) {
	defer b.ask(askContract)()
	return b.timedBridge.Contract(ctx)
}

func (b *watchedBridge) ask(what string) (answered func()) {
	began := time.Now()
	return func() {
		b.p.mu.Lock()
		defer b.p.mu.Unlock()
		b.p.asked[what] = append(b.p.asked[what], waitSpan{began, time.Now()})
	}
}

// watchedSigner times a device that signs across the line.
type watchedSigner struct {
	crypto.Signer

	mu    sync.Mutex
	waits time.Duration
	size  int
}

// SignMessage has the device sign; see [mqttcheck.Identity].
func (s *watchedSigner) SignMessage(rand io.Reader, msg []byte, opts crypto.SignerOpts) ([]byte, error) {
	began := time.Now()
	sig, err := crypto.SignMessage(s.Signer, rand, msg, opts)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waits, s.size = s.waits+time.Since(began), len(sig)
	return sig, err
}

func (s *watchedSigner) measured() (time.Duration, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waits, s.size
}

// timedKeys times a device's key store: making a key, and the signature of the request with it.
type timedKeys struct {
	agent.KeyStore
	took func(time.Duration)
}

// New makes a key.
func (k timedKeys) New(alg serialproto.Alg) (crypto.Signer, agent.Secret, error) {
	began := time.Now()
	key, blob, err := k.KeyStore.New(alg)
	k.took(time.Since(began))
	if err != nil {
		return nil, nil, err
	}
	return timedKey{key, k.took}, blob, nil
}

type timedKey struct {
	crypto.Signer
	took func(time.Duration)
}

func (k timedKey) Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	began := time.Now()
	defer func() { k.took(time.Since(began)) }()
	return k.Signer.Sign(rand, digest, opts)
}
