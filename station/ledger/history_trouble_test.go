package ledger

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"provstation/station"
)

// older are the fixtures here that a migration starts from.
func older(t *testing.T, do func(t *testing.T, p past, url string)) {
	t.Helper()
	_, numbers := migrations(t, here().name())
	newest := numbers[len(numbers)-1]
	for _, f := range fixturesHere() {
		if f.schema == newest || f.refused != "" {
			continue
		}
		t.Run(f.name, func(t *testing.T) {
			url := f.load(t)
			do(t, past{f, contents(t, url), newest}, url)
		})
	}
}

// stands sees that a ledger is whole at a schema: its shape and every old row. Then today's program goes on from there.
func (p past) stands(t *testing.T, url string, schema int64) {
	t.Helper()
	db := rawDB(t, url)
	have, err := (&Ledger{d: here()}).schemaVersion(t.Context(), db)
	must(t, err)
	diff(t, have, schema)
	all, err := shapes(here().name())
	must(t, err)
	now, err := shapeOf(t.Context(), db, here())
	must(t, errors.Join(err, db.Close()))
	if odd := all[schema].differences(now); len(odd) > 0 {
		t.Errorf("at schema %d: got %v made in another way, want its shape", schema, odd)
	}
	p.kept(t, url)
}

// goesOn has today's program open the ledger.
func (p past) goesOn(t *testing.T, url string) {
	t.Helper()
	l := openURL(t, url, Config{})
	p.kept(t, url)
	checkSchema(t, url)
	p.searched(t, l)
	p.audited(t, l)
	must(t, dev("SN-NEW").pass(t.Context(), l))
}

// A migration that fails at its end leaves the schema before it, with every row; the next start goes on from there.
func TestHistoryFails(t *testing.T) {
	older(t, func(t *testing.T, p past, _ string) {
		for n := p.schema + 1; n <= p.newest; n++ {
			url := p.load(t)
			_, err := Open(t.Context(), url, Config{migrations: withBroken(t, n)})
			if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("migrate from schema %d", p.schema)) {
				t.Errorf("migration %d fails: got %v, want it told", n, err)
			}
			p.stands(t, url, n-1)
			p.goesOn(t, url)
		}
	})
}

// cancels cancels when it is told of a migration that is done.
type cancels struct {
	slog.Handler
	cancel context.CancelFunc
}

func (c cancels) Handle(_ context.Context, r slog.Record) error {
	if strings.Contains(r.Message, "migrated") {
		c.cancel()
	}
	return nil
}

// A start that is interrupted after a migration leaves that one's schema.
func TestHistoryCancelled(t *testing.T) {
	older(t, func(t *testing.T, p past, url string) {
		must(t, openAndCancel(t, url))
		at := p.newest
		if p.schema < searchSchema { // where the way to the newest is parted
			at = searchSchema
		}
		p.stands(t, url, at)
		p.goesOn(t, url)
	})
}

func openAndCancel(t *testing.T, url string) error {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	l, err := Open(ctx, url, Config{Logger: slog.New(cancels{slog.NewTextHandler(os.Stderr, nil), cancel})})
	if err == nil {
		return errors.Join(errors.New("got a ledger, want it interrupted"), l.Close())
	}
	if !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// childOpens opens and closes a ledger; the parent kills it meanwhile.
func childOpens(url string) error {
	fmt.Println("go")
	l, err := Open(context.Background(), url, Config{})
	if err != nil {
		return err
	}
	return l.Close()
}

// A station that is killed while it migrates leaves one schema or another, whole, with every row.
func TestHistoryKilled(t *testing.T) {
	older(t, func(t *testing.T, p past, url string) {
		begun := time.Now()
		must(t, openURLAndClose(t, url))
		took := time.Since(begun)
		rounds := 6
		if p.database == Postgres {
			rounds = 3 // a database each
		}
		for range rounds {
			url := p.load(t)
			openAndKill(t, url, rand.N(took+took/4))
			db := rawDB(t, url)
			have, err := (&Ledger{d: here()}).schemaVersion(t.Context(), db)
			must(t, errors.Join(err, db.Close()))
			if have != p.schema { // before the first migration there may be what is to be mended
				p.stands(t, url, have)
			}
			p.kept(t, url)
			p.goesOn(t, url)
		}
	})
}

func openAndKill(t *testing.T, url string, after time.Duration) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "LEDGER_TEST_CHILD=open", "LEDGER_TEST_URL="+url)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatalf("child: %v\n%s", err, stderr.Bytes())
	}
	<-time.After(after) // any moment will do, also one after its end
	_ = cmd.Process.Kill()
	var exit *exec.ExitError
	if err := cmd.Wait(); err != nil && (!errors.As(err, &exit) || exit.Exited()) {
		t.Fatalf("child: got %v, want it killed, or done\n%s", err, stderr.Bytes())
	}
}

// A disk that is full at any page of the way leaves one schema or another, whole, and room is all that the next start needs.
func TestFullHistory(t *testing.T) {
	older(t, func(t *testing.T, p past, url string) {
		db := rawDB(t, url)
		pages, err := column[int](t.Context(), db, "PRAGMA page_count")
		must(t, errors.Join(err, db.Close()))
		seen := map[int64]bool{}
		for room := 0; ; room++ {
			l, err := Open(t.Context(), url, Config{maxPages: pages[0] + room})
			if err == nil {
				must(t, l.Close())
				break
			}
			want(t, err, ErrFull)
			db := rawDB(t, url)
			have, err := (&Ledger{d: here()}).schemaVersion(t.Context(), db)
			must(t, errors.Join(err, db.Close()))
			seen[have] = true
			p.kept(t, url)
		}
		if !seen[p.schema] || p.schema < 2 && !seen[2] {
			t.Errorf("got it full at the schemas %v, want at each on the way", seen)
		}
		p.goesOn(t, url)
	})
}

// A ledger that a newer program has had is refused and left alone.
func TestHistoryNewer(t *testing.T) {
	for _, f := range fixturesHere() {
		if f.refused != "" {
			continue
		}
		t.Run(f.name, func(t *testing.T) {
			url := f.load(t)
			must(t, openURLAndClose(t, url))
			l := openURL(t, url, Config{migrations: withNext(t)})
			rows, err := l.Runs(t.Context(), Filter{Tenant: "acme", Text: "ÉLODIE"})
			must(t, err)
			if told := f.lived != nil && strings.Contains(f.lived[0].parts, "runs"); told && len(rows) == 0 {
				t.Error("after one more migration: got no run of ÉLODIE, want it found whatever programs had the ledger before")
			}
			must(t, l.Close())
			before := contents(t, url)
			_, err = Open(t.Context(), url, Config{})
			want(t, err, ErrNewerSchema)
			diff(t, contents(t, url), before)
		})
	}
}

// Down and up again: what the earlier schema has a place for is there after both, and the schema is a new one's.
func TestHistoryDownAndUp(t *testing.T) {
	files, numbers := migrations(t, here().name())
	newest := numbers[len(numbers)-1]
	for _, f := range fixturesHere() {
		if f.name != fmt.Sprintf("%s-%d", f.database, f.schema) {
			continue
		}
		for _, to := range numbers[:len(numbers)-1] {
			t.Run(fmt.Sprintf("%s to %d", f.name, to), func(t *testing.T) {
				url := f.load(t)
				must(t, openURLAndClose(t, url))
				db := rawDB(t, url)
				defer func() { must(t, db.Close()) }()
				if to < 3 {
					downWithCollected(t, db, to)
				}
				p := past{f, contents(t, url), newest}
				_, err := migrator(t, db, files).DownTo(t.Context(), to)
				must(t, err)
				kept := p.without(t, url)
				kept.stands(t, url, to)
				must(t, openURLAndClose(t, url))
				kept.kept(t, url)
				checkSchema(t, url)
			})
		}
	}
}

// downWithCollected sees that schema 2, which has no word for runs that ended COLLECTED, is refused while there are any; then
// it has them end otherwise.
func downWithCollected(t *testing.T, db *sql.DB, to int64) {
	t.Helper()
	files, _ := migrations(t, here().name())
	found, err := column[int64](t.Context(), db, "SELECT count(*) FROM runs WHERE outcome = 'COLLECTED'")
	must(t, err)
	if found[0] == 0 {
		return
	}
	if _, err := migrator(t, db, files).DownTo(t.Context(), to); err == nil {
		t.Error("down with runs that ended COLLECTED: got nil, want it refused")
	}
	left, err := column[int64](t.Context(), db, "SELECT count(*) FROM runs WHERE outcome = 'COLLECTED'")
	must(t, err)
	diff(t, left, found)
	execAll(t, db, "UPDATE runs SET outcome = 'ABORTED' WHERE outcome = '"+string(station.Collected)+"'")
}

// without is the past without the tables and columns that the ledger has no place for any more.
func (p past) without(t testing.TB, url string) past {
	t.Helper()
	db := rawDB(t, url)
	defer func() { must(t, db.Close()) }()
	names, err := tableNames(t.Context(), db, here())
	must(t, err)
	left := map[string][]map[string]string{}
	for _, n := range names {
		if n == "goose_db_version" {
			continue
		}
		columns := columnsOf(t, db, n)
		left[n] = []map[string]string{}
		for _, r := range p.tables[n] {
			r = maps.Clone(r)
			maps.DeleteFunc(r, func(c, _ string) bool { return !slices.Contains(columns, c) })
			left[n] = append(left[n], r)
		}
	}
	p.tables = left
	return p
}

func columnsOf(t testing.TB, db *sql.DB, table string) []string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "SELECT * FROM "+table+" WHERE 1 = 0")
	must(t, err)
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	must(t, errors.Join(err, rows.Err()))
	return columns
}
