package stationtest

import "testing"

// A server that is killed and started again has what it had; a database made from another one has its tables.
func TestPostgresRestart(t *testing.T) {
	p := StartPostgres(t)
	p.SQL(t, p.URL, "CREATE TABLE kept (x int); INSERT INTO kept VALUES (7)")
	p.Kill()
	if out, err := psql(p.URL, "SELECT 1"); err == nil {
		t.Fatalf("a killed server: got %q, want an error", out)
	}
	p.Restart()
	for _, url := range []string{p.URL, NewDatabase(t, p.URL, p.URL)} {
		if got := p.SQL(t, url, "SELECT x FROM kept"); got != "7" {
			t.Errorf("%s: got %q, want 7", url, got)
		}
	}
}
