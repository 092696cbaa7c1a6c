package ledger

import (
	"crypto/ed25519"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"provstation/station"
	"provstation/station/audit"
)

// auditKit is a ledger whose writes are audited.
type auditKit struct {
	*Ledger
	path, heads string
	signer      *audit.Signer
}

func testSigner(t testing.TB, seed byte) *audit.Signer {
	t.Helper()
	s, err := audit.NewSigner(ed25519.NewKeyFromSeed([]byte(strings.Repeat(string(rune('a'+seed)), 32))))
	must(t, err)
	return s
}

func (k *auditKit) start(t testing.TB) {
	t.Helper()
	found, err := k.StartAudit(t.Context(), AuditConfig{StationID: "st-1", Tenant: "acme", Signer: k.signer, Heads: k.heads})
	must(t, err)
	if len(found) > 0 {
		t.Errorf("start: got %v, want nothing found", found)
	}
}

func newAudited(t testing.TB) *auditKit {
	t.Helper()
	dir := t.TempDir()
	k := &auditKit{path: filepath.Join(dir, "ledger.db"), heads: filepath.Join(dir, "heads.log"), signer: testSigner(t, 0)}
	k.Ledger = openAt(t, k.path, Config{})
	k.start(t)
	return k
}

func (k *auditKit) verify(t testing.TB) VerifyReport {
	t.Helper()
	k.flushHeads(t.Context())
	heads, _, err := readHeadsFile(k.heads)
	must(t, err)
	r, err := k.Verify(t.Context(), VerifyConfig{Keys: audit.NewKeys(k.signer.Public), Heads: heads})
	must(t, err)
	return r
}

func (k *auditKit) whole(t testing.TB) VerifyReport {
	t.Helper()
	r := k.verify(t)
	for _, f := range r.Findings {
		t.Errorf("got %s, want a whole history", f)
	}
	return r
}

// fill makes every kind of record.
func (k *auditKit) fill(t testing.TB, n int) []*device {
	t.Helper()
	ctx := t.Context()
	var all []*device
	for i := range n {
		d := dev("HW" + string(rune('A'+i)))
		all = append(all, d)
		must(t, d.prove(ctx, k.Ledger))
		if i%3 == 2 {
			must(t, k.FinishRun(ctx, d.finish(station.Fail)))
			continue
		}
		must(t, k.FinishRun(ctx, d.finish(station.Pass)))
		_, err := k.BeginLabel(ctx, LabelPrint{
			ID: newRun(), Tenant: d.tenant, DeviceID: d.id, HardwareSerial: d.serial, Run: d.run, Template: "t", Printer: "p",
			Operator: "Grace", At: t0,
		})
		must(t, err)
	}
	list := []station.BatchDevice{{Line: 1, HardwareSerial: "HWA"}, {Line: 2, DeviceID: "x"}}
	_, err := k.OpenBatch(ctx, station.BatchRecord{
		Tenant: "acme", Batch: "b7", Station: "bench-1", Digest: sum("list"), OpenedBy: "Ada", OpenedAt: t0, Devices: list,
	})
	must(t, err)
	must(t, k.ChangeBatch(ctx, BatchChange{Tenant: "acme", Batch: "b7", State: station.BatchPaused, By: "Grace", At: t0}))
	o := dev("HWO")
	s := o.start()
	s.Override = &station.Override{Code: "E-X", Run: "r", Reason: "agreed", Operator: "Ada", Lead: "Grace"}
	must(t, k.BeginRun(ctx, s))
	must(t, k.FinishRun(ctx, station.RunFinish{Run: o.run, Tenant: o.tenant, Outcome: station.Aborted, EndedAt: t0}))
	gone := all[len(all)-1]
	must(t, k.RevocationBegun(ctx, gone.revocation()))
	_, err = gone.retired(ctx, k.Ledger)
	must(t, err)
	return all
}

func TestAuditFollowsEveryWrite(t *testing.T) {
	k := newAudited(t)
	devices := k.fill(t, 4)
	r := k.whole(t)
	if len(r.Chains) != 1 || r.Chains[0].Last < 40 || r.Signed == 0 || r.Rows < 40 {
		t.Errorf("got %+v, want one chain of some 40 rows, signed", r)
	}
	// Again is nothing new.
	must(t, k.FinishRun(t.Context(), devices[0].finish(station.Pass)))
	if again := k.whole(t); again.Chains[0].Last != r.Chains[0].Last {
		t.Errorf("a repeated write: got row %d, want still %d", again.Chains[0].Last, r.Chains[0].Last)
	}
}

// Every table there is must be in the chain, or be named as one that is not.
func TestAuditKnowsEveryTable(t *testing.T) {
	l := openNew(t)
	names, err := query(t.Context(), l, func(scan func(...any) error) (s string, err error) { return s, scan(&s) }, l.d.tables())
	must(t, err)
	for _, n := range names {
		if _, ok := auditedTables(n); ok == aside(n) || ok != slices.Contains(auditedNames(), n) {
			t.Errorf("table %s: say in audit_tables.go how the chain follows it, or that it does not", n)
		}
	}
}

func TestAuditAdoptsWhatIsThere(t *testing.T) {
	dir := t.TempDir()
	k := &auditKit{path: filepath.Join(dir, "ledger.db"), heads: filepath.Join(dir, "heads.log"), signer: testSigner(t, 0)}
	k.Ledger = openAt(t, k.path, Config{})
	k.fill(t, 3)
	k.start(t)
	k.whole(t)
	other := openAt(t, k.path, Config{})
	want(t, dev("HWX").identify(t.Context(), other), ErrNoChain)
}

func TestAuditHoldsNoName(t *testing.T) {
	k := newAudited(t)
	k.fill(t, 3)
	for s, err := range (&verifierKit{k.Ledger}).bodies(t) {
		must(t, err)
		for _, name := range []string{"Ada", "Grace"} {
			if strings.Contains(string(s), name) {
				t.Errorf("a row of the chain names %s", name)
			}
		}
	}
	erased, err := k.ErasePerson(t.Context(), "Ada")
	must(t, err)
	if erased == 0 {
		t.Errorf("got no row, want some to be without the name")
	}
	k.whole(t)
	must(t, k.Close())
	for _, f := range []string{k.path, k.heads} {
		b, err := os.ReadFile(f)
		must(t, err)
		if strings.Contains(string(b), "Ada") || strings.Contains(string(b), "\nada") {
			t.Errorf("%s still names the person", filepath.Base(f))
		}
	}
}

type verifierKit struct{ *Ledger }

func (v *verifierKit) bodies(t testing.TB) func(func([]byte, error) bool) {
	list, err := query(t.Context(), v.Ledger, func(scan func(...any) error) (b []byte, err error) { return b, scan(&b) }, "SELECT body FROM audit")
	return func(yield func([]byte, error) bool) {
		for _, b := range list {
			if !yield(b, err) {
				return
			}
		}
	}
}

// tamper changes the database past the ledger.
func (k *auditKit) tamper(t testing.TB, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", fileURI(k.path)+"_pragma=foreign_keys(0)&_pragma=ignore_check_constraints(1)")
	must(t, err)
	defer db.Close()
	for _, s := range statements {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func TestVerifyNames(t *testing.T) {
	renumber := "UPDATE audit SET n = -n-1 WHERE n >= 10; UPDATE audit SET n = -n WHERE n < 0"
	for _, c := range []struct {
		name   string
		tamper string
		want   audit.Finding // its set fields
	}{
		{"value", "UPDATE runs SET outcome = 'PASS', proof = 'broker-acked' WHERE outcome = 'FAIL'", audit.Finding{Kind: audit.ValueDiffers, Table: "runs", Column: "outcome"}},
		{"device", "UPDATE devices SET model = 'other'", audit.Finding{Kind: audit.ValueDiffers, Table: "devices", Column: "model"}},
		{"certificate", "UPDATE certificates SET der = CAST(x'3082' || der AS BLOB)", audit.Finding{Kind: audit.ValueDiffers, Table: "certificates", Column: "der"}},
		{"operator", "UPDATE runs SET operator = 'Eve'", audit.Finding{Kind: audit.ValueDiffers, Table: "runs", Column: "operator"}},
		{"search", "UPDATE runs SET search = ''", audit.Finding{Kind: audit.ValueDiffers, Table: "runs", Column: "search"}},
		{"name", "UPDATE people_names SET name = 'Eve' WHERE name = 'Ada'", audit.Finding{Kind: audit.Person, Table: "people_names"}},
		{"ledger row deleted", "DELETE FROM phases WHERE run = (SELECT min(run) FROM phases)", audit.Finding{Kind: audit.RowMissing, Table: "phases"}},
		{"ledger row put in", "INSERT INTO wireguard_keys VALUES (zeroblob(32), 'acme', 'HWA')", audit.Finding{Kind: audit.RowUnknown, Table: "wireguard_keys"}},
		{"body", "UPDATE audit SET body = CAST(substr(body, 1, length(body) - 1) || x'00' AS BLOB) WHERE n = 10", audit.Finding{Kind: audit.Altered, N: 10}},
		{"digest", "UPDATE audit SET digest = zeroblob(32) WHERE n = 10", audit.Finding{Kind: audit.Altered, N: 10}},
		{"deleted", "DELETE FROM audit WHERE n = 10", audit.Finding{Kind: audit.Missing, N: 10, Last: 10}},
		{"deleted and renumbered", "DELETE FROM audit WHERE n IN (10, 11); UPDATE audit SET n = -n+2 WHERE n > 11; UPDATE audit SET n = -n WHERE n < 0", audit.Finding{Kind: audit.Missing, N: 10, Last: 11}},
		{"swapped", "UPDATE audit SET n = -10 WHERE n = 10; UPDATE audit SET n = 10 WHERE n = 20; UPDATE audit SET n = 20 WHERE n = -10", audit.Finding{Kind: audit.Reordered, N: 10, Last: 20}},
		{"put in", renumber + "; INSERT INTO audit SELECT station_id, 10, prev, digest, body FROM audit WHERE n = 5", audit.Finding{N: 10}},
		{"cut", "DELETE FROM audit WHERE n > 30", audit.Finding{Kind: audit.Cut, N: 31}},
		{"cut with its traces", "DELETE FROM audit WHERE n > 30; DELETE FROM audit_checkpoints WHERE n > 30; UPDATE audit_chains SET n = 30, digest = (SELECT digest FROM audit WHERE n = 30)", audit.Finding{Kind: audit.Cut, N: 31}},
		{"everything gone", "DELETE FROM audit; DELETE FROM audit_checkpoints; DELETE FROM audit_chains", audit.Finding{Kind: audit.Cut, N: 1}},
		{"head", "UPDATE audit_chains SET n = n - 1", audit.Finding{Kind: audit.Head}},
		{"tenant", "UPDATE audit_chains SET tenant = 'other'", audit.Finding{Kind: audit.Recomputed, N: 1}},
		{"checkpoint", "UPDATE audit_checkpoints SET line = replace(line, '\"purpose\":1', '\"purpose\":2')", audit.Finding{Kind: audit.Signature}},
		{"checkpoint gone", "DELETE FROM audit_checkpoints WHERE n = (SELECT min(n) FROM audit_checkpoints WHERE n > 1)", audit.Finding{Kind: audit.Signature}},
		{"index gone", "DROP INDEX runs_passed", audit.Finding{Kind: audit.Altered, Table: "(schema)", Row: "index runs_passed"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newAudited(t)
			k.fill(t, 4)
			k.whole(t)
			k.tamper(t, c.tamper)
			r := k.verify(t)
			got := slices.ContainsFunc(r.Findings, func(f audit.Finding) bool {
				return (c.want.Kind == "" || f.Kind == c.want.Kind) && (c.want.Table == "" || f.Table == c.want.Table) &&
					(c.want.Column == "" || f.Column == c.want.Column) && (c.want.N == 0 || f.N == c.want.N) &&
					(c.want.Last == 0 || f.Last == c.want.Last) && (c.want.Row == "" || f.Row == c.want.Row)
			})
			if !got {
				t.Errorf("got %v, want %v among them", r.Findings, c.want)
			}
		})
	}
}

// A byte of the schema that names a column, altered while the ledger is open or before: it is said, and nothing breaks over it.
func TestVerifyWithoutAColumn(t *testing.T) {
	for _, c := range [][2]string{{"runs", "code"}, {"runs", "search"}, {"runs", "run"}, {"runs", "operator"}, {"devices", "model"}, {"phases", "n"}} {
		k := newAudited(t)
		k.fill(t, 1)
		_, err := tamperFile(k.path, "ALTER TABLE "+c[0]+" RENAME COLUMN "+c[1]+" TO other")
		must(t, err)
		_, err = Open(t.Context(), "sqlite:"+k.path, Config{}) // whoever comes after is told before anything is read
		if !errors.Is(err, ErrUnknownSchema) || !strings.Contains(err.Error(), "table "+c[0]+" ") {
			t.Errorf("%v: open: got %v, want the table named", c, err)
		}
		r, err := k.Verify(t.Context(), VerifyConfig{Keys: audit.NewKeys(k.signer.Public)})
		if err != nil && !errors.Is(err, ErrCorrupt) {
			t.Errorf("%v: got %v, want it said what is wrong", c, err)
		}
		named := slices.ContainsFunc(r.Findings, func(f audit.Finding) bool {
			return f.Table == "(schema)" && f.Row == "table "+c[0]
		})
		if !named {
			t.Errorf("%v: got %v, want the schema of the table named", c, r.Findings)
		}
	}
}

// Who can write the whole database computes the chain anew and is betrayed by what was signed.
func TestVerifyNamesARecomputedChain(t *testing.T) {
	k := newAudited(t)
	devices := k.fill(t, 3)
	k.tamper(t, "UPDATE devices SET model = 'forged' WHERE hardware_serial = 'HWA'")
	recompute(t, k, func(r *audit.Row) {
		for i := range r.Changes {
			if c := r.Changes[i]; c.Table == "devices" && c.Key[1] == "HWA" && c.Columns != nil {
				c.Columns["model"] = "forged"
			}
		}
	})
	r := k.verify(t)
	if len(r.Findings) == 0 || r.Findings[0].Kind != audit.Recomputed && r.Findings[0].Kind != audit.Signature {
		t.Errorf("got %v, want the chain to be found computed anew (device %s)", r.Findings, devices[0].id)
	}
	if !slices.ContainsFunc(r.Findings, func(f audit.Finding) bool { return f.Kind == audit.Recomputed }) {
		t.Errorf("got %v, want a signed row to differ", r.Findings)
	}
}

// recompute writes a chain that is sound in itself.
func recompute(t testing.TB, k *auditKit, bend func(*audit.Row)) {
	t.Helper()
	db, err := sql.Open("sqlite", fileURI(k.path))
	must(t, err)
	defer db.Close()
	db.SetMaxOpenConns(1)
	rows, err := db.QueryContext(t.Context(), "SELECT body FROM audit ORDER BY n")
	must(t, err)
	defer rows.Close()
	var bodies [][]byte
	for rows.Next() {
		var b []byte
		must(t, rows.Scan(&b))
		bodies = append(bodies, b)
	}
	must(t, rows.Err())
	prev := audit.Genesis("st-1", "acme")
	for i, b := range bodies {
		r, err := audit.ParseRow(b)
		must(t, err)
		bend(&r)
		b, err = r.Encode()
		must(t, err)
		next := audit.Link(prev, b)
		_, err = db.ExecContext(t.Context(), "UPDATE audit SET prev = ?, digest = ?, body = ? WHERE n = ?", prev[:], next[:], b, i+1)
		must(t, err)
		prev = next
	}
	_, err = db.ExecContext(t.Context(), "UPDATE audit_chains SET digest = ?", prev[:])
	must(t, err)
}

func TestAuditGoesOnAfterReopening(t *testing.T) {
	k := newAudited(t)
	must(t, dev("HWA").pass(t.Context(), k.Ledger))
	before := k.whole(t)
	must(t, k.Close())
	k.Ledger = openAt(t, k.path, Config{})
	k.start(t)
	must(t, dev("HWB").pass(t.Context(), k.Ledger))
	if after := k.whole(t); after.Chains[0].Last <= before.Chains[0].Last {
		t.Errorf("got row %d, want more than %d", after.Chains[0].Last, before.Chains[0].Last)
	}
	must(t, k.Close())
	k.tamper(t, "DELETE FROM audit WHERE n > 5")
	k.Ledger = openAt(t, k.path, Config{})
	found, err := k.StartAudit(t.Context(), AuditConfig{StationID: "st-1", Tenant: "acme", Signer: k.signer, Heads: k.heads})
	must(t, err)
	if len(found) == 0 || found[0].Kind != audit.Cut {
		t.Errorf("got %v, want the cut to be said at once", found)
	}
}

func TestAuditConcurrentWritesKeepTheOrder(t *testing.T) {
	k := newAudited(t)
	done := make(chan error)
	for i := range 24 {
		go func() { done <- dev("HW1"+string(rune('a'+i))).pass(t.Context(), k.Ledger) }()
	}
	for range 24 {
		must(t, <-done)
	}
	// One that fails among others takes nothing of the chain with it.
	a, b := dev("HWX"), dev("HWY")
	b.spki = a.spki
	must(t, a.pass(t.Context(), k.Ledger))
	go func() { done <- b.pass(t.Context(), k.Ledger) }()
	go func() { done <- dev("HWZ").pass(t.Context(), k.Ledger) }()
	if errs := []error{<-done, <-done}; (errs[0] == nil) == (errs[1] == nil) {
		t.Errorf("got %v, want one refused", errs)
	}
	k.whole(t)
}

func TestPruneAudit(t *testing.T) {
	now := t0
	dir := t.TempDir()
	k := &auditKit{path: filepath.Join(dir, "ledger.db"), heads: filepath.Join(dir, "heads.log"), signer: testSigner(t, 0)}
	k.Ledger = openAt(t, k.path, Config{Now: func() time.Time { return now }})
	k.start(t)
	k.fill(t, 4)
	now = now.Add(48 * time.Hour)
	must(t, dev("HWN").pass(t.Context(), k.Ledger))
	before := k.whole(t)
	got, err := k.PruneAudit(t.Context(), t0.Add(24*time.Hour))
	must(t, err)
	if got.Rows == 0 || got.Checkpoint.Purpose != audit.PurposePrune {
		t.Errorf("got %+v, want rows deleted under a signed digest", got)
	}
	after := k.whole(t)
	if after.Chains[0].Pruned != got.Checkpoint.N || after.Chains[0].Rows >= before.Chains[0].Rows || after.Rows != before.Rows {
		t.Errorf("got %+v after %+v, want fewer rows of the chain and all of the ledger", after, before)
	}
	must(t, dev("HWM").pass(t.Context(), k.Ledger))
	k.whole(t)
	k.tamper(t, "UPDATE devices SET model = 'other' WHERE hardware_serial = 'HWA'")
	if r := k.verify(t); len(r.Findings) != 1 || r.Findings[0].Column != "model" {
		t.Errorf("got %v, want the altered value of a device from before", r.Findings)
	}
	k.tamper(t, "UPDATE devices SET model = 'box' WHERE hardware_serial = 'HWA'", "DELETE FROM audit_checkpoints WHERE purpose = 2")
	if diff := cmp.Diff(0, len(k.verify(t).Findings)); diff == "" {
		t.Errorf("the signed digest of the deleted rows is gone: got nothing found")
	}
}
