package station

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"provstation/station/mqttcheck"
	"provstation/station/stationtest"
)

// deviceOps are the operations of a run of a fresh device, in order, with the phase each belongs to.
var deviceOps = []struct {
	op    string
	phase Phase
}{
	{"greet", PhaseIdentify}, {"keygen", PhaseKeygen}, {"install", PhaseInstall}, {"seal", PhaseSeal},
}

// stuck never answers.
func stuck(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func stuckAt(op string) func(context.Context, string) error {
	return func(ctx context.Context, o string) error {
		if o == op {
			return stuck(ctx)
		}
		return nil
	}
}

// A whole run: every phase in its order, each started and done, and the record durable before the end is told.
func TestRunOrder(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k := newKit(t)
		recorded := false
		k.on = func(_ *Bench, e Event) {
			if _, ok := e.Body.(RunEnded); ok {
				k.ledger.mu.Lock()
				recorded = len(k.ledger.ends) == 1
				k.ledger.mu.Unlock()
			}
		}
		events := k.play()
		e := wantEnd(t, events, Pass, "")
		var got []string
		for _, ev := range events {
			if p, ok := ev.Body.(PhaseChanged); ok {
				got = append(got, string(p.Phase)+" "+string(p.Status))
			}
		}
		var want []string
		for _, p := range Phases() {
			if p.Rare() {
				continue
			}
			if p == PhaseWireGuard || p == PhaseRegister {
				want = append(want, string(p)+" skipped")
				continue
			}
			want = append(want, string(p)+" started", string(p)+" done")
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		if !recorded {
			t.Error("the end of the run was told before its record was durable")
		}
		if e.Proof != BrokerDelivered || e.Attempt != 1 || e.WireTxBytes == 0 || e.WireRxBytes == 0 || len(e.CertFingerprint) != 64 {
			t.Errorf("got %+v, want proof, attempt, traffic and fingerprint", e)
		}
		want = []string{"PostBegun", "SaveCertificate", "SaveCertificate", "SaveProof", "FinishRun"}
		got = slices.DeleteFunc(slices.Clone(k.ledger.calls), func(c string) bool { return !slices.Contains(want, c) })
		if !slices.Equal(got, want) {
			t.Errorf("got journal %q, want %q", got, want)
		}
		if k.port("s1").count("bye") != 1 {
			t.Error("want one goodbye to the device")
		}
	})
}

// A device that stops answering ends the run at the phase's deadline, and the next one is not held up by it.
func TestDeadlines(t *testing.T) {
	for _, row := range deviceOps {
		t.Run(row.op, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				k := newKit(t)
				k.port("s1").on = stuckAt(row.op)
				k.cfg.Timeouts = map[Phase]time.Duration{row.phase: 7 * time.Second}
				e := wantEnd(t, k.play(), Timeout, CodeDeadline)
				if e.Phase != row.phase || e.Params["phase"] != string(row.phase) || e.Params["limit"] != "7s" {
					t.Errorf("got %s %v, want phase %s and its limit", e.Phase, e.Params, row.phase)
				}
				if e.ElapsedMS < 7000 || e.ElapsedMS > 12000 {
					t.Errorf("got %d ms, want the deadline to be kept", e.ElapsedMS)
				}
			})
		})
	}
	t.Run("bridge", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			k := newKit(t)
			k.bridge.on = func(ctx context.Context, _ int, _ EnrollRequest) (*EnrollAnswer, error) {
				return nil, fmt.Errorf("%w: %w", stuck(ctx), ErrMaybeIssued)
			}
			e := wantEnd(t, k.play(), Timeout, CodeDeadline)
			if e.Phase != PhaseEnroll || e.Params["limit"] != "5m0s" {
				t.Errorf("got %s %v, want the enroll phase and its limit", e.Phase, e.Params)
			}
			wantPosts(t, k, "open")
		})
	})
	t.Run("broker", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			k := newKit(t)
			k.prover.on = func(ctx context.Context, _ int, _ mqttcheck.Config) error { return stuck(ctx) }
			if e := wantEnd(t, k.play(), Timeout, CodeDeadline); e.Phase != PhaseMQTT {
				t.Errorf("got phase %s, want mqtt", e.Phase)
			}
		})
	})
	t.Run("ledger", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			k := newKit(t)
			k.ledger.fail = func(ctx context.Context, m string) error {
				if m == "BindKey" {
					return stuck(ctx)
				}
				return nil
			}
			if e := one(t, k.play()); e.Outcome == Pass || e.Code == "" || e.Phase != PhaseCSR {
				t.Errorf("got %+v, want a failure in the csr phase", e)
			}
		})
	})
}

// A fault whose cause is somebody else's deadline is that fault, not the phase's.
func TestInnerDeadline(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k := newKit(t)
		k.cfg.Retries = map[Phase]int{PhaseEnroll: 0}
		k.bridge.on = func(context.Context, int, EnrollRequest) (*EnrollAnswer, error) {
			f := fault(CodeBridgeDown, Error, Passing)
			f.Err = fmt.Errorf("dial: %w", context.DeadlineExceeded)
			return nil, f
		}
		wantEnd(t, k.play(), Error, CodeBridgeDown)
	})
}

// Passing faults are tried again with growing pauses, as often as the phase allows; others are final at once.
func TestRetries(t *testing.T) {
	rows := []struct {
		name    string
		fails   int
		class   Class
		retries map[Phase]int
		posts   int
		outcome Outcome
	}{
		{"passing once", 1, Passing, nil, 2, Pass},
		{"passing twice", 2, Passing, nil, 3, Pass},
		{"passing too often", 3, Passing, nil, 3, Error},
		{"passing, no tries", 1, Passing, map[Phase]int{PhaseEnroll: 0}, 1, Error},
		{"passing, more tries", 5, Passing, map[Phase]int{PhaseEnroll: 5}, 6, Pass},
		{"permanent", 1, Permanent, nil, 1, Error},
		{"misconfigured", 1, Misconfigured, nil, 1, Error},
		{"other contract", 1, OtherContract, nil, 1, Error},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				k := newKit(t)
				k.cfg.Retries = row.retries
				k.cfg.Pause = Pause{First: time.Second, Max: 4 * time.Second}
				var at []time.Time
				k.bridge.on = func(_ context.Context, n int, _ EnrollRequest) (*EnrollAnswer, error) {
					if at = append(at, time.Now()); n <= row.fails {
						return nil, fault(CodeBridgeBusy, Error, row.class)
					}
					return nil, nil
				}
				code := CodeBridgeBusy
				if row.outcome == Pass {
					code = ""
				}
				events := k.play()
				wantEnd(t, events, row.outcome, code)
				if k.bridge.posts != row.posts {
					t.Errorf("got %d posts, want %d", k.bridge.posts, row.posts)
				}
				for i := 1; i < len(at); i++ {
					base := min(time.Second<<(i-1), 4*time.Second)
					if gap := at[i].Sub(at[i-1]); gap < base/2 || gap > base*3/2 {
						t.Errorf("pause %d: got %v, want %v with half of jitter", i, gap, base)
					}
				}
				if got, want := strings.Count(statuses(events, PhaseEnroll), "progress"), row.posts-1; got != want {
					t.Errorf("got %d progress events, want one for each further try: %d", got, want)
				}
				if d := k.dev(); d.keys != 1 {
					t.Errorf("got %d keys, want 1 for all tries", d.keys)
				}
			})
		})
	}
}

// Resets and lost sessions are mended in the same run, with the same key and without a second post, up to the limit.
func TestResets(t *testing.T) {
	for _, row := range deviceOps {
		for _, lost := range []error{ErrDeviceReset, ErrSessionLost} {
			for _, n := range []int{1, maxResets, maxResets + 1} {
				t.Run(fmt.Sprintf("%s %v %d", row.op, lost, n), func(t *testing.T) {
					bubble(t, func(t *testing.T) {
						k := newKit(t)
						k.port("s1").on = failTimes(row.op, n, lost)
						events := k.play()
						if n > maxResets {
							outcome, code := Fail, CodeResetLoop
							if errors.Is(lost, ErrSessionLost) {
								outcome, code = Error, CodeLineNoise
							}
							if e := wantEnd(t, events, outcome, code); e.Phase != row.phase {
								t.Errorf("got phase %s, want %s", e.Phase, row.phase)
							}
							return
						}
						wantEnd(t, events, Pass, "")
						if d := k.dev(); d.keys != 1 || k.bridge.posts != 1 {
							t.Errorf("got %d keys, %d posts, want one of each", d.keys, k.bridge.posts)
						}
					})
				})
			}
		}
	}
}

// A device that restarts again and again, during its runs and between them, does not keep the bench busy for ever: one
// run, then one for each restart that happened while nothing ran.
func TestResetDuringFailedRun(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k := newKit(t)
		d := k.dev()
		k.port("s1").on = func(_ context.Context, op string) error {
			if op == "keygen" {
				d.mu.Lock()
				d.boots++
				d.mu.Unlock()
				return ErrDeviceReset
			}
			return nil
		}
		wantEnd(t, k.play(), Fail, CodeResetLoop)
	})
}

// What failed is tried again when the device is restarted, and when a person asks; what went well is left alone.
func TestRunAgain(t *testing.T) {
	restart := func(d *fakeDevice) {
		d.mu.Lock()
		d.boots++
		d.mu.Unlock()
	}
	rows := []struct {
		name  string
		fails bool
		again func(b *Bench, d *fakeDevice) error
		want  []Outcome
	}{
		{"failed, left alone", true, func(*Bench, *fakeDevice) error { return nil }, []Outcome{Error}},
		{"failed, restarted", true, func(_ *Bench, d *fakeDevice) error { restart(d); return nil }, []Outcome{Error, Pass}},
		{"failed, retried", true, func(b *Bench, _ *fakeDevice) error { return b.Retry("s1") }, []Outcome{Error, Pass}},
		{"passed, restarted", false, func(_ *Bench, d *fakeDevice) error { restart(d); return nil }, []Outcome{Pass, Skipped}},
		{"passed, retried", false, func(b *Bench, _ *fakeDevice) error { return b.Retry("s1") }, []Outcome{Pass, Skipped}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				k := newKit(t)
				k.bench.Settle = 10 * time.Minute
				d := k.dev()
				if row.fails {
					k.port("s1").on = failOnce("install", fault(CodeAgentError, Fail, Permanent))
					row.want[0] = Fail
				}
				first := true
				k.on = func(b *Bench, e Event) {
					if end, ok := e.Body.(RunEnded); ok && first {
						first = false
						time.AfterFunc(time.Minute, func() {
							if err := row.again(b, d); err != nil {
								t.Errorf("after %s: got %v, want nil", end.Outcome, err)
							}
						})
					}
				}
				list := ends(k.play())
				var got []Outcome
				for i, e := range list {
					if got = append(got, e.Outcome); e.Attempt != i+1 {
						t.Errorf("got attempt %d, want %d", e.Attempt, i+1)
					}
					if e.ElapsedMS > 2000 {
						t.Errorf("run %d: got %d ms, want the time since its own beginning", i+1, e.ElapsedMS)
					}
				}
				if !slices.Equal(got, row.want) {
					t.Errorf("got %v, want %v", got, row.want)
				}
				if d.keys != 1 {
					t.Errorf("got %d keys, want 1", d.keys)
				}
			})
		})
	}
}

func TestIntentsThatMakeNoSense(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k := newKit(t)
		k.add("s2", newFakeDevice("(silent)"))
		seen := map[string]bool{}
		wrong := func(what string, err error, code Code) {
			wantCode(t, err, code)
			seen[what] = true
		}
		release := make(chan struct{})
		k.port("s1").on = holdAt("keygen", release)
		k.on = func(b *Bench, e Event) {
			switch v := e.Body.(type) {
			case PhaseChanged:
				if v.Phase == PhaseKeygen && v.Status == PhaseStarted {
					wrong("retry while running", b.Retry("s1"), CodeSlotRunning)
					close(release)
				}
			case PortSeen:
				if v.Status == "silent" {
					wrong("retry without a device", b.Retry("s2"), CodeSlotEmpty)
				}
			case RunEnded:
				wrong("abort at rest", b.Abort("s1"), CodeSlotIdle)
				wrong("retry of no slot", b.Retry("s9"), CodeSlotEmpty)
				wrong("abort of no slot", b.Abort("s9"), CodeSlotEmpty)
			}
		}
		wantEnd(t, k.play(), Pass, "")
		if len(seen) != 5 {
			t.Errorf("got %v, want every wrong intent tried", seen)
		}
	})
}

// A device whose unfinished key cannot serve this run (its enroll id was given up, or used for another kind of key) makes
// a new one under a new id, once. An id of the run's own that is refused is a fault.
func TestEnrollIDUsed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k := newKit(t)
		d := k.enrolled(StateKeyed)
		d.refused[d.enroll] = true
		wantEnd(t, k.play(), Pass, "")
		if d.keys != 1 || k.bridge.posts != 1 {
			t.Errorf("got %d keys, %d posts, want one new key", d.keys, k.bridge.posts)
		}
	})
	bubble(t, func(t *testing.T) {
		k := newKit(t)
		k.port("s1").on = failTimes("keygen", 9, &Fault{Code: CodeAgentError, Outcome: Fail, Err: ErrEnrollIDUsed})
		wantEnd(t, k.play(), Fail, CodeAgentError)
		if n := k.port("s1").count("keygen"); n != 1 {
			t.Errorf("got %d requests for a key, want 1", n)
		}
	})
}

// A bridge that names the other contract's fields is asked again under it, once: nothing was issued.
func TestOtherContract(t *testing.T) {
	for _, heeded := range []bool{true, false} {
		bubble(t, func(t *testing.T) {
			k := newKit(t)
			k.bridge.on = func(_ context.Context, n int, _ EnrollRequest) (*EnrollAnswer, error) {
				if n == 1 || !heeded {
					k.bridge.speaks = ContractDocumented
					return nil, fault(CodeBridgeContract, Error, OtherContract)
				}
				return nil, nil
			}
			events := k.play()
			if !heeded {
				wantEnd(t, events, Error, CodeBridgeContract)
				wantPosts(t, k, "closed", "closed")
				return
			}
			if e := wantEnd(t, events, Pass, ""); e.Contract != string(ContractDocumented) {
				t.Errorf("got contract %s, want the one that was heeded", e.Contract)
			}
			wantPosts(t, k, "closed", "issued")
		})
	}
}

// wantPosts checks how the rows of requests to the bridge stand.
func wantPosts(t *testing.T, k *kit, want ...string) {
	t.Helper()
	var got []string
	for _, state := range k.ledger.posts {
		if state != "open" && state != "issued" {
			state = "closed"
		}
		got = append(got, state)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got request rows %q, want %q", got, want)
	}
}

// A row of a request stays open exactly where a certificate may exist that nobody received.
func TestPossiblyIssued(t *testing.T) {
	maybe := func(f *Fault) *Fault { f.Err = fmt.Errorf("%w; %w", f.Err, ErrMaybeIssued); return f }
	rows := []struct {
		name  string
		err   error
		posts []string
	}{
		{"refused", fault(CodeBridgeCSR, Fail, Permanent), []string{"closed"}},
		{"not reached", fault(CodeBridgeDown, Error, Passing), []string{"closed", "issued"}},
		{"answer lost", maybe(fault(CodeBridgeTimeout, Timeout, Passing)), []string{"open", "issued"}},
		{"update server down", maybe(fault(CodeBridgeHawkbit, Error, Passing)), []string{"open", "issued"}},
		{"answer not believed", maybe(fault(CodeBridgeAnswer, Error, Permanent)), []string{"open"}},
		{"other contract, and then no other", fault(CodeBridgeContract, Error, OtherContract), []string{"closed"}},
		{"misconfigured", fault(CodeBridgeAuth, Error, Misconfigured), []string{"closed"}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				k := newKit(t)
				k.bridge.on = func(_ context.Context, n int, _ EnrollRequest) (*EnrollAnswer, error) {
					if n == 1 {
						return nil, row.err
					}
					return nil, nil
				}
				one(t, k.play())
				wantPosts(t, k, row.posts...)
			})
		})
	}
}

// A certificate that was issued and never installed is used by the next run: nothing is asked twice.
func TestCertificateOnFile(t *testing.T) {
	rows := []struct {
		name  string
		set   func(k *kit)
		posts int
	}{
		{"good", func(*kit) {}, 1},
		{"its answer held a secret", func(k *kit) {
			k.ledger.certs[0].WireGuardKeyByBridge = true
		}, 2},
		{"never judged", func(k *kit) { k.ledger.certs[0].Chain = nil }, 2},
		{"about to expire", func(k *kit) { k.ledger.certs[0].NotAfter = time.Now().Add(59 * time.Second) }, 2},
		{"too short by now, which is only said", func(k *kit) { k.ledger.certs[0].NotAfter = time.Now().Add(time.Hour) }, 1},
		{"revoked", func(k *kit) { k.ledger.certs[0].Revoked = true }, 2},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				k := newKit(t)
				k.cfg.MinValidity = 12 * time.Hour
				k.port("s1").on = failOnce("install", fault(CodeAgentSpace, Fail, Permanent))
				k.on = func(b *Bench, e Event) {
					if end, ok := e.Body.(RunEnded); ok && end.Outcome == Fail {
						k.ledger.mu.Lock()
						row.set(k)
						k.ledger.mu.Unlock()
						if err := b.Retry("s1"); err != nil {
							t.Error(err)
						}
					}
				}
				list := ends(k.play())
				if len(list) != 2 {
					t.Fatalf("got %d runs, want 2", len(list))
				}
				checkEnd(t, list[0], Fail, CodeAgentSpace)
				checkEnd(t, list[1], Pass, "")
				if k.bridge.posts != row.posts || k.dev().keys != 1 {
					t.Errorf("got %d posts, %d keys, want %d and 1", k.bridge.posts, k.dev().keys, row.posts)
				}
				if (list[0].CertFingerprint == list[1].CertFingerprint) != (row.posts == 1) {
					t.Errorf("got certificates %s and %s with %d posts", list[0].CertFingerprint, list[1].CertFingerprint, row.posts)
				}
			})
		})
	}
}

// What was issued is found in an answer by its key, not by its place: a reordered one is refused, and its leaf is on file.
func TestReorderedAnswerIsJournaled(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k := newKit(t)
		var leaf []byte
		k.bridge.on = func(_ context.Context, _ int, r EnrollRequest) (*EnrollAnswer, error) {
			csr, err := x509.ParseCertificateRequest(r.CSR)
			if err != nil {
				return nil, err
			}
			leaf = issueFor(k.pki, csr.PublicKey, r.DeviceID)
			return &EnrollAnswer{Contract: ContractDeployed, Certificate: k.pki.Sub.PEM() + stationtest.CertPEM(leaf), Chain: k.pki.Sub.PEM()}, nil
		}
		list := ends(k.play())
		if len(list) != 1 {
			t.Fatalf("got %d runs, want 1", len(list))
		}
		checkEnd(t, list[0], Fail, CodeCertChain)
		if len(k.ledger.certs) != 1 || !bytes.Equal(k.ledger.certs[0].Leaf, leaf) {
			t.Errorf("got %d certificates on file, want the leaf alone", len(k.ledger.certs))
		}
	})
}

// An answer that is of no use may hold a certificate all the same: it exists, so it is on file.
func TestUselessAnswerIsJournaled(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k := newKit(t)
		k.bridge.on = func(_ context.Context, _ int, r EnrollRequest) (*EnrollAnswer, error) {
			csr, err := x509.ParseCertificateRequest(r.CSR)
			if err != nil {
				return nil, err
			}
			return &EnrollAnswer{Certificate: stationtest.CertPEM(issueFor(k.pki, csr.PublicKey, r.DeviceID))},
				&Fault{Code: CodeBridgeAnswer, Outcome: Error, Err: ErrMaybeIssued}
		}
		list := ends(k.play())
		if len(list) != 1 {
			t.Fatalf("got %d runs, want 1", len(list))
		}
		checkEnd(t, list[0], Error, CodeBridgeAnswer)
		if len(k.ledger.certs) != 1 {
			t.Errorf("got %d certificates on file, want the one that came", len(k.ledger.certs))
		}
	})
}

// A sealed device proves itself over TLS 1.2 alone: where policy wants 1.3, that is said, and nothing is asked of it.
func TestSealedDeviceWhereTLS13IsWanted(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k := newKit(t)
		k.enrolled(StateSealed)
		k.cfg.MQTT.TLSMin = tls.VersionTLS13
		list := ends(k.play())
		if len(list) != 1 {
			t.Fatalf("got %d runs, want 1", len(list))
		}
		checkEnd(t, list[0], Uncertain, CodeProofImpossible)
		if k.prover.tests != 0 {
			t.Errorf("got %d broker tests, want none", k.prover.tests)
		}
	})
}

// A certificate that the broker refused is not used again: with the same key another one is issued.
func TestRefusedCertificateIsReplaced(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k := newKit(t)
		k.prover.on = func(_ context.Context, n int, _ mqttcheck.Config) error {
			if n == 1 {
				return &mqttcheck.Error{Step: mqttcheck.StepCertificate, Reason: mqttcheck.ClientCertRefused, Sentence: "refused"}
			}
			return nil
		}
		k.on = func(b *Bench, e Event) {
			if end, ok := e.Body.(RunEnded); ok && end.Outcome == Fail {
				if err := b.Retry("s1"); err != nil {
					t.Error(err)
				}
			}
		}
		list := ends(k.play())
		if len(list) != 2 {
			t.Fatalf("got %d runs, want 2", len(list))
		}
		checkEnd(t, list[0], Fail, CodeBrokerCert)
		checkEnd(t, list[1], Pass, "")
		if k.bridge.posts != 2 || k.dev().keys != 1 || list[0].CertFingerprint == list[1].CertFingerprint {
			t.Errorf("got %d posts, %d keys, certificates %s and %s, want another certificate for the same key",
				k.bridge.posts, k.dev().keys, list[0].CertFingerprint, list[1].CertFingerprint)
		}
	})
}

// A re-enrollment that does not come to its proof returns the device to its active generation; the next one uses an
// enroll id of its own, because the device refuses the one that was given up.
func TestReenrollAfterAbort(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k := newKit(t)
		d := k.enrolled(StateSealed)
		k.knows(d)
		k.cfg.Reenroll = true
		var aborted atomic.Bool
		k.prover.on = func(ctx context.Context, _ int, _ mqttcheck.Config) error {
			if !aborted.Load() {
				return stuck(ctx)
			}
			return ctx.Err()
		}
		k.on = func(b *Bench, e Event) {
			switch v := e.Body.(type) {
			case PhaseChanged:
				if v.Phase == PhaseMQTT && v.Status == PhaseStarted && aborted.CompareAndSwap(false, true) {
					if err := b.Abort("s1"); err != nil {
						t.Error(err)
					}
				}
			case RunEnded:
				if v.Outcome == Aborted {
					if d.abandons != 1 {
						t.Errorf("got %d generations given up, want 1", d.abandons)
					}
					if err := b.Retry("s1"); err != nil {
						t.Error(err)
					}
				}
			}
		}
		list := ends(k.play())
		if len(list) != 2 {
			t.Fatalf("got %d runs, want 2", len(list))
		}
		checkEnd(t, list[0], Aborted, CodeAborted)
		checkEnd(t, list[1], Pass, "")
		if d.keys != 2 || len(d.refused) != 1 {
			t.Errorf("got %d keys, %d ids given up, want 2 and 1", d.keys, len(d.refused))
		}
	})
}

func TestAbortEveryPhase(t *testing.T) {
	for _, p := range []Phase{PhaseIdentify, PhaseKeygen, PhaseEnroll, PhaseInstall, PhaseMQTT, PhaseSeal} {
		t.Run(string(p), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				k := newKit(t)
				at := map[Phase]string{PhaseIdentify: "greet", PhaseKeygen: "keygen", PhaseInstall: "install", PhaseSeal: "seal"}[p]
				var aborted atomic.Bool
				hang := func(ctx context.Context) error {
					if !aborted.Load() {
						return stuck(ctx)
					}
					return ctx.Err()
				}
				k.port("s1").on = func(ctx context.Context, op string) error {
					if op == at {
						return hang(ctx)
					}
					return nil
				}
				switch p {
				case PhaseEnroll:
					k.bridge.on = func(ctx context.Context, _ int, _ EnrollRequest) (*EnrollAnswer, error) { return nil, hang(ctx) }
				case PhaseMQTT:
					k.prover.on = func(ctx context.Context, _ int, _ mqttcheck.Config) error { return hang(ctx) }
				}
				k.on = func(b *Bench, e Event) {
					switch v := e.Body.(type) {
					case PhaseChanged:
						if v.Phase == p && v.Status == PhaseStarted && !aborted.Load() {
							if err := b.Abort("s1"); err != nil {
								t.Error(err)
							}
							aborted.Store(true) // the phase goes on by itself from here on only
						}
					case RunEnded:
						if v.Outcome == Aborted {
							if err := b.Retry("s1"); err != nil {
								t.Error(err)
							}
						}
					}
				}
				list := ends(k.play())
				if len(list) != 2 {
					t.Fatalf("got %d runs, want 2: the first is not started again by itself", len(list))
				}
				checkEnd(t, list[0], Aborted, CodeAborted)
				if list[0].Phase != p || len(k.ledger.ends) != 2 || k.ledger.ends[0].Outcome != Aborted {
					t.Errorf("got phase %s, record %+v, want %s recorded as aborted", list[0].Phase, k.ledger.ends, p)
				}
				checkEnd(t, list[1], Pass, "")
				if k.dev().keys != 1 {
					t.Errorf("got %d keys, want the first one used again", k.dev().keys)
				}
			})
		})
	}
}

// A shutdown ends every run in flight in order: aborted, recorded, told, and the summary comes last.
func TestShutdown(t *testing.T) {
	for _, how := range []string{"quit", "context"} {
		t.Run(how, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				k := newKit(t)
				k.add("s2", newFakeDevice("SN-2"))
				k.port("s1").on, k.port("s2").on = stuckAt("keygen"), stuckAt("install")
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				waiting := map[Phase]bool{PhaseKeygen: true, PhaseInstall: true}
				k.on = func(b *Bench, e Event) {
					p, ok := e.Body.(PhaseChanged)
					if !ok || p.Status != PhaseStarted || (p.Slot == "s1") != (p.Phase == PhaseKeygen) || !waiting[p.Phase] {
						return
					}
					if delete(waiting, p.Phase); len(waiting) > 0 {
						return
					}
					if how == "quit" {
						b.Quit()
					} else {
						cancel()
					}
				}
				events, err := k.playErr(ctx)
				if err != nil {
					t.Errorf("got %v, want nil", err)
				}
				list := ends(events)
				if len(list) != 2 || len(k.ledger.ends) != 2 {
					t.Fatalf("got %d runs, %d records, want 2:\n%s", len(list), len(k.ledger.ends), show(events))
				}
				for _, e := range list {
					checkEnd(t, e, Aborted, CodeAborted)
				}
				sum, _ := events[len(events)-1].Body.(Summary)
				if sum.Devices != 2 || sum.Aborted != 2 {
					t.Errorf("got %+v, want 2 aborted", sum)
				}
			})
		})
	}
}

// A run that was told of is on record even where it is aborted before its first record is written.
func TestAbortBeforeFirstRecord(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k := newKit(t)
		quit := make(chan func(), 1)
		k.ledger.fail = func(_ context.Context, m string) error {
			if m == "BeginRun" {
				(<-quit)()
			}
			return nil
		}
		k.on = func(b *Bench, e Event) {
			if _, ok := e.Body.(StationInfo); ok {
				quit <- b.Quit
			}
		}
		e := wantEnd(t, k.play(), Aborted, CodeAborted)
		if _, ok := k.ledger.runs[e.Run]; !ok {
			t.Error("the run is not on record")
		}
	})
}

// A shutdown while the ledger is slow is an abort too, and not the ledger's fault.
func TestShutdownAtFirstRecord(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k := newKit(t)
		quit := make(chan func(), 1)
		k.ledger.fail = func(ctx context.Context, m string) error {
			if m == "BeginRun" {
				(<-quit)()
				return stuck(ctx)
			}
			return nil
		}
		k.on = func(b *Bench, e Event) {
			if _, ok := e.Body.(StationInfo); ok {
				quit <- b.Quit
			}
		}
		wantEnd(t, k.play(), Aborted, CodeAborted)
	})
}

// No run begins on a bench that has been told to stop.
func TestNoRunAfterStop(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k := newKit(t)
		k.bench.Settle = 250 * time.Millisecond // the very moment of the first announcement
		for range 20 {
			k.add(fmt.Sprintf("x%d", len(k.conn.ports)), newFakeDevice(fmt.Sprintf("SN-%d", 100+len(k.conn.ports))))
		}
		for _, e := range ends(k.play()) {
			if e.Outcome != Pass {
				t.Errorf("got %s %s, want a run that is begun to be ended", e.Outcome, e.Code)
			}
		}
	})
}

// Unplugged: the port says so, or the system does. Either way an ERROR, and the next plug-in ends well, with the key
// that the device made.
func TestUnplugEveryPhase(t *testing.T) {
	for _, row := range deviceOps {
		for _, told := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s told=%v", row.op, told), func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					k := newKit(t)
					p, d := k.port("s1"), k.dev()
					info := PortInfo{Path: p.path, Slot: "s1", VID: "0403"}
					first := true
					p.on = func(ctx context.Context, op string) error {
						if op != row.op || !first {
							return nil
						}
						first = false
						if told {
							k.watcher.changes <- PortChange{Port: info}
							return stuck(ctx)
						}
						p.unplug()
						return goneFault(p.path)
					}
					k.on = func(_ *Bench, e Event) {
						if end, ok := e.Body.(RunEnded); ok && end.Outcome == Error {
							p.unplug()
							p.plug(d)
							if told {
								k.watcher.changes <- PortChange{Added: true, Port: info}
							}
						}
					}
					events := k.play()
					list := ends(events)
					if len(list) != 2 {
						t.Fatalf("got %d runs, want 2:\n%s", len(list), show(events))
					}
					checkEnd(t, list[0], Error, CodePortGone)
					if list[0].Phase != row.phase {
						t.Errorf("got phase %s, want %s", list[0].Phase, row.phase)
					}
					checkEnd(t, list[1], Pass, "")
					if d.keys != 1 || k.bridge.posts != 1 {
						t.Errorf("got %d keys, %d posts, want one of each for both runs", d.keys, k.bridge.posts)
					}
				})
			})
		}
	}
}

// A write to the ledger that fails, at each call there is: never a PASS, never INSTALLED or SKIPPED.
func TestLedgerFailsAtEachCall(t *testing.T) {
	courses := map[string]func(k *kit){
		"enroll":    func(*kit) {},
		"adopt":     func(k *kit) { k.enrolled(StateSealed) },
		"skip":      func(k *kit) { k.knows(k.enrolled(StateSealed)) },
		"installed": func(k *kit) { k.cfg.MQTTOff = true },
		"bad csr": func(k *kit) {
			k.bridge.on = func(context.Context, int, EnrollRequest) (*EnrollAnswer, error) {
				return nil, fault(CodeBridgeCSR, Fail, Permanent)
			}
		},
	}
	calls := func(set func(k *kit)) (n int, end RunEnded) {
		bubble(t, func(t *testing.T) {
			k := newKit(t)
			set(k)
			end = one(t, k.play())
			n = len(k.ledger.calls)
		})
		return n, end
	}
	for name, set := range courses {
		n, sound := calls(set)
		for i := range n {
			bubble(t, func(t *testing.T) {
				k := newKit(t)
				set(k)
				count := 0
				failed := ""
				k.ledger.fail = func(_ context.Context, m string) error {
					if count++; count == i+1 {
						failed = m
						return errors.New("disk full")
					}
					return nil
				}
				events := k.play()
				e := one(t, events)
				what := fmt.Sprintf("%s: call %d, %s", name, i+1, failed)
				switch {
				case failed == "":
					t.Errorf("%s: the call never came", what)
				case sound.Outcome == Fail && failed != "FinishRun":
					if e.Outcome == Pass || (e.Code != CodeLedger && e.Code != sound.Code) {
						t.Errorf("%s: got %s %s, want %s or %s", what, e.Outcome, e.Code, CodeLedger, sound.Code)
					}
				case sound.Outcome == Fail:
					if e.Outcome != Fail || e.Code != sound.Code {
						t.Errorf("%s: got %s %s, want what was found out: %s", what, e.Outcome, e.Code, sound.Code)
					}
				case e.Outcome != Error || e.Code != CodeLedger:
					t.Errorf("%s: got %s %s, want ERROR %s", what, e.Outcome, e.Code, CodeLedger)
				}
				if d := k.dev(); d.seals > 0 && !slices.Contains(k.ledger.calls, "SaveProof") && !k.cfg.MQTTOff {
					t.Errorf("%s: sealed without a durable proof", what)
				}
				for _, end := range k.ledger.ends {
					if end.Outcome.Good() || end.Outcome == Installed {
						t.Errorf("%s: got %s on file", what, end.Outcome)
					}
				}
			})
		}
	}
}

// A PASS needs the broker's proof, the seal and the record.
func TestNoPassWithout(t *testing.T) {
	rows := []struct {
		name    string
		set     func(k *kit)
		outcome Outcome
		code    Code
	}{
		{"a proof", func(k *kit) { k.prover.proof = "" }, Error, CodeInternal},
		{"a known proof", func(k *kit) { k.prover.proof = "trust-me" }, Error, CodeInternal},
		{"the seal", func(k *kit) {
			k.port("s1").on = failTimes("seal", 99, fault(CodeAgentSpace, Fail, Permanent))
		}, Fail, CodeAgentSpace},
		{"a broker, by policy", func(k *kit) { k.cfg.MQTTOff = true }, Installed, ""},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				k := newKit(t)
				row.set(k)
				e := wantEnd(t, k.play(), row.outcome, row.code)
				if len(k.ledger.passes) != 0 {
					t.Error("got a PASS on file")
				}
				if row.outcome == Installed && (e.Proof != NoProof || e.Outcome.Good()) {
					t.Errorf("got %+v, want INSTALLED to be neither proven nor good", e)
				}
			})
		})
	}
}

// Policy that switches the broker off is said once, however often the seal is tried.
func TestWarningSaidOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k := newKit(t)
		k.cfg.MQTTOff = true
		k.port("s1").on = failTimes("seal", 3, ErrDeviceReset)
		wantEnd(t, k.play(), Installed, "")
		if got := k.ledger.ends[0].Warnings; len(got) != 1 || got[0].Code != CodeMQTTOff {
			t.Errorf("got %+v, want %s once", got, CodeMQTTOff)
		}
	})
}

// A stuck device, bridge, broker or port in one slot does not delay the others.
func TestStuckSlotDelaysNobody(t *testing.T) {
	const many = 6
	rows := map[string]func(k *kit){
		"device": func(k *kit) { k.port("s1").on = stuckAt("keygen") },
		"bridge": func(k *kit) {
			k.bridge.on = func(ctx context.Context, _ int, r EnrollRequest) (*EnrollAnswer, error) {
				if r.DeviceID == "edge-sn-1" {
					return nil, stuck(ctx)
				}
				return nil, nil
			}
		},
		"broker": func(k *kit) {
			k.prover.on = func(ctx context.Context, n int, _ mqttcheck.Config) error {
				if n == 1 {
					return stuck(ctx)
				}
				return nil
			}
		},
	}
	for name, set := range rows {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				k := newKit(t)
				for i := 2; i <= many; i++ {
					k.add(fmt.Sprintf("s%d", i), newFakeDevice(fmt.Sprintf("SN-%d", i)))
				}
				set(k)
				good := 0
				for _, e := range ends(k.play()) {
					switch e.Outcome {
					case Pass:
						if good++; e.ElapsedMS > 1000 {
							t.Errorf("%s: got %d ms, want it not delayed", e.Slot, e.ElapsedMS)
						}
					case Timeout:
					default:
						t.Errorf("%s: got %s %s", e.Slot, e.Outcome, e.Code)
					}
				}
				if good != many-1 {
					t.Errorf("got %d good runs, want %d", good, many-1)
				}
			})
		})
	}
}
