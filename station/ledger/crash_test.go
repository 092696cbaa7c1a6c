package ledger

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"provstation/station"
)

// A writer that is killed at any moment has lost nothing that it was told is durable.
func TestKilled(t *testing.T) {
	url := newURL(t)
	var told []string
	for round := range 6 {
		told = append(told, writeAndKill(t, url, 1+rand.IntN(40))...)
		l := openURL(t, url, Config{})
		for _, run := range told {
			d, err := l.Run(t.Context(), run)
			if err != nil {
				t.Fatalf("round %d: run %s: got %v, want it on file", round, run, err)
			}
			if d.Outcome != station.Pass || len(d.Phases) != 1 || len(d.Certificates) != 1 || len(d.Proofs) != 1 {
				t.Errorf("round %d: run %s: got %s, %d phases, want the whole PASS", round, run, d.Outcome, len(d.Phases))
			}
			if _, err := l.Passed(t.Context(), d.Tenant, d.HardwareSerial, d.SPKI, d.Leaf); err != nil {
				t.Errorf("round %d: PASS of %s: got %v, want it found", round, run, err)
			}
		}
		r, err := l.Check(t.Context())
		must(t, err)
		if !r.OK() {
			t.Errorf("round %d: got %v %v, want a sound ledger", round, r.Integrity, r.WriteError)
		}
		must(t, l.Close())
	}
	if len(told) < 6 {
		t.Errorf("got %d finished runs in 6 rounds, want one at least in each", len(told))
	}
}

// writeAndKill lets a child make runs, kills it some time after it has told of n of them, and returns what it told.
func writeAndKill(t *testing.T, url string, n int) (told []string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "LEDGER_TEST_CHILD=write", "LEDGER_TEST_URL="+url)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	// SIGKILL arrives while the child goes on writing: anywhere between two of its system calls, or inside one.
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			break // what was told before it died has been read
		}
		told = append(told, strings.TrimSpace(line))
		if len(told) == n {
			must(t, cmd.Process.Kill())
		}
	}
	err = cmd.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Exited() {
		t.Fatalf("child: got %v, want it killed\n%s", err, stderr.String())
	}
	return told
}

// 64 slots write at once: nobody is told that the ledger is busy, and nothing is lost.
func TestManyWriters(t *testing.T) {
	l, ctx := openNew(t), t.Context()
	const slots, each = 64, 4
	errs := make(chan error, slots*each)
	var wg sync.WaitGroup
	for s := range slots {
		wg.Go(func() {
			for i := range each {
				d := dev(fmt.Sprintf("HW-%d-%d", s, i))
				errs <- d.pass(ctx, l)
				if _, err := l.Passed(ctx, d.tenant, d.serial, d.spki, d.leaf); err != nil {
					errs <- err
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		must(t, err)
	}
	c, err := l.Counts(ctx, time.Unix(0, 0))
	must(t, err)
	if c.ByOutcome[station.Pass] != slots*each || c.Devices != slots*each {
		t.Errorf("got %+v, want %d PASS", c, slots*each)
	}
}

// Attempts of one device from many goroutines get numbers without gap or double.
func TestAttemptNumbers(t *testing.T) {
	l, ctx := openNew(t), t.Context()
	const n = 50
	got := make([]int, n)
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			d := dev("A")
			if err := l.BeginRun(ctx, d.start()); err != nil {
				t.Errorf("begin: got %v, want nil", err)
				return
			}
			a, err := l.IdentifyRun(ctx, d.run, d.observed())
			if err != nil || a < 1 || a > n {
				t.Errorf("identify: got %d, %v, want 1 to %d", a, err, n)
				return
			}
			got[a-1]++
		})
	}
	wg.Wait()
	for i, k := range got {
		if k != 1 {
			t.Errorf("attempt %d: got %d times, want once", i+1, k)
		}
	}
}

// One claim of several for the same id wins.
func TestClaimRace(t *testing.T) {
	l, ctx := openNew(t), t.Context()
	const n = 32
	results := make(chan error, n)
	for i := range n {
		d := dev(fmt.Sprintf("HW%d", i))
		d.id = "wanted"
		must(t, d.identify(ctx, l))
		go func() { results <- l.BindDevice(ctx, d.binding()) }()
	}
	won := 0
	for range n {
		if err := <-results; err == nil {
			won++
		} else {
			want(t, err, station.ErrDeviceIDTaken)
		}
	}
	if won != 1 {
		t.Errorf("winners: got %d, want 1", won)
	}
}

// Several processes make one file together, from the first moment on.
func TestManyProcesses(t *testing.T) {
	url := emptyURL(t)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			cmd.Env = append(os.Environ(), "LEDGER_TEST_CHILD=write-some", "LEDGER_TEST_URL="+url)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("child: got %v, want nil\n%s", err, out)
			}
		})
	}
	wg.Wait()
	l, err := Open(t.Context(), url, Config{})
	must(t, err)
	defer func() { must(t, l.Close()) }()
	c, err := l.Counts(t.Context(), time.Unix(0, 0))
	must(t, err)
	if c.ByOutcome[station.Pass] != 3*40 {
		t.Errorf("got %+v, want 120 PASS", c)
	}
}

// Another process that never lets go is an error after the time that was set, not a wait for ever.
func TestBusy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "l.db")
	l := openAt(t, path, Config{BusyTimeout: 50 * time.Millisecond})
	other := openAt(t, path, Config{})
	hold, release := make(chan struct{}), make(chan struct{})
	done := make(chan error, 1)
	go func() {
		done <- other.write.do(t.Context(), func(context.Context, *txn) error {
			close(hold)
			<-release
			return nil
		})
	}()
	<-hold
	want(t, l.BeginRun(t.Context(), dev("A").start()), ErrBusy)
	close(release)
	must(t, <-done)
	must(t, dev("A").pass(t.Context(), l))
}

// A call that is cancelled while it waits has written nothing; one that has begun is finished.
func TestCancel(t *testing.T) {
	l := openNew(t)
	hold, release := make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	d := dev("A")
	go func() {
		done <- l.write.do(ctx, func(ctx context.Context, tx *txn) error {
			close(hold)
			<-release
			_, err := tx.insertOnce(ctx, "write_check", 1, []cell{{"id", int64(1)}, {"checked_at", int64(7)}})
			return err
		})
	}()
	<-hold
	cancel()
	want(t, l.BeginRun(ctx, d.start()), context.Canceled)
	close(release)
	must(t, <-done)
	var at int64
	must(t, l.read.QueryRowContext(t.Context(), "SELECT checked_at FROM write_check").Scan(&at))
	if at != 7 {
		t.Errorf("got %d, want the row of the write that had begun", at)
	}
	_, err := l.Run(t.Context(), d.run)
	want(t, err, station.ErrNotFound)
}

// In a group of writes one that is refused takes nothing of the others with it, and nothing of its own stays.
func TestGroup(t *testing.T) {
	l, ctx := openNew(t), t.Context()
	must(t, dev("A").pass(ctx, l))
	good, bad, late := dev("GOOD"), dev("BAD"), dev("LATE")
	for _, d := range []*device{good, bad, late} {
		must(t, d.identify(ctx, l))
	}
	bad.id = "dev-A"
	bind := func(d *device) *job {
		return newJob(ctx, urgent, func(ctx context.Context, tx *txn) error {
			_, err := tx.exec(ctx, "UPDATE runs SET code = 'TOUCHED' WHERE run = ?", d.run)
			if err == nil {
				err = tx.bind(ctx, d.binding())
			}
			return err
		})
	}
	group := []*job{bind(good), bind(bad), bind(late)}
	// The goroutine is stopped and its part played here, so that the three are one group for certain.
	l.write.stop.Do(func() {
		close(l.write.quit)
		<-l.write.done
	})
	l.write.serve(group)
	must(t, group[0].err)
	want(t, group[1].err, station.ErrDeviceIDTaken)
	must(t, group[2].err)
	for d, touched := range map[*device]string{good: "TOUCHED", bad: "", late: "TOUCHED"} {
		if got := detail(t, l, d.run).Code; string(got) != touched {
			t.Errorf("%s: got %q, want %q", d.serial, got, touched)
		}
	}
	must(t, l.write.conn.Close())
	must(t, l.write.db.Close())
}

// A group that fails as a whole is run one by one: who fits is kept.
func TestGroupFull(t *testing.T) {
	l, ctx := openAt(t, filepath.Join(t.TempDir(), "l.db"), Config{maxPages: 150}), t.Context()
	big, small := dev("BIG"), dev("SMALL")
	must(t, big.prove(ctx, l))
	must(t, small.prove(ctx, l))
	hold, release := make(chan struct{}), make(chan struct{})
	first := make(chan error, 1)
	go func() {
		first <- l.write.do(ctx, func(context.Context, *txn) error { close(hold); <-release; return nil })
	}()
	<-hold
	f := big.finish(station.Fail)
	for range 60 {
		f.Warnings = append(f.Warnings, station.Warning{Text: strings.Repeat("x", 8000)})
	}
	type result struct{ big, small error }
	var r result
	var wg sync.WaitGroup
	wg.Go(func() { r.big = l.FinishRun(ctx, f) })
	wg.Go(func() { r.small = l.FinishRun(ctx, small.finish(station.Pass)) })
	close(release)
	wg.Wait()
	must(t, <-first)
	want(t, r.big, ErrFull)
	must(t, r.small)
	if got := detail(t, l, small.run).Outcome; got != station.Pass {
		t.Errorf("got %q, want PASS", got)
	}
	if got := detail(t, l, big.run).Outcome; got != "" {
		t.Errorf("got %q, want an open run", got)
	}
}
