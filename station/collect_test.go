package station

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"provstation/station/mqttcheck"
)

// fakeQueue is a queue in memory, by the rules of [Queue] and [RelayQueue].
type fakeQueue struct {
	mu     sync.Mutex
	fail   error
	rows   []*QueuedRequest
	claims map[string]*QueuedRequest
	said   []RelaySettled
}

func (q *fakeQueue) Collect(_ context.Context, c QueuedRequest) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.fail != nil {
		return q.fail
	}
	if slices.ContainsFunc(q.rows, func(r *QueuedRequest) bool { return bytes.Equal(r.SPKI, c.SPKI) }) {
		return nil
	}
	c.State, c.NextAt, c.Updated = QueueWaiting, c.At, c.At
	q.rows = append(q.rows, &c)
	return nil
}

func (q *fakeQueue) ClaimCollected(_ context.Context, r RelayClaim) (QueuedRequest, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.fail != nil {
		return QueuedRequest{}, q.fail
	}
	for _, c := range q.rows {
		if c.State == QueueWaiting && (!c.NextAt.After(r.Now) || c.Updated.Before(r.Before)) {
			c.State, c.Updated = QueuePosted, r.Now
			c.Tries++
			if q.claims == nil {
				q.claims = map[string]*QueuedRequest{}
			}
			q.claims[r.ID] = c
			return *c, nil
		}
	}
	return QueuedRequest{}, ErrNotFound
}

func (q *fakeQueue) SettleCollected(_ context.Context, s RelaySettled) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	c := q.claims[s.Claim]
	if c == nil {
		return ErrNotFound
	}
	delete(q.claims, s.Claim)
	c.State, c.NextAt, c.Code, c.Updated = s.State, s.NextAt, s.Code, s.At
	q.said = append(q.said, s)
	return nil
}

func (q *fakeQueue) QueueCounts(context.Context, string) (map[QueueState]int, time.Time, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	counts, due := map[QueueState]int{}, time.Time{}
	for _, c := range q.rows {
		counts[c.State]++
		if c.State == QueueWaiting && (due.IsZero() || c.NextAt.Before(due)) {
			due = c.NextAt
		}
	}
	return counts, due, q.fail
}

// offNetwork lets the test fail whenever the network is asked for anything.
func (k *kit) offNetwork(q *fakeQueue) {
	k.cfg.Queue = q
	k.bridge.on = func(context.Context, int, EnrollRequest) (*EnrollAnswer, error) {
		k.t.Error("the bridge was asked for a certificate")
		return nil, nil
	}
	k.bridge.now = func() time.Time {
		k.t.Error("the bridge was asked for the time")
		return time.Time{}
	}
	k.bridge.contracts = func() { k.t.Error("the bridge was asked for its contract") }
	k.trust.on = func() error {
		k.t.Error("the trust anchors were looked for")
		return nil
	}
	k.prover.on = func(context.Context, int, mqttcheck.Config) error {
		k.t.Error("the broker was asked")
		return nil
	}
	k.cfg.Registry = unasked{k}
}

// unasked is a registry that nobody may ask.
type unasked struct{ k *kit }

func (u unasked) Await(context.Context, string, func(RegistryStep)) (Registration, error) {
	u.k.t.Error("the tenant was asked whether it lists the device")
	return Registration{}, nil
}

// onNetwork takes back what offNetwork did.
func (k *kit) onNetwork() {
	k.cfg.Registry = nil
	k.cfg.Queue, k.bridge.on, k.bridge.now, k.bridge.contracts, k.trust.on, k.prover.on = nil, nil, nil, nil, nil, nil
}

// replug lets the bench of the next play see the device in s1.
func (k *kit) replug() {
	d := k.dev()
	k.port("s1").unplug()
	k.watcher = &fakeWatcher{changes: make(chan PortChange, 64)}
	k.add("s1", d)
}

// A device is collected without any network: its request is in the queue, the run is on record as COLLECTED, nothing says
// PASS; collected again it has the same key.
func TestCollect(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k, q := newKit(t), &fakeQueue{}
		k.cfg.NameOf = func(id string, _ Greeting) (string, error) { return "box " + id, nil }
		k.offNetwork(q)
		events := k.play()
		e := wantEnd(t, events, Collected, CodeCollected)
		if e.DeviceID != "edge-sn-1" || e.CertFingerprint != "" || e.Proof != NoProof || e.Phase != "" {
			t.Errorf("got %+v, want edge-sn-1 without certificate, proof or phase", e)
		}
		if sum, _ := events[len(events)-1].Body.(Summary); sum.Collected != 1 || sum.Devices != 1 || sum.Pass != 0 {
			t.Errorf("got %+v, want one device, collected", sum)
		}
		for _, p := range Phases() {
			want := "started done"
			if p.Rare() {
				want = ""
			} else if p.Index() > PhaseCSR.Index() && p != PhaseRecord {
				want = "skipped"
			}
			if got := statuses(events, p); got != want {
				t.Errorf("%s: got %q, want %q", p, got, want)
			}
		}
		if len(q.rows) != 1 {
			t.Fatalf("got %d requests, want one", len(q.rows))
		}
		c, d := q.rows[0], k.dev()
		if !bytes.Equal(c.CSR, d.csr) || !bytes.Equal(c.SPKI, d.spki()) || c.EnrollID != d.enroll || c.Generation != 1 ||
			c.Tenant != "acme" || c.DeviceID != "edge-sn-1" || c.DeviceName != "box edge-sn-1" || c.HardwareSerial != "SN-1" ||
			c.Contract != ContractAuto || c.Run != e.Run {
			t.Errorf("got %+v, want the device's request", c)
		}
		if len(k.ledger.posts) != 0 || len(k.ledger.certs) != 0 || len(k.ledger.ends) != 1 || k.ledger.ends[0].Outcome != Collected {
			t.Errorf("got posts %v, certificates %d, ends %+v, want the end alone, COLLECTED", k.ledger.posts, len(k.ledger.certs), k.ledger.ends)
		}
		k.replug()
		wantEnd(t, k.play(), Collected, CodeCollected)
		if d.keys != 1 || len(q.rows) != 1 {
			t.Errorf("collected again: got %d keys and %d requests, want one each", d.keys, len(q.rows))
		}
	})
}

// What cannot be collected is said, and is never COLLECTED.
func TestCollectRefused(t *testing.T) {
	for name, row := range map[string]struct {
		set     func(k *kit, q *fakeQueue)
		outcome Outcome
		code    Code
	}{
		"it has passed":           {func(k *kit, _ *fakeQueue) { k.knows(k.enrolled(StateSealed)) }, Skipped, CodeSkipped},
		"enrolled, not proven":    {func(k *kit, _ *fakeQueue) { k.enrolled(StateSealed) }, Error, CodeCollectEnrolled},
		"by the tenant's script":  {func(k *kit, _ *fakeQueue) { k.enrolled(StateForeign) }, Error, CodeCollectEnrolled},
		"queue cannot be written": {func(_ *kit, q *fakeQueue) { q.fail = errors.New("disk full") }, Error, CodeLedger},
		"no key for the tunnel":   {func(k *kit, _ *fakeQueue) { k.cfg.WireGuard = true }, Fail, CodeWGBad},
		"no id":                   {func(k *kit, _ *fakeQueue) { k.cfg.AssignID = nil }, Fail, CodeIDMissing},
		"the record fails": {func(k *kit, _ *fakeQueue) {
			k.ledger.fail = func(_ context.Context, method string) error {
				if method == "FinishRun" {
					return errors.New("disk full")
				}
				return nil
			}
		}, Error, CodeLedger},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				k, q := newKit(t), &fakeQueue{}
				k.offNetwork(q)
				row.set(k, q)
				wantEnd(t, k.play(), row.outcome, row.code)
				if len(q.rows) != 0 && row.code != CodeLedger {
					t.Errorf("got %d requests, want none", len(q.rows))
				}
			})
		})
	}
}

// --count stops when so many are collected; runs in a row that are collected hold no batch.
func TestCollectCount(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k, q := newKit(t), &fakeQueue{}
		k.add("s2", newFakeDevice("SN-2"))
		k.add("s3", newFakeDevice("SN-3"))
		k.offNetwork(q)
		k.bench.StopAfter, k.bench.Settle, k.bench.HoldAfter = 3, 0, 2
		if got := ends(k.play()); len(got) != 3 || len(q.rows) != 3 {
			t.Errorf("got %d runs and %d requests, want three each", len(got), len(q.rows))
		}
	})
}

// relayKit is a bench whose devices were collected.
func relayKit(t *testing.T, n int) (*kit, *fakeQueue) {
	t.Helper()
	k, q := newKit(t), &fakeQueue{}
	for i := 2; i <= n; i++ {
		k.add("s"+itoa(i), newFakeDevice("SN-"+itoa(i)))
	}
	k.offNetwork(q)
	for _, e := range ends(k.play()) {
		checkEnd(t, e, Collected, CodeCollected)
	}
	k.onNetwork()
	slices.SortFunc(q.rows, func(a, b *QueuedRequest) int { return strings.Compare(a.DeviceID, b.DeviceID) })
	return k, q
}

// relay relays once, one request after the other.
func (k *kit) relay(ctx context.Context, q *fakeQueue, cfg RelayConfig) ([]RelayChanged, RelaySummary, error) {
	k.t.Helper()
	cfg.Parallel = max(cfg.Parallel, 1)
	r := NewRelay(cfg, q, NewRunner(k.cfg, k.bridge, k.ledger, k.trust, k.prover.prove, fakeWords{}))
	feed := r.Subscribe()
	sum, err := r.Run(ctx)
	var list []RelayChanged
	var last Event
	for e := range feed {
		if b, ok := e.Body.(RelayChanged); ok {
			list = append(list, b)
		}
		last = e
	}
	if got, ok := last.Body.(RelaySummary); !ok || got != sum {
		k.t.Errorf("last event: got %+v, want the summary %+v", last.Body, sum)
	}
	return list, sum, err
}

// What is relayed is on record as in a run: the post, the certificate before anything else; and the device that comes back
// gets it without another post.
func TestRelayAndInstall(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k, q := relayKit(t, 1)
		list, sum, err := k.relay(t.Context(), q, RelayConfig{})
		if err != nil || len(list) != 1 || list[0].State != QueueIssued || sum.Issued != 1 || sum.Waiting != 0 {
			t.Fatalf("got %+v, %+v, %v, want one issued", list, sum, err)
		}
		if len(k.ledger.certs) != 1 || len(k.ledger.posts) != 1 || k.ledger.certs[0].Run != q.rows[0].Run {
			t.Fatalf("got %d certificates and posts %v, want one each, of the run that collected", len(k.ledger.certs), k.ledger.posts)
		}
		for id, state := range k.ledger.posts {
			if state != "issued" || k.ledger.certs[0].PostID != id {
				t.Errorf("post: got %q of %q, want the certificate's, issued", state, id)
			}
		}
		if list[0].CertFingerprint != hexOf(k.ledger.certs[0].Fingerprint) || list[0].NotAfter == nil || list[0].Contract != "deployed" {
			t.Errorf("got %+v, want fingerprint, end and contract", list[0])
		}
		if k.bridge.asked[0].DeviceName != q.rows[0].DeviceName {
			t.Errorf("got name %q, want %q as it was collected", k.bridge.asked[0].DeviceName, q.rows[0].DeviceName)
		}
		if list, _, err := k.relay(t.Context(), q, RelayConfig{}); err != nil || len(list) != 0 || k.bridge.posts != 1 {
			t.Errorf("relayed again: got %+v, %v and %d posts, want nothing, and one post", list, err, k.bridge.posts)
		}

		// The network is gone: the broker cannot be asked. The next time it can.
		k.bridge.refuse = fault(CodeBridgeDown, Error, Passing)
		k.prover.on = func(context.Context, int, mqttcheck.Config) error {
			return &mqttcheck.Error{Reason: mqttcheck.NoRoute, Sentence: "no route"}
		}
		k.replug()
		e := wantEnd(t, k.play(), Error, CodeBrokerRoute)
		if e.Phase != PhaseMQTT {
			t.Errorf("without a network: got phase %s, want mqtt", e.Phase)
		}
		k.prover.on = nil
		k.replug()
		wantEnd(t, k.play(), Pass, "")
		if sum := sha256.Sum256(k.dev().leaf); k.bridge.posts != 1 || k.dev().keys != 1 || k.dev().installs != 1 || hexOf(sum[:]) != list[0].CertFingerprint {
			t.Errorf("got %d posts, %d keys, %d installs, want one each, and the relayed certificate on the device",
				k.bridge.posts, k.dev().keys, k.dev().installs)
		}
	})
}

// What becomes of a request, by the bridge's answer.
func TestRelayStates(t *testing.T) {
	maybe := func(code Code) *Fault {
		f := fault(code, Error, Passing)
		f.Err = ErrMaybeIssued
		return f
	}
	other := func(k *kit) (*EnrollAnswer, error) { // for another device
		return &EnrollAnswer{Contract: ContractDeployed, Certificate: pemText(issueFor(k.pki, k.pki.Sub.Key.Public(), "edge-sn-1")), Chain: k.pki.Sub.PEM()}, nil
	}
	answer := func(err error) func(*kit) (*EnrollAnswer, error) {
		return func(*kit) (*EnrollAnswer, error) { return nil, err }
	}
	retryAfter := fault(CodeBridgeBusy, Error, Passing)
	retryAfter.Params["retry_after"] = "900"
	for name, row := range map[string]struct {
		tries  int // before
		set    func(k *kit, q *fakeQueue)
		answer func(k *kit) (*EnrollAnswer, error)
		state  QueueState
		code   Code
		wait   time.Duration // at least, at most 1.5 times that and a second
		posts  int
		open   int // posts that may have issued something
		stops  bool
	}{
		"issued":             {answer: answer(nil), state: QueueIssued, posts: 1},
		"busy":               {answer: answer(fault(CodeBridgeBusy, Error, Passing)), state: QueueWaiting, code: CodeBridgeBusy, wait: 15 * time.Second, posts: 1},
		"busy, fourth time":  {tries: 3, answer: answer(fault(CodeBridgeBusy, Error, Passing)), state: QueueWaiting, code: CodeBridgeBusy, wait: 120 * time.Second, posts: 1},
		"busy, it says when": {answer: answer(retryAfter), state: QueueWaiting, code: CodeBridgeBusy, wait: 900 * time.Second, posts: 1},
		"bridge down":        {answer: answer(fault(CodeBridgeDown, Error, Passing)), state: QueueWaiting, code: CodeBridgeDown, wait: 15 * time.Second, posts: 1, stops: true},
		"not let in":         {answer: answer(fault(CodeBridgeAuth, Error, Misconfigured)), state: QueueWaiting, code: CodeBridgeAuth, wait: 15 * time.Second, posts: 1, stops: true},
		"lost answer":        {answer: answer(maybe(CodeBridgeTimeout)), state: QueueWaiting, code: CodeBridgeTimeout, wait: 15 * time.Second, posts: 1, open: 1},
		"lost once too often": {
			tries: 5, answer: answer(maybe(CodeBridgeInternal)), state: QueueParked, code: CodeBridgeInternal, posts: 1, open: 1,
		},
		"refused":                   {answer: answer(fault(CodeBridgeCSR, Fail, Permanent)), state: QueueParked, code: CodeBridgeCSR, posts: 1},
		"a certificate for another": {answer: other, state: QueueParked, code: CodeCertKey, posts: 1, open: 1},
		"the bridge makes the tunnel's key": {
			set: func(k *kit, q *fakeQueue) {
				k.cfg.WireGuard, k.bridge.speaks = true, ContractDocumented
				q.rows[0].WireGuardKey = bytes.Repeat([]byte{7}, 32)
			},
			answer: answer(nil), state: QueueParked, code: CodeCollectKey,
		},
		"the documented contract without a tunnel": {
			set:    func(k *kit, _ *fakeQueue) { k.bridge.speaks = ContractDocumented },
			answer: answer(nil), state: QueueIssued, posts: 1,
		},
		"no key for the tunnel":    {set: func(k *kit, _ *fakeQueue) { k.cfg.WireGuard = true }, answer: answer(nil), state: QueueParked, code: CodeWGBad},
		"the request was damaged":  {set: func(_ *kit, q *fakeQueue) { q.rows[0].CSR[len(q.rows[0].CSR)-1] ^= 1 }, answer: answer(nil), state: QueueParked, code: CodeCSRBad},
		"the request is another's": {set: func(_ *kit, q *fakeQueue) { q.rows[0].DeviceID = "edge-sn-9" }, answer: answer(nil), state: QueueParked, code: CodeCSRBad},
		"no trust anchors": {
			set: func(k *kit, _ *fakeQueue) {
				k.trust.on = func() error { return fault(CodeTrustMissing, Error, Misconfigured) }
			},
			answer: answer(nil), state: QueueWaiting, code: CodeTrustMissing, wait: 15 * time.Second, stops: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				k, q := relayKit(t, 1)
				q.rows[0].Tries = row.tries
				if row.set != nil {
					row.set(k, q)
				}
				k.bridge.on = func(context.Context, int, EnrollRequest) (*EnrollAnswer, error) { return row.answer(k) }
				list, sum, err := k.relay(t.Context(), q, RelayConfig{})
				if err != nil || len(list) != 1 || list[0].State != row.state || list[0].Code != row.code || q.rows[0].State != row.state {
					t.Fatalf("got %+v, %v, want %s %s", list, err, row.state, row.code)
				}
				if (list[0].Message == "" || list[0].Hint == "") != (row.code == "") {
					t.Errorf("got message %q and hint %q", list[0].Message, list[0].Hint)
				}
				if wait := time.Until(q.rows[0].NextAt); row.state == QueueWaiting && (wait < row.wait || wait > 3*row.wait+time.Second) {
					t.Errorf("got the next try in %v, want %v to three times that", wait, row.wait)
				}
				if stopped := sum.Stopped != ""; stopped != row.stops {
					t.Errorf("got stopped by %q, want stopped: %v", sum.Stopped, row.stops)
				}
				open := 0
				for _, s := range k.ledger.posts {
					if s == "open" {
						open++
					}
				}
				if k.bridge.posts != row.posts || open != row.open {
					t.Errorf("got %d posts, %d of them open, want %d and %d", k.bridge.posts, open, row.posts, row.open)
				}
			})
		})
	}
}

// A lost answer: the same request is posted again, and what the first may have issued stays on record.
func TestRelayLostAnswer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k, q := relayKit(t, 1)
		lost := fault(CodeBridgeTimeout, Timeout, Passing)
		lost.Err = ErrMaybeIssued
		k.bridge.on = func(_ context.Context, n int, _ EnrollRequest) (*EnrollAnswer, error) {
			if n == 1 {
				return nil, lost
			}
			return nil, nil
		}
		if list, _, err := k.relay(t.Context(), q, RelayConfig{}); err != nil || list[0].State != QueueWaiting {
			t.Fatalf("got %+v, %v, want it to wait", list, err)
		}
		if list, _, err := k.relay(t.Context(), q, RelayConfig{}); err != nil || len(list) != 0 {
			t.Fatalf("before its time: got %+v, %v, want nothing", list, err)
		}
		<-time.After(time.Second) // by the bubble's clock
		if list, _, err := k.relay(t.Context(), q, RelayConfig{Force: true}); err != nil || len(list) != 1 || list[0].State != QueueIssued {
			t.Fatalf("with --now: got %+v, %v, want it issued", list, err)
		}
		if k.bridge.posts != 2 || !bytes.Equal(k.bridge.asked[0].CSR, k.bridge.asked[1].CSR) {
			t.Errorf("got %d posts, want two of the same request", k.bridge.posts)
		}
		states := map[string]int{}
		for _, s := range k.ledger.posts {
			states[s]++
		}
		if states["open"] != 1 || states["issued"] != 1 {
			t.Errorf("got posts %v, want one open and one issued", states)
		}
	})
}

// A pass stops where the others would only fare the same; what it did not come to is untouched.
func TestRelayStops(t *testing.T) {
	for name, row := range map[string]struct {
		fault *Fault
		tried int
		state QueueState
	}{
		"bridge down":       {fault(CodeBridgeDown, Error, Passing), 1, QueueWaiting},
		"not let in":        {fault(CodeBridgeAuth, Error, Misconfigured), 1, QueueWaiting},
		"three in a row":    {fault(CodeBridgeBusy, Error, Passing), 3, QueueWaiting},
		"three of them bad": {fault(CodeBridgePolicy, Fail, Permanent), 3, QueueParked},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				k, q := relayKit(t, 5)
				k.bridge.on = func(context.Context, int, EnrollRequest) (*EnrollAnswer, error) { return nil, row.fault }
				list, sum, err := k.relay(t.Context(), q, RelayConfig{})
				if err != nil || len(list) != row.tried || sum.Stopped != row.fault.Code || k.bridge.posts != row.tried {
					t.Fatalf("got %+v, %+v, %v and %d posts, want %d tried", list, sum, err, k.bridge.posts, row.tried)
				}
				for i, c := range q.rows {
					if want := row.tried > i; (c.Tries > 0) != want || (want && c.State != row.state) {
						t.Errorf("%s: got %s after %d tries", c.DeviceID, c.State, c.Tries)
					}
				}
			})
		})
	}
}

// With --watch it goes on by itself: what backs off is tried when its time has come, what is collected meanwhile as well,
// a few at once; an interrupt ends it.
func TestRelayWatch(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k, q := relayKit(t, 5)
		failed := map[string]int{}
		var mu sync.Mutex
		k.bridge.on = func(_ context.Context, _ int, r EnrollRequest) (*EnrollAnswer, error) {
			mu.Lock()
			defer mu.Unlock()
			if failed[r.DeviceID]++; failed[r.DeviceID] <= 2 {
				return nil, fault(CodeBridgeDown, Error, Passing)
			}
			return nil, nil
		}
		late := *q.rows[4]
		q.rows = q.rows[:4]
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Hour)
		defer cancel()
		time.AfterFunc(2*time.Hour, func() {
			if err := q.Collect(ctx, late); err != nil {
				t.Error(err)
			}
		})
		list, sum, err := k.relay(ctx, q, RelayConfig{Watch: true, Parallel: 2})
		if err != nil || sum.Issued != 5 || sum.Waiting != 0 || sum.Failed != 10 || len(list) != 15 {
			t.Errorf("got %+v of %d, %v, want all five issued in the end", sum, len(list), err)
		}
	})
}

// The station's own failure ends a relay with an error, and a request whose outcome could not be recorded is never said to
// be done.
func TestRelayLedgerFails(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k, q := relayKit(t, 2)
		k.ledger.fail = func(_ context.Context, method string) error {
			if method == "PostBegun" {
				return errors.New("disk full")
			}
			return nil
		}
		list, _, err := k.relay(t.Context(), q, RelayConfig{})
		if f, ok := AsFault(err); !ok || f.Code != CodeLedger || k.bridge.posts != 0 || len(list) != 1 || list[0].State != QueueWaiting {
			t.Errorf("got %+v, %v and %d posts, want an error and no post", list, err, k.bridge.posts)
		}
		k.ledger.fail, q.fail = nil, errors.New("disk full")
		if list, _, err := k.relay(t.Context(), q, RelayConfig{}); err == nil || len(list) != 0 {
			t.Errorf("queue gone: got %+v, %v, want an error", list, err)
		}
	})
}
