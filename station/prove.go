package station

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"slices"
	"strings"

	"provstation/station/mqttcheck"
)

// ProofMode is who runs the test at the broker.
type ProofMode string

// Modes.
const (
	ProveBorrowed ProofMode = "" // the station, with the device's key across the line
	ProveDevice   ProofMode = "device"
	ProveBoth     ProofMode = "both" // the station, then the device: both must succeed
)

// way is how a device takes part in a test that the station runs.
type way uint8

const (
	wayNone     way = iota
	wayFree         // not sealed: it signs what the broker speaks
	wayTLS12        // sealed: a transcript that it reads
	wayUnlocked     // sealed, and unlocked for handshakes of TLS 1.3, whose server it cannot see
	wayOwn          // none of these: it runs the test itself
)

// mqtt proves the credentials: a fresh connection to the tenant's broker, authenticated by the device's own key across
// the line, judged with the CA file the device holds and nothing else. By policy the device runs a test of its own, too, or
// instead.
func (x *run) mqtt(ctx context.Context) error {
	if x.cfg.MQTTRun == ProveDevice {
		return x.proveByDevice(ctx)
	}
	w := x.freeWay()
	if w == wayNone {
		if x.cfg.MQTTRun != ProveBoth { // what is on file may be the station's test alone
			if done, err := x.provenBefore(ctx); err != nil || done {
				return err
			}
		}
		var err error
		if w, err = x.lastWay(ctx); err != nil {
			return err
		}
	}
	err := x.proveBy(ctx, w)
	if me, ok := errors.AsType[*mqttcheck.Error](err); ok && w == wayTLS12 && me.Reason == mqttcheck.ProtocolVersion {
		other, oerr := x.lastWay(ctx) // the broker speaks no TLS 1.2
		if oerr != nil && !isCode(oerr, CodeProofImpossible) {
			return oerr
		}
		if oerr == nil {
			err = x.proveBy(ctx, other)
		}
	}
	if err == nil && x.cfg.MQTTRun == ProveBoth {
		return x.proveByDevice(ctx)
	}
	return err
}

func isCode(err error, codes ...Code) bool {
	f, ok := AsFault(err)
	return ok && slices.Contains(codes, f.Code)
}

// freeWay is how the device takes part without being opened: not sealed, as the broker likes; sealed, by TLS 1.2 alone.
func (x *run) freeWay() way {
	switch {
	case !x.closed():
		return wayFree
	case x.greet.SignTLS12 && x.cfg.MQTT.TLSMin <= tls.VersionTLS12 && x.holding.SignaturesLeft > 0:
		return wayTLS12
	}
	return wayNone
}

// lastWay opens a sealed device for the test, or finds that it runs one itself. An unlock that this device does not take is
// no end where it does.
func (x *run) lastWay(ctx context.Context) (way, error) {
	impossible := error(&Fault{Code: CodeProofImpossible, Outcome: Uncertain, Params: map[string]string{"device_id": x.deviceID}})
	if m := x.cfg.MQTT.TLSMax; x.greet.State != StateForeign && x.greet.SignTLS13 && (m == 0 || m >= tls.VersionTLS13) {
		err := x.unlock(ctx, UnlockProof, x.handshakes())
		switch {
		case err == nil:
			return wayUnlocked, nil
		case isCode(err, CodeUnlockRefused):
			impossible = err
		case !isCode(err, CodeUnlockKey, CodeUnlockPin, CodeAgentOld):
			return wayNone, err
		}
	}
	if x.greet.ChecksBroker && x.cfg.MQTTRun == ProveBorrowed {
		return wayOwn, nil
	}
	return wayNone, impossible
}

// handshakes is how many of them one test may take: where nothing says which MQTT the broker speaks, the second is for the
// older one. Another try of the phase asks for another unlock.
func (x *run) handshakes() int {
	if p := x.cfg.MQTT.Protocol; p == mqttcheck.Protocol5 || p == mqttcheck.Protocol311 {
		return 1
	}
	return 2
}

func (x *run) proveBy(ctx context.Context, w way) error {
	if w == wayOwn {
		return x.proveByDevice(ctx)
	}
	if x.cfg.MQTTRun == ProveBoth && x.borrowed.Proof != NoProof && bytes.Equal(x.borrowed.Leaf, x.leaf) {
		return nil // another try is for what is left: the device's own test
	}
	return x.proveBorrowed(ctx, w)
}

// brokerTest is the test by the configuration.
func (x *run) brokerTest() mqttcheck.Config {
	cfg := x.cfg.MQTT
	cfg.RootCAs = x.chain.CAFile()
	cfg.Now = x.now
	if limit := x.timeout(PhaseMQTT); cfg.Timeout == 0 || cfg.Timeout > limit {
		cfg.Timeout = limit / 3
	}
	return cfg
}

// proveBorrowed has the station connect, and the device sign.
func (x *run) proveBorrowed(ctx context.Context, w way) error {
	cfg := x.brokerTest()
	switch w {
	case wayTLS12:
		cfg.TLSMax = tls.VersionTLS12
	case wayUnlocked:
		cfg.TLSMin = tls.VersionTLS13
	}
	cfg.Progress = func(s mqttcheck.StepResult) { x.stepDone(string(s.Step), s.Took, s.OK) }
	chain := x.chain.DeviceDER()
	res, err := x.prove(ctx, cfg, mqttcheck.Identity{
		ClientID: x.deviceID, Chain: chain, Signer: x.line.Signer(ctx, x.chain.Leaf.PublicKey, chain),
	})
	x.brokerFacts("", res)
	if err != nil {
		return x.brokerRefused(ctx, brokerFault(err, x.brokerName()))
	}
	proof, ok := map[mqttcheck.Proof]Proof{
		mqttcheck.ProofBrokerAcked: BrokerAcked, mqttcheck.ProofBrokerDelivered: BrokerDelivered,
	}[res.Proof]
	if !ok {
		return &Fault{Code: CodeInternal, Outcome: Error, Params: map[string]string{"detail": "the broker test ended without a proof"}}
	}
	if w == wayUnlocked { // it signed what it could not look into: what was shown must be what it has
		if err := x.holdsLeaf(ctx); err != nil {
			return err
		}
	}
	if x.cfg.MQTTRun == ProveBoth {
		x.borrowed = x.proofOf(res, proof)
		return nil
	}
	x.proven(x.proofOf(res, proof), proofByStation)
	return nil
}

// proofOf is the record of a test that succeeded.
func (x *run) proofOf(res mqttcheck.Result, p Proof) ProofRecord {
	return ProofRecord{
		Run: x.start.Run, Tenant: x.start.Tenant, HardwareSerial: x.serial(), DeviceID: x.deviceID, SPKI: x.spki,
		Leaf: x.leaf, Proof: p, Broker: res.Addr, TLS: tlsText(res), MQTT: string(res.MQTTVersion), At: x.now().UTC(),
	}
}

// proven takes a proof for the run's.
func (x *run) proven(p ProofRecord, by string) {
	crash(pointProven)
	x.proof, x.proofs = p.Proof, p
	x.fact(FactProof, string(p.Proof))
	x.fact(FactProofBy, by)
}

func tlsText(res mqttcheck.Result) string { return res.TLSName() + " " + res.CipherName() }

// brokerFacts tells what a test has seen; the names of the facts begin as prefix says.
func (x *run) brokerFacts(prefix string, res mqttcheck.Result) {
	x.fact(prefix+"broker_address", printable(res.Addr))
	if res.TLSVersion != 0 {
		x.fact(prefix+FactTLS, tlsText(res))
	}
	x.fact(prefix+FactMQTT, printable(string(res.MQTTVersion)))
}

// brokerRefused sees to it that a certificate that the broker refused is not used again.
func (x *run) brokerRefused(ctx context.Context, err error) error {
	if isCode(err, CodeBrokerCert) {
		x.refuse(ctx, x.leaf, CodeBrokerCert) // the next run has another one issued
	}
	return err
}

// holdsLeaf asks the device whether the certificate that was proven is the one it uses.
func (x *run) holdsLeaf(ctx context.Context) error {
	h, err := x.line.Holding(ctx)
	if err != nil {
		return err
	}
	if bytes.Equal(h.Leaf, x.leaf) {
		return nil
	}
	return &Fault{Code: CodeReadback, Outcome: Uncertain, Params: map[string]string{
		"objects": ObjectLeaf, "have": hexOf(h.Leaf), "want": hexOf(x.leaf), "detail": "the device uses another certificate than the one that was tested",
	}}
}

// provenBefore finds the proof of a device that was sealed by a run whose final record was lost, where the device would have
// to be opened to prove itself again. The proof was durable before the device was sealed.
func (x *run) provenBefore(ctx context.Context) (bool, error) {
	if x.course != courseAdopt || x.greet.State != StateSealed {
		return false, nil
	}
	p, err := x.ledger.Proof(ctx, x.start.Tenant, x.serial(), x.spki, x.leaf)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, x.ledgerFault("look the proof up", err)
	}
	x.proof, x.proofs = p.Proof, p
	x.proofs.Run, x.proofs.At = x.start.Run, x.now().UTC()
	x.fact(FactProof, string(p.Proof))
	x.fact("proof_on_file", p.Run)
	x.adopt(AdoptedProof)
	return true, nil
}

func (x *run) brokerName() string { return x.bench.cfg.Info.Broker }

// seal makes proof, provisional record and the intent to seal durable first; only then may the device be told that it is
// enrolled.
func (x *run) seal(ctx context.Context) error {
	if x.short != nil { // nobody has found that the box renews by itself
		if err := x.tooShort(nil); err != nil {
			return err
		}
	}
	adopted := x.closed() // sealed already, by itself or by its own script
	var in Intent
	if !adopted {
		if err := x.warnNoPin(ctx); err != nil {
			return err
		}
		in = x.intent(IntendSeal, x.leaf)
	}
	x.provisional(ctx, in)
	if adopted {
		if err := x.settled(); err != nil {
			return x.unsaved(err)
		}
		x.sealed = true
		return nil
	}
	flag := ""
	if a := cmp.Or(strings.Join(x.tunnelAddresses(), " "), strings.Join(x.before.record.TunnelAddresses, " ")); a != "" {
		flag, _, _ = strings.Cut(a, " ")
	}
	if err := x.when(in, func() error { return x.line.Seal(ctx, x.enrollID, flag) }); err != nil {
		return err
	}
	x.sealed = true
	return nil
}

// provisional records what is known before the device is sealed, in one transaction.
func (x *run) provisional(ctx context.Context, seal Intent) {
	if x.cfg.MQTTOff {
		x.warn(CodeMQTTOff, nil)
		if seal.ID != "" {
			x.intend(ctx, seal)
		}
		return
	}
	p := x.proofs
	p.Readback = map[string]string{}
	for name, digest := range x.readback {
		p.Readback[name] = hexOf(digest)
	}
	at := pointSealAdopted
	if seal.ID != "" {
		p.Seal, at = &seal, pointSealIntent
	}
	x.saved(x.ledger.SaveProofSoon(ctx, p), at)
}
