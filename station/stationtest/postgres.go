package stationtest

import (
	"context"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

// Postgres is a real PostgreSQL server for one test. It listens on a socket in a folder of its own, under a user without
// rights, and does not sync to the disk: it outlives a kill of the server, not of the machine.
type Postgres struct {
	// URL is a database that is empty at first, postgres://...
	URL string

	t       testing.TB
	bin     string // the folder of its programs
	dir     string
	account *account // nil: this process's own
	process *Process
}

// tempDir is a folder for temporary files that the account may enter.
func (a *account) tempDir() string {
	own := os.TempDir()
	if a == nil {
		return own
	}
	for dir := own; ; dir = filepath.Dir(dir) {
		if fi, err := os.Stat(dir); err != nil || fi.Mode()&0o001 == 0 {
			return "/tmp"
		}
		if dir == filepath.Dir(dir) {
			return own
		}
	}
}

// account is an unprivileged user, where this process is root: the server refuses to run as root.
type account struct{ uid, gid uint32 }

const (
	postgresUser  = "provstation"
	postgresLimit = 60 * time.Second // for one of its programs, on a machine that is busy
)

// StartPostgres starts a server and stops it with the test. Without its programs the test is skipped, or fails where
// [RequireReal] is 1.
func StartPostgres(t testing.TB) *Postgres {
	t.Helper()
	p := &Postgres{t: t, bin: postgresPrograms(t)}
	if os.Geteuid() == 0 {
		p.account = unprivileged(t)
	}
	// Not in the test's own folder: no other user may enter that one, and a socket's path must be short.
	dir, err := os.MkdirTemp(p.account.tempDir(), "pg-") //nolint:usetesting // as said
	if err != nil {
		t.Fatal(err)
	}
	p.dir = dir
	t.Cleanup(func() {
		if p.process != nil {
			p.process.Kill()
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("remove the server's folder: %v", err)
		}
	})
	if p.account != nil {
		if err := os.Chown(dir, int(p.account.uid), int(p.account.gid)); err != nil {
			t.Fatal(err)
		}
	}
	p.run("initdb", "-D", p.data(), "-U", postgresUser, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync",
		"--no-instructions")
	p.Restart()
	p.URL = NewDatabase(t, p.url("postgres"), "")
	return p
}

func (p *Postgres) data() string { return filepath.Join(p.dir, "data") }

func (p *Postgres) url(database string) string {
	u := url.URL{
		Scheme: "postgres", User: url.User(postgresUser), Path: "/" + database,
		RawQuery: url.Values{"host": {p.dir}}.Encode(),
	}
	return u.String()
}

// NewDatabase makes a database on the server that a URL of [Postgres] names, in this process or another one: a copy of
// the one that template names (which nobody may have open), or an empty one where it is "". It is dropped with the test.
func NewDatabase(t testing.TB, serverURL, template string) string {
	t.Helper()
	name := "db_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	create := "CREATE DATABASE " + name
	if template != "" {
		create += " TEMPLATE " + databaseOf(t, template)
	}
	if out, err := psql(serverURL, create); err != nil {
		t.Fatalf("%s: %v\n%s", create, err, out)
	}
	t.Cleanup(func() { _, _ = psql(serverURL, "DROP DATABASE "+name+" WITH (FORCE)") }) // the server may be gone
	u, err := url.Parse(serverURL)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}

func databaseOf(t testing.TB, databaseURL string) string {
	t.Helper()
	u, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(u.Path, "/")
}

// SQL runs statements as the server's superuser, on the database of the URL.
func (p *Postgres) SQL(t testing.TB, databaseURL, statements string) string {
	t.Helper()
	out, err := psql(databaseURL, statements)
	if err != nil {
		t.Fatalf("%s: %v\n%s", statements, err, out)
	}
	return strings.TrimSpace(out)
}

// psql gives what the statements print, bare.
func psql(databaseURL, statements string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), postgresLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", databaseURL, "-c", statements)
	if bin, err := newestServer(); err == nil {
		cmd.Path, cmd.Err = filepath.Join(bin, "psql"), nil
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// RequirePassword has the server ask everybody for a password from now on; [Postgres.SQL] then has none.
func (p *Postgres) RequirePassword(t testing.TB) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(p.data(), "pg_hba.conf"), []byte("local all all scram-sha-256\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.Kill()
	p.Restart()
}

// Kill ends the server with SIGKILL, as a lack of memory does.
func (p *Postgres) Kill() {
	p.t.Helper()
	p.process.Kill()
}

// Restart starts the server again, after Kill, on the same data and the same URLs, and returns when it takes connections.
func (p *Postgres) Restart() {
	p.t.Helper()
	late := time.After(postgresLimit)
	for {
		cmd := exec.Command(filepath.Join(p.bin, "postgres"), "-D", p.data(), "-k", p.dir, //nolint:noctx // ended by Stop
			"-c", "listen_addresses=", "-c", "unix_socket_permissions=0700", "-c", "fsync=off", "-c", "full_page_writes=off",
			"-c", "shared_buffers=16MB", "-c", "max_connections=200", "-c", "jit=off", "-c", "logging_collector=off")
		cmd.Dir = p.dir
		p.process = start(p.t, cmd, p.account)
		if p.ready(late) {
			return
		}
		// The processes of a server that was killed hold its memory for a moment after it.
		select {
		case <-late:
			p.t.Fatalf("postgres does not start:\n%s", p.process.Output())
		default:
		}
	}
}

// ready waits until the server takes connections; false if it has ended.
func (p *Postgres) ready(late <-chan time.Time) bool {
	for {
		select {
		case line := <-p.process.lines:
			if strings.Contains(line, "ready to accept connections") {
				return true
			}
		case <-p.process.exited:
			return false
		case <-late:
			p.t.Fatalf("postgres is not ready:\n%s", p.process.Output())
		}
	}
}

func (p *Postgres) run(name string, args ...string) {
	p.t.Helper()
	if out, err := p.program(name, args...); err != nil {
		p.t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

func (p *Postgres) program(name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), postgresLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(p.bin, name), args...)
	cmd.Dir = p.dir
	endWithParent(cmd)
	p.account.apply(cmd)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// postgresPrograms is the folder of the newest server on this machine. Debian keeps it out of PATH.
func postgresPrograms(t testing.TB) string {
	t.Helper()
	bin, err := newestServer()
	if err == nil {
		return bin
	}
	path, err := filepath.EvalSymlinks(Program(t, "initdb"))
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Dir(path)
}

func newestServer() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err == nil && len(found) == 0 {
		err = fs.ErrNotExist
	}
	if err != nil {
		return "", err
	}
	version := func(path string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
		return n
	}
	return filepath.Dir(slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })), nil
}

// unprivileged finds a user for the server: its own, or nobody.
func unprivileged(t testing.TB) *account {
	t.Helper()
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			continue
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			continue
		}
		return &account{uint32(uid), uint32(gid)}
	}
	t.Fatal("no user to run postgres: it refuses to run as root")
	return nil
}
