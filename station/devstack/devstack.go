package devstack

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"provstation/serialproto"
	"provstation/serialproto/agent"
	"provstation/serialproto/link"
	"provstation/serialproto/prototest"
)

// Signers of [Config].
const (
	SignerBuiltin = "builtin"
	SignerStepCA  = "step-ca"
)

// Config says what stands on the bench. StateDir is required; everything the stack keeps lies below it.
type Config struct {
	StateDir string
	Devices  int      // virtual devices
	Baud     int      // of their lines; 0: 115200
	Signer   string   // builtin (default) or step-ca
	StepCA   string   // the step-ca program; empty: from PATH
	StepCADB string   // PostgreSQL URL of step-ca's database; empty: files of its own
	Contract Contract // of the bridge; empty: Deployed
	CRL      bool     // the CA makes a list of revoked certificates, and the broker goes by it
	Seed     uint64   // hardware serials and faults follow from it
	Faults   Spec
	Quiet    bool          // devices say no boot text
	Reenroll string        // devices make a new key once sealed: open (default), unlock or never
	NoTLS12  bool          // devices sign no TLS 1.2
	ClockOff time.Duration // the devices' clocks are off by so much and can be set; 0: they have this machine's
	Delay    time.Duration // of every answer of the bridge
	Lifetime time.Duration // of the devices' certificates; 0: 24 h
	// Unpowered: the devices' ports are there from the start, the devices are off until [Stack.PowerOn].
	Unpowered  bool
	NoTunnels  bool                               // the devices bring no tunnel up by their wg0.conf
	Memory     bool                               // the devices' lines lie in memory: they need no descriptors, and [Stack.Open] has to be used
	KnownChain bool                               // the devices' firmware brings the tenant's CA certificates along
	Keys       func(serial string) agent.KeyStore // of each device, by its hardware serial; nil: flash
	Line       LineConfig                         // what goes through the places of the devices; zero: the devices stay
	Now        func() time.Time
	Log        *slog.Logger // nil: discard

	cable func(link string) (cable, string, error) // nil: what the system has
}

// Stack is a running tenant stack.
type Stack struct {
	Bridge    *Bridge
	BridgeURL string
	StepCAURL string
	Broker    string // host
	Port      int    // of the broker
	Root      string // file: the root, PEM
	RootPrint string // SHA-256 of its DER, hex

	ThingsBoard *ThingsBoard
	HawkBit     *HawkBit
	Provisioner *Provisioner // of the CA

	Devices []*Device // plugged in at the start
	Line    *Line     // nil: the devices stay

	TunnelSocket string // where the WireGuard server tells of its peers; empty where the system has no such sockets
	TunnelFile   string // wg0.conf of a tunnel of the station's own

	cfg    Config
	all    []*Device
	power  func(over time.Duration) error // see PowerOn
	pki    *authority
	broker *broker
	vpn    *tunnelServer
	ca     *stepCA    // nil: the built-in one
	own    *builtinCA // nil: a process
	web    []*http.Server
	cancel context.CancelFunc
	done   sync.WaitGroup
	once   sync.Once
	closed error // by the first Close
}

// Start brings everything up and returns when it listens. Close takes it down.
func Start(ctx context.Context, cfg Config) (*Stack, error) {
	if cfg.Baud == 0 {
		cfg.Baud = 115200
	}
	if cfg.Contract == "" {
		cfg.Contract = Deployed
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.cable == nil {
		cfg.cable = cableOf(cfg.Memory)
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(cfg.StateDir, 0o700); err != nil {
		return nil, fmt.Errorf("devstack: %w", err)
	}
	if err := cfg.Line.check(cfg.Devices); err != nil {
		return nil, fmt.Errorf("devstack: %w", err)
	}
	if _, ok := reenrolls[cfg.Reenroll]; !ok {
		return nil, fmt.Errorf("devstack: re-enroll policy %q: want open, unlock or never", cfg.Reenroll)
	}
	s := &Stack{cfg: cfg}
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("devstack: %w", err), s.Close())
	}
	return s, nil
}

// reenrolls are the policies that devices may have.
var reenrolls = map[string]serialproto.Reenroll{
	"": serialproto.ReenrollOpen, "open": serialproto.ReenrollOpen, "unlock": serialproto.ReenrollUnlock, "never": serialproto.ReenrollNever,
}

func (s *Stack) start(ctx context.Context) (err error) {
	if s.pki, err = loadAuthority(filepath.Join(s.cfg.StateDir, "pki"), s.cfg.Now); err != nil {
		return err
	}
	if s.cfg.Lifetime > 0 {
		s.pki.leafValidity = s.cfg.Lifetime
	}
	s.Root, s.RootPrint = s.pki.path(rootFile), s.pki.fingerprint()
	if err := s.startServices(ctx); err != nil {
		return err
	}
	return s.startDevices()
}

// startServices brings up CA, bridge and broker.
func (s *Stack) startServices(ctx context.Context) (err error) {
	sign, err := s.startCA(ctx)
	if err != nil {
		return err
	}
	wg, err := loadTunnels(s.cfg.StateDir)
	if err != nil {
		return err
	}
	if wg.server, err = startTunnelServer(wg, s.cfg.Log); err != nil {
		return err
	}
	s.vpn = wg.server
	s.TunnelSocket, s.TunnelFile = s.vpn.socket, s.vpn.station
	s.SetTunnelFault(s.cfg.Faults.tunnel())
	if err := s.startTenant(ctx); err != nil {
		return err
	}
	s.Bridge = &Bridge{contract: s.cfg.Contract, signer: sign, pki: s.pki, tunnel: wg, updates: s.HawkBit, delay: s.cfg.Delay}
	s.Bridge.SetFault(s.cfg.Faults.bridge())
	if s.BridgeURL, err = s.serve(ctx, "bridge.tenant.example", "/api", s.Bridge.handler(), s.Bridge.behind); err != nil {
		return err
	}
	var revoked *revocations
	if s.cfg.CRL {
		revoked = newRevocations(s.StepCAURL, s.pki)
	}
	if s.broker, err = startBroker(s.pki, s.ThingsBoard, revoked, s.cfg.Log); err != nil {
		return err
	}
	s.Broker, s.Port = "127.0.0.1", s.broker.port
	s.SetBrokerFault(s.cfg.Faults.broker())
	return nil
}

// startTenant brings up ThingsBoard and hawkBit.
func (s *Stack) startTenant(ctx context.Context) (err error) {
	dir := filepath.Join(s.cfg.StateDir, "tenant")
	if s.HawkBit, err = openHawkBit(dir, s.cfg.Now); err != nil {
		return err
	}
	if s.ThingsBoard, err = openThingsBoard(dir, s.cfg.Now, func(name string) { s.Bridge.webhook(name) }); err != nil {
		return err
	}
	if s.HawkBit.URL, err = s.serve(ctx, "hawkbit.tenant.example", hawkBitBase, s.HawkBit.handler(), s.HawkBit.behind); err != nil {
		return err
	}
	if s.ThingsBoard.URL, err = s.serve(ctx, "thingsboard.tenant.example", "/thingsboard", s.ThingsBoard.handler(), s.ThingsBoard.behind); err != nil {
		return err
	}
	s.HawkBit.SetFault(s.cfg.Faults.HawkBit)
	s.ThingsBoard.SetFault(s.cfg.Faults.ThingsBoard)
	return nil
}

// serve brings up an HTTPS server on the loopback interface and returns its base URL. adapt, if not nil, may put something
// between server and network before it listens.
func (s *Stack) serve(ctx context.Context, name, base string, h http.Handler, adapt func(*http.Server, net.Listener) net.Listener) (string, error) {
	identity, err := s.pki.server(name)
	if err != nil {
		return "", err
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	if base != "" {
		mux := http.NewServeMux()
		mux.Handle(base+"/", http.StripPrefix(base, h))
		mux.HandleFunc("/", notFound)
		h = mux
	}
	web := &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelDebug),
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{identity}, MinVersion: tls.VersionTLS12},
	}
	if adapt != nil {
		l = adapt(web, l)
	}
	s.web = append(s.web, web)
	s.done.Go(func() { _ = web.ServeTLS(l, "", "") }) // ErrServerClosed at the end
	return "https://" + l.Addr().String() + base, nil
}

// startDevices plugs the virtual devices in, all on one pacer.
func (s *Stack) startDevices() error {
	var ctx context.Context
	ctx, s.cancel = context.WithCancel(context.Background()) // Close ends it
	dir, ports := filepath.Join(s.cfg.StateDir, "devices"), filepath.Join(s.cfg.StateDir, "ports")
	if err := os.MkdirAll(ports, 0o700); err != nil {
		return err
	}
	pacer := prototest.NewExactPacer()
	for i := range max(s.cfg.Devices, s.cfg.Line.Boxes) {
		name := slotName(i)
		if i >= s.cfg.Devices {
			name = fmt.Sprintf("box-%02d", i+1)
		}
		serial := fmt.Sprintf("VD%04X-%04d", uint16(s.cfg.Seed)^0x5350, i+1)
		if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil {
			return err
		}
		s.all = append(s.all, newDevice(dir, name, serial, deviceConfig{
			ports: ports, cable: s.cfg.cable, baud: s.cfg.Baud, line: s.cfg.Faults.line(s.cfg.Baud, s.cfg.Seed+uint64(i), pacer), boot: !s.cfg.Quiet,
			model: "virtual", log: s.cfg.Log, off: s.cfg.ClockOff, spec: s.cfg.Faults,
			reenroll: reenrolls[s.cfg.Reenroll], noTLS12: s.cfg.NoTLS12, anchors: s.firmwareAnchors(), keys: s.keysOf(serial), noTunnel: s.cfg.NoTunnels,
		}))
	}
	s.power = func(over time.Duration) error { return powerOn(ctx, s.all, over) }
	if s.cfg.Line.Boxes > 0 {
		s.Devices = s.all[:s.cfg.Devices:s.cfg.Devices]
		s.Line = newLine(s)
		return s.Line.start(ctx)
	}
	for _, d := range s.all {
		s.Devices = append(s.Devices, d)
		begin := d.start
		if s.cfg.Unpowered {
			begin = d.wire
		}
		if err := begin(ctx); err != nil {
			return err
		}
	}
	return nil
}

// slotName is the name of the i-th place, from 0.
func slotName(i int) string { return fmt.Sprintf("slot-%02d", i+1) }

// Open gives the station's end of a device's port where that port is no file: lines in memory.
func (s *Stack) Open(path string) (link.Transport, bool) {
	for _, d := range s.all {
		if host := d.stationEnd(path); host != nil {
			return host, true
		}
	}
	return nil, false
}

// Close takes everything down: devices first. It may be called again.
func (s *Stack) Close() error {
	s.once.Do(func() { s.closed = s.close() })
	return s.closed
}

func (s *Stack) close() error {
	var errs []error
	if s.cancel != nil {
		s.cancel()
	}
	if s.Line != nil {
		s.Line.wait()
	}
	for _, d := range s.all {
		errs = append(errs, d.Unplug())
	}
	for _, w := range s.web {
		errs = append(errs, w.Close())
	}
	s.done.Wait()
	if s.broker != nil {
		s.broker.close()
	}
	if s.vpn != nil {
		errs = append(errs, s.vpn.close())
	}
	if s.ca != nil {
		s.ca.close()
	}
	return errors.Join(errs...)
}

func sortedNames[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// newUUID makes a random UUID (RFC 9562 5.4).
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// set is a set of strings for concurrent use.
type set struct {
	mu   sync.Mutex
	seen map[string]bool
}

func newSet() *set { return &set{seen: map[string]bool{}} }

// add reports whether the string is new.
func (s *set) add(x string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.seen[x]
	s.seen[x] = true
	return !was
}
