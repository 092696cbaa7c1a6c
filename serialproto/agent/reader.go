package agent

// reader takes fields off a TLS message (RFC 5246 4). After the first field that does not fit, ok is false for good and
// every read gives nothing; so a parser reads on and asks once at the end.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if r.bad || n > len(r.b) {
		r.bad, r.b = true, nil
		return nil
	}
	out := r.b[:n:n]
	r.b = r.b[n:]
	return out
}

// number reads an unsigned integer of n bytes, big endian.
func (r *reader) number(n int) int {
	v := 0
	for _, b := range r.take(n) {
		v = v<<8 | int(b)
	}
	return v
}

// vector reads bytes with a length of n bytes before them.
func (r *reader) vector(n int) []byte { return r.take(r.number(n)) }

func (r *reader) empty() bool { return len(r.b) == 0 }

// done reports whether everything fitted and nothing is left over.
func (r *reader) done() bool { return !r.bad && r.empty() }

// message reads one handshake message of the given type (RFC 5246 7.4).
func (r *reader) message(kind byte) []byte {
	if r.number(1) != int(kind) {
		r.bad, r.b = true, nil
		return nil
	}
	return r.vector(3)
}

// peek gives the type of the next handshake message, or 0.
func (r *reader) peek() byte {
	if r.bad || len(r.b) == 0 {
		return 0
	}
	return r.b[0]
}
