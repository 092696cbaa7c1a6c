package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pressly/goose/v3"

	"provstation/assets"
	"provstation/station"
	"provstation/station/stationtest"
)

func TestDollars(t *testing.T) {
	for _, tc := range [][2]string{
		{"SELECT 1", "SELECT 1"},
		{"a = ? AND b = ?", "a = $1 AND b = $2"},
		{"t = ?1 AND f = ?2 OR t = ?1", "t = $1 AND f = $2 OR t = $1"},
		{`a = '?' AND "?" = ? -- ?` + "\n AND c = ?", `a = '?' AND "?" = $1 -- ?` + "\n AND c = $2"},
		{"a = 'it''s ?' AND b = ?", "a = 'it''s ?' AND b = $1"},
		{`x LIKE ? ESCAPE '\' AND y = ?`, `x LIKE $1 ESCAPE '\' AND y = $2`},
		{"'open", "'open"},
		{strings.Repeat("?,", 11), "$1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,"},
	} {
		if got := dollars(tc[0]); got != tc[1] {
			t.Errorf("%q: got %q, want %q", tc[0], got, tc[1])
		}
	}
}

func FuzzDollars(f *testing.F) {
	f.Add("a = ? -- ?\n 'x''?' \"?\" ?12")
	f.Fuzz(func(t *testing.T, s string) {
		got := dollars(s)
		if len(got) < len(s) {
			t.Errorf("got %q from %q, want no less", got, s)
		}
		if again := dollars(strings.ReplaceAll(got, "?", "")); strings.Contains(again, "?") {
			t.Errorf("got %q, want no more to replace", again)
		}
	})
}

// A url is judged before anything is sent, TLS is the rule over a network, and no error or place repeats a password.
func TestPostgresURL(t *testing.T) {
	for _, tc := range []struct {
		url, place string
		tls        bool
		err        error
	}{
		{"postgres://ada:secret@db.example:5433/line", "postgres://ada@db.example:5433/line", true, nil},
		{"postgres://ada:secret@db.example/line?sslmode=disable", "postgres://ada@db.example:5432/line", false, nil},
		{"postgresql://ada@127.0.0.1/line", "postgres://ada@127.0.0.1:5432/line", false, nil},
		{"postgres://ada@[::1]:7/line?sslmode=disable", "postgres://ada@[::1]:7/line", false, nil},
		{"postgres://ada@/line?host=/run/pg&password=secret", "postgres://ada@/line?host=/run/pg", false, nil},
		{"postgres://ada:secret@db:notaport/line", "", false, ErrURL},
		{"postgres://ada:secret@db/line?sslmode=perhaps", "", false, ErrURL},
		{"postgres://ada:secret%zz@db/line", "", false, ErrURL},
		{"postgres://ada:secret@db/line#x", "", false, ErrURL},
	} {
		conf, err := parsePostgres(tc.url)
		if !errors.Is(err, tc.err) {
			t.Errorf("%s: got %v, want %v", tc.url, err, tc.err)
		}
		if err != nil {
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: got the password in %q", tc.url, err)
			}
			continue
		}
		if got := place(conf); got != tc.place {
			t.Errorf("%s: got %q, want %q", tc.url, got, tc.place)
		}
		verified := conf.TLSConfig != nil && !conf.TLSConfig.InsecureSkipVerify && len(conf.Fallbacks) == 0
		if tc.tls && !verified {
			t.Errorf("%s: got a connection without TLS or proof of the server, want both", tc.url)
		}
	}
}

func TestPostgresErrorClasses(t *testing.T) {
	state := func(code string) error { return fmt.Errorf("exec: %w", &pgconn.PgError{Code: code, Severity: "ERROR"}) }
	for _, tc := range []struct {
		err     error
		want    error
		storage bool
	}{
		{state("23505"), ErrConflict, false},
		{state("23503"), ErrInvalid, false},
		{state("23514"), ErrInvalid, false},
		{state("22021"), ErrInvalid, false},
		{state("54000"), ErrInvalid, false},
		{state("40001"), ErrBusy, true},
		{state("40P01"), ErrBusy, true},
		{state("55P03"), ErrBusy, true},
		{state("53100"), ErrFull, true},
		{state("25006"), ErrReadOnly, true},
		{state("42501"), ErrPermission, true},
		{state("28P01"), ErrPermission, true},
		{state("57P01"), ErrUnreachable, true},
		{state("57P03"), ErrUnreachable, true},
		{state("08006"), ErrUnreachable, true},
		{state("53300"), ErrUnreachable, true},
		{state("3D000"), ErrUnreachable, true},
		{state("58030"), ErrIO, true},
		{state("XX001"), ErrCorrupt, true},
		{&net.OpError{Op: "read", Err: errors.New("connection reset by peer")}, ErrUnreachable, true},
		{sql.ErrConnDone, ErrUnreachable, true},
		{errRolledBack, ErrIO, true},
		{context.Canceled, context.Canceled, false},
	} {
		got := classify(tc.err, "")
		want(t, got, tc.want)
		if isStorage(got) != tc.storage {
			t.Errorf("%v: got storage %t, want %t", tc.err, isStorage(got), tc.storage)
		}
	}
}

// A server that is killed under a write makes it an error, and whatever came back as done is there afterwards. The next
// calls find the server again by themselves.
func TestPostgresKilled(t *testing.T) {
	server := stationtest.StartPostgres(t)
	l, ctx := openURL(t, server.URL, Config{Timeout: 5 * time.Second}), t.Context()
	var done []string
	for round := range 3 {
		stop, told := make(chan struct{}), make(chan string, 10_000)
		var wg sync.WaitGroup
		failed := make(chan error, 8)
		for slot := range 8 {
			wg.Go(func() {
				for i := 0; ; i++ {
					select {
					case <-stop:
						return
					default:
					}
					d := dev(fmt.Sprintf("HW-%d-%d-%d", round, slot, i))
					if err := d.pass(ctx, l); err != nil {
						failed <- err
						return
					}
					told <- d.run
				}
			})
		}
		for range 12 { // in the middle of it, at no point in particular
			done = append(done, <-told)
		}
		server.Kill()
		for range 8 {
			want(t, <-failed, ErrUnreachable)
		}
		close(stop)
		wg.Wait()
		close(told)
		for run := range told {
			done = append(done, run)
		}
		_, err := l.Count(ctx, Filter{})
		want(t, err, ErrUnreachable)
		want(t, l.Writable(ctx), ErrUnreachable)

		server.Restart()
		must(t, dev(fmt.Sprintf("AFTER-%d", round)).pass(ctx, l))
		for _, run := range done {
			if got := detail(t, l, run); got.Outcome != station.Pass || len(got.Proofs) != 1 {
				t.Errorf("run %s: got %q, want the PASS that was recorded", run, got.Outcome)
			}
		}
	}
	r, err := l.Check(ctx)
	must(t, err)
	if !r.OK() || len(r.Warnings) != 2 { // the tests' server runs without syncing, and says so
		t.Errorf("got %+v, want a sound ledger and a word on fsync and full_page_writes", r)
	}
}

// A connection that breaks while the commit is under way leaves it open whether it was made: that is told as such, and
// the same call settles it.
func TestPostgresCommitInDoubt(t *testing.T) {
	server := stationtest.StartPostgres(t)
	l, ctx, d := openURL(t, server.URL, Config{}), t.Context(), dev("A")
	must(t, d.identify(ctx, l))
	begin := func(ctx context.Context, tx *txn) error {
		_, err := tx.exec(ctx, "UPDATE runs SET code = 'TOUCHED' WHERE run = ?", d.run)
		if err == nil {
			server.Kill()
		}
		return err
	}
	err := l.write.do(ctx, begin)
	want(t, err, ErrUnreachable)
	server.Restart()
	if got := detail(t, l, d.run).Code; got != "" {
		t.Errorf("got %q, want nothing of the lost transaction", got)
	}
	must(t, l.FinishRun(ctx, d.finish(station.Fail)))
	must(t, l.FinishRun(ctx, d.finish(station.Fail)))

	err = (&postgresDialect{}).doubt(&net.OpError{Op: "read", Err: errors.New("connection reset by peer")})
	want(t, err, ErrInDoubt)
	want(t, err, ErrUnreachable)
	err = (&postgresDialect{}).doubt(&pgconn.PgError{Severity: "ERROR", SeverityUnlocalized: "ERROR", Code: "40001"})
	if errors.Is(err, ErrInDoubt) {
		t.Errorf("got %v, want a refused commit, which is in no doubt", err)
	}
}

// A write whose statement failed is no success, even if the code around it passes over the error: the server answers the
// commit of such a transaction without one.
func TestPostgresNoFalseCommit(t *testing.T) {
	server := stationtest.StartPostgres(t)
	l, ctx, d := openURL(t, server.URL, Config{}), t.Context(), dev("A")
	must(t, d.identify(ctx, l))
	err := l.write.do(ctx, func(ctx context.Context, tx *txn) error {
		_, _ = tx.exec(ctx, "UPDATE runs SET code = 'TOUCHED' WHERE run = ?", d.run)
		_, _ = tx.exec(ctx, "UPDATE runs SET outcome = 'GOOD' WHERE run = ?", d.run)
		return nil
	})
	if err == nil {
		t.Error("got nil, want an error")
	}
	if got := detail(t, l, d.run).Code; got != "" {
		t.Errorf("got %q, want nothing of the failed transaction", got)
	}
	must(t, d.again().identify(ctx, l))
}

// A transaction that the server gives up for another one's sake is run again, and nobody hears of it.
func TestPostgresDeadlock(t *testing.T) {
	server := stationtest.StartPostgres(t)
	a, b := dev("A"), dev("B")
	l, ctx := openURL(t, server.URL, Config{}), t.Context()
	must(t, a.identify(ctx, l))
	must(t, b.identify(ctx, l))
	db := rawDB(t, server.URL)
	defer func() { _ = db.Close() }()
	other, err := db.Conn(ctx)
	must(t, err)
	exec := func(q string, args ...any) error {
		_, err := other.ExecContext(ctx, q, args...)
		return err
	}
	must(t, exec("SET deadlock_timeout = '1h'")) // the ledger finds the deadlock, and is its victim
	must(t, exec("BEGIN"))
	must(t, exec("UPDATE runs SET port = 'x' WHERE run = $1", a.run))
	tries, waiting := 0, make(chan error, 1)
	err = l.write.do(ctx, func(ctx context.Context, tx *txn) error {
		tries++
		if _, err := tx.exec(ctx, "UPDATE runs SET port = 'y' WHERE run = ?", b.run); err != nil {
			return err
		}
		if tries == 1 {
			go func() {
				err := exec("UPDATE runs SET port = 'x' WHERE run = $1", b.run)
				waiting <- errors.Join(err, exec("COMMIT"))
			}()
		}
		_, err := tx.exec(ctx, "UPDATE runs SET port = 'y' WHERE run = ?", a.run)
		return err
	})
	must(t, err)
	must(t, <-waiting)
	if tries < 2 {
		t.Errorf("tries: got %d, want more than one", tries)
	}
	if got := detail(t, l, a.run).Port; got != "y" {
		t.Errorf("got %q, want the ledger's write", got)
	}
}

// A station that stalls with the ledger in its hand keeps the others waiting for so long and no longer, and then is cut
// off by the server: its write is an error.
func TestPostgresStalledStation(t *testing.T) {
	server := stationtest.StartPostgres(t)
	ctx := t.Context()
	stalled := openURL(t, server.URL, Config{})
	quick := openURL(t, server.URL, Config{BusyTimeout: 100 * time.Millisecond})
	d := dev("A")
	must(t, d.identify(ctx, stalled))
	hold, release, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- stalled.write.do(ctx, func(ctx context.Context, tx *txn) error {
			if _, err := tx.exec(ctx, "SET LOCAL idle_in_transaction_session_timeout = '1s'"); err != nil {
				return err
			}
			_, err := tx.exec(ctx, "UPDATE runs SET code = 'TOUCHED' WHERE run = ?", d.run)
			close(hold)
			<-release
			return err
		})
	}()
	<-hold
	want(t, quick.Writable(ctx), ErrBusy)
	patient := openURL(t, server.URL, Config{})
	must(t, patient.Writable(ctx)) // after the server has cut off the other one
	close(release)
	if err := <-done; err == nil {
		t.Error("the stalled write: got nil, want an error")
	}
	if got := detail(t, patient, d.run).Code; got != "" {
		t.Errorf("got %q, want nothing of the stalled write", got)
	}
	must(t, d.again().identify(ctx, stalled))
}

// Stations that start at the same moment migrate once, and each claim is won by one of them.
func TestPostgresStations(t *testing.T) {
	server := stationtest.StartPostgres(t)
	const n = 4
	stations, migrations := make([]*Ledger, n), make(chan struct{}, 100)
	log := slog.New(countHandler{slog.DiscardHandler, "ledger migrated", migrations})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			l, err := Open(t.Context(), server.URL, Config{Logger: log})
			if err != nil {
				t.Errorf("station %d: got %v, want nil", i, err)
				return
			}
			stations[i] = l
		})
	}
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
	files, err := fs.Glob(assets.Migrations, "migrations/postgres/*.sql")
	must(t, err)
	if len(migrations) != len(files) {
		t.Errorf("migrations: got %d, want each of %d once", len(migrations), len(files))
	}
	const each = 20
	results := make(chan error, n*each)
	for i, l := range stations {
		wg.Go(func() {
			for k := range each {
				d := dev(fmt.Sprintf("HW-%d-%d", i, k))
				d.id = fmt.Sprintf("wanted-%d", k)
				err := d.identify(t.Context(), l)
				if err == nil {
					err = l.BindDevice(t.Context(), d.binding())
				}
				results <- err
			}
		})
	}
	wg.Wait()
	close(results)
	won := 0
	for err := range results {
		if err == nil {
			won++
		} else {
			want(t, err, station.ErrDeviceIDTaken)
		}
	}
	if won != each {
		t.Errorf("claims won: got %d, want %d", won, each)
	}
	for _, l := range stations {
		must(t, l.Close())
	}
}

type countHandler struct {
	slog.Handler
	message string
	seen    chan struct{}
}

func (h countHandler) Enabled(context.Context, slog.Level) bool { return true }

func (h countHandler) Handle(_ context.Context, r slog.Record) error {
	if r.Message == h.message {
		h.seen <- struct{}{}
	}
	return nil
}

// Two ledgers may share a database, each in a schema; a user without rights and a password that is asked for are told.
func TestPostgresOpen(t *testing.T) {
	server := stationtest.StartPostgres(t)
	ctx := t.Context()
	with := func(key, value string) string {
		u, err := url.Parse(server.URL)
		must(t, err)
		q := u.Query()
		q.Set(key, value)
		u.RawQuery = q.Encode()
		return u.String()
	}
	server.SQL(t, server.URL, "CREATE SCHEMA one; CREATE SCHEMA two; CREATE SCHEMA other; CREATE TABLE other.things (x int);"+
		"CREATE USER guest")
	one, two := openURL(t, with("search_path", "one"), Config{}), openURL(t, with("search_path", "two"), Config{})
	must(t, dev("A").pass(ctx, one))
	_, err := two.Device(ctx, "acme", "A")
	want(t, err, station.ErrNotFound)
	for _, tc := range []struct {
		url  string
		want error
	}{
		{with("search_path", "nowhere"), ErrURL},
		{with("search_path", "other"), ErrNotLedger},
		{with("user", "guest"), ErrPermission},
		{strings.Replace(server.URL, "/db_", "/no_", 1), ErrUnreachable},
		{with("host", t.TempDir()), ErrUnreachable},
	} {
		l, err := Open(ctx, tc.url, Config{})
		want(t, err, tc.want)
		if l != nil {
			t.Errorf("%s: got a ledger beside the error, want nil", tc.url)
			must(t, l.Close())
		}
	}
	server.SQL(t, server.URL, "SET search_path = one; INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true)")
	_, err = Open(ctx, with("search_path", "one"), Config{})
	want(t, err, ErrNewerSchema)
}

// A password comes from where it is kept, at each connection, and a wrong one is told without it.
func TestPostgresPassword(t *testing.T) {
	server := stationtest.StartPostgres(t)
	server.SQL(t, server.URL, "CREATE USER ada PASSWORD 'right'; GRANT ALL ON SCHEMA public TO ada")
	server.RequirePassword(t)
	u, err := url.Parse(server.URL)
	must(t, err)
	u.User = url.User("ada")
	open := func(password string) (*Ledger, error) {
		return Open(t.Context(), u.String(), Config{Password: func() (station.Secret, error) {
			return station.NewSecret([]byte(password)), nil
		}})
	}
	l, err := open("right")
	must(t, err)
	must(t, dev("A").pass(t.Context(), l))
	must(t, l.Close())
	_, err = open("not-the-one")
	want(t, err, ErrPermission)
	if err != nil && strings.Contains(err.Error(), "not-the-one") {
		t.Errorf("got the password in %q", err)
	}
	gone := errors.New("no such file")
	_, err = Open(t.Context(), u.String(), Config{Password: func() (station.Secret, error) { return station.Secret{}, gone }})
	want(t, err, gone)
}

// The two databases have the same tables with the same columns, and text is compared by its bytes in both.
func TestTwins(t *testing.T) {
	server := stationtest.StartPostgres(t)
	lite, post := openAt(t, t.TempDir()+"/l.db", Config{}), openURL(t, server.URL, Config{})
	columns := func(l *Ledger, q string) []string {
		list, err := query(t.Context(), l, func(scan func(...any) error) (string, error) {
			var table, column, kind string
			var required bool
			err := scan(&table, &column, &kind, &required)
			return fmt.Sprintf("%s.%s %s required=%t", table, column, kind, required), err
		}, q)
		must(t, err)
		slices.Sort(list)
		return list
	}
	want := columns(lite, `SELECT m.name, p.name, p.type, p."notnull" FROM sqlite_master m, pragma_table_info(m.name) p
		WHERE m.type = 'table' AND m.name NOT LIKE 'goose%' AND m.name NOT LIKE 'sqlite%'`)
	got := columns(post, `SELECT table_name::text, column_name::text, CASE data_type::text WHEN 'bigint' THEN 'INTEGER'
		WHEN 'bytea' THEN 'BLOB' WHEN 'text' THEN 'TEXT' ELSE data_type::text END, CASE is_nullable WHEN 'NO' THEN 1 ELSE 0 END
		FROM information_schema.columns WHERE table_schema = current_schema() AND table_name NOT LIKE 'goose%'`)
	diff(t, got, want)
	loose, err := texts(t.Context(), post, `SELECT table_name || '.' || column_name FROM information_schema.columns
		WHERE table_schema = current_schema() AND table_name NOT LIKE 'goose%' AND data_type = 'text'
		AND collation_name IS DISTINCT FROM 'C'`)
	must(t, err)
	if len(loose) > 0 {
		t.Errorf(`without COLLATE "C": got %v, want none`, loose)
	}
	for _, db := range []string{SQLite, Postgres} {
		sub, err := fs.Sub(assets.Migrations, "migrations/"+db)
		must(t, err)
		p, err := goose.NewProvider(lite.d.goose(), rawDB(t, "sqlite:"+lite.path), sub,
			goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
		must(t, err)
		for i, s := range p.ListSources() {
			if s.Version != int64(i+1) {
				t.Errorf("%s: got version %d, want %d: a number means the same schema in both", db, s.Version, i+1)
			}
		}
	}
}
