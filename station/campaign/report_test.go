package campaign_test

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// report prints what was done and what came of it.
func (c *campaign) report(began time.Time) {
	total := 0
	for _, k := range kinds {
		total += c.tallies.hits.of(k.name)
	}
	took, worlds := time.Since(began), (len(c.judged)+together-1)/together
	c.t.Logf("seed %d: %d runs, %d station runs, %d faults of %d kinds, %v", c.s.seed, len(c.judged), c.tallies.counted.of("station runs"), total, len(kinds), took.Round(time.Second))
	c.t.Logf("faults: %s", c.tallies.hits)
	c.t.Logf("places: %s", c.tallies.points)
	c.t.Logf("ends: %s", c.tallies.ends)
	c.t.Logf("counted: %s", c.tallies.counted)
	n, bad := c.tallies.counted.of, c.count
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range []struct {
		text  string
		looks int // at so many
		bad   int
	}{
		{"false PASS, of PASS rows held against files, broker and proofs", n("PASS rows held against files"), bad("FALSE PASS")},
		{"lost records, of writes that were acknowledged", n("writes found again"), bad("LOST RECORD")},
		{"rows that the hash chain does not cover as they are", n("rows held against the hash chain"), bad("CHAIN")},
		{"certificates of the CA's list neither on file nor possibly issued", n("certificates in the CA's list"), bad("UNKNOWN CERTIFICATE")},
		{"enrollment ids with a second key, of those on devices", n("enrollment ids on devices, each with one key"), bad("SECOND KEY")},
		{"devices not recovered by plugging them in again", n("recovered") + n("recovered by the second plug-in") + n("twins held") + bad("NOT RECOVERED"), bad("NOT RECOVERED")},
		{"runs without an end", c.tallies.counted.of("station runs"), bad("HANG")},
		{"other violations", worlds, len(c.bad) - bad("FALSE PASS", "LOST RECORD", "CHAIN", "UNKNOWN CERTIFICATE", "SECOND KEY", "NOT RECOVERED", "HANG")},
	} {
		fmt.Fprintf(w, "%d\tof %d\t%s\n", row.bad, row.looks, row.text)
	}
	onFile := n("certificates in the CA's list") - n("certificates behind a possibly-issued row") - bad("UNKNOWN CERTIFICATE")
	fmt.Fprintf(w, "%d\t\tcertificates of the CA's list matched by a serial in the ledger\n", onFile)
	fmt.Fprintf(w, "%d\t\tcertificates of the CA's list matched by one open possibly-issued row each\n", n("certificates behind a possibly-issued row"))
	fmt.Fprintf(w, "%d\tof %d\truns judged\n", len(c.judged), c.s.n)
	_ = w.Flush()
	c.t.Logf("closing table, seed %d:\n%s", c.s.seed, b.String())
}

// count is how many violations are of these sorts.
func (c *campaign) count(sorts ...string) (n int) {
	for _, v := range c.bad {
		if slices.ContainsFunc(sorts, func(s string) bool { return strings.HasPrefix(v.text, s) }) {
			n++
		}
	}
	return n
}
