package devstack

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// HawkBit is the part of hawkBit's Management API that stations use, over the targets that the bridge made at enrollment.
//
//	GET    /rest/v1/targets            POST /rest/v1/targets
//	GET    /rest/v1/targets/{id}       DELETE /rest/v1/targets/{id}
//	GET    /rest/v1/targets/{id}/attributes
//
// Errors are {"exceptionClass", "errorCode", "message"}. Attributes cannot be written: PUT is answered 405, as recorded. The
// bridge writes them all the same, here past the API, so that a demo has some; under [HawkBit502First] it fails as recorded.
type HawkBit struct {
	service
	base  string // what its paths begin with, as the server itself names them
	state hawkBitState
}

type hawkBitState struct {
	Targets map[string]*target `json:"targets"` // by controller id
}

type target struct {
	Name       string            `json:"name"`
	Created    time.Time         `json:"created"`
	Attributes map[string]string `json:"attributes,omitempty"`
}

const hawkBitBase = "/hawkbit"

func openHawkBit(dir string, now func() time.Time) (*HawkBit, error) {
	h := &HawkBit{base: hawkBitBase, state: hawkBitState{Targets: map[string]*target{}}}
	return h, h.open(dir, "hawkbit", "station", now, &h.state)
}

// IDs lists the controller ids of its targets.
func (h *HawkBit) IDs() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return sortedNames(h.state.Targets)
}

// provision is what the bridge does: it asks for the target and makes it with its attributes if there is none. The status is
// the bridge's answer where it fails.
func (h *HawkBit) provision(ctx context.Context, id, name string, attributes map[string]string) (status int, detail string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if ctx.Err() != nil {
		return http.StatusServiceUnavailable, "hawkBit unreachable: "
	}
	switch h.fault {
	case ServiceDown:
		return http.StatusServiceUnavailable, "hawkBit unreachable: All connection attempts failed"
	case ServiceEmpty: // of another tenant: what the bridge makes, the station does not see
		return 0, ""
	}
	if h.state.Targets[id] != nil {
		return 0, ""
	}
	t := &target{Name: name, Created: h.now()}
	refused := h.fault == HawkBit502First
	if !refused {
		t.Attributes = attributes
	}
	h.state.Targets[id] = t
	if err := h.save(h.state); err != nil {
		delete(h.state.Targets, id)
		return http.StatusBadGateway, "hawkBit provisioning failed: hawkBit POST targets returned 500: "
	}
	if refused {
		return http.StatusBadGateway, fmt.Sprintf(`hawkBit provisioning failed: hawkBit PUT attributes returned 405: `+
			`{"timestamp": "", "status": 405, "error": "Method Not Allowed", "path": "%s/rest/v1/targets/%s/attributes"}`, h.base, id)
	}
	return 0, ""
}

func (h *HawkBit) handler() http.Handler {
	mux := http.NewServeMux()
	only := func(path string, methods map[string]http.HandlerFunc) {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			f, ok := methods[r.Method]
			if !ok {
				h.springError(w, r, http.StatusMethodNotAllowed)
				return
			}
			f(w, r)
		})
	}
	only("/rest/v1/targets", map[string]http.HandlerFunc{"GET": h.list, "POST": h.create})
	only("/rest/v1/targets/{id}", map[string]http.HandlerFunc{"GET": h.get, "DELETE": h.delete})
	only("/rest/v1/targets/{id}/attributes", map[string]http.HandlerFunc{"GET": h.attributes})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { h.springError(w, r, http.StatusNotFound) })
	return h.faulty(h.authorized(mux), func(w http.ResponseWriter, r *http.Request, status int) {
		if status == http.StatusForbidden {
			hawkError(w, status, "InsufficientPermissionException", "hawkbit.server.error.insufficientpermission", "Insufficient Permission")
			return
		}
		h.unauthorized(w, r)
	})
}

func (h *HawkBit) authorized(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		if user != h.User || subtle.ConstantTimeCompare([]byte(password), []byte(h.password)) != 1 {
			h.unauthorized(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (h *HawkBit) unauthorized(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("WWW-Authenticate", `Basic realm="hawkBit"`)
	h.springError(w, r, http.StatusUnauthorized)
}

func (h *HawkBit) springError(w http.ResponseWriter, r *http.Request, status int) {
	full := r.Clone(r.Context())
	full.URL.Path = h.base + r.URL.Path
	springError(w, full, status)
}

func hawkError(w http.ResponseWriter, status int, class, code, message string) {
	writeJSON(w, status, map[string]any{
		"exceptionClass": "org.eclipse.hawkbit.repository.exception." + class, "errorCode": code, "message": message, "parameters": nil,
	})
}

func hawkNotFound(w http.ResponseWriter, id string) {
	hawkError(w, http.StatusNotFound, "EntityNotFoundException", "hawkbit.server.error.repo.entitiyNotFound", // spelt so
		"Target with given identifier {"+id+"} does not exist.")
}

// target gives a copy of a target, false if there is none.
func (h *HawkBit) target(id string) (target, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.state.Targets[id]
	if t == nil || h.fault == ServiceEmpty {
		return target{}, false
	}
	return *t, true
}

func (h *HawkBit) shown(r *http.Request, id string, t target) map[string]any {
	return map[string]any{
		"controllerId": id, "name": t.Name, "createdAt": t.Created.UnixMilli(), "createdBy": "bridge", "updateStatus": "unknown",
		"requestAttributes": true, "_links": map[string]any{"self": map[string]string{"href": "https://" + r.Host + h.base + "/rest/v1/targets/" + id}},
	}
}

func (h *HawkBit) get(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	t, ok := h.target(id)
	if !ok {
		hawkNotFound(w, id)
		return
	}
	writeKind(w, "application/hal+json", http.StatusOK, h.shown(r, id, t))
}

func (h *HawkBit) attributes(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	switch t, ok := h.target(id); {
	case !ok:
		hawkNotFound(w, id)
	case len(t.Attributes) == 0:
		w.WriteHeader(http.StatusNoContent)
	default:
		writeJSON(w, http.StatusOK, t.Attributes)
	}
}

func (h *HawkBit) list(w http.ResponseWriter, r *http.Request) {
	limit, err := strconv.Atoi(r.URL.Query().Get("limit"))
	if err != nil || limit < 1 || limit > 500 {
		limit = 50
	}
	h.mu.Lock()
	all := map[string]target{}
	for id, t := range h.state.Targets {
		if h.fault != ServiceEmpty {
			all[id] = *t
		}
	}
	h.mu.Unlock()
	content := []any{}
	for _, id := range sortedNames(all) {
		if len(content) < limit {
			content = append(content, h.shown(r, id, all[id]))
		}
	}
	writeKind(w, "application/hal+json", http.StatusOK, map[string]any{"content": content, "total": len(all), "size": len(content)})
}

func (h *HawkBit) create(w http.ResponseWriter, r *http.Request) {
	var wanted []struct {
		ControllerID string `json:"controllerId"`
		Name         string `json:"name"`
	}
	if err := json.NewDecoder(r.Body).Decode(&wanted); err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]any{
			"exceptionClass": "org.eclipse.hawkbit.exception.MessageNotReadableException", "errorCode": "hawkbit.server.error.rest.body.notReadable",
			"message": "The given request body is not well formed", "parameters": nil,
		})
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	made := []any{}
	for _, x := range wanted {
		if x.ControllerID == "" {
			hawkError(w, http.StatusBadRequest, "ConstraintViolationException", "hawkbit.server.error.repo.constraintViolation", "controllerId")
			return
		}
		if h.state.Targets[x.ControllerID] != nil {
			hawkError(w, http.StatusConflict, "EntityAlreadyExistsException", "hawkbit.server.error.repo.entitiyAlreayExists", // spelt so
				"The given entity already exists in database")
			return
		}
	}
	for _, x := range wanted {
		t := &target{Name: x.Name, Created: h.now()}
		h.state.Targets[x.ControllerID] = t
		made = append(made, h.shown(r, x.ControllerID, *t))
	}
	if err := h.save(h.state); err != nil {
		h.springError(w, r, http.StatusInternalServerError)
		return
	}
	writeKind(w, "application/hal+json", http.StatusCreated, made)
}

func (h *HawkBit) delete(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.state.Targets[id] == nil || h.fault == ServiceEmpty {
		hawkNotFound(w, id)
		return
	}
	delete(h.state.Targets, id)
	if err := h.save(h.state); err != nil {
		h.springError(w, r, http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusOK)
}
