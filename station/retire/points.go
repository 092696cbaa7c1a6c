package retire

import "provstation/station"

// Places at which a build with the tag crashpoints kills its own process, see [station.CrashPoint].
const (
	pointRevokeBegun    = "revoke.begun"    // on record, the CA was not asked
	pointRevokeAnswered = "revoke.answered" // revoked, not on record
	pointRevokeRecorded = "revoke.recorded"
	pointRetireBegun    = "retire.begun"
	pointRetireOver     = "retire.over" // every step is over, the end is not on record
	pointRetireEnded    = "retire.ended"
)

// Places in a step, behind its name.
const (
	begun    = ".begun"    // on record, nothing was done
	acted    = ".acted"    // done, not on record
	recorded = ".recorded" // done and on record
)

func pointOf(step station.RetirementStepName, at string) string { return "retire." + string(step) + at }

// CrashPoints names every place in a decommissioning, in order, for the test that kills the station at each.
func CrashPoints() []string {
	list := []string{pointRetireBegun}
	for _, s := range station.RetirementSteps() {
		list = append(list, pointOf(s, begun))
		if s == station.StepRevoke {
			list = append(list, pointRevokeBegun, pointRevokeAnswered, pointRevokeRecorded)
		}
		list = append(list, pointOf(s, acted), pointOf(s, recorded))
	}
	return append(list, pointRetireOver, pointRetireEnded)
}
