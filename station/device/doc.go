// Package device adapts the wire (serialproto/link over serialproto/port) to what a run needs: it is a [station.Connector],
// a [station.Watcher], and a [station.Line] for each open port. It translates errors, once, into faults with a code, and
// lends the device's key to crypto/tls as a crypto.MessageSigner.
//
// Out of scope: what a run does with a device, and how bytes travel.
package device
