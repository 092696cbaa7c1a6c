// Package link carries SP1 requests and responses over a byte stream that loses, damages and delays: request ids,
// windows, acknowledgements, retransmission, sessions, resets. The rules are specified in package serialproto; this
// package is both ends of them, the station's Host and the device's Device.
//
// The device never retransmits on its own: everything is driven by the host's timers, so a device needs no timer but
// those of ANNOUNCE, BUSY and the idle ACK.
//
// Each side has one reader goroutine and writes from one place. Nothing sleeps: all waiting ends with an event, a
// context or a timer, so everything here runs under testing/synctest.
//
// Out of scope: opening ports (package port), what the operations do (package agent), secrecy and authentication of
// the line.
package link
