// Package prototest has what tests and virtual devices need around SP1: a serial line in memory that is as slow, late
// and unreliable as told (Pipe), the same around a pseudo terminal (Paced), and a peer that is one closure (Dial).
//
// All pacing is done by one Pacer with one timer for however many lines share it, and nothing runs while nothing is
// sent. Everything works inside a testing/synctest bubble.
//
// Out of scope: modem lines, parity and framing errors other than damaged bytes, XON/XOFF.
package prototest
