package main

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"provstation/station/config"
	"provstation/station/ledger"
)

// checkConfig: it loads, and nobody else can change what this station trusts.
func (d *doctor) checkConfig(context.Context) []finding {
	const name = "config"
	var ce *config.Error
	switch {
	case errors.As(d.loadErr, &ce):
		var list []finding
		for _, p := range ce.Problems {
			list = append(list, failed(name, "correct it, then: provstation config check", "%s", p))
		}
		return list
	case errors.Is(d.loadErr, config.ErrNotFound):
		return []finding{failed(name, "write one (configs/minimal.yaml is the least), or name it with --config; provstation demo needs none", "%v", d.loadErr)}
	case errors.Is(d.loadErr, fs.ErrPermission):
		return []finding{failed(name, "let this user read the file", "%v", d.loadErr)}
	case d.loadErr != nil:
		return []finding{failed(name, "name an existing file with --config or $"+config.EnvConfig, "%v", d.loadErr)}
	}
	if known, mode := d.sys.mode(d.src.Path); known && mode&0o022 != 0 {
		return []finding{warned(name, "chmod go-w "+shellWord(d.src.Path),
			"%s loads, but others may write it (mode %04o): it says whom this station trusts", d.src.Path, mode)}
	}
	return []finding{ok(name, "%s, tenant %s, digest %.12s", d.src.Path, d.cfg.Station.Tenant, d.cfg.Digest())}
}

// earliest is a time that has passed for certain: a clock before it was never set.
func earliest() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }

const clockFix = "set the clock: sudo timedatectl set-ntp true (or date -s), and see that the name server and UDP port 123 are reachable"

// checkClock: a year that can be, and somebody who keeps it right. The bridge's clock is compared in bridge-clock.
func (d *doctor) checkClock(context.Context) []finding {
	const name = "clock"
	now := d.sys.now()
	text := now.UTC().Format(time.RFC3339)
	if now.Before(earliest()) || now.After(earliest().AddDate(74, 0, 0)) {
		return []finding{failed(name, clockFix, "this station's clock says %s", text)}
	}
	switch synced, known := d.sys.synced(); {
	case !known:
		return []finding{ok(name, "%s; this system does not say whether it is kept right", text)}
	case !synced:
		return []finding{warned(name, clockFix, "%s, but nothing keeps it right (not synchronised)", text)}
	}
	return []finding{ok(name, "%s, synchronised", text)}
}

// ledgerFile gives the path in a ledger url, empty for one in memory or one that is no file.
func ledgerFile(url string) string {
	path, isFile := strings.CutPrefix(url, "sqlite:")
	if !isFile || path == ":memory:" {
		return ""
	}
	if abs, found := strings.CutPrefix(path, "//"); found && strings.HasPrefix(abs, "/") {
		return abs
	}
	return path
}

// checkStateDir: ledger and log belong to this user alone.
func (d *doctor) checkStateDir(context.Context) []finding {
	const name = "state-dir"
	var list []finding
	seen := map[string]bool{}
	for _, file := range []string{ledgerFile(ownURL(d.cfg)), d.cfg.Log.File} {
		if file == "" {
			continue
		}
		dir := filepath.Dir(file)
		if known, mode := d.sys.mode(dir); known && mode&0o022 != 0 && !seen[dir] {
			list = append(list, failed(name, "chmod go-w "+shellWord(dir), "others may write %s (mode %04o): they could replace what is recorded", dir, mode))
		}
		seen[dir] = true
		if known, mode := d.sys.mode(file); known && mode&0o077 != 0 {
			list = append(list, warned(name, "chmod 600 "+shellWord(file), "others may read or write %s (mode %04o)", file, mode))
		}
	}
	if file := d.cfg.Log.File; file != "" {
		if err := appendable(file); err != nil {
			list = append(list, failed(name, "let this user write it, or set log.file", "the log cannot be written: %v", err))
		}
	}
	if len(list) == 0 {
		list = append(list, ok(name, "%s", strings.Join(sortedNames(seen), ", ")))
	}
	return list
}

// appendable proves that a file can be written, without making it.
func appendable(file string) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_APPEND, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return creatable(file)
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// creatable proves that a file and the folders above it can be made: a file is made, and removed, in the nearest folder
// that is there.
func creatable(file string) error {
	dir := filepath.Dir(file)
	for {
		_, err := os.Stat(dir)
		if err == nil {
			break
		}
		parent := filepath.Dir(dir)
		if !errors.Is(err, fs.ErrNotExist) || parent == dir {
			return err
		}
		dir = parent
	}
	f, err := os.CreateTemp(dir, ".provstation-probe-*")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

const (
	ledgerLimit = 30 * time.Second // the integrity check reads the whole file
	busyLimit   = 5 * time.Second

	littleSpace = 200 << 20 // bytes: warn
	noSpace     = 16 << 20  // fail: the next runs would end ERROR
)

// checkLedger: it opens, is sound, can be written, and has room. One that is not there yet is not made.
func (d *doctor) checkLedger(ctx context.Context) []finding {
	return examineLedger(ctx, "ledger", d.cfg.Ledger.URL, ledger.Config{Password: ledgerPassword(d.cfg.Ledger)}, nil)
}

// longWait is how long a record may wait for the shared ledger before somebody is to look why: longer than a database is
// restarted.
const longWait = 10 * time.Minute

// checkOwnLedger: where stations share a ledger, this one's own file is sound, and what it has for the others does not wait.
func (d *doctor) checkOwnLedger(ctx context.Context) []finding {
	const name = "ledger-own"
	list := examineLedger(ctx, name, ownURL(d.cfg), ledger.Config{Outbox: true}, func(l *ledger.Ledger) []finding {
		n, since, err := l.Waiting(ctx)
		switch {
		case err != nil:
			return []finding{failed(name, ledgerFix(err), "%v", err)}
		case n > 0 && d.sys.now().Sub(since) >= longWait:
			return []finding{warned(name, "see that the shared database runs (the check ledger) and start this station, which hands them over; "+
				"provstation records outbox says what waits", "records that wait for the shared ledger: %d, since %s", n, local(since))}
		}
		return nil
	})
	for i := range list {
		list[i].Fix = strings.ReplaceAll(list[i].Fix, "ledger.url", "ledger.file")
	}
	return list
}

// examineLedger looks at one ledger; more adds what it finds of it.
func examineLedger(ctx context.Context, name, url string, lc ledger.Config, more func(*ledger.Ledger) []finding) []finding {
	file := ledgerFile(url)
	if file != "" {
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			if err := creatable(file); err != nil {
				return []finding{failed(name, ledgerFix(ledger.ErrReadOnly), "%s cannot be made: %v", file, err)}
			}
			return []finding{ok(name, "%s is not there yet; the first run makes it", file)}
		}
	}
	lc.BusyTimeout, lc.Readers = busyLimit, 1
	l, err := ledger.Open(ctx, url, lc)
	if err != nil {
		return []finding{failed(name, ledgerFix(err), "%v", err)}
	}
	defer l.Close()
	r, err := l.Check(ctx)
	switch {
	case err != nil && ctx.Err() != nil:
		return []finding{warned(name, "run it again when no run is in flight; archive old records if the file has grown large",
			"%s: the integrity check did not end within %s", file, ledgerLimit)}
	case err != nil:
		return []finding{failed(name, ledgerFix(err), "%v", err)}
	}
	var list []finding
	if more != nil {
		list = more(l)
	}
	return ledgerFindings(name, r, list)
}

// ledgerFindings is what the report says, after what was found already.
func ledgerFindings(name string, r ledger.CheckReport, list []finding) []finding {
	if len(r.Integrity) > 0 {
		list = append(list, failed(name, ledgerFix(ledger.ErrCorrupt), "%s is damaged: %s", cmp.Or(r.Place, r.Path), strings.Join(r.Integrity, "; ")))
	}
	if r.WriteError != nil {
		list = append(list, failed(name, ledgerFix(r.WriteError), "%v", r.WriteError))
	}
	for _, w := range r.Warnings {
		list = append(list, warned(name, "have whoever runs the server switch it on", "%s: %s", r.Place, w))
	}
	switch {
	case r.Database == ledger.Postgres && len(list) > 0:
		return list
	case r.Database == ledger.Postgres:
		return []finding{ok(name, "%s: sound, writable, schema %d, %d runs, %d KiB", r.Place, r.Schema, r.Runs, r.Size>>10)}
	case r.Path == "":
		return append(list, warned(name, "set ledger.url to sqlite:PATH", "it is in memory: no record outlives the station"))
	case r.Free < noSpace:
		list = append(list, failed(name, ledgerFix(ledger.ErrFull), "%d MiB left on the disk of %s", r.Free>>20, r.Path))
	case r.Free < littleSpace:
		list = append(list, warned(name, ledgerFix(ledger.ErrFull), "only %d MiB left on the disk of %s", r.Free>>20, r.Path))
	}
	if len(list) == 0 {
		list = append(list, ok(name, "%s: sound, writable, schema %d, %d runs, %d KiB, %d MiB free", r.Path, r.Schema, r.Runs, r.Size>>10, r.Free>>20))
	}
	return list
}

// ledgerFix says how to mend what keeps the ledger from working.
func ledgerFix(err error) string {
	switch {
	case errors.Is(err, ledger.ErrReadOnly):
		return "let this user write the ledger's folder and files, or set ledger.url to a place where it may"
	case errors.Is(err, ledger.ErrFull):
		return "free space on that disk, or set ledger.url to another one"
	case errors.Is(err, ledger.ErrCorrupt):
		return "stop the station, keep a copy of the file with its -wal, and restore the last backup (sqlite3 FILE .recover saves what can be saved)"
	case errors.Is(err, ledger.ErrNotLedger):
		return "ledger.url names another program's database: set it to a file of its own"
	case errors.Is(err, ledger.ErrNewerSchema):
		return "a newer provstation has written it: use that version, or set ledger.url to a new file"
	case errors.Is(err, ledger.ErrUnknownSchema):
		return "somebody has changed its tables: keep a copy, restore the last backup (provstation records restore), or set ledger.url to a new ledger"
	case errors.Is(err, ledger.ErrBusy):
		return "another program is writing it: see with lsof, and close what does not belong there"
	case errors.Is(err, ledger.ErrURL):
		return "set ledger.url to sqlite:PATH or postgres://USER@HOST/DATABASE"
	case errors.Is(err, ledger.ErrPermission):
		return "check the user of ledger.url, ledger.password_file or password_env, and the user's rights in the schema (CREATE, and on the tables)"
	case errors.Is(err, ledger.ErrUnreachable):
		return "check that the server of ledger.url runs and can be reached from here, that its certificate is for that name, and that the database exists"
	case errors.Is(err, ledger.ErrIO):
		return "look at the disk (dmesg, smartctl) and move the ledger to another one"
	default:
		return "see that ledger.url names a file in a folder that this user may write"
	}
}
