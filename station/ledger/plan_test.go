package ledger

import (
	"context"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"provstation/station"
)

// What a start, a run and a page of the screen ask must not look at every record: each statement that they send is planned
// by SQLite itself, and none may scan a table that grows with the devices.
func TestNoStatementScans(t *testing.T) {
	k := newAudited(t)
	must(t, k.Close())
	ctx := t.Context()
	var w watched
	l := openAt(t, k.path, Config{watch: w.wrap, Outbox: true})
	_, err := l.StartAudit(ctx, AuditConfig{StationID: "st-1", Tenant: "acme", Signer: k.signer, Heads: k.heads})
	must(t, err)
	_, err = l.EndInterrupted(ctx, "st-1", t0)
	must(t, err)
	statements := map[string][]string{"start": w.take()}

	lost := dev("HW-0")
	must(t, lost.identify(ctx, l))
	_, err = l.EndInterrupted(ctx, "st-1", t0)
	must(t, err)
	statements["start after a kill"] = w.take()

	d := dev("HW-1")
	must(t, askedByRuns(ctx, l, d))
	must(t, d.pass(ctx, l))
	must(t, askedByRuns(ctx, l, d))
	bad := d.again()
	must(t, bad.identify(ctx, l))
	must(t, l.FinishRun(ctx, bad.finish(station.Fail)))
	list, err := l.Pending(ctx, 100)
	must(t, err)
	if len(list) == 0 {
		t.Fatal("got an empty outbox, want what the runs left in it")
	}
	_, _, err = l.Waiting(ctx)
	must(t, err)
	must(t, l.Acknowledge(ctx, []Merged{{Entry: list[0]}}))
	statements["run"] = w.take()

	for _, f := range []Filter{
		{Tenant: "acme"},
		{Tenant: "acme", After: d.run},
		{Tenant: "acme", Slot: "1-1.2"},
		{Tenant: "acme", Batch: "b7"},
		{Tenant: "acme", Outcome: station.Fail},
		{Tenant: "acme", HardwareSerial: "HW-1"},
		{Tenant: "acme", DeviceID: d.id},
		{Tenant: "acme", Held: true},
		{Tenant: "acme", Open: true},
		{Tenant: "acme", Since: t0},
	} {
		_, err := l.Runs(ctx, f)
		must(t, err)
	}
	_, err = l.Run(ctx, d.run)
	must(t, err)
	_, err = l.DeviceLife(ctx, "acme", d.id)
	must(t, err)
	_, err = l.Duplicates(ctx, DuplicateFilter{Tenant: "acme", Open: true})
	must(t, err)
	statements["screen"] = w.take()

	const whole = "SELECT run FROM runs WHERE port = ? LIMIT 1"
	if steps := planOf(t, l, whole); len(steps) == 0 || !scans(steps[0], whole) {
		t.Errorf("got the plan %q taken for good, want it found out", steps)
	}
	n := 0
	for when, queries := range statements {
		for _, q := range queries {
			if !planned.MatchString(q) {
				continue
			}
			n++
			for _, step := range planOf(t, l, q) {
				if scans(step, q) {
					t.Errorf("%s: got %q, want an index used, in\n%s", when, step, q)
				}
			}
		}
	}
	if n < 60 {
		t.Errorf("got %d statements, want all that a start, a run and a page send", n)
	}
}

// askedByRuns is what a run asks of the ledger beside what it writes.
func askedByRuns(ctx context.Context, l *Ledger, d *device) error {
	ignore := func(_ any, err error) error {
		if isNotFound(err) {
			return nil
		}
		return err
	}
	for _, ask := range []func() error{
		func() error { return ignore(l.Device(ctx, d.tenant, d.serial)) },
		func() error { return ignore(l.Key(ctx, d.tenant, d.spki)) },
		func() error { return ignore(l.Certificates(ctx, d.tenant, d.spki)) },
		func() error { return ignore(l.CertificatesFor(ctx, d.tenant, d.serial)) },
		func() error { return ignore(l.Passed(ctx, d.tenant, d.serial, d.spki, d.leaf)) },
		func() error { return ignore(l.Proof(ctx, d.tenant, d.serial, d.spki, d.leaf)) },
		func() error { return ignore(l.Resolution(ctx, d.tenant, d.serial)) },
		func() error { return ignore(l.OpenIntents(ctx, d.tenant, d.serial)) },
		func() error { return ignore(l.CurrentBatch(ctx, d.tenant, "bench-1")) },
		func() error { return ignore(l.Claim(ctx, d.tenant, d.serial, "st-1", time.Minute)) },
	} {
		if err := ask(); err != nil {
			return err
		}
	}
	return nil
}

var (
	planned   = regexp.MustCompile(`(?i)^\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b`)
	numbered  = regexp.MustCompile(`\?(\d+)`)
	wholeScan = regexp.MustCompile(`^SCAN (\S+)`)
	// small are tables that do not grow with the devices, and what is no table.
	// The outbox has what the others have not heard yet: nothing, as a rule.
	small = []string{"CONSTANT", "sqlite_master", "sqlite_schema", "goose_db_version", "audit_chains", "outbox"}
)

// scans reports whether a step of a plan looks at a whole table. An index read in its order is left off at the LIMIT.
func scans(step, query string) bool {
	m := wholeScan.FindStringSubmatch(step)
	if m == nil || slices.Contains(small, m[1]) || strings.HasPrefix(m[1], "(") {
		return false
	}
	return !strings.Contains(step, "USING") || !strings.Contains(query, "LIMIT")
}

// planOf gives the steps of SQLite's plan for a statement.
func planOf(t testing.TB, l *Ledger, query string) (steps []string) {
	t.Helper()
	n := marks(query)
	for _, m := range numbered.FindAllStringSubmatch(query, -1) {
		highest, err := strconv.Atoi(m[1])
		must(t, err)
		n = highest
	}
	rows, err := l.read.DB.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, make([]any, n)...)
	if err != nil {
		t.Fatalf("plan %s: %v", query, err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id, parent, unused int
		var detail string
		must(t, rows.Scan(&id, &parent, &unused, &detail))
		steps = append(steps, detail)
	}
	must(t, rows.Err())
	return steps
}

// The pages of a ledger of a hundred thousand runs are found as fast as those of a thousand, a start is as fast, and so is
// what one more run writes.
func TestLargeLedgerStaysFast(t *testing.T) {
	sizes := []int{1_000, largeLedger}
	var ledgers []*auditKit
	for _, n := range sizes {
		dir := t.TempDir()
		k := &auditKit{path: filepath.Join(dir, "ledger.db"), heads: filepath.Join(dir, "heads.log"), signer: testSigner(t, 0)}
		l, err := Open(t.Context(), "sqlite:"+k.path, Config{})
		must(t, err)
		fillRuns(t, l, n)
		fillRest(t, l)
		must(t, l.Close())
		ledgers = append(ledgers, k)
	}
	checkRatio(t, "start, and a page", func(i int) {
		l, err := Open(t.Context(), "sqlite:"+ledgers[i].path, Config{})
		must(t, err)
		_, err = l.StartAudit(t.Context(), AuditConfig{StationID: "st-1", Tenant: "acme", Signer: ledgers[i].signer, Heads: ledgers[i].heads})
		must(t, err)
		_, err = l.EndInterrupted(t.Context(), "st-1", t0)
		must(t, err)
		rows, err := l.Runs(t.Context(), Filter{Tenant: "acme"})
		must(t, err)
		if len(rows) != PageDefault {
			t.Errorf("got %d rows, want a page of %d", len(rows), PageDefault)
		}
		must(t, l.Close())
	})
	for _, k := range ledgers {
		k.Ledger = openAt(t, k.path, Config{})
		k.start(t)
	}
	checkRatio(t, "run", func(i int) { must(t, dev(newRun()).pass(t.Context(), ledgers[i].Ledger)) })
}

// fillRest adds, for each run that [fillRuns] made, a phase, a key, a certificate and a row of the chain.
func fillRest(t testing.TB, l *Ledger) {
	t.Helper()
	must(t, l.write.do(t.Context(), func(ctx context.Context, tx *txn) error {
		for _, q := range []string{
			`INSERT INTO phases (run, n, phase, status, started_at, ended_at, tries, code, facts)
				SELECT run, 1, 'enroll', 'done', started_at, ended_at, 1, '', '{}' FROM runs`,
			`INSERT INTO keys (spki, tenant, hardware_serial, device_id, generation, key_type, key_store, run, recorded_at)
				SELECT randomblob(32), tenant, hardware_serial, device_id, 1, 'P-256', 'flash', run, started_at FROM runs`,
			`INSERT INTO certificates (fingerprint, tenant, device_id, device_id_fold, hardware_serial, run, spki, cert_serial,
				subject, issuer, aki, issuer_fingerprint, not_before, not_after, der, wg_conf, wireguard_key_by_bridge, contract,
				received_at) SELECT r.leaf, r.tenant, r.device_id, r.device_id_fold, r.hardware_serial, r.run, k.spki,
				hex(randomblob(16)), 'CN=' || r.device_id, 'CN=Sub-CA', 'aa01', 'ff02', 0, 1, randomblob(600), '', 0, 'deployed',
				r.started_at FROM runs r JOIN keys k ON k.run = r.run`,
			`INSERT INTO audit (station_id, n, prev, digest, body)
				SELECT 'st-1', rowid, randomblob(32), randomblob(32), randomblob(300) FROM runs`,
			`INSERT INTO audit_chains (station_id, tenant, n, digest) SELECT station_id, 'acme', n, digest FROM audit ORDER BY n DESC LIMIT 1`,
		} {
			if _, err := tx.run(ctx, q); err != nil {
				return err
			}
		}
		return nil
	}))
}

// growth is how much dearer something may be with a hundred times the records.
const growth = 3

// checkRatio does something with the small and the large ledger in turns, and compares the best of each: a machine that is
// busy with other tests spoils some, not all.
func checkRatio(t *testing.T, what string, do func(i int)) {
	t.Helper()
	best := []time.Duration{time.Hour, time.Hour}
	for n := 0; n < 8 || n < 60 && best[1] > growth*best[0]; n++ {
		for i := range best {
			begin := time.Now()
			do(i)
			best[i] = min(best[i], time.Since(begin))
		}
	}
	t.Logf("%s: %v with 1000 records, %v with %d: ratio %.2f", what, best[0], best[1], largeLedger, float64(best[1])/float64(best[0]))
	if best[1] > growth*best[0] {
		t.Errorf("%s: got %v with %d records and %v with 1000, want at most %d times as much", what, best[1], largeLedger, best[0], growth)
	}
}
