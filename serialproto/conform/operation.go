package conform

import (
	"bytes"
	"fmt"
	"math"
	"time"

	"provstation/serialproto"
)

func operationCases() []Case {
	const clause = "Messages"
	return []Case{
		{ID: "op-unknown", Clause: clause, Level: Must, Text: "an operation that the device does not have is answered with status 3, reserved ones too", run: opUnknown},
		{ID: "op-absent", Clause: clause, Level: Must, Text: "an operation whose feature is not announced is not done: status 3, or 13 by policy; ENROLL with such a tunnel: 13", run: opAbsent},
		{ID: "status-empty", Clause: clause, Level: Must, Text: "an empty device says so: state 0, no key, no objects, no generation in use", run: statusEmpty},
		{ID: "state-empty", Clause: clause, Level: Must, Text: "without a key INSTALL, PUT, COMMIT, LOCK, SIGN_TLS13 and READ are answered with status 6", run: stateEmpty},
		{ID: "enroll-argument", Clause: clause, Level: Must, Text: "ENROLL with an argument out of its bounds is answered with status 4, and makes no key", run: enrollArgument},
		{ID: "argument-type", Clause: clause, Level: Must, Text: "an argument of another type than the table says is answered with status 4", run: argumentType},
	}
}

func opUnknown(d *dut) {
	for _, op := range []uint8{0, 10, 14, 15, 24, 99, 255} {
		d.refused(fmt.Sprint("operation ", op), map[uint8]any{0: op}, serialproto.StatusUnknownOp)
		d.refused(fmt.Sprint("operation ", op), map[uint8]any{0: op, 1: "text", 2: []byte{1, 2, 3}}, serialproto.StatusUnknownOp)
	}
}

func opAbsent(d *dut) {
	id := d.random(8)
	id[0] |= 1
	tried := 0
	for _, x := range []struct {
		feature uint32
		req     any
	}{
		{serialproto.FeatureSignTLS13, serialproto.SignTLS13Args{Op: serialproto.OpSignTLS13, Hash: make([]byte, 32), Scheme: 0x0403}},
		{serialproto.FeatureSignTLS12, serialproto.SignTLS12Args{Op: serialproto.OpSignTLS12, Head: []byte{1}, Certs: 1, Tail: []byte{16}, Scheme: 0x0403}},
		{serialproto.FeatureSetClock, serialproto.ClockArgs{Op: serialproto.OpClock, Set: time.Now().UnixMicro()}},
		{serialproto.FeatureRenew, serialproto.TokenArgs{Op: serialproto.OpToken, Audience: "https://ca.example/renew"}},
		{serialproto.FeatureRenew, serialproto.RenewArgs{Op: serialproto.OpRenew, Leaf: d.ca.root.cert.Raw, EnrollID: id}},
		{serialproto.FeatureUnlock, serialproto.UnlockArgs{Op: serialproto.OpUnlock, Purpose: serialproto.PurposeErase, Lifetime: 9}},
		{serialproto.FeatureUnlock, serialproto.EraseArgs{Op: serialproto.OpErase, EnrollID: id}},
		{serialproto.FeatureRenewSet, serialproto.RenewSetArgs{Op: serialproto.OpRenewSet, URL: "https://ca.example/renew", EnrollID: id}},
		{serialproto.FeatureCheckMQTT, serialproto.CheckMQTTArgs{Op: serialproto.OpCheckMQTT, Host: "192.0.2.1", Seconds: 1}},
		{serialproto.FeatureCheckWG, serialproto.CheckWGArgs{Op: serialproto.OpCheckWG, Seconds: 1}},
		{serialproto.FeaturePacked, serialproto.PackedArgs{Op: serialproto.OpPacked, Data: []byte{3, 0}, Digest: id}},
	} {
		if d.features&x.feature == 0 {
			tried++
			d.refused(featureNames(x.feature)+", which is not announced", x.req, serialproto.StatusUnknownOp, serialproto.StatusRefused)
		}
	}
	tried += d.enrollAbsent()
	if tried == 0 {
		d.skip("the device announces all features")
	}
}

// enrollAbsent asks for keys that the device does not announce, and reports how many kinds there are. A key without what was
// asked for, or with what nobody can install, would be taken for more than it is.
func (d *dut) enrollAbsent() (tried int) {
	for feature, change := range map[uint32]func(*serialproto.EnrollArgs){
		serialproto.FeatureWireGuard: func(a *serialproto.EnrollArgs) { a.WireGuard = true },
		serialproto.FeatureKeepWG:    func(a *serialproto.EnrollArgs) { a.KeepTunnel = true },
	} {
		if d.features&feature != 0 {
			continue
		}
		tried++
		args := d.newEnroll()
		args.WireGuard = false
		change(&args)
		d.refused("ENROLL with "+featureNames(feature)+", which is not announced", args, serialproto.StatusRefused)
		st := d.status()
		d.check(st.State == serialproto.StateEmpty, "want no key after a refused ENROLL, got state %v", st.State)
	}
	return tried
}

func statusEmpty(d *dut) {
	d.greet(nil) // the session may be from before the device was emptied
	st := d.status()
	d.check(st.State == serialproto.StateEmpty && len(st.SPKI)+len(st.CSR)+len(st.EnrollID)+len(st.Leaf)+len(st.Objects) == 0 && st.Active == 0,
		"want state 0 and nothing else of a key, got state %d, SPKI %s, enroll id %s, %d objects, active %d",
		st.State, dump(st.SPKI), dump(st.EnrollID), len(st.Objects), st.Active)
	d.check(d.welcome.State == serialproto.StateEmpty && len(d.welcome.SPKI)+len(d.welcome.Leaf)+len(d.welcome.Known) == 0,
		"want WELCOME of an empty device to name no key and no certificates, got state %d", d.welcome.State)
	d.check(st.Reenroll >= serialproto.ReenrollNever && st.Reenroll <= serialproto.ReenrollOpen, "want a re-enroll policy of 1 to 3, got %d", st.Reenroll)
	d.remark("re-enroll policy %v, key store %v", st.Reenroll, st.KeyStore)
}

func stateEmpty(d *dut) {
	id := d.newEnroll().EnrollID
	leaf := d.issued(d.ca.sub, leafTemplate("conform-0"), d.ca.sub.cert.PublicKey).Raw
	for _, x := range []struct {
		what string
		req  any
	}{
		{"INSTALL", serialproto.InstallArgs{Op: serialproto.OpInstall, Leaf: leaf, Chain: [][]byte{d.ca.root.cert.Raw}, EnrollID: id, Commit: true}},
		{"LOCK", serialproto.LockArgs{Op: serialproto.OpLock, EnrollID: id}},
		{"READ", serialproto.ReadArgs{Op: serialproto.OpRead, Obj: serialproto.ObjLeaf}},
		{"PUT", serialproto.PutArgs{Op: serialproto.OpPut, Obj: serialproto.ObjLeaf, Total: 3, SHA256: digest([]byte("abc")), Data: []byte("abc"), EnrollID: id}},
		{"COMMIT", serialproto.CommitArgs{Op: serialproto.OpCommit, EnrollID: id, Objects: map[serialproto.Obj][]byte{1: digest(nil), 3: digest(nil)}}},
		{"SIGN_TLS13", serialproto.SignTLS13Args{Op: serialproto.OpSignTLS13, Hash: make([]byte, 32), Scheme: 0x0403}},
	} {
		if x.what == "SIGN_TLS13" && d.features&serialproto.FeatureSignTLS13 == 0 || len(d.encode(x.req)) > d.room() {
			continue
		}
		d.refused(x.what+" without a key", x.req, serialproto.StatusWrongState)
	}
}

func enrollArgument(d *dut) {
	good := func() map[uint8]any {
		return map[uint8]any{0: 2, 1: 1, 2: "conform-0", 4: []byte{1, 2, 3, 4, 5, 6, 7, 8}}
	}
	for _, x := range []struct {
		what string
		key  uint8
		is   any // nil: left out
	}{
		{"ENROLL with algorithm 0", 1, 0},
		{"ENROLL with algorithm 9", 1, 9},
		{"ENROLL without an algorithm", 1, nil},
		{"ENROLL without a device id", 2, nil},
		{"ENROLL with an empty device id", 2, ""},
		{"ENROLL with a device id of 129", 2, string(bytes.Repeat([]byte{'a'}, 129))},
		{"ENROLL with a device id that is not ASCII", 2, "g\u00e4te"},
		{"ENROLL with a control character in its device id", 2, "conform\n0"},
		{"ENROLL without an enroll id", 4, nil},
		{"ENROLL with an enroll id of 7", 4, make([]byte, 7)},
		{"ENROLL with an enroll id of 9", 4, bytes.Repeat([]byte{1}, 9)},
		{"ENROLL with an enroll id of zeros", 4, make([]byte, 8)},
	} {
		req := good()
		if req[x.key] = x.is; x.is == nil {
			delete(req, x.key)
		}
		d.refused(x.what, req, serialproto.StatusBadArgument)
	}
	if d.features&serialproto.FeatureKeepWG != 0 {
		req := good()
		req[5], req[6] = true, true
		d.refused("ENROLL that wants a tunnel and keeps one", req, serialproto.StatusBadArgument)
	}
	st := d.status()
	d.check(st.State == serialproto.StateEmpty, "want no key after refused ENROLLs, got state %v", st.State)
}

func argumentType(d *dut) {
	for _, req := range []map[uint8]any{
		{0: 2, 1: "P-256", 2: "conform-0", 4: make([]byte, 8)},
		{0: 2, 1: 1, 2: []byte("conform-0"), 4: bytes.Repeat([]byte{1}, 8)},
		{0: 2, 1: 1, 2: "conform-0", 4: "12345678"},
		{0: 7, 4: 12345678},
		{0: 9, 4: "12345678"},
		{0: 13, 1: -1},
		{0: 13, 1: uint64(math.MaxUint32)},
		{0: 11, 1: "now"},
		{0: 11, 1: -5},
	} {
		d.refused(dump(d.encode(req)), req, serialproto.StatusBadArgument)
	}
}

func clockCases() []Case {
	const clause = "Messages"
	return []Case{
		{ID: "clock-read", Clause: clause, Level: Must, Text: "CLOCK without a time reads the clock, as STATUS says it", run: clockRead},
		{ID: "clock-set", Clause: clause, Level: Must, Features: serialproto.FeatureSetClock, Text: "CLOCK sets the clock to the host's time and reads it back", run: clockSet},
		{ID: "clock-past", Clause: clause, Level: Must, Features: serialproto.FeatureSetClock, Text: "CLOCK sets no time before the highest seen", run: clockPast},
	}
}

func (d *dut) clock() time.Time {
	var r serialproto.ClockResult
	d.ok(serialproto.ClockArgs{Op: serialproto.OpClock}, &r)
	return time.UnixMicro(r.Now)
}

func clockRead(d *dut) {
	t := d.clock()
	st := time.UnixMicro(d.status().Clock)
	d.check(st.Sub(t).Abs() < 10*time.Second, "want the clock that STATUS says, %v, got %v", st.UTC(), t.UTC())
	if t.Unix() < 1e9 {
		d.remark("the device has no clock: it says %v", t.UTC())
		return
	}
	d.remark("%v off this host's", time.Since(t).Round(time.Second))
}

func clockSet(d *dut) {
	var r serialproto.ClockResult
	now := time.Now()
	h, _ := d.ask(serialproto.ClockArgs{Op: serialproto.OpClock, Set: now.UnixMicro()}, &r)
	if h.Status == serialproto.StatusRefused && d.clock().After(now) {
		d.skip("its clock has seen a time after this host's: %s", statusWords(h))
	}
	d.check(h.Status == serialproto.StatusOK, "want the clock set to this host's time, got %s", statusWords(h))
	d.check(time.UnixMicro(r.Now).Sub(now).Abs() < 10*time.Second, "want the clock at %v, got %v", now.UTC(), time.UnixMicro(r.Now).UTC())
	d.check(d.clock().Sub(now).Abs() < 10*time.Second, "want the clock to stay set, got %v", d.clock().UTC())
}

func clockPast(d *dut) {
	now := time.Now()
	if h, _ := d.ask(serialproto.ClockArgs{Op: serialproto.OpClock, Set: now.UnixMicro()}, nil); h.Status != serialproto.StatusOK {
		d.skip("its clock has seen a time after this host's: %s", statusWords(h))
	}
	for _, t := range []time.Time{now.Add(-24 * time.Hour), time.UnixMicro(1)} {
		d.refused("CLOCK to "+t.UTC().Format(time.DateOnly), serialproto.ClockArgs{Op: serialproto.OpClock, Set: t.UnixMicro()},
			serialproto.StatusRefused, serialproto.StatusBadArgument)
	}
	d.check(d.clock().Sub(now).Abs() < time.Minute, "want the clock where it was, %v, got %v", now.UTC(), d.clock().UTC())
}
