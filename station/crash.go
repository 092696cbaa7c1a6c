package station

// point is a named place at which the station may die. A build with the tag crashpoints kills its own process at the one
// that PROVSTATION_CRASH_AT names; any other build has nothing there.
type point string

// Places between a record and what it is about. Every phase has one more, after its end is on record.
const (
	pointInterrupted   point = "start.interrupted" // runs that were cut are ended, nothing else has begun
	pointBegun         point = "run.begun"
	pointGreeted       point = "identify.greeted" // the device is known, the ledger has not heard of it
	pointObserved      point = "identify.observed"
	pointReconciled    point = "identify.reconciled" // what was cut is settled
	pointBound         point = "assign.bound"
	pointClockIntent   point = "set-clock.intended"
	pointClockDone     point = "set-clock.done" // done on the device, its result is not on record: so with the ones below
	pointKeyIntent     point = "make-key.intended"
	pointKeyDone       point = "make-key.done"
	pointKeyBound      point = "csr.bound"
	pointPostIntent    point = "enroll.intended"
	pointPostAnswered  point = "enroll.answered" // a certificate exists that the ledger does not know
	pointPostJournaled point = "enroll.journaled"
	pointPostClosed    point = "enroll.closed" // nothing was issued, and the ledger knows
	pointOnFile        point = "enroll.on-file"
	pointJudged        point = "verify.saved"
	pointRefusing      point = "verify.refusing" // found bad, not on record
	pointRefused       point = "verify.refused"
	pointHeldSaved     point = "verify.held"
	pointInstallIntent point = "install.intended"
	pointInstallDone   point = "install.done"
	pointProven        point = "mqtt.proven" // the broker has it, the ledger has not
	pointSealIntent    point = "seal.intended"
	pointSealDone      point = "seal.done"
	pointSealAdopted   point = "seal.adopted"
	pointAbandonIntent point = "abandon.intended"
	pointAbandonDone   point = "abandon.done"
	pointAbandoned     point = "abandon.recorded"
	pointFinishing     point = "record.begun"
	pointFinished      point = "record.done" // on record, told to nobody
	pointGoodbye       point = "record.goodbye"
)

// Places in the life of a request that waits for a network: collected without one, and relayed later.
const (
	pointQueued  point = "collect.queued"
	pointClaimed point = "relay.claimed" // this relay has it in hand, nothing was asked yet
	pointRelayed point = "relay.judged"  // what came of it is known, and the queue has not heard of it
	pointSettled point = "relay.settled"
)

// pointOf is the place after a phase's end is on record.
func pointOf(p Phase) point { return point(p) + ".recorded" }

// QueuePoints names every place in the life of a request in the queue: its own, and those of enroll and verify that a relay
// passes, too.
func QueuePoints() []string {
	list := []point{
		pointQueued, pointClaimed, pointPostIntent, pointPostAnswered, pointPostJournaled, pointJudged, pointRelayed, pointSettled,
	}
	names := make([]string, len(list))
	for i, p := range list {
		names[i] = string(p)
	}
	return names
}

// CrashPoints names every place in a run, for the test that kills the station at each.
func CrashPoints() []string {
	list := []point{
		pointInterrupted, pointBegun, pointGreeted, pointObserved, pointReconciled, pointBound, pointClockIntent,
		pointClockDone, pointKeyIntent, pointKeyDone, pointKeyBound, pointPostIntent, pointPostAnswered, pointPostJournaled,
		pointPostClosed, pointOnFile, pointJudged, pointRefusing, pointRefused, pointHeldSaved, pointInstallIntent,
		pointInstallDone, pointProven, pointSealIntent, pointSealDone, pointSealAdopted, pointAbandonIntent,
		pointAbandonDone, pointAbandoned, pointFinishing, pointFinished, pointGoodbye,
	}
	for _, p := range Phases() {
		if p != PhaseRecord && !p.Rare() {
			list = append(list, pointOf(p))
		}
	}
	names := make([]string, len(list))
	for i, p := range list {
		names[i] = string(p)
	}
	return names
}

// CrashPoint is a named place of a package beside this one at which the station may die, as at its own.
func CrashPoint(name string) { crash(point(name)) }
