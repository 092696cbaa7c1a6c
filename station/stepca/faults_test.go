package stepca_test

import (
	"context"
	"crypto"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"provstation/station/stationtest"
	"provstation/station/stepca"
)

// A server that refuses certificates in TLS, in the versions that differ about when the client hears of it.
func TestTLSRefusals(t *testing.T) {
	t.Parallel()
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			t.Parallel()
			f := newFakeWith(t, tls.RequireAndVerifyClientCert, func(http.ResponseWriter, *http.Request) {
				t.Error("the request was read")
			})
			f.TLS.MinVersion, f.TLS.MaxVersion = version, version
			old := newDevice(t, f.pki, "edge-0002", stationtest.Lifetime(time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour)))
			_, err := f.c.Renew(t.Context(), old.cert())
			wantClass(t, "expired", err, stepca.ErrExpired)
			if errors.Is(err, stepca.ErrMaybeIssued) {
				t.Errorf("expired: got %v: the request was not read", err)
			}
			_, err = f.c.Renew(t.Context(), newDevice(t, stationtest.NewPKI(t), "edge-0003").cert())
			wantClass(t, "another CA's", err, stepca.ErrDenied)
		})
	}
}

// ending is a context whose deadline passes when a test says so, however busy the machine is.
type ending struct {
	context.Context
	passed chan struct{}
}

func newEnding(t *testing.T) *ending { return &ending{t.Context(), make(chan struct{})} }

func (e *ending) pass() { close(e.passed) }

func (e *ending) Done() <-chan struct{} { return e.passed }

func (e *ending) Err() error {
	select {
	case <-e.passed:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

// The lent key fails in every way that a device across a line can.
func TestSignerFails(t *testing.T) {
	t.Parallel()
	f := newFake(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") })
	unplugged := errors.New("unplugged")
	for name, tc := range map[string]struct {
		sign func(*ending) ([]byte, error)
		want error
	}{
		"unplugged":            {func(*ending) ([]byte, error) { return nil, unplugged }, unplugged},
		"garbage":              {func(*ending) ([]byte, error) { return []byte{1, 2, 3}, nil }, nil},
		"nothing":              {func(*ending) ([]byte, error) { return nil, nil }, nil},
		"never, until the end": {func(e *ending) ([]byte, error) { e.pass(); <-t.Context().Done(); return nil, nil }, context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := newEnding(t)
			cert := f.dev.cert()
			cert.PrivateKey = &failing{Signer: f.dev.key, ctx: ctx, sign: tc.sign}
			_, err := f.c.Renew(ctx, cert)
			wantClass(t, name, err, stepca.ErrSigner)
			if tc.want != nil && !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v in its chain", err, tc.want)
			}
		})
	}
}

type failing struct {
	crypto.Signer
	ctx  *ending
	sign func(*ending) ([]byte, error)
}

func (f *failing) SignMessage(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return f.sign(f.ctx)
}

// A server that is slow, not there, or no TLS server.
func TestNoAnswer(t *testing.T) {
	t.Parallel()
	release, asked := make(chan struct{}), make(chan struct{}, 8)
	f := newFake(t, func(http.ResponseWriter, *http.Request) { asked <- struct{}{}; <-release })
	silent := newFake(t, func(http.ResponseWriter, *http.Request) { <-release })
	t.Cleanup(func() { close(release) }) // before the servers close: they wait for their handlers
	impatient := client(t, silent.URL, stepca.Config{Roots: poolOf(silent.pki.Root.Cert), Timeout: time.Millisecond})
	_, err := impatient.RenewByToken(t.Context(), f.dev.token(t, "x"))
	wantClass(t, "no patience", err, stepca.ErrUnreachable)
	end := newEnding(t)
	go func() { <-asked; end.pass() }()
	_, err = f.c.Renew(end, f.dev.cert())
	wantClass(t, "slow", err, stepca.ErrUnreachable)
	var e *stepca.Error
	if !errors.As(err, &e) || !e.Timeout() || !errors.Is(err, stepca.ErrMaybeIssued) {
		t.Errorf("slow: got %v, want a timeout after which a certificate may exist", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	_, err = f.c.RenewByToken(ctx, f.dev.token(t, "x"))
	wantClass(t, "cancelled", err, context.Canceled)
	if !errors.Is(err, stepca.ErrMaybeIssued) {
		t.Errorf("cancelled: got %v, want maybe issued: the CA goes on", err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	_, err = f.c.Rekey(ctx, f.dev.cert(), stationtest.NewCSR(t, f.dev.key, f.dev.id))
	wantClass(t, "cancelled by mTLS", err, context.Canceled)

	gone := client(t, fmt.Sprintf("https://127.0.0.1:%d", stationtest.FreePort(t)), stepca.Config{})
	_, err = gone.Renew(t.Context(), f.dev.cert())
	wantClass(t, "gone", err, stepca.ErrUnreachable)
	if errors.Is(err, stepca.ErrMaybeIssued) {
		t.Errorf("gone: got %v: nothing was sent", err)
	}
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	_, err = client(t, strings.Replace(plain.URL, "http:", "https:", 1), stepca.Config{}).Renew(t.Context(), f.dev.cert())
	wantClass(t, "no TLS", err, stepca.ErrPath)
	if _, err := client(t, plain.URL, stepca.Config{}).Renew(t.Context(), f.dev.cert()); !errors.Is(err, stepca.ErrArgument) {
		t.Errorf("mTLS over http: got %v, want ErrArgument", err)
	}
	_, err = client(t, strings.Replace(f.URL, "127.0.0.1", "127.0.0.2", 1), stepca.Config{Roots: poolOf(f.pki.Root.Cert)}).Renew(t.Context(), f.dev.cert())
	if got := classOf(t, err); !errors.Is(got, stepca.ErrUntrusted) && !errors.Is(got, stepca.ErrUnreachable) {
		t.Errorf("another name: got %v", err)
	}
}

// A server that closes the connection without an alert while the client is writing: by the clock it is the expired
// certificate, if it is expired.
func TestSilentEnd(t *testing.T) {
	t.Parallel()
	pki := stationtest.NewPKI(t)
	crt, key := pki.ServerFiles(t)
	pair, err := tls.LoadX509KeyPair(crt, key)
	if err != nil {
		t.Fatal(err)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS13})
			_ = s.HandshakeContext(t.Context())
			_ = conn.Close()
		}
	}()
	c := client(t, "https://"+l.Addr().String(), stepca.Config{Roots: poolOf(pki.Root.Cert)})
	_, err = c.Renew(t.Context(), newDevice(t, pki, "edge-0001").cert())
	wantClass(t, "valid", err, stepca.ErrUnreachable)
	old := newDevice(t, pki, "edge-0002", stationtest.Lifetime(time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour)))
	_, err = c.Renew(t.Context(), old.cert())
	wantClass(t, "expired", err, stepca.ErrExpired)
}

// What cannot be sent is refused before anything is.
func TestRenewArguments(t *testing.T) {
	t.Parallel()
	f := newFake(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") })
	ctx, good := t.Context(), f.dev.cert()
	csr := stationtest.NewCSR(t, f.dev.key, f.dev.id)
	broken := append([]byte{}, csr...)
	broken[len(broken)-1] ^= 1
	for name, cert := range map[string]tls.Certificate{
		"nothing": {}, "no key": {Certificate: good.Certificate}, "no certificate": {PrivateKey: good.PrivateKey},
		"not DER": {Certificate: [][]byte{{1}}, PrivateKey: good.PrivateKey}, "another key": {Certificate: good.Certificate, PrivateKey: stationtest.NewKey(t, "P-256")},
		"a chain of nine": {Certificate: [][]byte{good.Certificate[0], {}, {}, {}, {}, {}, {}, {}, {}}, PrivateKey: good.PrivateKey},
	} {
		if _, err := f.c.Renew(ctx, cert); !errors.Is(err, stepca.ErrArgument) {
			t.Errorf("%s: renew: got %v, want ErrArgument", name, err)
		}
		if _, err := f.c.Revoke(ctx, cert, stepca.Revocation{}); !errors.Is(err, stepca.ErrArgument) {
			t.Errorf("%s: revoke: got %v, want ErrArgument", name, err)
		}
	}
	for name, der := range map[string][]byte{"no CSR": nil, "broken signature": broken, "huge": make([]byte, 1<<20), "a certificate": f.dev.chain[0]} {
		if _, err := f.c.Rekey(ctx, good, der); !errors.Is(err, stepca.ErrArgument) {
			t.Errorf("%s: rekey: got %v, want ErrArgument", name, err)
		}
	}
	token := string(f.dev.token(t, "x").Reveal())
	head, _, _ := strings.Cut(token, ".")
	for name, text := range map[string]string{
		"empty": "", "two parts": "a.b", "four parts": token + ".x", "a line break": token + "\nX-Evil: 1", "no header": "." + token[len(head)+1:],
		"not base64": "!" + token, "no chain": "eyJhbGciOiJFUzI1NiJ9" + token[len(head):], "huge": token + strings.Repeat("x", 1<<20),
	} {
		_, err := f.c.RenewByToken(ctx, stepca.NewSecret([]byte(text)))
		if !errors.Is(err, stepca.ErrArgument) || strings.Contains(err.Error(), "eyJ") {
			t.Errorf("%s: token: got %v, want ErrArgument", name, err)
		}
	}
	for name, why := range map[string]stepca.Revocation{"7": {Reason: 7}, "11": {Reason: 11}, "-1": {Reason: -1}, "removeFromCRL": {Reason: stepca.RemoveFromCRL}} {
		if _, err := f.c.Revoke(ctx, good, why); !errors.Is(err, stepca.ErrArgument) {
			t.Errorf("reason %s: got %v, want ErrArgument", name, err)
		}
	}
	if _, err := f.c.RevokeByToken(ctx, nil, stepca.NewSecret([]byte("a.b.c")), stepca.Revocation{}); !errors.Is(err, stepca.ErrArgument) {
		t.Errorf("no serial number: got %v, want ErrArgument", err)
	}
	if _, err := f.c.RevokeByToken(ctx, f.dev.leaf(t).SerialNumber, stepca.Secret{}, stepca.Revocation{}); !errors.Is(err, stepca.ErrArgument) {
		t.Errorf("no token: got %v, want ErrArgument", err)
	}
	for _, name := range []string{"a/b", "a b", "u@h", "h?x", ":9000", "\x1b"} {
		if _, err := stepca.NewWith(f.URL, stepca.Config{Name: name}); !errors.Is(err, stepca.ErrAddress) {
			t.Errorf("name %q: got %v, want ErrAddress", name, err)
		}
	}
}
