package main

import (
	"math"
	"slices"
	"time"
)

// percentile is the smallest value that at least p percent of all values do not exceed (nearest rank). Zero without values.
func percentile[T int | uint64 | float64 | time.Duration](values []T, p float64) T {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1]
}

// spread is how a time lies over the devices of a cell.
type spread struct{ p50, p95, max time.Duration }

func spreadOf(values []time.Duration) spread {
	return spread{percentile(values, 50), percentile(values, 95), percentile(values, 100)}
}

// millis is a duration in milliseconds, to the microsecond.
func millis(d time.Duration) float64 { return thousandths(float64(d) / 1e6) }

// thousandths rounds to three digits behind the point.
func thousandths(x float64) float64 { return math.Round(x*1e3) / 1e3 }

// ratio is a share to four digits behind the point; 0 where there is nothing to compare with.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return math.Round(a/b*1e4) / 1e4
}
