package onbox

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	fetchTimeout = 30 * time.Second
	maxAnswer    = 64 << 10
)

func sha256Hex(b []byte) string {
	d := sha256.Sum256(b)
	return hex.EncodeToString(d[:])
}

// caClient speaks with step-ca's renew endpoint by bearer token, which works direct and where TLS ends at a proxy.
type caClient struct {
	roots func() (*x509.CertPool, error) // read anew for each renewal; nil pool: the system's
}

// fetch posts a token and gives the new leaf. No redirect is followed: the token is a password.
func (c caClient) fetch(ctx context.Context, url, token string) ([]byte, error) {
	roots, err := c.roots()
	if err != nil {
		return nil, failed(codeStorage, "CA file: %w", err)
	}
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true,
	}
	defer transport.CloseIdleConnections()
	client := &http.Client{
		Transport: transport, Timeout: fetchTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, http.NoBody)
	if err != nil {
		return nil, failed(codeNotSetUp, "%w", err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := client.Do(req)
	if err != nil {
		return nil, &renewError{networkCode(err), err}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return nil, &renewError{codeNetwork, err}
	}
	return readAnswer(res.StatusCode, body)
}

// networkCode tells a server that is not trusted from one that does not answer.
func networkCode(err error) Code {
	var cert *tls.CertificateVerificationError
	var alert tls.AlertError
	if errors.As(err, &cert) || errors.As(err, &alert) {
		return codeTLS
	}
	return codeNetwork
}

// readAnswer takes the leaf out of step-ca's answer (201 {"crt": ..., "certChain": [leaf, ...]}).
func readAnswer(status int, body []byte) ([]byte, error) {
	switch {
	case len(body) > maxAnswer:
		return nil, failed(codeAnswer, "the answer is larger than %d bytes", maxAnswer)
	case status >= 500 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout:
		return nil, failed(codeServer, "the CA answers %d%s", status, words(body))
	case status >= 400:
		return nil, failed(codeRefused, "the CA answers %d%s", status, words(body))
	case status != http.StatusCreated && status != http.StatusOK:
		return nil, failed(codeAnswer, "the CA answers %d", status)
	}
	var a struct {
		Crt       string   `json:"crt"`
		CertChain []string `json:"certChain"`
	}
	if err := json.Unmarshal(body, &a); err != nil {
		return nil, failed(codeAnswer, "the CA does not answer in JSON")
	}
	text := a.Crt
	if len(a.CertChain) > 0 {
		text = a.CertChain[0]
	}
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, failed(codeAnswer, "the CA's answer holds no certificate")
	}
	return block.Bytes, nil
}

// words is what an error of step-ca says, short and printable.
func words(body []byte) string {
	var e struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(body, &e) != nil || e.Message == "" {
		return ""
	}
	return ": " + Printable(e.Message, 160)
}

// Printable keeps printable ASCII, at most limit bytes.
func Printable(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7e {
			return -1
		}
		return r
	}, s)
	return s[:min(len(s), limit)]
}

// RootsOf gives the self-signed certificates of a PEM file: only a root anchors a chain, as for the device's other programs.
func RootsOf(file []byte) (*x509.CertPool, error) {
	pool, n := x509.NewCertPool(), 0
	for rest := file; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate: %w", err)
		}
		if c.CheckSignatureFrom(c) == nil {
			pool.AddCert(c)
			n++
		}
	}
	if n == 0 {
		return nil, errors.New("holds no root certificate")
	}
	return pool, nil
}
