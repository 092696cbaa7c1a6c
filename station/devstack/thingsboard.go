package devstack

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// ThingsBoard is the part of ThingsBoard's REST API that stations use, over a list of the devices that have connected to the
// broker. A device is listed on its first mTLS connection, under its certificate's common name, as a device profile that
// provisions by X.509 does it; then the rule engine calls the bridge's webhook.
//
//	POST   /api/auth/login
//	GET    /api/tenant/devices?deviceName=
//	GET    /api/plugins/telemetry/DEVICE/{id}/values/attributes/SERVER_SCOPE?keys=
//	DELETE /api/device/{id}
//
// Errors are {"status", "message", "errorCode", "timestamp"}, with ThingsBoard's codes.
type ThingsBoard struct {
	service
	key    []byte // of its tokens
	tokens atomic.Int64
	state  thingsBoardState
	rule   func(name string) // the rule engine's call after a connection
}

type thingsBoardState struct {
	Devices map[string]*boardDevice `json:"devices"` // by name
}

type boardDevice struct {
	ID        string    `json:"id"`
	Created   time.Time `json:"created"`
	Connected time.Time `json:"connected"`
	Active    time.Time `json:"active"` // last telemetry
}

// ThingsBoard's error codes.
const (
	codeGeneral        = 2
	codeAuthentication = 10
	codeTokenExpired   = 11
	codeForbidden      = 20
	codeBadRequest     = 31
	codeNotFound       = 32
)

// tokenLife is how long a token is good for: ThingsBoard's default is 2.5 hours.
const tokenLife = 150 * time.Minute

func openThingsBoard(dir string, now func() time.Time, rule func(string)) (*ThingsBoard, error) {
	t := &ThingsBoard{key: []byte(rand.Text()), rule: rule, state: thingsBoardState{Devices: map[string]*boardDevice{}}}
	return t, t.open(dir, "thingsboard", "tenant@tenant.example", now, &t.state)
}

// connected is the broker's word that a device with this common name has connected. A device cannot be turned away for want
// of a place to write: what fails here is that it is not listed.
func (t *ThingsBoard) connected(name string) {
	t.mu.Lock()
	if t.fault == ServiceEmpty { // its device profile lets devices in, and provisions none
		t.mu.Unlock()
		return
	}
	d := t.state.Devices[name]
	if d == nil {
		d = &boardDevice{ID: newUUID(), Created: t.now()}
		t.state.Devices[name] = d
	}
	d.Connected = t.now()
	_ = t.save(t.state)
	t.mu.Unlock()
	t.rule(name)
}

// published is the broker's word that the device sent telemetry.
func (t *ThingsBoard) published(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if d := t.state.Devices[name]; d != nil {
		d.Active = t.now()
	}
}

// Names lists the devices that it knows.
func (t *ThingsBoard) Names() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return sortedNames(t.state.Devices)
}

func (t *ThingsBoard) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/api/auth/login", t.login)
	mux.HandleFunc("GET /api/tenant/devices", t.authorized(t.find))
	mux.HandleFunc("DELETE /api/device/{id}", t.authorized(t.delete))
	mux.HandleFunc("GET /api/plugins/telemetry/DEVICE/{id}/values/attributes/SERVER_SCOPE", t.authorized(t.attributes))
	mux.HandleFunc("/api/", t.authorized(func(w http.ResponseWriter, r *http.Request) { springError(w, r, http.StatusNotFound) }))
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { webPage(w, http.StatusOK, "ThingsBoard") }) // its screen
	return t.faulty(mux, func(w http.ResponseWriter, r *http.Request, status int) {
		switch {
		case status == http.StatusForbidden && r.URL.Path == "/api/auth/login": // such an account logs in
			mux.ServeHTTP(w, r)
		case status == http.StatusForbidden:
			boardError(w, status, codeForbidden, "You don't have permission to perform this operation!")
		default:
			boardError(w, status, codeAuthentication, "Invalid username or password")
		}
	})
}

func boardError(w http.ResponseWriter, status, code int, message string) {
	writeJSON(w, status, map[string]any{
		"status": status, "message": message, "errorCode": code, "timestamp": time.Now().UTC().Format("2006-01-02T15:04:05.000-07:00"),
	})
}

func (t *ThingsBoard) login(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		boardError(w, http.StatusUnauthorized, codeAuthentication, "Authentication method not supported")
		return
	}
	var body struct{ Username, Password string }
	switch err := json.NewDecoder(r.Body).Decode(&body); {
	case err != nil:
		boardError(w, http.StatusUnauthorized, codeAuthentication, "Authentication failed")
	case body.Username != t.User || subtle.ConstantTimeCompare([]byte(body.Password), []byte(t.password)) != 1:
		boardError(w, http.StatusUnauthorized, codeAuthentication, "Invalid username or password")
	default:
		writeJSON(w, http.StatusOK, map[string]any{"token": t.newToken("TENANT_ADMIN"), "refreshToken": t.newToken("REFRESH_TOKEN")})
	}
}

// newToken makes a JWT.
func (t *ThingsBoard) newToken(scope string) string {
	now, n := t.now(), t.tokens.Add(1)
	claims := fmt.Sprintf(`{"sub":%q,"scopes":[%q],"iss":"thingsboard.io","iat":%d,"exp":%d,"jti":"%d"}`,
		t.User, scope, now.Unix(), now.Add(tokenLife).Unix(), n)
	body := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256"}`)) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims))
	return body + "." + t.sign(body)
}

func (t *ThingsBoard) sign(body string) string {
	m := hmac.New(sha256.New, t.key)
	m.Write([]byte(body))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

// authorized lets in whoever shows a token of ours that is not over.
func (t *ThingsBoard) authorized(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token, ok := strings.CutPrefix(r.Header.Get("X-Authorization"), "Bearer ")
		i := strings.LastIndexByte(token, '.')
		if !ok || i < 0 || !hmac.Equal([]byte(token[i+1:]), []byte(t.sign(token[:i]))) {
			boardError(w, http.StatusUnauthorized, codeAuthentication, "Authentication failed")
			return
		}
		_, part, _ := strings.Cut(token[:i], ".")
		var claims struct {
			Exp    int64
			Jti    string
			Scopes []string
		}
		text, err := base64.RawURLEncoding.DecodeString(part)
		if err == nil {
			err = json.Unmarshal(text, &claims)
		}
		n, nerr := strconv.Atoi(claims.Jti)
		switch {
		case err != nil || nerr != nil || len(claims.Scopes) != 1 || claims.Scopes[0] != "TENANT_ADMIN":
			boardError(w, http.StatusUnauthorized, codeAuthentication, "Authentication failed")
		case t.now().Unix() >= claims.Exp, t.present() == ThingsBoardExpired && n%4 == 1: // two tokens a login: every other one
			boardError(w, http.StatusUnauthorized, codeTokenExpired, "Token has expired")
		default:
			h(w, r)
		}
	}
}

const notFoundText = "Requested item wasn't found!"

func (t *ThingsBoard) find(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if !q.Has("deviceName") {
		springError(w, r, http.StatusBadRequest)
		return
	}
	name := q.Get("deviceName")
	t.mu.Lock()
	var found boardDevice
	d := t.state.Devices[name]
	ok := d != nil && t.fault != ServiceEmpty && (t.fault != ThingsBoardLate || t.now().Sub(d.Created) >= lateBy)
	if ok {
		found = *d
	}
	t.mu.Unlock()
	if !ok {
		boardError(w, http.StatusNotFound, codeNotFound, notFoundText)
		return
	}
	entity := func(kind, id string) map[string]string { return map[string]string{"entityType": kind, "id": id} }
	writeJSON(w, http.StatusOK, map[string]any{
		"id": entity("DEVICE", found.ID), "createdTime": found.Created.UnixMilli(), "name": name, "type": "default", "label": nil,
		"tenantId": entity("TENANT", nilUUID), "customerId": entity("CUSTOMER", nilUUID), "additionalInfo": map[string]any{},
	})
}

const nilUUID = "13814000-1dd2-11b2-8080-808080808080" // ThingsBoard's nobody

var uuidPattern = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// byID finds a device by ThingsBoard's own id, or says why not. The caller holds the mutex.
func (t *ThingsBoard) byID(id string) (name string, d *boardDevice, status, code int, message string) {
	if !uuidPattern.MatchString(id) {
		return "", nil, http.StatusBadRequest, codeBadRequest, "Invalid UUID string: " + id
	}
	for name, d := range t.state.Devices {
		if d.ID == id && t.fault != ServiceEmpty {
			return name, d, 0, 0, ""
		}
	}
	return "", nil, http.StatusNotFound, codeNotFound, "Device with id [" + id + "] is not found"
}

func (t *ThingsBoard) delete(w http.ResponseWriter, r *http.Request) {
	t.mu.Lock()
	defer t.mu.Unlock()
	name, _, status, code, message := t.byID(r.PathValue("id"))
	if status != 0 {
		boardError(w, status, code, message)
		return
	}
	delete(t.state.Devices, name)
	if err := t.save(t.state); err != nil {
		boardError(w, http.StatusInternalServerError, codeGeneral, "list not saved")
		return
	}
	w.WriteHeader(http.StatusOK)
}

// activeFor is how long after its last telemetry a device counts as active: ThingsBoard's default.
const activeFor = 10 * time.Minute

func (t *ThingsBoard) attributes(w http.ResponseWriter, r *http.Request) {
	t.mu.Lock()
	_, d, status, code, message := t.byID(r.PathValue("id"))
	var found boardDevice
	if d != nil {
		found = *d
	}
	t.mu.Unlock()
	if status != 0 {
		boardError(w, status, code, message)
		return
	}
	all := map[string]any{
		"active":          !found.Active.IsZero() && t.now().Sub(found.Active) < activeFor,
		"lastConnectTime": found.Connected.UnixMilli(),
	}
	if !found.Active.IsZero() {
		all["lastActivityTime"] = found.Active.UnixMilli()
	}
	list := []any{}
	for _, key := range strings.Split(r.URL.Query().Get("keys"), ",") {
		if v, ok := all[key]; ok {
			list = append(list, map[string]any{"lastUpdateTs": found.Connected.UnixMilli(), "key": key, "value": v})
		}
	}
	writeJSON(w, http.StatusOK, list)
}
