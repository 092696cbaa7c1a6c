//go:build linux

package ledger

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"provstation/station"
)

// checkFull runs a ledger into the end of its space and on after it was given more. fill makes sure that the next writes
// find none; free gives some back.
func checkFull(ctx context.Context, l *Ledger, fill, free func() error) error {
	d := dev("FULL")
	if err := d.prove(ctx, l); err != nil {
		return fmt.Errorf("prove: %w", err)
	}
	before, err := l.Run(ctx, d.run)
	if err != nil {
		return err
	}
	if err := fill(); err != nil {
		return fmt.Errorf("fill: %w", err)
	}
	big := d.finish(station.Pass)
	for i := range 40 { // more than what is left in half-filled pages
		big.Warnings = append(big.Warnings, station.Warning{Text: fmt.Sprintf("%d %0*d", i, 8000, i)})
	}
	if err := l.FinishRun(ctx, big); !errors.Is(err, ErrFull) {
		return fmt.Errorf("finish without space: got %w, want %w", err, ErrFull)
	}
	after, err := l.Run(ctx, d.run)
	if err != nil {
		return fmt.Errorf("read without space: %w", err)
	}
	if after.Outcome != "" || len(after.Posts) != len(before.Posts) || after.Posts[0].State != before.Posts[0].State {
		return fmt.Errorf("half written: got %s %s, want an open run", after.Outcome, after.Posts[0].State)
	}
	rec, err := l.Device(ctx, d.tenant, d.serial)
	if err != nil || rec.LastOutcome != "" || rec.SPKI != nil {
		return fmt.Errorf("half written: got %+v %w, want no PASS", rec, err)
	}
	if err := free(); err != nil {
		return fmt.Errorf("free: %w", err)
	}
	if err := l.FinishRun(ctx, big); err != nil {
		return fmt.Errorf("finish with space: got %w, want nil", err)
	}
	if err := dev("NEXT").pass(ctx, l); err != nil {
		return fmt.Errorf("next run: got %w, want nil", err)
	}
	r, err := l.Check(ctx)
	if err != nil || !r.OK() {
		return fmt.Errorf("check: got %+v %w, want sound", r, err)
	}
	return nil
}

func TestFullQuota(t *testing.T) {
	l := openAt(t, filepath.Join(t.TempDir(), "l.db"), Config{maxPages: 150})
	must(t, checkFull(t.Context(), l, func() error { return nil }, func() error {
		_, err := l.write.conn.ExecContext(t.Context(), "PRAGMA max_page_count(100000)")
		return err
	}))
}

// A real full disk: a small tmpfs, filled up by somebody else.
func TestFullDisk(t *testing.T) {
	dir := mountTmpfs(t, "size=4m")
	l := openAt(t, filepath.Join(dir, "l.db"), Config{})
	ballast := filepath.Join(dir, "ballast")
	must(t, checkFull(t.Context(), l, func() error {
		f, err := os.Create(ballast)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		for _, n := range []int{64 << 10, 4096} {
			for err == nil {
				_, err = f.Write(make([]byte, n))
			}
			if !errors.Is(err, unix.ENOSPC) {
				return err
			}
			err = nil
		}
		return nil
	}, func() error { return os.Remove(ballast) }))
}

// A file size limit (or a quota) comes to SQLite as a plain I/O error; it is told apart.
func TestFullLimit(t *testing.T) {
	runChild(t, "limited", "sqlite:"+filepath.Join(t.TempDir(), "l.db"))
}

func childLimited(url string) error {
	signal.Ignore(syscall.SIGXFSZ)
	ctx := context.Background()
	l, err := Open(ctx, url, Config{})
	if err != nil {
		return err
	}
	limit := func(n uint64) error {
		return unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: n, Max: unix.RLIM_INFINITY})
	}
	err = checkFull(ctx, l, func() error {
		return limit(uint64(fileSize(l.path+"-wal")) + 4096)
	}, func() error { return limit(unix.RLIM_INFINITY) })
	return errors.Join(err, l.Close())
}

func TestReadOnly(t *testing.T) {
	dir := mountTmpfs(t, "size=8m")
	path := filepath.Join(dir, "l.db")
	l := openAt(t, path, Config{})
	must(t, dev("A").pass(t.Context(), l))
	must(t, l.Close())
	must(t, unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""))
	for _, p := range []string{path, filepath.Join(dir, "other.db"), filepath.Join(dir, "new", "l.db")} {
		_, err := Open(t.Context(), "sqlite:"+p, Config{})
		want(t, err, ErrReadOnly)
	}
	must(t, unix.Mount("", dir, "", unix.MS_REMOUNT, ""))
	must(t, dev("B").pass(t.Context(), openAt(t, path, Config{})))
}

// A user without permission: real for everybody but root, who is told by TestReadOnly.
func TestNoPermission(t *testing.T) {
	dir := t.TempDir()
	must(t, os.Chmod(dir, 0o500))
	if os.Geteuid() == 0 {
		// This thread alone loses root's right to pass over permissions. It is never unlocked: it ends with the test.
		runtime.LockOSThread()
		hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var caps [2]unix.CapUserData
		must(t, unix.Capget(&hdr, &caps[0]))
		caps[0].Effective &^= 1<<unix.CAP_DAC_OVERRIDE | 1<<unix.CAP_DAC_READ_SEARCH
		must(t, unix.Capset(&hdr, &caps[0]))
	}
	for _, p := range []string{filepath.Join(dir, "l.db"), filepath.Join(dir, "new", "l.db")} {
		_, err := Open(t.Context(), "sqlite:"+p, Config{})
		want(t, err, ErrReadOnly)
	}
}

func runChild(t *testing.T, role, url string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "LEDGER_TEST_CHILD="+role, "LEDGER_TEST_URL="+url)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("child %s: got %v, want nil\n%s", role, err, out)
	}
}

// mountTmpfs needs the right to mount: on a machine without it the test is skipped, or fails where the real parts are
// required.
func mountTmpfs(t *testing.T, options string) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		if os.Getenv("PROVSTATION_REQUIRE_REAL") == "1" && os.Geteuid() == 0 {
			t.Fatalf("mount tmpfs: %v", err)
		}
		t.Skipf("mount tmpfs: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	return dir
}
