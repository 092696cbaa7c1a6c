package ledger

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"provstation/station"
	"provstation/station/audit"
)

// past is what a ledger held before today's program opened it.
type past struct {
	fixture
	tables map[string][]map[string]string
	newest int64 // today's schema
}

// values are what a column of a table says, as text; NULL says nothing.
func (p past) values(table, column string) (list []string) {
	for _, r := range p.tables[table] {
		list = append(list, bareText(r[column]))
	}
	return list
}

func bareText(cell string) string {
	if cell == "NULL" {
		return ""
	}
	return strings.TrimPrefix(cell, "'")
}

// count is how many rows of a table have the value in the column.
func (p past) count(table, column, value string) (n int) {
	for _, v := range p.values(table, column) {
		if v == value {
			n++
		}
	}
	return n
}

func blobOf(t testing.TB, cell string) []byte {
	t.Helper()
	if cell == "NULL" {
		return nil
	}
	b, err := hex.DecodeString(strings.TrimPrefix(cell, "x"))
	must(t, err)
	return b
}

// TestHistory has today's program go on with what earlier ones left.
func TestHistory(t *testing.T) {
	for _, f := range fixturesHere() {
		t.Run(f.name, func(t *testing.T) {
			url := f.load(t)
			_, numbers := migrations(t, f.database)
			p := past{f, contents(t, url), numbers[len(numbers)-1]}
			if f.refused != "" {
				_, err := Open(t.Context(), url, Config{})
				want(t, err, ErrUnknownSchema)
				if err == nil || !strings.Contains(err.Error(), f.refused) {
					t.Errorf("got %v, want it to say %q", err, f.refused)
				}
				diff(t, contents(t, url), p.tables)
				return
			}
			p.full(t)
			l := openURL(t, url, Config{LockDir: t.TempDir()})
			p.kept(t, url)
			checkSchema(t, url)
			p.sound(t, l)
			p.found(t, l)
			p.listed(t, l)
			p.audited(t, l)
			p.verify(t, l)
			p.works(t, l)
			must(t, l.Close())
			p.again(t, url)
		})
	}
}

// full sees that the fixture is worth its name, where that is its database and schema alone: rows in every table, runs that
// are open and of every outcome. The others are of parts of the story.
func (p past) full(t *testing.T) {
	t.Helper()
	if p.name != fmt.Sprintf("%s-%d", p.database, p.schema) {
		return
	}
	for table, rows := range p.tables {
		if len(rows) == 0 {
			t.Errorf("table %s: got no row, want some", table)
		}
	}
	for _, o := range append(station.Outcomes(), "") {
		if p.count("runs", "outcome", string(o)) == 0 && (o != station.Collected || p.schema >= 3) {
			t.Errorf("got no run that ended %q, want one", o)
		}
	}
}

// kept: every row of every table is there, with its values, and no other.
func (p past) kept(t testing.TB, url string) {
	t.Helper()
	now := contents(t, url)
	for table, rows := range p.tables {
		var columns []string
		for c := range rows0(rows) {
			derived := table == "runs" && c == "search" // made of the others
			dropped := table == "audit_chains" && c == "begun_at"
			if !derived && !dropped {
				columns = append(columns, c)
			}
		}
		slices.Sort(columns)
		have, was := lines(now[table], columns), lines(rows, columns)
		if table == "goose_db_version" { // the history goes on
			have = slices.DeleteFunc(have, func(l string) bool { return !slices.Contains(was, l) })
		}
		if !slices.Equal(have, was) {
			t.Errorf("table %s:", table)
			diff(t, have, was)
		}
	}
	for table, rows := range now {
		if _, old := p.tables[table]; !old && len(rows) > 0 && table != "goose_db_version" {
			t.Errorf("new table %s: got %d rows, want none", table, len(rows))
		}
	}
}

func rows0(rows []map[string]string) map[string]string {
	if len(rows) == 0 {
		return nil
	}
	return rows[0]
}

func (p past) sound(t testing.TB, l *Ledger) {
	t.Helper()
	r, err := l.Check(t.Context())
	must(t, err)
	if !r.OK() || r.Schema != p.newest || r.Runs != int64(len(p.tables["runs"])) {
		t.Errorf("got %+v, want a sound ledger of schema %d with %d runs", r, p.newest, len(p.tables["runs"]))
	}
}

// found: every old run is shown whole, and found by each of its texts in any case.
func (p past) found(t testing.TB, l *Ledger) {
	t.Helper()
	ctx := t.Context()
	all, err := l.Runs(ctx, Filter{Tenant: "acme", Limit: PageMax})
	must(t, err)
	diff(t, len(all), len(p.tables["runs"]))
	for _, r := range p.tables["runs"] {
		id := bareText(r["run"])
		d, err := l.Run(ctx, id)
		must(t, err)
		got := []string{
			d.Operator, d.Batch, d.Slot, d.HardwareSerial, d.DeviceID, string(d.Outcome), string(d.Code),
			strconv.Itoa(len(d.Phases)), strconv.Itoa(len(d.Observations)), strconv.Itoa(len(d.Posts)), strconv.Itoa(len(d.Proofs)),
			strconv.Itoa(len(d.Certificates)), strconv.Itoa(len(d.Labels)), strconv.FormatBool(d.Override != nil),
		}
		var was []string
		for _, c := range []string{"operator", "batch", "slot", "hardware_serial", "device_id", "outcome", "code"} {
			was = append(was, bareText(r[c]))
		}
		for _, table := range []string{"phases", "observations", "posts", "proofs", "certificates", "label_prints"} {
			was = append(was, strconv.Itoa(p.count(table, "run", id)))
		}
		diff(t, got, append(was, strconv.FormatBool(p.count("overrides", "run", id) > 0)))
	}
	p.searched(t, l)
	p.devices(t, l)
}

// searched: a run is found by each of its texts, in capitals as well as in small letters.
func (p past) searched(t testing.TB, l *Ledger) {
	t.Helper()
	seen := map[string]bool{}
	for _, r := range p.tables["runs"] {
		for _, c := range []string{"operator", "batch", "slot", "hardware_serial", "device_id", "code"} {
			text := bareText(r[c])
			if text == "" || seen[text] {
				continue
			}
			seen[text] = true
			for _, typed := range []string{text, strings.ToUpper(text), strings.ToLower(text)} {
				rows, err := l.Runs(t.Context(), Filter{Tenant: "acme", Text: typed, Limit: PageMax})
				must(t, err)
				if !slices.ContainsFunc(rows, func(row RunRow) bool { return row.Run == bareText(r["run"]) }) {
					t.Errorf("search %q: got %d runs, want the one with the %s %q among them", typed, len(rows), c, text)
				}
			}
		}
	}
}

// devices: what is known of each device, its keys and its certificates is what was known.
func (p past) devices(t testing.TB, l *Ledger) {
	t.Helper()
	ctx := t.Context()
	for _, r := range p.tables["devices"] {
		d, err := l.Device(ctx, bareText(r["tenant"]), bareText(r["hardware_serial"]))
		must(t, err)
		diff(t, []string{d.DeviceID, hex.EncodeToString(d.SPKI), hex.EncodeToString(d.Leaf), string(d.LastOutcome)},
			[]string{bareText(r["device_id"]), hex.EncodeToString(blobOf(t, r["spki"])), hex.EncodeToString(blobOf(t, r["leaf"])), bareText(r["last_outcome"])})
	}
	for _, r := range p.tables["keys"] {
		k, err := l.Key(ctx, bareText(r["tenant"]), blobOf(t, r["spki"]))
		must(t, err)
		diff(t, []string{k.Run, k.DeviceID, k.KeyType}, []string{bareText(r["run"]), bareText(r["device_id"]), bareText(r["key_type"])})
	}
	for _, r := range p.tables["certificates"] {
		list, err := l.Certificates(ctx, bareText(r["tenant"]), blobOf(t, r["spki"]))
		must(t, err)
		i := slices.IndexFunc(list, func(c station.CertRecord) bool { return bytes.Equal(c.Fingerprint, blobOf(t, r["fingerprint"])) })
		if i < 0 {
			t.Errorf("certificate %s: got none, want it found by its key", r["fingerprint"])
			continue
		}
		c := list[i]
		diff(t, c.Leaf, blobOf(t, r["der"]))
		diff(t, []int{len(c.Chain), len(c.TunnelAddresses)},
			[]int{p.count("chains", "leaf", r["fingerprint"]), p.count("certificate_addresses", "leaf", r["fingerprint"])})
		diff(t, []bool{c.Revoked, c.Refused != ""}, []bool{r["revoked_at"] != "NULL", p.count("refused_certificates", "fingerprint", r["fingerprint"]) > 0})
	}
}

// listed: batches, labels, the queue, decisions, what a CA has to revoke.
func (p past) listed(t testing.TB, l *Ledger) {
	t.Helper()
	ctx := t.Context()
	batches, err := l.BatchList(ctx, "acme")
	must(t, err)
	diff(t, len(batches), len(p.tables["batches"]))
	steps, devices := 0, 0
	for _, b := range batches {
		one, err := l.Batch(ctx, "acme", b.Batch)
		must(t, err)
		devices += len(one.Devices)
		list, err := l.BatchChanges(ctx, "acme", b.Batch)
		must(t, err)
		steps += len(list)
	}
	diff(t, []int{devices, steps}, []int{len(p.tables["batch_devices"]), len(p.tables["batch_states"])})
	queue, err := l.Queue(ctx, QueueFilter{Tenant: "acme"})
	must(t, err)
	diff(t, len(queue), len(p.tables["collected"]))
	decided, open := 0, 0
	for _, r := range p.tables["devices"] {
		list, err := l.ResolutionsOf(ctx, "acme", bareText(r["hardware_serial"]))
		must(t, err)
		intents, err := l.OpenIntents(ctx, "acme", bareText(r["hardware_serial"]))
		must(t, err)
		decided, open = decided+len(list), open+len(intents)
	}
	diff(t, []int{decided, open}, []int{len(p.tables["resolutions"]), p.count("intents", "result", "")})
	possibly, err := l.PossiblyIssued(ctx)
	must(t, err)
	diff(t, len(possibly), p.count("posts", "state", "open")+p.count("posts", "state", "unknown"))
	p.orphans(t, l)
}

// orphans: of runs that have ended, the requests without an answer, and the certificates that were never proven.
func (p past) orphans(t testing.TB, l *Ledger) {
	t.Helper()
	orphans, pending, err := l.Orphans(t.Context(), OrphanFilter{Tenant: "acme", Now: t0})
	must(t, err)
	why := map[OrphanReason]int{}
	for _, o := range orphans {
		why[o.Reason]++
	}
	diff(t, []int{why[OrphanPossiblyIssued], pending}, []int{p.count("posts", "state", "unknown"), p.count("posts", "state", "open")})
	for _, r := range p.tables["certificates"] {
		unproven := p.count("proofs", "leaf", r["fingerprint"]) == 0 && p.count("collected", "leaf", r["fingerprint"]) == 0 &&
			!slices.ContainsFunc(p.tables["runs"], func(run map[string]string) bool {
				return run["leaf"] == r["fingerprint"] && run["outcome"] == "'INSTALLED"
			})
		listed := slices.ContainsFunc(orphans, func(o Orphan) bool {
			return bytes.Equal(o.Fingerprint, blobOf(t, r["fingerprint"])) && o.Reason == OrphanNotProven
		})
		if unproven != listed {
			t.Errorf("certificate of %s: got it listed as never proven: %t, want %t", r["hardware_serial"], listed, unproven)
		}
	}
}

// audited: a chain is begun over the old rows, or gone on with, and nothing is found wrong with it at once.
func (p past) audited(t testing.TB, l *Ledger) {
	t.Helper()
	found, err := l.StartAudit(t.Context(), AuditConfig{StationID: "st-1", Tenant: "acme", Signer: testSigner(t, 0)})
	must(t, err)
	if len(found) > 0 {
		t.Errorf("start: got %v, want nothing found", found)
	}
}

// verify: the chain tells of every old row as it is.

func (p past) verify(t testing.TB, l *Ledger) {
	t.Helper()
	r, err := l.Verify(t.Context(), VerifyConfig{Keys: audit.NewKeys(testSigner(t, 0).Public), Own: "st-1"})
	must(t, err)
	for _, f := range r.Findings {
		t.Errorf("got %s, want a whole history", f)
	}
	if r.Rows < len(p.tables["runs"]) || r.Signed == 0 {
		t.Errorf("got %d rows, %d signed heads, want the old rows in it", r.Rows, r.Signed)
	}
}

// works: a station goes on with the ledger.
func (p past) works(t testing.TB, l *Ledger) {
	t.Helper()
	ctx := t.Context()
	ended, err := l.EndInterrupted(ctx, "st-1", t0.Add(3*time.Hour))
	must(t, err)
	diff(t, ended, p.count("runs", "outcome", ""))
	d := dev("SN-NEW")
	must(t, d.pass(ctx, l))
	_, err = l.Passed(ctx, d.tenant, d.serial, d.spki, d.leaf)
	must(t, err)
	must(t, dev("SN-COLLECTED").collect(ctx, l))
	_, err = l.Claim(ctx, "acme", "SN-NEW", "st-1", time.Hour)
	must(t, err)
	n, err := l.Export(ctx, io.Discard, Filter{Tenant: "acme"}, "json")
	must(t, err)
	diff(t, n, len(p.tables["runs"])+2)
	if l.Database() == SQLite {
		s, err := l.Backup(ctx, filepath.Join(t.TempDir(), "backup.db"))
		must(t, err)
		diff(t, s.Rows("runs"), int64(len(p.tables["runs"])+2))
	}
	p.verify(t, l)
}

// again: the next start finds nothing left to do.
func (p past) again(t testing.TB, url string) {
	t.Helper()
	before := contents(t, url)
	var log bytes.Buffer
	l := openURL(t, url, Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	must(t, l.Close())
	if strings.Contains(log.String(), "migrated") || strings.Contains(log.String(), "mended") {
		t.Errorf("got %q, want nothing changed", log.String())
	}
	diff(t, contents(t, url), before)
	checkSchema(t, url)
}
