// Package devstack is a tenant stack in a box, for the demo, for training and for tests: an IoT Bridge API in either
// contract, a three-tier PKI (Provider Root, Provider ICA, Tenant Sub-CA) whose Sub-CA signs either built in or in a real
// step-ca process, an MQTT broker that trusts only the root, and virtual devices, which are the real agent on ptys whose
// line is paced to a baud rate.
//
// It behaves as the recorded system does, its traps included: the leaf alone and a ca_chain of one certificate, errors as
// {"detail": ...}, a wg0.conf with a placeholder, 24 hours of validity.
//
// Beside them stand the parts of ThingsBoard's and hawkBit's REST APIs that a station asks: ThingsBoard lists a device with
// its first connection to the broker, hawkBit with its enrollment, and both can be in trouble ([ServiceFault]).
//
// The built-in Sub-CA has as much of step-ca's API as stations, devices and the step CLI use: roots, renew, rekey, revoke,
// provisioners and, on demand ([Config.CRL]), a list of revoked certificates, by which the broker then goes. It is held against
// the real program by one table of scenarios; what it issued, revoked and let in by token is in one file. Its provisioner's
// password ([Stack.Provisioner]) is in another, whichever the signer.
//
// A line ([Config.Line]) is somebody at the bench: a batch of more boxes than there are places goes through them, each box
// with its own state and hardware serial, each place with one port path for good. Some boxes can be in trouble (a wrong
// label, a cloned key, a clock in 1970), and the bridge can be dead for a while. The line sees no station: who wires it
// tells it how runs began and ended.
//
// Everything listens on the loopback interface. It is not a CA to trust: its keys lie in its state directory.
package devstack
