package conform

import (
	"bytes"
	"crypto"
	"slices"

	"provstation/serialproto"
)

func installCases() []Case {
	const clause = "Messages"
	list := []Case{
		{ID: "install", Text: "INSTALL with commit stores leaf, chain, anchors, tunnel and pins and answers with their digests", run: installCase},
		{ID: "install-read", Text: "READ gives back leaf, chain and anchors byte for byte, and no other object", State: serialproto.StateInstalled, run: installRead},
		{ID: "install-status", Text: "STATUS and WELCOME name what is installed: state 2, digests, lengths, the leaf, chain certificates by prefix", State: serialproto.StateInstalled, run: installStatus},
		{ID: "install-again", Text: "the same INSTALL again is ok, also in another session", run: installAgain},
		{ID: "install-other-key", Text: "a leaf for another key is refused with status 10, and nothing is stored", run: installOtherKey},
		{ID: "install-other-enrollment", Text: "INSTALL for another enroll id is refused with status 6", run: installOtherID},
		{ID: "install-broken", Text: "a leaf or chain that does not parse is refused with status 4, whole or nothing", run: installBroken},
		{ID: "install-chain", Level: Should, Text: "a chain that does not lead from the leaf to a root is refused with status 4", run: installChain},
		{ID: "install-id", Level: Should, Text: "a leaf for another device id is refused with status 4", run: installName},
		{ID: "install-known", Text: "certificates that WELCOME lists may be referred to by their 8-byte prefix, others not (status 4)", State: serialproto.StateInstalled, run: installKnown},
		{ID: "install-stage", Text: "INSTALL without commit stages; COMMIT of its digests makes it whole", run: installStage},
		{ID: "install-tunnel", Text: "a wg0.conf with a PrivateKey line, or none at all, is refused with status 4", Features: serialproto.FeatureWireGuard, run: installTunnel},
		{ID: "install-pins", Clause: "Unlock", Text: "pins that are the device's own key or one of the chain's, or no key at all, are refused with status 4", Features: serialproto.FeatureUnlock, run: installPins},
	}
	for i := range list {
		if list[i].limit = keyPatience; list[i].Level == 0 {
			list[i].Level = Must
		}
		if list[i].Clause == "" {
			list[i].Clause = clause
		}
		if list[i].State == serialproto.StateEmpty {
			list[i].State = serialproto.StateKeyed
		}
	}
	return list
}

func installCase(d *dut) {
	r := d.install(nil)
	d.remark("%d objects", len(r.Objects))
}

func installRead(d *dut) {
	chain := d.ca.chain()
	for o, want := range map[serialproto.Obj][][]byte{
		serialproto.ObjLeaf: {d.fx.leaf.Raw}, serialproto.ObjChain: chain[:2], serialproto.ObjAnchor: chain,
	} {
		d.reads(o, want, "INSTALL")
	}
	for _, o := range []serialproto.Obj{0, serialproto.ObjWGConf, serialproto.ObjPins, 9} {
		h, _ := d.ask(serialproto.ReadArgs{Op: serialproto.OpRead, Obj: o}, nil)
		d.check(h.Status != serialproto.StatusOK, "want object %d not to be read back, got ok", o)
	}
}

func installStatus(d *dut) {
	w, st := d.greet(nil), d.status()
	d.check(st.State == serialproto.StateInstalled && w.State == serialproto.StateInstalled, "want state 2 installed, got %d and %d", st.State, w.State)
	d.check(bytes.Equal(st.Leaf, digest(d.fx.leaf.Raw)), "want SHA-256 of the leaf, got %s", dump(st.Leaf))
	d.check(bytes.Equal(w.Leaf, digest(d.fx.leaf.Raw)[:16]), "want the first 16 of it in WELCOME, got %s", dump(w.Leaf))
	args := d.bundle()
	args.Leaf = d.fx.leaf.Raw
	for o, data := range objectsOf(args) {
		got, ok := st.Objects[o]
		d.check(ok && int(got.Length) == len(data) && got.Received == got.Length && bytes.Equal(got.Digest, digest8(data)),
			"want object %d (%v) of %d bytes with digest %x, got %d, %s", o, o, len(data), digest8(data), got.Length, dump(got.Digest))
	}
	for _, k := range w.Known {
		known := slices.ContainsFunc(d.ca.chain(), func(c []byte) bool { return bytes.Equal(digest8(c), k) })
		d.check(known, "want WELCOME to list prefixes of certificates that it was given, got %s", dump(k))
	}
	d.check(st.Active == 0, "want no generation in use before LOCK, got %d", st.Active)
}

func installAgain(d *dut) {
	args := d.bundle()
	same := func(a *serialproto.InstallArgs) { *a = args }
	first := d.install(same)
	for range 2 {
		again := d.install(same)
		d.check(len(again.Objects) == len(first.Objects), "want the same objects again, got %d after %d", len(again.Objects), len(first.Objects))
		d.greet(nil)
	}
}

// untouched wants the device as it was before what it refused: keyed, nothing installed.
func (d *dut) untouched(after string) {
	st := d.status()
	d.check(st.State == serialproto.StateKeyed && len(st.Leaf) == 0, "want nothing installed after %s, got state %v", after, st.State)
}

// brings tries a bundle and wants it refused with one of these statuses, by INSTALL or in pieces.
func (d *dut) brings(what string, change func(*serialproto.InstallArgs), want ...serialproto.Status) {
	args := d.bundle()
	change(&args)
	if len(d.encode(args)) <= d.room() {
		d.refused(what, args, want...)
	} else {
		got := d.pieces(args)
		d.check(slices.Contains(want, got.Status), "%s: want %s, got %s", what, statusList(want), statusWords(got))
	}
	d.untouched(what)
}

func installOtherKey(d *dut) {
	key, err := newSigner()
	d.check(err == nil, "the suite: %v", err)
	for _, pub := range []crypto.PublicKey{key.Public(), d.ca.sub.key.Public()} {
		d.brings("a leaf for another key", func(a *serialproto.InstallArgs) {
			a.Leaf = d.issued(d.ca.sub, leafTemplate(d.fx.deviceID), pub).Raw
		}, serialproto.StatusCertKey)
	}
}

func installOtherID(d *dut) {
	args := d.bundle()
	args.EnrollID = d.newEnroll().EnrollID
	if len(d.encode(args)) > d.room() {
		args.Chain = args.Chain[2:] // refused all the same, and shorter
		args.WGConf, args.Pins = nil, nil
	}
	d.refused("INSTALL for another enrollment", args, serialproto.StatusWrongState)
	d.untouched("INSTALL for another enrollment")
}

func installBroken(d *dut) {
	cut := func(b []byte) []byte { return b[: len(b)-5 : len(b)-5] }
	d.brings("a leaf that is cut off", func(a *serialproto.InstallArgs) { a.Leaf = cut(a.Leaf) }, serialproto.StatusBadArgument)
	d.brings("a leaf with bytes behind it", func(a *serialproto.InstallArgs) { a.Leaf = append(cut(a.Leaf), 1, 2, 3, 4, 5, 6, 7) },
		serialproto.StatusBadArgument)
	d.brings("a chain certificate that is cut off", func(a *serialproto.InstallArgs) { a.Chain[2] = cut(a.Chain[2]) }, serialproto.StatusBadArgument)
	d.brings("no chain at all", func(a *serialproto.InstallArgs) { a.Chain = [][]byte{} }, serialproto.StatusBadArgument, serialproto.StatusWrongState)
}

func installChain(d *dut) {
	for _, x := range []struct {
		what  string
		chain [][]byte
	}{
		{"a chain of somebody else", [][]byte{d.ca.other.cert.Raw}},
		{"a chain without the root", d.ca.chain()[:2]},
		{"a chain without the intermediate", [][]byte{d.ca.sub.cert.Raw, d.ca.root.cert.Raw}},
		{"a chain in the wrong order", [][]byte{d.ca.root.cert.Raw, d.ca.ica.cert.Raw, d.ca.sub.cert.Raw}},
	} {
		d.brings(x.what, func(a *serialproto.InstallArgs) { a.Chain = x.chain }, serialproto.StatusBadArgument)
	}
	forged, err := newIssuer(nil, d.ca.sub.cert.Subject.CommonName, 0)
	d.check(err == nil, "the suite: %v", err)
	d.brings("a leaf signed by a CA that only has the name", func(a *serialproto.InstallArgs) {
		a.Leaf = d.issued(forged, leafTemplate(d.fx.deviceID), d.fx.pub).Raw
	}, serialproto.StatusBadArgument)
}

func installName(d *dut) {
	d.brings("a leaf for another device id", func(a *serialproto.InstallArgs) {
		a.Leaf = d.issued(d.ca.sub, leafTemplate("conform-other"), d.fx.pub).Raw
	}, serialproto.StatusBadArgument)
}

func installKnown(d *dut) {
	w := d.greet(nil)
	args := d.bundle()
	whole := args.Chain
	if len(w.Known) == 0 {
		d.skip("WELCOME lists no certificates that the device holds")
	}
	short := make([][]byte, len(whole))
	for i, c := range whole {
		short[i] = c
		if slices.ContainsFunc(w.Known, func(k []byte) bool { return bytes.Equal(k, digest8(c)) }) {
			short[i] = digest8(c)
		}
	}
	args.Chain = short
	if len(d.encode(args)) > d.room() {
		d.skip("the bundle is larger than max_msg even with prefixes")
	}
	bad := args
	bad.Chain = [][]byte{short[0], d.random(8), short[2]}
	d.refused("a chain with a prefix that the device does not hold", bad, serialproto.StatusBadArgument)
	var r serialproto.InstallResult
	d.ok(args, &r)
	args.Chain = whole
	d.installed(args, r)
}

func installStage(d *dut) {
	args := d.bundle()
	args.Commit = false
	if len(d.encode(args)) > d.room() {
		d.skip("INSTALL of %d bytes is larger than max_msg %d: see put", len(d.encode(args)), d.welcome.MaxMessage)
	}
	var r serialproto.InstallResult
	d.fx.staged = true
	d.ok(args, &r)
	d.untouched("INSTALL without commit")
	d.greet(nil)
	d.ok(commitOf(args), &r)
	d.installed(args, r)
	d.check(d.status().State == serialproto.StateInstalled, "want state 2 after COMMIT")
}

func installTunnel(d *dut) {
	conf := d.bundle().WGConf
	d.brings("a wg0.conf with a PrivateKey line", func(a *serialproto.InstallArgs) {
		a.WGConf = bytes.Replace(conf, []byte("[Interface]\n"), []byte("[Interface]\nPrivateKey = "+base64Key(conf)+"\n"), 1)
	}, serialproto.StatusBadArgument)
	d.brings("a wg0.conf that is none", func(a *serialproto.InstallArgs) { a.WGConf = []byte("hello\n") }, serialproto.StatusBadArgument)
	d.brings("a WireGuard key of 31 bytes", func(a *serialproto.InstallArgs) { a.WGPrivate = make([]byte, 31) }, serialproto.StatusBadArgument)
}

func installPins(d *dut) {
	for _, x := range []struct {
		what string
		pins [][]byte
	}{
		{"a pin that is the device's own key", [][]byte{d.fx.spki}},
		{"a pin that is a key of the chain", [][]byte{d.ca.sub.cert.RawSubjectPublicKeyInfo}},
		{"a pin that is no key", [][]byte{{0x30, 8, 1, 2, 3, 4, 5, 6, 7, 8}}},
	} {
		d.brings(x.what, func(a *serialproto.InstallArgs) { a.Pins = x.pins }, serialproto.StatusBadArgument)
	}
}
