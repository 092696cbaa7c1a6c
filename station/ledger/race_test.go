//go:build race

package ledger

const (
	largeLedger = 10_000
	slower      = 10 // times, of what a time limit allows
	largeBatch  = 2_000
)
