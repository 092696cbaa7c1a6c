package station

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"strings"

	"provstation/station/mqttcheck"
)

// mqtt proves the credentials: a fresh connection to the tenant's broker, authenticated by the device's own key across
// the line, judged with the CA file the device holds and nothing else.
func (x *run) mqtt(ctx context.Context) error {
	if done, err := x.provenBefore(ctx); err != nil || done {
		return err
	}
	cfg := x.cfg.MQTT
	if x.course == courseAdopt {
		// A sealed device signs no TLS 1.3 transcript: it could not see for whom.
		if !x.greet.SignTLS12 || cfg.TLSMin > tls.VersionTLS12 {
			return &Fault{Code: CodeProofImpossible, Outcome: Uncertain, Params: map[string]string{"device_id": x.deviceID}}
		}
		cfg.TLSMax = tls.VersionTLS12
	}
	cfg.RootCAs = x.chain.CAFile()
	cfg.Now = x.now
	if cfg.Timeout == 0 || cfg.Timeout > x.timeout(PhaseMQTT) {
		cfg.Timeout = x.timeout(PhaseMQTT) / 3
	}
	cfg.Progress = func(s mqttcheck.StepResult) { x.stepDone(string(s.Step), s.Took, s.OK) }
	chain := x.chain.DeviceDER()
	res, err := x.prove(ctx, cfg, mqttcheck.Identity{
		ClientID: x.deviceID, Chain: chain, Signer: x.line.Signer(ctx, x.chain.Leaf.PublicKey, chain),
	})
	tlsText := res.TLSName() + " " + res.CipherName()
	x.fact("broker_address", res.Addr)
	if res.TLSVersion != 0 {
		x.fact(FactTLS, tlsText)
	}
	x.fact(FactMQTT, string(res.MQTTVersion))
	if err != nil {
		err = brokerFault(err, x.brokerName())
		if f, ok := AsFault(err); ok && f.Code == CodeBrokerCert {
			x.refuse(ctx, x.leaf, f.Code) // the next run has another one issued
		}
		return err
	}
	proof, ok := map[mqttcheck.Proof]Proof{
		mqttcheck.ProofBrokerAcked: BrokerAcked, mqttcheck.ProofBrokerDelivered: BrokerDelivered,
	}[res.Proof]
	if !ok {
		return &Fault{Code: CodeInternal, Outcome: Error, Params: map[string]string{"detail": "the broker test ended without a proof"}}
	}
	crash(pointProven)
	x.proof = proof
	x.fact(FactProof, string(proof))
	x.proofs = ProofRecord{
		Run: x.start.Run, Tenant: x.start.Tenant, HardwareSerial: x.serial(), DeviceID: x.deviceID, SPKI: x.spki,
		Leaf: x.leaf, Proof: proof, Broker: res.Addr, TLS: tlsText, MQTT: string(res.MQTTVersion), At: x.now().UTC(),
	}
	return nil
}

// provenBefore finds the proof of a device that was sealed by a run whose final record was lost, where the device can no
// longer be asked to prove itself. The proof was durable before the device was sealed.
func (x *run) provenBefore(ctx context.Context) (bool, error) {
	if x.course != courseAdopt || x.greet.SignTLS12 || x.greet.State != StateSealed {
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
	adopted := x.closed() // sealed already, by itself or by its own script
	var in Intent
	if !adopted {
		if err := x.warnNoPin(ctx); err != nil {
			return err
		}
		in = x.intent(IntendSeal, x.leaf)
	}
	if err := x.provisional(ctx, in); err != nil {
		return err
	}
	if adopted {
		crash(pointSealAdopted)
		x.sealed = true
		return nil
	}
	crash(pointSealIntent)
	flag := ""
	if a := cmp.Or(strings.Join(x.tunnelAddresses(), " "), strings.Join(x.before.record.TunnelAddresses, " ")); a != "" {
		flag, _, _ = strings.Cut(a, " ")
	}
	if err := x.came(in, x.line.Seal(ctx, x.enrollID, flag)); err != nil {
		return err
	}
	x.sealed = true
	return nil
}

// provisional makes durable what is known before the device is sealed, in one transaction.
func (x *run) provisional(ctx context.Context, seal Intent) error {
	if x.cfg.MQTTOff {
		x.warn(CodeMQTTOff, nil)
		if seal.ID == "" {
			return nil
		}
		_, err := x.intend(ctx, seal.Kind, seal.Leaf)
		return err
	}
	p := x.proofs
	p.Readback = map[string]string{}
	for name, digest := range x.readback {
		p.Readback[name] = hexOf(digest)
	}
	if seal.ID != "" {
		p.Seal = &seal
	}
	if err := x.ledger.SaveProof(ctx, p); err != nil {
		return x.ledgerFault("record the proof", err)
	}
	return nil
}
