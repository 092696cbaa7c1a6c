package shared_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"provstation/station/stationtest"
)

// cost is what the database did for one device.
type cost struct {
	stations, devices   int
	statements, commits float64
	facts               float64       // what its stations had to tell
	wal                 float64       // bytes
	cpu                 time.Duration // of all processes of the server
	elapsed             time.Duration // of the line, for one device
	connections         int           // at the end, of all stations together
}

// The database does the same for a device whether two stations share it or fifty. STATIONS=1,2,5,10 measures those numbers
// of stations instead, DEVICES=200 with so many devices in all, and prints the table that docs/stations.md shows.
func TestCostPerDeviceIsFlat(t *testing.T) {
	server := stationtest.StartPostgres(t)
	server.SQL(t, server.URL, "ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'")
	server.Kill()
	server.Restart()
	counts, devices := []int{2, 50}, 50
	if s := os.Getenv("STATIONS"); s != "" {
		counts = nil
		for _, part := range strings.Split(s, ",") {
			n, err := strconv.Atoi(part)
			must(t, err)
			counts = append(counts, n)
		}
	}
	if s := os.Getenv("DEVICES"); s != "" {
		var err error
		devices, err = strconv.Atoi(s)
		must(t, err)
	}
	var costs []cost
	for _, n := range counts {
		c := costOf(t, server, n, devices)
		costs = append(costs, c)
		t.Logf("| %3d | %4d | %5.1f | %5.1f | %5.1f | %6.2f | %6.2f | %3d | %4.1f facts", c.stations, c.devices, c.statements, c.commits,
			c.wal/1000, c.cpu.Seconds()*1000, c.elapsed.Seconds()*1000, c.connections, c.facts)
	}
	if os.Getenv("STATIONS") != "" {
		return
	}
	const limit = 1.2
	few, many := costs[0], costs[1]
	for what, pair := range map[string][2]float64{
		"facts": {few.facts, many.facts}, "statements": {few.statements, many.statements}, "WAL": {few.wal, many.wal},
	} {
		if ratio := pair[1] / pair[0]; pair[0] <= 0 || ratio > limit {
			t.Errorf("%s a device: got %.1f with %d stations and %.1f with %d: ratio %.2f, want at most %.1f", what, pair[0],
				few.stations, pair[1], many.stations, ratio, limit)
		}
	}
	// How many facts share a commit is the machine's pace; what never happens is a commit that tells of none, but for the lease's.
	for _, c := range costs {
		if most := c.facts + 1; c.facts <= 0 || c.commits > most {
			t.Errorf("commits a device: got %.1f with %d stations, want at most %.1f: one for each fact, and the lease's", c.commits, c.stations, most)
		}
	}
}

// costOf has so many stations enroll the devices, all stations at once, on a database of their own.
func costOf(t *testing.T, server *stationtest.Postgres, stations, devices int) cost {
	t.Helper()
	db := stationtest.NewDatabase(t, server.URL, "")
	server.SQL(t, db, "CREATE EXTENSION pg_stat_statements")
	var benches []*bench
	for i := range stations {
		benches = append(benches, openBench(t, fmt.Sprintf("st-%03d", i), t.TempDir(), db, nil))
	}
	// A station's first device costs a few statements more: connections are made, statements prepared.
	enrollAll(t, benches, "first", stations)
	before := countersOf(t, server, db)
	begin := time.Now()
	each := (devices + stations - 1) / stations
	enrollAll(t, benches, "then", each*stations)
	elapsed := time.Since(begin)
	after := countersOf(t, server, db)
	n := float64(each * stations)
	c := cost{
		facts: (after.facts - before.facts) / n, stations: stations, devices: each * stations, statements: (after.statements - before.statements) / n,
		commits: (after.commits - before.commits) / n, wal: (after.wal - before.wal) / n,
		elapsed: elapsed / time.Duration(each*stations), connections: after.connections,
		cpu: (after.cpu - before.cpu) / time.Duration(each*stations),
	}
	var wg sync.WaitGroup
	for _, b := range benches {
		wg.Go(func() { b.close(t) })
	}
	wg.Wait()
	return c
}

// enrollAll has the stations enroll n devices, as many each, and returns when the database has all of it.
func enrollAll(t *testing.T, benches []*bench, name string, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	failed := make(chan error, len(benches))
	var wg sync.WaitGroup
	for _, b := range benches {
		wg.Go(func() {
			var last *device
			for i := range n / len(benches) {
				last = dev(fmt.Sprintf("HW-%s-%s-%d", name, b.id, i))
				if err := last.enroll(ctx, b); err != nil {
					failed <- fmt.Errorf("%s: device %s: %w", b.id, last.serial, err)
					return
				}
			}
			// What is asked of the database waits until that has heard all that was written here.
			if _, err := b.Passed(ctx, "acme", last.serial, last.spki, last.leaf); err != nil {
				failed <- fmt.Errorf("%s: device %s: %w", b.id, last.serial, err)
			}
		})
	}
	wg.Wait()
	close(failed)
	for err := range failed {
		t.Fatal(err)
	}
}

// counters are the server's own.
type counters struct {
	statements, commits, wal, facts float64
	connections                     int
	cpu                             time.Duration
}

func countersOf(t *testing.T, server *stationtest.Postgres, db string) counters {
	t.Helper()
	line := strings.TrimSpace(server.SQL(t, db, `SELECT
		coalesce(sum(s.calls) FILTER (WHERE s.query !~* '^(begin|commit|rollback)'), 0) || ' ' ||
		coalesce(sum(s.calls) FILTER (WHERE s.query ~* '^commit'), 0) || ' ' || pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') || ' ' ||
		(SELECT count(*) FROM pg_stat_activity a WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()) || ' ' ||
		(SELECT coalesce(sum(seq), 0) FROM merged)
		FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid WHERE d.datname = current_database()`))
	c := counters{cpu: serverCPU(t, db)}
	if _, err := fmt.Sscan(line, &c.statements, &c.commits, &c.wal, &c.connections, &c.facts); err != nil {
		t.Fatalf("counters: %v in %q", err, line)
	}
	return c
}

// serverCPU is the processor time of the server, those of its processes that have ended included; 0 where the system does
// not tell.
func serverCPU(t *testing.T, db string) time.Duration {
	t.Helper()
	u, err := url.Parse(db)
	must(t, err)
	text, err := os.ReadFile(filepath.Join(u.Query().Get("host"), "data", "postmaster.pid"))
	must(t, err)
	master, _, _ := strings.Cut(string(text), "\n")
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	must(t, err)
	ticks := 0
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		// proc(5): after the name in brackets, state and parent; utime, stime, cutime and cstime are 14 to 17 of all.
		f := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		if pid := strings.Split(path, "/")[2]; pid != master && f[1] != master {
			continue
		}
		for _, field := range f[11:15] {
			n, err := strconv.Atoi(field)
			must(t, err)
			ticks += n
		}
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
