package conform

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"provstation/serialproto"
)

// fixture is what the suite has made of the device: its newest generation. The zero value: not known.
type fixture struct {
	known    bool
	state    serialproto.State
	enrollID []byte
	deviceID string
	alg      serialproto.Alg
	csr      []byte
	pub      crypto.PublicKey
	spki     []byte // DER
	wg       []byte
	leaf     *x509.Certificate
	conf     []byte
	staged   bool // something was put for it and not committed
}

// tunnel is a wg0.conf in its canonical form, of a network that is nobody's (RFC 5737).
const tunnel = `[Interface]
Address = 198.51.100.7/32

[Peer]
PublicKey = %s
AllowedIPs = 198.51.100.0/24
Endpoint = 192.0.2.1:51820
PersistentKeepalive = 25
`

// reach brings the device to a state, with as little as it takes.
func (d *dut) reach(want serialproto.State) {
	st := d.status()
	if want == serialproto.StateSealed && d.kept.known && st.Active != 0 {
		d.resume(st)
		return
	}
	if d.fx.known && !d.fx.staged && d.fx.state == want && st.State == want && bytes.Equal(st.EnrollID, d.fx.enrollID) {
		return
	}
	if st.State == serialproto.StateSealed || st.Active != 0 {
		d.fail("the case needs a device that is %v, and this one is sealed by now", want)
	}
	if d.fx = (fixture{known: true}); st.State != serialproto.StateEmpty {
		d.empty()
	}
	if want >= serialproto.StateKeyed {
		d.enroll(d.newEnroll())
	}
	if want >= serialproto.StateInstalled {
		d.install(nil)
	}
	if want >= serialproto.StateSealed {
		d.lock()
	}
}

// resume takes the generation that is sealed for the fixture again, whatever a case has left of it.
func (d *dut) resume(st serialproto.StatusResult) {
	if st.State != serialproto.StateSealed {
		d.ok(serialproto.AbortArgs{Op: serialproto.OpAbort}, nil)
		st = d.status()
	}
	if !bytes.Equal(st.SPKI, digest(d.kept.spki)) {
		d.fail("want the key that was sealed in use, got SPKI %s", dump(st.SPKI))
	}
	d.fx = d.kept
	var r serialproto.ReadResult
	d.ok(serialproto.ReadArgs{Op: serialproto.OpRead, Obj: serialproto.ObjLeaf}, &r)
	if len(r.Certs) != 1 {
		d.fail("want one leaf read back, got %d", len(r.Certs))
	}
	leaf, err := x509.ParseCertificate(r.Certs[0])
	d.check(err == nil, "want a leaf that parses, got %s", dump(r.Certs[0]))
	d.fx.leaf = leaf // it may have been renewed
}

// status asks for STATUS and checks what must hold of it in every state.
func (d *dut) status() serialproto.StatusResult {
	var st serialproto.StatusResult
	d.ok(serialproto.SimpleArgs{Op: serialproto.OpStatus}, &st)
	return st
}

// empty drops what was begun.
func (d *dut) empty() {
	d.ok(serialproto.AbortArgs{Op: serialproto.OpAbort}, nil)
	d.fx = fixture{known: true}
	if st := d.status(); st.State != serialproto.StateEmpty {
		d.fail("want an empty device after ABORT, got %v", st.State)
	}
}

func (d *dut) random(n int) []byte {
	b := make([]byte, n)
	if _, err := rand.Read(b); err != nil {
		panic(outcome{verdict: Fail, note: "the suite: " + err.Error()})
	}
	return b
}

// newEnroll asks for a P-256 key under a new id, with a WireGuard key where the device makes them.
func (d *dut) newEnroll() serialproto.EnrollArgs {
	id := d.random(8)
	id[0] |= 1
	return serialproto.EnrollArgs{
		Op: serialproto.OpEnroll, Alg: serialproto.AlgP256, DeviceID: "conform-" + hex.EncodeToString(id[:4]), EnrollID: id,
		WireGuard: d.features&serialproto.FeatureWireGuard != 0,
	}
}

// enroll makes a key, and holds the answer against what was asked.
func (d *dut) enroll(args serialproto.EnrollArgs) (serialproto.EnrollResult, answer) {
	d.fx = fixture{}
	var r serialproto.EnrollResult
	a := d.ok(args, &r)
	d.enrolled(args, r)
	return r, a
}

// enrolled checks a CSR and takes it for the device's newest.
func (d *dut) enrolled(args serialproto.EnrollArgs, r serialproto.EnrollResult) {
	csr, err := x509.ParseCertificateRequest(r.CSR)
	switch {
	case err != nil:
		d.fail("want a CSR in DER (RFC 2986), got %s: %v", dump(r.CSR), err)
	case csr.CheckSignature() != nil:
		d.fail("want a CSR signed by its own key, got one whose signature is not valid")
	case csr.Subject.CommonName != args.DeviceID:
		d.fail("want a CSR for %q, got common name %q", args.DeviceID, csr.Subject.CommonName)
	case !slices.Equal(csr.DNSNames, []string{args.DeviceID}):
		d.fail("want a CSR with the one subjectAltName DNS:%s, got %q", args.DeviceID, csr.DNSNames)
	}
	if alg := algOf(csr.PublicKey); alg != args.Alg {
		d.fail("want a key of %v, got %v", args.Alg, alg)
	}
	if args.WireGuard && (len(r.WireGuard) != 32 || bytes.Equal(r.WireGuard, make([]byte, 32))) {
		d.fail("want a WireGuard public key of 32 bytes, got %s", dump(r.WireGuard))
	}
	d.fx = fixture{
		known: true, state: serialproto.StateKeyed, enrollID: args.EnrollID, deviceID: args.DeviceID, alg: args.Alg, csr: r.CSR,
		pub: csr.PublicKey, spki: csr.RawSubjectPublicKeyInfo, wg: r.WireGuard,
	}
}

// bundle is what a station installs on the newest generation: pins and tunnel where the device takes them.
func (d *dut) bundle() serialproto.InstallArgs {
	args := serialproto.InstallArgs{
		Op: serialproto.OpInstall, Chain: d.ca.chain(), EnrollID: d.fx.enrollID, Commit: true,
		Leaf: d.issued(d.ca.sub, leafTemplate(d.fx.deviceID), d.fx.pub).Raw,
	}
	if len(d.fx.wg) > 0 {
		args.WGConf = fmt.Appendf(nil, tunnel, base64Key(d.ca.root.cert.RawTBSCertificate))
	}
	if d.features&serialproto.FeatureUnlock != 0 {
		pin, err := d.ca.pin()
		if err != nil {
			panic(outcome{verdict: Fail, note: "the suite: " + err.Error()})
		}
		args.Pins = [][]byte{pin}
	}
	return args
}

// install brings the newest generation its files: by INSTALL, or in pieces where that is larger than the device takes.
func (d *dut) install(change func(*serialproto.InstallArgs)) serialproto.InstallResult {
	args := d.bundle()
	if change != nil {
		change(&args)
	}
	var r serialproto.InstallResult
	if len(d.encode(args)) > d.room() {
		r = d.bring(args)
	} else {
		d.ok(args, &r)
	}
	d.installed(args, r)
	return r
}

// room is how long a request may be.
func (d *dut) room() int {
	return min(int(d.welcome.MaxMessage), int(d.welcome.MTU)*serialproto.MaxFragment)
}

// installed holds digests against what was sent, and takes it for what the device holds.
func (d *dut) installed(args serialproto.InstallArgs, r serialproto.InstallResult) {
	for o, data := range objectsOf(args) {
		if got := r.Objects[o]; !bytes.Equal(got, digest8(data)) {
			d.fail("want digest8 %x of object %d (%v), got %s", digest8(data), o, o, dump(got))
		}
	}
	leaf, err := x509.ParseCertificate(args.Leaf)
	if err != nil {
		panic(outcome{verdict: Fail, note: "the suite: " + err.Error()})
	}
	d.fx.state, d.fx.leaf, d.fx.conf, d.fx.staged = serialproto.StateInstalled, leaf, args.WGConf, false
}

// objectsOf is what the device has to hold after INSTALL. The chain that was sent is whole, without prefixes.
func objectsOf(args serialproto.InstallArgs) map[serialproto.Obj][]byte {
	m := map[serialproto.Obj][]byte{serialproto.ObjLeaf: args.Leaf}
	if n := len(args.Chain); n > 0 {
		m[serialproto.ObjAnchor], m[serialproto.ObjChain] = bytes.Join(args.Chain, nil), bytes.Join(args.Chain[:n-1], nil)
	}
	if len(args.WGConf) > 0 {
		m[serialproto.ObjWGConf] = args.WGConf
	}
	if len(args.Pins) > 0 {
		m[serialproto.ObjPins] = bytes.Join(args.Pins, nil)
	}
	return m
}

// lock seals the device.
func (d *dut) lock() {
	d.ok(serialproto.LockArgs{Op: serialproto.OpLock, EnrollID: d.fx.enrollID, Flag: "198.51.100.7"}, nil)
	d.fx.state = serialproto.StateSealed
	d.kept = d.fx
}

// reads wants an object read back as it was sent. Where that is larger than a message may be, its digest has to do.
func (d *dut) reads(o serialproto.Obj, want [][]byte, after string) {
	var r serialproto.ReadResult
	h, _ := d.ask(serialproto.ReadArgs{Op: serialproto.OpRead, Obj: o}, &r)
	if all := bytes.Join(want, nil); h.Status == serialproto.StatusTooLarge && len(all)+8*len(want) > d.room() {
		got := d.status().Objects[o].Digest
		d.check(bytes.Equal(got, digest8(all)), "want digest8 %x of object %d (%v) after %s, got %s", digest8(all), o, o, after, dump(got))
		return
	}
	d.check(h.Status == serialproto.StatusOK, "READ of object %d (%v): want ok, got %s", o, o, statusWords(h))
	d.check(slices.EqualFunc(r.Certs, want, bytes.Equal), "want object %d (%v) as it was sent after %s, %d certificates, got %d others",
		o, o, after, len(want), len(r.Certs))
}

func digest(b []byte) []byte {
	s := sha256.Sum256(b)
	return s[:]
}

func digest8(b []byte) []byte { return digest(b)[:8] }

// readyID is the case that every run begins with.
const readyID = "ready"

func readyCases() []Case {
	return []Case{{
		ID: readyID, Clause: "Session", Level: Must, any: true, run: func(d *dut) { d.prepare() },
		Text: "the device opens a session, answers STATUS, and is empty or gives up what was begun",
	}}
}

// prepare listens for the device, and empties one that had begun something. What is sealed is left alone.
func (d *dut) prepare() {
	if len(d.announce.BootID) == 0 && !d.cfg.Probe {
		f, ok := d.hear(announced, kinds(serialproto.KindAnnounce))
		if !ok {
			unfit(ErrNotHeard, "no ANNOUNCE within "+announced.String()+", and nothing is said before: a boot loader may count down")
		}
		d.check(serialproto.Decode(f.Payload, &d.announce) == nil, "ANNOUNCE does not decode: %s", dump(f.Payload))
	}
	w := d.greet(nil)
	d.first, d.features = w, w.Features
	switch st := d.status(); {
	case st.State == serialproto.StateForeign:
		unfit(ErrNotEmpty, "it was enrolled by the tenant's own script: use another")
	case st.State == serialproto.StateSealed || st.Active != 0:
		unfit(ErrNotEmpty, "it is sealed: erase it under its unlock, or flash it anew")
	case st.State != serialproto.StateEmpty:
		d.empty()
	}
	d.fx = fixture{known: true}
	d.measureTrip()
}

// longestTrip is the slowest line that a device can be judged on.
const longestTrip = 5 * time.Second

// measureTrip looks how long the first sign of an answer takes on this line: what silence proves depends on it.
func (d *dut) measureTrip() {
	var most time.Duration
	heard := 0
	for range 5 {
		f, asked := d.statusFrame(d.nextID()), time.Now()
		if d.say(f); d.free.After(asked) {
			asked = d.free
		}
		if h, ok := d.hear(longestTrip, answers(f.ID)); ok {
			heard, most = heard+1, max(most, h.at.Sub(asked))
		}
	}
	d.check(heard > 0, "want an answer to STATUS within %v, got none to five", longestTrip)
	d.trip = most
	d.idle(d.slack()) // what was asked for twice because the line was not known yet
	d.queue = nil
}

// unfit ends the suite before anything was done to the device.
func unfit(class error, why string) {
	panic(outcome{verdict: NotRun, note: why, fatal: fmt.Errorf("%w: %s", class, why)})
}

// leave drops what was begun and says goodbye.
func (d *dut) leave() serialproto.State {
	d.greet(nil)
	st := d.status()
	if st.State == serialproto.StateKeyed || st.State == serialproto.StateInstalled {
		d.ok(serialproto.AbortArgs{Op: serialproto.OpAbort}, nil)
		st = d.status()
	}
	d.bye()
	return st.State
}
