package station

import (
	"maps"
	"slices"
)

// Task is what a run is for, beyond what its device needs to pass.
type Task string

// Tasks.
const (
	TaskProvision Task = ""          // what the device needs: the ordinary run
	TaskRenew     Task = "renew"     // an enrolled device gets a new certificate for the key it has, from the CA
	TaskRekey     Task = "rekey"     // an enrolled device gets a new key and a certificate for it, from the CA
	TaskReenroll  Task = "re-enroll" // an enrolled device gets a new key, and all that a fresh one gets, from the bridge
)

// Tasks lists every task that a person can ask for.
func Tasks() []Task { return []Task{TaskRenew, TaskRekey, TaskReenroll} }

// Ask has the device in the slot worked on once more, for what a person wants of it. Where the bench is held the device waits
// like any other.
func (b *Bench) Ask(slot string, t Task) error {
	if !slices.Contains(Tasks(), t) {
		return &Fault{Code: CodeInternal, Params: map[string]string{"detail": "no such task: " + printable(string(t))}}
	}
	k, err := b.keeper(slot)
	if err != nil {
		return err
	}
	return k.ask(t)
}

// AskAll asks the same of every device that is there and finished, and says of how many. One that is at work is left alone.
func (b *Bench) AskAll(t Task) (int, error) {
	if !slices.Contains(Tasks(), t) {
		return 0, &Fault{Code: CodeInternal, Params: map[string]string{"detail": "no such task: " + printable(string(t))}}
	}
	b.mu.Lock()
	keepers := slices.Collect(maps.Values(b.keepers))
	b.mu.Unlock()
	n := 0
	for _, k := range keepers {
		if k.finishedWell() && k.ask(t) == nil {
			n++
		}
	}
	if n == 0 {
		return 0, &Fault{Code: CodeSlotIdle, Params: map[string]string{"slot": b.words("slots.all")}}
	}
	return n, nil
}

func (k *keeper) ask(t Task) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.cancelRun != nil {
		return &Fault{Code: CodeSlotRunning, Params: map[string]string{"slot": k.slot}}
	}
	if k.last == nil {
		return &Fault{Code: CodeSlotEmpty, Params: map[string]string{"slot": k.slot}}
	}
	k.task, k.again = t, true
	return nil
}

// finishedWell reports whether the device that is there was finished when it was last looked at, whenever that was done.
func (k *keeper) finishedWell() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.cancelRun == nil && k.last != nil && (k.ended.Outcome.Good() || k.ended.Outcome == Installed || k.ended.Code == CodeCertExpired)
}
