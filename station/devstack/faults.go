package devstack

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"provstation/serialproto/prototest"
)

// Spec is a set of faults for a demo or a training: lines that lose bytes, devices that restart, a bridge that stumbles or
// lies, a broker that hangs up. It has of the list of the fault campaign (station/campaign) what can be shown without harm
// to the station's own disk and process.
type Spec struct {
	Drop, Flip, Dup float64       // per byte, both directions
	Zero, FF, Swap  float64       // per byte, both directions: 0x00 or 0xff comes before it; its block changes places
	Burst           float64       // per byte, both directions: eight bytes of noise begin there
	Text            int           // a kernel line after so many bytes from the device; 0: never
	Noise           int           // kilobytes without a delimiter that every device says when it starts
	Latency         time.Duration // per direction
	Reset           int           // every device restarts, once, at its n-th answer, which is lost; 0: never
	Unplug          int           // every device's cable is pulled, once, at its n-th answer, and put back
	Flash           int           // every device's flash is full, for one request, at its n-th write; 0: never
	Random          int           // so often a device has no random numbers for a key
	Key             time.Duration // making a key takes so long
	Bridge          int           // HTTP status of every first post of a device; 0: none
	Answer          Answer        // what becomes of the answer to every first post
	Slow            time.Duration // the bridge takes so long over every first post
	Lie             Lie           // what is wrong with every first answer
	Broker          BrokerFault   // what the broker does to the first connection of every device
	Tunnel          TunnelFault   // what is wrong with the tunnel of every device's first enrollment
	ThingsBoard     ServiceFault  // what is wrong with it all the time
	HawkBit         ServiceFault
}

// Answer is what becomes of the bridge's answer. Whatever it is, but for cut, the certificate was issued.
type Answer string

// Answers.
const (
	AnswerComes Answer = ""
	AnswerLost  Answer = "lost"  // the connection is cut after the certificate was issued
	AnswerCut   Answer = "cut"   // it is cut before
	AnswerHalf  Answer = "half"  // half of the right answer comes
	AnswerAfter Answer = "after" // an internal error comes in its place
	AnswerPage  Answer = "page"  // a web page does
)

// SpecNames names every fault of a [Spec], in the order of [SpecText].
func SpecNames() []string {
	var names []string
	for _, k := range specKinds {
		names = append(names, k.name)
	}
	return names
}

// SpecHelp says in a line how a Spec is written.
const SpecHelp = "faults to suffer, as drop=1e-4,reset=2,bridge=lost (the list is above)"

// SpecExample is a Spec of every sort: on the wire, of the device, of the bridge, of the broker.
const SpecExample = "drop=1e-4,text=500,reset=2,bridge=lost,broker=drop"

// SpecText is a table of what a Spec may hold.
func SpecText() string {
	var b strings.Builder
	for _, k := range specKinds {
		fmt.Fprintf(&b, "  %-16s %s\n", k.name+"="+k.value, k.text)
	}
	return b.String()
}

// specKind is one fault of a Spec.
type specKind struct {
	name, value, text string
	set               func(s *Spec, value string) error
}

// specKinds are the faults of a Spec.
var specKinds = []specKind{ //nolint:gochecknoglobals // a constant table
	{"drop", "P", "the line loses a byte with this chance, 0 to 0.1 (as all P)", chance(func(s *Spec) *float64 { return &s.Drop })},
	{"flip", "P", "one bit of a byte is inverted", chance(func(s *Spec) *float64 { return &s.Flip })},
	{"dup", "P", "a byte arrives twice", chance(func(s *Spec) *float64 { return &s.Dup })},
	{"zero", "P", "a 0x00 comes before a byte, as from a BREAK", chance(func(s *Spec) *float64 { return &s.Zero })},
	{"ff", "P", "a 0xff comes before a byte", chance(func(s *Spec) *float64 { return &s.FF })},
	{"swap", "P", "a block of up to 16 bytes changes places with the next", chance(func(s *Spec) *float64 { return &s.Swap })},
	{"burst", "P", "eight bytes of noise begin", chance(func(s *Spec) *float64 { return &s.Burst })},
	{"text", "N", "the device prints a kernel line every N bytes, 100 and more", count(func(s *Spec) *int { return &s.Text }, leastText, 1<<20)},
	{"noise", "N", "it says N kB without a delimiter when it starts, 1 to 1024", count(func(s *Spec) *int { return &s.Noise }, 1, 1024)},
	{"latency", "D", "the line takes so much longer each way, 0 to 1s, as 16ms", lasting(func(s *Spec) *time.Duration { return &s.Latency }, time.Second)},
	{"reset", "N", "every device restarts once, at its N-th answer, 1 to 4", count(func(s *Spec) *int { return &s.Reset }, 1, 4)},
	{"unplug", "N", "its cable is pulled once at its N-th answer, and put back, 1 to 4", count(func(s *Spec) *int { return &s.Unplug }, 1, 4)},
	{"flash", "N", "its flash is full once, at the N-th write, 1 to 13", count(func(s *Spec) *int { return &s.Flash }, 1, 13)},
	{"random", "N", "it has no random numbers for its first N tries at a key, 1 to 10", count(func(s *Spec) *int { return &s.Random }, 1, 10)},
	{"key", "D", "making a key takes so long, 0 to 30s", lasting(func(s *Spec) *time.Duration { return &s.Key }, 30*time.Second)},
	{"bridge", "ANSWER", "to the first request of every device: an HTTP status from 400 to 599, or lost, cut, half, after, page", setBridge},
	{"slow", "D", "the bridge takes so long over it, 0 to 1m", lasting(func(s *Spec) *time.Duration { return &s.Slow }, time.Minute)},
	{"lie", "LIE", "its answer is wrong: " + join(Lies()), among(func(s *Spec) *Lie { return &s.Lie }, Lies())},
	{"broker", "FAULT", "first connection of every device: " + join(BrokerFaults()), among(func(s *Spec) *BrokerFault { return &s.Broker }, BrokerFaults())},
	{"tunnel", "FAULT", "the tunnel of every device's first enrollment: " + join(TunnelFaults()), among(func(s *Spec) *TunnelFault { return &s.Tunnel }, TunnelFaults())},
	{"tb", "FAULT", "ThingsBoard, all the time: " + join(ThingsBoardFaults()), among(func(s *Spec) *ServiceFault { return &s.ThingsBoard }, ThingsBoardFaults())},
	{"hawkbit", "FAULT", "hawkBit, all the time: " + join(HawkBitFaults()), among(func(s *Spec) *ServiceFault { return &s.HawkBit }, HawkBitFaults())},
}

// leastText is how many bytes a line needs between two kernel lines to get anything across.
const leastText = 100

func join[T ~string](list []T) string {
	words := make([]string, len(list))
	for i, w := range list {
		words[i] = string(w)
	}
	return strings.Join(words, ", ")
}

func chance(to func(*Spec) *float64) func(*Spec, string) error {
	return func(s *Spec, value string) error {
		p, err := strconv.ParseFloat(value, 64)
		if err != nil || !(p >= 0 && p <= 0.1) {
			return errors.New("want a chance from 0 to 0.1, as 1e-4")
		}
		*to(s) = p
		return nil
	}
}

func count(to func(*Spec) *int, least, most int) func(*Spec, string) error {
	return func(s *Spec, value string) error {
		n, err := strconv.Atoi(value)
		if err != nil || n < least || n > most {
			return fmt.Errorf("want a whole number from %d to %d", least, most)
		}
		*to(s) = n
		return nil
	}
}

func lasting(to func(*Spec) *time.Duration, most time.Duration) func(*Spec, string) error {
	return func(s *Spec, value string) error {
		d, err := time.ParseDuration(value)
		if err != nil || d < 0 || d > most {
			return fmt.Errorf("want a duration from 0s to %v, as 250ms", most)
		}
		*to(s) = d
		return nil
	}
}

func among[T ~string](to func(*Spec) *T, list []T) func(*Spec, string) error {
	return func(s *Spec, value string) error {
		if !slices.Contains(list, T(value)) {
			return fmt.Errorf("want one of %s", join(list))
		}
		*to(s) = T(value)
		return nil
	}
}

func setBridge(s *Spec, value string) error {
	answers := []Answer{AnswerLost, AnswerCut, AnswerHalf, AnswerAfter, AnswerPage}
	if slices.Contains(answers, Answer(value)) {
		s.Answer = Answer(value)
		return nil
	}
	status, err := strconv.Atoi(value)
	if err != nil || status < 400 || status > 599 {
		return fmt.Errorf("want an HTTP status from 400 to 599, or one of %s", join(answers))
	}
	s.Bridge = status
	return nil
}

// ParseSpec reads a fault specification.
func ParseSpec(text string) (Spec, error) {
	var s Spec
	if text == "" {
		return s, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok {
			return Spec{}, fmt.Errorf("fault %q: write NAME=VALUE, as in %s", part, SpecExample)
		}
		i := slices.IndexFunc(specKinds, func(k specKind) bool { return k.name == name })
		if i < 0 {
			return Spec{}, fmt.Errorf("fault %q: there is none of that name; known: %s", part, strings.Join(SpecNames(), ", "))
		}
		if err := specKinds[i].set(&s, value); err != nil {
			return Spec{}, fmt.Errorf("fault %q: %w", part, err)
		}
	}
	return s, nil
}

// line is the fault model of one device's line.
func (s Spec) line(baud int, seed uint64, pacer *prototest.Pacer) prototest.Config {
	direction := func(salt uint64) prototest.Line {
		return prototest.Line{
			Latency: s.Latency,
			Faults:  prototest.Faults{Seed: seed*2 + salt, Drop: s.Drop, Flip: s.Flip, Duplicate: s.Dup, InsertZero: s.Zero, InsertFF: s.FF, Swap: s.Swap, Burst: s.Burst},
		}
	}
	up := direction(0)
	up.Faults.TextEvery = s.Text // only the device prints
	return prototest.Config{Baud: baud, Pacer: pacer, ToHost: up, ToDevice: direction(1)}
}

// bridge is the fault of the bridge: every device's first request meets it.
func (s Spec) bridge() func(id string, n int) *Fault {
	f := Fault{Delay: s.Slow, Lie: s.Lie}
	switch {
	case s.Answer != AnswerComes:
		s.Answer.spoil(&f)
	case s.Bridge != 0:
		f.Status, f.Body = s.Bridge, `{"detail":"`+http.StatusText(s.Bridge)+`"}`
	case s.Slow == 0 && s.Lie == Honest:
		return nil
	}
	seen := newSet()
	return func(id string, _ int) *Fault {
		if !seen.add(id) {
			return nil
		}
		first := f
		return &first
	}
}

// spoil makes it so.
func (a Answer) spoil(f *Fault) {
	switch a {
	case AnswerComes:
	case AnswerLost:
		f.Issue, f.Cut = true, true
	case AnswerCut:
		f.Cut = true
	case AnswerHalf:
		f.Issue, f.Cut, f.Half = true, true, true
	case AnswerAfter:
		f.Issue, f.Status, f.Type, f.Body = true, http.StatusInternalServerError, "text/plain", "Internal Server Error"
	case AnswerPage:
		f.Issue, f.Status, f.Type, f.Body = true, http.StatusOK, "text/html", "<html>welcome</html>"
	}
}

// broker is the fault of the broker: every device's first connection meets it.
func (s Spec) broker() func(id string, n int) BrokerFault {
	if s.Broker == BrokerServes {
		return nil
	}
	return func(_ string, n int) BrokerFault {
		if n > 1 {
			return BrokerServes
		}
		return s.Broker
	}
}

// tunnel is the fault of the tunnels: every device's first enrollment meets it.
func (s Spec) tunnel() func(id string, n int) TunnelFault {
	if s.Tunnel == TunnelServes {
		return nil
	}
	return func(_ string, n int) TunnelFault {
		if n > 1 {
			return TunnelServes
		}
		return s.Tunnel
	}
}
