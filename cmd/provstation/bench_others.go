package main

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"provstation/serialproto"
	"provstation/serialproto/agent"
	"provstation/serialproto/link"
	"provstation/station"
	"provstation/station/baseline"
	"provstation/station/bridge"
	"provstation/station/mqttcheck"
	"provstation/station/pki"
	"provstation/station/wgconf"
)

// otherWay runs one of the other ways to provision a device on a line, to its end: both sides of it.
type otherWay func(ctx context.Context, method string, host, device link.Transport, dir string, w baseline.Work) (baseline.Result, error)

// baselineRun runs another way once, on the same stack, lines and payload as the station. What is not theirs they do not pay
// for: no ledger, no passport; a line in a file, synced, is their record.
func (r *benchRig) baselineRun(ctx context.Context, c benchCell, nth int) (_ benchRun, err error) {
	ctx, stop := context.WithTimeout(ctx, runLimit)
	defer stop()
	e, err := r.stack(ctx, benchCell{baud: c.baud}, nth, newProbe())
	if err != nil {
		return benchRun{}, err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	s, err := newOtherStation(ctx, r, e)
	if err != nil {
		return benchRun{}, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	lines, err := r.lines(filepath.Join(e.others, "ports"), c, uint64(nth)<<8) //nolint:gosec // counts from 0
	if err != nil {
		return benchRun{}, err
	}
	defer func() { err = errors.Join(err, closeLines(lines)) }()
	return s.all(ctx, c, lines, e.others)
}

// all runs all devices of a cell beside one another.
func (s *otherStation) all(ctx context.Context, c benchCell, lines []*benchTestLine, flash string) (run benchRun, err error) {
	list, errs := make([]sample, len(lines)), make([]error, len(lines))
	used := startMeter()
	step, began := c.over/time.Duration(max(1, len(lines)-1)), time.Now()
	var wg sync.WaitGroup
	for i, l := range lines {
		select {
		case <-time.After(time.Until(began.Add(time.Duration(i) * step))):
		case <-ctx.Done():
		}
		wg.Go(func() {
			id := fmt.Sprintf("edge-bench-%03d", i+1)
			list[i], errs[i] = s.one(ctx, c.method, id, l, filepath.Join(flash, id))
		})
	}
	wg.Wait()
	run.used = used.read()
	bad := &failedRun{cell: c}
	for i, err := range errs {
		if err != nil {
			bad.devices = append(bad.devices, fmt.Sprintf("line %d: %v", i+1, err))
		}
	}
	if len(bad.devices) > 0 {
		return benchRun{}, bad
	}
	run.samples = list
	return run, nil
}

// otherStation is the station's side that the other ways share: bridge, trust, broker, record.
type otherStation struct {
	run     otherWay
	bridge  *bridge.Client
	anchors station.Anchors
	mqtt    mqttcheck.Config

	mu      sync.Mutex
	records *os.File
}

func newOtherStation(ctx context.Context, r *benchRig, e *embedded) (*otherStation, error) {
	cfg := e.config
	anchors, err := (&trustSource{cfg: cfg}).Anchors(ctx)
	if err != nil {
		return nil, err
	}
	client, err := bridge.New(cfg.Bridge.URL, bridge.Config{Contract: cfg.Bridge.Contract, Trust: bridgeTrust(cfg)})
	if err != nil {
		return nil, err
	}
	records, err := os.Create(filepath.Join(e.remove, "records.csv"))
	if err != nil {
		return nil, err
	}
	mqtt := r.app.runnerConfig(cfg, openOptions{}, "", nil).MQTT
	return &otherStation{run: baseline.Run, bridge: client, anchors: anchors, records: records, mqtt: mqtt}, nil
}

func (s *otherStation) close() error {
	s.bridge.Close()
	return s.records.Close()
}

// otherDevice is one device of another way.
type otherDevice struct {
	s     *otherStation
	id    string
	key   crypto.Signer
	wg    wgtypes.Key
	chain *pki.Chain
	files deviceFiles

	asked, tested, made time.Duration // the bridge, the broker, the key and request
	request             int           // bytes
}

// one provisions one device and measures it.
func (s *otherStation) one(ctx context.Context, method, id string, l *benchTestLine, dir string) (out sample, err error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return out, err
	}
	d := &otherDevice{s: s, id: id}
	port := &tap{Transport: l.station, plain: true}
	_, err = s.run(ctx, method, port, l.Device, dir, baseline.Work{DeviceID: id, MakeKey: d.makeKey, Enroll: d.enroll, Prove: d.prove})
	if err != nil {
		return out, err
	}
	if err := s.record(id); err != nil {
		return out, err
	}
	out = sample{device: id, last: time.Now(), bridge: d.asked, broker: d.tested, key: d.made}
	out.first, out.wire = port.heard(out.last)
	out.elapsed = out.last.Sub(out.first)
	out.payload = append(payload{{"device id", len(id)}, {"request", d.request}}, d.files.parts()...)
	return out, nil
}

// makeKey makes the device's keys and its request.
func (d *otherDevice) makeKey(context.Context) ([]byte, error) {
	began := time.Now()
	defer func() { d.made += time.Since(began) }()
	var err error
	if d.key, _, err = (agent.FlashKeys{}).New(serialproto.AlgP256); err != nil {
		return nil, err
	}
	if d.wg, err = wgtypes.GeneratePrivateKey(); err != nil {
		return nil, err
	}
	return x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: d.id}, DNSNames: []string{d.id},
	}, d.key)
}

// enroll asks the bridge and judges its answer as the station does.
func (d *otherDevice) enroll(ctx context.Context, csr []byte) (baseline.Files, error) {
	d.request = len(csr)
	a, err := d.ask(ctx, csr)
	if err != nil {
		return baseline.Files{}, err
	}
	d.chain, err = pki.VerifyAnswer(pki.Answer{Certificate: a.Certificate, CAChain: a.Chain}, pki.Policy{
		DeviceID: d.id, PublicKey: d.key.Public(), Roots: d.s.anchors.Roots, Intermediates: d.s.anchors.Intermediates, Now: time.Now(),
		ClockSkew: time.Minute,
	})
	if err != nil {
		return baseline.Files{}, err
	}
	conf, err := wgconf.Parse(a.WGConf.Reveal())
	if err != nil {
		return baseline.Files{}, err
	}
	f := baseline.Files{Leaf: d.chain.Leaf.Raw, Chain: d.chain.CAFileDER(), WGConf: wgconf.Render(conf)} // as the station sends it
	d.files = deviceFiles{leaf: len(f.Leaf), tunnel: len(f.WGConf)}
	for _, der := range f.Chain {
		d.files.chain = append(d.files.chain, len(der))
	}
	return f, nil
}

// ask asks the bridge for a certificate.
func (d *otherDevice) ask(ctx context.Context, csr []byte) (station.EnrollAnswer, error) {
	began := time.Now()
	defer func() { d.asked += time.Since(began) }()
	c, err := d.s.bridge.Contract(ctx)
	if err != nil {
		return station.EnrollAnswer{}, err
	}
	pub := d.wg.PublicKey()
	return d.s.bridge.Enroll(ctx, c, station.EnrollRequest{
		DeviceID: d.id, DeviceName: d.id, DeviceType: "demo", CSR: csr, WireGuardKey: pub[:],
	})
}

// prove is the device's own test, over its own network.
func (d *otherDevice) prove(ctx context.Context) error {
	began := time.Now()
	defer func() { d.tested += time.Since(began) }()
	cfg := d.s.mqtt
	cfg.RootCAs = d.chain.CAFile()
	_, err := mqttcheck.Check(ctx, cfg, mqttcheck.Identity{ClientID: d.id, Chain: d.chain.DeviceDER(), Signer: d.key})
	return err
}

// record writes down that a device is done, durably.
func (s *otherStation) record(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := csv.NewWriter(s.records)
	if err := w.Write([]string{time.Now().UTC().Format(time.RFC3339Nano), id, "done"}); err != nil {
		return err
	}
	w.Flush()
	return errors.Join(w.Error(), s.records.Sync())
}
