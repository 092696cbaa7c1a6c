package conform

import (
	"bytes"
	"crypto/sha256"

	"provstation/serialproto"
)

// mostSignatures is the largest limit that a case uses up.
const mostSignatures = 64

func signCases() []Case {
	const clause = "What the device signs"
	list := []Case{
		{ID: "sign-state", Text: "SIGN_TLS13 before INSTALL is answered with status 6", State: serialproto.StateKeyed, run: signState},
		{ID: "sign-tls13", Text: "SIGN_TLS13 signs 64 spaces, the client's context, 0x00 and the hash (RFC 8446 4.4.3), nothing else", run: signTLS13},
		{ID: "sign-tls13-sha384", Text: "a transcript hash of 48 bytes is signed by the same scheme", run: func(d *dut) { d.signs(d.random(48)) }},
		{ID: "sign-scheme", Text: "the scheme is fixed by the key: another one is answered with status 4", run: signScheme},
		{ID: "sign-hash", Text: "a transcript hash that is not 32 or 48 bytes is answered with status 4", run: signHash},
		{ID: "sign-count", Text: "each signature counts, and STATUS says how many are left, in another session too", run: signCount},
		{ID: "sign-once", Clause: "Reliability 8", Text: "a repeated request is answered by the same signature, and counts once", run: signOnce},
		{ID: "sign-limit", Text: "when none is left SIGN_TLS13 is answered with status 13, in another session too", run: signLimit},
	}
	for i := range list {
		if list[i].Clause == "" {
			list[i].Clause = clause
		}
		if list[i].State == serialproto.StateEmpty {
			list[i].State = serialproto.StateInstalled
		}
		list[i].Level, list[i].limit, list[i].Features = Must, keyPatience, serialproto.FeatureSignTLS13
	}
	return list
}

func (d *dut) signRequest(hash []byte) serialproto.SignTLS13Args {
	return serialproto.SignTLS13Args{Op: serialproto.OpSignTLS13, Hash: hash, Scheme: d.fx.alg.Scheme()}
}

// tls13Content is what a TLS 1.3 client signs for a transcript hash.
func tls13Content(hash []byte) []byte {
	return append(append(bytes.Repeat([]byte{0x20}, 64), "TLS 1.3, client CertificateVerify\x00"...), hash...)
}

// signs has a transcript hash signed and checks the signature.
func (d *dut) signs(hash []byte) []byte {
	var r serialproto.SignResult
	d.ok(d.signRequest(hash), &r)
	if !verify(d.fx.pub, tls13Content(hash), r.Signature) {
		d.fail("want a signature of RFC 8446 4.4.3 content by the device's key, got %s, which is %s", dump(r.Signature), d.whatOf(hash, r.Signature))
	}
	return r.Signature
}

// whatOf tells what a wrong signature is one of, for the people who have to find the mistake.
func (d *dut) whatOf(hash, sig []byte) string {
	server := bytes.Replace(tls13Content(hash), []byte("client"), []byte("server"), 1)
	sum := sha256.Sum256(tls13Content(hash))
	for _, x := range []struct {
		what string
		msg  []byte
	}{
		{"one of the hash itself", hash},
		{"one of the server's context", server},
		{"one without the zero byte", bytes.Replace(tls13Content(hash), []byte("Verify\x00"), []byte("Verify"), 1)},
		{"one of a digest that was hashed twice", sum[:]},
	} {
		if verify(d.fx.pub, x.msg, sig) {
			return x.what
		}
	}
	return "none over anything known"
}

func signState(d *dut) {
	d.refused("SIGN_TLS13 with nothing installed", d.signRequest(d.random(32)), serialproto.StatusWrongState)
}

func signTLS13(d *dut) {
	for _, hash := range [][]byte{d.random(32), make([]byte, 32), digest([]byte("transcript"))} {
		d.signs(hash)
	}
}

func signScheme(d *dut) {
	before := d.status().Signatures
	for _, scheme := range []uint16{0x0403, 0x0503, 0x0603, 0x0807, 0x0804, 0x0203, 0} {
		if scheme == d.fx.alg.Scheme() {
			continue
		}
		req := d.signRequest(d.random(32))
		req.Scheme = scheme
		d.refused("a scheme that is not the key's", req, serialproto.StatusBadArgument)
	}
	d.check(d.status().Signatures == before, "want refused requests not counted")
}

func signHash(d *dut) {
	for _, n := range []int{0, 20, 31, 33, 47, 49, 64, 130} {
		d.refused("a hash of another size", d.signRequest(make([]byte, n)), serialproto.StatusBadArgument)
	}
	d.refused("no hash", map[uint8]any{0: 6, 2: 0x0403}, serialproto.StatusBadArgument)
}

func signCount(d *dut) {
	left := d.status().Signatures
	d.check(left >= 2, "want signatures left for a new key (STATUS 15), got %d", left)
	d.signs(d.random(32))
	d.check(d.status().Signatures == left-1, "want one signature less than %d, got %d", left, d.status().Signatures)
	d.greet(nil)
	d.check(d.status().Signatures == left-1, "want the count kept in another session, got %d after %d", d.status().Signatures, left-1)
	d.remark("%d left before", left)
}

func signOnce(d *dut) {
	before := d.status().Signatures
	id, msg := d.nextID(), split(d.encode(d.signRequest(d.random(32))), int(d.welcome.MTU))
	first := d.exchange(id, msg)
	for range 3 {
		d.again(id, msg, len(msg)-1, first)
	}
	d.check(d.status().Signatures == before-1, "want one signature counted for one request, got %d after %d", d.status().Signatures, before)
}

func signLimit(d *dut) {
	left := d.status().Signatures
	if left > mostSignatures {
		d.skip("%d signatures are left: too many to use up", left)
	}
	for range left {
		d.signs(d.random(32))
	}
	for range 2 {
		d.refused("a signature beyond the limit", d.signRequest(d.random(32)), serialproto.StatusRefused)
		d.check(d.status().Signatures == 0, "want no signature left, got %d", d.status().Signatures)
		d.greet(nil)
	}
	d.remark("after %d", left)
	d.fx = fixture{} // this key signs no more
}
