package conform

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"provstation/serialproto"
)

// Level is how much the specification demands (RFC 2119).
type Level uint8

// Levels.
const (
	Must   Level = 1
	Should Level = 2
	Info   Level = 3 // measured, never judged beyond "it came to its end"
)

// String is the level as the specification writes it.
func (l Level) String() string { return name(int(l), "", "MUST", "SHOULD", "info") }

// Verdict is what came of a case.
type Verdict uint8

// Verdicts.
const (
	Pass          Verdict = 1
	Fail          Verdict = 2
	NotApplicable Verdict = 3 // the device does not announce what the case is about, or it cannot be seen from outside
	NotRun        Verdict = 4 // not asked for, or nothing was left to run it on
)

// String names the verdict.
func (v Verdict) String() string { return name(int(v), "", "pass", "FAIL", "n/a", "not run") }

func name(i int, names ...string) string {
	if i >= 0 && i < len(names) && names[i] != "" {
		return names[i]
	}
	return "unknown(" + strconv.Itoa(i) + ")"
}

// Case is one promise and how it is tried. Its fields are for whoever lists cases.
type Case struct {
	ID       string // stable: scripts and reports name it
	Clause   string // the section of package serialproto's comment
	Level    Level
	Text     string // what the device has to do, in a line
	State    serialproto.State
	Features uint32 // without which it is not applicable
	Sealing  bool   // seals the device, or needs it sealed
	Reboots  bool   // restarts the device

	idle  bool          // looks at a device without a session
	any   bool          // whatever state it is in
	limit time.Duration // 0: usual
	run   func(*dut)
}

// Needs is what a device has to be or to have for the case, in words; empty: nothing.
func (c Case) Needs() string {
	var out []string
	switch {
	case c.Sealing:
		out = append(out, "--seal")
	case c.State != serialproto.StateEmpty:
		out = append(out, c.State.String())
	}
	if c.Features != 0 {
		out = append(out, featureNames(c.Features))
	}
	if c.Reboots {
		out = append(out, "--reboot")
	}
	return strings.Join(out, "; ")
}

// Result is what came of a case.
type Result struct {
	Case
	Verdict Verdict
	Note    string // why, escaped and bounded; of a measurement, what was measured
	Took    time.Duration
	Cut     bool     // not run because the suite had ended
	Line    *Measure // of the cases of whole enrollments
}

// Measure is what enrollments took on their line: for comparison, not for judgement.
type Measure struct {
	Elapsed     time.Duration // of one, on average
	Bytes       uint64        // of one: sent and heard by the host, noise included
	Retransmits uint64        // fragments that the host sent more than once, in all of them
	Hellos      uint64        // HELLOs in all of them
	Time, Wire  float64       // ratio to the same on the clean line; 0: there is none
}

// Cases lists the suite in the order in which it is run: first what leaves the device empty, last what seals it.
func Cases() []Case {
	return slices.Concat(
		announceCases(), readyCases(), frameCases(), sessionCases(), idCases(), fragmentCases(), ackCases(), cborCases(),
		operationCases(), clockCases(), enrollCases(), abortCases(), installCases(), packedCases(), aheadCases(), putCases(), signCases(), tls12Cases(), lockCases(),
		workCases(), lineCases(), rebootCases(),
		sealCases(), tokenCases(), renewCases(), unlockCases(), eraseCases(), heardCases(),
	)
}
