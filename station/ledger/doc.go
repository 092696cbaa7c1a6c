// Package ledger is the bench's durable memory on SQLite: every run and its phases, every device, key, POST,
// certificate and proof, every batch and its list, every override and printed label. It implements [station.Ledger] and
// [station.Batches], answers the questions of screens and commands, and exports what they choose.
//
// A method that returns nil has made its facts durable: the write-ahead log is synced to the disk before it returns.
// Writes go through one goroutine, which commits what waits at the same time together (one sync for all of them);
// readers run beside it. Two processes may share a file; a write then waits for the other one, ten seconds by default.
//
// A run may repeat a call: the same facts again give nil, other facts under the same id give an error and change
// nothing. What must be unique (device id per hardware, key per device, tunnel address per device) is a constraint of
// the database, not only of this code.
//
// The package keeps no secret. A wg0.conf with a private or preshared key is refused with [ErrSecret]; a private key
// that turns up in free text (a device's console, an error's parameters) is replaced before it is stored.
//
// Once a station's chain was begun (StartAudit), every write appends to it what it wrote, in its own transaction; see
// package audit. The chain is fed by the statements themselves: one that it cannot follow is refused. Verify holds chain,
// signed heads and tables against each other.
//
// Out of scope: deciding anything about a run, revocation at the CA.
package ledger
