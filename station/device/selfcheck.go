package device

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"provstation/serialproto"
	"provstation/station"
	"provstation/station/mqttcheck"
)

// CheckBroker has the device run the broker test, and puts what it says into the words of a test that the station ran.
// Everything in it is the device's claim.
func (l *line) CheckBroker(ctx context.Context, cfg mqttcheck.Config) (mqttcheck.Result, error) {
	if err := l.has(serialproto.FeatureCheckMQTT, serialproto.OpCheckMQTT); err != nil {
		return mqttcheck.Result{}, err
	}
	timeout := cfg.Timeout
	if timeout <= 0 {
		timeout = mqttcheck.DefaultTimeout
	}
	var r serialproto.CheckMQTTResult
	err := l.call(ctx, "have the device test the broker", &serialproto.CheckMQTTArgs{
		Op: serialproto.OpCheckMQTT, Host: cfg.Host, Port: cfg.Port, ServerName: cfg.ServerName, Protocol: string(cfg.Protocol),
		Topic: cfg.Topic, Payload: cfg.Payload, User: cfg.Username, Password: []byte(string(cfg.Password)),
		TLSMin: cfg.TLSMin, TLSMax: cfg.TLSMax, Seconds: checkSeconds(timeout),
	}, &r)
	if err != nil {
		return mqttcheck.Result{}, err
	}
	res := mqttcheck.Result{
		Proof: mqttcheck.Proof(r.Proof), Addr: r.Addr, TLSVersion: r.TLS, CipherSuite: r.Cipher, ServerFingerprint: hex.EncodeToString(r.Fingerprint),
		MQTTVersion: mqttcheck.Protocol(r.MQTT), PubackCode: r.Puback, Signatures: int(r.Signatures),
	}
	for _, s := range r.Steps {
		step := mqttcheck.StepResult{Step: mqttcheck.Step(s.Name), Attempt: int(s.Attempt), OK: s.OK, Took: took(s.Took)}
		res.Steps = append(res.Steps, step)
		if cfg.Progress != nil {
			cfg.Progress(step)
		}
	}
	if r.OK {
		if p := res.Proof; p != mqttcheck.ProofBrokerAcked && p != mqttcheck.ProofBrokerDelivered {
			return mqttcheck.Result{}, badAnswer(fmt.Errorf("broker test: the device says it has the proof %q", r.Proof))
		}
		return res, nil
	}
	return res, &mqttcheck.Error{
		Step: mqttcheck.Step(r.Failed), Reason: mqttcheck.Reason(r.Reason), Alert: r.Alert, Code: r.Code, Protocol: mqttcheck.Protocol(r.MQTT),
		Sentence: r.Sentence, Hint: r.Hint, BrokerText: r.Words,
	}
}

// took bounds a time that the device says.
func took(us uint64) time.Duration {
	return time.Duration(min(us, uint64(time.Hour/time.Microsecond))) * time.Microsecond
}

func checkSeconds(d time.Duration) uint8 {
	return uint8(min(max((d+time.Second-1)/time.Second, 1), serialproto.MaxCheck))
}

func (l *line) CheckTunnel(ctx context.Context, wake string, within time.Duration) (station.TunnelReport, error) {
	if err := l.has(serialproto.FeatureCheckWG, serialproto.OpCheckWG); err != nil {
		return station.TunnelReport{}, err
	}
	var r serialproto.CheckWGResult
	args := &serialproto.CheckWGArgs{Op: serialproto.OpCheckWG, Seconds: checkSeconds(within), Wake: wake}
	if err := l.call(ctx, "have the device look at its tunnel", args, &r); err != nil {
		return station.TunnelReport{}, err
	}
	t := station.TunnelReport{
		OK: r.OK, Own: r.Own, Peer: r.Peer, Endpoint: r.Endpoint, Handshake: micros(r.Handshake), Received: r.Received, Sent: r.Sent,
		Reason: r.Reason, Sentence: r.Sentence,
	}
	for _, s := range r.Steps {
		t.Steps = append(t.Steps, station.TunnelStep{Name: s.Name, OK: s.OK, Took: took(s.Took), Text: s.Text})
	}
	return t, nil
}
