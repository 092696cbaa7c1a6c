//go:build !race

package ledger

const (
	largeLedger = 100_000
	largeBatch  = 20_000
)
