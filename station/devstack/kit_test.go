package devstack

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"provstation/station/stationtest"
)

// start brings a stack up that ends with the test.
func start(t *testing.T, cfg Config) *Stack {
	t.Helper()
	if cfg.StateDir == "" {
		cfg.StateDir = t.TempDir()
	}
	s, err := Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

// startReal is start with a real step-ca behind the bridge.
func startReal(t *testing.T, cfg Config) *Stack {
	t.Helper()
	cfg.Signer, cfg.StepCA = SignerStepCA, stationtest.Program(t, "step-ca")
	return start(t, cfg)
}

// answer is an HTTP answer.
type answer struct {
	Status int
	Type   string
	Body   string
}

// detail decodes the answer's JSON.
func (a answer) json(t *testing.T) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(a.Body), &v); err != nil {
		t.Fatalf("body %q: %v", a.Body, err)
	}
	return v
}

// client trusts the stack's root and nothing else, and follows no redirect.
func client(t *testing.T, s *Stack) *http.Client {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(s.pki.root)
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, MaxIdleConnsPerHost: 4}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// ask does one request; body nil is a request without one.
func ask(t *testing.T, s *Stack, method, url string, body []byte) answer {
	t.Helper()
	a, err := try(t, client(t, s), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func try(t *testing.T, c *http.Client, method, url string, body []byte) (answer, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := c.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header.Get("Content-Type"), string(data)}, err
}

// enroll posts a request for id.
func enroll(t *testing.T, s *Stack, id string, req map[string]any) answer {
	t.Helper()
	return ask(t, s, http.MethodPost, s.BridgeURL+"/devices/"+id+"/enroll", encode(t, req))
}

func encode(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// csrPEM makes a request for id with a fresh P-256 key.
func csrPEM(t *testing.T, id string, edits ...func(*x509.CertificateRequest)) string {
	t.Helper()
	return requestPEM(stationtest.NewCSR(t, stationtest.NewKey(t, "P-256"), id, edits...))
}

func requestPEM(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

// wgKey is a WireGuard public key.
const wgKey = "oLjo9xGJ8Es4Pb0vcj//7u2UKedcZ4TwRdnPQF07sWo="

// deployed is a good request under the deployed contract.
func deployed(csr string) map[string]any {
	return map[string]any{"csr": csr, "device_name": "Device", "device_type": "sensor", "wg_public_key": wgKey}
}

// certs parses the certificates of a PEM text.
func certs(t *testing.T, text string) []*x509.Certificate {
	t.Helper()
	var list []*x509.Certificate
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			if strings.TrimSpace(string(rest)) != "" {
				t.Fatalf("beside the certificates: %q", rest)
			}
			return list
		}
		list = append(list, stationtest.ParseCert(t, block.Bytes))
	}
}

// record is one answer of the real bridge, byte for byte.
type record struct {
	Label, Method, Path, Body string
	Status                    int
	ContentType               string `json:"content_type"`
	Request                   map[string]any
}

func recorded(t *testing.T) map[string]record {
	t.Helper()
	f, err := os.Open("testdata/recorded.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all := map[string]record{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var r record
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		all[r.Label] = r
	}
	return all
}

// fast is a line rate for tests of anything but speed.
const fast = 921600
