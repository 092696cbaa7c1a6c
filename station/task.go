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

// AskAll asks the same of every device that is there and finished, and says of how many. One that is at work is left alone, and
// one whose certificate has ended, where that cannot be renewed.
func (b *Bench) AskAll(t Task) (int, error) {
	if !slices.Contains(Tasks(), t) {
		return 0, &Fault{Code: CodeInternal, Params: map[string]string{"detail": "no such task: " + printable(string(t))}}
	}
	b.mu.Lock()
	keepers := slices.Collect(maps.Values(b.keepers))
	b.mu.Unlock()
	n := 0
	for _, k := range keepers {
		if k.finishedFor(t) && k.ask(t) == nil {
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
	if k.busy() {
		return &Fault{Code: CodeSlotRunning, Params: map[string]string{"slot": k.slot}}
	}
	if k.last == nil {
		return &Fault{Code: CodeSlotEmpty, Params: map[string]string{"slot": k.slot}}
	}
	if e := k.ended; !Askable(e.Task, e.Outcome, e.Code) {
		return &Fault{Code: CodeRenewState, Params: map[string]string{
			"device_id": k.ended.DeviceID, "hardware_serial": k.ended.HardwareSerial, "detail": string(k.ended.Outcome),
		}}
	}
	k.task, k.again = t, true
	doze(k.line, 0)
	return nil
}

// finishedFor reports whether the device that is there was finished when it was last looked at, whenever that was done, and may
// come through what is asked.
func (k *keeper) finishedFor(t Task) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.busy() || k.last == nil {
		return false
	}
	return Finished(k.ended.Outcome, k.ended.Code) && (k.ended.Code != CodeCertExpired || t == TaskReenroll)
}

// Finished reports whether a run that ended so left its device finished, or found it so: one whose certificate has ended is, too.
func Finished(o Outcome, c Code) bool { return o.Good() || o == Installed || c == CodeCertExpired }

// Askable reports whether the device of a run for a task that ended so may be asked for a [Task]. It is finished; or it was to be
// renewed or rekeyed and was not, so that it is what it was before. One that was found to be another device, or not finished,
// is not: only a lead lets that go on.
func Askable(t Task, o Outcome, c Code) bool {
	return Finished(o, c) || (t == TaskRenew || t == TaskRekey) && o != Uncertain && c != CodeRenewState
}

// retried is what another try of a run is for: the same, unless the run has shown that it is not for this device.
func (e RunEnded) retried() Task {
	if e.Outcome.Good() || e.Outcome == Installed || e.Outcome == Uncertain || e.Code == CodeRenewState {
		return TaskProvision
	}
	return e.Task
}
