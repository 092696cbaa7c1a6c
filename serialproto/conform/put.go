package conform

import "provstation/serialproto"

func putCases() []Case {
	const clause = "Messages"
	list := []Case{
		{ID: "put", Text: "objects that come in pieces and are committed by their digests are installed whole", run: putCase},
		{ID: "put-offset", Text: "a piece that does not start where the last ended is answered with status 14 and the offset to go on from", run: putOffset},
		{ID: "put-resume", Text: "what was put is there after a lost session, and STATUS says how much", run: putResume},
		{ID: "put-bounds", Text: "pieces beyond the object, objects that are none and totals over 32768 are refused", run: putBounds},
		{ID: "put-digest", Text: "COMMIT of an object whose bytes have another digest is refused with status 9, and nothing is installed", run: putDigest},
		{ID: "commit-missing", Text: "COMMIT of what was not put, or not whole, is refused", run: commitMissing},
		{ID: "commit-again", Text: "COMMIT whose answer was lost is answered with the same digests", run: commitAgain},
	}
	for i := range list {
		list[i].Clause, list[i].Level, list[i].limit, list[i].State = clause, Must, keyPatience, serialproto.StateKeyed
	}
	return list
}

// piecesOf are the objects of a bundle that are put.
func piecesOf(args serialproto.InstallArgs) map[serialproto.Obj][]byte {
	m := objectsOf(args)
	delete(m, serialproto.ObjChain) // it is part of the anchors
	return m
}

func commitOf(args serialproto.InstallArgs) serialproto.CommitArgs {
	c := serialproto.CommitArgs{Op: serialproto.OpCommit, EnrollID: args.EnrollID, Objects: map[serialproto.Obj][]byte{}, WGPrivate: args.WGPrivate}
	for o, data := range piecesOf(args) {
		c.Objects[o] = digest(data)
	}
	return c
}

// piece is a part of an object.
func (d *dut) piece(args serialproto.InstallArgs, o serialproto.Obj, from, to int) serialproto.PutArgs {
	data := piecesOf(args)[o]
	return serialproto.PutArgs{
		Op: serialproto.OpPut, Obj: o, Offset: uint32(from), Total: uint32(len(data)), SHA256: digest(data),
		Data: data[from:min(to, len(data))], EnrollID: args.EnrollID,
	}
}

// putAll brings all objects of a bundle in pieces, and goes on where the device has some of them.
func (d *dut) putAll(args serialproto.InstallArgs) {
	size := min(d.room()-128, 700)
	d.fx.staged = true
	for o, data := range piecesOf(args) {
		for from := 0; from < len(data); {
			p := d.piece(args, o, from, from+size)
			var r serialproto.PutResult
			h, _ := d.ask(p, &r)
			switch {
			case h.Status == serialproto.StatusUnknownOp:
				d.skip("the device has no PUT")
			case h.Status == serialproto.StatusBadOffset && from == 0 && h.NextOffset > 0:
				from = int(h.NextOffset)
				continue
			case h.Status != serialproto.StatusOK:
				d.fail("PUT of object %d at %d: want ok, got %s", o, from, statusWords(h))
			}
			from += len(p.Data)
			d.check(int(r.NextOffset) == from, "PUT of object %d: want next offset %d, got %d", o, from, r.NextOffset)
		}
	}
}

// pieces brings a bundle in pieces and commits it.
func (d *dut) pieces(args serialproto.InstallArgs) serialproto.ResponseHead {
	d.putAll(args)
	h, _ := d.ask(commitOf(args), nil)
	return h
}

// bring is pieces for a bundle that has to be taken.
func (d *dut) bring(args serialproto.InstallArgs) serialproto.InstallResult {
	d.putAll(args)
	var r serialproto.InstallResult
	d.ok(commitOf(args), &r)
	return r
}

func putCase(d *dut) {
	args := d.bundle()
	r := d.bring(args)
	d.installed(args, r)
	d.check(d.status().State == serialproto.StateInstalled, "want state 2 after COMMIT")
	d.reads(serialproto.ObjAnchor, args.Chain, "COMMIT")
}

// putFirst puts the first bytes of the anchors, or says that the device has no PUT.
func (d *dut) putFirst(args serialproto.InstallArgs, n int) {
	d.fx.staged = true
	var r serialproto.PutResult
	h, _ := d.ask(d.piece(args, serialproto.ObjAnchor, 0, n), &r)
	if h.Status == serialproto.StatusUnknownOp {
		d.skip("the device has no PUT")
	}
	d.check(h.Status == serialproto.StatusOK && int(r.NextOffset) == n, "want the first %d bytes taken, got %s, next offset %d", n, statusWords(h), r.NextOffset)
}

func putOffset(d *dut) {
	args := d.bundle()
	d.putFirst(args, 100)
	for _, from := range []int{0, 50, 101, 200} {
		h := d.refused("a piece that does not follow", d.piece(args, serialproto.ObjAnchor, from, from+60), serialproto.StatusBadOffset)
		d.check(h.NextOffset == 100, "want status 14 with next offset 100, got %d", h.NextOffset)
	}
	var r serialproto.PutResult
	d.ok(d.piece(args, serialproto.ObjAnchor, 100, 180), &r)
	d.check(r.NextOffset == 180, "want next offset 180, got %d", r.NextOffset)
}

func putResume(d *dut) {
	args := d.bundle()
	d.putFirst(args, 100)
	d.greet(nil)
	o, ok := d.status().Objects[serialproto.ObjAnchor]
	total := len(piecesOf(args)[serialproto.ObjAnchor])
	d.check(ok && int(o.Length) == total && o.Received == 100, "want STATUS to say 100 of %d bytes of object 3 after a lost session, got %d of %d", total, o.Received, o.Length)
	var r serialproto.PutResult
	d.ok(d.piece(args, serialproto.ObjAnchor, 100, 160), &r)
	d.check(r.NextOffset == 160, "want to go on at 160, got %d", r.NextOffset)
}

func putBounds(d *dut) {
	args := d.bundle()
	d.putFirst(args, 10)
	for _, x := range []struct {
		what   string
		change func(*serialproto.PutArgs)
	}{
		{"a piece beyond its object", func(p *serialproto.PutArgs) { p.Offset = p.Total - 1 }},
		{"an offset near 2^32", func(p *serialproto.PutArgs) { p.Offset = 1<<32 - 2 }},
		{"a total of 32769", func(p *serialproto.PutArgs) { p.Total = 32769 }},
		{"a total of 0", func(p *serialproto.PutArgs) { p.Total, p.Data = 0, []byte{} }},
		{"a piece without bytes", func(p *serialproto.PutArgs) { p.Data = []byte{} }},
		{"object 2, which is part of object 3", func(p *serialproto.PutArgs) { p.Obj = serialproto.ObjChain }},
		{"object 9", func(p *serialproto.PutArgs) { p.Obj = 9 }},
		{"a digest of 31 bytes", func(p *serialproto.PutArgs) { p.SHA256 = p.SHA256[:31] }},
	} {
		p := d.piece(args, serialproto.ObjAnchor, 10, 20)
		x.change(&p)
		d.refused(x.what, p, serialproto.StatusBadArgument, serialproto.StatusTooLarge)
	}
	p := d.piece(args, serialproto.ObjAnchor, 10, 20)
	p.EnrollID = d.newEnroll().EnrollID
	d.refused("a piece for another enrollment", p, serialproto.StatusWrongState)
}

func putDigest(d *dut) {
	args := d.bundle()
	d.putAll(args)
	wrong := digest([]byte("something else"))
	data := piecesOf(args)[serialproto.ObjLeaf]
	for from := 0; from < len(data); from += 300 {
		p := d.piece(args, serialproto.ObjLeaf, from, from+300)
		p.SHA256 = wrong
		d.ok(p, nil)
	}
	c := commitOf(args)
	c.Objects[serialproto.ObjLeaf] = wrong
	d.refused("COMMIT of a leaf that has another digest", c, serialproto.StatusHashMismatch)
	d.untouched("COMMIT of a wrong digest")
}

func commitMissing(d *dut) {
	args := d.bundle()
	d.putFirst(args, 10)
	h, _ := d.ask(commitOf(args), nil)
	d.check(h.Status != serialproto.StatusOK, "want COMMIT of what is not whole refused, got ok")
	d.untouched("COMMIT of what is not whole")
	c := commitOf(args)
	c.Objects = map[serialproto.Obj][]byte{}
	d.refused("COMMIT of nothing", c, serialproto.StatusBadArgument)
}

func commitAgain(d *dut) {
	args := d.bundle()
	r := d.bring(args)
	d.installed(args, r)
	d.greet(nil)
	var again serialproto.InstallResult
	d.ok(commitOf(args), &again)
	d.installed(args, again)
}
