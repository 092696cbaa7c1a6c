package main

import (
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// wayNames are the other ways in words.
func wayNames() map[string]string {
	return map[string]string{"heredoc": "here-documents", "at": "AT commands", "mcumgr": "mcumgr"}
}

// writeBench writes the figures for people: the cells, what is in them, the comparison, and what none of it says.
func writeBench(w io.Writer, results []*benchResult, m benchMachine) error {
	var b strings.Builder
	writeCells(&b, results)
	writeDetails(&b, results)
	writeComparison(&b, results)
	writeDoubts(&b, results, m)
	_, err := io.WriteString(w, b.String())
	return err
}

// writeCells is the table, a line a cell.
func writeCells(b *strings.Builder, results []*benchResult) {
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "METHOD\tDEVICES\tIN\tBAUD\tLATENCY\tFAULTS\tCHAIN\tP50\tP95\tMAX\tLIMIT\tx LIMIT\tx ONE\tDEVICES/H\tWIRE\tMUST\tCPU\tMEMORY\tLINES\t")
	for _, r := range results {
		c, l := r.cell, r.json()
		chain := "sent"
		if c.known {
			chain = "known"
		}
		fmt.Fprintf(t, "%s\t%d\t%.1f s\t%d\t%v\t%g\t%s\t%.0f ms\t%.0f ms\t%.0f ms\t%.0f ms\t%.2f\t%.2f\t%.0f\t%d B\t%d B\t%.2f s\t%.0f MB\t%.2f\t\n",
			c.method, c.devices, c.over.Seconds(), c.baud, c.latency, c.faults, chain, l.P50, l.P95, l.Max, l.Limit, l.ToLimit, l.ToOne, l.PerHour, l.Wire, l.Payload,
			l.CPU, l.PeakRSS, l.Simulator)
	}
	_ = t.Flush() // into memory
}

// writeDetails says of each cell of the station where time and bytes go.
func writeDetails(b *strings.Builder, results []*benchResult) {
	for _, r := range results {
		if r.cell.method != methodStation {
			continue
		}
		l := r.json()
		fmt.Fprintf(b, "\n%v\n", r.cell)
		fmt.Fprintf(b, "  limit       line %.1f + bridge %.1f + broker %.1f + key %.1f ms (medians)\n", l.Line, l.Bridge, l.Broker, l.Key)
		fmt.Fprintf(b, "  phases      p50/p95/max ms: %s\n", phaseText(r))
		fmt.Fprintf(b, "  on the wire %d B: %s\n", l.Wire, kindsText(l.Kinds))
		fmt.Fprintf(b, "  must cross  %d B: %s\n", l.Payload, partText(r.typical.payload))
	}
}

func phaseText(r *benchResult) string {
	var list []string
	for _, p := range benchPhases() {
		if s, ok := r.phases[p]; ok {
			list = append(list, fmt.Sprintf("%s %.0f/%.0f/%.0f", p, millis(s.p50), millis(s.p95), millis(s.max)))
		}
	}
	return strings.Join(list, ", ")
}

func kindsText(kinds map[string]uint64) string {
	var list []string
	for _, k := range slices.SortedFunc(maps.Keys(kinds), func(x, y string) int { return int(kinds[y]) - int(kinds[x]) }) { //nolint:gosec // some kilobytes
		list = append(list, fmt.Sprintf("%s %d", k, kinds[k]))
	}
	return strings.Join(list, ", ")
}

func partText(p payload) string {
	var list []string
	for _, part := range p {
		list = append(list, fmt.Sprintf("%s %d", part.name, part.bytes))
	}
	return strings.Join(list, ", ")
}

// writeComparison puts the station beside the other ways, under equal circumstances.
func writeComparison(b *strings.Builder, results []*benchResult) {
	var lines []string
	for _, r := range results {
		if r.cell.method != methodStation {
			continue
		}
		var list []string
		for _, o := range results {
			want := r.cell
			want.method, want.over = o.cell.method, o.cell.over
			if o != r && o.cell == want {
				list = append(list, comparison(r, o))
			}
		}
		if len(list) > 0 {
			lines = append(lines, fmt.Sprintf("  %s: %s", circumstances(r.cell), strings.Join(list, ", ")))
		}
	}
	if len(lines) > 0 {
		fmt.Fprintf(b, "\nAgainst the other ways, by the median device\n%s\n", strings.Join(lines, "\n"))
	}
}

// comparison says how much faster or slower the station is than another way.
func comparison(r, other *benchResult) string {
	x, word := float64(other.elapsed.p50)/float64(r.elapsed.p50), "faster"
	if x < 1 {
		x, word = 1/x, "SLOWER"
	}
	return fmt.Sprintf("%.1fx %s than %s", x, word, wayNames()[other.cell.method])
}

// circumstances is a cell without its method.
func circumstances(c benchCell) string {
	_, rest, _ := strings.Cut(c.String(), ", ")
	return rest
}

// benchMachine is what of this machine bounds the figures.
type benchMachine struct {
	cores    int
	sync     time.Duration // of one small write to the ledger's disk
	inMemory bool          // its folder is on no disk
	delay    time.Duration // of the bridge
}

// Where the machine and not the station is what is measured.
const (
	slowLines = 1.05 // simulated lines are slower than their baud rate by more
	busyCores = 0.75 // of all cores are used
)

// writeDoubts says what the figures do not tell.
func writeDoubts(b *strings.Builder, results []*benchResult, m benchMachine) {
	fmt.Fprint(b, "\nWhat this machine cannot tell\n")
	say := func(format string, args ...any) { fmt.Fprintf(b, "  - "+format+"\n", args...) }
	for _, r := range results {
		if why := r.saturated(m.cores); why != "" {
			say("%v: %s; the figures are the machine's, not the station's", r.cell, why)
		}
	}
	for _, r := range results {
		if r.cell.inMemory() {
			say("%v: lines in memory, since no more than %d ptys fit into one process; reading a port costs nothing there", r.cell, mostPtys)
		}
	}
	say("The devices' programs, the lines and the tenant's servers share this process and its %d cores with the station: CPU and MEMORY are of all "+
		"of them, and what part is the station's is not measured. At a bench the devices bring their own processors.", m.cores)
	if !peakPerCell {
		say("MEMORY is what the program had got by the end of the cell, earlier cells included: this system forgets no mark.")
	}
	if m.inMemory {
		say("The folder for the state lies in memory: a ledger on a disk is slower. Name one with --state-dir.")
	} else {
		say("A small synced write to the ledger's disk took %.1f ms here (median of %d); each run waits for several.", millis(m.sync), syncProbes)
	}
	say("Bridge and broker are reached without a network, and the bridge's answer is delayed by %v: see --bridge-delay.", m.delay)
	say("The lines are simulated: no UART, no USB, no driver. LINES is how much slower than their baud rate they were with so many at once.")
}

// saturated says what shows that the machine was the limit in a cell; empty: nothing.
func (r *benchResult) saturated(cores int) string {
	wall := r.used.wall.Seconds()
	own, others := r.used.cpu.Seconds()/wall, r.used.others.Seconds()/wall
	switch {
	case r.simulator > slowLines:
		return fmt.Sprintf("the simulated lines alone are %.2f times as slow as their baud rate", r.simulator)
	case own+others > busyCores*float64(cores):
		return fmt.Sprintf("%.1f of %d cores were in use, %.1f of them by other programs", own+others, cores, others)
	default:
		return ""
	}
}

// runs is how often the cell was run.
func (r *benchResult) runs() float64 { return float64(len(r.samples)) / float64(r.cell.devices) }

// machine says what of this machine bounds the figures.
func (r *benchRig) machine() benchMachine {
	dir := r.folder()
	return benchMachine{cores: runtime.GOMAXPROCS(0), sync: syncTime(dir), inMemory: inMemory(dir), delay: r.delay}
}
