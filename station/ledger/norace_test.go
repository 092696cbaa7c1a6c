//go:build !race

package ledger

const largeLedger = 100_000
