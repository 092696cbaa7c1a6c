// Package campaign is the fault campaign: thousands of runs of the real station on real agents, each under faults that are
// drawn from a seed, judged by an oracle that reads the devices' files, the ledger's tables and the CA's own list, and does
// not ask the station. It has tests alone; `make faults` runs them.
//
// A run of the campaign is one device under one plan: a list of faults, kind:n:k. Eight runs share a station and a ledger,
// so that a full disk or a station that is killed meets the others wherever they are. After the faults every device is
// plugged in again, on a good line, and has to come to its PASS.
package campaign
