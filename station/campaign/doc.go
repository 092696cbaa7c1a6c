// Package campaign is the fault campaign: thousands of runs of the real station on real agents, each under faults that are
// drawn from a seed, judged by an oracle that reads the devices' files, the ledger's tables and the CA's own list, and does
// not ask the station. It has tests alone; `make faults` runs them.
//
// A run of the campaign is one device under one plan: a list of faults, kind:n:k. Eight runs share a station and a ledger,
// so that a full disk or a station that is killed meets the others wherever they are. After the faults every device is
// plugged in again, on a good line, and has to come to its PASS. The table cover says where each fault of the project's list
// is suffered, here or in another test.
//
// Faults keep real time, patience does not: it counts what time this process had to run, and begins anew with progress. So a
// busy machine makes a campaign slow, and nothing else.
//
// A failure is printed with its command: make faults N=... SEED=... RUN=K draws the same plans again, and damages the same
// bytes, for that run and the seven that share its station. What the scheduler does is its own. A signal ends a campaign in
// order: worlds under way are finished, judged and told.
package campaign
