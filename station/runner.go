package station

import (
	"context"
	"crypto/x509"
	"log/slog"
	"time"

	"provstation/station/mqttcheck"
	"provstation/station/pki"
	"provstation/station/wgconf"
)

// Words turns codes into sentences in the station's language.
type Words interface {
	// Fault gives the sentence of what happened and the next action.
	Fault(code Code, params map[string]string) (message, next string)
}

// Trust gives the trust anchors of the tenant. It may ask the network the first time.
type Trust interface {
	Anchors(ctx context.Context) (Anchors, error)
}

// Anchors is what the station pins: the root, and the intermediates that complete a chain to it.
type Anchors struct {
	Roots         []*x509.Certificate
	Intermediates []*x509.Certificate
}

// Prover runs the mTLS MQTT test. [mqttcheck.Check] is the one there is.
type Prover func(ctx context.Context, cfg mqttcheck.Config, id mqttcheck.Identity) (mqttcheck.Result, error)

// RunnerConfig is the policy of every run. It is not changed after NewRunner.
type RunnerConfig struct {
	Start RunStart // who and what is recorded with every run; Run, Slot, Port, StartedAt are filled in

	DeviceID    string                           // given by flag; wins over AssignID
	AssignID    func(g Greeting) (string, error) // device id from the template; nil: none
	NameOf      func(id string, g Greeting) (string, error)
	DeviceType  string
	Corroborate bool // refuse an id that nothing ties to the hardware
	Assign      AssignMode
	ScanTimeout time.Duration // how long a run waits for a label; 0: 10 min

	KeyType   string   // P-256 (default), P-384, Ed25519
	KeyStores []string // where a device may keep its key, see [KeyStores]; empty: anywhere
	WireGuard bool     // ask for a tunnel
	// KeyOverNetwork lets a WireGuard key that the bridge made cross the network of a serial server, in the clear.
	KeyOverNetwork bool
	Reenroll       bool // a sealed device gets a new key and certificate
	// Queue makes a run end, COLLECTED, when the device's request is in it. The network is not asked for anything then.
	Queue    Queue
	Contract Contract // noted with a collected request; empty: auto
	// Sharing is the ledger's part that keeps stations out of each other's way; nil: no other station has this ledger.
	Sharing Sharing

	CSR pki.CSRPolicy
	// CollectedKeys are the types of keys beside those of CSR that a relay takes: profiles ask for them, and a collected request
	// does not say which one it was.
	CollectedKeys []pki.KeyType
	Answer        pki.Policy // DeviceID, PublicKey, trust and time are filled in per run
	Tunnel        wgconf.Policy

	TunnelCheck TunnelCheck

	MinValidity      time.Duration // shelf life; 0: not judged
	ShelfRefuse      bool          // refuse below MinValidity instead of saying it
	ClockTolerance   time.Duration // of the device against the station; 0: 30 s
	StationTolerance time.Duration // of the station against the bridge; 0: 60 s
	ClockSet         bool          // set the device's clock where it may be set
	ClockRefuse      bool          // refuse a clock that stays wrong
	ClockNeeded      bool          // refuse a device without a clock

	Unlock    UnlockPolicy
	Renewal   Renewal
	Autorenew AutorenewPolicy // of the box's own renewal
	Task      Task            // of every run; a person may ask for another, see [Bench.Ask]

	MQTT    mqttcheck.Config // template; RootCAs and Progress are filled in per run
	MQTTRun ProofMode        // who runs the test
	MQTTOff bool             // policy: no broker's proof; a run ends INSTALLED

	Registry Registry // nil: nobody is asked whether the tenant lists the device

	Timeouts map[Phase]time.Duration // per phase; missing: the default
	Retries  map[Phase]int           // further tries for passing faults; missing: the default
	Pause    Pause                   // between tries

	Now    func() time.Time // nil: time.Now
	Logger *slog.Logger     // nil: discard
}

// Runner takes devices through their phases. It is safe for concurrent use.
type Runner struct {
	cfg    RunnerConfig
	bridge Bridge
	ledger Ledger
	trust  Trust
	prove  Prover
	words  Words
	now    func() time.Time
	log    *slog.Logger
	likely likely
}

// NewRunner puts a runner together.
func NewRunner(cfg RunnerConfig, bridge Bridge, ledger Ledger, trust Trust, prove Prover, words Words) *Runner {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.KeyType == "" {
		cfg.KeyType = "P-256"
	}
	if cfg.ClockTolerance == 0 {
		cfg.ClockTolerance = 30 * time.Second
	}
	if cfg.StationTolerance == 0 {
		cfg.StationTolerance = time.Minute
	}
	return &Runner{cfg: cfg, bridge: bridge, ledger: ledger, trust: trust, prove: prove, words: words, now: cfg.Now, log: cfg.Logger}
}

// askAhead asks the servers what every run asks first, so that the first device need not wait for it. What fails here is asked
// again by the run that needs it, which says so.
func (r *Runner) askAhead(ctx context.Context) {
	if r.cfg.Queue != nil || r.bridge == nil || r.trust == nil { // there is no network
		return
	}
	if sc, ok := r.bridge.(serverClock); ok {
		_, _ = sc.ServerTime(ctx)
	}
	_, _ = r.bridge.Contract(ctx)
	if a, err := r.trust.Anchors(ctx); err == nil {
		r.likely.begin(a)
	}
}
