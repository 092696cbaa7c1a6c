package station

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
