//go:build !race

package ledger

const (
	largeLedger = 100_000
	slower      = 1 // times, of what a time limit allows
	largeBatch  = 20_000
)
