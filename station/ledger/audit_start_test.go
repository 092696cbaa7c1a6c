package ledger

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"provstation/station/audit"
)

// A bench that has worked for years starts as fast as a new one: what was signed long ago is for records verify to check.
func TestStartAuditStaysFast(t *testing.T) {
	k := newAudited(t)
	k.fill(t, 1)
	const n = 20_000
	var lines []byte
	must(t, k.write.do(t.Context(), func(ctx context.Context, tx *txn) error {
		for range n {
			if err := tx.appendRow(ctx, audit.Row{Kind: "filler"}); err != nil {
				return err
			}
			c, err := tx.checkpoint(ctx, audit.PurposeHead, tx.trail.n, tx.trail.digest)
			if err != nil {
				return err
			}
			line, err := c.Line()
			if err != nil {
				return err
			}
			lines = append(lines, line...)
		}
		return nil
	}))
	must(t, k.Close())
	f, err := os.OpenFile(k.heads, os.O_APPEND|os.O_WRONLY, 0)
	must(t, err)
	_, err = f.Write(lines)
	must(t, err)
	must(t, f.Close())
	l := openAt(t, k.path, Config{})
	begin := time.Now()
	found, err := l.StartAudit(t.Context(), AuditConfig{StationID: "st-1", Tenant: "acme", Signer: k.signer, Heads: k.heads})
	must(t, err)
	took := time.Since(begin)
	if len(found) > 0 {
		t.Errorf("got %v, want nothing found", found)
	}
	must(t, l.Close())
	fresh := newAudited(t) // measured in the same run: the machine may be busy
	fresh.fill(t, 1)
	must(t, fresh.Close())
	again := openAt(t, fresh.path, Config{})
	begin = time.Now()
	_, err = again.StartAudit(t.Context(), AuditConfig{StationID: "st-1", Tenant: "acme", Signer: fresh.signer, Heads: fresh.heads})
	must(t, err)
	few := time.Since(begin)
	t.Logf("started in %v with %d heads, in %v with few", took, n, few)
	if limit := 20*few + time.Second; took > limit { // each signature checked would be 10 to 20 s
		t.Errorf("got %v with %d heads, want at most %v", took, n, limit)
	}
}

// A heads file is hostile: whatever lies in it, its good lines are read, and the others are counted.
func TestReadHeadsOfAnyFile(t *testing.T) {
	k := newAudited(t)
	k.fill(t, 2)
	must(t, k.Close())
	good, err := os.ReadFile(k.heads)
	must(t, err)
	list, bad, err := ReadHeads(bytes.NewReader(good))
	must(t, err)
	if len(list) < 2 || len(bad) > 0 {
		t.Fatalf("got %d heads, bad lines %v, want some and none", len(list), bad)
	}
	long := append(bytes.Repeat([]byte("x"), 300<<10), '\n')
	spoilt := slices.Concat(long, good, []byte("\n{\"station_id\":\"st-1\",\"n\":99999999999999999999,}\n\x00\xff\n"), long[:len(long)-1])
	again, bad, err := ReadHeads(bytes.NewReader(spoilt))
	must(t, err)
	n := len(list)
	if want := []int{1, n + 3, n + 4, n + 5}; len(again) != n || !slices.Equal(bad, want) {
		t.Errorf("got %d heads, bad lines %v, want %d and %v", len(again), bad, n, want)
	}
	path := filepath.Join(t.TempDir(), "heads.log")
	must(t, os.WriteFile(path, spoilt, 0o600))
	newest, err := newestHeads(path, "st-1")
	must(t, err)
	if len(newest) == 0 || newest[0].N != list[n-1].N {
		t.Errorf("got %v, want row %d first", newest, list[n-1].N)
	}
}
