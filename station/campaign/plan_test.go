package campaign_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// fault is one fault of a plan. What n and k mean is said with its kind.
type fault struct {
	kind string
	n, k int
}

func (f fault) String() string { return fmt.Sprintf("%s:%d:%d", f.kind, f.n, f.k) }

// plan is what one run of the campaign suffers.
type plan struct {
	faults []fault
	// What is drawn beside the faults.
	rename bool // it is plugged in again under another port name
	left   bool // a station that is killed finds it still in its session
}

func (p plan) String() string {
	list := make([]string, len(p.faults))
	for i, f := range p.faults {
		list[i] = f.String()
	}
	return strings.Join(list, ",")
}

// has finds the plan's fault of a kind.
func (p plan) has(kind string) (fault, bool) {
	for _, f := range p.faults {
		if f.kind == kind {
			return f, true
		}
	}
	return fault{}, false
}

// span is the range a number is drawn from, bounds included.
type span struct{ from, to int }

func (s span) draw(r *rand.Rand) int { return s.from + r.IntN(s.to-s.from+1) }

// Frames are counted where a rewriter may lose them: these are the kinds, by number k.
const frameKinds = 6

// kinds are the faults there are. Chances are hundred-thousandths a byte.
var kinds = []struct {
	name string
	n, k span
}{
	// Bytes: n is the chance.
	{"line.drop", span{10, 100}, span{}},
	{"line.flip", span{10, 100}, span{}},
	{"line.duplicate", span{10, 100}, span{}},
	{"line.zero", span{10, 100}, span{}},
	{"line.ff", span{10, 100}, span{}},
	{"line.swap", span{30, 100}, span{}},
	{"line.burst", span{10, 60}, span{}},
	{"line.text", span{300, 1500}, span{}}, // a kernel line every n bytes
	// Frames: the n-th of kind k.
	{"frame.lost", span{1, 3}, span{0, frameKinds - 1}},
	{"frame.twice", span{1, 3}, span{0, frameKinds - 1}},
	{"frame.cut", span{1, 3}, span{0, frameKinds - 1}},
	{"frame.merged", span{1, 3}, span{0, frameKinds - 1}},
	{"frame.split", span{1, 3}, span{0, frameKinds - 1}},
	{"frame.late", span{1, 3}, span{0, frameKinds - 1}}, // it comes after the one that follows it
	{"frame.last", span{1, 3}, span{1, 3}},              // the last fragment of the n-th message of several, k times over
	{"frame.stale", span{1, 6}, span{}},                 // before the n-th answer, one of the session before
	{"frame.odd", span{1, 5}, span{0, oddities - 1}},    // before the n-th answer or request, one that breaks the rules
	// The line: n is milliseconds, or kB, k the answer at which it happens.
	{"line.noise", span{200, 1024}, span{}},
	{"line.boot-text", span{1, 20}, span{}}, // n times
	{"line.echo", span{1, 3}, span{}},       // for n sessions
	{"line.stall", span{50, 5000}, span{1, 6}},
	{"line.slow", span{96, 576}, span{}},    // n*100 baud, of which the station knows nothing
	{"line.latency", span{2, 40}, span{}},   // an adapter's, each way
	{"line.stolen", span{2, 8}, span{1, 8}}, // another program reads on: every n-th piece is its, k in all; it says AT, too
	// The device: at the n-th answer, request or operation, k times.
	{"reset.answer", span{1, 6}, span{1, 2}}, // what was done is durable, and the answer is lost
	{"reset.request", span{1, 6}, span{1, 2}},
	{"reset.time", span{0, 250}, span{1, 2}}, // n ms after its start
	{"reset.loop", span{1, 3}, span{7, 7}},
	{"reset.key", span{0, 300}, span{1, 2}},  // n ms after it began to make a key
	{"reset.frame", span{1, 18}, span{0, 1}}, // at the n-th frame of whatever kind, to the device (0) or to the station (1)
	{"flash.full", span{1, 100}, span{1, 200}},
	{"flash.cut", span{1, 100}, span{1, 2}}, // the agent dies in an operation on its files
	{"device.slow-key", span{100, 900}, span{}},
	{"device.no-random", span{1, 3}, span{}},   // n times
	{"device.small", span{32, 64}, span{1, 2}}, // mtu and window
	{"device.storm", span{10, 60}, span{}},     // n times each of its first announcements
	{"device.swapped", span{1, 6}, span{}},     // another board answers
	{"device.twin", span{0, 40}, span{}},       // another board with its serial is plugged in n*10 ms later
	// The port: at the n-th answer, away for k ms.
	{"port.unplugged", span{1, 6}, span{10, 400}},
	{"port.renamed", span{1, 6}, span{10, 400}},
	{"port.late", span{1, 6}, span{10, 200}},             // the system says so k ms after the line is dead
	{"port.unplugged-write", span{1, 18}, span{10, 400}}, // in the station's n-th write
	{"port.unplugged-close", span{1, 6}, span{10, 300}},  // closing takes k ms, and it is there again meanwhile
	{"port.busy", span{1, 4}, span{}},                    // n openings
	{"port.denied", span{1, 4}, span{}},
	// The bridge: the first n posts; k ms where it is slow.
	{"bridge.before", span{1, 4}, span{}},
	{"bridge.refuses", span{1, 2}, span{}},
	{"bridge.after", span{1, 4}, span{}},
	{"bridge.unsure", span{1, 4}, span{}},
	{"bridge.page", span{1, 2}, span{}},
	{"bridge.cut", span{1, 4}, span{}},
	{"bridge.lost", span{1, 4}, span{}},
	{"bridge.half", span{1, 4}, span{}},
	{"bridge.slow", span{1, 2}, span{100, 1200}},
	{"bridge.silent", span{1, 2}, span{}}, // longer than anybody waits
	{"bridge.wrong-key", span{1, 2}, span{}},
	{"bridge.wrong-id", span{1, 2}, span{}},
	{"bridge.other-chain", span{1, 2}, span{}},
	{"bridge.expired", span{1, 2}, span{}},
	{"bridge.private-key", span{1, 2}, span{}},
	{"bridge.oversize", span{1, 2}, span{}},
	// The broker: the first n connections.
	{"broker.cert", span{1, 2}, span{}},
	{"broker.refuse", span{1, 3}, span{}},
	{"broker.hang-up", span{1, 4}, span{}},
	{"broker.drop", span{1, 4}, span{}},
	{"broker.deny", span{1, 3}, span{}},
	{"broker.silent", span{1, 1}, span{}},
	{"broker.slow", span{1, 2}, span{}},
	// The ledger: from the n-th write of the slot, k writes.
	{"ledger.full", span{1, 27}, span{1, 6}},
	{"ledger.read-only", span{1, 27}, span{1, 6}},
	{"ledger.locked", span{1, 27}, span{}},                // by another process, for longer than it waits
	{"ledger.answer-lost", span{1, 27}, span{1, 2}},       // it is written, and the station hears that it is not
	{"database.gone", span{1, 27}, span{20, 1500}},        // at the n-th write of the slot, for k ms: the ledger is one that stations share
	{"station.stop", span{1, 27}, span{}},                 // in order, at the n-th write
	{"station.time-jump", span{1, 27}, span{-7200, 7200}}, // its clock is k seconds off from the n-th write on
	{"station.kill", span{1, 27}, span{0, 1}},             // before (0) or after (1) the n-th write
	{"station.abort", span{1, 27}, span{}},                // a person aborts the run
	{"station.kill-any", span{0, 400}, span{}},            // n ms after the start
	{"port.unplugged-any", span{0, 400}, span{10, 400}},   // n ms after it was plugged in
}

// drawPlan draws the plan of a run. Its first fault goes through the kinds one by one, so that none is left out.
func drawPlan(seed uint64, run int) plan {
	r := rand.New(rand.NewPCG(seed, uint64(run)^0x6661756c7473))
	first := run % len(kinds)
	var p plan
	add := func(i int) {
		kd := kinds[i]
		if _, there := p.has(kd.name); !there {
			p.faults = append(p.faults, fault{kd.name, kd.n.draw(r), kd.k.draw(r)})
		}
	}
	add(first)
	for more := r.IntN(3); more > 0; more-- {
		add(r.IntN(len(kinds)))
	}
	p.rename, p.left = r.IntN(4) == 0, r.IntN(6) == 0
	return p
}

// parsePlan reads what plan.String wrote.
func parsePlan(text string) ([]fault, error) {
	var list []fault
	if text == "none" {
		return nil, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		f := strings.Split(part, ":")
		known := slices.ContainsFunc(kinds, func(k struct {
			name string
			n, k span
		},
		) bool {
			return k.name == f[0]
		})
		if len(f) != 3 || !known {
			return nil, fmt.Errorf("fault %q: want KIND:N:K", part)
		}
		n, err := strconv.Atoi(f[1])
		if err != nil {
			return nil, fmt.Errorf("fault %q: %w", part, err)
		}
		k, err := strconv.Atoi(f[2])
		if err != nil {
			return nil, fmt.Errorf("fault %q: %w", part, err)
		}
		list = append(list, fault{f[0], n, k})
	}
	return list, nil
}
