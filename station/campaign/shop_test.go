package campaign_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"provstation/serialproto/link"
	"provstation/serialproto/port"
	"provstation/station"
	"provstation/station/device"
	"provstation/station/ledger"
	"provstation/station/ledger/shared"
	"provstation/station/mqttcheck"
	"provstation/station/pki"
	"provstation/station/wgconf"
)

// baud of the lines, for the modelled time on the wire: they are faster than that.
const baud = 3_000_000

// shop is a station from its start to its end or death.
type shop struct {
	w       *world
	bench   *station.Bench
	ledger  *ledger.Ledger // its own
	shared  *shared.Ledger // nil: there are no other stations
	client  *client
	changes chan station.PortChange
	cancel  context.CancelFunc
	over    chan struct{}
	heard   chan struct{}
	dead    atomic.Bool
	err     error

	mu   sync.Mutex
	used []*lease // its ends of lines
}

// Watch implements station.Watcher.
func (s *shop) Watch(context.Context) (<-chan station.PortChange, error) { return s.changes, nil }

// openShop starts a station on the world's ledger.
func openShop(ctx context.Context, w *world) (*shop, error) {
	s := &shop{w: w, changes: make(chan station.PortChange), over: make(chan struct{}), heard: make(chan struct{})}
	var err error
	if s.ledger, err = openLedger(ctx, w); err != nil {
		return nil, err
	}
	if err := s.audit(ctx); err != nil {
		return nil, errors.Join(err, s.ledger.Close())
	}
	records := station.Ledger(s.ledger)
	if w.database != nil {
		if s.shared, err = s.share(ctx); err != nil {
			return nil, errors.Join(err, s.ledger.Close())
		}
		records = s.shared
	}
	if s.client, err = newClient(w.site); err != nil {
		return nil, errors.Join(err, s.closeLedger())
	}
	cfg := station.RunnerConfig{
		Start:    station.RunStart{Tenant: tenant, Station: "bench", StationID: stationID},
		AssignID: func(g station.Greeting) (string, error) { return idOf(g.HardwareSerial), nil },
		NameOf:   func(id string, _ station.Greeting) (string, error) { return id, nil },
		CSR:      pki.CSRPolicy{KeyTypes: []pki.KeyType{"P-256"}}, Answer: pki.Policy{ClockSkew: time.Minute},
		WireGuard: true, Tunnel: wgconf.Policy{DNS: wgconf.Allow},
		MQTT:  mqttcheck.Config{Host: w.site.stack.Broker, Port: uint16(w.site.stack.Port), Timeout: brokerTimeout},
		Pause: station.Pause{First: 10 * time.Millisecond, Max: 50 * time.Millisecond}, Now: w.now,
	}
	if s.shared != nil {
		cfg.Sharing = s.shared
	}
	t := &tap{Ledger: records, s: s, slots: map[string]string{}}
	runner := station.NewRunner(cfg, s.client, t, w.site.anchors, w.site.prove, w.site.words)
	s.bench = station.NewBench(station.BenchConfig{
		Info: station.StationInfo{StationID: stationID, Tenant: tenant}, Ports: station.PortRules{Include: []string{"mem:*"}},
		SilentAfter: time.Second, Now: w.now,
	}, s, device.NewConnector(device.Config{Baud: baud, OpenPort: s.openPort}), runner)
	feed := s.bench.Subscribe()
	ctx, s.cancel = context.WithCancel(ctx)
	go func() {
		defer close(s.over)
		if _, err := s.bench.Run(ctx); err != nil {
			s.err = fmt.Errorf("bench: %w", err)
		}
	}()
	go func() {
		defer close(s.heard)
		for e := range feed {
			if !s.dead.Load() {
				w.heard(e)
			}
		}
	}()
	return s, nil
}

// openLedger opens the own ledger of a world's station.
func openLedger(ctx context.Context, w *world) (*ledger.Ledger, error) {
	return ledger.Open(ctx, "sqlite:"+w.ledgerPath, ledger.Config{
		BusyTimeout: busyTimeout, Readers: 2, Now: w.now, Outbox: w.database != nil,
	})
}

// audit has the ledger keep its chain, signed and with a heads file, as every station does. A station that was killed finds
// nothing wrong with it.
func (s *shop) audit(ctx context.Context) error {
	found, err := s.ledger.StartAudit(ctx, ledger.AuditConfig{StationID: stationID, Tenant: tenant, Signer: s.w.site.signer, Heads: s.w.heads()})
	for _, f := range found {
		s.w.accuse(-1, "CHAIN: found at a start: %v", f)
	}
	return err
}

// openPort opens the station's end of a unit's line.
func (s *shop) openPort(path string, _ int) (link.Transport, error) {
	u := s.w.at(path)
	if u == nil || s.dead.Load() {
		return nil, port.ErrNotFound
	}
	for _, x := range []struct {
		kind string
		err  error
	}{{"port.busy", port.ErrBusy}, {"port.denied", port.ErrPermission}} {
		if f, ok := u.plan.has(x.kind); ok && u.spend(f, f.n) {
			s.w.site.hit(x.kind)
			return nil, x.err
		}
	}
	t, err := u.dial()
	if err != nil {
		return nil, err
	}
	if l, ok := t.(*lease); ok {
		s.mu.Lock()
		s.used = append(s.used, l)
		s.mu.Unlock()
	}
	return t, nil
}

// tell tells of a port, as long as anybody listens.
func (s *shop) tell(c station.PortChange) {
	select {
	case s.changes <- c:
	case <-s.over:
	}
}

// die stops everything at once: no byte leaves any more, nothing is written, nobody hears of anything. False: the faults are
// over, or it is dead already.
func (s *shop) die() bool {
	s.w.mu.Lock()
	died := !s.w.quiet && !s.dead.Swap(true)
	s.w.mu.Unlock()
	if !died {
		return false
	}
	s.mu.Lock()
	for _, l := range s.used {
		l.over.Store(true)
	}
	s.mu.Unlock()
	s.w.order(s, true)
	return true
}

// close waits for the end, in order or after death.
func (s *shop) close() error {
	if s.dead.Load() {
		s.mu.Lock()
		for _, l := range s.used {
			_ = l.Close()
		}
		s.mu.Unlock()
	}
	s.cancel()
	<-s.over
	<-s.heard
	s.client.Close()
	return errors.Join(s.err, s.closeLedger())
}

// closeLedger closes what there is of a ledger.
func (s *shop) closeLedger() error {
	if s.shared != nil {
		return s.shared.Close()
	}
	return s.ledger.Close()
}

// tenant and station of all runs.
const (
	tenant    = "acme"
	stationID = "campaign"
)

// idOf is the device id of a hardware serial.
func idOf(serial string) string { return "edge-" + strings.ToLower(serial) }
