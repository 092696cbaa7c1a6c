// Package station is the workflow of a provisioning bench: it takes what appears on a serial port through the phases
// of a run and says how it ended.
//
// Data flows one way. A [PortChange] reaches the [Bench], which gives it a slot and starts a run: one goroutine, its
// phases in order. A run talks to the outside only through the small interfaces this package declares ([Connector],
// [Device], [Bridge], [Ledger], [Broker]); what it does leaves it as an [Event], written to the ledger first and shown
// after. A screen sends intents ([Bench.Retry], [Bench.Abort]) and never touches a run.
//
// Out of scope: bytes on the wire (serialproto), HTTP (station/bridge), SQL (station/ledger), anything that draws.
package station
