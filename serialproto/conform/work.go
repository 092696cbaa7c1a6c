package conform

import (
	"time"

	"provstation/serialproto"
)

// Times of BUSY (Reliability 7).
const (
	busyFirst = 40 * time.Millisecond
	busyLeast = 100 * time.Millisecond
	busyMost  = 500 * time.Millisecond
)

// workCases watch a device that works for a while.
func workCases() []Case {
	const busy = "Reliability 7"
	checks := serialproto.FeatureCheckMQTT
	return []Case{
		{ID: "busy-enroll", Clause: busy, Level: Must, limit: keyPatience, run: busyEnroll, Text: "a device that makes a key for longer than 40 ms says BUSY then, and every 100 to 500 ms"},
		{
			ID: "check-mqtt", Clause: "Checks that the device runs", Level: Must, limit: keyPatience, State: serialproto.StateInstalled, Features: checks, run: checkMQTT,
			Text: "CHECK_MQTT to nobody ends within its seconds with a result that says why",
		},
		{ID: "check-mqtt-argument", Clause: "Messages", Level: Must, State: serialproto.StateInstalled, Features: checks, run: checkArgument, Text: "CHECK_MQTT without a host, or for 0 or 121 seconds, is answered with status 4"},
		{ID: "busy-check", Clause: busy, Level: Must, limit: keyPatience, State: serialproto.StateInstalled, Features: checks, run: busyCheck, Text: "while a check runs BUSY comes every 100 to 500 ms, and in answer to a repeated request"},
		{ID: "cancel", Clause: "Kinds", Level: Must, limit: keyPatience, State: serialproto.StateInstalled, Features: checks, run: cancel, Text: "CANCEL ends a check, and the next request is taken"},
		{ID: "hello-at-work", Clause: "Session", Level: Must, limit: keyPatience, State: serialproto.StateInstalled, Features: checks, run: helloAtWork, Text: "HELLO ends what runs, and opens a session once it has ended"},
		{
			ID: "check-wg", Clause: "Checks that the device runs", Level: Must, limit: keyPatience, State: serialproto.StateInstalled, Features: serialproto.FeatureCheckWG, run: checkWG,
			Text: "CHECK_WG of a tunnel to nobody ends within its seconds with a result that says why; 0 seconds are refused with status 4",
		},
	}
}

// paced holds the BUSY frames of an answer against the rule. Single times suffer from this host and from adapters: a device
// fails where it is late by more than they explain, or too fast on average.
func (d *dut) paced(a answer) {
	worked := a.took - d.trip // at most: the way there and back is none of its work
	margin := alert + 2*d.cfg.Latency + d.wire(serialproto.MaxWire)
	if len(a.busy) == 0 {
		d.check(worked <= busyMost, "want BUSY from a device that works for %v, got none", a.took.Round(time.Millisecond))
		d.skip("the device answers in %v: too soon for BUSY", a.took.Round(time.Millisecond))
	}
	first := a.busy[0].Sub(a.asked)
	d.check(first <= busyFirst+margin+d.trip, "want the first BUSY 40 ms after the request was heard, got it after %v", first.Round(time.Millisecond))
	for i, at := range a.busy[1:] {
		gap := at.Sub(a.busy[i])
		d.check(gap <= busyMost+margin, "want BUSY every 100 to 500 ms, got a gap of %v", gap.Round(time.Millisecond))
	}
	if n := len(a.busy); n > 3 {
		mean := a.busy[n-1].Sub(a.busy[0]) / time.Duration(n-1)
		d.check(mean >= busyLeast*9/10, "want BUSY every 100 to 500 ms, got one every %v", mean.Round(time.Millisecond))
	}
	d.remark("%d in %v", len(a.busy), a.took.Round(time.Millisecond))
}

func busyEnroll(d *dut) {
	_, a := d.enroll(d.newEnroll())
	d.paced(a)
}

// nobody is a broker that does not answer: an address of documentation (RFC 5737).
func nobody(seconds uint8) serialproto.CheckMQTTArgs {
	return serialproto.CheckMQTTArgs{Op: serialproto.OpCheckMQTT, Host: "192.0.2.1", Port: 8883, ServerName: "broker.example", Seconds: seconds}
}

// checkRequest is nobody with the server that the device's policy allows.
func (d *dut) checkRequest(seconds uint8) serialproto.CheckMQTTArgs {
	a := nobody(seconds)
	a.ServerName = d.cfg.ServerName
	return a
}

func checkMQTT(d *dut) {
	var r serialproto.CheckMQTTResult
	h, a := d.ask(d.checkRequest(2), &r)
	d.judged(h)
	d.check(!r.OK && r.Reason != "" && r.Sentence != "", "want a check of nobody to fail with a reason and a sentence, got ok %v, %q, %q", r.OK, r.Reason, r.Sentence)
	d.check(a.took < 5*time.Second, "want the check to end within its 2 s, got %v", a.took.Round(time.Millisecond))
	d.remark("%s: %s", r.Reason, r.Sentence)
}

// judged skips what the device's policy does not allow.
func (d *dut) judged(h serialproto.ResponseHead) {
	if h.Status == serialproto.StatusRefused {
		d.skip("its policy names other servers than %s: %s", d.cfg.ServerName, statusWords(h))
	}
	d.check(h.Status == serialproto.StatusOK, "want a failed check to be a result, got %s", statusWords(h))
}

func checkArgument(d *dut) {
	for _, req := range []map[uint8]any{{0: 21, 11: 2}, {0: 21, 1: "", 11: 2}, {0: 21, 1: "192.0.2.1"}, {0: 21, 1: "192.0.2.1", 11: 0}, {0: 21, 1: "192.0.2.1", 11: 121}} {
		d.refused(dump(d.encode(req)), req, serialproto.StatusBadArgument)
	}
}

// begin asks for a check and waits until the device says that it is at it.
func (d *dut) begin(seconds uint8) (id uint8, parts [][]byte) {
	id, parts = d.nextID(), split(d.encode(d.checkRequest(seconds)), int(d.welcome.MTU))
	for i := range parts {
		d.sayAll(id, parts, i)
	}
	f, ok := d.hear(time.Second+d.slack(), func(f serialproto.Frame) bool { return answers(id)(f) && f.Kind != serialproto.KindAck })
	d.check(ok, "want BUSY or a response to a check, got neither")
	if f.Kind == serialproto.KindRsp {
		d.skip("the check ended at once: there is nothing to watch")
	}
	return id, parts
}

func busyCheck(d *dut) {
	id, parts := d.begin(3)
	last := time.Now()
	for range 4 {
		f, ok := d.hear(busyMost+d.slack(), answers(id))
		d.check(ok, "want BUSY every 500 ms at most while a check runs, got none")
		if f.Kind == serialproto.KindRsp {
			d.skip("the check ended after %v: too soon to tell", time.Since(last).Round(time.Millisecond))
		}
	}
	// In answer to a repeated fragment, within less than any pause between two.
	d.hear(busyMost+d.slack(), kinds(serialproto.KindBusy))
	d.idle(busyFirst)
	d.queue = nil
	d.sayAll(id, parts, len(parts)-1)
	f, ok := d.hear(busyLeast+2*d.cfg.Latency+d.wire(2*serialproto.MaxWire)+alert/5, answers(id))
	d.check(ok && f.Kind == serialproto.KindBusy, "want BUSY in answer to a repeated fragment, got %s", said(f, ok))
	d.ends(id)
}

// ends waits for the response to a request, whatever it is.
func (d *dut) ends(id uint8) {
	for {
		f, ok := d.hear(busyMost+time.Second+d.slack(), answers(id))
		d.check(ok, "want BUSY or the response, got silence")
		if f.Kind == serialproto.KindRsp {
			return
		}
	}
}

func cancel(d *dut) {
	id, _ := d.begin(20)
	d.say(serialproto.Frame{Kind: serialproto.KindCancel, ID: id})
	start := time.Now()
	d.status()
	d.check(time.Since(start) < 5*time.Second, "want the next request answered once CANCEL has ended the check, got it after %v", time.Since(start).Round(time.Millisecond))
}

func helloAtWork(d *dut) {
	d.begin(20)
	start := time.Now()
	d.greet(nil)
	d.status()
	d.check(time.Since(start) < 5*time.Second, "want HELLO to end the check, got a session after %v", time.Since(start).Round(time.Millisecond))
}

func checkWG(d *dut) {
	d.refused("CHECK_WG for 0 seconds", map[uint8]any{0: 22}, serialproto.StatusBadArgument)
	var r serialproto.CheckWGResult
	h, a := d.ask(serialproto.CheckWGArgs{Op: serialproto.OpCheckWG, Seconds: 1}, &r)
	if h.Status == serialproto.StatusWrongState && len(d.fx.conf) == 0 {
		d.skip("no tunnel is installed")
	}
	d.check(h.Status == serialproto.StatusOK, "want a failed check to be a result, got %s", statusWords(h))
	d.check(!r.OK && r.Reason != "", "want a tunnel to nobody not to shake hands, got ok %v, reason %q", r.OK, r.Reason)
	d.check(a.took < 5*time.Second, "want the check to end within its second, got %v", a.took.Round(time.Millisecond))
	d.remark("%s: %s", r.Reason, r.Sentence)
}

// rebootCases restart the device.
func rebootCases() []Case {
	return []Case{{
		ID: "reboot", Clause: "Session", Level: Must, limit: 5 * time.Minute, State: serialproto.StateKeyed, Reboots: true, run: reboot,
		Text: "REBOOT is answered, then the device comes back with another boot id and the key it had",
	}}
}

func reboot(d *dut) {
	was, key := d.welcome.BootID, d.fx
	h, _ := d.ask(serialproto.SimpleArgs{Op: serialproto.OpReboot}, nil)
	if h.Status == serialproto.StatusRefused || h.Status == serialproto.StatusUnknownOp {
		d.skip("REBOOT is not done here: %s", statusWords(h))
	}
	d.check(h.Status == serialproto.StatusOK, "want ok or status 13, got %s", statusWords(h))
	for {
		a, _ := d.nextAnnounce(4 * time.Minute)
		if string(a.BootID) != string(was) {
			d.announce = a
			break
		}
	}
	d.greet(nil)
	d.check(string(d.welcome.BootID) != string(was), "want another boot id after REBOOT, got %x again", was)
	st := d.status()
	d.check(string(st.SPKI) == string(digest(key.spki)) && string(st.CSR) == string(digest(key.csr)), "want the key from before REBOOT, got state %v, SPKI %s", st.State, dump(st.SPKI))
}
