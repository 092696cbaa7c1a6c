package board

import (
	"time"

	"provstation/station"
)

// State is what a slot is doing.
type State uint8

// States of a slot.
const (
	Waiting State = iota // its port is open and nothing has run since
	Trouble              // its port cannot be used, or stays silent
	Running              // a run is in flight
	Ended                // a run has ended and its verdict stands
	Empty                // its port is gone and no verdict stands
)

func (s State) String() string {
	switch s {
	case Waiting:
		return "waiting"
	case Trouble:
		return "trouble"
	case Running:
		return "running"
	case Ended:
		return "ended"
	case Empty:
		return "empty"
	default:
		return "unknown"
	}
}

// input is what can move a slot from state to state.
type input uint8

const (
	portOpen input = iota // listening
	portBad               // silent, busy, denied, error
	portGone
	portBack // listening, after it was gone: another device, or the same one anew
	portHeld // a device is there that is not worked on yet
	runWorks // run-start or phase
	runEnds
)

// next is the one place that says how a slot's state changes. A port's events never disturb a run in flight or a
// verdict: a device that was pulled out after its PASS shows that PASS until the next one is plugged in or heard.
func (s State) next(in input) State {
	switch in {
	case runWorks:
		return Running
	case runEnds:
		return Ended
	case portOpen, portBad, portGone:
		if s == Running || s == Ended {
			return s
		}
	case portBack, portHeld:
		if s == Running {
			return s
		}
	}
	switch in {
	case portBad, portHeld:
		return Trouble
	case portGone:
		return Empty
	default:
		return Waiting
	}
}

// Bounds of what is kept for one slot.
const (
	maxSteps    = 48
	maxWarnings = 16
	maxFacts    = 48
)

// Slot is what the screen knows of one physical place. Its texts are clean (see [Clean]).
type Slot struct {
	Name  string
	State State

	Port       string
	PortStatus string // as [station.PortSeen.Status]
	PortCode   station.Code
	PortReason string

	// Of the present or last run.
	Run            string
	Attempt        int
	Task           station.Task // what it is for, where a person asked for that
	DeviceID       string
	HardwareSerial string
	Started        time.Time
	Elapsed        time.Duration // when Ended
	Phases         [PhaseCount]Phase
	Now            int // index of the phase going on or last touched; -1 before the first
	Steps          []Step
	Facts          map[string]string
	Warnings       []station.Warning
	Retrying       station.Code // of the phase's last failed try while it goes on
	RetryParams    map[string]string

	// WantsScan: the run waits for the label of its device.
	WantsScan bool
	// Refused is the last label that was scanned for the run and was not right: why, and what to do.
	Refused, RefusedNext string
	// Batch and Operator are those of the present or last run.
	Batch, Operator string
	// Copies of the label that went to the printer since the run ended.
	Copies int

	// Verdict of the last run; meaningful when Ended.
	End End

	// Revision grows with every change: a view that was made for it stays right.
	Revision uint64
}

// Plugged reports whether the slot's port is there.
func (s *Slot) Plugged() bool { return s.PortStatus != "gone" }

// PhaseCount is the number of phases, [station.Phases].
const PhaseCount = 16

// StripCount is the number of signs that a run has, [Slot.Strip].
const StripCount = 14

// Strip is the run's progress as the same number of signs for every run: a phase that few runs have shares the sign of the
// one that it stands for or comes after.
func (s *Slot) Strip() (strip [StripCount]Phase) {
	n := -1
	for i, p := range station.Phases() {
		if !p.Rare() {
			n++
			strip[n] = s.Phases[i]
			continue
		}
		if rare := s.Phases[i]; rare.Status != "" {
			rare.Warned = rare.Warned || strip[n].Warned
			strip[n] = rare
		}
	}
	return strip
}

// Phase is one phase's progress.
type Phase struct {
	Status  station.PhaseStatus // empty: not reached
	Started time.Time
	Elapsed time.Duration
	Warned  bool
}

// Step is one step inside a phase.
type Step struct {
	Phase station.Phase
	Name  string
	Took  time.Duration
	OK    bool
}

// End is how a run ended.
type End struct {
	At              time.Time
	Outcome         station.Outcome
	Proof           station.Proof
	Phase           station.Phase
	Code            station.Code
	Message, Hint   string
	Params          map[string]string
	CertFingerprint string
	NotAfter        time.Time // zero: none
	TX, RX          uint64
}

// begin clears what belonged to the run before.
func (s *Slot) begin(run string, attempt int, at time.Time) {
	*s = Slot{
		Name: s.Name, State: s.State.next(runWorks), Port: s.Port, PortStatus: s.PortStatus, Revision: s.Revision,
		Run: run, Attempt: attempt, Started: at, Now: -1, Facts: map[string]string{},
	}
}

// forget clears what belonged to the run before, without a new one.
func (s *Slot) forget() {
	*s = Slot{
		Name: s.Name, State: s.State, Port: s.Port, PortStatus: s.PortStatus, Revision: s.Revision, Now: -1, Facts: map[string]string{},
	}
}

// PhaseTime is how long a phase has taken up to now.
func (s *Slot) PhaseTime(i int, now time.Time) time.Duration {
	p := s.Phases[i]
	if s.State == Running && i == s.Now && !p.Started.IsZero() && working(p.Status) {
		return max(p.Elapsed, now.Sub(p.Started))
	}
	return p.Elapsed
}

// RunTime is how long the run has taken up to now, or took.
func (s *Slot) RunTime(now time.Time) time.Duration {
	switch s.State {
	case Running:
		return max(0, now.Sub(s.Started))
	case Ended:
		return s.Elapsed
	default:
		return 0
	}
}

// Passed counts the phases that are behind the run.
func (s *Slot) Passed() int {
	n := 0
	for _, p := range s.Strip() {
		if p.Status == station.PhaseDone || p.Status == station.PhaseSkipped {
			n++
		}
	}
	return n
}

func working(s station.PhaseStatus) bool {
	return s == station.PhaseStarted || s == station.PhaseProgress
}
