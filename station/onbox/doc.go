// Package onbox is what a box does over a network of its own, beside serving a station: it tests the broker when a station
// asks for that (CHECK_MQTT), and renews its certificate at the tenant's CA. It is for the device side: the agent's program,
// and devices that stand for one.
//
// Out of scope: its WireGuard tunnel, which is the program's.
package onbox
