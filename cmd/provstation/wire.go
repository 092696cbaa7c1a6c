package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/singleflight"

	"provstation/serialproto/link"
	"provstation/serialproto/port"
	"provstation/station"
	"provstation/station/bridge"
	"provstation/station/config"
	"provstation/station/device"
	"provstation/station/ledger"
	"provstation/station/mqttcheck"
	"provstation/station/people"
	"provstation/station/pki"
	"provstation/station/scan"
	"provstation/station/wgconf"
	"provstation/station/words"
)

// openOptions is what a subcommand changes about a bench.
type openOptions struct {
	deviceID  string
	reenroll  bool
	stopAfter int
	settle    time.Duration
	collect   bool                            // no network: runs end when the device's request is in the queue
	task      station.Task                    // what every run is for
	only      func(station.Announcement) bool // which devices are worked on; nil: all
	person    bool                            // somebody stands at the bench: sign-in, scans and batches are theirs

	watcher  station.Watcher                                     // nil: the system's ports
	openPort func(path string, baud int) (link.Transport, error) // nil: real ports
	probe    probing                                             // nil: nobody measures what runs wait for
}

// probing puts what measures before the bridge and the broker test.
type probing func(b *timedBridge, p station.Prover) (station.Bridge, station.Prover)

// bench is a wired bench with what has to be closed after it.
type bench struct {
	*station.Bench
	Words  *words.Catalogue
	Ledger *ledger.Ledger // the station's own
	Log    *slog.Logger
	config *config.Config
	closes []func() error
	probe  probing

	history *history
}

// Close closes ledger, log and connections, last opened first.
func (b *bench) Close() error {
	var errs []error
	for i := len(b.closes) - 1; i >= 0; i-- {
		errs = append(errs, b.closes[i]())
	}
	return errors.Join(errs...)
}

// open wires a bench by the configuration.
func (a *app) open(ctx context.Context, cfg *config.Config, o openOptions) (_ *bench, err error) {
	growHeap(startGC)
	defer growHeap(benchGC)
	b, id, err := a.openRecords(ctx, cfg, sharingMode{alone: o.collect})
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = b.Close()
		}
	}()
	b.probe = o.probe
	runner, err := a.runner(b, a.runnerConfig(cfg, o, id, b.Log), o.collect)
	if err != nil {
		return nil, err
	}
	if o.watcher == nil {
		o.watcher = device.NewWatcher(explicitPaths(cfg))
	}
	bc := station.BenchConfig{
		Info: a.info(cfg, id), Ports: portRules(cfg), Profiles: profilesOf(cfg), StopAfter: o.stopAfter, Settle: o.settle, Only: o.only, Logger: b.Log,
	}
	bc.Batches = b.history.batches()
	if !o.person && o.settle == 0 { // a pause is for a person to end: none is there
		rec, err := bc.Batches.CurrentBatch(ctx, cfg.Station.Tenant, cfg.Station.Name)
		switch {
		case err == nil && rec.State != station.BatchOpen:
			bc.Settle = settled(cfg)
		case err != nil && !errors.Is(err, station.ErrNotFound):
			return nil, &exitError{exitFault, err}
		}
	}
	if o.person {
		if err := personal(&bc, cfg); err != nil {
			return nil, err
		}
	}
	b.Ledger.Rehearse(ctx)
	b.Bench = station.NewBench(bc, o.watcher, newRouter(cfg, o.openPort), runner)
	if b.history.dir != "" {
		b.closes = append(b.closes, passportsOf(b.history, b, a.passportFailed(b, o)).follow(ctx, b.Subscribe()))
	}
	return b, nil
}

// runner is what takes the bench's devices through their phases.
func (a *app) runner(b *bench, rc station.RunnerConfig, collect bool) (*station.Runner, error) {
	cfg, records := b.config, b.history.engine()
	rc.Sharing = b.history.sharing()
	if collect {
		rc.Queue, rc.Contract = b.Ledger, cfg.Bridge.Contract
		return station.NewRunner(rc, offline{}, records, offline{}, offline{}.prove, b.Words), nil
	}
	client, err := bridge.New(cfg.Bridge.URL, bridge.Config{
		Contract: cfg.Bridge.Contract, Timeout: cfg.Bridge.Timeout.D(), Trust: bridgeTrust(cfg),
		ServerName: cfg.Bridge.TLS.ServerName, Auth: bridgeAuth(cfg.Bridge.Auth), UserAgent: "provstation/" + a.version,
	})
	if err != nil {
		return nil, usage("%v", err)
	}
	b.closes = append(b.closes, func() error { client.Close(); return nil })
	if err := proveTunnels(b, &rc); err != nil {
		return nil, err
	}
	if rc.Registry, err = a.registry(b); err != nil {
		return nil, err
	}
	trust := &trustSource{cfg: cfg}
	rc.Renewal = renewals(b, trust)
	if rc.Unlock, err = unlockPolicy(cfg.Device.Unlock); err != nil {
		return nil, err
	}
	var asked station.Bridge = &timedBridge{Client: client}
	prove := station.Prover(mqttcheck.Check)
	if b.probe != nil {
		asked, prove = b.probe(&timedBridge{Client: client}, prove)
	}
	return station.NewRunner(rc, asked, records, trust, prove, b.Words), nil
}

// info is what the first event says of the station.
func (a *app) info(cfg *config.Config, id string) station.StationInfo {
	return station.StationInfo{
		StationID: id, Station: cfg.Station.Name, Tenant: cfg.Station.Tenant, Site: cfg.Station.Site, Version: a.version,
		ConfigDigest: cfg.Digest(), Bridge: cfg.Bridge.URL,
		Broker: net.JoinHostPort(cfg.MQTT.Host, strconv.Itoa(cfg.MQTT.Port)),
	}
}

// personal adds what a person at the bench can do.
func personal(bc *station.BenchConfig, cfg *config.Config) error {
	reader, err := scan.Compile(scan.Rules{
		Prefix: cfg.Scan.Prefix, Pattern: cfg.Scan.Pattern, BadgePrefix: cfg.Scan.BadgePrefix, CommandPrefix: cfg.Scan.CommandPrefix,
	})
	if err != nil {
		return usage("scan: %v", err)
	}
	staff := people.Anyone()
	if cfg.People.File != "" {
		if staff, err = people.Load(cfg.People.File, people.Config{BadgePrefix: cfg.Scan.BadgePrefix}); err != nil {
			return usage("people.file: %v", err)
		}
	}
	bc.Scans, bc.Staff, bc.HoldAfter = reader, staff, cfg.Batch.HoldAfter
	bc.SignIn = cfg.People.Required // station.operator is signed in from the start
	if cfg.Ports.SlotsFile != "" {
		bc.SaveSlots = cfg.SaveLearnt
	}
	return nil
}

// portRules are the configuration's rules of which ports are the bench's.
func portRules(cfg *config.Config) station.PortRules {
	return station.PortRules{
		Include: cfg.Ports.Include, Exclude: cfg.Ports.Exclude, Slots: cfg.Ports.Slots, Learnt: cfg.Ports.Learnt,
		Unknown: cfg.Ports.Unknown == config.UnknownUse,
	}
}

// runnerConfig is the policy of every run, by the configuration.
func (a *app) runnerConfig(cfg *config.Config, o openOptions, id string, log *slog.Logger) station.RunnerConfig {
	_, offset := time.Now().Zone()
	rc := station.RunnerConfig{
		Start: station.RunStart{
			Tenant: cfg.Station.Tenant, Site: cfg.Station.Site, Station: cfg.Station.Name, StationID: id,
			Operator: cfg.Station.Operator, Version: a.version, ConfigDigest: cfg.Digest(), RequestedID: o.deviceID,
			RequestedKey: cfg.PKI.KeyType, Reenroll: o.reenroll, UTCOffset: offset,
		},
		Task: o.task, DeviceID: o.deviceID, DeviceType: cfg.Device.Type, Corroborate: cfg.Device.NotCorroborated == config.PolicyRefuse,
		NameOf: func(id string, g station.Greeting) (string, error) {
			facts := config.DeviceFacts(g.HardwareSerial, g.Model)
			facts["id"] = id
			return config.RenderTemplate(cfg.Device.NameTemplate, facts)
		},
		Assign: station.AssignMode(cfg.Device.Assign), ScanTimeout: cfg.Device.ScanTimeout.D(),
		KeyType: cfg.PKI.KeyType, KeyStores: cfg.Device.KeyStore, WireGuard: cfg.WireGuard.Enroll, KeyOverNetwork: cfg.WireGuard.KeyOverTCP == config.PolicyAllow, Reenroll: o.reenroll,
		CSR: pki.CSRPolicy{KeyTypes: []pki.KeyType{pki.KeyType(cfg.PKI.KeyType)}}, CollectedKeys: profileKeyTypes(cfg),
		Answer: pki.Policy{ClockSkew: cfg.Clock.StationTolerance.D()}, Tunnel: tunnelPolicy(cfg.WireGuard.Policy),
		Autorenew:   autorenewal(cfg),
		MinValidity: cfg.PKI.MinValidity.D(), ShelfRefuse: cfg.PKI.ShelfLife == config.PolicyRefuse,
		ClockTolerance: cfg.Clock.Tolerance.D(), StationTolerance: cfg.Clock.StationTolerance.D(), ClockSet: cfg.Clock.Set,
		ClockRefuse: cfg.Clock.Policy == config.PolicyRefuse, ClockNeeded: cfg.Clock.WithoutClock == config.PolicyRefuse,
		MQTT: mqttcheck.Config{
			Host: cfg.MQTT.Host, Port: uint16(cfg.MQTT.Port), ServerName: cfg.MQTT.ServerName, Topic: cfg.MQTT.Topic, //nolint:gosec // validated
			Payload: []byte(cfg.MQTT.Payload), Protocol: mqttcheck.Protocol(cfg.MQTT.Protocol),
			TLSMin: tlsVersion(cfg.MQTT.TLSMin), TLSMax: tlsVersion(cfg.MQTT.TLSMax),
		},
		MQTTRun: map[string]station.ProofMode{config.MQTTDevice: station.ProveDevice, config.MQTTBoth: station.ProveBoth}[cfg.MQTT.Mode],
		MQTTOff: cfg.MQTT.Mode == config.MQTTOff, Timeouts: map[station.Phase]time.Duration{}, Retries: map[station.Phase]int{},
		Pause: station.Pause{First: cfg.Retry.First.D(), Max: cfg.Retry.Max.D()}, Logger: log,
	}
	if cfg.Device.IDTemplate != "" {
		rc.AssignID = func(g station.Greeting) (string, error) {
			return config.RenderTemplate(cfg.Device.IDTemplate, config.DeviceFacts(g.HardwareSerial, g.Model))
		}
	}
	for phase, p := range cfg.Phases.Map() {
		rc.Timeouts[phase], rc.Retries[phase] = p.Deadline.D(), p.Tries-1
	}
	return rc
}

// autorenewal is what runs have to do with the renewal that a device does by itself.
func autorenewal(cfg *config.Config) station.AutorenewPolicy {
	r := cfg.Renewal
	mode := map[string]station.AutorenewMode{config.RenewalSet: station.AutorenewSet, config.RenewalCheck: station.AutorenewCheck}[r.Mode]
	return station.AutorenewPolicy{Mode: mode, URL: cfg.RenewalURL(), Audience: r.Audience, Refuse: r.Missing == config.PolicyRefuse}
}

func tlsVersion(text string) uint16 {
	if text == "1.2" {
		return tls.VersionTLS12
	}
	return tls.VersionTLS13
}

func tunnelPolicy(p config.WGPolicy) wgconf.Policy {
	severity := func(text string) wgconf.Severity {
		return map[string]wgconf.Severity{"allow": wgconf.Allow, "warn": wgconf.Warn, "refuse": wgconf.Refuse}[text]
	}
	return wgconf.Policy{
		EndpointLoopback: severity(p.LoopbackEndpoint), RouteEverything: severity(p.RouteAll), DNS: severity(p.DNS),
		PresharedKey: severity(p.PresharedKey), SeveralPeers: severity(p.SeveralPeers),
	}
}

func bridgeAuth(c config.Auth) bridge.Auth {
	return bridge.Auth{
		BearerFile: c.TokenFile, BearerEnv: c.TokenEnv, TokenURL: c.TokenURL, ClientID: c.ClientID,
		ClientSecretFile: c.ClientSecretFile, ClientSecretEnv: c.ClientSecretEnv, Scopes: c.Scopes,
		CertFile: c.CertFile, KeyFile: c.KeyFile,
	}
}

// explicitPaths are the ports that are named in full, by ports.include or ports.slots: no enumeration lists a pty, a link or
// a serial server.
func explicitPaths(cfg *config.Config) []string {
	named := cfg.Ports.Learnt
	if len(cfg.Ports.Include) == 0 {
		named = cfg.Ports.Slots
	}
	var paths []string
	for _, p := range slices.Concat(cfg.Ports.Include, slices.Sorted(maps.Keys(named))) {
		full := strings.HasPrefix(p, "tcp://") || (filepath.IsAbs(p) && !strings.ContainsAny(p, `*?[\`))
		if full && !slices.Contains(paths, p) {
			paths = append(paths, p)
		}
	}
	return paths
}

// timedBridge tells the bridge's time for the clock phase, asked once a minute at most for all runs together.
type timedBridge struct {
	*bridge.Client
	asking singleflight.Group
	known  atomic.Pointer[bridgeClock]
}

type bridgeClock struct {
	asked  time.Time
	offset time.Duration // bridge minus station
}

const (
	clockAge     = time.Minute      // how long the bridge's clock is taken to run as ours does
	clockTimeout = 10 * time.Second // of one question
)

// ServerTime is the bridge's clock now. Each run waits no longer than its own context.
func (t *timedBridge) ServerTime(ctx context.Context) (time.Time, error) {
	if k := t.known.Load(); k != nil && time.Since(k.asked) < clockAge {
		return time.Now().Add(k.offset), nil
	}
	answer := t.asking.DoChan("", func() (any, error) {
		actx, cancel := context.WithTimeout(context.WithoutCancel(ctx), clockTimeout)
		defer cancel()
		h, err := t.Health(actx)
		if err != nil || h.ServerTime.IsZero() {
			return time.Time{}, err
		}
		now := time.Now()
		t.known.Store(&bridgeClock{asked: now, offset: h.ServerTime.Sub(now)})
		return h.ServerTime, nil
	})
	select {
	case <-ctx.Done():
		return time.Time{}, ctx.Err()
	case r := <-answer:
		at, _ := r.Val.(time.Time)
		return at, r.Err
	}
}

// openLog opens the station's log for appending.
func openLog(c config.Log) (*slog.Logger, io.Closer, error) {
	if err := os.MkdirAll(filepath.Dir(c.File), 0o700); err != nil {
		return nil, nil, fmt.Errorf("open log: %w", err)
	}
	f, err := os.OpenFile(c.File, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("open log: %w", err)
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Level)); err != nil {
		_ = f.Close()
		return nil, nil, fmt.Errorf("open log: %w", err)
	}
	return slog.New(slog.NewTextHandler(f, &slog.HandlerOptions{Level: level})), f, nil
}

// stationID is the configured id, or one that is made once and kept in the folder of the station's state.
func stationID(cfg *config.Config, dir string) (string, error) {
	if cfg.Station.ID != "" {
		return cfg.Station.ID, nil
	}
	if dir == "" { // a ledger in memory has no yesterday
		return uuid.NewString(), nil
	}
	path := filepath.Join(dir, "station-id")
	for {
		text, err := os.ReadFile(path)
		if err == nil {
			id, err := uuid.Parse(strings.TrimSpace(string(text)))
			if err != nil {
				return "", fmt.Errorf("station id in %s: %w; delete the file to get a new one", path, err)
			}
			return id.String(), nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("station id: %w", err)
		}
		if err := writeOnce(path, uuid.Must(uuid.NewV7()).String()+"\n"); err != nil && !errors.Is(err, fs.ErrExist) {
			return "", fmt.Errorf("station id: %w", err)
		}
	}
}

// writeOnce makes a whole file that was not there, or fails with fs.ErrExist.
func writeOnce(path, text string) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	err = os.Link(f.Name(), path)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	return writeNew(path, text) // a file system without hard links
}

// realPort opens a serial port of this machine.
func realPort(path string, baud int) (link.Transport, error) {
	return port.Open(path, port.Config{Baud: baud})
}

// writeNew makes a file that was not there, or fails with fs.ErrExist.
func writeNew(path, text string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Sync(), f.Close())
}
