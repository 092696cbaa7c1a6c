// Package agent is the device side of the provisioning protocol: it answers the requests of a station over a serial line,
// makes keys, takes certificates, signs TLS handshakes for the broker test and seals the device.
//
// The private key never leaves the KeyStore. What the agent signs is a closed list, and the first bytes of the formats
// keep them apart, so that no signature of one kind can be passed off as another:
//
//	PKCS#10 CSR (RFC 2986)                                first byte 0x30   built by the agent
//	TLS 1.3 client CertificateVerify (RFC 8446 4.4.3)     0x20 x 64         built by the agent around a transcript hash
//	TLS 1.2 client CertificateVerify (RFC 5246 7.4.8)     first byte 0x01   whole transcript, checked message by message
//	JWS renewal token (RFC 7515)                          "eyJ"             built by the agent; https audience ends in /renew
//
// The signature scheme follows from the key alone. In TLS 1.3 the agent cannot see for whom it signs, so it does so only
// before the device is sealed or under an unlock for it: whoever holds one such signature made for a CA's rekey endpoint holds a certificate for
// a key of their own. In TLS 1.2 the agent sees the server, so it signs after sealing as well. Signatures are counted
// per key generation, and the count is stored before a signature is given out.
//
// Once sealed, a device takes no new key, no other unlock keys and no erasure but under an unlock: a signature over its own
// challenge by a key that was pinned before. Tokens and renewed certificates for the key it has are free; a renewal changes
// the leaf and nothing else.
//
// Everything is durable before it is answered. A generation is a key pair, its CSR and what was installed for it. A new
// generation is built beside the active one and takes its place by a single switch when the device is sealed.
//
// Out of scope: framing and retransmission (package link), and the tty (the agent's command).
package agent
