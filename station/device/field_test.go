package device

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"provstation/serialproto"
	"provstation/serialproto/agent"
	"provstation/serialproto/agent/filestore"
	"provstation/serialproto/prototest"
	"provstation/station"
	"provstation/station/mqttcheck"
	"provstation/station/stationtest"
	"provstation/station/wgconf"
)

// ownRenewal stands for a box that renews by itself.
type ownRenewal struct{ url, audience string }

func (o *ownRenewal) Set(url, audience string) error { o.url, o.audience = url, audience; return nil }
func (o *ownRenewal) Get() (string, string, error)   { return o.url, o.audience, nil }
func (o *ownRenewal) State() (serialproto.RenewalState, error) {
	return serialproto.RenewalState{URL: o.url, Last: 1795520000000000, Failures: 1, Error: "refused"}, nil
}

// lookedAt answers the device's own checks.
type lookedAt struct{ wg serialproto.CheckWGResult }

func (l lookedAt) Check(context.Context, agent.TunnelCheck) serialproto.CheckWGResult { return l.wg }

// fieldAgent opens a line to a real agent under policy unlock.
func fieldAgent(t *testing.T, change func(*agent.Config)) *line {
	t.Helper()
	store, err := filestore.Open(t.TempDir(), filestore.Config{Volatile: true})
	must(t, err)
	cfg := agent.Config{
		Model: "box", Serial: "SN-0001", Firmware: "1.2.3", Reenroll: serialproto.ReenrollUnlock, Renewal: &ownRenewal{},
		CompleteWG: func(conf []byte, priv [32]byte) ([]byte, error) { return wgconf.Complete(conf, wgtypes.Key(priv)) },
		StripWG:    wgconf.WithoutPrivateKey,
	}
	if change != nil {
		change(&cfg)
	}
	a, err := agent.New(store, cfg)
	must(t, err)
	near, far := prototest.Pipe(prototest.Config{})
	serve(t, func(ctx context.Context) { _ = a.Run(ctx, far) })
	l := open(t, near, Config{})
	greet(t, l)
	return l
}

func unlockPin(t *testing.T, k crypto.Signer) []byte {
	t.Helper()
	p, err := serialproto.UnlockPin(k.Public())
	must(t, err)
	return p
}

var fieldID = station.EnrollID([]byte("enroll-1"))

// sealedWith takes a device to the sealed state with an unlock key, and gives the CSR.
func sealedWith(t *testing.T, l *line, p *stationtest.PKI, unlock crypto.Signer) []byte {
	t.Helper()
	_, a := key(t, l, "enroll-1", "P-256")
	b := bundle(t, p, a.CSR, "enroll-1")
	b.Pins = [][]byte{unlockPin(t, unlock)}
	back, err := l.Install(within(t), b)
	must(t, err)
	if !bytes.Equal(back[station.ObjectPins], short(b.Pins[0])) {
		t.Errorf("pins read back as %x", back[station.ObjectPins])
	}
	must(t, l.SetRenewal(within(t), fieldID, renewURL, ""))
	must(t, l.Seal(within(t), fieldID, "10.8.1.2"))
	return a.CSR
}

const renewURL = "https://ca.tenant.example/1.0/renew"

func wantFault(t *testing.T, err error, code station.Code) {
	t.Helper()
	f, ok := station.AsFault(err)
	if !ok || f.Code != code {
		t.Fatalf("got %v, want a fault with %s", err, code)
	}
}

func TestLifeInTheField(t *testing.T) {
	p, unlock := stationtest.NewPKI(t), stationtest.NewKey(t, "P-384")
	l := fieldAgent(t, nil)
	csr := sealedWith(t, l, p, unlock)

	token, err := l.Token(within(t), renewURL, time.Now())
	must(t, err)
	if text := string(token.Token.Reveal()); !strings.HasPrefix(text, "eyJ") || strings.Count(text, ".") != 2 ||
		token.Expires.Sub(token.Issued) != 5*time.Minute || time.Since(token.Issued).Abs() > time.Minute || token.Left == 0 {
		t.Errorf("got token %q of %v", text, token)
	}
	_, err = l.Token(within(t), "https://ca.tenant.example/1.0/rekey", time.Now())
	wantFault(t, err, station.CodeAgentRefuse)

	leaf := p.Issue(t, csr, stationtest.Lifetime(time.Now().Add(-time.Minute), time.Now().AddDate(3, 0, 0)))
	_, err = l.Renew(within(t), fieldID, leaf, false)
	must(t, err)
	s, err := l.Field(within(t))
	must(t, err)
	if !bytes.Equal(s.Pending[:8], short(leaf)) || !s.Pinned || s.TokensLeft != token.Left || s.Unlocked != "" {
		t.Errorf("got %+v", s)
	}
	if d := cmp.Diff(&station.RenewalState{URL: renewURL, Last: time.UnixMicro(1795520000000000).UTC(), Failures: 1, LastError: "refused"}, s.Renewal); d != "" {
		t.Errorf("renewal on the box: %s", d)
	}
	back, err := l.CommitRenewal(within(t), fieldID, leaf)
	must(t, err)
	device, anchors, err := l.Certificates(within(t))
	must(t, err)
	if !bytes.Equal(device[0], leaf) || len(anchors) != 3 || !bytes.Equal(back[station.ObjectLeaf], short(leaf)) {
		t.Error("the new certificate is not the one in use")
	}
	_, err = l.Renew(within(t), fieldID, p.Issue(t, stationtest.NewCSR(t, stationtest.NewKey(t, "P-256"), deviceID)), true)
	wantFault(t, err, station.CodeInstallKey)

	wantFault(t, l.Erase(within(t), fieldID), station.CodeAgentLocked)
	left, err := l.Unlock(within(t), station.UnlockRequest{Purpose: station.UnlockErase, Key: unlock, DeviceID: deviceID})
	must(t, err)
	if left != defaultLifetime {
		t.Errorf("unlocked for %v, want %v", left, defaultLifetime)
	}
	must(t, l.Erase(within(t), fieldID))
	if g := greetAgain(t, l); g.State != station.StateEmpty {
		t.Errorf("after erasing the device is %s", g.State)
	}
}

func TestRekeyUnderUnlock(t *testing.T) {
	p, unlock := stationtest.NewPKI(t), stationtest.NewKey(t, "Ed25519")
	l := fieldAgent(t, nil)
	sealedWith(t, l, p, unlock)
	q := station.KeyRequest{DeviceID: deviceID, EnrollID: station.EnrollID([]byte("enroll-2")), KeyType: "P-256", WireGuard: true}
	_, err := l.MakeKey(within(t), q)
	wantFault(t, err, station.CodeAgentLocked)
	_, err = l.Unlock(within(t), station.UnlockRequest{Purpose: station.UnlockRekey, Key: unlock, Lifetime: time.Minute})
	must(t, err)
	a, err := l.MakeKey(within(t), q)
	must(t, err)
	_, err = l.Install(within(t), bundle(t, p, a.CSR, "enroll-2"))
	must(t, err)
	must(t, l.Seal(within(t), q.EnrollID, "10.8.1.2"))
	if s, err := l.Field(within(t)); err != nil || !s.Pinned {
		t.Errorf("got %+v, %v, want the unlock key to be inherited", s, err)
	}
}

// TestRekeyKeepsTheTunnel: the CA is asked for a certificate of the new key, and no bridge for a tunnel.
func TestRekeyKeepsTheTunnel(t *testing.T) {
	p, unlock := stationtest.NewPKI(t), stationtest.NewKey(t, "P-256")
	l := fieldAgent(t, nil)
	sealedWith(t, l, p, unlock)
	before, err := l.Holding(within(t))
	must(t, err)
	_, err = l.Unlock(within(t), station.UnlockRequest{Purpose: station.UnlockRekey, Key: unlock})
	must(t, err)
	q := station.KeyRequest{DeviceID: deviceID, EnrollID: station.EnrollID([]byte("enroll-2")), KeyType: "P-256", KeepTunnel: true}
	a, err := l.MakeKey(within(t), q)
	must(t, err)
	b := bundle(t, p, a.CSR, "enroll-2")
	b.WGConf = nil
	back, err := l.Install(within(t), b)
	must(t, err)
	must(t, l.Seal(within(t), q.EnrollID, "10.8.1.2"))
	after, err := l.Holding(within(t))
	must(t, err)
	want := before.Objects[station.ObjectTunnel]
	if len(want) == 0 || !bytes.Equal(back[station.ObjectTunnel], want) || !bytes.Equal(after.Objects[station.ObjectTunnel], want) {
		t.Errorf("wg0.conf was %x, reads back as %x and is %x", want, back[station.ObjectTunnel], after.Objects[station.ObjectTunnel])
	}
}

// TestUnlockIsRefused: by the device, and before that by the station for a device that asks for something else.
func TestUnlockIsRefused(t *testing.T) {
	p, unlock := stationtest.NewPKI(t), stationtest.NewKey(t, "P-256")
	l := fieldAgent(t, nil)
	sealedWith(t, l, p, unlock)
	for name, row := range map[string]struct {
		q    station.UnlockRequest
		code station.Code
	}{
		"another key":     {station.UnlockRequest{Purpose: station.UnlockErase, Key: stationtest.NewKey(t, "P-256")}, station.CodeAgentRefuse},
		"another device":  {station.UnlockRequest{Purpose: station.UnlockErase, Key: unlock, DeviceID: "dev-002"}, station.CodeAgentBad},
		"no key":          {station.UnlockRequest{Purpose: station.UnlockErase}, station.CodeInternal},
		"no purpose":      {station.UnlockRequest{Key: unlock}, station.CodeInternal},
		"too long":        {station.UnlockRequest{Purpose: station.UnlockErase, Key: unlock, Lifetime: 2 * time.Hour}, station.CodeInternal},
		"no signatures":   {station.UnlockRequest{Purpose: station.UnlockProof, Key: unlock}, station.CodeInternal},
		"many signatures": {station.UnlockRequest{Purpose: station.UnlockProof, Key: unlock, Signatures: 260}, station.CodeInternal},
		"RSA":             {station.UnlockRequest{Purpose: station.UnlockErase, Key: stationtest.NewKey(t, "RSA-2048")}, station.CodeInternal},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := l.Unlock(within(t), row.q)
			wantFault(t, err, row.code)
			wantFault(t, l.Erase(within(t), fieldID), station.CodeAgentLocked)
		})
	}
	s, err := l.Field(within(t))
	must(t, err)
	if s.Failures != 1 { // only the one that reached the device
		t.Errorf("got %d failures, want 1", s.Failures)
	}
}

// TestOlderSoftwareIsTold: a device that has none of this says so at the greeting, or when asked; nothing else is tried.
func TestOlderSoftwareIsTold(t *testing.T) {
	unlock := stationtest.NewKey(t, "P-256")
	calls := map[string]func(*line) error{
		"ENROLL that keeps the tunnel": func(l *line) error {
			_, err := l.MakeKey(within(t), station.KeyRequest{DeviceID: deviceID, EnrollID: fieldID, KeyType: "P-256", KeepTunnel: true})
			return err
		},
		"UNLOCK": func(l *line) error {
			_, err := l.Unlock(within(t), station.UnlockRequest{Purpose: station.UnlockErase, Key: unlock, DeviceID: deviceID})
			return err
		},
		"ERASE": func(l *line) error { return l.Erase(within(t), fieldID) },
		"RENEW": func(l *line) error {
			_, err := l.Renew(within(t), fieldID, append([]byte{0x30}, make([]byte, 40)...), true)
			return err
		},
		"RENEW_SET":  func(l *line) error { return l.SetRenewal(within(t), fieldID, renewURL, "") },
		"CHECK_MQTT": func(l *line) error { _, err := l.CheckBroker(within(t), mqttcheck.Config{Host: "b"}); return err },
		"CHECK_WG":   func(l *line) error { _, err := l.CheckTunnel(within(t), "", time.Second); return err },
	}
	for _, features := range []uint32{15, serialproto.Features} {
		p := &prototest.Peer{Features: features}
		l := peer(t, p, 0)
		for op, call := range calls {
			err := call(l)
			wantFault(t, err, station.CodeAgentOld)
			if f, _ := station.AsFault(err); features == 15 && (f.Params["want"] != op || f.Params["have"] != "1.0") {
				t.Errorf("%s: got %v", op, f.Params)
			}
		}
		if n := len(p.Executed()); features == 15 && n != 0 {
			t.Errorf("%d requests crossed the line to a device that has none of it", n)
		}
	}
}

func TestDeviceRunChecks(t *testing.T) {
	p, unlock := stationtest.NewPKI(t), stationtest.NewKey(t, "P-256")
	var got agent.BrokerCheck
	answer := serialproto.CheckMQTTResult{
		OK: true, Proof: "broker-delivered", Addr: "10.0.0.1:8883", TLS: 0x0304, Cipher: 0x1301, Fingerprint: make([]byte, 32), MQTT: "5", Signatures: 1,
		Steps: []serialproto.CheckStep{{Name: "tcp", Attempt: 1, OK: true, Took: 1500}, {Name: "publish", Attempt: 1, OK: true, Took: 1 << 62}},
	}
	l := fieldAgent(t, func(c *agent.Config) {
		c.CheckMQTT = func(_ context.Context, check agent.BrokerCheck) serialproto.CheckMQTTResult {
			got = check
			return answer
		}
		c.Tunnel = lookedAt{serialproto.CheckWGResult{
			Reason: "no-handshake", Sentence: "No handshake.", Own: make([]byte, 32), Steps: []serialproto.CheckStep{{Name: "handshake", Took: 5, Text: "none"}},
		}}
	})
	sealedWith(t, l, p, unlock)
	var seen []mqttcheck.StepResult
	cfg := mqttcheck.Config{
		Host: "broker.example", Port: 8884, Username: "u", Password: "secret-word", Timeout: 1500 * time.Millisecond,
		Progress: func(s mqttcheck.StepResult) { seen = append(seen, s) },
	}
	res, err := l.CheckBroker(within(t), cfg)
	must(t, err)
	if res.Proof != mqttcheck.ProofBrokerDelivered || res.TLSName() != "TLS 1.3" || len(res.Steps) != 2 || len(seen) != 2 ||
		res.Steps[0].Took != 1500*time.Microsecond || res.Steps[1].Took != time.Hour {
		t.Errorf("got %+v, seen %+v", res, seen)
	}
	if got.Args.Seconds != 2 || string(got.Args.Password) != "secret-word" || got.Args.Port != 8884 || got.ClientID != deviceID {
		t.Errorf("asked for %+v", got.Args)
	}
	answer = serialproto.CheckMQTTResult{
		Reason: "connack-refused", Failed: "connack", Code: 0x87, Sentence: "The broker does not let this device in.", MQTT: "5", Words: "no",
		Steps: []serialproto.CheckStep{{Name: "connack", Attempt: 1}},
	}
	res, err = l.CheckBroker(within(t), cfg)
	var me *mqttcheck.Error
	if !errors.As(err, &me) || me.Reason != mqttcheck.ConnackRefused || me.Step != mqttcheck.StepConnack || me.Code != 0x87 || res.Proof != "" {
		t.Errorf("got %+v, %v", res, err)
	}
	answer = serialproto.CheckMQTTResult{OK: true, Proof: "believe-me"}
	_, err = l.CheckBroker(within(t), cfg)
	wantFault(t, err, station.CodeAgentBad)

	w, err := l.CheckTunnel(within(t), "10.8.0.1", time.Second)
	must(t, err)
	if w.OK || w.Reason != "no-handshake" || len(w.Steps) != 1 || w.Steps[0].Text != "none" || !w.Handshake.IsZero() {
		t.Errorf("got %+v", w)
	}
}

// TestHostileTokens: a device's answer is checked before it is taken for a token.
func TestHostileTokens(t *testing.T) {
	p, k := stationtest.NewPKI(t), stationtest.NewKey(t, "P-256")
	leaf := p.Issue(t, stationtest.NewCSR(t, k, deviceID))
	l := peer(t, &prototest.Peer{Features: serialproto.Features, Func: func(_ context.Context, op serialproto.Op, _ []byte) []byte {
		var result any = serialproto.TokenResult{Claims: []byte(`{"aud":"https://ca.tenant.example/1.0/renew"}`), Signature: make([]byte, 64)}
		if op == serialproto.OpRead {
			result = serialproto.ReadResult{Certs: [][]byte{leaf}}
		}
		b, err := serialproto.EncodeResponse(serialproto.StatusOK, "", 0, result)
		must(t, err)
		return b
	}}, 0)
	_, err := l.Token(within(t), renewURL, time.Now())
	wantFault(t, err, station.CodeAgentBad)
}
