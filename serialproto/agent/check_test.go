package agent_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"testing"
	"time"

	"provstation/serialproto"
	"provstation/serialproto/agent"
)

type tunnelFunc func(context.Context, agent.TunnelCheck) serialproto.CheckWGResult

func (f tunnelFunc) Check(ctx context.Context, c agent.TunnelCheck) serialproto.CheckWGResult {
	return f(ctx, c)
}

func TestChecksThatTheDeviceRuns(t *testing.T) {
	p := newPKI(t)
	held := 0
	var got agent.BrokerCheck
	d := newDevice(t, func(c *agent.Config) {
		c.AllowedServers = []string{"broker.example"}
		c.Guard = func() (func(), error) { held++; return func() { held-- }, nil }
		c.CheckMQTT = func(ctx context.Context, check agent.BrokerCheck) serialproto.CheckMQTTResult {
			end, ok := ctx.Deadline()
			if !ok || time.Until(end) > 9*time.Second || held != 0 {
				t.Errorf("deadline %v, store held %d times, want 9 s and free", end, held)
			}
			got = check
			return serialproto.CheckMQTTResult{Reason: "refused", Sentence: "Nothing listens there."}
		}
		c.Tunnel = tunnelFunc(func(_ context.Context, check agent.TunnelCheck) serialproto.CheckWGResult {
			if held != 0 || !bytes.Contains(check.Conf, []byte("PrivateKey = ")) {
				t.Errorf("store held %d times, want free and the tunnel's own file", held)
			}
			return serialproto.CheckWGResult{OK: true, Own: make([]byte, 32)}
		})
	})
	mqtt := serialproto.CheckMQTTArgs{Op: serialproto.OpCheckMQTT, Host: "10.0.0.9", ServerName: "Broker.Example", Seconds: 9}
	wg := serialproto.CheckWGArgs{Op: serialproto.OpCheckWG, Seconds: 9}
	d.want(serialproto.StatusWrongState, mqtt, nil)
	d.want(serialproto.StatusWrongState, wg, nil)
	e, _ := d.installed(1, p)
	check := func() {
		t.Helper()
		var r serialproto.CheckMQTTResult
		d.want(serialproto.StatusOK, mqtt, &r)
		if r.OK || r.Reason != "refused" || got.ClientID != "box-7" || len(got.Chain) != 3 || len(got.Anchors) != 3 {
			t.Errorf("got %+v for %+v", r, got)
		}
		req, err := x509.ParseCertificateRequest(e.CSR)
		if err != nil {
			t.Fatal(err)
		}
		if k, ok := req.PublicKey.(interface{ Equal(any) bool }); ok && !k.Equal(got.Key.Public()) {
			t.Error("the check has another key")
		}
		var w serialproto.CheckWGResult
		d.want(serialproto.StatusOK, wg, &w)
		if !w.OK {
			t.Errorf("got %+v", w)
		}
	}
	check()
	d.want(serialproto.StatusOK, lockArgs(1), nil)
	check()
	if s := d.status(); s.Signatures != agent.DefaultMaxSignatures {
		t.Errorf("got %d signatures left, want all: none left the device", s.Signatures)
	}
	mqtt.ServerName = "ca.example"
	d.want(serialproto.StatusRefused, mqtt, nil)
}
