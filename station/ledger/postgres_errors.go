package ledger

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

var (
	// errStalled: a statement that was not answered in time.
	errStalled = errors.New("no answer")
	// errRolledBack: the server took COMMIT and rolled back, since a statement before it had failed.
	errRolledBack = errors.New("the transaction had failed before its end and was rolled back")
)

// SQLSTATE codes, PostgreSQL's appendix A, that are more than their class.
const (
	stateUnique       = "23505"
	stateReadOnly     = "25006" // read_only_sql_transaction: a standby
	stateIdleInTxn    = "25P03" // idle_in_transaction_session_timeout
	stateSerial       = "40001" // serialization_failure
	stateDeadlock     = "40P01" // deadlock_detected
	stateLocked       = "55P03" // lock_not_available
	stateDiskFull     = "53100"
	stateMemory       = "53200"
	stateCancelled    = "57014" // query_canceled: statement_timeout, or a person
	stateNoPermission = "42501"
)

// postgresClass gives an error of the server or of the way to it its class; nil if it is neither.
func postgresClass(err error) error {
	var p *pgconn.PgError
	if errors.As(err, &p) {
		return stateClass(p.Code, err)
	}
	var op *net.OpError
	var dns *net.DNSError
	switch {
	case errors.Is(err, errStalled), isConnect(err), errors.As(err, &op), errors.As(err, &dns),
		errors.Is(err, driver.ErrBadConn), errors.Is(err, sql.ErrConnDone), errors.Is(err, io.EOF),
		errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return &storageError{ErrUnreachable, err}
	case errors.Is(err, errRolledBack):
		return &storageError{ErrIO, err}
	default:
		return nil
	}
}

func stateClass(code string, err error) error {
	storage := func(class error) error { return &storageError{class, err} }
	switch code {
	case stateUnique:
		return fmt.Errorf("%w: %w", ErrConflict, err)
	case stateReadOnly:
		return storage(ErrReadOnly)
	case stateIdleInTxn:
		return storage(ErrUnreachable)
	case stateSerial, stateDeadlock, stateLocked, stateCancelled:
		return storage(ErrBusy)
	case stateDiskFull:
		return storage(ErrFull)
	case stateMemory:
		return storage(ErrIO)
	case stateNoPermission:
		return storage(ErrPermission)
	}
	switch code[:min(2, len(code))] {
	case "22", "23", "54": // data exceptions, integrity constraints, a text that no index can hold
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	case "28": // authorization
		return storage(ErrPermission)
	case "08", "3D", "3F", "53", "57": // connection, no such database or schema, too many connections, shut down
		return storage(ErrUnreachable)
	case "58": // system: I/O
		return storage(ErrIO)
	case "XX": // internal: damaged data, or a fault of the server
		return storage(ErrCorrupt)
	default:
		return err
	}
}

// isConnect reports whether no connection could be made.
func isConnect(err error) bool {
	var c *pgconn.ConnectError
	return errors.As(err, &c)
}

// retryable reports whether the server gave up the transaction for the sake of another one.
func retryable(err error) bool {
	var p *pgconn.PgError
	return errors.As(err, &p) && (p.Code == stateSerial || p.Code == stateDeadlock)
}

// failedAt gives err of a bound statement its class if the bound, not the caller, ended it.
func failedAt(ctx context.Context, err error) error {
	if err != nil && errors.Is(context.Cause(ctx), errStalled) {
		return &storageError{ErrUnreachable, fmt.Errorf("%w: %w", errStalled, err)}
	}
	return err
}

// hideURL is the text of a configuration error without what might repeat the url.
func hideURL(err error) string {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	text := err.Error()
	if strings.Contains(text, "://") || strings.Contains(text, "password") {
		return "not understood"
	}
	return text
}
