package station

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"provstation/station/pki"
)

// RelayQueue is the queue of collected requests as a relay works on it.
type RelayQueue interface {
	// ClaimCollected takes the next request that is due, for this relay alone. ErrNotFound: none is.
	ClaimCollected(ctx context.Context, c RelayClaim) (QueuedRequest, error)
	// SettleCollected gives a claimed request back as it stands now. ErrNotFound: it is not this relay's any more.
	SettleCollected(ctx context.Context, s RelaySettled) error
	// QueueCounts is how many requests of the tenant are in each state, and when the next one is due; zero: none waits.
	QueueCounts(ctx context.Context, tenant string) (map[QueueState]int, time.Time, error)
}

// RelayClaim asks for a request. Those that wait are due from their NextAt on, and with Before also those that were last
// touched before it.
type RelayClaim struct {
	Tenant string
	ID     string // of the claim, new for each
	By     string // station
	Now    time.Time
	Until  time.Time
	Before time.Time
}

// RelaySettled is what became of a claimed request.
type RelaySettled struct {
	Claim    string
	State    QueueState // waiting|issued|parked
	NextAt   time.Time
	Code     Code
	Params   map[string]string
	Leaf     []byte
	NotAfter time.Time
	At       time.Time
}

// RelayConfig says how requests are relayed.
type RelayConfig struct {
	Info     StationInfo
	Parallel int           // posts at once; 0: 2
	Force    bool          // requests that back off are due, too, each once
	Watch    bool          // go on until the context ends
	Pause    Pause         // of a request between its tries; zero: 30 s to 30 min
	Poll     time.Duration // how often the queue is looked at while nothing is due; 0: 5 s
	Tries    int           // posts that may each have issued a certificate, after which a request is parked; 0: 6

	Now func() time.Time // nil: time.Now
}

// RelayChanged tells what became of one request.
type RelayChanged struct {
	DeviceID        string            `json:"device_id"`
	HardwareSerial  string            `json:"hardware_serial"`
	Run             string            `json:"run"` // that collected it
	State           QueueState        `json:"state"`
	Tries           int               `json:"tries"`
	OnFile          bool              `json:"on_file,omitempty"` // its certificate was there already: nothing was posted
	Code            Code              `json:"code,omitempty"`
	Params          map[string]string `json:"params,omitempty"`
	Message         string            `json:"message,omitempty"`
	Hint            string            `json:"hint,omitempty"`
	NextAt          *time.Time        `json:"next_at,omitempty"`
	CertFingerprint string            `json:"cert_fingerprint,omitempty"`
	NotAfter        *time.Time        `json:"not_after,omitempty"`
	Contract        string            `json:"contract,omitempty"`
	ElapsedMS       int64             `json:"elapsed_ms"`
}

// RelaySummary is the last event of a relay. Issued, Failed and Parked count what this relay did; Waiting is what the
// queue holds at its end.
type RelaySummary struct {
	Issued    int   `json:"issued"`
	Failed    int   `json:"failed"` // tries that failed and will be repeated
	Parked    int   `json:"parked"`
	Waiting   int   `json:"waiting"`
	Stopped   Code  `json:"stopped,omitempty"` // why it stopped before the queue was empty: the same would have happened to the others
	ElapsedMS int64 `json:"elapsed_ms"`
}

func (RelayChanged) eventType() string { return "relay" }
func (RelaySummary) eventType() string { return "relay-summary" }

// Bounds of a relay.
const (
	relayLease   = 6 * time.Minute  // of a claim; two posts under two contracts take 3 min
	relayGrace   = 20 * time.Second // for the posts in flight when the relay is stopped
	relayStreak  = 3                // equal failures in a row after which a pass stops
	maxRetryWait = time.Hour        // that a server may ask for
)

// Relay posts collected requests. Each goes through the same journal and the same checks as in a run.
type Relay struct {
	cfg    RelayConfig
	queue  RelayQueue
	runner *Runner
	hub    *hub

	mu      sync.Mutex
	sum     RelaySummary
	streak  Code // of the last failure
	in      int  // a row
	stopped Code // of the present pass
}

// NewRelay puts a relay together.
func NewRelay(cfg RelayConfig, q RelayQueue, r *Runner) *Relay {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	cfg.Parallel, cfg.Poll, cfg.Tries = cmp.Or(cfg.Parallel, 2), cmp.Or(cfg.Poll, 5*time.Second), cmp.Or(cfg.Tries, 6)
	cfg.Pause.First, cfg.Pause.Max = cmp.Or(cfg.Pause.First, 30*time.Second), cmp.Or(cfg.Pause.Max, 30*time.Minute)
	cfg.Info.Schema = EventSchema
	return &Relay{cfg: cfg, queue: q, runner: r, hub: newHub(cfg.Now)}
}

// Subscribe returns every event from now on, in order. The channel closes after the summary. Subscribe before Run.
func (r *Relay) Subscribe() <-chan Event { return r.hub.subscribe() }

// Run posts what is due, once, or with Watch until ctx ends, and says the summary. Posts in flight are waited for when ctx
// ends. The error is not nil only when the station itself failed.
func (r *Relay) Run(ctx context.Context) (RelaySummary, error) {
	started := r.cfg.Now()
	defer r.hub.close()
	r.hub.emit(r.cfg.Info)
	hold := r.cfg.Pause.start() // between passes that the bridge stopped
	var err error
	for {
		before := time.Time{}
		if r.cfg.Force {
			before = r.cfg.Now().UTC()
		}
		if err = r.pass(ctx, before); err != nil || !r.cfg.Watch || ctx.Err() != nil {
			break
		}
		if r.stopped != "" {
			if hold.wait(ctx) != nil {
				break
			}
			continue
		}
		hold = r.cfg.Pause.start()
		if err = r.untilDue(ctx); err != nil || ctx.Err() != nil {
			break
		}
	}
	counts, _, cerr := r.queue.QueueCounts(context.WithoutCancel(ctx), r.runner.cfg.Start.Tenant)
	if err == nil {
		err = cerr
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sum.Waiting, r.sum.Stopped = counts[QueueWaiting]+counts[QueuePosted], r.stopped
	r.sum.ElapsedMS = r.cfg.Now().Sub(started).Milliseconds()
	r.hub.emit(r.sum)
	return r.sum, err
}

// untilDue waits until a request is due.
func (r *Relay) untilDue(ctx context.Context) error {
	for {
		_, next, err := r.queue.QueueCounts(ctx, r.runner.cfg.Start.Tenant)
		if err != nil {
			return err
		}
		if !next.IsZero() && !next.After(r.cfg.Now()) {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(r.cfg.Poll):
		}
	}
}

// pass takes every request that is due, a few at once.
func (r *Relay) pass(ctx context.Context, before time.Time) error {
	r.mu.Lock()
	r.stopped, r.streak, r.in = "", "", 0
	r.mu.Unlock()
	errs := make([]error, r.cfg.Parallel)
	var wg sync.WaitGroup
	for i := range r.cfg.Parallel {
		wg.Go(func() {
			for ctx.Err() == nil && !r.halted() {
				more, err := r.next(ctx, before)
				if errs[i] = err; err != nil || !more {
					return
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (r *Relay) halted() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stopped != ""
}

// next relays one request. The error is the ledger's.
func (r *Relay) next(ctx context.Context, before time.Time) (more bool, err error) {
	now := r.cfg.Now().UTC()
	claim := RelayClaim{
		Tenant: r.runner.cfg.Start.Tenant, ID: newID(), By: r.cfg.Info.StationID, Now: now, Until: now.Add(relayLease), Before: before,
	}
	c, err := r.queue.ClaimCollected(ctx, claim)
	switch {
	case errors.Is(err, ErrNotFound):
		return false, nil
	case errors.Is(err, ErrConflict):
		return true, nil // another relay was faster
	case err != nil && ctx.Err() != nil:
		return false, nil
	case err != nil:
		return false, err
	}
	crash(pointClaimed)
	rctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(relayGrace, cancel) })()
	x, rerr := r.runner.relay(rctx, c)
	s, f := r.judge(rctx, c, x, rerr)
	s.Claim = claim.ID
	crash(pointRelayed)
	if err := r.queue.SettleCollected(context.WithoutCancel(ctx), s); err != nil && !errors.Is(err, ErrNotFound) {
		return false, err // it stays posted, and is due again when the claim is over
	}
	crash(pointSettled)
	r.tell(c, x, s, now)
	if f != nil && (f.Code == CodeLedger || f.Code == CodeLedgerAway) {
		return false, f
	}
	return true, nil
}

// relay takes a collected request through enroll and verify, as a run of its device would.
func (r *Runner) relay(ctx context.Context, c QueuedRequest) (x *run, err error) {
	s := r.cfg.Start
	s.Run, s.StartedAt = c.Run, r.now().UTC()
	x = &run{
		Runner: r, start: s, attempt: 1, log: r.log.With("run", s.Run, "device", c.DeviceID), warned: map[Phase][]Warning{},
		relayed: &c, deviceID: c.DeviceID, enrollID: c.EnrollID, course: courseEnroll, facts: map[string]string{},
		key:   KeyAnswer{CSR: c.CSR, WireGuardKey: c.WireGuardKey, Generation: c.Generation, Existing: true},
		greet: Greeting{HardwareSerial: c.HardwareSerial}, phase: PhaseCSR,
	}
	policy := r.cfg.CSR
	policy.DeviceID = c.DeviceID
	if len(policy.KeyTypes) > 0 { // nil: all
		policy.KeyTypes = slices.Concat(policy.KeyTypes, r.cfg.CollectedKeys)
	}
	csr, err := pki.ParseCSR(c.CSR, policy)
	if err != nil {
		return x, &Fault{Code: CodeCSRBad, Outcome: Fail, Params: checkParams(err), Err: err}
	}
	x.csr, x.spki = csr, csr.SPKI[:]
	if err := x.claimDevice(ctx); err != nil {
		return x, err
	}
	defer x.release(context.WithoutCancel(ctx))
	if err := x.allowsHeldKey(ctx, x.spki); err != nil {
		return x, err
	}
	if r.cfg.WireGuard && len(c.WireGuardKey) == 0 {
		return x, &Fault{Code: CodeWGBad, Outcome: Fail, Params: map[string]string{"detail": "the request was collected without a key for the tunnel"}}
	}
	for _, p := range []phaseStep{{PhaseEnroll, x.enroll}, {PhaseVerify, x.verify}} {
		x.phase = p.phase
		pctx, cancel := context.WithTimeout(ctx, min(x.timeout(p.phase), relayLease/2))
		err := x.explain(ctx, pctx, p.do(pctx))
		cancel()
		if err != nil {
			return x, err
		}
	}
	if strings.Contains(x.tunnelShown(), hidden) { // a run would have to ask again: secrets are not kept
		return x, &Fault{Code: CodeCollectSecret, Outcome: Fail, Params: map[string]string{"device_id": c.DeviceID}}
	}
	return x, nil
}

// judge says how it stands with a request after a try, and whether the pass stops: where the fault is the bridge's or the
// station's own, the others would only fail the same way.
func (r *Relay) judge(ctx context.Context, c QueuedRequest, x *run, err error) (RelaySettled, *Fault) {
	now := r.cfg.Now().UTC()
	s := RelaySettled{State: QueueIssued, NextAt: now, At: now}
	if err == nil {
		s.Leaf, s.NotAfter = x.leaf, x.notAfter
		r.note("", false)
		return s, nil
	}
	f, _ := AsFault(err)
	r.runner.log.Warn("relay", "device", c.DeviceID, "phase", x.phase, "code", f.Code, "err", err)
	s.Code, s.Params = f.Code, printables(f.Params)
	switch {
	case ctx.Err() != nil:
		s.State = QueueWaiting // a person ended the relay: that is no fault of the request
	case f.Class == Misconfigured, f.Code == CodeLedger, f.Code == CodeLedgerAway:
		s.State, s.NextAt = QueueWaiting, r.later(now, c.Tries, f)
		r.note(f.Code, true)
	case f.Class == Passing || f.Outcome == Timeout:
		s.State, s.NextAt = QueueWaiting, r.later(now, c.Tries, f)
		if errors.Is(err, ErrMaybeIssued) && c.Tries >= r.cfg.Tries {
			s.State = QueueParked // each of them may have issued a certificate
		}
		r.note(f.Code, f.Code == CodeBridgeDown || f.Code == CodeBridgeCADown)
	default:
		s.State = QueueParked
		if f.Code != CodeCollectKey { // nothing was asked
			r.note(f.Code, false)
		}
	}
	return s, f
}

// note counts equal failures in a row.
func (r *Relay) note(code Code, stop bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if code != r.streak {
		r.streak, r.in = code, 0
	}
	r.in++
	if code != "" && (stop || r.in >= relayStreak) {
		r.stopped = code
	}
}

// later is when a request is due again after so many tries: the pause doubles, with jitter, and is never shorter than the
// server asked for.
func (r *Relay) later(now time.Time, tries int, f *Fault) time.Time {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval, b.Multiplier = r.cfg.Pause.First, r.cfg.Pause.Max, 2
	wait := b.NextBackOff()
	for range min(tries-1, 32) {
		wait = b.NextBackOff()
	}
	if seconds, err := strconv.Atoi(f.Params["retry_after"]); err == nil && seconds > 0 {
		wait = max(wait, min(time.Duration(min(seconds, 86400))*time.Second, maxRetryWait))
	}
	return now.Add(wait)
}

// tell counts and says what became of a request.
func (r *Relay) tell(c QueuedRequest, x *run, s RelaySettled, started time.Time) {
	e := RelayChanged{
		DeviceID: c.DeviceID, HardwareSerial: c.HardwareSerial, Run: c.Run, State: s.State, Tries: c.Tries,
		OnFile: x.facts["certificate_on_file"] != "", Code: s.Code, Params: s.Params, CertFingerprint: hexOf(s.Leaf),
		Contract: x.facts[FactContract], ElapsedMS: r.cfg.Now().Sub(started).Milliseconds(),
	}
	if s.Code != "" {
		e.Message, e.Hint = r.runner.words.Fault(s.Code, s.Params)
	}
	if s.State == QueueWaiting {
		at := s.NextAt
		e.NextAt = &at
	}
	if !s.NotAfter.IsZero() {
		at := s.NotAfter.UTC()
		e.NotAfter = &at
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch s.State {
	case QueueIssued:
		r.sum.Issued++
	case QueueParked:
		r.sum.Parked++
	default:
		r.sum.Failed++
	}
	r.hub.emit(e)
}
