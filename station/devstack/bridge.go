package devstack

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Contract is the shape of the enroll endpoint.
type Contract string

// Contracts.
const (
	Deployed   Contract = "deployed"
	Documented Contract = "documented"
)

// Fault makes the bridge fail as the recorded one does.
type Fault struct {
	Status int
	Type   string        // content type; empty: application/json
	Body   string        // as sent
	Delay  time.Duration // before the answer
	Issue  bool          // a certificate is issued first, and lost
	Cut    bool          // the connection is cut instead of an answer
}

// Bridge is the IoT Bridge API. It serves POST /devices/{id}/enroll, GET /health and GET /openapi.json.
type Bridge struct {
	contract Contract
	signer   signer
	tunnel   *tunnels
	delay    time.Duration
	fault    atomic.Pointer[func(id string, n int) *Fault]
	posts    atomic.Int64
}

// SetFault decides what happens to the n-th post (from 1); nil, or a nil result: the right thing.
func (b *Bridge) SetFault(f func(id string, n int) *Fault) {
	if f == nil {
		b.fault.Store(nil)
		return
	}
	b.fault.Store(&f)
}

// Posts is how many enroll requests arrived.
func (b *Bridge) Posts() int { return int(b.posts.Load()) }

func (b *Bridge) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]string{"status": "ok", "service": "iot-bridge-api"})
	})
	mux.HandleFunc("GET /openapi.json", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, b.openapi()) })
	mux.HandleFunc("POST /devices/{id}/enroll", b.enroll)
	mux.HandleFunc("/devices/{id}/enroll", func(w http.ResponseWriter, _ *http.Request) {
		writeDetail(w, http.StatusMethodNotAllowed, "Method Not Allowed")
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { writeDetail(w, http.StatusNotFound, "Not Found") })
	return mux
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client is gone then
}

func writeDetail(w http.ResponseWriter, status int, detail any) {
	writeJSON(w, status, map[string]any{"detail": detail})
}

// openapi names the request's fields, as FastAPI does.
func (b *Bridge) openapi() any {
	text := map[string]string{"type": "string"}
	props := map[string]any{"csr": text, "device_name": text, "device_type": text, "wg_public_key": text}
	required := []string{"csr", "device_name"}
	if b.contract == Documented {
		props, required = map[string]any{"csr_pem": text}, []string{"csr_pem"}
	}
	ref := map[string]string{"$ref": "#/components/schemas/EnrollRequest"}
	return map[string]any{
		"openapi": "3.1.0",
		"info":    map[string]string{"title": "IoT Bridge API", "version": "0.1.0"},
		"paths": map[string]any{"/devices/{device_id}/enroll": map[string]any{"post": map[string]any{
			"requestBody": map[string]any{"content": map[string]any{"application/json": map[string]any{"schema": ref}}},
		}}},
		"components": map[string]any{"schemas": map[string]any{"EnrollRequest": map[string]any{
			"type": "object", "properties": props, "required": required,
		}}},
	}
}

// maxRequest bounds a request's body, bytes.
const maxRequest = 64 << 10

func (b *Bridge) enroll(w http.ResponseWriter, r *http.Request) {
	n, id := int(b.posts.Add(1)), r.PathValue("id")
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		writeDetail(w, http.StatusRequestEntityTooLarge, "Request too large")
		return
	}
	var req map[string]any
	if err := json.Unmarshal(body, &req); err != nil {
		writeDetail(w, http.StatusUnprocessableEntity, []any{map[string]any{
			"type": "json_invalid", "loc": []any{"body", 0}, "msg": "JSON decode error", "input": map[string]any{},
			"ctx": map[string]string{"error": "Expecting value"},
		}})
		return
	}
	if missing := b.missing(req); len(missing) > 0 {
		writeDetail(w, http.StatusUnprocessableEntity, missing)
		return
	}
	if !wait(r.Context(), b.delay) {
		return
	}
	if p := b.fault.Load(); p != nil {
		if f := (*p)(id, n); f != nil {
			b.fail(w, r, f, req, id)
			return
		}
	}
	answer, status, detail := b.issue(r.Context(), req, id)
	if detail != "" {
		writeDetail(w, status, detail)
		return
	}
	writeJSON(w, http.StatusOK, answer)
}

func wait(ctx context.Context, d time.Duration) bool {
	if d == 0 {
		return true
	}
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// missing lists the required fields that a request does not have, as FastAPI's validation does.
func (b *Bridge) missing(req map[string]any) []any {
	required := []string{"csr", "device_name"}
	if b.contract == Documented {
		required = []string{"csr_pem"}
	}
	var list []any
	for _, name := range required {
		if _, ok := req[name].(string); !ok {
			list = append(list, map[string]any{
				"type": "missing", "loc": []string{"body", name}, "msg": "Field required", "input": req,
			})
		}
	}
	return list
}

// fail does what a fault says.
func (b *Bridge) fail(w http.ResponseWriter, r *http.Request, f *Fault, req map[string]any, id string) {
	if f.Issue {
		_, _, _ = b.issue(r.Context(), req, id) // issued and lost: that is the fault
	}
	if !wait(r.Context(), f.Delay) {
		return
	}
	if f.Cut {
		panic(http.ErrAbortHandler)
	}
	typ := f.Type
	if typ == "" {
		typ = "application/json"
	}
	w.Header().Set("Content-Type", typ)
	w.WriteHeader(f.Status)
	_, _ = io.WriteString(w, f.Body)
}

// issue has the CSR signed and the tunnel configured. A detail other than "" is the error's text.
func (b *Bridge) issue(ctx context.Context, req map[string]any, id string) (answer any, status int, detail string) {
	field := "csr"
	if b.contract == Documented {
		field = "csr_pem"
	}
	csr, err := readCSR(req[field].(string)) // missing() saw that it is a string
	if err != nil {
		return nil, http.StatusUnprocessableEntity, "Invalid CSR: " + err.Error()
	}
	leaf, ca, err := b.signer.sign(ctx, csr, id)
	var refused *caError
	switch {
	case errors.As(err, &refused):
		return nil, http.StatusBadGateway, "PKI signing failed: " + refused.Error() + "\n"
	case err != nil:
		return nil, http.StatusServiceUnavailable, "step-ca unreachable: All connection attempts failed"
	}
	if b.contract == Documented {
		conf, err := b.tunnel.withKey(id)
		if err != nil {
			return nil, http.StatusInternalServerError, err.Error()
		}
		return map[string]string{
			"device_id": id, "certificate_pem": string(certPEM(leaf)), "ca_chain_pem": string(certPEM(ca)), "wireguard_config": conf,
		}, http.StatusOK, ""
	}
	key, _ := req["wg_public_key"].(string)
	ip, conf, err := b.tunnel.forKey(id, key)
	if err != nil {
		return nil, http.StatusInternalServerError, err.Error()
	}
	return map[string]string{
		"certificate": string(certPEM(leaf)), "ca_chain": string(certPEM(ca)), "wireguard_ip": ip, "wireguard_config": conf,
	}, http.StatusOK, ""
}

func readCSR(text string) (*x509.CertificateRequest, error) {
	block, _ := pem.Decode([]byte(text))
	switch {
	case block == nil:
		return nil, errors.New("Unable to load PEM file. MalformedFraming") //nolint:revive,staticcheck // the recorded words
	case !strings.HasSuffix(block.Type, "CERTIFICATE REQUEST"):
		return nil, errors.New("Valid PEM but no BEGIN CERTIFICATE REQUEST/END CERTIFICATE REQUEST delimiters. Are you sure this is a CSR?") //nolint:revive,staticcheck // the recorded words
	}
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("error parsing asn1 value: %w", err)
	}
	if err := csr.CheckSignature(); err != nil {
		return nil, errors.New("CSR signature is invalid") //nolint:revive,staticcheck // the recorded words
	}
	return csr, nil
}

// PlaceholderKey is what stands for the private key in the deployed contract's wg0.conf.
const PlaceholderKey = "<REPLACE_WITH_DEVICE_PRIVATE_KEY>"

// wgConf is a wg0.conf as the bridge writes it.
func wgConf(id, ip, private, server string) string {
	return "[Interface]\n# Device: " + id + "\nAddress = " + ip + "/16\nPrivateKey = " + private + "\nDNS = 10.8.0.1\n\n" +
		"[Peer]\nPublicKey = " + server + "\nEndpoint = vpn.tenant.example:51820\nAllowedIPs = 10.8.0.0/16\nPersistentKeepalive = 25\n"
}

// address is the n-th device address, from 10.8.1.2 on.
func address(n int) string {
	return "10.8." + strconv.Itoa(1+n/250) + "." + strconv.Itoa(2+n%250)
}
