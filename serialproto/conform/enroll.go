package conform

import (
	"bytes"
	"time"

	"provstation/serialproto"
)

func enrollCases() []Case {
	const clause = "Messages"
	list := []Case{
		{ID: "enroll", Text: "ENROLL makes a key and its CSR: self-signed, common name and the one subjectAltName are the device id", run: enrollCase},
		{ID: "enroll-again", Text: "the same enroll id gives the same key and CSR, in the same session and in another", run: enrollAgain},
		{ID: "enroll-session-loss", Text: "a host that loses the session in the middle of ENROLL asks again and finds one key", run: enrollLoss},
		{ID: "enroll-other-arguments", Text: "an enroll id that was used stands for its arguments: another device id or algorithm is refused", run: enrollOther},
		{ID: "enroll-retired", Text: "an enroll id whose key is gone never gives a second key", run: enrollRetired},
		{ID: "enroll-fresh", Text: "each enroll id has a key of its own", run: enrollFresh},
		{ID: "enroll-status", Text: "STATUS and WELCOME name the new key: state 1, digests of SPKI and CSR, ids, algorithm, generation", State: serialproto.StateKeyed, run: enrollStatus},
		{ID: "enroll-p384", Text: "P-384, where the device makes such keys", run: func(d *dut) { d.algorithm(serialproto.AlgP384) }},
		{ID: "enroll-ed25519", Text: "Ed25519, where the device makes such keys", run: func(d *dut) { d.algorithm(serialproto.AlgEd25519) }},
		{ID: "enroll-wireguard", Text: "a WireGuard key is made where it is asked for and only there, and stays with its enroll id", Features: serialproto.FeatureWireGuard, run: enrollWireGuard},
		{ID: "enroll-keep", Clause: "Keep the tunnel", Text: "ENROLL cannot keep a tunnel where none is: status 6", Features: serialproto.FeatureKeepWG, run: enrollKeep},
	}
	for i := range list {
		if list[i].Level, list[i].limit = Must, keyPatience; list[i].Clause == "" {
			list[i].Clause = clause
		}
	}
	return list
}

func enrollCase(d *dut) {
	r, a := d.enroll(d.newEnroll())
	d.check(!r.Existing, "want a new key, got one that existed already")
	d.check(r.KeyStore >= serialproto.KeyStoreSE && r.KeyStore <= serialproto.KeyStoreFlash, "want a key store of 1 to 3, got %d", r.KeyStore)
	d.check(r.Generation >= 1, "want a generation of 1 or more, got %d", r.Generation)
	d.remark("in %v, key store %v, CSR of %d bytes", a.took.Round(time.Millisecond), r.KeyStore, len(r.CSR))
}

func enrollAgain(d *dut) {
	args := d.newEnroll()
	first, _ := d.enroll(args)
	for range 2 {
		var again serialproto.EnrollResult
		d.ok(args, &again)
		d.check(bytes.Equal(again.CSR, first.CSR), "want the same CSR under the same enroll id, got another one")
		d.check(again.Existing, "want a key that existed already to say so (5), got none")
		d.check(again.Generation == first.Generation && bytes.Equal(again.WireGuard, first.WireGuard), "want the same generation and WireGuard key again")
		d.greet(nil)
	}
}

func enrollLoss(d *dut) {
	args := d.newEnroll()
	parts := split(d.encode(args), int(d.welcome.MTU))
	for i := range parts {
		d.sayAll(1, parts, i)
	}
	d.greet(nil) // the handler, if it runs, is told to stop and waited for
	var first, again serialproto.EnrollResult
	d.ok(args, &first)
	d.enrolled(args, first)
	d.greet(nil)
	d.ok(args, &again)
	d.check(bytes.Equal(again.CSR, first.CSR), "want one key for one enroll id over three sessions, got two")
}

func enrollOther(d *dut) {
	args := d.newEnroll()
	first, _ := d.enroll(args)
	other, alg := args, args
	other.DeviceID += "x"
	alg.Alg = serialproto.AlgP384
	for _, x := range []any{other, alg} {
		h, _ := d.ask(x, nil)
		d.check(h.Status != serialproto.StatusOK, "want an enroll id refused with other arguments than it was used with, got ok")
	}
	var again serialproto.EnrollResult
	d.ok(args, &again)
	d.check(bytes.Equal(again.CSR, first.CSR), "want the key as it was, got another one")
}

func enrollRetired(d *dut) {
	args := d.newEnroll()
	first, _ := d.enroll(args)
	never := func(after string) {
		var r serialproto.EnrollResult
		if h, _ := d.ask(args, &r); h.Status == serialproto.StatusOK && !bytes.Equal(r.CSR, first.CSR) {
			d.fail("want the old key or a refusal for an enroll id used before %s, got a second key", after)
		}
	}
	d.ok(serialproto.AbortArgs{Op: serialproto.OpAbort, EnrollID: args.EnrollID}, nil)
	never("ABORT")
	d.fx = fixture{}
	d.reach(serialproto.StateEmpty)
	d.enroll(d.newEnroll())
	never("another enrollment")
	d.fx = fixture{}
}

func enrollFresh(d *dut) {
	seen := map[string]bool{}
	for range 3 {
		d.reach(serialproto.StateEmpty)
		d.enroll(d.newEnroll())
		d.check(!seen[string(d.fx.spki)], "want a new key under a new enroll id, got one of before")
		seen[string(d.fx.spki)] = true
	}
}

func enrollStatus(d *dut) {
	w, st := d.greet(nil), d.status()
	d.check(st.State == serialproto.StateKeyed && w.State == serialproto.StateKeyed, "want state 1 keyed in STATUS and WELCOME, got %d and %d", st.State, w.State)
	d.check(bytes.Equal(st.SPKI, digest(d.fx.spki)), "want SHA-256 of the SubjectPublicKeyInfo, %x, got %s", digest(d.fx.spki), dump(st.SPKI))
	d.check(bytes.Equal(st.CSR, digest(d.fx.csr)), "want SHA-256 of the CSR, got %s", dump(st.CSR))
	d.check(bytes.Equal(w.SPKI, digest(d.fx.spki)[:16]), "want the first 16 of that in WELCOME, got %s", dump(w.SPKI))
	d.check(bytes.Equal(st.EnrollID, d.fx.enrollID) && st.DeviceID == d.fx.deviceID, "want enroll id and device id, got %s and %q", dump(st.EnrollID), st.DeviceID)
	d.check(st.Alg == d.fx.alg && st.Generation >= 1, "want algorithm and generation, got %v and %d", st.Alg, st.Generation)
	d.check(bytes.Equal(st.WireGuard, d.fx.wg), "want the WireGuard key of ENROLL, got %s", dump(st.WireGuard))
	d.check(len(st.Leaf)+len(st.Objects) == 0 && st.Active == 0, "want nothing installed and no generation in use, got %d objects, active %d", len(st.Objects), st.Active)
}

// algorithm enrolls with a key of another algorithm, if the device makes such, and has it sign.
func (d *dut) algorithm(alg serialproto.Alg) {
	args := d.newEnroll()
	args.Alg = alg
	var r serialproto.EnrollResult
	h, _ := d.ask(args, &r)
	switch h.Status {
	case serialproto.StatusOK:
	case serialproto.StatusBadArgument, serialproto.StatusCrypto, serialproto.StatusRefused:
		d.skip("the device makes no %v keys: %s", alg, statusWords(h))
	default:
		d.fail("ENROLL for %v: want ok, or status 4, 12 or 13, got %s", alg, statusWords(h))
	}
	d.enrolled(args, r)
	if d.features&serialproto.FeatureSignTLS13 != 0 {
		d.install(nil)
		d.signs(d.random(32))
	}
}

func enrollWireGuard(d *dut) {
	args := d.newEnroll()
	args.WireGuard = false
	r, _ := d.enroll(args)
	d.check(len(r.WireGuard) == 0, "want no WireGuard key where none was asked for, got %s", dump(r.WireGuard))
	d.reach(serialproto.StateEmpty)
	args = d.newEnroll()
	first, _ := d.enroll(args)
	var again serialproto.EnrollResult
	d.ok(args, &again)
	d.check(bytes.Equal(again.WireGuard, first.WireGuard), "want the same WireGuard key under the same enroll id, got another one")
}

func enrollKeep(d *dut) {
	args := d.newEnroll()
	args.WireGuard, args.KeepTunnel = false, true
	d.refused("ENROLL that keeps a tunnel on an empty device", args, serialproto.StatusWrongState)
}

func abortCases() []Case {
	const clause = "Messages"
	return []Case{
		{
			ID: "abort", Clause: clause, Level: Must, limit: keyPatience, State: serialproto.StateKeyed, run: abortCase,
			Text: "ABORT drops what was begun, by its enroll id or without one, and may be asked again",
		},
		{
			ID: "abort-other", Clause: clause, Level: Must, limit: keyPatience, State: serialproto.StateKeyed, run: abortOther,
			Text: "ABORT of another enroll id drops nothing",
		},
	}
}

func abortCase(d *dut) {
	args := serialproto.AbortArgs{Op: serialproto.OpAbort, EnrollID: d.fx.enrollID}
	d.ok(args, nil)
	d.fx = fixture{known: true}
	st := d.status()
	d.check(st.State == serialproto.StateEmpty && len(st.SPKI) == 0, "want an empty device after ABORT, got state %v", st.State)
	h, _ := d.ask(args, nil)
	d.check(h.Status == serialproto.StatusOK, "want ABORT of what is gone to be ok: its answer may have been lost; got %s", statusWords(h))
	d.reach(serialproto.StateKeyed)
	d.empty()
}

func abortOther(d *dut) {
	d.ask(serialproto.AbortArgs{Op: serialproto.OpAbort, EnrollID: d.newEnroll().EnrollID}, nil) // status 6, or nothing to do
	st := d.status()
	d.check(bytes.Equal(st.SPKI, digest(d.fx.spki)), "want the key kept, got state %v", st.State)
}
