package devstack

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"provstation/serialproto/prototest"
)

// Spec is a set of faults for a demo or a training: lines that lose bytes, a bridge that stumbles or lies, a broker that
// hangs up.
type Spec struct {
	Drop, Flip, Dup float64       // per byte, both directions
	Burst           float64       // per byte, both directions: eight bytes of noise begin there
	Text            int           // a kernel line after so many bytes from the device; 0: never
	Latency         time.Duration // per direction
	Bridge          int           // HTTP status of every first post of a device; 0: none
	Lost            bool          // the certificate of every first post is issued, and the answer lost
	Slow            time.Duration // the bridge takes so long over every first post
	Lie             Lie           // what is wrong with every first answer
	Broker          BrokerFault   // what the broker does to the first connection of every device
	ThingsBoard     ServiceFault  // what is wrong with it all the time
	HawkBit         ServiceFault
}

// SpecHelp says how a Spec is written.
const SpecHelp = "comma list of drop=P, flip=P, dup=P, burst=P (chance per byte), text=N (a kernel line every N bytes), latency=D; " +
	"at every device's first request bridge=STATUS|lost, slow=D, lie=wrong-key|wrong-id|other-chain|expired|private-key|oversize; " +
	"at its first connection broker=cert|refuse|hang-up|drop|deny|silent|slow; all the time " +
	"tb=down|unauthorized|forbidden|slow|garbage|page|500|502|empty|late|expired, hawkbit=the same to empty|cut|502-first; as drop=1e-4,latency=16ms,bridge=lost"

// ParseSpec reads a fault specification.
func ParseSpec(text string) (Spec, error) {
	var s Spec
	if text == "" {
		return s, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok {
			return Spec{}, fmt.Errorf("fault %q: write NAME=VALUE; known: %s", part, SpecHelp)
		}
		if err := s.set(name, value); err != nil {
			return Spec{}, fmt.Errorf("fault %q: %w; known: %s", part, err, SpecHelp)
		}
	}
	return s, nil
}

func (s *Spec) set(name, value string) (err error) {
	chance := func(to *float64) {
		*to, err = strconv.ParseFloat(value, 64)
		if err == nil && (*to < 0 || *to > 0.1 || *to != *to) {
			err = fmt.Errorf("a chance lies between 0 and 0.1")
		}
	}
	switch name {
	case "drop":
		chance(&s.Drop)
	case "flip":
		chance(&s.Flip)
	case "dup":
		chance(&s.Dup)
	case "burst":
		chance(&s.Burst)
	case "text":
		s.Text, err = strconv.Atoi(value)
		if err == nil && s.Text < leastText {
			err = fmt.Errorf("there are at least %d bytes between two kernel lines", leastText)
		}
	case "latency":
		s.Latency, err = time.ParseDuration(value)
		if err == nil && (s.Latency < 0 || s.Latency > time.Second) {
			err = fmt.Errorf("latency lies between 0 and 1s")
		}
	default:
		return s.setService(name, value)
	}
	return err
}

// leastText is how many bytes a line needs between two kernel lines to get anything across.
const leastText = 100

// setService takes the faults of bridge and broker.
func (s *Spec) setService(name, value string) (err error) {
	switch name {
	case "bridge":
		if value == "lost" {
			s.Lost = true
			return nil
		}
		s.Bridge, err = strconv.Atoi(value)
		if err == nil && (s.Bridge < 400 || s.Bridge > 599) {
			err = fmt.Errorf("an HTTP error status lies between 400 and 599")
		}
	case "slow":
		s.Slow, err = time.ParseDuration(value)
		if err == nil && (s.Slow < 0 || s.Slow > time.Minute) {
			err = fmt.Errorf("the bridge is slow by 0 to 1m")
		}
	case "lie":
		s.Lie = Lie(value)
		if !slices.Contains(Lies(), s.Lie) {
			err = fmt.Errorf("unknown lie")
		}
	case "tb":
		s.ThingsBoard = ServiceFault(value)
		if !slices.Contains(ThingsBoardFaults(), s.ThingsBoard) {
			err = fmt.Errorf("unknown fault of ThingsBoard")
		}
	case "hawkbit":
		s.HawkBit = ServiceFault(value)
		if !slices.Contains(HawkBitFaults(), s.HawkBit) {
			err = fmt.Errorf("unknown fault of hawkBit")
		}
	case "broker":
		s.Broker = BrokerFault(value)
		if !slices.Contains(BrokerFaults(), s.Broker) {
			err = fmt.Errorf("unknown fault of a broker")
		}
	default:
		err = fmt.Errorf("unknown fault")
	}
	return err
}

// line is the fault model of one device's line.
func (s Spec) line(baud int, seed uint64, pacer *prototest.Pacer) prototest.Config {
	direction := func(salt uint64) prototest.Line {
		return prototest.Line{
			Latency: s.Latency,
			Faults:  prototest.Faults{Seed: seed*2 + salt, Drop: s.Drop, Flip: s.Flip, Duplicate: s.Dup, Burst: s.Burst},
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
	case s.Lost:
		f.Issue, f.Cut = true, true
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
