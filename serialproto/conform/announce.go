package conform

import (
	"bytes"
	"slices"
	"time"

	"provstation/serialproto"
)

// Times of ANNOUNCE.
const (
	announceEvery = 250 * time.Millisecond
	announceCount = 9
)

// announceCases look at a device that nobody has said anything to.
func announceCases() []Case {
	const clause = "Session"
	return []Case{
		{
			ID: "announce-idle", Clause: clause, Level: Must, idle: true, run: announceIdle,
			Text: "an idle device says ANNOUNCE: versions with 1 among them, a boot id of 8 bytes, deterministic CBOR",
		},
		{
			ID: "announce-same", Clause: clause, Level: Must, idle: true, run: announceSame,
			Text: "as long as it runs it says the same of itself",
		},
		{
			ID: "announce-cadence", Clause: clause, Level: Should, idle: true, run: announceCadence,
			Text: "it does so every 250 ms, give or take a tenth",
		},
	}
}

// nextAnnounce waits for one and decodes it.
func (d *dut) nextAnnounce(wait time.Duration) (serialproto.Announce, heard) {
	f, ok := d.hear(wait, kinds(serialproto.KindAnnounce))
	if !ok {
		d.fail("want ANNOUNCE within %v, got none", wait)
	}
	var a serialproto.Announce
	if err := serialproto.Decode(f.Payload, &a); err != nil {
		d.fail("want an ANNOUNCE as specified, got %s: %v", dump(f.Payload), err)
	}
	return a, f
}

func announceIdle(d *dut) {
	a, f := d.nextAnnounce(announced)
	d.check(f.ID == 0 && f.Idx == 0 && f.Last == 0, "want id, idx and last 0, got %d, %d, %d", f.ID, f.Idx, f.Last)
	d.check(a.MinVersion <= 1 && a.MaxVersion >= 1, "want version 1 among those it speaks, got %d to %d", a.MinVersion, a.MaxVersion)
	d.announce = a
	d.remark("model %q, hardware serial %q", a.Model, a.Serial)
}

func announceSame(d *dut) {
	first, f := d.nextAnnounce(announced)
	for range 3 {
		a, next := d.nextAnnounce(announced)
		d.check(bytes.Equal(a.BootID, first.BootID), "want one boot id, got %x after %x: it restarts", a.BootID, first.BootID)
		d.check(bytes.Equal(next.Payload, f.Payload), "want the same ANNOUNCE again, got %s", dump(next.Payload))
	}
}

func announceCadence(d *dut) {
	d.nextAnnounce(announced)
	d.queue = nil
	_, first := d.nextAnnounce(announced)
	at := first.at
	var gaps []time.Duration
	for range announceCount - 1 {
		_, f := d.nextAnnounce(announced)
		gaps = append(gaps, f.at.Sub(at))
		at = f.at
	}
	mean := at.Sub(first.at) / time.Duration(len(gaps))
	least, most := slices.Min(gaps), slices.Max(gaps)
	d.remark("every %v, from %v to %v", mean.Round(time.Millisecond), least.Round(time.Millisecond), most.Round(time.Millisecond))
	tenth := announceEvery / 10
	within := mean >= announceEvery-tenth && mean <= announceEvery+tenth
	// Single gaps suffer from adapters and the system of this host, too.
	loose := tenth + announceEvery/5 + 2*d.cfg.Latency + d.wire(serialproto.MaxWire)
	d.check(within && least >= announceEvery-loose && most <= announceEvery+loose,
		"want 225 to 275 ms, got %v on average, from %v to %v", mean.Round(time.Millisecond), least.Round(time.Millisecond), most.Round(time.Millisecond))
}
