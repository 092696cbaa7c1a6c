// Package ledger is the bench's durable memory, on SQLite or PostgreSQL: every run and its phases, every device, key, POST,
// certificate and proof, every batch and its list, every override and printed label. It implements [station.Ledger] and
// [station.Batches], answers the questions of screens and commands, and exports what they choose.
//
// A method that returns nil has made its facts durable: the write-ahead log is synced to the disk before it returns.
// Writes go through one goroutine, which commits what waits at the same time together (one sync for all of them);
// readers run beside it. Two processes may share a file, and many stations a database on a server; a write then waits for
// the other one, ten seconds by default.
//
// On PostgreSQL a write begins with an advisory lock of the ledger, so that stations write one after the other. A server
// that is lost is ErrUnreachable, and the next call looks for it again; only where the connection broke after the commit
// was sent nobody knows whether the record is on file ([ErrInDoubt]): the same call again settles it. Queries are the same
// on both databases; what differs is in the dialects.
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
