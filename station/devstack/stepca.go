package devstack

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"go.step.sm/crypto/jose"
	"go.step.sm/crypto/pemutil"
)

// stepCA is a real step-ca process over the authority's Sub-CA.
type stepCA struct {
	url    string
	key    *jose.JSONWebKey
	client *http.Client
	cmd    *exec.Cmd
	exited chan struct{}
}

// leafTemplate makes what the tenant's step-ca makes: clientAuth alone, CA:FALSE, no CRL or OCSP pointer unless asked for.
const leafTemplate = `{
  "subject": {"organization": "CDM IoT Platform", "organizationalUnit": "Devices", "commonName": {{ toJson .Subject.CommonName }}},
  "sans": {{ toJson .SANs }},
  "keyUsage": ["digitalSignature"],
  "extKeyUsage": ["clientAuth"],
  "basicConstraints": {"isCA": false}%s
}`

// template is the provisioner's, for step-ca.
func (a *authority) template() string {
	points := ""
	if len(a.crlPoints) > 0 {
		points = fmt.Sprintf(",\n  \"crlDistributionPoints\": [%q]", a.crlPoints[0])
	}
	return fmt.Sprintf(leafTemplate, points)
}

// claims bounds what the provisioner asks for.
func (a *authority) claims() map[string]string {
	return map[string]string{
		"minTLSCertDuration": min(5*time.Minute, a.leafValidity).String(), "maxTLSCertDuration": max(24*time.Hour, a.leafValidity).String(),
		"defaultTLSCertDuration": a.leafValidity.String(),
	}
}

// startStepCA writes a configuration into dir, starts the program and waits until it answers. The process dies with
// this one.
func startStepCA(ctx context.Context, program, dir string, a *authority, p *Provisioner, of Config) (*stepCA, error) {
	if err := os.MkdirAll(filepath.Join(dir, "db"), 0o700); err != nil {
		return nil, fmt.Errorf("step-ca: %w", err)
	}
	port, err := freePort(ctx)
	if err != nil {
		return nil, fmt.Errorf("step-ca: %w", err)
	}
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	cfg, err := stepCAConfig(dir, addr, a, p, of.StepCADB)
	if err != nil {
		return nil, fmt.Errorf("step-ca: %w", err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(a.root)
	s := &stepCA{
		url: "https://" + addr, key: p.key, exited: make(chan struct{}),
		client: &http.Client{
			Timeout:   10 * time.Second, // the recorded bridge's patience
			Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, MaxIdleConnsPerHost: 4},
		},
	}
	var out tail
	s.cmd = exec.Command(program, cfg) //nolint:noctx // it outlives the start; close ends it
	s.cmd.Stdout, s.cmd.Stderr = &out, &out
	s.cmd.Env = append(os.Environ(), "STEPPATH="+dir)
	dieWithParent(s.cmd)
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start step-ca: %w", err)
	}
	go func() {
		defer close(s.exited)
		err := s.cmd.Wait()
		of.Log.Debug("step-ca ended", "err", err)
	}()
	if err := s.ready(ctx); err != nil {
		s.close()
		return nil, fmt.Errorf("start step-ca: %w\n%s", err, out.String())
	}
	return s, nil
}

// stepCAConfig writes ca.json and what it refers to.
func stepCAConfig(dir, addr string, a *authority, p *Provisioner, database string) (string, error) {
	block, err := pemutil.Serialize(a.subKey)
	if err != nil {
		return "", err
	}
	public, err := p.public()
	if err != nil {
		return "", err
	}
	closed, err := p.closed()
	if err != nil {
		return "", err
	}
	db, err := stepCADatabase(dir, database)
	if err != nil {
		return "", err
	}
	cfg := map[string]any{
		"root": filepath.Join(dir, "root.pem"), "crt": filepath.Join(dir, "chain.pem"), "key": filepath.Join(dir, "key.pem"),
		"address": addr, "dnsNames": []string{"127.0.0.1", "localhost"},
		"logger": map[string]string{"format": "text"},
		"db":     db,
		"authority": map[string]any{
			"backdate": "1m0s",
			"provisioners": []any{map[string]any{
				"type": "JWK", "name": p.Name, "key": public, "encryptedKey": closed, "claims": a.claims(),
				"options": map[string]any{"x509": map[string]string{"template": a.template()}},
			}},
		},
		"tls": map[string]any{"minVersion": 1.2, "maxVersion": 1.3, "renegotiation": false},
	}
	if len(a.crlPoints) > 0 {
		cfg["crl"] = map[string]bool{"enabled": true, "generateOnRevoke": true}
	}
	text, err := json.MarshalIndent(cfg, "", "  ")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "ca.json")
	for name, data := range map[string][]byte{
		"root.pem": certPEM(a.root), "chain.pem": certPEM(a.sub, a.ica), "key.pem": pem.EncodeToMemory(block), "ca.json": text,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			return "", err
		}
	}
	return path, nil
}

// stepCADatabase says where step-ca keeps what it has issued and revoked. Its files only it can read, while it runs.
func stepCADatabase(dir, database string) (map[string]string, error) {
	if database == "" {
		return map[string]string{"type": "badgerv2", "dataSource": filepath.Join(dir, "db")}, nil
	}
	u, err := url.Parse(database)
	if err != nil {
		return nil, errors.New("the database's URL cannot be read") // it may hold a password
	}
	return map[string]string{"type": "postgresql", "dataSource": database, "database": strings.TrimPrefix(u.Path, "/")}, nil
}

// ready waits for /health. A process that ended or a context that is done ends the wait.
func (s *stepCA) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = 20*time.Millisecond, 250*time.Millisecond
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		select {
		case <-s.exited:
			return struct{}{}, backoff.Permanent(errors.New("it ended at once"))
		default:
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/health", nil)
		if err != nil {
			return struct{}{}, backoff.Permanent(err)
		}
		res, err := s.client.Do(req)
		if err != nil {
			return struct{}{}, err
		}
		return struct{}{}, res.Body.Close()
	}, backoff.WithBackOff(pause))
	return err
}

// sign posts the CSR with a one-time token of the JWK provisioner, as the bridge does.
func (s *stepCA) sign(ctx context.Context, csr *x509.CertificateRequest, id string) (leaf, ca *x509.Certificate, err error) {
	token, err := s.token(id)
	if err != nil {
		return nil, nil, &caError{500, err.Error()}
	}
	body, err := json.Marshal(map[string]string{
		"csr": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: csr.Raw})), "ott": token,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("step-ca sign: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/1.0/sign", bytes.NewReader(body))
	if err != nil {
		return nil, nil, fmt.Errorf("step-ca sign: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := s.client.Do(req)
	if err != nil {
		return nil, nil, fmt.Errorf("step-ca sign: %w", err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, maxRequest))
	if err != nil {
		return nil, nil, fmt.Errorf("step-ca sign: %w", err)
	}
	if res.StatusCode != http.StatusCreated {
		var e struct {
			Message string `json:"message"`
		}
		if json.Unmarshal(data, &e) != nil {
			e.Message = "step-ca did not answer in JSON"
		}
		return nil, nil, &caError{res.StatusCode, e.Message}
	}
	return parseSigned(data)
}

func parseSigned(data []byte) (leaf, ca *x509.Certificate, err error) {
	var answer struct {
		Crt string `json:"crt"`
		CA  string `json:"ca"`
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return nil, nil, fmt.Errorf("step-ca sign: %w", err)
	}
	if leaf, err = pemutil.ParseCertificate([]byte(answer.Crt)); err != nil {
		return nil, nil, fmt.Errorf("step-ca sign: leaf: %w", err)
	}
	if ca, err = pemutil.ParseCertificate([]byte(answer.CA)); err != nil {
		return nil, nil, fmt.Errorf("step-ca sign: ca: %w", err)
	}
	return leaf, ca, nil
}

// token is a one-time token for one id.
func (s *stepCA) token(id string) (string, error) {
	opts := (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", s.key.KeyID)
	sig, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: s.key.Key}, opts)
	if err != nil {
		return "", fmt.Errorf("token: %w", err)
	}
	var jti [16]byte
	_, _ = rand.Read(jti[:]) // crypto/rand.Read never fails
	now := time.Now()
	return jose.Signed(sig).Claims(jose.Claims{
		ID: hex.EncodeToString(jti[:]), Issuer: provisioner, Subject: id, Audience: jose.Audience{s.url + "/1.0/sign"},
		NotBefore: jose.NewNumericDate(now.Add(-time.Minute)), IssuedAt: jose.NewNumericDate(now),
		Expiry: jose.NewNumericDate(now.Add(5 * time.Minute)),
	}).Claims(map[string]any{"sans": []string{id}}).CompactSerialize()
}

// close ends the process: politely, then for good.
func (s *stepCA) close() {
	s.client.CloseIdleConnections()
	_ = s.cmd.Process.Signal(os.Interrupt)
	select {
	case <-s.exited:
	case <-time.After(3 * time.Second):
		_ = s.cmd.Process.Kill()
		<-s.exited
	}
}

// findStepCA looks for the program: the given path, then PATH.
func findStepCA(path string) (string, error) {
	if path == "" {
		path = "step-ca"
	}
	program, err := exec.LookPath(path)
	if err != nil {
		return "", fmt.Errorf("no step-ca program: %w; build it with `CGO_ENABLED=0 go install github.com/smallstep/certificates/cmd/step-ca@v0.30.2`", err)
	}
	return program, nil
}

func freePort(ctx context.Context) (int, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// tail keeps the end of what a process printed, for an error text.
type tail struct{ b bytes.Buffer }

const maxTail = 4096

func (t *tail) Write(p []byte) (int, error) {
	t.b.Write(p)
	if over := t.b.Len() - maxTail; over > 0 {
		t.b.Next(over)
	}
	return len(p), nil
}

func (t *tail) String() string { return strings.TrimSpace(t.b.String()) }
