// Package board turns the station's event stream into what a screen shows: one [Slot] per physical place, the counts,
// and the ports that are there but are no slots. It is pure: no clock, no I/O, no drawing. Each event costs the same
// however many slots there are, and memory is bounded whatever a device sends.
package board

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"provstation/station"
	"provstation/station/batch"
)

// Bounds of a board.
const (
	maxSlots = 1024
	maxPorts = 256
)

// Board is the state of the bench as the events tell it. It is owned by one goroutine.
type Board struct {
	Station  station.StationInfo // zero before the first event
	Contract string              // of the bridge, once a run has found it
	Counts   station.Summary     // of the runs that ended; ElapsedMS is not kept
	Running  int                 // runs in flight
	Done     bool                // the summary has arrived
	Missed   uint64              // events that never reached this board: gaps in Seq
	Overflow int                 // slots that did not fit, see maxSlots

	Operator station.OperatorChanged // who works here
	Batch    station.BatchChanged    // zero: none; Devices is not kept here, see Progress
	Progress *batch.Progress         // of the open batch, or of all runs where there is none
	Scan     station.ScanTaken       // the last one
	Scans    int                     // how many there were: tells a new one from an equal one
	Learn    station.LearnChanged    // the last one
	Label    station.LabelPrinted    // the last one
	Labels   int

	Ledger     station.LedgerChanged    // how it stands with the ledger that several stations share; zero: there is none
	Away       time.Time                // since when that is away; zero: it is there, or there is none
	Duplicates []station.DuplicateFound // contradictions between stations that nobody here has acknowledged, oldest first
	Unlisted   int                      // more of them, that did not fit

	slots  []*Slot // in natural order of their names
	byName map[string]*Slot
	lost   map[string]struct{} // names of slots that did not fit, bounded itself
	ports  []Port
	seq    uint64
	began  bool
}

// Port is a port that is not shown as a slot.
type Port struct {
	Path   string
	Status string
	Code   station.Code
	Reason string
}

// New returns an empty board.
func New() *Board {
	return &Board{byName: map[string]*Slot{}, lost: map[string]struct{}{}, Progress: batch.NewProgress()}
}

// Slots is every slot in natural order ("slot 2" before "slot 10"). The slice belongs to the board.
func (b *Board) Slots() []*Slot { return b.slots }

// Slot finds a slot by name, nil if there is none.
func (b *Board) Slot(name string) *Slot { return b.byName[name] }

// Ports is every port that is left alone, in order of appearance. The slice belongs to the board.
func (b *Board) Ports() []Port { return b.ports }

// Began reports whether the station has said who it is.
func (b *Board) Began() bool { return b.began }

// Apply takes one event in. Events that make no sense at this point change as little as they can: what the screen
// shows is not a record.
func (b *Board) Apply(e station.Event) {
	if b.seq != 0 && e.Seq > b.seq+1 {
		b.Missed += e.Seq - b.seq - 1
	}
	b.seq = max(b.seq, e.Seq)
	b.Progress.Apply(e)
	switch body := e.Body.(type) {
	case station.StationInfo:
		b.station(body)
	case station.PortSeen:
		b.port(body)
	case station.RunStarted:
		b.start(body, e.Time)
	case station.PhaseChanged:
		b.phase(body, e.Time)
	case station.RunEnded:
		b.end(body, e.Time)
	case station.LedgerChanged:
		b.ledger(body, e.Time)
	case station.DuplicateFound:
		b.duplicate(body)
	case station.Summary:
		b.Done = true
	default:
		b.people(body)
	}
}

func (b *Board) station(i station.StationInfo) {
	b.began = true
	i.Station, i.Tenant, i.Site = Clean(i.Station, maxWord), Clean(i.Tenant, maxWord), Clean(i.Site, maxWord)
	i.StationID, i.Version = Clean(i.StationID, maxWord), Clean(i.Version, maxWord)
	i.Bridge, i.Broker = Clean(i.Bridge, maxText), Clean(i.Broker, maxWord)
	i.ConfigDigest = Clean(i.ConfigDigest, maxWord)
	b.Station = i
}

func (b *Board) port(p station.PortSeen) {
	path, status := Clean(p.Port, maxWord), Clean(p.Status, maxWord)
	code, reason := station.Code(Clean(string(p.Code), maxWord)), Clean(p.Reason, maxText)
	if p.Slot == "" || status == "ignored" {
		b.aside(Port{path, status, code, reason})
		return
	}
	s := b.slot(p.Slot)
	if s == nil {
		return
	}
	b.dropPort(path)
	if status == "gone" && s.Port != "" && s.Port != path {
		return // The slot's device came back under another name before the old one was said to be gone.
	}
	back := s.PortStatus == "gone"
	if s.State == Ended && (status == "held" || (back && status != "gone")) {
		s.forget() // another device is there now, or may be: even where its port cannot be used
		s.State = Empty
	}
	s.Port, s.PortStatus, s.PortCode, s.PortReason = path, status, code, reason
	switch status {
	case "listening":
		if back {
			s.State = s.State.next(portBack)
			break
		}
		s.State = s.State.next(portOpen)
	case "held":
		s.State = s.State.next(portHeld)
	case "gone":
		s.State = s.State.next(portGone)
	default:
		s.State = s.State.next(portBad)
	}
	s.Revision++
}

// aside keeps a port that is no slot, once per path; one that is gone is forgotten.
func (b *Board) aside(p Port) {
	if p.Status == "gone" {
		b.dropPort(p.Path)
		return
	}
	for i := range b.ports {
		if b.ports[i].Path == p.Path {
			b.ports[i] = p
			return
		}
	}
	if len(b.ports) < maxPorts {
		b.ports = append(b.ports, p)
	}
}

func (b *Board) dropPort(path string) {
	b.ports = slices.DeleteFunc(b.ports, func(p Port) bool { return p.Path == path })
}

func (b *Board) start(r station.RunStarted, at time.Time) {
	s := b.slot(r.Slot)
	if s == nil {
		return
	}
	b.begin(s, Clean(r.Run, maxWord), r.Attempt, at)
	s.Port, s.PortStatus = Clean(r.Port, maxWord), "listening"
	s.Batch, s.Operator, s.Task = Clean(r.Batch, maxWord), Clean(r.Operator, maxWord), task(r.Task)
}

func (b *Board) begin(s *Slot, run string, attempt int, at time.Time) {
	if s.State != Running {
		b.Running++
	}
	s.begin(run, attempt, at)
	s.Revision++
}

func (b *Board) phase(p station.PhaseChanged, at time.Time) {
	s := b.slot(p.Slot)
	i := p.Phase.Index()
	if s == nil || i < 0 || i >= PhaseCount {
		return
	}
	run := Clean(p.Run, maxWord)
	if s.Run != run || s.State != Running {
		if s.Run == run && s.State == Ended {
			return // A straggler after the verdict changes nothing.
		}
		b.begin(s, run, p.Attempt, at.Add(-time.Duration(p.ElapsedMS)*time.Millisecond))
	}
	s.Revision++
	s.Attempt, s.Now = p.Attempt, i
	if p.DeviceID != "" {
		s.DeviceID = Clean(p.DeviceID, maxWord)
	}
	elapsed := time.Duration(p.ElapsedMS) * time.Millisecond
	ph := &s.Phases[i]
	if ph.Started.IsZero() || p.Status == station.PhaseStarted {
		ph.Started = at.Add(-elapsed)
	}
	ph.Status, ph.Elapsed, ph.Warned = p.Status, elapsed, ph.Warned || len(p.Warnings) > 0
	s.Retrying, s.RetryParams = "", nil
	if p.Code != "" && working(p.Status) {
		s.Retrying, s.RetryParams = station.Code(Clean(string(p.Code), maxWord)), cleanMap(p.Params, maxText)
	}
	s.learn(p)
	b.contract(s.Facts[station.FactContract])
}

// learn takes in facts, steps and warnings.
func (s *Slot) learn(p station.PhaseChanged) {
	if p.Step != "" && len(s.Steps) < maxSteps {
		ms, _ := strconv.ParseInt(p.Facts[station.FactStepMS], 10, 64)
		s.Steps = append(s.Steps, Step{
			Phase: p.Phase, Name: Clean(p.Step, maxWord), Took: time.Duration(max(0, ms)) * time.Millisecond,
			OK: p.Facts[station.FactStepOK] != "no",
		})
	}
	for k, v := range p.Facts {
		k = Clean(k, maxWord)
		switch {
		case k == station.FactStepMS || k == station.FactStepOK:
			continue // of a step
		case len(s.Facts) >= maxFacts && s.Facts[k] == "":
			continue
		case k == station.FactBootLog:
			v = LogText(v)
		case k == station.FactWireLog || k == station.FactDeviceLog: // Each phase tells of its own messages.
			v = logAfter(s.Facts[k], LogText(v))
		case k == station.FactTunnelConf:
			v = confText(v)
		default:
			v = Clean(v, maxFact)
		}
		s.Facts[k] = v
	}
	if v := s.Facts[station.FactHardwareSerial]; v != "" {
		s.HardwareSerial = v
	}
	for _, w := range p.Warnings {
		w = station.Warning{Code: station.Code(Clean(string(w.Code), maxWord)), Text: Clean(w.Text, maxText), Params: cleanMap(w.Params, maxText)}
		known := slices.ContainsFunc(s.Warnings, func(x station.Warning) bool { return x.Code == w.Code && x.Text == w.Text })
		if !known && len(s.Warnings) < maxWarnings {
			s.Warnings = append(s.Warnings, w)
		}
	}
}

func (b *Board) end(r station.RunEnded, at time.Time) {
	b.Counts.Count(r.Outcome)
	s := b.slot(r.Slot)
	if s == nil {
		return
	}
	elapsed := time.Duration(r.ElapsedMS) * time.Millisecond
	if run := Clean(r.Run, maxWord); s.Run != run {
		b.begin(s, run, r.Attempt, at.Add(-elapsed))
	}
	if s.State == Running {
		b.Running--
	}
	s.State, s.Task = s.State.next(runEnds), task(r.Task)
	s.Revision++
	s.Attempt, s.Elapsed, s.Retrying, s.RetryParams, s.WantsScan = r.Attempt, elapsed, "", nil, false
	s.Refused, s.RefusedNext = "", ""
	if r.DeviceID != "" {
		s.DeviceID = Clean(r.DeviceID, maxWord)
	}
	if r.HardwareSerial != "" {
		s.HardwareSerial = Clean(r.HardwareSerial, maxWord)
	}
	s.End = End{
		At: at, Outcome: station.Outcome(Clean(string(r.Outcome), maxWord)), Proof: station.Proof(Clean(string(r.Proof), maxWord)),
		Phase: station.Phase(Clean(string(r.Phase), maxWord)), Code: station.Code(Clean(string(r.Code), maxWord)),
		Message: Clean(r.Message, maxText), Hint: Clean(r.Hint, maxText), Params: cleanMap(r.Params, maxText),
		CertFingerprint: Clean(r.CertFingerprint, maxWord), TX: r.WireTxBytes, RX: r.WireRxBytes,
	}
	if r.NotAfter != nil {
		s.End.NotAfter = *r.NotAfter
	}
	// A phase that was going on did not end well, whatever was said of it.
	if i := r.Phase.Index(); i >= 0 && i < PhaseCount && !r.Outcome.Good() && working(s.Phases[i].Status) {
		s.Phases[i].Status = station.PhaseFailed
	}
	b.contract(Clean(r.Contract, maxWord))
}

// contract notes what the bridge speaks. What a CA issues by itself says nothing of that.
func (b *Board) contract(c string) {
	switch station.Contract(c) {
	case "", station.ContractRenew, station.ContractRekey:
	default:
		b.Contract = c
	}
}

// slot finds or makes the slot; nil when the board is full.
func (b *Board) slot(name string) *Slot {
	name = Clean(name, maxWord)
	if s, ok := b.byName[name]; ok {
		return s
	}
	if len(b.slots) >= maxSlots {
		if len(b.lost) < maxSlots {
			b.lost[name] = struct{}{}
			b.Overflow = len(b.lost)
		}
		return nil
	}
	s := &Slot{Name: name, Now: -1, Facts: map[string]string{}}
	b.byName[name] = s
	i, _ := slices.BinarySearchFunc(b.slots, s, func(a, b *Slot) int { return natural(a.Name, b.Name) })
	b.slots = slices.Insert(b.slots, i, s)
	return s
}

func cleanMap(m map[string]string, max int) map[string]string {
	if len(m) == 0 {
		return nil
	}
	out := make(map[string]string, min(len(m), maxFacts))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if len(out) >= maxFacts {
			break
		}
		out[Clean(k, maxWord)] = Clean(m[k], max)
	}
	return out
}

func tail(s string, n int) string {
	if len(s) > n {
		return s[len(s)-n:]
	}
	return s
}
