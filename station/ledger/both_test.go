package ledger

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	neturl "net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/stdlib"

	"provstation/station/stationtest"
)

// onPostgres names a server: then openNew and newURL give databases of it.
const onPostgres = "LEDGER_TEST_POSTGRES"

// TestOnPostgres runs every test of this package once more, in a process of its own, with ledgers on a real PostgreSQL
// server. LEDGER_TEST_RUN chooses some of them, as -run does.
func TestOnPostgres(t *testing.T) {
	if os.Getenv(onPostgres) != "" {
		return // this is that process
	}
	if testing.Short() {
		t.Skip("-short")
	}
	server := stationtest.StartPostgres(t)
	args := []string{"-test.timeout=10m", "-test.skip=^(" + sqliteOnly + ")$"}
	if run := os.Getenv("LEDGER_TEST_RUN"); run != "" {
		args = append(args, "-test.run="+run)
	}
	if *update {
		args = append(args, "-update")
	}
	if *makeHistory != "" {
		args = append(args, "-history="+*makeHistory)
	}
	if testing.Verbose() {
		args = append(args, "-test.v")
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), onPostgres+"="+server.URL)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if err != nil || testing.Verbose() {
		t.Logf("on PostgreSQL:\n%s", out.String())
	}
	if err != nil {
		t.Errorf("the tests on PostgreSQL: got %v, want them to pass", err)
	}
}

// sqliteOnly are the tests of what only a file has: its permissions, its disk, its damage, its place in memory, its query
// plans and its speed.
var sqliteOnly = strings.Join([]string{
	"TestOpenPaths", "TestMemory", "TestMigrateOldRuns", "TestOpenRefuses", "TestCheckFindsDamage", "TestBusy", "TestFull.*",
	"TestGroupFull", "TestReadOnly", "TestNoPermission", "TestPlans", "TestWiden.*",
	"TestLookupsStayFast", "TestAuditCost", "TestOnPostgres", "TestPostgres.*", "TestTwins",
}, "|")

// newURL names a new, empty ledger that several may open.
func newURL(t testing.TB) string {
	t.Helper()
	if server := os.Getenv(onPostgres); server != "" {
		return emptied.take(t, server)
	}
	return "sqlite:" + filepath.Join(t.TempDir(), "ledger.db")
}

// emptyURL is newURL before anybody has opened it: without a schema.
func emptyURL(t testing.TB) string {
	t.Helper()
	if server := os.Getenv(onPostgres); server != "" {
		return stationtest.NewDatabase(t, server, "")
	}
	return "sqlite:" + filepath.Join(t.TempDir(), "new", "ledger.db")
}

// ownURL names a new ledger with its schema, that no other test gets after this one.
func ownURL(t testing.TB) string {
	t.Helper()
	if server := os.Getenv(onPostgres); server != "" {
		emptied.migrate(t, server)
		return stationtest.NewDatabase(t, server, server)
	}
	url := newURL(t)
	must(t, openURLAndClose(t, url))
	return url
}

// databases are ledgers that one test after the other may have: to empty one is far cheaper than to make one.
type databases struct {
	mu       sync.Mutex
	migrated bool // the server's own database, which the others are copied from
	made     int
	idle     []string
}

var emptied databases

func (d *databases) take(t testing.TB, server string) string {
	t.Helper()
	d.migrate(t, server)
	d.mu.Lock()
	defer d.mu.Unlock()
	var name string
	if n := len(d.idle); n > 0 {
		name, d.idle = d.idle[n-1], d.idle[:n-1]
	} else {
		d.made++
		db := rawDB(t, server)
		name = "ledger_" + strconv.Itoa(d.made)
		u, err := neturl.Parse(server)
		must(t, err)
		_, err = db.ExecContext(t.Context(), "CREATE DATABASE "+name+" TEMPLATE "+strings.TrimPrefix(u.Path, "/"))
		must(t, errors.Join(err, db.Close()))
		u.Path = "/" + name
		name = u.String()
	}
	t.Cleanup(func() { d.give(t, name) })
	return name
}

// migrate makes the schema that the others are copied with.
func (d *databases) migrate(t testing.TB, server string) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.migrated {
		must(t, openURLAndClose(t, server))
		d.migrated = true
	}
}

// give empties every table for the next test.
func (d *databases) give(t testing.TB, url string) {
	db := rawDB(t, url)
	defer func() { _ = db.Close() }()
	names, err := tableNames(context.Background(), db, &postgresDialect{})
	must(t, err)
	names = slices.DeleteFunc(names, func(n string) bool { return n == "goose_db_version" })
	// Row by row: the tables are small, and TRUNCATE makes new files for them and for their indexes.
	_, err = db.ExecContext(context.Background(), "BEGIN; SET LOCAL session_replication_role = replica; DELETE FROM "+
		strings.Join(names, "; DELETE FROM ")+"; COMMIT")
	must(t, err)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.idle = append(d.idle, url)
}

func openURLAndClose(t testing.TB, url string) error {
	l, err := Open(t.Context(), url, Config{})
	if err != nil {
		return err
	}
	return l.Close()
}

// rawDB is the database of a ledger's url, without the ledger.
func rawDB(t testing.TB, url string) *sql.DB {
	t.Helper()
	if IsPostgres(url) {
		conf, err := parsePostgres(url)
		must(t, err)
		return stdlib.OpenDB(*conf)
	}
	db, err := openDB(fileURI(strings.TrimPrefix(url, "sqlite:")), "", nil)
	must(t, err)
	return db
}
