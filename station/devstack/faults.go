package devstack

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"provstation/serialproto/prototest"
)

// Spec is a set of faults for a demo or a training: lines that lose bytes, a bridge that stumbles.
type Spec struct {
	Drop, Flip, Dup float64       // per byte, both directions
	Latency         time.Duration // per direction
	Bridge          int           // HTTP status of every first post of a device; 0: none
}

// SpecHelp says how a Spec is written.
const SpecHelp = "comma list of drop=P, flip=P, dup=P (chance per byte), latency=D, bridge=STATUS (every first request), as drop=1e-4,latency=16ms"

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
	case "latency":
		s.Latency, err = time.ParseDuration(value)
		if err == nil && (s.Latency < 0 || s.Latency > time.Second) {
			err = fmt.Errorf("latency lies between 0 and 1s")
		}
	case "bridge":
		s.Bridge, err = strconv.Atoi(value)
		if err == nil && (s.Bridge < 400 || s.Bridge > 599) {
			err = fmt.Errorf("an HTTP error status lies between 400 and 599")
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
			Faults:  prototest.Faults{Seed: seed*2 + salt, Drop: s.Drop, Flip: s.Flip, Duplicate: s.Dup},
		}
	}
	return prototest.Config{Baud: baud, Pacer: pacer, ToHost: direction(0), ToDevice: direction(1)}
}

// bridge is the fault of the bridge: every device's first request fails.
func (s Spec) bridge() func(id string, n int) *Fault {
	if s.Bridge == 0 {
		return nil
	}
	seen := newSet()
	return func(id string, _ int) *Fault {
		if !seen.add(id) {
			return nil
		}
		return &Fault{Status: s.Bridge, Body: `{"detail":"` + http.StatusText(s.Bridge) + `"}`}
	}
}
