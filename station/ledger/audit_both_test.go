package ledger

import (
	"context"
	"testing"
	"time"

	"provstation/station"
	"provstation/station/audit"
)

// Two stations on one database write a chain each, also of a row that both of them write.
func TestAuditOfSeveralStations(t *testing.T) {
	url := newURL(t)
	var benches []*Ledger
	signers := []*audit.Signer{testSigner(t, 0), testSigner(t, 1)}
	for i, id := range []string{"st-1", "st-2"} {
		l, err := Open(t.Context(), url, Config{})
		must(t, err)
		t.Cleanup(func() { must(t, l.Close()) })
		found, err := l.StartAudit(t.Context(), AuditConfig{StationID: id, Tenant: "acme", Signer: signers[i]})
		if must(t, err); len(found) > 0 {
			t.Errorf("got %v, want nothing found", found)
		}
		benches = append(benches, l)
	}
	done := make(chan error)
	for i := range 12 {
		go func() { done <- dev("HW"+string(rune('A'+i))).pass(t.Context(), benches[i%2]) }()
	}
	for range 12 {
		must(t, <-done)
	}
	must(t, dev("HWA").again().identify(t.Context(), benches[1]))
	check := func(c VerifyConfig) VerifyReport {
		t.Helper()
		r, err := benches[0].Verify(t.Context(), c)
		must(t, err)
		return r
	}
	both := audit.NewKeys(signers[0].Public, signers[1].Public)
	if r := check(VerifyConfig{Keys: both}); len(r.Findings) > 0 || len(r.Chains) != 2 || r.Unchecked != 0 {
		t.Errorf("got %+v, want two whole chains", r)
	}
	if r := check(VerifyConfig{Keys: audit.NewKeys(signers[0].Public), Own: "st-1"}); r.Unchecked == 0 || len(r.Chains) != 2 || len(r.Findings) > 0 {
		t.Errorf("got %+v, want signatures of the other station unchecked, and nothing found", r)
	}
	if r := check(VerifyConfig{Keys: audit.NewKeys(signers[0].Public)}); len(r.Findings) == 0 {
		t.Errorf("got nothing found, want a key that is not trusted")
	}
	must(t, benches[1].write.do(t.Context(), func(ctx context.Context, x *txn) error {
		_, err := x.run(ctx, "UPDATE devices SET model = 'forged' WHERE hardware_serial = 'HWA'")
		return err
	}))
	if r := check(VerifyConfig{Keys: both}); len(r.Findings) != 1 || r.Findings[0].Column != "model" {
		t.Errorf("got %v, want the model of HWA", r.Findings)
	}
}

// A run that lost its phases gets no passport: it would take the place of the one that tells all.
func TestNoPassportOfAThinnedRun(t *testing.T) {
	l := openNew(t)
	_, err := l.StartAudit(t.Context(), AuditConfig{StationID: "st-1", Tenant: "acme", Signer: testSigner(t, 0)})
	must(t, err)
	old := dev("HWA")
	must(t, old.pass(t.Context(), l))
	present := old.again()
	must(t, present.pass(t.Context(), l))
	for _, d := range []*device{old, present} {
		_, _, err := l.Passport(t.Context(), d.run)
		must(t, err)
	}
	before := old.at.AddDate(1, 0, 0)
	l.cfg.Now = func() time.Time { return before.Add(time.Hour) }
	r, err := l.Prune(t.Context(), PruneConfig{Tenant: "acme", Before: before, By: "Grace", Really: true})
	must(t, err)
	if r.Thinned != 1 {
		t.Fatalf("got %+v, want one run thinned", r)
	}
	_, _, err = l.Passport(t.Context(), old.run)
	want(t, err, ErrThinned)
	_, _, err = l.Passport(t.Context(), present.run)
	must(t, err)
}

// Deleting old runs is in the chain like every other write.
func TestAuditFollowsPrune(t *testing.T) {
	l := openNew(t)
	now := time.Now()
	signer := testSigner(t, 0)
	_, err := l.StartAudit(t.Context(), AuditConfig{StationID: "st-1", Tenant: "acme", Signer: signer})
	must(t, err)
	for range 3 {
		d := dev("HWA").again()
		must(t, d.identify(t.Context(), l))
		must(t, l.FinishRun(t.Context(), station.RunFinish{
			Run: d.run, Tenant: d.tenant, HardwareSerial: d.serial, Outcome: station.Aborted, EndedAt: d.at.Add(time.Second),
		}))
	}
	before := now.AddDate(0, 0, 1)
	if before.Before(t0.Add(time.Hour)) {
		before = t0.Add(time.Hour)
	}
	l.cfg.Now = func() time.Time { return before.Add(time.Hour) }
	r, err := l.Prune(t.Context(), PruneConfig{Tenant: "acme", Before: before, By: "Grace", Really: true})
	must(t, err)
	if r.Runs == 0 {
		t.Errorf("got %+v, want runs deleted", r)
	}
	got, err := l.PruneAudit(t.Context(), before)
	must(t, err)
	if got.Rows == 0 {
		t.Errorf("got %+v, want rows of the chain deleted", got)
	}
	v, err := l.Verify(t.Context(), VerifyConfig{Keys: audit.NewKeys(signer.Public)})
	must(t, err)
	if len(v.Findings) > 0 {
		t.Errorf("got %v, want it whole", v.Findings)
	}
}
