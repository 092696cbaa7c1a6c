package stepca_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"provstation/station/stepca"
)

func newRoot(t *testing.T, name string) (*x509.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}

// serve answers every request with h over TLS, with a certificate that nobody trusts yet.
func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewTLSServer(h)
	s.Config.ErrorLog = nil
	t.Cleanup(s.Close)
	return s
}

func caAnswer(t *testing.T, text string) string {
	t.Helper()
	b, err := json.Marshal(map[string]string{"ca": text})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestFetchRoot(t *testing.T) {
	root, text := newRoot(t, "Provider Root CA")
	var path string
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		path = r.URL.Path
		_, _ = w.Write([]byte(caAnswer(t, text)))
	})
	upper := strings.ToUpper(fingerprint(root))
	got, err := stepca.FetchRoot(t.Context(), s.URL+"/pki/", upper)
	if err != nil {
		t.Fatal(err)
	}
	if !got.Equal(root) {
		t.Error("got another certificate")
	}
	if want := "/pki/root/" + fingerprint(root); path != want {
		t.Errorf("asked %s, want %s", path, want)
	}
}

func TestFetchRootRefuses(t *testing.T) {
	root, text := newRoot(t, "Provider Root CA")
	_, other := newRoot(t, "Somebody")
	for name, tc := range map[string]struct {
		status int
		body   string
		want   error
	}{
		"another root":  {200, caAnswer(t, other), stepca.ErrOtherRoot},
		"two roots":     {200, caAnswer(t, text+text), stepca.ErrAnswer},
		"unknown":       {404, `{"status":404}`, stepca.ErrUnknownRoot},
		"redirect":      {302, "", stepca.ErrAnswer},
		"error":         {500, "", stepca.ErrAnswer},
		"html":          {200, "<html>login</html>", stepca.ErrAnswer},
		"no PEM":        {200, caAnswer(t, "hello"), stepca.ErrAnswer},
		"empty":         {200, caAnswer(t, ""), stepca.ErrAnswer},
		"wrong type":    {200, `{"ca": 1}`, stepca.ErrAnswer},
		"broken DER":    {200, caAnswer(t, "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"), stepca.ErrAnswer},
		"a private key": {200, caAnswer(t, "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n"), stepca.ErrAnswer},
		"10 MB":         {200, strings.Repeat(" ", 10<<20) + caAnswer(t, text), stepca.ErrAnswer},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Location", "/root/elsewhere")
				if strings.HasSuffix(r.URL.Path, "elsewhere") {
					t.Error("redirect was followed")
				}
				w.WriteHeader(tc.status)
				_, _ = w.Write([]byte(tc.body))
			})
			got, err := stepca.FetchRoot(t.Context(), s.URL, fingerprint(root))
			if !errors.Is(err, tc.want) || got != nil {
				t.Errorf("got %v, want %v", err, tc.want)
			}
			var e *stepca.Error
			if !errors.As(err, &e) || e.Op != "root" || !strings.HasPrefix(e.Host, "127.0.0.1:") {
				t.Errorf("got %#v, want an *Error with what was asked of whom", err)
			}
		})
	}
}

func TestArguments(t *testing.T) {
	root, _ := newRoot(t, "r")
	for _, bad := range []string{"", "ca.example", "http://ca.example", "https://u:hunter2@ca.example", "ftp://127.0.0.1", "https://h/?q"} {
		_, err := stepca.FetchRoot(t.Context(), bad, fingerprint(root))
		if !errors.Is(err, stepca.ErrAddress) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: got %v, want ErrAddress", bad, err)
		}
		if _, err := stepca.New(bad, nil); !errors.Is(err, stepca.ErrAddress) {
			t.Errorf("New(%q): got %v, want ErrAddress", bad, err)
		}
	}
	for _, bad := range []string{"", "zz", fingerprint(root)[2:], "../" + fingerprint(root)} {
		if _, err := stepca.FetchRoot(t.Context(), "https://127.0.0.1:1", bad); !errors.Is(err, stepca.ErrFingerprint) {
			t.Errorf("%q: got %v, want ErrFingerprint", bad, err)
		}
	}
}

func TestRootsAndIntermediates(t *testing.T) {
	root, rootPEM := newRoot(t, "Root")
	ica, icaPEM := newRoot(t, "ICA")
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/roots.pem":
			_, _ = w.Write([]byte(rootPEM))
		case "/intermediates.pem":
			_, _ = w.Write([]byte(icaPEM + "\n" + rootPEM))
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	})
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	c, err := stepca.New(s.URL, pool)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	roots, err := c.Roots(t.Context())
	if err != nil || len(roots) != 1 || !roots[0].Equal(root) {
		t.Errorf("roots: got %d, %v", len(roots), err)
	}
	list, err := c.Intermediates(t.Context())
	if err != nil || len(list) != 2 || !list[0].Equal(ica) {
		t.Errorf("intermediates: got %d, %v", len(list), err)
	}
	stranger, err := stepca.New(s.URL, x509.NewCertPool())
	if err != nil {
		t.Fatal(err)
	}
	var unknown x509.UnknownAuthorityError
	if got, err := stranger.Roots(t.Context()); !errors.As(err, &unknown) || got != nil {
		t.Errorf("a server that is not trusted: got %v, want x509.UnknownAuthorityError", err)
	}
}

func TestCancelled(t *testing.T) {
	release := make(chan struct{})
	asked := make(chan struct{})
	s := serve(t, func(http.ResponseWriter, *http.Request) { close(asked); <-release })
	defer close(release)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	root, _ := newRoot(t, "r")
	if _, err := stepca.FetchRoot(ctx, s.URL, fingerprint(root)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

func TestTimeoutIsTold(t *testing.T) {
	release := make(chan struct{})
	s := serve(t, func(http.ResponseWriter, *http.Request) { <-release })
	defer close(release)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	root, _ := newRoot(t, "r")
	_, err := stepca.FetchRoot(ctx, s.URL, fingerprint(root))
	var e *stepca.Error
	if !errors.As(err, &e) || !e.Timeout() {
		t.Errorf("got %v, want a timeout", err)
	}
}
