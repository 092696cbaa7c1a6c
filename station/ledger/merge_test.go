package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"provstation/station"
	"provstation/station/audit"
)

// own opens a station's own file, with an outbox, whichever database the others' ledger is on.
func own(t *testing.T) *Ledger {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "own.db"), Config{Outbox: true})
}

func pending(t *testing.T, l *Ledger) []Entry {
	t.Helper()
	list, err := l.Pending(t.Context(), 1000)
	must(t, err)
	return list
}

// merge tells the shared ledger what waits, and clears the outbox.
func merge(t *testing.T, from, to *Ledger, stationID string) []Merged {
	t.Helper()
	done, err := to.Merge(t.Context(), stationID, pending(t, from))
	must(t, err)
	must(t, from.Acknowledge(t.Context(), done))
	if left := pending(t, from); len(left) != 0 {
		t.Errorf("outbox after a merge: got %d entries, want none", len(left))
	}
	return done
}

// insist has all that waits told whatever the answer is: as a station that lost the database does.
func insist(t *testing.T, l *Ledger, run string) {
	t.Helper()
	for _, k := range []FactKind{FactBind, FactKey, FactPost, FactCert, FactProof} {
		must(t, l.Insist(t.Context(), run, k))
	}
}

// at is the device at a station.
func (d *device) atStation(id string) station.RunStart {
	s := d.start()
	s.StationID, s.Station = id, "bench "+id
	return s
}

// passAt takes the device to its PASS at a station.
func (d *device) passAt(ctx context.Context, l *Ledger, stationID string) error {
	steps := []func() error{
		func() error { return l.BeginRun(ctx, d.atStation(stationID)) },
		func() error { _, err := l.IdentifyRun(ctx, d.run, d.observed()); return err },
		func() error { return l.RecordPhase(ctx, d.phase(station.PhaseIdentify)) },
		func() error { return l.BindDevice(ctx, d.binding()) },
		func() error { return l.BindKey(ctx, d.key()) },
		func() error { return l.PostBegun(ctx, d.posted()) },
		func() error { return l.SaveCertificate(ctx, d.cert()) },
		func() error { return l.SaveProof(ctx, d.proof()) },
		func() error { return l.FinishRun(ctx, d.finish(station.Pass)) },
	}
	for _, s := range steps {
		if err := s(); err != nil {
			return err
		}
	}
	return nil
}

func TestMergeTellsAll(t *testing.T) {
	ctx := t.Context()
	from, to := own(t), openNew(t)
	d := dev("HW-1")
	must(t, d.passAt(ctx, from, "st-a"))
	entries := pending(t, from)
	if len(entries) != 9 {
		t.Fatalf("outbox: got %d entries, want one for each fact", len(entries))
	}
	for i := 1; i < len(entries); i++ {
		if entries[i].Seq <= entries[i-1].Seq {
			t.Errorf("order: entry %d has number %d after %d", i, entries[i].Seq, entries[i-1].Seq)
		}
	}
	n, since, err := from.Waiting(ctx)
	must(t, err)
	if n != 9 || since.IsZero() {
		t.Errorf("waiting: got %d since %s, want 9 since the first", n, since)
	}

	// The answer of the first call is lost: the same again changes nothing.
	_, err = to.Merge(ctx, "st-a", entries)
	must(t, err)
	want, err := to.Run(ctx, d.run)
	must(t, err)
	merge(t, from, to, "st-a")
	got, err := to.Run(ctx, d.run)
	must(t, err)
	diff(t, got, want)
	here, err := from.Run(ctx, d.run)
	must(t, err)
	for i := range got.Posts { // when it ended is noted when it is heard of
		got.Posts[i].EndedAt = here.Posts[i].EndedAt
	}
	diff(t, got, here)
	if _, err := to.Passed(ctx, d.tenant, d.serial, d.spki, d.leaf); err != nil {
		t.Errorf("PASS in the shared ledger: got %v, want it", err)
	}
}

// Whoever waits for an answer is refused, and nothing of it is written.
func TestMergeRefuses(t *testing.T) {
	ctx := t.Context()
	to := openNew(t)
	first, second := dev("HW-1"), dev("HW-2")
	second.id = strings.ToUpper(first.id)
	a, b := own(t), own(t)
	must(t, first.passAt(ctx, a, "st-a"))
	merge(t, a, to, "st-a")
	must(t, b.BeginRun(ctx, second.atStation("st-b")))
	_, err := b.IdentifyRun(ctx, second.run, second.observed())
	must(t, err)
	must(t, b.BindDevice(ctx, second.binding()))
	done := merge(t, b, to, "st-b")
	if got := done[len(done)-1].Refused; !errors.Is(got, station.ErrDeviceIDTaken) {
		t.Errorf("id that another station's device has: got %v, want %v", got, station.ErrDeviceIDTaken)
	}
	must(t, b.Unbind(ctx, second.binding()))
	dup, err := to.Duplicates(ctx, DuplicateFilter{})
	must(t, err)
	if len(dup) != 0 {
		t.Errorf("duplicates: got %v, want none: the run did not go on", dup)
	}
	for _, l := range []*Ledger{to, b} {
		have, err := l.Device(ctx, second.tenant, second.serial)
		must(t, err)
		if have.DeviceID != "" {
			t.Errorf("device id: got %q, want none", have.DeviceID)
		}
	}
}

// Two stations that could not ask gave one key to two devices: both records are kept, both stations hear of it, and what each
// device is stays what its own station says.
func TestMergeKeepsDuplicates(t *testing.T) {
	ctx := t.Context()
	to, a, b := openNew(t), own(t), own(t)
	first, second := dev("HW-1"), dev("HW-2")
	second.spki = first.spki
	must(t, first.passAt(ctx, a, "st-a"))
	must(t, second.passAt(ctx, b, "st-b"))
	insist(t, a, first.run)
	insist(t, b, second.run)
	merge(t, a, to, "st-a")
	var dup *Duplicate
	for _, m := range merge(t, b, to, "st-b") {
		if m.Refused != nil {
			t.Errorf("%s: got %v, want it kept", m.Kind, m.Refused)
		}
		if m.Duplicate != nil {
			dup = m.Duplicate
		}
	}
	if dup == nil {
		t.Fatal("got no duplicate, want one for the key")
	}
	got := *dup
	got.ID, got.Body, got.FoundAt, got.Detail = "", nil, time.Time{}, ""
	diff(t, got, Duplicate{
		Tenant: "acme", Kind: DuplicateKey, Station: "st-b", Run: second.run, Serial: "HW-2", DeviceID: second.id,
		OtherStation: "st-a", OtherRun: first.run, OtherSerial: "HW-1", OtherID: first.id, Entry: FactKey,
		StationName: "bench st-b", OtherName: "bench st-a",
	})
	var key station.KeyRecord
	must(t, json.Unmarshal(dup.Body, &key))
	if key.HardwareSerial != "HW-2" {
		t.Errorf("what was to be written: got %+v, want the key of HW-2", key)
	}
	for _, d := range []*device{first, second} {
		pass, err := to.Passed(ctx, d.tenant, d.serial, d.spki, d.leaf)
		must(t, err)
		if pass.Run != d.run {
			t.Errorf("PASS of %s: got run %s, want %s", d.serial, pass.Run, d.run)
		}
		for _, f := range []DuplicateFilter{{Serial: d.serial, Tenant: "acme", Open: true}, {Station: map[string]string{"HW-1": "st-a", "HW-2": "st-b"}[d.serial]}} {
			list, err := to.Duplicates(ctx, f)
			must(t, err)
			if len(list) != 1 {
				t.Errorf("duplicates of %+v: got %d, want 1", f, len(list))
			}
		}
	}
	kept, err := b.Duplicates(ctx, DuplicateFilter{})
	must(t, err)
	if len(kept) != 1 || kept[0].ID != dup.ID {
		t.Errorf("in the station's own file: got %v, want the duplicate", kept)
	}
	must(t, b.KeepDuplicate(ctx, kept[0])) // told once more
}

// Somebody decided: the duplicate is open no more, for neither of the two devices.
func TestDuplicateDecided(t *testing.T) {
	ctx := t.Context()
	to := openNew(t)
	d := dev("HW-1")
	must(t, to.BeginRun(ctx, d.start()))
	_, err := to.IdentifyRun(ctx, d.run, d.observed())
	must(t, err)
	found := Duplicate{
		ID: newRun(), Tenant: "acme", Kind: DuplicateKey, Station: "st-1", Run: d.run, Serial: "HW-1", OtherSerial: "HW-2",
		Entry: FactKey, Body: []byte("{}"), FoundAt: t0,
	}
	must(t, to.KeepDuplicate(ctx, found))
	held := d.finish(station.Uncertain)
	held.Code = station.CodeDuplicate
	must(t, to.FinishRun(ctx, held))
	_, err = to.Resolve(ctx, station.Resolution{
		Run: d.run, Tenant: "acme", Decision: station.DecisionIgnore, Reason: "looked at both", By: "Ada", At: t0.Add(time.Hour),
	})
	must(t, err)
	for _, serial := range []string{"HW-1", "HW-2"} {
		list, err := to.Duplicates(ctx, DuplicateFilter{Tenant: "acme", Serial: serial, Open: true})
		must(t, err)
		if len(list) != 0 {
			t.Errorf("%s: got %d open duplicates, want none", serial, len(list))
		}
	}
}

// A station that lost the database for longer than its lease tells what it did: it is kept, and says nothing of what the
// device is now.
func TestMergeUnderLostLease(t *testing.T) {
	ctx := t.Context()
	to, a, b := openNew(t), own(t), own(t)
	old, now := dev("HW-1"), dev("HW-1")
	now.run, now.post = newRun(), newRun()
	now.spki, now.der = sum("another key"), der("another leaf")
	fp := sha256.Sum256(now.der)
	now.leaf = fp[:]
	lease, err := to.Claim(ctx, "acme", "HW-1", "st-a", time.Microsecond)
	must(t, err)
	a.UnderLease(old.run, lease)
	must(t, old.passAt(ctx, a, "st-a"))
	insist(t, a, old.run)

	second, err := to.Claim(ctx, "acme", "HW-1", "st-b", time.Hour)
	must(t, err)
	b.UnderLease(now.run, second)
	key := now.key()
	key.EnrollID, key.WireGuardKey = station.EnrollID{9}, nil
	must(t, b.BeginRun(ctx, now.atStation("st-b")))
	_, err = b.IdentifyRun(ctx, now.run, now.observed())
	must(t, err)
	for _, err := range []error{
		b.BindDevice(ctx, now.binding()), b.BindKey(ctx, key), b.PostBegun(ctx, now.posted()), b.SaveCertificate(ctx, now.cert()),
		b.SaveProof(ctx, now.proof()), b.FinishRun(ctx, now.finish(station.Pass)),
	} {
		must(t, err)
	}
	merge(t, b, to, "st-b")

	var kinds []DuplicateKind
	for _, m := range merge(t, a, to, "st-a") {
		if m.Duplicate != nil {
			kinds = append(kinds, m.Duplicate.Kind)
			if m.Duplicate.OtherStation != "st-b" || m.Duplicate.OtherRun != now.run {
				t.Errorf("other side: got %+v, want the run of st-b", m.Duplicate)
			}
		}
	}
	diff(t, kinds, []DuplicateKind{DuplicateLease})
	have, err := to.Device(ctx, "acme", "HW-1")
	must(t, err)
	if string(have.SPKI) != string(now.spki) {
		t.Errorf("the device's key: got %x, want that of the station with the newer fence, %x", have.SPKI, now.spki)
	}
	rec, err := to.Run(ctx, old.run)
	must(t, err)
	if rec.Outcome != station.Pass || len(rec.Certificates) != 1 {
		t.Errorf("the late run: got %s with %d certificates, want PASS with its certificate", rec.Outcome, len(rec.Certificates))
	}

	// Who asks is told at once.
	late := dev("HW-1").again()
	a.UnderLease(late.run, lease)
	must(t, a.BeginRun(ctx, late.atStation("st-a")))
	_, err = a.IdentifyRun(ctx, late.run, late.observed())
	must(t, err)
	must(t, a.PostBegun(ctx, late.posted()))
	done := merge(t, a, to, "st-a")
	if got := done[len(done)-1].Refused; !errors.Is(got, ErrLeaseLost) {
		t.Errorf("a post under a lost lease: got %v, want %v", got, ErrLeaseLost)
	}
	must(t, a.PostEnded(ctx, late.post, "not posted")) // which the shared ledger has never heard of
	for _, m := range merge(t, a, to, "st-a") {
		if m.Duplicate != nil || m.Refused != nil {
			t.Errorf("%s: got %+v %v, want it passed over", m.Kind, m.Duplicate, m.Refused)
		}
	}
}

// What no version can read keeps nothing else from being merged, and is not lost.
func TestMergeUnknownEntry(t *testing.T) {
	ctx := t.Context()
	to, from := openNew(t), own(t)
	d := dev("HW-1")
	must(t, d.passAt(ctx, from, "st-a"))
	entries := pending(t, from)
	for name, bad := range map[string]Entry{
		"kind": {Kind: "dance", Body: []byte("{}")}, "body": {Kind: FactKey, Body: []byte(`{"Run": 7}`)},
	} {
		bad.Epoch, bad.At, bad.Run = newRun(), t0, d.run
		for i, e := range append([]Entry{bad}, entries...) {
			if i == 0 {
				e.Seq = 1
			}
			done, err := to.Merge(ctx, "st-a", []Entry{e})
			must(t, err)
			if i == 0 && (done[0].Duplicate == nil || done[0].Duplicate.Kind != DuplicateRecord) {
				t.Errorf("%s: got %+v, want it kept as a contradiction", name, done[0].Duplicate)
			}
		}
	}
	if _, err := to.Passed(ctx, d.tenant, d.serial, d.spki, d.leaf); err != nil {
		t.Errorf("the run beside it: got %v, want its PASS", err)
	}
}

// A private key that a device printed is in the outbox as little as in the record.
func TestOutboxKeepsNoSecret(t *testing.T) {
	ctx := t.Context()
	from := own(t)
	d := dev("HW-1")
	must(t, from.BeginRun(ctx, d.start()))
	const key = "MHcCAQEEIDc0NDg2ZTQ2YzE2ZDQyMzQ0NDQ0NDQ0NDQ0"
	for i, text := range []string{
		"-----BEGIN EC PRIVATE KEY-----\n" + key + "\n-----END EC PRIVATE KEY-----", `"private_key": "` + key + `"`,
		"PrivateKey = " + key, "preshared-key:" + key,
	} {
		p := d.phase(station.Phases()[i])
		p.Facts = map[string]string{"boot_log": text}
		must(t, from.RecordPhase(ctx, p))
	}
	for _, e := range pending(t, from) {
		if strings.Contains(string(e.Body), key) {
			t.Errorf("%s: got the key in the outbox, want it hidden: %s", e.Kind, e.Body)
		}
	}
}

// What is merged is in the station's chain on the shared ledger, contradictions included.
func TestMergeIsAudited(t *testing.T) {
	k := newAudited(t)
	ctx := t.Context()
	a, b := own(t), own(t)
	first, second := dev("HW-1"), dev("HW-2")
	second.spki, second.id = first.spki, first.id
	must(t, first.passAt(ctx, a, "st-1"))
	must(t, second.passAt(ctx, b, "st-1"))
	insist(t, a, first.run)
	insist(t, b, second.run)
	merge(t, a, k.Ledger, "st-1")
	merge(t, b, k.Ledger, "st-1")
	report := k.verify(t)
	if len(report.Findings) != 0 {
		t.Errorf("findings: got %v, want none", report.Findings)
	}
	_, err := rawDB(t, "sqlite:"+k.path).ExecContext(ctx, "UPDATE duplicates SET other_hardware_serial = 'HW-9'")
	must(t, err)
	if report := k.verify(t); len(report.Findings) == 0 {
		t.Error("an altered duplicate: got no finding, want it named")
	}
}

// Of another station's signatures, whose key is not there, it is known that they are there.
func TestVerifyOthersRuns(t *testing.T) {
	url, ctx := newURL(t), t.Context()
	for i, id := range []string{"st-a", "st-b"} {
		l := openURL(t, url, Config{})
		_, err := l.StartAudit(ctx, AuditConfig{StationID: id, Tenant: "acme", Signer: testSigner(t, byte(i))})
		must(t, err)
		from := own(t)
		must(t, dev("HW-"+id).passAt(ctx, from, id))
		for _, e := range pending(t, from) {
			_, err := l.Merge(ctx, id, []Entry{e})
			must(t, err)
		}
	}
	l := openURL(t, url, Config{})
	r, err := l.Verify(ctx, VerifyConfig{Keys: audit.NewKeys(testSigner(t, 0).Public), Own: "st-a"})
	must(t, err)
	if len(r.Findings) != 0 || r.Unchecked == 0 {
		t.Errorf("got %v with %d signatures unchecked, want nothing found and those of st-b unchecked", r.Findings, r.Unchecked)
	}
}

// Those who listen are told when a device is given back, and of duplicates.
func TestNotices(t *testing.T) {
	to := openNew(t)
	heard, told := make(chan struct{}), make(chan Notice, 8)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- to.Listen(ctx, func() { close(heard) }, func(n Notice) { told <- n }) }()
	if to.Database() == SQLite {
		want(t, <-ended, ErrNoNotices)
		cancel()
		return
	}
	<-heard
	lease, err := to.Claim(ctx, "acme", "HW-ü 1", "st-a", time.Hour)
	must(t, err)
	must(t, to.Release(ctx, lease))
	n := <-told
	if n.Freed == nil || n.Freed.Tenant != "acme" || n.Freed.HardwareSerial != "HW-ü 1" {
		t.Errorf("got %+v, want the device that was given back", n.Freed)
	}
	a := own(t)
	for _, serial := range []string{"HW-1", "HW-2"} {
		d := dev(serial)
		d.spki = sum("one key")
		must(t, d.passAt(t.Context(), a, "st-a"))
		insist(t, a, d.run)
		if serial == "HW-1" {
			merge(t, a, to, "st-a")
			a = own(t)
		}
	}
	merge(t, a, to, "st-a")
	if n := <-told; n.Duplicate != "st-a" {
		t.Errorf("got %+v, want a duplicate for st-a", n)
	}
	cancel()
	want(t, <-ended, context.Canceled)
}
