package ledger

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"provstation/station"
	"provstation/station/audit"
)

// What a station did without the others' ledger comes to it later, once, whatever answers are lost.
func TestMergeRevocation(t *testing.T) {
	ctx := t.Context()
	to, a, b := openNew(t), own(t), own(t)
	d := dev("HW-1")
	must(t, d.passAt(ctx, a, "st-a"))
	insist(t, a, d.run)
	r := d.revocation()
	must(t, revoke(ctx, a, r, station.ResultDone))
	entries := pending(t, a)
	for range 2 { // the answer of the first is lost
		_, err := to.Merge(ctx, "st-a", entries)
		must(t, err)
	}
	for _, m := range merge(t, a, to, "st-a") {
		if m.Duplicate != nil || m.Refused != nil {
			t.Errorf("%s: got %+v, %v, want it merged", m.Kind, m.Duplicate, m.Refused)
		}
	}
	want := []station.RevocationRow{{Revocation: r, Result: station.ResultDone, EndedAt: r.At.Add(time.Second)}}
	for name, l := range map[string]*Ledger{"own": a, "shared": to} {
		list, err := l.Revocations(ctx, "acme", d.id, "")
		must(t, err)
		diff(t, list, want)
		if c := onFile(t, l, d); !c.RevokedAt.Equal(want[0].EndedAt) || c.RevokeReason != r.Reason {
			t.Errorf("%s: got the certificate revoked %s for %q, want %s", name, c.RevokedAt, c.RevokeReason, want[0].EndedAt)
		}
	}

	// Another station revokes what its own file has never seen: its word reaches the shared ledger, and the first note stays.
	second := d.revocation()
	second.StationID, second.Reason = "st-b", "superseded"
	must(t, revoke(ctx, b, second, station.ResultFound))
	must(t, b.RevocationEnded(ctx, r.ID, station.ResultFound, t0.Add(9*time.Hour))) // the other's, which it has not on file
	for _, m := range merge(t, b, to, "st-b") {
		if m.Duplicate != nil || m.Refused != nil {
			t.Errorf("%s: got %+v, %v, want it merged", m.Kind, m.Duplicate, m.Refused)
		}
	}
	list, err := to.Revocations(ctx, "acme", d.id, "")
	must(t, err)
	if len(list) != 2 || !list[0].EndedAt.Equal(want[0].EndedAt) {
		t.Errorf("got %+v, want both, and what came of the first as it was", list)
	}
	if c := onFile(t, to, d); c.RevokeReason != "keyCompromise" {
		t.Errorf("got it revoked for %q, want the first note", c.RevokeReason)
	}
}

// A certificate that a station received while it was on its own is a revoked one when it comes on file after its revocation by
// another.
func TestMergeRevokedBefore(t *testing.T) {
	ctx := t.Context()
	to, a, b := openNew(t), own(t), own(t)
	d := dev("HW-1")
	must(t, d.passAt(ctx, a, "st-a"))
	insist(t, a, d.run)
	must(t, revoke(ctx, b, d.bySerial(), station.ResultDone)) // by the serial on the CA's list
	merge(t, b, to, "st-b")
	merge(t, a, to, "st-a")
	if c := onFile(t, to, d); !c.Revoked {
		t.Error("got it good, want it revoked")
	}
}

// Two stations decommission one device: the shared ledger opened it once, both files follow it, and the steps of both come to it.
func TestMergeRetirement(t *testing.T) {
	ctx := t.Context()
	to, a, b := openNew(t), own(t), own(t)
	d := dev("HW-1")
	must(t, d.pass(ctx, to))
	r, err := to.RetirementBegun(ctx, d.retirement())
	must(t, err)
	step := func(l *Ledger, s station.RetirementStepName, state station.StepState, at time.Duration) {
		t.Helper()
		must(t, l.RetirementStep(ctx, r.ID, station.StepRecord{Step: s, State: state, At: r.At.Add(at)}))
	}
	quiet := func(done []Merged) {
		t.Helper()
		for _, m := range done {
			if m.Duplicate != nil || m.Refused != nil {
				t.Errorf("%s: got %+v, %v, want it merged", m.Kind, m.Duplicate, m.Refused)
			}
		}
	}
	for _, l := range []*Ledger{a, b} {
		got, err := l.RetirementBegun(ctx, r)
		must(t, err)
		diff(t, got, r)
	}
	step(a, station.StepRevoke, station.StepBegun, 1*time.Second)
	step(b, station.StepRevoke, station.StepDone, 2*time.Second)
	step(b, station.StepTunnel, station.StepManual, 3*time.Second)
	step(a, station.StepTunnel, station.StepFailed, 4*time.Second)
	must(t, b.RetirementEnded(ctx, r.ID, r.At.Add(time.Minute)))
	quiet(merge(t, b, to, "st-b"))
	quiet(merge(t, a, to, "st-a")) // after the end
	row, err := to.Retirement(ctx, "acme", d.id)
	must(t, err)
	diff(t, row, station.RetirementRow{Retirement: r, EndedAt: r.At.Add(time.Minute), Steps: []station.StepRecord{
		{Step: station.StepRevoke, State: station.StepDone, At: r.At.Add(2 * time.Second)},
		{Step: station.StepTunnel, State: station.StepFailed, At: r.At.Add(4 * time.Second)},
	}})

	// Whoever carries on meets the pseudonym of a person who was forgotten meanwhile.
	nameless := r
	nameless.By = audit.Pseudonym(audit.NewSalt(), r.By)
	got, err := a.RetirementBegun(ctx, nameless)
	must(t, err)
	diff(t, got, nameless)

	// It came back and goes again: the file that has not heard of the first one's end follows the shared ledger.
	again := d.retirement()
	again.At = r.At.Add(time.Hour)
	_, err = to.RetirementBegun(ctx, again)
	must(t, err)
	_, err = a.RetirementBegun(ctx, again)
	must(t, err)
	quiet(merge(t, a, to, "st-a"))
	for name, l := range map[string]*Ledger{"own": a, "shared": to} {
		if row, err := l.Retirement(ctx, "acme", d.id); err != nil || row.ID != again.ID || !row.EndedAt.IsZero() {
			t.Errorf("%s: got %+v, %v, want the second one, open", name, row, err)
		}
	}
	// A station that did not ask contradicts, and is told so.
	alone := d.retirement()
	_, err = b.RetirementBegun(ctx, alone)
	must(t, err)
	if done := merge(t, b, to, "st-b"); done[0].Duplicate == nil || done[0].Duplicate.Kind != DuplicateRecord {
		t.Errorf("got %+v, want a contradiction", done[0].Duplicate)
	}
}

// In whatever pieces and order two stations' words are merged, and merged again: what is known of each revocation is the same,
// and no word is written twice or contradicts.
func TestMergeRevocationsInAnyOrder(t *testing.T) {
	ctx := t.Context()
	to := openNew(t)
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		d := dev(fmt.Sprint("HW-", n))
		if err := d.pass(ctx, to); err != nil {
			rt.Fatal(err)
		}
		stations := map[string][]Entry{}
		wants := map[string]station.IntentResult{}
		revoked := false
		for _, id := range []string{"st-a", "st-b"} {
			l, err := Open(ctx, "sqlite::memory:", Config{Outbox: true})
			if err != nil {
				rt.Fatal(err)
			}
			for range rapid.IntRange(0, 3).Draw(rt, "revocations") {
				r := d.revocation()
				r.StationID = id
				result := rapid.SampledFrom([]station.IntentResult{"", station.ResultDone, station.ResultFound, "failed: E-CA-DOWN"}).Draw(rt, "result")
				err := l.RevocationBegun(ctx, r)
				if err == nil && result != "" {
					err = l.RevocationEnded(ctx, r.ID, result, r.At.Add(time.Second))
				}
				if err != nil {
					rt.Fatal(err)
				}
				wants[r.ID], revoked = result, revoked || revokedBy(result)
			}
			if stations[id], err = l.Pending(ctx, 100); err != nil {
				rt.Fatal(err)
			}
			if err := l.Close(); err != nil {
				rt.Fatal(err)
			}
		}
		for len(stations["st-a"])+len(stations["st-b"]) > 0 {
			id := rapid.SampledFrom([]string{"st-a", "st-b"}).Draw(rt, "who")
			some := stations[id][:rapid.IntRange(0, len(stations[id])).Draw(rt, "some")]
			for range rapid.IntRange(1, 2).Draw(rt, "times") {
				done, err := to.Merge(ctx, id, some)
				if err != nil || slices.ContainsFunc(done, func(m Merged) bool { return m.Duplicate != nil || m.Refused != nil }) {
					rt.Fatalf("got %+v, %v, want no contradiction", done, err)
				}
			}
			stations[id] = stations[id][len(some):]
		}
		list, err := to.Revocations(ctx, d.tenant, d.id, "")
		if err != nil || len(list) != len(wants) {
			rt.Fatalf("got %d revocations, %v, want %d", len(list), err, len(wants))
		}
		for _, r := range list {
			if r.Result != wants[r.ID] {
				rt.Fatalf("%s: got %q, want %q", r.ID, r.Result, wants[r.ID])
			}
		}
		certs, err := to.DeviceCertificates(ctx, d.tenant, d.id)
		if err != nil || len(certs) != 1 || certs[0].Revoked != revoked {
			rt.Fatalf("got %+v, %v, want it revoked: %v", certs, err, revoked)
		}
	})
}

// What is altered past the ledger is named, in the tables of this migration as in the others.
func TestLifeIsAudited(t *testing.T) {
	for _, forged := range []string{
		"UPDATE revocations SET reason = 'superseded'",
		"UPDATE revocations SET result = 'done', ended_at = 1",
		"DELETE FROM revocations",
		"UPDATE retirements SET ended_at = NULL",
		"UPDATE retirement_steps SET state = 'off' WHERE step = 'revoke'",
		"DELETE FROM retirement_steps WHERE step = 'erase'",
		"UPDATE runs SET task = ''",
	} {
		k := newAudited(t)
		k.fill(t, 1)
		k.whole(t)
		_, err := rawDB(t, "sqlite:"+k.path).ExecContext(t.Context(), forged)
		must(t, err)
		if report := k.verify(t); len(report.Findings) == 0 {
			t.Errorf("%s: got no finding, want it named", forged)
		}
	}
}

// The people in it can be forgotten.
func TestLifeForgets(t *testing.T) {
	k := newAudited(t)
	ctx := t.Context()
	d := k.fill(t, 1)[0]
	_, err := k.ErasePerson(ctx, "Lea")
	must(t, err)
	list, err := k.Revocations(ctx, "acme", d.id, "")
	must(t, err)
	row, err := k.Retirement(ctx, "acme", d.id)
	must(t, err)
	if !audit.IsPseudonym(list[0].By) || !audit.IsPseudonym(row.By) {
		t.Errorf("got %q and %q, want pseudonyms", list[0].By, row.By)
	}
	k.whole(t)
}

// The chain of an older program tells nothing of a column that came later: the rows of that time are whole as long as it holds
// what it began with.
func TestAuditOfAnOlderRow(t *testing.T) {
	i := slices.IndexFunc(fixturesHere(), func(f fixture) bool { return f.schema == 4 })
	if i < 0 {
		t.Fatal("got no fixture of schema 4")
	}
	url := fixturesHere()[i].load(t)
	l := openURL(t, url, Config{})
	_, err := l.StartAudit(t.Context(), AuditConfig{StationID: "st-1", Tenant: "acme", Signer: testSigner(t, 0)})
	must(t, err)
	findings := func() []audit.Finding {
		t.Helper()
		r, err := l.Verify(t.Context(), VerifyConfig{Keys: audit.NewKeys(testSigner(t, 0).Public), Own: "st-1"})
		must(t, err)
		return r.Findings
	}
	diff(t, len(findings()), 0)
	rows, err := l.Runs(t.Context(), Filter{Tenant: "acme", Outcome: station.Pass, Limit: 1})
	must(t, err)
	db := rawDB(t, url)
	defer func() { must(t, db.Close()) }()
	_, err = db.ExecContext(t.Context(), "UPDATE runs SET task = 'renew' WHERE run = '"+rows[0].Run+"'")
	must(t, err)
	if got := findings(); len(got) != 1 || got[0].Column != "task" || got[0].Row != rows[0].Run {
		t.Errorf("got %v, want the task of that run named", got)
	}
}
