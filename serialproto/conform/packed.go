package conform

import (
	"bytes"
	"compress/flate"

	"provstation/serialproto"
)

func packedCases() []Case {
	list := []Case{
		{ID: "packed-install", Text: "INSTALL packed after the dictionary, with and without the CSR, is answered as INSTALL is", run: packedInstall},
		{ID: "packed-broken", Text: "what does not unpack, or to another digest, is refused with status 9, and nothing is stored", run: packedBroken},
		{ID: "packed-bomb", Text: "what unpacks to more than max_msg is refused with status 5, and nothing is stored", run: packedBomb},
		{ID: "packed-other", Text: "another request than INSTALL or RENEW in it, itself included, is refused with status 9", run: packedOther},
	}
	for i := range list {
		list[i].Level, list[i].Clause, list[i].limit = Must, "Packed", keyPatience
		list[i].State, list[i].Features = serialproto.StateKeyed, serialproto.FeaturePacked
	}
	return list
}

// deflated packs whatever it is given.
func (d *dut) deflated(request, csr []byte) serialproto.PackedArgs {
	var b bytes.Buffer
	w, err := flate.NewWriterDict(&b, flate.BestCompression, append(serialproto.Dictionary(), csr...))
	if err == nil {
		_, err = w.Write(request)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		panic(outcome{verdict: Fail, note: "the suite: " + err.Error()})
	}
	return serialproto.PackedArgs{Op: serialproto.OpPacked, Data: b.Bytes(), WithCSR: len(csr) > 0, Digest: digest8(request)}
}

func packedInstall(d *dut) {
	for _, csr := range [][]byte{nil, d.fx.csr} {
		args := d.bundle()
		request := d.encode(args)
		if len(request) > d.room() {
			d.skip("a bundle is larger than max_msg")
		}
		packed := d.deflated(request, csr)
		var r serialproto.InstallResult
		d.ok(packed, &r)
		d.installed(args, r)
		d.remark("%d bytes for %d", len(packed.Data), len(request))
	}
}

func packedBroken(d *dut) {
	request := d.encode(d.bundle())
	whole := d.deflated(request, d.fx.csr)
	half, other, without := whole, whole, whole
	half.Data = whole.Data[:len(whole.Data)/2]
	other.Digest = digest8(whole.Data)
	without.WithCSR = false
	for what, packed := range map[string]serialproto.PackedArgs{
		"half of it": half, "another digest": other, "packed after the CSR and said not to be": without,
		"no DEFLATE": {Op: serialproto.OpPacked, Data: bytes.Repeat([]byte{0xff}, 40), Digest: digest8(nil)},
	} {
		d.refused(what, packed, serialproto.StatusHashMismatch)
		d.untouched(what)
	}
}

func packedBomb(d *dut) {
	d.refused("packed bomb", d.deflated(make([]byte, 16<<20), nil), serialproto.StatusTooLarge)
	d.untouched("a packed bomb")
}

func packedOther(d *dut) {
	inner := d.deflated(d.encode(d.bundle()), nil)
	lock := serialproto.LockArgs{Op: serialproto.OpLock, EnrollID: d.fx.enrollID}
	for what, request := range map[string][]byte{"PACKED in PACKED": d.encode(inner), "LOCK in PACKED": d.encode(lock)} {
		d.refused(what, d.deflated(request, nil), serialproto.StatusHashMismatch)
		d.untouched(what)
	}
}
