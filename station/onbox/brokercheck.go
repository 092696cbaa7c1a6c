package onbox

import (
	"context"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"provstation/serialproto"
	"provstation/serialproto/agent"
	"provstation/station/mqttcheck"
)

// CheckBroker runs the broker test with the device's own key over its own network: the same test, with the same steps, as
// a station runs with a key at the far end of a line.
func CheckBroker(ctx context.Context, c agent.BrokerCheck) serialproto.CheckMQTTResult {
	start := time.Now()
	res, err := mqttcheck.Check(ctx, mqttcheck.Config{
		Host: c.Args.Host, Port: c.Args.Port, ServerName: c.Args.ServerName, RootCAs: c.Anchors, TLSMin: c.Args.TLSMin, TLSMax: c.Args.TLSMax,
		Protocol: mqttcheck.Protocol(c.Args.Protocol), Topic: c.Args.Topic, Payload: c.Args.Payload,
		Username: c.Args.User, Password: mqttcheck.Secret(c.Args.Password), Timeout: time.Duration(c.Args.Seconds) * time.Second,
		Now: func() time.Time { return c.Now.Add(time.Since(start)) },
	}, mqttcheck.Identity{ClientID: c.ClientID, Chain: c.Chain, Signer: c.Key})
	out := serialproto.CheckMQTTResult{
		OK: err == nil, Proof: string(res.Proof), Addr: res.Addr, TLS: res.TLSVersion, Cipher: res.CipherSuite, MQTT: string(res.MQTTVersion),
		Puback: res.PubackCode, Signatures: uint8(min(max(res.Signatures, 0), 255)),
	}
	if fp, hexErr := hex.DecodeString(res.ServerFingerprint); hexErr == nil && len(fp) == 32 {
		out.Fingerprint = fp
	}
	for _, s := range res.Steps[:min(len(res.Steps), serialproto.MaxSteps)] {
		out.Steps = append(out.Steps, serialproto.CheckStep{
			Name: string(s.Step), Attempt: uint8(s.Attempt), OK: s.OK, Took: micros(s.Took),
		})
	}
	if err != nil {
		explain(&out, err)
	}
	return out
}

// atHome puts the words of a test that a station runs into those of one that a device runs.
var atHome = strings.NewReplacer("the station's", "the device's", "The station's", "The device's")

// explain says why the test failed.
func explain(out *serialproto.CheckMQTTResult, err error) {
	var e *mqttcheck.Error
	if !errors.As(err, &e) {
		e = &mqttcheck.Error{Step: mqttcheck.StepPrepare, Reason: mqttcheck.BadConfig, Sentence: "The broker test ended with an unknown error."}
	}
	out.Proof = ""
	out.Reason, out.Failed, out.Alert, out.Code = string(e.Reason), string(e.Step), e.Alert, e.Code
	out.Sentence, out.Hint = Printable(atHome.Replace(e.Sentence), serialproto.MaxSentence), Printable(atHome.Replace(e.Hint), serialproto.MaxSentence)
	out.Words = Printable(e.BrokerText, 160)
	if n := len(out.Steps); n > 0 && !out.Steps[n-1].OK {
		out.Steps[n-1].Text = Printable(out.Reason, 160)
	}
}

func micros(d time.Duration) uint64 { return uint64(max(d.Microseconds(), 0)) }
