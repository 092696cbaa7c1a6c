package agent

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"provstation/serialproto"
	"provstation/serialproto/link"
)

// How many TLS signatures and renewal tokens one key generation gives out where Config says nothing else.
const (
	DefaultMaxSignatures = 16
	DefaultMaxTokens     = 16384
)

// Config holds what an agent is told about its device and what its owner allows. The zero value is the strictest
// agent: no name, flash keys, no new key once sealed, TLS 1.3 signatures only, no clock, no reboot, no tunnel.
type Config struct {
	Model    string // at most serialproto.MaxModel bytes; the rest is cut off
	Serial   string // hardware serial, at most serialproto.MaxSerial bytes
	Firmware string // at most serialproto.MaxFirmware bytes

	Keys    KeyStore // nil: FlashKeys
	Clock   Clock    // nil: the system's clock, read only
	Console Console  // nil: left alone

	Reenroll       serialproto.Reenroll // 0: ReenrollNever
	SignTLS12      bool                 // answer OpSignTLS12
	AllowedServers []string             // names of TLS 1.2 servers to sign for; empty: any that the CA file vouches for
	MaxSignatures  uint32               // TLS signatures per key generation; 0: DefaultMaxSignatures
	MaxTokens      uint32               // renewal tokens per key generation; 0: DefaultMaxTokens
	ManageClock    bool                 // answer OpClock with Set, before the device is sealed or under an unlock
	BuildTime      time.Time            // the clock is never set below this; zero: no such bound

	// CompleteWG puts the private key into a wg0.conf that came without one, checks it, and returns the whole file.
	// nil: this device takes no wg0.conf.
	CompleteWG func(conf []byte, priv [32]byte) ([]byte, error)
	// StripWG takes the private key out of a file that CompleteWG made: what crossed the wire, byte for byte.
	StripWG func(file []byte) ([]byte, error)

	// CheckMQTT runs the broker test; nil: this device does not. A test that fails is a result.
	CheckMQTT func(ctx context.Context, c BrokerCheck) serialproto.CheckMQTTResult
	Tunnel    Tunnel  // nil: OpCheckWG is not known
	Renewal   Renewal // nil: this device does not renew by itself

	// Guard keeps other programs that use the store out of it until release is called; nil: there are none.
	Guard func() (release func(), err error)
	// Uptime is a clock that nobody sets; nil: the time since New.
	Uptime func() time.Duration

	// Anchors are CA certificates that the device holds whatever is installed, as firmware brings its owner's along: a
	// station names them and does not send them. They vouch for nobody by themselves.
	Anchors []*x509.Certificate

	RNGReady func() error // nil: always ready. An error delays key generation
	Reboot   func() error // nil: OpReboot is refused. Called once the answer had time to leave

	Link link.DeviceConfig // how Run speaks; zero is right for a fast line

	Log *slog.Logger // nil: no log
}

// Agent answers a station's requests. Its methods may be called from any goroutine; requests are served one at a time.
type Agent struct {
	mu     sync.Mutex
	store  Store
	cfg    Config
	bootID []byte
	reset  bool // a reboot was accepted, and waits for its answer to leave
	unlock unlockState
	ahead  []byte // came ahead in this session, packed

	release func() // of Config.Guard; nil: not held

	line atomic.Pointer[link.Device] // being served; nil: none
}

var (
	_ link.Handler        = (*Agent)(nil)
	_ link.AfterResponder = (*Agent)(nil)
	_ link.AheadTaker     = (*Agent)(nil)
)

// New makes an agent on a store. Errors: the store does not load, or half of the WireGuard functions is missing.
func New(store Store, cfg Config) (*Agent, error) {
	if (cfg.CompleteWG == nil) != (cfg.StripWG == nil) {
		return nil, errors.New("agent: CompleteWG and StripWG go together")
	}
	if cfg.Keys == nil {
		cfg.Keys = FlashKeys{}
	}
	if cfg.Clock == nil {
		cfg.Clock = systemClock{}
	}
	if cfg.Reenroll == 0 {
		cfg.Reenroll = serialproto.ReenrollNever
	}
	if cfg.MaxSignatures == 0 {
		cfg.MaxSignatures = DefaultMaxSignatures
	}
	if cfg.MaxTokens == 0 {
		cfg.MaxTokens = DefaultMaxTokens
	}
	if cfg.Uptime == nil {
		start := time.Now()
		cfg.Uptime = func() time.Duration { return time.Since(start) }
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.Model = clean(cfg.Model, serialproto.MaxModel)
	cfg.Serial = clean(cfg.Serial, serialproto.MaxSerial)
	cfg.Firmware = clean(cfg.Firmware, serialproto.MaxFirmware)
	st, err := store.Load()
	if err != nil {
		return nil, fmt.Errorf("agent: %w", err)
	}
	boot := make([]byte, 8)
	if _, err := rand.Read(boot); err != nil {
		return nil, fmt.Errorf("agent: boot id: %w", err)
	}
	a := &Agent{store: store, cfg: cfg, bootID: boot}
	a.unlock.wait = cfg.Uptime() + backOff(st.Failures)
	return a, nil
}

// systemClock reads the system's clock and refuses to set it.
type systemClock struct{}

func (systemClock) Now() time.Time      { return time.Now() }
func (systemClock) Set(time.Time) error { return errors.New("clock is read only") }

// Announce says who the device is while it is idle.
func (a *Agent) Announce() serialproto.Announce {
	return serialproto.Announce{
		MinVersion: serialproto.Version,
		MaxVersion: serialproto.Version,
		Model:      a.cfg.Model,
		Serial:     a.cfg.Serial,
		BootID:     bytes.Clone(a.bootID),
	}
}

// Welcome answers a Hello: who the device is and what it holds. A store that does not load shows as empty here; every
// operation then answers StatusInternal, so that nothing can be built on it.
func (a *Agent) Welcome(serialproto.Hello) serialproto.Welcome {
	a.mu.Lock()
	defer a.mu.Unlock()
	w := serialproto.Welcome{
		Model:    a.cfg.Model,
		Serial:   a.cfg.Serial,
		Firmware: a.cfg.Firmware,
		BootID:   bytes.Clone(a.bootID),
		Features: a.features(),
		Clock:    a.clockMicros(),
		Reenroll: a.cfg.Reenroll,
	}
	if err := a.enter(); err != nil {
		a.cfg.Log.Error("store is not to be had", "error", err)
		return w
	}
	defer a.leave()
	v, err := a.load()
	if err != nil {
		a.cfg.Log.Error("store does not load", "error", err)
		return w
	}
	w.State = v.state
	if v.Newest != nil && len(v.Newest.SPKI) == 32 {
		w.SPKI = v.Newest.SPKI[:16]
	}
	if held, err := a.held(v); err != nil {
		a.cfg.Log.Error("installed files do not read", "error", err)
	} else if held != nil && len(held.device) > 0 {
		d := digest(held.device[0].Raw)
		w.Leaf = d[:16]
	}
	w.Known = a.knownPrefixes(v)
	return w
}

func (a *Agent) features() uint32 {
	f := serialproto.FeatureSignTLS13
	if a.cfg.SignTLS12 {
		f |= serialproto.FeatureSignTLS12
	}
	if a.cfg.ManageClock {
		f |= serialproto.FeatureSetClock
	}
	if a.cfg.CompleteWG != nil {
		f |= serialproto.FeatureWireGuard | serialproto.FeatureKeepWG
	}
	f |= serialproto.FeatureRenew | serialproto.FeatureUnlock | serialproto.FeaturePacked | serialproto.FeatureAhead
	if a.cfg.Renewal != nil {
		f |= serialproto.FeatureRenewSet
	}
	if a.cfg.CheckMQTT != nil {
		f |= serialproto.FeatureCheckMQTT
	}
	if a.cfg.Tunnel != nil {
		f |= serialproto.FeatureCheckWG
	}
	return f
}

// enter takes the store for this request.
func (a *Agent) enter() error {
	if a.cfg.Guard == nil {
		return nil
	}
	release, err := a.cfg.Guard()
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	a.release = release
	return nil
}

// leave gives the store back; a second time does nothing.
func (a *Agent) leave() {
	if a.release != nil {
		a.release()
		a.release = nil
	}
}

// SessionStart silences a shared console.
func (a *Agent) SessionStart() {
	a.cfg.Log.Info("session opened")
	a.forget()
	if a.cfg.Console == nil {
		return
	}
	if err := a.cfg.Console.Quiet(); err != nil {
		a.cfg.Log.Warn("kernel messages stay on", "error", err)
	}
}

// SessionEnd gives a shared console back. An unlock ends with its session.
func (a *Agent) SessionEnd() {
	a.cfg.Log.Info("session ended")
	a.forget()
	if a.cfg.Console == nil {
		return
	}
	if err := a.cfg.Console.Restore(); err != nil {
		a.cfg.Log.Warn("kernel messages stay off", "error", err)
	}
}

// Handle executes one request and returns the response to send. It never fails: every error is a status. The request
// is not retained.
func (a *Agent) Handle(ctx context.Context, op serialproto.Op, request []byte) []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	result, err := a.guarded(ctx, op, request)
	if err != nil {
		r := refusalOf(err)
		a.cfg.Log.Warn("request refused", "op", op, "status", r.status, "error", err)
		if ctx.Err() == nil { // who gave up on it wants no reason
			a.say("refused: " + r.detail)
		}
		return encode(r.status, r.detail, r.next, nil)
	}
	a.cfg.Log.Info("request done", "op", op)
	return encode(serialproto.StatusOK, "", 0, result)
}

// guarded executes a request with the store to itself.
func (a *Agent) guarded(ctx context.Context, op serialproto.Op, request []byte) (any, error) {
	if err := a.enter(); err != nil {
		return nil, err
	}
	defer a.leave()
	return a.dispatch(ctx, op, request)
}

func (a *Agent) dispatch(ctx context.Context, op serialproto.Op, request []byte) (any, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	switch op {
	case serialproto.OpStatus:
		return run(request, a.status)
	case serialproto.OpEnroll:
		return run(request, a.enroll)
	case serialproto.OpInstall:
		return run(request, a.install)
	case serialproto.OpPut:
		return run(request, a.put)
	case serialproto.OpCommit:
		return run(request, a.commit)
	case serialproto.OpSignTLS13:
		return run(request, a.signTLS13)
	case serialproto.OpSignTLS12:
		return run(request, a.signTLS12)
	case serialproto.OpLock:
		return run(request, a.lock)
	case serialproto.OpAbort:
		return run(request, a.abort)
	case serialproto.OpClock:
		return run(request, a.clock)
	case serialproto.OpRead:
		return run(request, a.read)
	case serialproto.OpReboot:
		return run(request, a.reboot)
	default:
		return a.dispatchField(ctx, op, request)
	}
}

// dispatchField is dispatch for what is asked of devices in the field.
func (a *Agent) dispatchField(ctx context.Context, op serialproto.Op, request []byte) (any, error) {
	switch {
	case op == serialproto.OpPacked:
		return run(request, func(args serialproto.PackedArgs) (any, error) { return a.packed(ctx, args) })
	case op == serialproto.OpUnlock:
		return run(request, a.unlocking)
	case op == serialproto.OpErase:
		return run(request, a.erase)
	case op == serialproto.OpToken:
		return run(request, a.token)
	case op == serialproto.OpRenew:
		return run(request, a.renew)
	case op == serialproto.OpRenewSet && a.cfg.Renewal != nil:
		return run(request, a.renewSet)
	case op == serialproto.OpCheckMQTT && a.cfg.CheckMQTT != nil:
		return run(request, func(args serialproto.CheckMQTTArgs) (any, error) { return a.checkMQTT(ctx, args) })
	case op == serialproto.OpCheckWG && a.cfg.Tunnel != nil:
		return run(request, func(args serialproto.CheckWGArgs) (any, error) { return a.checkWG(ctx, args) })
	default:
		return nil, refuse(serialproto.StatusUnknownOp, "operation %d is not known here", op)
	}
}

// run decodes a request's arguments and executes it.
func run[T any](request []byte, f func(T) (any, error)) (any, error) {
	var args T
	if err := serialproto.DecodeRequest(request, &args); err != nil {
		return nil, refuseRequest(err)
	}
	return f(args)
}

func (a *Agent) reboot(serialproto.SimpleArgs) (any, error) {
	if a.cfg.Reboot == nil {
		return nil, refuse(serialproto.StatusRefused, "reboot is not allowed")
	}
	a.reset = true
	return nil, nil
}

// AfterResponse restarts the device once the answer to OpReboot has left.
func (a *Agent) AfterResponse(op serialproto.Op) {
	a.mu.Lock()
	due := a.reset && op == serialproto.OpReboot
	a.reset = false
	a.mu.Unlock()
	if !due {
		return
	}
	if err := a.cfg.Reboot(); err != nil {
		a.cfg.Log.Error("reboot", "error", err)
	}
}

// Run serves one line until ctx ends or the line fails, and returns why. The transport stays the caller's to close. An
// agent may run again on another line, one at a time.
func (a *Agent) Run(ctx context.Context, t link.Transport) error {
	d := link.NewDevice(t, a.cfg.Link, a)
	a.line.Store(d)
	defer a.line.CompareAndSwap(d, nil)
	return d.Serve(ctx)
}
