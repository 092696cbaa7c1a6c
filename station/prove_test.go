package station

import (
	"context"
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"provstation/station/mqttcheck"
	"provstation/station/stationtest"
)

// ownTest is what a device answers when it is asked to test the broker: steps, then a proof or an error.
type ownTest struct {
	asked  []mqttcheck.Config
	answer func(n int) (mqttcheck.Result, error)
	after  func() // before the device's answer is heard
}

// fieldLine is a line whose device can be unlocked, where unlocks is not nil, and tests the broker, where test is not nil.
type fieldLine struct {
	Line
	unlocks *unlocks
	test    *ownTest
}

type unlocks struct {
	state  FieldState
	refuse error
	asked  []UnlockRequest
	open   bool
}

func (l fieldLine) Greet(ctx context.Context) (Greeting, error) {
	g, err := l.Line.Greet(ctx)
	g.Unlock, g.ChecksBroker = l.unlocks != nil, l.test != nil
	if l.unlocks != nil {
		l.unlocks.open = false
	}
	return g, err
}

func (l fieldLine) Field(context.Context) (FieldState, error) {
	if l.unlocks == nil {
		return FieldState{}, nil
	}
	return l.unlocks.state, nil
}

func (l fieldLine) Unlock(_ context.Context, r UnlockRequest) (time.Duration, error) {
	l.unlocks.asked = append(l.unlocks.asked, r)
	l.unlocks.open = l.unlocks.refuse == nil
	return time.Minute, l.unlocks.refuse
}

func (fieldLine) Erase(context.Context, EnrollID) error { panic("nobody asks for it") }

// signing is a fieldLine whose device makes tokens, too.
type signing struct {
	fieldLine
	Renewer
}

// byAnother is a device whose tokens are signed by the key of another certificate.
type byAnother struct{ Renewer }

func (r byAnother) Token(ctx context.Context, audience string, now time.Time) (RenewalToken, error) {
	t, err := r.Renewer.Token(ctx, audience, now)
	t.Leaf = make([]byte, 32)
	return t, err
}

func (l fieldLine) CheckBroker(_ context.Context, cfg mqttcheck.Config) (mqttcheck.Result, error) {
	if l.test == nil {
		return mqttcheck.Result{}, fault(CodeAgentOld, Fail, Permanent)
	}
	l.test.asked = append(l.test.asked, cfg)
	cfg.Progress(mqttcheck.StepResult{Step: mqttcheck.StepTCP, OK: true, Took: time.Millisecond})
	r, err := l.test.answer(len(l.test.asked))
	if l.test.after != nil {
		l.test.after()
	}
	return r, err
}

func (fieldLine) CheckTunnel(context.Context, string, time.Duration) (TunnelReport, error) {
	panic("nobody asks for it")
}

// acked is a device whose own test succeeds.
func acked() *ownTest {
	return &ownTest{answer: func(int) (mqttcheck.Result, error) {
		return mqttcheck.Result{Proof: mqttcheck.ProofBrokerDelivered, Addr: "10.0.0.9:8883", MQTTVersion: mqttcheck.Protocol5, TLSVersion: tls.VersionTLS13}, nil
	}}
}

// field makes the device in s1 one that does these.
func (k *kit) field(u *unlocks, test *ownTest) {
	k.conn.wrap = func(l Line) Line { return signing{fieldLine{l, u, test}, l.(Renewer)} }
}

// What a sealed device says of its own test counts only with a signature that it makes there and then: its certificate is no
// secret, and a copy of it is no device.
func TestOwnTestNeedsTheKey(t *testing.T) {
	for name, row := range map[string]struct {
		change  func(k *kit, d *fakeDevice)
		outcome Outcome
		code    Code
	}{
		"with it":         {func(*kit, *fakeDevice) {}, Pass, ""},
		"signs no tokens": {func(_ *kit, d *fakeDevice) { d.life.noTokens = true }, Uncertain, CodeProofImpossible},
		"another key's": {func(k *kit, _ *fakeDevice) {
			k.conn.wrap = func(l Line) Line { return signing{fieldLine{l, nil, acked()}, byAnother{l.(Renewer)}} }
		}, Uncertain, CodeReadback},
		"cannot sign": {func(k *kit, _ *fakeDevice) {
			k.conn.wrap = func(l Line) Line { return fieldLine{l, nil, acked()} }
		}, Uncertain, CodeProofImpossible},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				k := newKit(t)
				d := k.enrolled(StateSealed)
				d.noTLS12, k.cfg.MQTTRun = true, ProveDevice
				k.field(nil, acked())
				row.change(k, d)
				wantEnd(t, k.play(), row.outcome, row.code)
				if row.outcome == Pass && d.life.tokens != 1 {
					t.Errorf("got %d signatures, want one", d.life.tokens)
				}
			})
		})
	}
}

func pinnedDevice() *unlocks { return &unlocks{state: FieldState{Pinned: true}} }

// steps are the steps of the broker test that were told, in order.
func steps(events []Event) (list []string) {
	for _, e := range phases(events, PhaseMQTT) {
		if e.Step != "" {
			list = append(list, e.Step)
		}
	}
	return list
}

func mqttFact(events []Event, name string) string {
	for _, e := range phases(events, PhaseMQTT) {
		if e.Status == PhaseDone {
			return e.Facts[name]
		}
	}
	return ""
}

// TestProofOfASealedDevice: how a device that is sealed is proven, by what it can, what the station has, and what the
// configuration allows.
func TestProofOfASealedDevice(t *testing.T) {
	only13 := func(c *mqttcheck.Config) { c.TLSMin = tls.VersionTLS13 }
	only12 := func(c *mqttcheck.Config) { c.TLSMax = tls.VersionTLS12 }
	refused := &unlocks{state: FieldState{Pinned: true}, refuse: fault(CodeAgentRefuse, Fail, Permanent)}
	for _, row := range []struct {
		name    string
		noTLS12 bool
		spent   bool // no TLS signature is left
		cfg     func(*mqttcheck.Config)
		key     bool // the station has an unlock key
		unlocks *unlocks
		test    *ownTest
		mode    ProofMode
		foreign bool

		outcome Outcome
		code    Code
		tls     string // that the station's test was limited to; empty: it ran none
		by      string
		class   Proof
	}{
		{name: "TLS 1.2", key: true, unlocks: pinnedDevice(), test: acked(), outcome: Pass, tls: "-1.2", by: "station", class: BrokerDelivered},
		{name: "unlocked", noTLS12: true, key: true, unlocks: pinnedDevice(), test: acked(), outcome: Pass, tls: "1.3-", by: "station", class: BrokerDelivered},
		{name: "unlocked, since 1.2 is not allowed", cfg: only13, key: true, unlocks: pinnedDevice(), outcome: Pass, tls: "1.3-", by: "station", class: BrokerDelivered},
		{name: "unlocked, since no signature is left", spent: true, key: true, unlocks: pinnedDevice(), outcome: Pass, tls: "1.3-", by: "station", class: BrokerDelivered},
		{name: "by itself, without a key", noTLS12: true, unlocks: pinnedDevice(), test: acked(), outcome: Pass, by: "device", class: BrokerAcked},
		{name: "by itself, without a pin", noTLS12: true, key: true, unlocks: &unlocks{}, test: acked(), outcome: Pass, by: "device", class: BrokerAcked},
		{name: "by itself, since 1.3 is not allowed", noTLS12: true, cfg: only12, key: true, unlocks: pinnedDevice(), test: acked(), outcome: Pass, by: "device", class: BrokerAcked},
		{name: "by itself, pinned elsewhere", noTLS12: true, key: true, unlocks: refused, test: acked(), outcome: Pass, by: "device", class: BrokerAcked},
		{name: "pinned elsewhere", noTLS12: true, key: true, unlocks: refused, outcome: Fail, code: CodeUnlockRefused},
		{name: "waiting", noTLS12: true, key: true, unlocks: &unlocks{state: FieldState{Pinned: true, Wait: time.Hour}}, test: acked(), outcome: Error, code: CodeUnlockWait},
		{name: "no key, no test", noTLS12: true, unlocks: pinnedDevice(), outcome: Uncertain, code: CodeProofImpossible},
		{name: "no unlock in its software", noTLS12: true, key: true, outcome: Uncertain, code: CodeProofImpossible},
		{name: "by enroll.sh", foreign: true, noTLS12: true, key: true, unlocks: pinnedDevice(), outcome: Uncertain, code: CodeProofImpossible},
		{name: "both, unlocked", noTLS12: true, mode: ProveBoth, key: true, unlocks: pinnedDevice(), test: acked(), outcome: Pass, tls: "1.3-", by: "both", class: BrokerDelivered},
		{name: "both, but only by itself", noTLS12: true, mode: ProveBoth, unlocks: pinnedDevice(), test: acked(), outcome: Uncertain, code: CodeProofImpossible},
		{name: "device", mode: ProveDevice, key: true, unlocks: pinnedDevice(), test: acked(), outcome: Pass, by: "device", class: BrokerAcked},
	} {
		t.Run(row.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				k := newKit(t)
				state := StateSealed
				if row.foreign {
					state = StateForeign
				}
				d := k.enrolled(state)
				d.noTLS12 = row.noTLS12
				if row.spent {
					d.signatures = 0
				}
				if row.cfg != nil {
					row.cfg(&k.cfg.MQTT)
				}
				if row.key {
					k.cfg.Unlock.Key = stationtest.NewKey(t, "P-256")
				}
				if row.unlocks != nil {
					row.unlocks.asked = nil
				}
				k.cfg.MQTTRun = row.mode
				k.field(row.unlocks, row.test)
				var limits []string
				k.prover.on = func(_ context.Context, _ int, cfg mqttcheck.Config) error {
					name := map[uint16]string{tls.VersionTLS12: "1.2", tls.VersionTLS13: "1.3"}
					limits = append(limits, name[cfg.TLSMin]+"-"+name[cfg.TLSMax])
					if cfg.TLSMin == tls.VersionTLS13 && !row.unlocks.open {
						return fault(CodeAgentLocked, Fail, Permanent)
					}
					return nil
				}
				events := k.play()
				end := wantEnd(t, events, row.outcome, row.code)
				if end.Proof != row.class || strings.Join(limits, " ") != row.tls || mqttFact(events, FactProofBy) != row.by {
					t.Errorf("got proof %q by %q, tests within %q, want %q by %q within %q", end.Proof, mqttFact(events, FactProofBy), limits, row.class, row.by, row.tls)
				}
				if row.unlocks != nil && row.tls == "1.3-" {
					if a := row.unlocks.asked; len(a) != 1 || a[0].Purpose != UnlockProof || a[0].Signatures != 2 || a[0].Key == nil {
						t.Errorf("asked for %+v, want one unlock for two handshakes", a)
					}
				}
				if row.outcome == Pass && len(k.ledger.proofs) == 1 && strings.Contains(k.ledger.proofs[0].Broker, "the device says") == (row.by == "station") {
					t.Errorf("on record as seen at %q, proven by %q", k.ledger.proofs[0].Broker, row.by)
				}
			})
		})
	}
}

// TestUnlockAgainAfterAReset: an unlock dies with the session, so the next try asks for another.
func TestUnlockAgainAfterAReset(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k := newKit(t)
		k.enrolled(StateSealed).noTLS12 = true
		k.cfg.Unlock.Key, k.cfg.MQTT.Protocol = stationtest.NewKey(t, "P-256"), mqttcheck.Protocol5
		u := pinnedDevice()
		k.field(u, nil)
		k.prover.on = func(_ context.Context, n int, _ mqttcheck.Config) error {
			switch {
			case !u.open:
				return fault(CodeAgentLocked, Fail, Permanent)
			case n == 1:
				return &mqttcheck.Error{Reason: mqttcheck.SignerFailed, Err: ErrDeviceReset}
			}
			return nil
		}
		wantEnd(t, k.play(), Pass, "")
		if len(u.asked) != 2 || u.asked[1].Signatures != 1 {
			t.Errorf("asked for %+v, want two unlocks for one handshake each", u.asked)
		}
	})
}

// TestBrokerWithoutTLS12: a sealed device that signs TLS 1.2 meets a broker that speaks 1.3 alone.
func TestBrokerWithoutTLS12(t *testing.T) {
	for _, key := range []bool{true, false} {
		bubble(t, func(t *testing.T) {
			k := newKit(t)
			k.enrolled(StateSealed)
			if key {
				k.cfg.Unlock.Key = stationtest.NewKey(t, "P-256")
			}
			k.field(pinnedDevice(), nil)
			k.prover.on = func(_ context.Context, _ int, cfg mqttcheck.Config) error {
				if cfg.TLSMax == tls.VersionTLS12 {
					return &mqttcheck.Error{Step: mqttcheck.StepTLS, Reason: mqttcheck.ProtocolVersion, Sentence: "no"}
				}
				return nil
			}
			if key {
				wantEnd(t, k.play(), Pass, "")
			} else {
				wantEnd(t, k.play(), Error, CodeBrokerTLS)
			}
		})
	}
}

// TestDeviceTestModes: a fresh device in each mode. The device's steps can be told from the station's, and its word alone is
// no more than that the broker acknowledged.
func TestDeviceTestModes(t *testing.T) {
	for _, row := range []struct {
		mode  ProofMode
		tests int // of the station
		own   int
		proof Proof
		by    string
	}{
		{ProveBorrowed, 1, 0, BrokerDelivered, "station"},
		{ProveDevice, 0, 1, BrokerAcked, "device"},
		{ProveBoth, 1, 1, BrokerDelivered, "both"},
	} {
		bubble(t, func(t *testing.T) {
			k := newKit(t)
			test := acked()
			k.cfg.MQTTRun = row.mode
			k.field(nil, test)
			events := k.play()
			e := wantEnd(t, events, Pass, "")
			if k.prover.tests != row.tests || len(test.asked) != row.own || e.Proof != row.proof || mqttFact(events, FactProofBy) != row.by {
				t.Errorf("%s: got %d tests and %d of the device, %s by %s", row.mode, k.prover.tests, len(test.asked), e.Proof, mqttFact(events, FactProofBy))
			}
			if row.own == 1 && !slices.Equal(steps(events), []string{"device-tcp"}) {
				t.Errorf("%s: got steps %q", row.mode, steps(events))
			}
			if row.own == 1 && (test.asked[0].Timeout <= 0 || test.asked[0].Timeout > mostOwnTest) {
				t.Errorf("%s: asked to test for %s", row.mode, test.asked[0].Timeout)
			}
		})
	}
}

// TestDeviceTestFails: every reason of a test that the device ran ends the run as if the station had run it; what is no
// reason is the device's fault. In mode both the station's half is not done again for another try.
func TestDeviceTestFails(t *testing.T) {
	for reason, row := range brokerFaults {
		bubble(t, func(t *testing.T) {
			k := newKit(t)
			test := &ownTest{answer: func(int) (mqttcheck.Result, error) {
				return mqttcheck.Result{}, &mqttcheck.Error{Step: mqttcheck.StepTCP, Reason: reason, Sentence: "It\x1b[31m says no."}
			}}
			k.cfg.MQTTRun = ProveBoth
			k.field(nil, test)
			e := wantEnd(t, k.play(), row.outcome, row.code)
			if e.Phase != PhaseMQTT || e.Params["run_by"] != "device" || strings.Contains(e.Params["detail"], "\x1b") || e.Proof != NoProof {
				t.Errorf("%s: got %+v", reason, e)
			}
			if want := map[bool]int{true: 3, false: 1}[row.class == Passing]; len(test.asked) != want || k.prover.tests != 1 {
				t.Errorf("%s: got %d tries, %d tests of the station, want %d and 1", reason, len(test.asked), k.prover.tests, want)
			}
			if d := k.dev(); d.seals != 0 {
				t.Errorf("%s: the device was sealed", reason)
			}
		})
	}
	for name, row := range map[string]struct {
		err  error
		code Code
	}{
		"a reason that there is not": {&mqttcheck.Error{Reason: "moonphase", Sentence: "x"}, CodeAgentBad},
		"that it was called off":     {&mqttcheck.Error{Reason: mqttcheck.Canceled, Sentence: "x"}, CodeAgentBad},
		"its own key":                {&mqttcheck.Error{Reason: mqttcheck.SignerFailed, Sentence: "x"}, CodeAgentError},
		"an old agent":               {fault(CodeAgentOld, Fail, Permanent), CodeAgentOld},
		"its policy":                 {fault(CodeAgentRefuse, Fail, Permanent), CodeAgentRefuse},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				k := newKit(t)
				k.cfg.MQTTRun = ProveDevice
				k.field(nil, &ownTest{answer: func(int) (mqttcheck.Result, error) { return mqttcheck.Result{}, row.err }})
				wantEnd(t, k.play(), Fail, row.code)
			})
		})
	}
	t.Run("no such line", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			k := newKit(t)
			k.cfg.MQTTRun = ProveBoth
			wantEnd(t, k.play(), Fail, CodeAgentOld)
		})
	})
}

// TestAnotherCertificateWasTested: a device that renews itself meanwhile has proven another certificate than the one that
// this run is about.
func TestAnotherCertificateWasTested(t *testing.T) {
	for _, mode := range []ProofMode{ProveDevice, ProveBorrowed} {
		bubble(t, func(t *testing.T) {
			k := newKit(t)
			d := k.enrolled(StateSealed)
			d.noTLS12 = true
			swap := func() { d.leaf = issueFor(k.pki, d.key.Public(), "edge-sn-1") }
			test := acked()
			test.after = swap
			k.prover.on = func(context.Context, int, mqttcheck.Config) error { swap(); return nil }
			k.cfg.MQTTRun, k.cfg.Unlock.Key = mode, stationtest.NewKey(t, "P-256")
			k.field(pinnedDevice(), test)
			e := wantEnd(t, k.play(), Uncertain, CodeReadback)
			if e.Params["objects"] != ObjectLeaf || e.Params["have"] != fmt.Sprintf("%x", d.leafHash()) {
				t.Errorf("%s: got %v", mode, e.Params)
			}
		})
	}
}
