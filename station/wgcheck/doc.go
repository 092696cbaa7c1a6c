// Package wgcheck sees whether a device's WireGuard tunnel works, by the handshake, in three ways. The device may bring up
// its tunnel and tell what came of it ([Device]); the server's interface may be watched for the device's key ([Server]); or
// a packet may be sent through a tunnel of the station's own ([Ping]).
//
// A handshake proves both keys: WireGuard finishes one only between the holders of the two private keys that each side names
// in its configuration (whitepaper, section 5.4). What it does not tell is why there is none: a server that does not know a
// key, is known by another one, or has seen a later timestamp is silent, whatever comes. So each way looks at what surrounds
// the handshake, counters, keys and addresses, and says in [Error] which step failed and what that leaves.
//
// Secrets: what a server's interface tells includes its private key. It is used for the public half and dropped at once; no
// type here can hold one.
//
// Out of scope: bringing an interface up, reading wg0.conf, routes, name servers.
package wgcheck
