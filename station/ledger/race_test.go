//go:build race

package ledger

const (
	largeLedger = 10_000
	largeBatch  = 2_000
)
