package conform

import (
	"bytes"
	"slices"

	"provstation/serialproto"
)

func aheadCases() []Case {
	list := []Case{
		{ID: "ahead-install", Text: "what comes ahead, in any order, is not answered, and INSTALL packed after it is answered as INSTALL is", run: aheadInstall},
		{ID: "ahead-latest", Text: "the latest message that came ahead whole is the one, whatever came of another since", run: aheadLatest},
		{ID: "ahead-missing", Text: "PACKED after what did not come, or not whole, is refused with status 9, and nothing is stored", run: aheadMissing},
		{ID: "ahead-session", Text: "what came ahead is void in another session: PACKED after it is refused with status 9", run: aheadSession},
		{ID: "ahead-bounds", Text: "what comes ahead and is too long, packed or unpacked, has too many fragments or no id, or does not unpack changes nothing", run: aheadBounds},
	}
	for i := range list {
		list[i].Level, list[i].Clause, list[i].limit = Must, "Ahead", keyPatience
		list[i].State, list[i].Features = serialproto.StateKeyed, serialproto.FeaturePacked|serialproto.FeatureAhead
	}
	return list
}

// aheadFrames are a message that comes ahead, in so many fragments.
func aheadFrames(id uint8, data []byte, fragments int) (frames []serialproto.Frame) {
	size := max(1, (len(data)+fragments-1)/fragments)
	for part := range slices.Chunk(data, size) {
		frames = append(frames, serialproto.Frame{Kind: serialproto.KindAhead, ID: id, Idx: uint8(len(frames)), Payload: part})
	}
	for i := range frames {
		frames[i].Last = uint8(len(frames) - 1)
	}
	return frames
}

// sayAhead says frames, which nothing answers.
func (d *dut) sayAhead(frames ...serialproto.Frame) {
	for _, f := range frames {
		d.say(f)
	}
	d.nothing("what came ahead", kinds(serialproto.KindAck, serialproto.KindRsp, serialproto.KindBusy))
}

// fragmentsOf is in how many fragments data goes here: some, of frames that the device takes.
func (d *dut) fragmentsOf(data []byte) int {
	n := max(3, (len(data)+int(d.welcome.MTU)-1)/int(d.welcome.MTU))
	if n > serialproto.MaxAheadFrames {
		d.skip("a chain takes more frames of this mtu than may come ahead")
	}
	return n
}

// after packs a request after what came ahead, and the CSR.
func (d *dut) after(ahead, request []byte) serialproto.PackedArgs {
	p := d.deflated(request, append(bytes.Clone(ahead), d.fx.csr...))
	p.Ahead = digest8(ahead)
	return p
}

func aheadInstall(d *dut) {
	chain := bytes.Join(d.ca.chain(), nil)
	data := serialproto.PackAhead(chain)
	frames := aheadFrames(5, data, d.fragmentsOf(data))
	slices.Reverse(frames)
	d.sayAhead(frames...)
	args := d.bundle()
	request := d.encode(args)
	if len(request) > d.room() {
		d.skip("a bundle is larger than max_msg")
	}
	for range 2 { // it stays
		packed := d.after(chain, request)
		var r serialproto.InstallResult
		d.ok(packed, &r)
		d.installed(args, r)
		d.remark("%d bytes ahead, then %d for %d", len(data), len(packed.Data), len(request))
	}
}

func aheadLatest(d *dut) {
	chain, other := bytes.Join(d.ca.chain(), nil), bytes.Repeat([]byte("another"), 9)
	args := d.bundle()
	request := d.encode(args)
	if len(request) > d.room() {
		d.skip("a bundle is larger than max_msg")
	}
	data := serialproto.PackAhead(chain)
	d.sayAhead(aheadFrames(1, serialproto.PackAhead(other), 1)...)
	d.refused("PACKED after what did not come yet", d.after(chain, request), serialproto.StatusHashMismatch)
	d.sayAhead(aheadFrames(2, data, d.fragmentsOf(data))...)
	d.sayAhead(aheadFrames(3, serialproto.PackAhead(other), 2)[0])
	d.refused("PACKED after what came before the latest", d.after(other, request), serialproto.StatusHashMismatch)
	var r serialproto.InstallResult
	d.ok(d.after(chain, request), &r)
	d.installed(args, r)
}

func aheadMissing(d *dut) {
	chain := bytes.Join(d.ca.chain(), nil)
	request := d.encode(d.bundle())
	data := serialproto.PackAhead(chain)
	d.greet(nil)
	for _, c := range []struct {
		what   string
		frames []serialproto.Frame
	}{
		{"nothing", nil},
		{"all but its end", aheadFrames(1, data, d.fragmentsOf(data))[:2]},
		{"another", aheadFrames(2, serialproto.PackAhead(chain[1:]), d.fragmentsOf(data))},
	} {
		d.sayAhead(c.frames...)
		d.refused("PACKED where this came ahead: "+c.what, d.after(chain, request), serialproto.StatusHashMismatch)
		d.untouched("PACKED after what did not come")
	}
}

func aheadSession(d *dut) {
	chain := bytes.Join(d.ca.chain(), nil)
	data := serialproto.PackAhead(chain)
	d.sayAhead(aheadFrames(1, data, d.fragmentsOf(data))...)
	d.ok(serialproto.SimpleArgs{Op: serialproto.OpStatus}, &serialproto.StatusResult{})
	d.greet(nil)
	d.refused("PACKED after what came in another session", d.after(chain, d.encode(d.bundle())), serialproto.StatusHashMismatch)
	d.untouched("PACKED after what came in another session")
}

func aheadBounds(d *dut) {
	bomb := d.deflated(make([]byte, serialproto.MaxAhead+1), nil).Data
	long := bytes.Repeat([]byte{0xff}, serialproto.MaxAheadPacked+1)
	for what, frames := range map[string][]serialproto.Frame{
		"unpacks to too much": aheadFrames(1, bomb, 2),
		"too long":            aheadFrames(2, long, (len(long)+serialproto.MaxPayload-1)/serialproto.MaxPayload),
		"too many fragments":  aheadFrames(3, long[:serialproto.MaxAheadFrames+1], serialproto.MaxAheadFrames+1),
		"does not unpack":     aheadFrames(4, long[:40], 1),
		"no id":               aheadFrames(0, long[:40], 1),
	} {
		d.sayAhead(frames...)
		zeros := make([]byte, serialproto.MaxAhead+1)
		d.refused("PACKED after what "+what, d.after(zeros, d.encode(d.bundle())), serialproto.StatusHashMismatch)
		d.untouched("what came ahead: " + what)
	}
}
