package devstack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
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

// Fault makes the bridge fail as the recorded one does, or as one that lies. Without Status, Cut and Lie the right answer
// comes, after Delay.
type Fault struct {
	Status int
	Type   string        // content type; empty: application/json
	Body   string        // as sent
	Delay  time.Duration // before the answer
	Issue  bool          // a certificate is issued first, and lost
	Cut    bool          // the connection is cut instead of an answer
	Half   bool          // with Cut and Issue: half of the right answer comes before
	Lie    Lie           // the right answer, but for this
}

// Bridge is the IoT Bridge API. It serves POST /devices/{id}/enroll, GET /health and GET /openapi.json.
type Bridge struct {
	contract Contract
	signer   signer
	pki      *authority // what lies are signed with
	issued   book[Issued]
	tunnel   *tunnels
	updates  *HawkBit
	delay    time.Duration
	fault    atomic.Pointer[func(id string, n int) *Fault]
	posts    atomic.Int64
	enrolled atomic.Int64
	gate     *gate                     // set before it listens
	onEnroll atomic.Pointer[func(int)] // told of every answer with a certificate
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
	only := func(method, path string, h http.HandlerFunc) {
		mux.HandleFunc(method+" "+path, h)
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Allow", method)
			writeDetail(w, http.StatusMethodNotAllowed, "Method Not Allowed")
		})
	}
	only("GET", "/health", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]string{"status": "ok", "service": "iot-bridge-api"})
	})
	only("GET", "/openapi.json", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, b.openapi()) })
	only("POST", "/devices/{id}/enroll", b.enroll)
	mux.HandleFunc("/", notFound)
	return mux
}

func notFound(w http.ResponseWriter, _ *http.Request) {
	writeDetail(w, http.StatusNotFound, http.StatusText(http.StatusNotFound))
}

// writeJSON answers as the recorded server does: no newline at the end, and "<" as it is.
func writeJSON(w http.ResponseWriter, status int, v any) { writeKind(w, "application/json", status, v) }

func writeKind(w http.ResponseWriter, kind string, status int, v any) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		internalError(w)
		return
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	_, _ = w.Write(bytes.TrimSuffix(b.Bytes(), []byte("\n"))) // an error: the client is gone
}

// internalError is what the recorded server says of an exception: text, not JSON.
func internalError(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(http.StatusInternalServerError)
	_, _ = io.WriteString(w, http.StatusText(http.StatusInternalServerError))
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
	req, invalid := b.validate(body)
	if len(invalid) > 0 {
		writeDetail(w, http.StatusUnprocessableEntity, invalid)
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
	b.answer(w, r, req, id, Honest)
}

// answer gives the right answer, or one with a lie in it.
func (b *Bridge) answer(w http.ResponseWriter, r *http.Request, req map[string]any, id string, lie Lie) {
	switch answer, status, detail := b.issue(r.Context(), req, id, lie); {
	case status == http.StatusOK:
		n := int(b.enrolled.Add(1))
		if f := b.onEnroll.Load(); f != nil {
			(*f)(n)
		}
		writeJSON(w, status, answer)
	case detail == "":
		internalError(w)
	default:
		writeDetail(w, status, detail)
	}
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

// fail does what a fault says.
func (b *Bridge) fail(w http.ResponseWriter, r *http.Request, f *Fault, req map[string]any, id string) {
	var lost any
	if f.Issue {
		lost, _, _ = b.issue(r.Context(), req, id, Honest) // issued and lost: that is the fault
	}
	if !wait(r.Context(), f.Delay) {
		return
	}
	switch {
	case f.Cut && f.Half && lost != nil:
		half(w, lost)
		panic(http.ErrAbortHandler)
	case f.Cut:
		panic(http.ErrAbortHandler)
	case f.Status == 0:
		b.answer(w, r, req, id, f.Lie)
		return
	}
	typ := f.Type
	if typ == "" {
		typ = "application/json"
	}
	w.Header().Set("Content-Type", typ)
	w.WriteHeader(f.Status)
	_, _ = io.WriteString(w, f.Body)
}

// half sends the first half of an answer, under the length of the whole.
func half(w http.ResponseWriter, answer any) {
	text, err := json.Marshal(answer)
	if err != nil {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	_, _ = w.Write(text[:len(text)/2]) // an error: the client is gone
	_ = http.NewResponseController(w).Flush()
}

// issue has the CSR signed and the tunnel configured, in this order and with no way back. With a status other than 200,
// detail is the error's text; where there is none, the recorded server answers in text.
func (b *Bridge) issue(ctx context.Context, req map[string]any, id string, lie Lie) (answer any, status int, detail string) {
	field := "csr"
	if b.contract == Documented {
		field = "csr_pem"
	}
	csr, err := readCSR(req[field].(string)) // missing() saw that it is a string
	if err != nil {
		return nil, http.StatusUnprocessableEntity, "Invalid CSR: " + err.Error()
	}
	leaf, ca, err := b.sign(ctx, csr, id, lie)
	var refused *caError
	switch {
	case errors.As(err, &refused):
		return nil, http.StatusBadGateway, "PKI signing failed: " + refused.Error() + "\n"
	case err != nil:
		return nil, http.StatusServiceUnavailable, "step-ca unreachable: " + whyUnreachable(err)
	}
	if status, detail := b.provision(ctx, req, id); status != 0 {
		return nil, status, detail
	}
	if b.contract == Documented {
		conf, err := b.tunnel.withKey(id)
		if err != nil {
			return nil, http.StatusInternalServerError, ""
		}
		return map[string]string{
			"device_id": id, "certificate_pem": lie.text(leaf), "ca_chain_pem": string(certPEM(ca)), "wireguard_config": conf,
		}, http.StatusOK, ""
	}
	key, _ := req["wg_public_key"].(string)
	ip, conf, err := b.tunnel.forKey(id, key)
	if err != nil {
		return nil, http.StatusInternalServerError, ""
	}
	return map[string]string{
		"certificate": lie.text(leaf), "ca_chain": string(certPEM(ca)), "wireguard_ip": ip, "wireguard_config": conf,
	}, http.StatusOK, ""
}

// provision makes the device's target in hawkBit, as the recorded bridge does between CA and tunnel.
func (b *Bridge) provision(ctx context.Context, req map[string]any, id string) (status int, detail string) {
	name, kind := id, "generic"
	if v, ok := req["device_name"].(string); ok {
		name = v
	}
	if v, ok := req["device_type"].(string); ok {
		kind = v
	}
	return b.updates.provision(ctx, id, name, map[string]string{"device_type": kind})
}

// webhook is ThingsBoard's call when a device has connected.
func (b *Bridge) webhook(name string) {
	_, _ = b.updates.provision(context.Background(), name, name, map[string]string{"device_type": "default", "source": "thingsboard_webhook"})
}

// PlaceholderKey is what stands for the private key in the deployed contract's wg0.conf.
const PlaceholderKey = "<REPLACE_WITH_DEVICE_PRIVATE_KEY>"

// wgConf is a wg0.conf as the bridge writes it.
func wgConf(id, ip, private, server, endpoint string) string {
	return "[Interface]\n# Device: " + id + "\nAddress = " + ip + "/16\nPrivateKey = " + private + "\nDNS = 10.8.0.1\n\n" +
		"[Peer]\nPublicKey = " + server + "\nEndpoint = " + endpoint + "\nAllowedIPs = 10.8.0.0/16\nPersistentKeepalive = 25\n"
}

// address is the n-th device address, from 10.8.1.2 on.
func address(n int) string {
	return "10.8." + strconv.Itoa(1+n/250) + "." + strconv.Itoa(2+n%250)
}
