package bridge

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"

	"provstation/station"
	"provstation/station/stepca"
)

// Trust gives the roots that the bridge's certificate must chain to; nil is the operating system's. It is asked again
// until it succeeds once.
type Trust func(ctx context.Context) (*x509.CertPool, error)

var errNoRoots = errors.New("no certificate in it")

// TrustSystem trusts the operating system's roots.
func TrustSystem() Trust {
	return func(context.Context) (*x509.CertPool, error) { return nil, nil } //nolint:nilnil // nil is the system's pool
}

// TrustFile trusts the PEM certificates of a file alone.
func TrustFile(path string) Trust {
	return func(context.Context) (*x509.CertPool, error) {
		data, err := readBounded(path, maxAnswer)
		if err != nil {
			return nil, fmt.Errorf("read trusted certificates: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(data) {
			return nil, fmt.Errorf("read trusted certificates: %s: %w", path, errNoRoots)
		}
		return pool, nil
	}
}

// TrustRoot trusts the root with this SHA-256 fingerprint alone, fetched from step-ca and proven by its digest.
func TrustRoot(stepCAURL, fingerprint string) Trust {
	return func(ctx context.Context) (*x509.CertPool, error) {
		root, err := stepca.FetchRoot(ctx, stepCAURL, fingerprint)
		if err != nil {
			return nil, err
		}
		pool := x509.NewCertPool()
		pool.AddCert(root)
		return pool, nil
	}
}

// trustFault tells a root that cannot be had now from one that can never be.
func trustFault(err error) error {
	if f, ok := station.AsFault(err); ok {
		return f
	}
	f := &station.Fault{
		Code: station.CodeTrustMissing, Outcome: station.Error, Class: station.Misconfigured,
		Params: map[string]string{"reason": clean(err.Error())}, Err: fmt.Errorf("find the bridge's trust anchor: %w", err),
	}
	var e *stepca.Error
	if errors.As(err, &e) && e.Status == 0 && !errors.Is(err, stepca.ErrOtherRoot) && !errors.Is(err, stepca.ErrAnswer) ||
		e != nil && e.Status >= 500 || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		f.Class = station.Passing
	}
	return f
}

// readBounded reads a file of at most limit bytes.
func readBounded(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s is longer than %d bytes", path, limit)
	}
	return data, nil
}
