package station

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"time"

	"provstation/station/mqttcheck"
)

// Who ran the test that proves, in [FactProofBy].
const (
	FactProofBy = "proof_by" // station|device|both

	proofByStation = "station"
	proofByDevice  = "device"
	proofByBoth    = "both"
)

// deviceStep begins the names of the steps of a test that the device runs, and deviceFact those of its facts where the
// station has run one, too.
const (
	deviceStep = "device-"
	deviceFact = "device_"
)

// mostOwnTest is the longest that a device may be asked to test for.
const mostOwnTest = 120 * time.Second

// proveByDevice has the device run the test over its own network. Nobody but the device has seen it: whatever it says, that
// is its claim, on record as such, and no more than that the broker acknowledged.
func (x *run) proveByDevice(ctx context.Context) error {
	device, ok := x.line.Line.(SelfChecker)
	if !ok {
		return &Fault{Code: CodeAgentOld, Outcome: Fail, Params: map[string]string{"have": x.greet.Firmware, "want": "CHECK_MQTT"}}
	}
	if x.closed() {
		if err := x.possesses(ctx); err != nil {
			return err
		}
	}
	both := x.cfg.MQTTRun == ProveBoth
	prefix := ""
	if both {
		prefix = deviceFact
	}
	cfg := x.brokerTest()
	cfg.Timeout = min(cfg.Timeout, mostOwnTest)
	cfg.Progress = func(s mqttcheck.StepResult) { x.stepDone(deviceStep+printable(string(s.Step)), s.Took, s.OK) }
	x.line.say("-> CHECK MQTT, at most %s", cfg.Timeout)
	res, err := device.CheckBroker(ctx, cfg)
	if me, ok := errors.AsType[*mqttcheck.Error](err); ok {
		x.line.say("<- %s at %s", me.Reason, me.Step)
	} else {
		x.line.heard(err, "%s", res.Proof)
	}
	x.brokerFacts(prefix, res)
	if err != nil {
		return x.brokerRefused(ctx, x.deviceSaid(err))
	}
	if err := x.holdsLeaf(ctx); err != nil { // which certificate it showed, it does not say
		return err
	}
	if both {
		p := x.borrowed
		p.Broker += "; " + said(res.Addr)
		x.proven(p, proofByBoth)
		return nil
	}
	p := x.proofOf(res, BrokerAcked)
	p.Broker, p.MQTT = said(res.Addr), printable(p.MQTT)
	x.proven(p, proofByDevice)
	return nil
}

// possesses has a sealed device sign what only this run knows: a renewal token for a name that no CA has. What a device says of
// a test shows nothing of its key, and its certificate is no secret.
func (x *run) possesses(ctx context.Context) error {
	impossible := &Fault{Code: CodeProofImpossible, Outcome: Uncertain, Params: map[string]string{"device_id": x.deviceID}}
	r, ok := x.line.Line.(Renewer)
	if !ok {
		return impossible
	}
	var nonce [16]byte
	_, _ = rand.Read(nonce[:]) // crypto/rand.Read never fails
	audience := "https://" + hex.EncodeToString(nonce[:]) + ".proof.invalid/renew"
	x.line.say("-> TOKEN for %s", audience)
	t, err := r.Token(ctx, audience, x.now())
	x.line.heard(err, "TOKEN, %d left", t.Left)
	switch {
	case isCode(err, CodeAgentOld, CodeAgentRefuse):
		impossible.Err = err
		return impossible
	case err != nil:
		return err
	case !bytes.Equal(t.Leaf, x.leaf):
		return &Fault{Code: CodeReadback, Outcome: Uncertain, Params: map[string]string{"objects": ObjectLeaf}}
	}
	return nil
}

// said marks an address in a record as the device's word.
func said(addr string) string { return printable(addr) + " (the device says)" }

// deviceSaid puts a test that failed on the device into a fault, as if the station had run it. A reason that no test ends
// with is no answer.
func (x *run) deviceSaid(err error) error {
	me, ok := errors.AsType[*mqttcheck.Error](err)
	if !ok {
		return err
	}
	bad := func(code Code, detail string) error {
		return &Fault{Code: code, Outcome: Fail, Params: map[string]string{"detail": printable(detail)}, Err: err}
	}
	_, known := brokerFaults[me.Reason]
	switch {
	case me.Reason == mqttcheck.SignerFailed: // its own key does not sign
		return bad(CodeAgentError, me.Sentence)
	case !known:
		return bad(CodeAgentBad, "it ended its test of the broker for no known reason: "+string(me.Reason))
	}
	f, _ := AsFault(brokerFault(err, x.brokerName()))
	f.Params = printables(f.Params)
	f.Params["run_by"] = proofByDevice
	return f
}
