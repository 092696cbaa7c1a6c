package conform

import (
	"bytes"
	"slices"

	"provstation/serialproto"
)

func aheadCases() []Case {
	list := []Case{
		{ID: "ahead-install", Text: "what comes ahead, in any order, is not acknowledged, and INSTALL packed after it is answered as INSTALL is", run: aheadInstall},
		{ID: "ahead-latest", Text: "the latest message that came ahead whole is the one, whatever came of another since", run: aheadLatest},
		{ID: "ahead-missing", Text: "PACKED after what did not come, or not whole, is refused with status 9, and nothing is stored", run: aheadMissing},
		{ID: "ahead-session", Text: "what came ahead is void in another session: PACKED after it is refused with status 9", run: aheadSession},
		{ID: "ahead-bounds", Text: "what comes ahead and is too long, has too many fragments or no id changes nothing", run: aheadBounds},
		{ID: "ahead-bomb", Text: "PACKED after what does not unpack, or to more than 8192 bytes, is refused with status 9, and nothing is stored", run: aheadBomb},
		{ID: "ahead-missed", Level: Should, Text: "what is missing of a message that comes ahead is said: on a gap, and once where a request comes", run: aheadMissed},
	}
	for i := range list {
		if list[i].Level == 0 {
			list[i].Level = Must
		}
		list[i].Clause, list[i].limit = "Ahead", keyPatience
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

// sayAhead says frames, which nothing answers; what is missing of them may be said.
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

// deflatedAlone is raw DEFLATE after the dictionary, however much it is.
func (d *dut) deflatedAlone(content []byte) []byte { return d.deflated(content, nil).Data }

func aheadBounds(d *dut) {
	chain := bytes.Join(d.ca.chain(), nil)
	args := d.bundle()
	request := d.encode(args)
	if len(request) > d.room() {
		d.skip("a bundle is larger than max_msg")
	}
	data := serialproto.PackAhead(chain)
	d.sayAhead(aheadFrames(1, data, d.fragmentsOf(data))...)
	noise := make([]byte, serialproto.MaxAheadPacked+1)
	for i, x := 0, uint32(1); i < len(noise); i++ {
		x = x*1664525 + 1013904223
		noise[i] = byte(x >> 24)
	}
	long, other := d.deflatedAlone(noise), append(bytes.Clone(chain), "another"...)
	for _, c := range []struct {
		what    string
		content []byte
		frames  []serialproto.Frame
	}{
		{"is too long", noise, aheadFrames(2, long, (len(long)+int(d.welcome.MTU)-1)/int(d.welcome.MTU))},
		{"has too many fragments", other, aheadFrames(3, d.deflatedAlone(other), serialproto.MaxAheadFrames+1)},
		{"has no id", other, aheadFrames(0, d.deflatedAlone(other), d.fragmentsOf(data))},
	} {
		d.sayAhead(c.frames...)
		d.refused("PACKED after what "+c.what, d.after(c.content, request), serialproto.StatusHashMismatch)
		var r serialproto.InstallResult
		d.ok(d.after(chain, request), &r)
		d.installed(args, r)
	}
}

func aheadBomb(d *dut) {
	zeros := make([]byte, serialproto.MaxAhead+1)
	for i, data := range [][]byte{d.deflatedAlone(zeros), bytes.Repeat([]byte{0xff}, 40)} {
		what := []string{"unpacks to too much", "does not unpack"}[i]
		d.sayAhead(aheadFrames(uint8(i+1), data, 2)...)
		d.refused("PACKED after what "+what, d.after(zeros, d.encode(d.bundle())), serialproto.StatusHashMismatch)
		d.untouched("what came ahead and " + what)
	}
}

func aheadMissed(d *dut) {
	data := serialproto.PackAhead(bytes.Join(d.ca.chain(), nil))
	frames := aheadFrames(7, data, d.fragmentsOf(data))
	says := func(what string, idx uint8, bitmap byte) {
		f, ok := d.hear(d.slack()+alert, kinds(serialproto.KindAhead))
		d.check(ok && f.ID == 7 && f.Idx == idx && f.Last == frames[0].Last && len(f.Payload) > 0 && f.Payload[0] == bitmap,
			"want AHEAD id 7, idx %d, last %d, bitmap %08b %s, got %s", idx, frames[0].Last, bitmap, what, said(f, ok))
	}
	d.say(frames[0])
	d.say(frames[2])
	says("on a gap", 0, 0b101)
	d.say(d.statusFrame(d.nextID()))
	says("where a request comes and something is missing", 1, 0b101)
	d.say(d.statusFrame(d.nextID()))
	d.nothing("a request after the one that something was said to be missing at", kinds(serialproto.KindAhead))
}
