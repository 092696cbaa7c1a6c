package main

import (
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"provstation/station"
	"provstation/station/wgconf"
)

// sample is what was measured of one device.
type sample struct {
	device  string // id
	elapsed time.Duration
	phases  map[station.Phase]time.Duration
	bridge  time.Duration
	broker  time.Duration
	key     time.Duration
	wire    map[string]uint64 // bytes both ways, by kind of frame
	payload payload

	first, last time.Time // first byte heard, durable record
}

// wireBytes is what crossed the line, both ways.
func (s sample) wireBytes() (n uint64) {
	for _, b := range s.wire {
		n += b
	}
	return n
}

// payload is what has to cross at least, in bytes without any framing, each certificate once.
type payload []payloadPart

type payloadPart struct {
	name  string
	bytes int
}

func (p payload) bytes() (n int) {
	for _, part := range p {
		n += part.bytes
	}
	return n
}

// Sizes of what is not read from anywhere, in bytes.
const (
	sizeBootID   = 8
	sizeClock    = 8
	sizeEnrollID = 8
	sizeDigest   = 8  // of one object read back
	sizeHash     = 32 // of the handshake that a P-256 key signs
)

// deviceFiles are what a device holds at the end of its run, as it crossed the line: certificates in DER, wg0.conf without its key.
type deviceFiles struct {
	leaf   int
	chain  []int // Sub-CA first, root last
	tunnel int
}

// parts are the files as what has to cross.
func (f deviceFiles) parts() payload {
	p := payload{{"leaf", f.leaf}}
	for i, n := range f.chain {
		p = append(p, payloadPart{fmt.Sprintf("CA %d", i+1), n})
	}
	if f.tunnel > 0 {
		p = append(p, payloadPart{"wg0.conf", f.tunnel})
	}
	return p
}

// readFiles measures the files in a device's folder.
func readFiles(dir string) (f deviceFiles, err error) {
	device, err := certSizes(filepath.Join(dir, "device.pem"))
	if err != nil {
		return f, err
	}
	if f.chain, err = certSizes(filepath.Join(dir, "ca-chain.pem")); err != nil {
		return f, err
	}
	f.leaf = device[0]
	conf, err := os.ReadFile(filepath.Join(dir, "wg0.conf"))
	if err != nil {
		return f, err
	}
	sent, err := wgconf.WithoutPrivateKey(conf)
	f.tunnel = len(sent)
	return f, err
}

// certSizes gives the sizes of a file's certificates as DER; there is at least one.
func certSizes(path string) (sizes []int, err error) {
	rest, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for block, rest := pem.Decode(rest); block != nil; block, rest = pem.Decode(rest) {
		sizes = append(sizes, len(block.Bytes))
	}
	if len(sizes) == 0 {
		return nil, fmt.Errorf("%s: no certificate in it", path)
	}
	return sizes, nil
}

// runLog gathers the events of one device's run.
type runLog struct {
	port    string
	started map[station.Phase]time.Time
	done    map[station.Phase]time.Time
	facts   map[string]string // of identify
	end     station.RunEnded
}

// follow takes one event of a run.
func (l *runLog) follow(c station.PhaseChanged) {
	switch c.Status {
	case station.PhaseStarted:
		l.started[c.Phase] = c.At
	case station.PhaseDone:
		l.done[c.Phase] = c.At
		if c.Phase == station.PhaseIdentify {
			l.facts = c.Facts
		}
	}
}

// phase is from when to when a phase lasted; zero where it was not done.
func (l *runLog) phase(p station.Phase) waitSpan {
	done, ok := l.done[p]
	if !ok {
		return waitSpan{}
	}
	return waitSpan{l.started[p], done}
}

// phaseHeard is what comes before the run's first phase: from the first byte to a run that is on record.
const phaseHeard station.Phase = "heard"

// benchPhases are the phases in order.
func benchPhases() []station.Phase { return append([]station.Phase{phaseHeard}, station.Phases()...) }

// sampleOf puts together what was measured of a device whose run is over.
func sampleOf(l *runLog, t *tap, p *probe, dir string) (sample, error) {
	s := sample{device: l.end.DeviceID, phases: map[station.Phase]time.Duration{}, last: l.done[station.PhaseRecord]}
	s.first, s.wire = t.heard(s.last)
	s.elapsed = s.last.Sub(s.first)
	for ph := range l.done {
		s.phases[ph] = l.phase(ph).lasts()
	}
	s.phases[phaseHeard] = l.started[station.PhaseIdentify].Sub(s.first)
	var w waits
	w, s.key = p.of(s.device, l.end.HardwareSerial)
	s.broker = w.broker
	s.bridge = p.shared(askTime, l.phase(station.PhaseClock)) + p.shared(askContract, l.phase(station.PhaseEnroll))
	for _, post := range w.posts {
		s.bridge += post.lasts()
	}
	f, err := readFiles(dir)
	if err != nil {
		return s, fmt.Errorf("files of %s: %w", s.device, err)
	}
	s.payload = payloadOf(l, w, f)
	return s, nil
}

// payloadOf lists what had to cross for a run's device.
func payloadOf(l *runLog, w waits, f deviceFiles) payload {
	identity := len(l.end.HardwareSerial) + len(l.facts[station.FactModel]) + len(l.facts[station.FactFirmware]) + sizeBootID + sizeClock
	p := payload{
		{"identity", identity},
		{"device id", len(l.end.DeviceID)},
		{"enroll id", sizeEnrollID},
		{"request", w.csr},
		{"tunnel key", w.tunnelKey},
	}
	digests := 3 * sizeDigest // leaf, intermediates, CA file
	if f.tunnel > 0 {
		digests += sizeDigest
	}
	p = append(p, f.parts()...)
	return append(p, payloadPart{"read-back", digests}, payloadPart{"to sign", sizeHash}, payloadPart{"signature", w.signature})
}
