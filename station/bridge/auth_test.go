package bridge_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"provstation/station"
	"provstation/station/bridge"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestBearerIsReadAtEachRequest(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	var got string
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Get("Authorization")
		answer(200, "application/json", goodDeployed)(w, r)
	}, bridge.Config{Auth: bridge.Auth{BearerFile: path}})
	for _, token := range []string{"first-token", "second-token"} {
		write(t, path, token+"\n")
		if _, err := c.Enroll(t.Context(), station.ContractDeployed, request()); err != nil {
			t.Fatal(err)
		}
		if want := "Bearer " + token; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	for _, bad := range []string{"", "two words hunter2", "line\nbreak hunter2", strings.Repeat("x", 100<<10)} {
		write(t, path, bad)
		_, err := c.Enroll(t.Context(), station.ContractDeployed, request())
		if got, f := judge(t, err); got != (judged{station.CodeBridgeTokenBad, station.Misconfigured, station.Error, false}) ||
			strings.Contains(fmt.Sprint(err, f.Params), "hunter2") {
			t.Errorf("%.20q: got %v (%v), want CodeBridgeTokenBad without the token", bad, got, f)
		}
	}
}

func TestBearerFromEnvironmentIsNotEchoed(t *testing.T) {
	env := map[string]string{"TOKEN": "hunter2-token"}
	cfg := bridge.Config{Auth: bridge.Auth{BearerEnv: "TOKEN"}, Getenv: func(k string) string { return env[k] }}
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		answer(401, "application/json", `{"detail":"no such credential: `+r.Header.Get("Authorization")+` / hunter2-token"}`)(w, r)
	}, cfg)
	_, err := c.Enroll(t.Context(), station.ContractDeployed, request())
	if got, f := judge(t, err); got.Code != station.CodeBridgeAuth || strings.Contains(fmt.Sprint(err, f.Params), "hunter2") {
		t.Errorf("got %v (%v), want CodeBridgeAuth without the token", got, f)
	}
	delete(env, "TOKEN")
	_, err = c.Enroll(t.Context(), station.ContractDeployed, request())
	if got := first(judge(t, err)); got.Code != station.CodeBridgeTokenBad {
		t.Errorf("unset variable: got %v, want CodeBridgeTokenBad", got)
	}
}

func TestOAuth2(t *testing.T) {
	tokens, posts := 0, 0
	status, body := 200, ""
	s := quiet(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/token" {
			posts++
			if got, want := r.Header.Get("Authorization"), fmt.Sprintf("Bearer access-%d", tokens); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			if posts == 2 {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			answer(200, "application/json", goodDeployed)(w, r)
			return
		}
		tokens++
		id, secret, inHeader := r.BasicAuth()
		if !inHeader { // what clients do next when the header was refused (RFC 6749 2.3.1)
			id, secret = r.FormValue("client_id"), r.FormValue("client_secret")
		}
		if id != "station" || secret != "hunter2" || r.FormValue("grant_type") != "client_credentials" || r.FormValue("scope") != "enroll" {
			t.Errorf("token request: got %s, %v", id, r.Form)
		}
		if status != 200 {
			answer(status, "application/json", `{"error":"invalid_client","error_description":"hunter2 is wrong"}`)(w, r)
			return
		}
		answer(200, "application/json", fmt.Sprintf(`{"access_token":"access-%d","token_type":"Bearer","expires_in":300%s}`, tokens, body))(w, r)
	}, nil)
	auth := bridge.Auth{TokenURL: s.URL + "/token", ClientID: "station", ClientSecretEnv: "SECRET", Scopes: []string{"enroll"}}
	cfg := bridge.Config{
		Trust: bridge.TrustFile(caFile(t, s)), Auth: auth, Getenv: func(string) string { return "hunter2" },
	}
	c := clientOf(t, s.URL, cfg)
	for i, wantTokens := range []int{1, 1, 2} { // kept; kept but refused; fetched anew
		_, err := c.Enroll(t.Context(), station.ContractDeployed, request())
		if (err != nil) != (i == 1) || tokens != wantTokens {
			t.Errorf("request %d: got %v with %d tokens fetched, want %d", i+1, err, tokens, wantTokens)
		}
	}
	for _, tc := range []struct {
		status int
		class  station.Class
	}{{401, station.Misconfigured}, {400, station.Misconfigured}, {503, station.Passing}, {302, station.Misconfigured}} {
		status = tc.status
		_, err := clientOf(t, s.URL, cfg).Enroll(t.Context(), station.ContractDeployed, request())
		got, f := judge(t, err)
		if want := (judged{station.CodeBridgeTokenBad, tc.class, station.Error, false}); got != want {
			t.Errorf("token endpoint %d: got %v (%v), want %v", tc.status, got, f, want)
		}
		if strings.Contains(fmt.Sprint(err, f.Params), "hunter2") {
			t.Errorf("token endpoint %d: the secret is in %v %v", tc.status, err, f.Params)
		}
	}
	cfg.Auth.TokenURL = "https://127.0.0.1:1/token"
	_, err := clientOf(t, s.URL, cfg).Enroll(t.Context(), station.ContractDeployed, request())
	if got, want := first(judge(t, err)), (judged{station.CodeBridgeTokenBad, station.Passing, station.Error, false}); got != want {
		t.Errorf("token endpoint down: got %v, want %v", got, want)
	}
}

// pair writes a self-signed client certificate and its key.
func pair(t *testing.T) (cert *x509.Certificate, certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	if cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "c.pem"), filepath.Join(dir, "k.pem")
	write(t, certFile, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	write(t, keyFile, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})))
	return cert, certFile, keyFile
}

func TestClientCertificate(t *testing.T) {
	cert, certFile, keyFile := pair(t)
	_, strangerCert, strangerKey := pair(t)
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		s := quiet(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			answer(200, "application/json", goodDeployed)(w, r)
		}, &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool, MaxVersion: version})
		trust := bridge.TrustFile(caFile(t, s))
		refused := judged{station.CodeBridgeAuth, station.Misconfigured, station.Error, false}
		for name, tc := range map[string]struct {
			auth bridge.Auth
			want judged
		}{
			"right":    {bridge.Auth{CertFile: certFile, KeyFile: keyFile}, judged{}},
			"none":     {bridge.Auth{}, refused},
			"stranger": {bridge.Auth{CertFile: strangerCert, KeyFile: strangerKey}, refused},
			"mixed up": {bridge.Auth{CertFile: certFile, KeyFile: strangerKey}, judged{station.CodeBridgeTokenBad, station.Misconfigured, station.Error, false}},
			"no file":  {bridge.Auth{CertFile: certFile, KeyFile: keyFile + "x"}, judged{station.CodeBridgeTokenBad, station.Misconfigured, station.Error, false}},
		} {
			_, err := clientOf(t, s.URL, bridge.Config{Trust: trust, Auth: tc.auth}).Enroll(t.Context(), station.ContractDeployed, request())
			if tc.want == (judged{}) {
				if err != nil {
					t.Errorf("%s, %s: got %v, want no error", tls.VersionName(version), name, err)
				}
				continue
			}
			if got, f := judge(t, err); got != tc.want {
				t.Errorf("%s, %s: got %v (%v), want %v", tls.VersionName(version), name, got, f, tc.want)
			}
		}
	}
}
