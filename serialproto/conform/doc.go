// Package conform is the conformance suite of SP1: it plays the station against one device, frame by frame, and says of each
// promise of package serialproto's comment whether the device keeps it. It is for firmware teams, whose device may be in any
// language behind any byte stream; the Go and the C device of this project pass through the same cases.
//
// A suite makes keys and certificates of its own and throws them away, so a device loses what it had begun; a device that is
// sealed is left alone. Cases that seal it are run only when asked for, since not every sealed device can be opened again.
//
// The host's side is written anew here rather than taken from package link, so that a mistake of one is seen by the other.
// Only the cases of whole enrollments on bad lines use link, which is what a station does.
//
// Out of scope: electrical levels, what a reset does to storage beyond REBOOT, resistance against being opened, speed.
package conform
