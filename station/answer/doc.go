// Package answer reads what a server said, for every adapter that asks one: as JSON, strictly, and as text that is fit for
// people, terminals and records.
//
// Whoever uses it has bounded the answer before. Out of scope: connections, statuses, and what an answer means.
package answer
