package main

import (
	"math"
	"slices"
	"time"

	"provstation/station"
)

// bits is what one byte takes on a line: eight bits between start and stop.
const bits = 10

// benchResult is what was measured of one cell, the runs of it pooled.
type benchResult struct {
	cell    benchCell
	samples []sample
	elapsed spread
	phases  map[station.Phase]spread
	limit   time.Duration // p50 of line + bridge + broker + key
	line    time.Duration // p50, as the three that follow
	bridge  time.Duration
	broker  time.Duration
	key     time.Duration
	typical sample        // the device whose bytes on the wire are the median
	busy    time.Duration // from the first byte of the first device to the last record, of all runs together
	used    machineUse    // of all runs together; peak: the most of them

	simulator float64       // how much longer the simulated lines take than their baud rate says
	one       time.Duration // p50 of one device alone
}

// lineTime is how long these bytes are on a line of this baud rate.
func lineTime(bytes uint64, baud int) time.Duration {
	return time.Duration(float64(bytes) * bits / float64(baud) * float64(time.Second))
}

// resultOf pools the runs of a cell; there is at least one sample.
func resultOf(c benchCell, runs []benchRun) *benchResult {
	r := &benchResult{cell: c, phases: map[station.Phase]spread{}}
	for _, run := range runs {
		r.samples = append(r.samples, run.samples...)
		r.busy += workTime(run.samples)
		u := run.used
		r.used = machineUse{r.used.wall + u.wall, r.used.cpu + u.cpu, r.used.others + u.others, max(r.used.peak, u.peak)}
	}
	of := func(f func(sample) time.Duration) []time.Duration {
		var list []time.Duration
		for _, s := range r.samples {
			list = append(list, f(s))
		}
		return list
	}
	line := func(s sample) time.Duration { return lineTime(s.wireBytes(), c.baud) }
	r.elapsed = spreadOf(of(func(s sample) time.Duration { return s.elapsed }))
	r.line = percentile(of(line), 50)
	r.bridge = percentile(of(func(s sample) time.Duration { return s.bridge }), 50)
	r.broker = percentile(of(func(s sample) time.Duration { return s.broker }), 50)
	r.key = percentile(of(func(s sample) time.Duration { return s.key }), 50)
	r.limit = percentile(of(func(s sample) time.Duration { return line(s) + s.bridge + s.broker + s.key }), 50)
	for _, p := range benchPhases() {
		if list := r.phaseTimes(p); len(list) > 0 {
			r.phases[p] = spreadOf(list)
		}
	}
	byBytes := slices.SortedFunc(slices.Values(r.samples), func(a, b sample) int {
		return int(a.wireBytes()) - int(b.wireBytes()) //nolint:gosec // some kilobytes
	})
	r.typical = byBytes[(len(byBytes)-1)/2] // nearest rank
	return r
}

// workTime is from the first byte of the first device to the last record.
func workTime(list []sample) time.Duration {
	first, last := list[0].first, list[0].last
	for _, s := range list {
		if s.first.Before(first) {
			first = s.first
		}
		if s.last.After(last) {
			last = s.last
		}
	}
	return last.Sub(first)
}

// phaseTimes are how long a phase took, of the devices that passed it.
func (r *benchResult) phaseTimes(p station.Phase) (list []time.Duration) {
	for _, s := range r.samples {
		if d, ok := s.phases[p]; ok {
			list = append(list, d)
		}
	}
	return list
}

// ratioToLimit is p50 of elapsed against p50 of what the limits come to.
func (r *benchResult) ratioToLimit() float64 { return ratio(float64(r.elapsed.p50), float64(r.limit)) }

// ratioToOne is p95 of elapsed against p50 of one device alone.
func (r *benchResult) ratioToOne() float64 { return ratio(float64(r.elapsed.p95), float64(r.one)) }

// perHour is devices an hour at this pace: filling and emptying the bench takes no time in it.
func (r *benchResult) perHour() float64 {
	return math.Round(float64(len(r.samples))/r.busy.Hours()*10) / 10
}

// cellHead is what each cell's object begins with.
type cellHead struct {
	Type       string  `json:"type"` // bench, or bench-failed
	Method     string  `json:"method"`
	Devices    int     `json:"devices"`
	Baud       int     `json:"baud"`
	LatencyMS  float64 `json:"latency_ms"`
	ByteFaults float64 `json:"byte_faults"`
	KnownChain bool    `json:"known_chain"`
}

func (c benchCell) head(kind string) cellHead {
	return cellHead{kind, c.method, c.devices, c.baud, millis(c.latency), c.faults, c.known}
}

// benchLine is a cell in JSON.
type benchLine struct {
	cellHead
	P50       float64 `json:"p50_ms"`
	P95       float64 `json:"p95_ms"`
	Line      float64 `json:"line_ms"`
	Bridge    float64 `json:"bridge_ms"`
	Broker    float64 `json:"broker_ms"`
	Key       float64 `json:"key_ms"`
	ToLimit   float64 `json:"ratio_to_limit"`
	ToOne     float64 `json:"ratio_to_one"`
	Simulator float64 `json:"simulator_overhead"`
	Payload   int     `json:"payload_bytes"`
	Wire      uint64  `json:"wire_bytes"`
	PerHour   float64 `json:"devices_per_hour"`
	CPU       float64 `json:"cpu_s"`
	PeakRSS   float64 `json:"peak_rss_mb"`

	Spread  float64                     `json:"spread_ms"` // in which the devices got power; 0: at the same moment
	Max     float64                     `json:"max_ms"`
	Limit   float64                     `json:"limit_ms"`
	One     float64                     `json:"one_ms"`
	Samples int                         `json:"samples"`
	Others  float64                     `json:"other_cpu_s"` // of everything else on the machine; 0: not known
	Failed  int                         `json:"failed"`      // always 0: a cell with a failure has no figures
	Phases  map[station.Phase]phaseLine `json:"phases,omitempty"`
	Kinds   map[string]uint64           `json:"wire_by_kind"`
	Parts   map[string]int              `json:"payload_by_part"`
}

type phaseLine struct {
	P50 float64 `json:"p50_ms"`
	P95 float64 `json:"p95_ms"`
	Max float64 `json:"max_ms"`
}

// failedLine is a cell without figures in JSON.
type failedLine struct {
	cellHead
	Error string `json:"error"`
}

func (r *benchResult) json() benchLine {
	c := r.cell
	l := benchLine{
		cellHead: c.head("bench"),
		Spread:   millis(c.over), P50: millis(r.elapsed.p50), P95: millis(r.elapsed.p95), Max: millis(r.elapsed.max), Limit: millis(r.limit), One: millis(r.one),
		Line: millis(r.line), Bridge: millis(r.bridge), Broker: millis(r.broker), Key: millis(r.key), ToLimit: r.ratioToLimit(), ToOne: r.ratioToOne(),
		Simulator: r.simulator, Payload: r.typical.payload.bytes(), Wire: r.typical.wireBytes(), PerHour: r.perHour(),
		CPU: thousandths(r.used.cpu.Seconds() / r.runs()), PeakRSS: math.Round(float64(r.used.peak)/1e5) / 10, Samples: len(r.samples),
		Others: thousandths(r.used.others.Seconds() / r.runs()),
		Kinds:  r.typical.wire, Parts: map[string]int{},
	}
	if len(r.phases) > 0 {
		l.Phases = map[station.Phase]phaseLine{}
	}
	for p, s := range r.phases {
		l.Phases[p] = phaseLine{millis(s.p50), millis(s.p95), millis(s.max)}
	}
	for _, p := range r.typical.payload {
		l.Parts[p.name] = p.bytes
	}
	return l
}

func failedJSON(c benchCell, err error) failedLine {
	return failedLine{c.head("bench-failed"), err.Error()}
}
