package serialproto

import "strconv"

func name(v uint8, names []string) string {
	if int(v) < len(names) && names[v] != "" {
		return names[v]
	}
	return "unknown(" + strconv.Itoa(int(v)) + ")"
}

// String names the direction.
func (d Dir) String() string { return name(uint8(d), []string{"host-to-device", "device-to-host"}) }

// String names the kind.
func (k Kind) String() string {
	return name(uint8(k), []string{
		"", "HELLO", "WELCOME", "ANNOUNCE", "REQ", "RSP", "ACK", "BUSY", "CANCEL", "LOG", "BYE", "AHEAD",
	})
}

// String names the operation.
func (o Op) String() string {
	return name(uint8(o), []string{
		"", "STATUS", "ENROLL", "INSTALL", "PUT", "COMMIT", "SIGN_TLS13", "LOCK", "REBOOT", "ABORT", "BAUD", "CLOCK",
		"SIGN_TLS12", "READ", "", "", "UNLOCK", "ERASE", "TOKEN", "RENEW", "RENEW_SET", "CHECK_MQTT", "CHECK_WG", "PACKED",
	})
}

// String names the status.
func (s Status) String() string {
	return name(uint8(s), []string{
		"ok", "internal error", "bad version", "unknown operation", "bad argument", "too large", "wrong state", "locked",
		"busy", "hash mismatch", "certificate does not match key", "no space", "crypto failure", "refused by policy",
		"bad offset", "random generator not ready",
	})
}

// Passing reports whether the same request may succeed when asked again later.
func (s Status) Passing() bool { return s == StatusBusy || s == StatusRNGNotReady }

// String names the state.
func (s State) String() string {
	return name(uint8(s), []string{"empty", "keyed", "installed", "sealed", "foreign"})
}

// String names the algorithm.
func (a Alg) String() string { return name(uint8(a), []string{"", "P-256", "P-384", "Ed25519"}) }

// Scheme is the TLS SignatureScheme (RFC 8446 4.2.3) that the key fixes, 0 for an unknown algorithm.
func (a Alg) Scheme() uint16 {
	switch a {
	case AlgP256:
		return 0x0403
	case AlgP384:
		return 0x0503
	case AlgEd25519:
		return 0x0807
	}
	return 0
}

// String names the key store.
func (k KeyStore) String() string {
	return name(uint8(k), []string{"", "secure-element", "tee", "flash"})
}

// String names the object.
func (o Obj) String() string {
	return name(uint8(o), []string{"", "leaf", "chain", "anchors", "wg0.conf", "unlock pins"})
}

// String names the policy.
func (r Reenroll) String() string { return name(uint8(r), []string{"", "never", "unlock", "open"}) }

// String names the purpose.
func (p Purpose) String() string {
	return name(uint8(p), []string{"", "rekey", "erase", "tls13-proof", "re-enroll"})
}
