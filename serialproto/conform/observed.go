package conform

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"provstation/serialproto"
)

// observed is what every case sees in passing, judged at the end.
type observed struct {
	welcome []byte // the newest, as it came
	frames  int
	logs    int
	rules   map[string]string // rule to the first breach of it
}

// Rules that all frames of a device keep.
const (
	ruleForm = "form"
	ruleMTU  = "mtu"
	ruleLog  = "log"
)

func newObserved() observed { return observed{rules: map[string]string{}} }

func (o *observed) breach(rule, format string, args ...any) {
	if _, twice := o.rules[rule]; !twice {
		o.rules[rule] = escape(fmt.Sprintf(format, args...))
	}
}

// frame looks at a sound frame. mtu is the agreed one, 0 outside of sessions.
func (o *observed) frame(f serialproto.Frame, mtu uint16) {
	o.frames++
	if f.Dir == serialproto.HostToDevice {
		o.breach(ruleForm, "a frame with the host's direction bit came: the device or its line echoes (%v)", f.Kind)
		return
	}
	switch f.Kind {
	case serialproto.KindAnnounce, serialproto.KindLog:
		if f.ID != 0 || f.Idx != 0 || f.Last != 0 {
			o.breach(ruleForm, "%v has id %d, idx %d, last %d, not 0", f.Kind, f.ID, f.Idx, f.Last)
		}
	case serialproto.KindBusy, serialproto.KindBye:
		if f.Idx != 0 || f.Last != 0 {
			o.breach(ruleForm, "%v has idx %d, last %d, not 0", f.Kind, f.Idx, f.Last)
		}
	case serialproto.KindAck, serialproto.KindAhead:
		if f.Idx > 1 {
			o.breach(ruleForm, "%v has idx %d, not 0 or 1", f.Kind, f.Idx)
		}
	case serialproto.KindWelcome, serialproto.KindRsp:
		if mtu > 0 && len(f.Payload) > int(mtu) {
			o.breach(ruleMTU, "%v carries %d bytes, the agreed mtu is %d", f.Kind, len(f.Payload), mtu)
		}
	default:
		o.breach(ruleForm, "a device sends no %v", f.Kind)
	}
	if f.Kind == serialproto.KindLog {
		o.log(f.Payload)
	}
}

func (o *observed) log(line []byte) {
	o.logs++
	switch {
	case !utf8.Valid(line):
		o.breach(ruleLog, "a LOG frame is no UTF-8: %s", dump(line))
	case strings.ContainsFunc(string(line), unicode.IsControl):
		o.breach(ruleLog, "a LOG frame holds control characters: %q", line)
	}
}

// heardCases judge what was seen in passing.
func heardCases() []Case {
	return []Case{
		{
			ID: "frames-form", Clause: "Kinds", Level: Must, any: true,
			Text: "all frames of the whole suite have the direction, id, idx and last that their kind demands",
			run:  func(d *dut) { d.obeyed(ruleForm, d.seen.frames, "frames") },
		},
		{
			ID: "frames-mtu", Clause: "Messages in fragments", Level: Must, any: true,
			Text: "no fragment of the whole suite was larger than the mtu of its session",
			run:  func(d *dut) { d.obeyed(ruleMTU, d.seen.frames, "frames") },
		},
		{
			ID: "log-form", Clause: "Kinds", Level: Must, any: true,
			Text: "a LOG frame is one line of UTF-8 without control characters",
			run:  func(d *dut) { d.obeyed(ruleLog, d.seen.logs, "LOG frames") },
		},
	}
}

// obeyed judges a rule by what was seen.
func (d *dut) obeyed(rule string, n int, what string) {
	if n == 0 {
		d.skip("no %s came", what)
	}
	if why, bad := d.seen.rules[rule]; bad {
		d.fail("%s", why)
	}
	d.remark("%d %s", n, what)
}
