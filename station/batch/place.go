package batch

import (
	"math"
	"strings"

	"provstation/station"
)

// A slot is suspect when chance alone would give it so many of the failures with a probability under significance, over
// all slots together: with 64 slots that are all alike a test of each at 1 % would accuse one every other batch. Fewer
// failures than minFailures accuse nobody.
const (
	significance = 0.01
	minFailures  = 4
)

// suspect makes Fisher's exact test, one-sided, of a slot against all others, with Bonferroni's correction for as many
// tests as there are slots.
func suspect(slot, others slotCount, slots int) bool {
	if slot.failed < minFailures || others.runs == 0 {
		return false
	}
	if slot.failed*others.runs <= others.failed*slot.runs { // no worse than the others
		return false
	}
	return fisher(slot, others)*float64(slots) < significance
}

// fisher is the probability that at least so many of the failures fall on the slot by chance: the upper tail of the
// hypergeometric distribution. The slot must not be better than the others: its terms fall from there on.
func fisher(slot, others slotCount) float64 {
	n, k, failed := slot.runs, slot.failed, slot.failed+others.failed
	all := n + others.runs
	term := math.Exp(choose(failed, k) + choose(all-failed, n-k) - choose(all, n))
	sum := term
	for i := k; i < min(n, failed); i++ {
		term *= float64(failed-i) * float64(n-i) / (float64(i+1) * float64(all-failed-n+i+1))
		if sum += term; term < sum*1e-12 {
			break
		}
	}
	return min(sum, 1)
}

// choose is the logarithm of the binomial coefficient.
func choose(n, k int) float64 {
	lg := func(x int) float64 { v, _ := math.Lgamma(float64(x + 1)); return v }
	return lg(n) - lg(k) - lg(n-k)
}

// notOfPlace are beginnings of codes that say nothing of a slot: what the whole station shares failed, or a person
// decided, or the paper that came with the device was wrong.
var notOfPlace = []string{ //nolint:gochecknoglobals // never written
	"E-BRIDGE-", "E-BROKER-", "E-TENANT-", "E-REGISTER-", "E-CERT-", "E-WG-", "E-TRUST-", "E-LEDGER", "E-CLOCK-STATION", "E-ABORTED", "E-INTERNAL",
	"E-SCAN-", "E-BATCH-", "E-BADGE-", "E-NAME-", "E-OVERRIDE-", "E-LABEL-", "E-SLOT-", "I-", "W-",
}

// ofPlace reports whether the failure may be the slot's. A deadline counts where only the device and its cable work; while
// bridge and broker are asked it is theirs.
func ofPlace(b station.RunEnded) bool {
	switch {
	case b.Outcome == station.Aborted, b.Outcome == station.Installed, b.Code == "":
		return false
	case b.Code == station.CodeDeadline:
		switch b.Phase {
		case station.PhaseEnroll, station.PhaseVerify, station.PhaseMQTT, station.PhaseWireGuard, station.PhaseRegister,
			station.PhaseRecord, station.PhaseAssign:
			return false
		}
		return true
	}
	for _, p := range notOfPlace {
		if strings.HasPrefix(string(b.Code), p) {
			return false
		}
	}
	return true
}
