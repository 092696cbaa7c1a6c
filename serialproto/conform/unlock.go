package conform

import (
	"bytes"
	"crypto"
	"time"

	"provstation/serialproto"
)

func unlockCases() []Case {
	list := []Case{
		{ID: "unlock-challenge", Text: "UNLOCK gives a challenge that names serial, device id, boot id, purpose and lifetime, with a fresh nonce each time", run: unlockChallenge},
		{ID: "unlock-argument", Text: "a purpose, number of signatures or lifetime out of bounds is refused with status 4", run: unlockArgument},
		{ID: "unlock-wrong-key", Text: "a signature by a key that is not pinned is refused with status 13 and counted (STATUS 17)", run: unlockWrongKey},
		{ID: "unlock-once", Text: "a challenge is good for one answer, right or wrong; another challenge voids it", run: unlockOnce},
		{ID: "unlock-tls13", Text: "an unlock for tls13-proof gives the number of signatures it names, and opens nothing else", Features: serialproto.FeatureSignTLS13, run: unlockTLS13},
		{ID: "unlock-session", Text: "an unlock ends with its session, a challenge too", run: unlockSession},
		{ID: "unlock-lifetime", Text: "an unlock ends after its lifetime", run: unlockLifetime},
		{ID: "unlock-purpose", Text: "an unlock for rekey does not erase, and one for erase makes no key", run: unlockPurpose},
		{ID: "unlock-rekey", Text: "an unlock for rekey lets one new key be made beside the old, which stays in use until LOCK", run: unlockRekey},
		{ID: "unlock-backoff", Text: "after three failures in a row the device takes no challenge for 2 s (status 8); a right answer clears the count", run: unlockBackoff},
	}
	for i := range list {
		list[i].Clause, list[i].Features = "Unlock", list[i].Features|serialproto.FeatureUnlock
	}
	return sealing(list)
}

func eraseCases() []Case {
	return sealing([]Case{
		{ID: "erase-other", Clause: "Erase", Features: serialproto.FeatureUnlock, run: eraseOther, Text: "ERASE under an unlock for it, but of another enroll id, is answered with status 6"},
		{ID: "erase", Clause: "Erase", Features: serialproto.FeatureUnlock, run: erase, Text: "ERASE under its unlock leaves the device empty, is ok again, and its enroll id makes no second key"},
	})
}

// purpose of the cases that are about unlocks as such: one that every policy has.
const anyPurpose = serialproto.PurposeTLS13

func unlockFor(p serialproto.Purpose, seconds uint16) serialproto.UnlockArgs {
	a := serialproto.UnlockArgs{Op: serialproto.OpUnlock, Purpose: p, Lifetime: seconds}
	if p == serialproto.PurposeTLS13 {
		a.Signatures = 2
	}
	return a
}

// challenge asks for one, and skips where the device's policy has no such unlock.
func (d *dut) challenge(a serialproto.UnlockArgs) []byte {
	var r serialproto.UnlockResult
	h, _ := d.ask(a, &r)
	if h.Status == serialproto.StatusRefused && d.status().Reenroll == serialproto.ReenrollNever && a.Purpose != serialproto.PurposeTLS13 {
		d.skip("policy never has no unlock for %v", a.Purpose)
	}
	d.check(h.Status == serialproto.StatusOK && len(r.Challenge) > 0, "UNLOCK for %v: want a challenge, got %s", a.Purpose, statusWords(h))
	return r.Challenge
}

// answerTo is a signature over a challenge.
func (d *dut) answerTo(key crypto.Signer, challenge []byte) serialproto.UnlockArgs {
	var c serialproto.UnlockChallenge
	err := serialproto.Decode(challenge, &c)
	d.check(err == nil, "want a challenge as specified, got %s: %v", dump(challenge), err)
	sig, err := serialproto.SignUnlock(key, challenge, c)
	d.check(err == nil, "the suite: %v", err)
	return serialproto.UnlockArgs{Op: serialproto.OpUnlock, Signature: sig}
}

// unlock opens the device for a purpose.
func (d *dut) unlock(a serialproto.UnlockArgs) {
	var r serialproto.UnlockResult
	d.ok(d.answerTo(d.ca.unlock, d.challenge(a)), &r)
	d.check(r.Left >= 1 && r.Left <= a.Lifetime, "want 1 to %d seconds left, got %d", a.Lifetime, r.Left)
	d.check(d.status().Unlocked == a.Purpose, "want STATUS to name the unlock's purpose")
}

func unlockChallenge(d *dut) {
	a := unlockFor(anyPurpose, 60)
	seen := map[string]bool{}
	for range 3 {
		raw := d.challenge(a)
		var c serialproto.UnlockChallenge
		err := serialproto.Decode(raw, &c)
		d.check(err == nil, "want a challenge as specified, got %s: %v", dump(raw), err)
		d.check(c.Serial == d.welcome.Serial && c.DeviceID == d.fx.deviceID && bytes.Equal(c.BootID, d.welcome.BootID),
			"want the challenge to name this device, got %q, %q, %x", c.Serial, c.DeviceID, c.BootID)
		d.check(c.Purpose == a.Purpose && c.Signatures == a.Signatures && c.Lifetime == a.Lifetime, "want purpose, signatures and lifetime as asked for, got %d, %d, %d", c.Purpose, c.Signatures, c.Lifetime)
		d.check(!seen[string(c.Nonce)], "want a fresh nonce each time, got one twice")
		seen[string(c.Nonce)] = true
	}
}

func unlockArgument(d *dut) {
	for _, req := range []map[uint8]any{
		{0: 16},
		{0: 16, 1: 0, 3: 60},
		{0: 16, 1: 9, 3: 60},
		{0: 16, 1: 2, 3: 0},
		{0: 16, 1: 2, 3: 3601},
		{0: 16, 1: 2, 2: 1, 3: 60},
		{0: 16, 1: 3, 3: 60},
		{0: 16, 1: 3, 2: 17, 3: 60},
	} {
		d.refused(dump(d.encode(req)), req, serialproto.StatusBadArgument)
	}
}

func unlockWrongKey(d *dut) {
	before := d.status().Failures
	for _, key := range []crypto.Signer{d.ca.sub.key, d.ca.root.key} {
		d.refused("an answer by a key that is not pinned", d.answerTo(key, d.challenge(unlockFor(anyPurpose, 60))), serialproto.StatusRefused)
	}
	st := d.status()
	d.check(st.Failures == before+2 && st.Unlocked == 0, "want two failures more than %d and no unlock, got %d, %d", before, st.Failures, st.Unlocked)
	d.unlock(unlockFor(anyPurpose, 60))
	d.check(d.status().Failures == 0, "want a right answer to clear the count, got %d", d.status().Failures)
}

func unlockOnce(d *dut) {
	good := d.answerTo(d.ca.unlock, d.challenge(unlockFor(anyPurpose, 60)))
	d.ok(good, nil)
	h, _ := d.ask(good, nil)
	d.check(h.Status != serialproto.StatusOK, "want a challenge good for one answer, got ok twice")
	first := d.challenge(unlockFor(anyPurpose, 60))
	d.challenge(unlockFor(anyPurpose, 60))
	h, _ = d.ask(d.answerTo(d.ca.unlock, first), nil)
	d.check(h.Status != serialproto.StatusOK, "want a challenge voided by the next one, got ok")
	d.unlock(unlockFor(anyPurpose, 60)) // which clears the count of failures
}

func unlockTLS13(d *dut) {
	d.unlock(unlockFor(serialproto.PurposeTLS13, 60))
	h, _ := d.ask(serialproto.EraseArgs{Op: serialproto.OpErase, EnrollID: d.fx.enrollID}, nil)
	d.check(h.Status == serialproto.StatusLocked, "want ERASE locked under an unlock for tls13-proof, got %s", statusWords(h))
	for range 2 {
		d.signs(d.random(32))
	}
	d.refused("a third signature under an unlock for two", d.signRequest(d.random(32)), serialproto.StatusLocked)
	d.stillSealed("an unlock for tls13-proof")
}

func unlockSession(d *dut) {
	d.unlock(unlockFor(anyPurpose, 60))
	d.greet(nil)
	d.check(d.status().Unlocked == 0, "want no unlock in the next session")
	challenge := d.challenge(unlockFor(anyPurpose, 60))
	d.greet(nil)
	h, _ := d.ask(d.answerTo(d.ca.unlock, challenge), nil)
	d.check(h.Status != serialproto.StatusOK, "want a challenge void in the next session, got ok")
	d.unlock(unlockFor(anyPurpose, 60))
}

func unlockLifetime(d *dut) {
	d.unlock(unlockFor(anyPurpose, 2))
	d.idle(2500 * time.Millisecond)
	d.check(d.status().Unlocked == 0, "want an unlock for 2 s over after 2.5 s")
}

func unlockPurpose(d *dut) {
	d.unlock(unlockFor(serialproto.PurposeRekey, 60))
	h, _ := d.ask(serialproto.EraseArgs{Op: serialproto.OpErase, EnrollID: d.fx.enrollID}, nil)
	d.check(h.Status == serialproto.StatusLocked, "want ERASE locked under an unlock for rekey, got %s", statusWords(h))
	if d.status().Reenroll != serialproto.ReenrollOpen {
		d.unlock(unlockFor(serialproto.PurposeErase, 60))
		args := d.newEnroll()
		args.DeviceID = d.fx.deviceID
		d.refused("ENROLL under an unlock for erase", args, serialproto.StatusLocked)
	}
	d.stillSealed("unlocks for other purposes")
}

func unlockRekey(d *dut) {
	if d.status().Reenroll == serialproto.ReenrollOpen {
		d.skip("the policy is open: a new key needs no unlock")
	}
	sealed := d.fx
	d.unlock(unlockFor(serialproto.PurposeRekey, 60))
	args := d.newEnroll()
	d.refused("another device id under an unlock for rekey", args, serialproto.StatusRefused)
	args.DeviceID = sealed.deviceID
	d.unlock(unlockFor(serialproto.PurposeRekey, 60))
	d.enroll(args)
	st := d.status()
	d.check(st.State == serialproto.StateKeyed && bytes.Equal(st.ActiveSPKI, digest(sealed.spki)), "want the new key beside the old, which stays in use, got state %v, active SPKI %s", st.State, dump(st.ActiveSPKI))
	third := d.newEnroll()
	third.DeviceID = sealed.deviceID
	d.refused("a second key under one unlock", third, serialproto.StatusLocked)
	d.ok(serialproto.AbortArgs{Op: serialproto.OpAbort, EnrollID: args.EnrollID}, nil)
	d.fx = sealed
	d.stillSealed("a new key that was given up")
}

func unlockBackoff(d *dut) {
	for range 3 {
		d.refused("an answer by a key that is not pinned", d.answerTo(d.ca.sub.key, d.challenge(unlockFor(anyPurpose, 60))), serialproto.StatusRefused)
	}
	d.refused("a challenge after three failures", unlockFor(anyPurpose, 60), serialproto.StatusBusy)
	wait := d.status().Wait
	d.check(wait >= 1 && wait <= 3, "want STATUS to say that it waits 2 s, got %d", wait)
	d.greet(nil)
	d.refused("a challenge in the next session", unlockFor(anyPurpose, 60), serialproto.StatusBusy)
	d.idle(time.Duration(wait)*time.Second + 300*time.Millisecond)
	d.unlock(unlockFor(anyPurpose, 60))
	st := d.status()
	d.check(st.Failures == 0 && st.Wait == 0, "want a right answer to clear count and wait, got %d and %d", st.Failures, st.Wait)
}

func eraseOther(d *dut) {
	d.unlock(unlockFor(serialproto.PurposeErase, 60))
	d.refused("ERASE of another enrollment", serialproto.EraseArgs{Op: serialproto.OpErase, EnrollID: d.newEnroll().EnrollID}, serialproto.StatusWrongState)
	d.stillSealed("ERASE of another enrollment")
}

func erase(d *dut) {
	sealed := d.fx
	d.unlock(unlockFor(serialproto.PurposeErase, 60))
	args := serialproto.EraseArgs{Op: serialproto.OpErase, EnrollID: sealed.enrollID}
	for range 2 { // its answer may be lost
		d.ok(args, nil)
		d.greet(nil)
	}
	d.fx, d.kept = fixture{known: true}, fixture{}
	statusEmpty(d)
	again := serialproto.EnrollArgs{Op: serialproto.OpEnroll, Alg: sealed.alg, DeviceID: sealed.deviceID, EnrollID: sealed.enrollID, WireGuard: len(sealed.wg) > 0}
	h, _ := d.ask(again, nil)
	d.check(h.Status != serialproto.StatusOK, "want the enroll id of the erased key to make no second one, got ok")
	d.remark("empty again")
}
