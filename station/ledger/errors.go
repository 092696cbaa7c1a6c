package ledger

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"provstation/station"
)

// Errors of opening and of the storage underneath. They are found with errors.Is; the text around them says what was
// being done, and on which file.
var (
	ErrURL         = errors.New("not a ledger url")
	ErrReadOnly    = errors.New("ledger cannot be written: read-only file, directory, disk or server")
	ErrFull        = errors.New("no space left for the ledger")
	ErrCorrupt     = errors.New("ledger file is damaged")
	ErrNotLedger   = errors.New("database belongs to another program")
	ErrNewerSchema = errors.New("ledger was written by a newer version of this program")
	// ErrUnknownSchema: the database says that it is a ledger, and its tables are not those that any version of this
	// program makes. To go on would be to write records under rules that may be missing.
	ErrUnknownSchema = errors.New("ledger's tables are not as this program made them: restore a backup, or begin a new ledger and keep this one")

	ErrBusy   = errors.New("ledger is held by another process")
	ErrIO     = errors.New("ledger's disk failed")
	ErrClosed = errors.New("ledger is closed")
	// ErrUnreachable: no connection to a database server, or it broke, or no answer came. Nothing was written, unless
	// the error is ErrInDoubt too.
	ErrUnreachable = errors.New("ledger's database cannot be reached")
	// ErrInDoubt: the connection broke after the commit was sent. The record may be on file; the same call again, when
	// the database is back, settles it.
	ErrInDoubt = errors.New("it is not known whether the record is on file")
	// ErrPermission: the database server refuses the user, or what it wants to do.
	ErrPermission = errors.New("ledger's database refuses this user")
)

// Errors of a record.
var (
	// ErrInvalid: a record that cannot be true or cannot be stored (an id missing, a digest of the wrong length).
	ErrInvalid = errors.New("record is invalid")
	// ErrConflict: other facts are on file under the same id.
	ErrConflict = station.ErrConflict
	// ErrSecret: the record holds a private key.
	ErrSecret = errors.New("record holds a secret")
	// ErrNoProof: a PASS without a durable proof for this hardware, key and certificate.
	ErrNoProof = errors.New("no proof on file")
	// ErrNoChain: a write to a ledger that is audited, by who follows no chain (see StartAudit).
	ErrNoChain = errors.New("the ledger is audited, and this write would not be")
	// ErrUnaudited: a statement that writes what the chain cannot follow.
	ErrUnaudited = errors.New("a write that the chain cannot follow")
)

// Taken says who holds what was claimed. Err is one of station.ErrDeviceIDTaken, ErrHardwareBound, ErrKeyTaken and
// ErrAddressTaken.
type Taken struct {
	Err            error
	What           string // the claimed thing, in words
	HardwareSerial string // of the holder; empty where the holder belongs to another tenant
	DeviceID       string // of the holder; may be empty
}

// Error says what is taken and by whom.
func (t *Taken) Error() string {
	if t.HardwareSerial == "" {
		return fmt.Sprintf("%s: %v", t.What, t.Err)
	}
	return fmt.Sprintf("%s: %v (hardware serial %q, device id %q)", t.What, t.Err, t.HardwareSerial, t.DeviceID)
}

// Unwrap gives the class.
func (t *Taken) Unwrap() error { return t.Err }

// Holder is the hardware serial of who holds what was claimed; empty where that is another tenant's.
func (t *Taken) Holder() string { return t.HardwareSerial }

// storageError says that the storage failed under a statement, not that the statement was wrong.
type storageError struct {
	class error
	err   error
}

func (e *storageError) Error() string   { return fmt.Sprintf("%v: %v", e.class, e.err) }
func (e *storageError) Unwrap() []error { return []error{e.class, e.err} }

// isStorage reports whether err is the storage's own failure: the transaction around it is lost as a whole.
func isStorage(err error) bool {
	var s *storageError
	return errors.As(err, &s)
}

// classify gives err from the driver its class. dir is where the file lies, "" for a ledger in memory.
func classify(err error, dir string) error {
	if err == nil || isStorage(err) {
		return err
	}
	if isConnect(err) || errors.Is(err, errStalled) { // before the rest: their deadline is not the caller's
		return postgresClass(err)
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if class := postgresClass(err); class != nil {
		return class
	}
	if errors.Is(err, fs.ErrPermission) {
		return &storageError{ErrReadOnly, err}
	}
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code() & 0xff { // the primary code; the rest of the bits refine it
	case sqlite3.SQLITE_FULL:
		return &storageError{ErrFull, err}
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM:
		return &storageError{ErrReadOnly, err}
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return &storageError{ErrCorrupt, err}
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL:
		return &storageError{ErrBusy, err}
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN:
		return &storageError{diskTrouble(dir), err}
	case sqlite3.SQLITE_CONSTRAINT:
		return fmt.Errorf("%w: %w", constraintClass(e.Code()), err)
	default:
		return err
	}
}

func constraintClass(code int) error {
	switch code {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return ErrConflict
	default:
		return ErrInvalid
	}
}
