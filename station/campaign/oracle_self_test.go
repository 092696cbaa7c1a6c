package campaign_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"database/sql"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"provstation/station"
	"provstation/station/devstack"
)

// An oracle that finds nothing proves nothing: each thing that must not be is made, and it has to say so.
func TestOracleFinds(t *testing.T) {
	dir := scratch(t)
	template, err := emptyLedger(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	s, err := openSite(t.Context(), dir, 0, template, newTallies(), newPulse(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	})
	list := func(change func([]devstack.Issued) []devstack.Issued) func(*testing.T, *world) {
		return func(_ *testing.T, w *world) { w.issued = change }
	}
	sqlDo := func(query string) func(*testing.T, *world) {
		return func(t *testing.T, w *world) {
			db, err := sql.Open("sqlite", "file:"+w.ledgerPath)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if _, err := db.ExecContext(t.Context(), query); err != nil {
				t.Fatal(err)
			}
		}
	}
	file := func(name string, change func(dir string) error) func(*testing.T, *world) {
		return func(t *testing.T, w *world) {
			if err := change(filepath.Join(w.boards[0].dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i, row := range []struct {
		name   string
		tamper func(*testing.T, *world)
		want   string // empty: nothing
	}{
		{"nothing", func(*testing.T, *world) {}, ""},
		{"the flag is gone", file(".enrolled", os.Remove), "FALSE PASS"},
		{"no certificate", file("device.pem", os.Remove), "FALSE PASS"},
		{"no anchors", file("ca-chain.pem", os.Remove), "FALSE PASS"},
		{"another key", file("device-key.pem", otherKey), "FALSE PASS"},
		{"no proof on file", sqlDo("DELETE FROM proofs"), "FALSE PASS"},
		{"another leaf on file", sqlDo("UPDATE runs SET leaf = randomblob(32) WHERE outcome = 'PASS'"), "FALSE PASS"},
		{"a PASS that was only shown", sqlDo("UPDATE runs SET outcome = 'FAIL' WHERE outcome = 'PASS'"), "FALSE PASS"},
		{"a run without an end", sqlDo("UPDATE runs SET outcome = NULL, ended_at = NULL WHERE outcome = 'SKIPPED'"), "LOST RECORD"},
		{"a run that is not on file", sqlDo("DELETE FROM runs WHERE outcome = 'SKIPPED'"), "LOST RECORD"},
		{"a certificate that is not on file", sqlDo("DELETE FROM certificates"), "UNKNOWN CERTIFICATE"},
		{"two keys for one enrollment", sqlDo("INSERT INTO keys SELECT randomblob(32), tenant, hardware_serial, device_id, enroll_id, generation, key_type, key_store, csr_digest, wireguard_key, run, recorded_at FROM keys"), "has two keys"},
		{"another device's key on file", sqlDo("UPDATE keys SET spki = randomblob(32)"), "SECOND KEY"},
		{"a phase that is not on file", sqlDo("DELETE FROM phases WHERE phase = 'install'"), "LOST RECORD"},
		{"an intent that is not on file", sqlDo("DELETE FROM intents WHERE kind = 'seal'"), "LOST RECORD"},
		{"an intent that nobody settled", sqlDo("UPDATE intents SET result = NULL, ended_at = NULL"), "LOST RECORD"},
		{"a request that is not on file", sqlDo("PRAGMA foreign_keys = off; DELETE FROM posts"), "LOST RECORD"},
		{"an end that was changed", sqlDo("UPDATE runs SET outcome = 'ERROR' WHERE outcome = 'SKIPPED'"), "LOST RECORD"},
		{"a changed row", sqlDo("UPDATE devices SET model = 'other'"), "CHAIN"},
		{"a cut chain", sqlDo("DELETE FROM audit WHERE n = (SELECT max(n) FROM audit)"), "CHAIN"},
		{"an empty ledger", func(t *testing.T, w *world) {
			if err := os.WriteFile(w.ledgerPath, s.template, 0o600); err != nil {
				t.Fatal(err)
			}
			_, _ = os.Remove(w.ledgerPath+"-wal"), os.Remove(w.ledgerPath+"-shm")
		}, "LOST RECORD"},
		{"no ledger", func(t *testing.T, w *world) {
			if err := os.Remove(w.ledgerPath); err != nil {
				t.Fatal(err)
			}
		}, "oracle: "},
		{"no heads", func(t *testing.T, w *world) {
			if err := os.Remove(w.heads()); err != nil {
				t.Fatal(err)
			}
		}, "oracle: "},
		{"a CA's list that is empty", list(func([]devstack.Issued) []devstack.Issued { return nil }), "UNKNOWN CERTIFICATE"},
		{"a certificate more in the CA's list", list(func(l []devstack.Issued) []devstack.Issued {
			l = slices.Clone(l)
			more := l[len(l)-1]
			more.Serial = "1234"
			return append(l, more)
		}), "UNKNOWN CERTIFICATE"},
		{"a device without files", func(t *testing.T, w *world) {
			if err := os.RemoveAll(w.boards[0].dir); err != nil {
				t.Fatal(err)
			}
		}, "FALSE PASS"},
		{"a tunnel that is gone", file("wg0.conf", os.Remove), "FALSE PASS"},
		{"a key that all can read", file("device-key.pem", func(path string) error { return os.Chmod(path, 0o644) }), "FALSE PASS"},
		{"a station that says it all went well", func(t *testing.T, w *world) { // and did nothing: no files, no rows
			if err := os.RemoveAll(w.boards[0].dir); err != nil {
				t.Fatal(err)
			}
			sqlDo("PRAGMA foreign_keys = off; DELETE FROM runs")(t, w)
			w.started, w.begun, w.receipts = nil, nil, nil
			w.ended = map[string]station.RunEnded{}
		}, "NOT RECOVERED"},
		{"a station that never ran", func(_ *testing.T, w *world) {
			w.recovered, w.started = map[*board]station.RunEnded{}, nil
		}, "NOT RECOVERED"},
		{"no device at all", func(_ *testing.T, w *world) { w.boards = nil }, "oracle: "},
		{"a device that stays broken", func(_ *testing.T, w *world) {
			w.recovered[w.boards[0]] = station.RunEnded{Outcome: station.Fail}
		}, "NOT RECOVERED"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w, err := newWorld(s, i, 1, i, []plan{{}})
			if err != nil {
				t.Fatal(err)
			}
			w.tamper = func() { row.tamper(t, w) }
			bad := w.execute(context.WithoutCancel(t.Context()))
			found := false
			for _, v := range bad {
				found = found || strings.HasPrefix(v.text, row.want) || strings.Contains(v.text, row.want)
			}
			switch {
			case row.want == "" && len(bad) > 0:
				t.Errorf("got %v, want nothing", bad)
			case row.want != "" && !found:
				t.Errorf("got %v, want %s", bad, row.want)
			case row.want == "oracle: " && len(w.judged) > 0:
				t.Errorf("got runs %v judged, want none", w.judged)
			}
		})
	}
}

// otherKey puts a key in a file's place that is not its certificate's.
func otherKey(path string) error {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil {
		return err
	}
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600)
}

// The same seed makes the same plans, and a plan that was printed reads back.
func TestPlansReplay(t *testing.T) {
	seen := map[string]bool{}
	for run := range 4 * len(kinds) {
		p, again := drawPlan(7, run), drawPlan(7, run)
		if p.String() != again.String() || p.rename != again.rename || p.left != again.left {
			t.Errorf("run %d: got %v and %v, want the same twice", run, p, again)
		}
		list, err := parsePlan(p.String())
		if err != nil || (plan{faults: list}).String() != p.String() {
			t.Errorf("run %d: got %v (%v), want %v", run, list, err, p)
		}
		for _, f := range p.faults {
			seen[f.kind] = true
		}
	}
	if len(seen) != len(kinds) {
		t.Errorf("got %d kinds in four rounds, want all %d", len(seen), len(kinds))
	}
	for _, bad := range []string{"", "line.drop", "line.drop:1", "line.drop:x:1", "line.drop:1:x", "nothing:1:1", "line.drop:1:1:1"} {
		if list, err := parsePlan(bad); err == nil {
			t.Errorf("%q: got %v, want an error", bad, list)
		}
	}
}
