package station

import (
	"bytes"
	"cmp"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"sync"
	"time"

	"provstation/station/mqttcheck"
	"provstation/station/stationtest"
)

// fakeDevice is a device as a run sees it: what it holds survives resets and unplugging.
type fakeDevice struct {
	mu         sync.Mutex
	announces  string // hardware serial in ANNOUNCE; empty: serial
	serial     string
	boots      int
	state      DeviceState
	id         string
	enroll     EnrollID
	refused    map[EnrollID]bool // generations that were given up
	key        crypto.Signer
	csr        []byte
	leaf       []byte
	chain      [][]byte
	likely     [][]byte // as its key was asked for
	objects    map[string][]byte
	gen        uint32
	signatures uint32 // left of the key
	active     uint32
	clock      func() time.Time // nil: the station's time
	noClock    bool
	noTLS12    bool
	keys       int    // keys it made
	keyStore   string // empty: flash
	installs   int
	seals      int
	abandons   int
	clockSets  int
	flag       string

	life fakeLife
}

func newFakeDevice(serial string) *fakeDevice {
	return &fakeDevice{serial: serial, state: StateEmpty, signatures: 16, refused: map[EnrollID]bool{}, objects: map[string][]byte{}}
}

func (d *fakeDevice) bootID() string { return fmt.Sprintf("%016x", d.boots) }

func (d *fakeDevice) spki() []byte {
	if d.key == nil {
		return nil
	}
	der, err := x509.MarshalPKIXPublicKey(d.key.Public())
	if err != nil {
		panic(err)
	}
	sum := sha256.Sum256(der)
	return sum[:]
}

func (d *fakeDevice) leafHash() []byte {
	if d.leaf == nil {
		return nil
	}
	sum := sha256.Sum256(d.leaf)
	return sum[:]
}

// makeKey makes a key and a request for it.
func (d *fakeDevice) makeKey(id string, enroll EnrollID) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: id}, DNSNames: []string{id},
	}, key)
	if err != nil {
		return err
	}
	if d.state == StateSealed {
		d.active, d.life.before = d.gen, &fakeGeneration{d.key, d.csr, d.leaf, d.enroll, d.objects}
	}
	d.gen++
	d.keys++
	d.key, d.csr, d.id, d.enroll, d.state, d.leaf = key, csr, id, enroll, StateKeyed, nil
	return nil
}

func (d *fakeDevice) take(leaf []byte, chain [][]byte, conf []byte) Readback {
	d.leaf, d.chain, d.state = leaf, chain, StateInstalled
	d.objects = map[string][]byte{
		ObjectLeaf: digest8(leaf), ObjectChain: digest8(chain[:len(chain)-1]...), ObjectAnchors: digest8(chain...),
	}
	if len(conf) > 0 {
		d.objects[ObjectTunnel] = digest8(conf)
	}
	return d.objects
}

// enrolled puts the device into a state with a key and a certificate of the hierarchy, as if another run had done it.
func (d *fakeDevice) enrolled(p *stationtest.PKI, id string, state DeviceState, sign func(pub crypto.PublicKey, id string) []byte) {
	if err := d.makeKey(id, EnrollID{1, 2, 3}); err != nil {
		panic(err)
	}
	d.keys = 0
	if state == StateKeyed {
		return
	}
	d.take(sign(d.key.Public(), id), [][]byte{p.Sub.Cert.Raw, p.ICA.Cert.Raw, p.Root.Cert.Raw}, nil)
	if d.state = state; state == StateSealed || state == StateForeign {
		d.active = d.gen
	}
}

// fakePort is one port. What is plugged into it may change.
type fakePort struct {
	path string
	mu   sync.Mutex
	dev  *fakeDevice
	gone chan struct{}
	fail []error // of the next calls of Open
	on   func(ctx context.Context, op string) error
	ops  []string
}

func (p *fakePort) device() (*fakeDevice, chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dev, p.gone
}

// unplug ends every call on the port with E-PORT-GONE, and Open fails, until plug.
func (p *fakePort) unplug() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dev != nil {
		close(p.gone)
		p.dev = nil
	}
}

func (p *fakePort) plug(d *fakeDevice) {
	p.mu.Lock()
	defer p.mu.Unlock()
	d.boots++
	p.dev, p.gone = d, make(chan struct{})
}

func (p *fakePort) count(op string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, o := range p.ops {
		if o == op {
			n++
		}
	}
	return n
}

func goneFault(path string) error {
	return &Fault{Code: CodePortGone, Outcome: Error, Params: map[string]string{"port": path}}
}

// fakeConnector opens fake ports.
type fakeConnector struct {
	ports map[string]*fakePort
	wrap  func(Line) Line // nil: lines as they are
}

func (c *fakeConnector) Open(ctx context.Context, p PortInfo) (Line, error) {
	port := c.ports[p.Path]
	port.mu.Lock()
	defer port.mu.Unlock()
	port.ops = append(port.ops, "open")
	if len(port.fail) > 0 {
		err := port.fail[0]
		port.fail = port.fail[1:]
		return nil, err
	}
	if port.dev == nil {
		return nil, goneFault(p.Path)
	}
	line := &fakeLine{port: port, gone: port.gone, opened: time.Now()}
	if c.wrap != nil {
		return c.wrap(line), ctx.Err()
	}
	return line, ctx.Err()
}

// fakeLine is an open port.
type fakeLine struct {
	port   *fakePort
	gone   chan struct{}
	opened time.Time
	tx, rx uint64

	session *fakeDevice // the one that was greeted: no other answers
}

// do is every call's beginning: the script may fail it, hold it, or change the world. A nil result means: go on.
func (l *fakeLine) do(ctx context.Context, op string) (*fakeDevice, error) {
	l.port.mu.Lock()
	l.port.ops = append(l.port.ops, op)
	on := l.port.on
	l.port.mu.Unlock()
	if on != nil {
		if err := on(ctx, op); err != nil {
			return nil, err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	d, gone := l.port.device()
	if d == nil || gone != l.gone {
		return nil, goneFault(l.port.path)
	}
	if op == "greet" {
		l.session = d
	}
	if l.session != d {
		return nil, ErrSessionLost
	}
	l.tx, l.rx = l.tx+10, l.rx+20
	return d, nil
}

func (l *fakeLine) Wait(ctx context.Context) (Announcement, error) {
	for {
		select {
		case <-ctx.Done():
			return Announcement{}, ctx.Err()
		case <-l.gone:
			return Announcement{}, goneFault(l.port.path)
		case <-time.After(250 * time.Millisecond):
		}
		d, _ := l.port.device()
		if d == nil || d.serial == "(silent)" {
			continue
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		serial := d.serial
		if d.announces != "" {
			serial = d.announces
		}
		return Announcement{HardwareSerial: serial, Model: "fake", BootID: d.bootID()}, nil
	}
}

func (l *fakeLine) Greet(ctx context.Context) (Greeting, error) {
	d, err := l.do(ctx, "greet")
	if err != nil {
		return Greeting{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	g := Greeting{
		HardwareSerial: d.serial, Model: "fake", Firmware: "1", BootID: d.bootID(), State: d.state, HeardAt: time.Now(),
		Unlock: true, SignTLS13: true, SignTLS12: !d.noTLS12, SetClock: true, WireGuard: true,
	}
	switch {
	case d.noClock:
	case d.clock != nil:
		g.Clock = d.clock()
	default:
		g.Clock = g.HeardAt
	}
	return g, nil
}

func (l *fakeLine) Holding(ctx context.Context) (Holding, error) {
	d, err := l.do(ctx, "holding")
	if err != nil {
		return Holding{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return Holding{
		SignaturesLeft: d.signatures,
		State:          d.state, DeviceID: d.id, EnrollID: d.enroll, SPKI: d.spki(), Leaf: d.leafHash(), Generation: d.gen, Active: d.active,
		Objects: d.objects, Reenroll: cmp.Or(d.life.reenroll, "open"),
	}, nil
}

func (l *fakeLine) SetClock(ctx context.Context, _ time.Time) error {
	d, err := l.do(ctx, "set-clock")
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.clockSets++
	d.clock = nil
	return nil
}

func (l *fakeLine) MakeKey(ctx context.Context, r KeyRequest) (KeyAnswer, error) {
	d, err := l.do(ctx, "keygen")
	if err != nil {
		return KeyAnswer{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.refused[r.EnrollID] {
		return KeyAnswer{}, &Fault{Code: CodeAgentError, Outcome: Fail, Params: map[string]string{"status": "wrong state"}, Err: ErrEnrollIDUsed}
	}
	existing := d.key != nil && d.enroll == r.EnrollID
	if !existing && !d.life.opens(d.state) {
		return KeyAnswer{}, &Fault{Code: CodeAgentLocked, Outcome: Fail, Params: map[string]string{}}
	}
	d.life.kept, d.likely = r.KeepTunnel, r.Chain
	if !existing {
		if err := d.makeKey(r.DeviceID, r.EnrollID); err != nil {
			return KeyAnswer{}, err
		}
	}
	return KeyAnswer{CSR: d.csr, KeyStore: cmp.Or(d.keyStore, KeyStoreFlash), Existing: existing, Generation: d.gen}, nil
}

func (l *fakeLine) Install(ctx context.Context, b Bundle) (Readback, error) {
	d, err := l.do(ctx, "install")
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.installs++
	tunnel := d.objects[ObjectTunnel]
	d.take(b.Leaf, b.Chain, b.WGConf)
	if d.life.kept && tunnel != nil {
		d.objects[ObjectTunnel] = tunnel
	}
	if len(b.Pins) > 0 {
		d.life.pins, d.objects[ObjectPins] = b.Pins, digest8(b.Pins...)
	}
	return d.objects, nil
}

func (l *fakeLine) Certificates(ctx context.Context) (device, anchors [][]byte, err error) {
	d, err := l.do(ctx, "certificates")
	if err != nil {
		return nil, nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	leaf := d.leaf
	if b := d.life.before; b != nil && leaf == nil {
		leaf = b.leaf
	}
	return append([][]byte{leaf}, d.chain[:2]...), d.chain, nil
}

func (l *fakeLine) Signer(context.Context, crypto.PublicKey, [][]byte) crypto.Signer {
	d, _ := l.port.device()
	if d == nil {
		return nil
	}
	if b := d.life.before; b != nil && d.leaf == nil {
		return b.key
	}
	return d.key
}

func (l *fakeLine) Seal(ctx context.Context, id EnrollID, flag string) error {
	d, err := l.do(ctx, "seal")
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if id != d.enroll {
		return &Fault{Code: CodeAgentError, Outcome: Fail}
	}
	d.seals++
	d.life.before = nil
	d.state, d.active, d.flag = StateSealed, d.gen, flag
	return nil
}

func (l *fakeLine) Abandon(ctx context.Context, id EnrollID) error {
	d, err := l.do(ctx, "abandon")
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.abandons++
	d.refused[id] = true
	d.state = StateSealed
	if b := d.life.before; b != nil {
		d.key, d.csr, d.leaf, d.enroll, d.objects, d.gen, d.life.before = b.key, b.csr, b.leaf, b.enroll, b.objects, d.active, nil
	}
	return nil
}

func (l *fakeLine) FirstByte() time.Time     { return l.opened }
func (l *fakeLine) Bye(ctx context.Context)  { _, _ = l.do(ctx, "bye") }
func (l *fakeLine) Traffic() (tx, rx uint64) { return l.tx, l.rx }
func (l *fakeLine) BootLog() string          { return "" }
func (l *fakeLine) AgentLog() []string       { return nil }
func (l *fakeLine) Close() error             { return nil }

// fakeWatcher tells of what is sent to it.
type fakeWatcher struct {
	changes chan PortChange
	err     error
}

func (w *fakeWatcher) Watch(context.Context) (<-chan PortChange, error) { return w.changes, w.err }

// fakeBridge issues by a hierarchy.
type fakeBridge struct {
	pki *stationtest.PKI
	on  func(ctx context.Context, n int, r EnrollRequest) (*EnrollAnswer, error) // nil, nil: issue

	mu     sync.Mutex
	posts  int
	asked  []EnrollRequest
	now    func() time.Time // what ServerTime says; nil: nothing
	refuse error            // of Contract
	speaks Contract         // what Contract says; empty: deployed

	contracts func() // told of every question for the contract
}

func (b *fakeBridge) Contract(context.Context) (Contract, error) {
	if b.contracts != nil {
		b.contracts()
	}
	if b.speaks != "" {
		return b.speaks, b.refuse
	}
	return ContractDeployed, b.refuse
}

func (b *fakeBridge) ServerTime(context.Context) (time.Time, error) {
	if b.now == nil {
		return time.Time{}, nil
	}
	return b.now(), nil
}

func (b *fakeBridge) Enroll(ctx context.Context, c Contract, r EnrollRequest) (EnrollAnswer, error) {
	b.mu.Lock()
	b.posts++
	n := b.posts
	b.asked = append(b.asked, r)
	b.mu.Unlock()
	if b.on != nil {
		if a, err := b.on(ctx, n, r); a != nil || err != nil {
			if a == nil {
				a = &EnrollAnswer{}
			}
			return *a, err
		}
	}
	csr, err := x509.ParseCertificateRequest(r.CSR)
	if err != nil {
		return EnrollAnswer{}, err
	}
	return EnrollAnswer{
		Contract: c, Certificate: stationtest.CertPEM(issueFor(b.pki, csr.PublicKey, r.DeviceID)), Chain: b.pki.Sub.PEM(),
	}, nil
}

// issueFor signs a device certificate as the recorded tenant does.
func issueFor(p *stationtest.PKI, pub crypto.PublicKey, id string) []byte {
	return issueUntil(p, pub, id, time.Now().Add(24*time.Hour))
}

func issueUntil(p *stationtest.PKI, pub crypto.PublicKey, id string, end time.Time) []byte {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		panic(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: serial.Add(serial, big.NewInt(1)), Subject: pkix.Name{CommonName: id}, DNSNames: []string{id},
		NotBefore: time.Now().Add(-time.Minute), NotAfter: end, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, BasicConstraintsValid: true,
	}, p.Sub.Cert, pub, p.Sub.Key)
	if err != nil {
		panic(err)
	}
	return der
}

// fakeTrust pins the hierarchy's root.
type fakeTrust struct {
	pki *stationtest.PKI
	on  func() error
}

func (f *fakeTrust) Anchors(context.Context) (Anchors, error) {
	if f.on != nil {
		if err := f.on(); err != nil {
			return Anchors{}, err
		}
	}
	return Anchors{Roots: []*x509.Certificate{f.pki.Root.Cert}, Intermediates: []*x509.Certificate{f.pki.ICA.Cert}}, nil
}

// fakeProver is a broker that accepts everybody, unless told otherwise.
type fakeProver struct {
	mu    sync.Mutex
	tests int
	on    func(ctx context.Context, n int, cfg mqttcheck.Config) error
	proof mqttcheck.Proof
}

func (p *fakeProver) prove(ctx context.Context, cfg mqttcheck.Config, id mqttcheck.Identity) (mqttcheck.Result, error) {
	p.mu.Lock()
	p.tests++
	n := p.tests
	p.mu.Unlock()
	if p.on != nil {
		if err := p.on(ctx, n, cfg); err != nil {
			return mqttcheck.Result{}, err
		}
	}
	if id.Signer == nil || len(id.Chain) != 3 || len(cfg.RootCAs) != 3 {
		return mqttcheck.Result{}, &mqttcheck.Error{Reason: mqttcheck.BadConfig, Sentence: "no identity"}
	}
	return mqttcheck.Result{Proof: p.proof, Addr: "192.0.2.1:8883", MQTTVersion: mqttcheck.Protocol5}, nil
}

// fakeWords says codes and their parameters.
type fakeWords struct{}

func (fakeWords) Fault(code Code, params map[string]string) (message, next string) {
	return fmt.Sprintf("what %s %v", code, params), "do " + string(code)
}

// fakeLedger keeps everything in memory and by the rules of [Ledger].
type fakeLedger struct {
	lose    Phase         // its end is not saved, where nobody waits for it
	lag     time.Duration // until a run that began is durable, where nobody waits for it
	mu      sync.Mutex
	fail    func(ctx context.Context, method string) error // before a call does anything
	calls   []string
	runs    map[string]RunStart
	seen    map[string]Observed // by run
	tries   map[string]int      // by hardware serial
	phases  []PhaseEnd
	devices map[string]DeviceRecord // by hardware serial
	ids     map[string]string       // folded device id to hardware serial
	keys    map[string]KeyRecord    // by SPKI
	posts   map[string]string       // post id to "open", "issued" or a reason
	certs   []CertRecord
	proofs  []ProofRecord
	passes  map[string]PassRecord // by serial, SPKI and leaf
	ends    []RunFinish
	fakeJournal
	decided map[string]Resolution // by hardware serial
}

func (l *fakeLedger) Resolution(ctx context.Context, _, hardwareSerial string) (Resolution, error) {
	end, err := l.begin(ctx, "Resolution")
	if err != nil {
		return Resolution{}, err
	}
	defer end()
	r, ok := l.decided[hardwareSerial]
	if !ok {
		return Resolution{}, ErrNotFound
	}
	return r, nil
}

func newFakeLedger() *fakeLedger {
	return &fakeLedger{
		runs: map[string]RunStart{}, seen: map[string]Observed{}, tries: map[string]int{}, devices: map[string]DeviceRecord{},
		ids: map[string]string{}, keys: map[string]KeyRecord{}, posts: map[string]string{}, passes: map[string]PassRecord{},
	}
}

func passKey(serial string, spki, leaf []byte) string {
	return serial + "/" + hex.EncodeToString(spki) + "/" + hex.EncodeToString(leaf)
}

// knows puts a PASS on file, as if an earlier run had ended so.
func (l *fakeLedger) knows(serial, id string, spki, leaf []byte, notAfter time.Time, revoked bool) {
	l.devices[serial] = DeviceRecord{Tenant: "acme", HardwareSerial: serial, DeviceID: id, SPKI: spki, Leaf: leaf, LastOutcome: Pass}
	l.ids[strings.ToLower(id)] = serial
	l.passes[passKey(serial, spki, leaf)] = PassRecord{Run: "earlier", DeviceID: id, NotAfter: notAfter, PassedAt: time.Now(), Revoked: revoked}
}

func (l *fakeLedger) begin(ctx context.Context, method string) (func(), error) {
	l.mu.Lock()
	l.calls = append(l.calls, method)
	fail := l.fail
	l.mu.Unlock()
	if fail != nil {
		if err := fail(ctx, method); err != nil {
			return nil, err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	return l.mu.Unlock, nil
}

func (l *fakeLedger) BeginRun(ctx context.Context, r RunStart) error {
	end, err := l.begin(ctx, "BeginRun")
	if err != nil {
		return err
	}
	defer end()
	l.runs[r.Run] = r
	return nil
}

func (l *fakeLedger) IdentifyRun(ctx context.Context, run string, o Observed) (int, error) {
	end, err := l.begin(ctx, "IdentifyRun")
	if err != nil {
		return 0, err
	}
	defer end()
	if _, begun := l.runs[run]; !begun {
		return 0, fmt.Errorf("run: %w", ErrNotFound)
	}
	if _, again := l.seen[run]; !again {
		l.tries[o.HardwareSerial]++
	}
	l.seen[run] = o
	return l.tries[o.HardwareSerial], nil
}

func (l *fakeLedger) RecordPhase(ctx context.Context, p PhaseEnd) error {
	end, err := l.begin(ctx, "RecordPhase")
	if err != nil {
		return err
	}
	defer end()
	l.phases = append(l.phases, p)
	l.done(p.Results)
	return nil
}

func (l *fakeLedger) Device(ctx context.Context, _, serial string) (DeviceRecord, error) {
	end, err := l.begin(ctx, "Device")
	if err != nil {
		return DeviceRecord{}, err
	}
	defer end()
	d, ok := l.devices[serial]
	if !ok {
		return d, ErrNotFound
	}
	return d, nil
}

func (l *fakeLedger) BindDevice(ctx context.Context, b Binding) error {
	end, err := l.begin(ctx, "BindDevice")
	if err != nil {
		return err
	}
	defer end()
	if has, ok := l.ids[strings.ToLower(b.DeviceID)]; ok && has != b.HardwareSerial {
		return fmt.Errorf("%s: %w", b.DeviceID, ErrDeviceIDTaken)
	}
	d := l.devices[b.HardwareSerial]
	if d.DeviceID == b.DeviceID {
		return nil
	}
	if d.DeviceID != "" {
		return fmt.Errorf("%s: %w", b.DeviceID, ErrHardwareBound)
	}
	d.Tenant, d.HardwareSerial, d.DeviceID, d.IDSource = b.Tenant, b.HardwareSerial, b.DeviceID, b.Source
	l.devices[b.HardwareSerial], l.ids[strings.ToLower(b.DeviceID)] = d, b.HardwareSerial
	return nil
}

func (l *fakeLedger) BindKey(ctx context.Context, k KeyRecord) error {
	end, err := l.begin(ctx, "BindKey")
	if err != nil {
		return err
	}
	defer end()
	if have, ok := l.keys[string(k.SPKI)]; ok && have.HardwareSerial != k.HardwareSerial {
		return fmt.Errorf("key: %w", ErrKeyTaken)
	} else if ok && k.WireGuardKey == nil {
		k.WireGuardKey = have.WireGuardKey // what is on file stays
	}
	l.keys[string(k.SPKI)] = k
	return nil
}

func (l *fakeLedger) Key(ctx context.Context, _ string, spki []byte) (KeyRecord, error) {
	end, err := l.begin(ctx, "Key")
	if err != nil {
		return KeyRecord{}, err
	}
	defer end()
	k, ok := l.keys[string(spki)]
	if !ok {
		return k, ErrNotFound
	}
	return k, nil
}

func (l *fakeLedger) PostBegun(ctx context.Context, p Post) error {
	end, err := l.begin(ctx, "PostBegun")
	if err != nil {
		return err
	}
	defer end()
	l.posts[p.ID] = "open"
	return nil
}

func (l *fakeLedger) PostEnded(ctx context.Context, id, reason string) error {
	end, err := l.begin(ctx, "PostEnded")
	if err != nil {
		return err
	}
	defer end()
	l.posts[id] = reason
	return nil
}

func (l *fakeLedger) SaveCertificate(ctx context.Context, c CertRecord) error {
	end, err := l.begin(ctx, "SaveCertificate")
	if err != nil {
		return err
	}
	defer end()
	if c.PostID != "" {
		l.posts[c.PostID] = "issued"
	}
	for i, have := range l.certs {
		if bytes.Equal(have.Fingerprint, c.Fingerprint) {
			if c.WGConf == "" {
				c.WGConf = have.WGConf
			}
			c.Revoked = c.Revoked || have.Revoked
			l.certs[i] = c
			return nil
		}
	}
	l.certs = append(l.certs, c)
	return nil
}

func (l *fakeLedger) Certificates(ctx context.Context, _ string, spki []byte) ([]CertRecord, error) {
	end, err := l.begin(ctx, "Certificates")
	if err != nil {
		return nil, err
	}
	defer end()
	var list []CertRecord
	for _, c := range slices.Backward(l.certs) {
		if bytes.Equal(c.SPKI, spki) {
			c.Refused = l.refused[string(c.Fingerprint)]
			list = append(list, c)
		}
	}
	return list, nil
}

func (l *fakeLedger) SaveProof(ctx context.Context, p ProofRecord) error {
	end, err := l.begin(ctx, "SaveProof")
	if err != nil {
		return err
	}
	defer end()
	l.proofs = append(l.proofs, p)
	if p.Seal != nil {
		l.intend(*p.Seal)
	}
	return nil
}

func (l *fakeLedger) Proof(ctx context.Context, _, serial string, spki, leaf []byte) (ProofRecord, error) {
	end, err := l.begin(ctx, "Proof")
	if err != nil {
		return ProofRecord{}, err
	}
	defer end()
	for _, p := range slices.Backward(l.proofs) {
		if p.HardwareSerial == serial && bytes.Equal(p.SPKI, spki) && bytes.Equal(p.Leaf, leaf) {
			return p, nil
		}
	}
	return ProofRecord{}, ErrNotFound
}

func (l *fakeLedger) Passed(ctx context.Context, _, serial string, spki, leaf []byte) (PassRecord, error) {
	end, err := l.begin(ctx, "Passed")
	if err != nil {
		return PassRecord{}, err
	}
	defer end()
	p, ok := l.passes[passKey(serial, spki, leaf)]
	if !ok {
		return p, ErrNotFound
	}
	return p, nil
}

func (l *fakeLedger) FinishRun(ctx context.Context, e RunFinish) error {
	end, err := l.begin(ctx, "FinishRun")
	if err != nil {
		return err
	}
	defer end()
	n := 0
	for _, p := range l.phases {
		if p.Run == e.Run {
			n++
		}
	}
	if n < e.Phases {
		return ErrPhaseMissing
	}
	if e.Outcome == Pass {
		if !slices.ContainsFunc(l.proofs, func(p ProofRecord) bool { return p.Run == e.Run && p.Proof == e.Proof }) {
			return fmt.Errorf("PASS of run %s without a proof", e.Run)
		}
		d := l.devices[e.HardwareSerial]
		d.SPKI, d.Leaf, d.LastOutcome = e.SPKI, e.Leaf, e.Outcome
		l.devices[e.HardwareSerial] = d
		l.passes[passKey(e.HardwareSerial, e.SPKI, e.Leaf)] = PassRecord{Run: e.Run, DeviceID: e.DeviceID, NotAfter: e.NotAfter}
	}
	l.ends = append(l.ends, e)
	return nil
}
