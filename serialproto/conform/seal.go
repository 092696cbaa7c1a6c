package conform

import (
	"bytes"

	"provstation/serialproto"
)

// sealCases look at a device that is sealed. The first of them seals it.
func sealCases() []Case {
	list := []Case{
		{ID: "lock", Text: "LOCK makes the generation the one in use and seals the device", run: lockCase},
		{ID: "lock-again", Text: "LOCK whose answer was lost is ok again", run: lockAgain},
		{ID: "sealed-session", Text: "a sealed device says so in WELCOME and STATUS of any session, with what it holds", run: sealedSession},
		{ID: "sealed-enroll", Text: "ENROLL of a new key needs an unlock where the policy is not open: status 7", run: sealedEnroll},
		{ID: "sealed-enroll-again", Text: "ENROLL under the enroll id that is sealed still gives its CSR, or status 7", run: sealedEnrollAgain},
		{ID: "sealed-install", Text: "other certificates, pieces and pins are refused with status 7; the same INSTALL again is ok", run: sealedInstall},
		{ID: "sealed-abort", Text: "ABORT does not drop the generation in use", run: sealedAbort},
		{ID: "sealed-tls13", Clause: "What the device signs", Text: "SIGN_TLS13 after LOCK needs an unlock: status 7", Features: serialproto.FeatureSignTLS13, run: sealedTLS13},
		{ID: "sealed-clock", Text: "setting the clock after LOCK needs an unlock: status 7", Features: serialproto.FeatureSetClock, run: sealedClock},
		{ID: "sealed-erase", Clause: "Erase", Text: "ERASE needs an unlock: status 7", Features: serialproto.FeatureUnlock, run: sealedErase},
		{ID: "sealed-renew-set", Text: "RENEW_SET after LOCK needs an unlock where it changes something: status 7", Features: serialproto.FeatureRenewSet, run: sealedRenewSet},
	}
	return sealing(list)
}

// sealing gives cases of sealed devices what they share.
func sealing(list []Case) []Case {
	for i := range list {
		if list[i].Clause == "" {
			list[i].Clause = "Messages"
		}
		list[i].Level, list[i].State, list[i].Sealing, list[i].limit = Must, serialproto.StateSealed, true, keyPatience
	}
	return list
}

func lockCase(d *dut) {
	st := d.status()
	d.check(st.State == serialproto.StateSealed && st.Active == st.Generation && st.Active > 0,
		"want state 3 sealed and the newest generation in use, got state %v, generation %d, active %d", st.State, st.Generation, st.Active)
	d.remark("generation %d, policy %v", st.Active, st.Reenroll)
}

func lockAgain(d *dut) {
	for range 2 {
		d.ok(serialproto.LockArgs{Op: serialproto.OpLock, EnrollID: d.fx.enrollID, Flag: "198.51.100.7"}, nil)
		d.greet(nil)
	}
}

// stillSealed wants the generation that is in use as it was sealed.
func (d *dut) stillSealed(after string) {
	st := d.status()
	d.check(st.State == serialproto.StateSealed && bytes.Equal(st.SPKI, digest(d.fx.spki)) && bytes.Equal(st.Leaf, digest(d.fx.leaf.Raw)),
		"want the sealed generation as it was after %s, got state %v, SPKI %s, leaf %s", after, st.State, dump(st.SPKI), dump(st.Leaf))
}

func sealedSession(d *dut) {
	w := d.greet(nil)
	d.check(w.State == serialproto.StateSealed && bytes.Equal(w.SPKI, digest(d.fx.spki)[:16]) && bytes.Equal(w.Leaf, digest(d.fx.leaf.Raw)[:16]),
		"want WELCOME to say sealed, key and leaf, got state %v", w.State)
	d.stillSealed("another session")
	d.reads(serialproto.ObjAnchor, d.ca.chain(), "LOCK")
}

func sealedEnroll(d *dut) {
	if d.status().Reenroll == serialproto.ReenrollOpen {
		d.skip("the policy is open: any new key is made")
	}
	args := d.newEnroll()
	d.refused("ENROLL of a new key", args, serialproto.StatusLocked)
	args.DeviceID = d.fx.deviceID
	d.refused("ENROLL of a new key for the same device id", args, serialproto.StatusLocked)
	d.stillSealed("ENROLL")
}

func sealedEnrollAgain(d *dut) {
	args := serialproto.EnrollArgs{
		Op: serialproto.OpEnroll, Alg: d.fx.alg, DeviceID: d.fx.deviceID, EnrollID: d.fx.enrollID, WireGuard: len(d.fx.wg) > 0,
	}
	var r serialproto.EnrollResult
	h, _ := d.ask(args, &r)
	switch h.Status {
	case serialproto.StatusOK:
		d.check(bytes.Equal(r.CSR, d.fx.csr), "want the CSR of the sealed key, got another one")
	case serialproto.StatusLocked:
	default:
		d.fail("want ok or status 7, got %s", statusWords(h))
	}
	d.stillSealed("ENROLL again")
}

func sealedInstall(d *dut) {
	args := d.bundle() // with another leaf than before
	if len(d.encode(args)) <= d.room() {
		d.refused("INSTALL of another leaf", args, serialproto.StatusLocked)
		if key, err := newSigner(); err == nil && len(args.Pins) > 0 {
			pin, err := serialproto.UnlockPin(key.Public())
			d.check(err == nil, "the suite: %v", err)
			args.Leaf, args.Pins = d.fx.leaf.Raw, [][]byte{pin}
			d.refused("INSTALL of another pin", args, serialproto.StatusLocked)
		}
		same := d.bundle()
		same.Leaf = d.fx.leaf.Raw
		d.ok(same, nil)
	}
	h, _ := d.ask(d.piece(d.bundle(), serialproto.ObjLeaf, 0, 100), nil)
	d.check(h.Status == serialproto.StatusLocked || h.Status == serialproto.StatusUnknownOp, "want PUT refused with status 7, got %s", statusWords(h))
	d.stillSealed("INSTALL and PUT")
}

func sealedAbort(d *dut) {
	for _, id := range [][]byte{d.fx.enrollID, nil} {
		d.ask(serialproto.AbortArgs{Op: serialproto.OpAbort, EnrollID: id}, nil) // status 7, or nothing to drop
		d.stillSealed("ABORT")
	}
}

func sealedTLS13(d *dut) {
	d.refused("SIGN_TLS13 once sealed", d.signRequest(d.random(32)), serialproto.StatusLocked)
}

func sealedClock(d *dut) {
	d.refused("setting the clock once sealed", serialproto.ClockArgs{Op: serialproto.OpClock, Set: d.clock().UnixMicro()}, serialproto.StatusLocked)
}

func sealedErase(d *dut) {
	d.refused("ERASE without an unlock", serialproto.EraseArgs{Op: serialproto.OpErase, EnrollID: d.fx.enrollID}, serialproto.StatusLocked)
	d.stillSealed("ERASE")
}

func sealedRenewSet(d *dut) {
	set := serialproto.RenewSetArgs{Op: serialproto.OpRenewSet, URL: "https://elsewhere.example/renew", EnrollID: d.fx.enrollID}
	d.refused("RENEW_SET to somewhere else", set, serialproto.StatusLocked)
	st := d.status()
	d.check(st.Renewal != nil && st.Renewal.URL != set.URL, "want the place to renew as it was")
}
