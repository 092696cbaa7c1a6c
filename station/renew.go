package station

import (
	"context"
	"crypto/tls"
	"errors"
	"slices"
	"strings"

	"provstation/station/pki"
	"provstation/station/stepca"
	"provstation/station/wgconf"
)

// What a device that is enrolled has before it is renewed or rekeyed.
type before struct {
	chain  *pki.Chain
	leaf   []byte     // SHA-256
	record CertRecord // what is on file of the certificate: its tunnel goes on with the new one
}

// closed reports whether the run leaves the device sealed as it found it: it signs no TLS 1.3 handshake freely then.
func (x *run) closed() bool { return x.course == courseAdopt || x.course == courseRenew }

// decideTask chooses the course of a run that a person asked for, on a device that is known as far as decide says.
func (x *run) decideTask() error {
	refused := func(detail string) error {
		return &Fault{Code: CodeRenewState, Outcome: Fail, Params: map[string]string{
			"device_id": x.holding.DeviceID, "hardware_serial": x.serial(), "detail": detail,
		}}
	}
	h := x.holding
	carriesOn := x.greet.State == StateKeyed && h.Active != 0 && x.start.Task == TaskRekey
	switch {
	case x.cfg.Queue != nil:
		return refused("without a network nothing is renewed")
	case x.greet.State == StateForeign:
		return refused("another procedure enrolled it")
	case x.greet.State != StateSealed && !carriesOn:
		return refused("it is not finished yet: " + string(x.greet.State))
	case x.cfg.Renewal.CA == nil:
		return &Fault{Code: CodeCANone, Outcome: Error, Class: Misconfigured}
	}
	x.enrollID = h.EnrollID
	if x.start.Task == TaskRenew {
		x.course = courseRenew
		return nil
	}
	x.course = courseRekey
	if !carriesOn {
		x.enrollID = newEnrollID()
	}
	return nil
}

// readBefore reads and judges the certificate that is to be renewed: the CA renews none that is over, and nothing is asked for
// a device whose files are not what they have to be.
func (x *run) readBefore(ctx context.Context) error {
	if x.before.chain != nil {
		return nil
	}
	chain, err := x.heldChain(ctx)
	if err != nil {
		if f, ok := AsFault(err); ok && pki.CheckOf(err) == pki.CheckExpired {
			f.Code = CodeCertExpired
			f.Params["device_id"] = x.deviceID
		}
		return err
	}
	if err := x.recordHeld(ctx, chain); err != nil {
		return err
	}
	b := before{chain: chain, leaf: certRecord(chain.Leaf).Fingerprint}
	spki := chain.SPKIHash()
	if b.record, _, err = x.onRecord(ctx, spki[:], b.leaf); err != nil {
		return err
	}
	if b.record.Revoked {
		return &Fault{Code: CodeCARevoked, Outcome: Fail, Params: map[string]string{"device_id": x.deviceID}}
	}
	x.before = b
	x.fact(FactPrevious, hexOf(b.leaf))
	x.fact(FactPreviousEnd, stamp(chain.NotAfter()))
	return nil
}

// rekeygen has a sealed device make a new key beside the one it has: under an unlock, where its policy wants one. The tunnel
// stays, key and file: the bridge is not asked for another.
func (x *run) rekeygen(ctx context.Context) error {
	if err := x.readBefore(ctx); err != nil {
		return err
	}
	if !x.greet.SignTLS12 {
		return &Fault{Code: CodeProofImpossible, Outcome: Fail, Params: map[string]string{"device_id": x.deviceID}}
	}
	return x.keygen(ctx)
}

// keepsTunnel reports whether the device has a tunnel that a new key leaves as it is.
func (x *run) keepsTunnel() bool {
	_, has := x.holding.Objects[ObjectTunnel]
	return x.course == courseRekey && has
}

// renew has the CA renew the device's certificate, or sign its new key. What it issued is on record before it is judged.
func (x *run) renew(ctx context.Context) error {
	if err := x.readBefore(ctx); err != nil {
		return err
	}
	ca, err := x.cfg.Renewal.CA(ctx)
	if err != nil {
		return err
	}
	contract, spki := ContractRenew, x.holding.SPKI
	var csr []byte
	if x.course == courseRekey {
		contract, spki, csr = ContractRekey, x.spki, x.csr.Digest[:]
	}
	x.spki = spki
	p := Post{
		ID: newID(), Run: x.start.Run, Tenant: x.start.Tenant, DeviceID: x.deviceID, SPKI: spki, CSRDigest: csr,
		Contract: contract, At: x.now().UTC(),
	}
	token, err := x.renewalToken(ctx, ca) // before the intent: a device that signs none has asked the CA for nothing
	if err != nil {
		return err
	}
	if err := x.mayPost(ctx, p); err != nil {
		return err
	}
	issued, err := x.ask(ctx, ca, token)
	x.postID = p.ID
	if err != nil {
		return x.notRenewed(ctx, p, err)
	}
	crash(pointPostAnswered)
	x.answer = renewed(contract, issued.Leaf, issued.Chain)
	return x.journalAnswer(ctx)
}

// renewed is what the CA answered, in the form of a bridge's answer.
func renewed(c Contract, leaf []byte, chain [][]byte) EnrollAnswer {
	a := EnrollAnswer{Contract: c, Certificate: pemText(leaf)}
	for _, der := range chain {
		a.Chain += pemText(der)
	}
	return a
}

// renewalToken has the device sign a token, where that is the way; nil: mTLS is.
func (x *run) renewalToken(ctx context.Context, ca Authority) (*stepca.Secret, error) {
	way := x.cfg.Renewal.Way
	if x.course == courseRekey || way == RenewByMTLS {
		return nil, nil //nolint:nilnil // nil is none
	}
	r, ok := x.line.Line.(Renewer)
	if !ok {
		return nil, nil //nolint:nilnil // the same
	}
	if err := x.settled(); err != nil {
		return nil, x.unsaved(err)
	}
	x.line.say("-> TOKEN for %s", ca.Audience(stepca.OpRenew))
	t, err := r.Token(ctx, ca.Audience(stepca.OpRenew), x.now())
	x.line.heard(err, "TOKEN, %d left", t.Left)
	if f, is := AsFault(err); is && f.Code == CodeAgentOld && way != RenewByToken && x.greet.SignTLS12 {
		return nil, nil //nolint:nilnil // the same
	}
	if err != nil {
		return nil, err
	}
	x.fact(FactTokensLeft, itoa(t.Left))
	s := stepca.NewSecret(t.Token.Reveal())
	return &s, nil
}

// ask asks the CA once.
func (x *run) ask(ctx context.Context, ca Authority, token *stepca.Secret) (stepca.Issued, error) {
	if token != nil {
		x.fact(FactRenewedBy, string(RenewByToken))
		return ca.RenewByToken(ctx, *token)
	}
	x.fact(FactRenewedBy, string(RenewByMTLS))
	chain := x.before.chain.DeviceDER()
	cert := tls.Certificate{Certificate: chain, PrivateKey: x.line.Signer(ctx, x.before.chain.Leaf.PublicKey, chain)}
	if x.course == courseRekey {
		return ca.Rekey(ctx, cert, x.csr.Raw)
	}
	return ca.Renew(ctx, cert)
}

// notRenewed notes what became of a request that failed: closed where nothing was issued, and what was issued all the same.
func (x *run) notRenewed(ctx context.Context, p Post, cause error) error {
	if leaf := leafOf(cause); leaf != nil { // of no use, but it exists
		x.answer = renewed(p.Contract, leaf, nil)
		err := x.journalAnswer(ctx)
		x.answer = EnrollAnswer{}
		if err != nil {
			return err
		}
	} else if !errors.Is(cause, stepca.ErrMaybeIssued) {
		if err := x.ledger.PostEnded(context.WithoutCancel(ctx), p.ID, printable(cause.Error())); err != nil {
			return x.ledgerFault("close the request", err)
		}
		crash(pointPostClosed)
	}
	return CAFault(cause)
}

// leafOf is a certificate that the CA issued in an answer that is of no use otherwise.
func leafOf(err error) []byte {
	if e, ok := errors.AsType[*stepca.Error](err); ok {
		return e.Leaf
	}
	return nil
}

// judgeRenewal holds what the CA issued to the rules of an enrollment. The device trusts nobody new by a renewal: where the
// CA has another issuer now, only a new enrollment brings it.
func (x *run) judgeRenewal(ctx context.Context) error {
	anchors, err := x.trust.Anchors(ctx)
	if err != nil {
		return err
	}
	policy := x.policy(anchors)
	policy.PublicKey = x.before.chain.Leaf.PublicKey
	if x.course == courseRekey {
		policy.PublicKey = x.csr.PublicKey
	}
	chain, err := pki.VerifyAnswer(pki.Answer{Certificate: x.answer.Certificate, CAChain: x.answer.Chain}, policy)
	if err != nil {
		return certFault(err)
	}
	if !sameDER(chain.CAFileDER(), x.before.chain.CAFileDER()) {
		return &Fault{Code: CodeRenewIssuer, Outcome: Fail, Params: map[string]string{
			"device_id": x.deviceID, "have": chain.IssuerName(), "want": x.before.chain.IssuerName(),
		}}
	}
	if err := x.acceptChain(chain); err != nil {
		return err
	}
	rec := certRecord(chain.Leaf)
	rec.IssuerFingerprint, rec.Chain = pki.Fingerprint(chain.Issuer()), chain.CAFileDER()
	old := x.before.record // the tunnel is the same one
	rec.WGConf, rec.TunnelAddresses, rec.WireGuardKeyByBridge = old.WGConf, old.TunnelAddresses, old.WireGuardKeyByBridge
	if err := x.saveCertificate(ctx, rec); err != nil {
		return err
	}
	crash(pointJudged)
	if old.WGConf != "" && !strings.Contains(old.WGConf, hidden) {
		x.wgText = []byte(old.WGConf) // what is read back, not what is sent
		if x.tunnel, err = wgconf.Parse(x.wgText); err != nil {
			return wgFault(err)
		}
	}
	x.bundle = Bundle{EnrollID: x.enrollID, Leaf: rec.Leaf, Chain: rec.Chain}
	return nil
}

// replaceLeaf has the device put the new certificate in the place of the one before: whole or not at all.
func (x *run) replaceLeaf(ctx context.Context) error {
	r, ok := x.line.Line.(Renewer)
	if !ok {
		return &Fault{Code: CodeAgentOld, Outcome: Fail, Params: map[string]string{"have": x.greet.Firmware, "want": "RENEW"}}
	}
	return x.cause(ctx, IntendInstall, x.leaf, func() (err error) {
		x.line.say("-> RENEW, %d bytes", len(x.bundle.Leaf))
		x.readback, err = r.Renew(ctx, x.enrollID, x.bundle.Leaf, true)
		x.line.heard(err, "RENEW")
		return err
	})
}

// renewalSteps are the phases after identify of a run that renews or rekeys.
func (x *run) renewalSteps() []phaseStep {
	steps := []phaseStep{{PhaseAssign, x.assign}, {PhaseClock, x.clock}}
	install := x.replaceLeaf
	if x.course == courseRekey {
		steps = append(steps, phaseStep{PhaseKeygen, x.rekeygen}, phaseStep{PhaseCSR, x.checkCSR})
		install = x.install
	} else {
		steps = append(steps, phaseStep{PhaseKeygen, nil}, phaseStep{PhaseCSR, nil})
	}
	mqtt, own := x.mqtt, x.autorenew
	if x.cfg.MQTTOff {
		mqtt = nil
	}
	if !x.cfg.Autorenew.on() {
		own = nil
	}
	return slices.Concat(steps, []phaseStep{
		{PhaseRenew, x.renew},
		{PhaseVerify, x.verifyBy(x.judgeRenewal)},
		{PhaseInstall, install},
		{PhaseReadback, x.compareReadback},
		{PhaseMQTT, mqtt},
		{PhaseWireGuard, nil}, // as it was
		{PhaseRegister, nil},
		{PhaseAutorenew, own},
		{PhaseSeal, x.seal},
	})
}
