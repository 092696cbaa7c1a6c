package tenant

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"provstation/station"
	"provstation/station/answer"
)

// HawkBitConfig says where hawkBit is and who the station is there.
type HawkBitConfig struct {
	Config
	URL      string // base, may carry a path
	Username string // hawkBit with several tenants wants TENANT\user
	Password Secret
}

// HawkBit asks one hawkBit. It is safe for concurrent use.
type HawkBit struct {
	*server
	who HawkBitConfig
}

const hawkBitName = "hawkBit"

// NewHawkBit makes a client. It reads no file and asks no server.
func NewHawkBit(cfg HawkBitConfig) (*HawkBit, error) {
	switch {
	case cfg.Username == "" || !cfg.Password.set():
		return nil, fmt.Errorf("%w: %s: no user name, or no password", ErrConfig, hawkBitName)
	case strings.ContainsRune(cfg.Username, ':'): // RFC 7617 2
		return nil, fmt.Errorf("%w: %s: a user name has no colon", ErrConfig, hawkBitName)
	case cfg.Password.File != "" && cfg.Password.Env != "":
		return nil, fmt.Errorf("%w: %s: a password in a file and in a variable", ErrConfig, hawkBitName)
	}
	s, err := newServer(hawkBitName, cfg.URL, cfg.Config)
	if err != nil {
		return nil, err
	}
	return &HawkBit{server: s, who: cfg}, nil
}

// Target is a device as hawkBit lists it.
type Target struct {
	ControllerID string // the device id
	Name         string
	Status       string // update status, as unknown, registered or in_sync
}

// Target looks a target up. [ErrUnknown]: hawkBit has no such target.
func (h *HawkBit) Target(ctx context.Context, deviceID string) (Target, error) {
	what := "find the target in hawkBit"
	if err := h.usable(deviceID); err != nil {
		return Target{}, during(what, err)
	}
	rep, err := h.ask(ctx, request{method: http.MethodGet, segments: targetPath(deviceID), good: []int{http.StatusOK}, missing: hawkBitMisses})
	if err != nil {
		return Target{}, during(what, err)
	}
	data, err := rep.json()
	if err != nil {
		return Target{}, during(what, h.unbelieved(rep, err))
	}
	t, err := parseTarget(data, deviceID)
	if err != nil {
		return Target{}, during(what, h.unbelieved(rep, err))
	}
	return t, nil
}

// Attributes reads what the target's own device has reported of itself; none is no error. The Management API has no way to
// write them: they come from the device's update program (PUT configData of the Direct Device Integration API).
func (h *HawkBit) Attributes(ctx context.Context, deviceID string) (map[string]string, error) {
	what := "read the target's attributes in hawkBit"
	if err := h.usable(deviceID); err != nil {
		return nil, during(what, err)
	}
	rep, err := h.ask(ctx, request{
		method: http.MethodGet, segments: append(targetPath(deviceID), "attributes"),
		good: []int{http.StatusOK, http.StatusNoContent}, missing: hawkBitMisses,
	})
	if err != nil {
		return nil, during(what, err)
	}
	if rep.status == http.StatusNoContent {
		return map[string]string{}, nil
	}
	a, err := parseAttributes(rep)
	if err != nil {
		return nil, during(what, h.unbelieved(rep, err))
	}
	return a, nil
}

// Create makes a target. [ErrExists]: there is one already.
func (h *HawkBit) Create(ctx context.Context, deviceID, name string) (Target, error) {
	what := "make the target in hawkBit"
	if err := h.usable(deviceID); err != nil {
		return Target{}, during(what, err)
	}
	body, err := json.Marshal([]map[string]string{{"controllerId": deviceID, "name": name}})
	if err != nil {
		return Target{}, during(what, h.fault(station.CodeInternal, station.Permanent, nil, err))
	}
	rep, err := h.ask(ctx, request{
		method: http.MethodPost, segments: []string{"rest", "v1", "targets"}, body: body,
		good: []int{http.StatusCreated, http.StatusConflict},
	})
	if err != nil {
		return Target{}, during(what, err)
	}
	if rep.status == http.StatusConflict {
		return Target{}, during(what, ErrExists)
	}
	data, err := rep.json()
	if err != nil {
		return Target{}, during(what, h.unbelieved(rep, err))
	}
	list, err := answer.ParseList(data, 1)
	if err == nil && len(list) == 0 {
		err = errors.New("it is an empty list")
	}
	if err != nil {
		return Target{}, during(what, h.unbelieved(rep, err))
	}
	t, err := parseTarget(list[0], deviceID)
	if err != nil {
		return Target{}, during(what, h.unbelieved(rep, err))
	}
	return t, nil
}

// Delete takes the target out. [ErrUnknown]: it is gone already.
func (h *HawkBit) Delete(ctx context.Context, deviceID string) error {
	what := "delete the target in hawkBit"
	if err := h.usable(deviceID); err != nil {
		return during(what, err)
	}
	_, err := h.ask(ctx, request{
		method: http.MethodDelete, segments: targetPath(deviceID), good: []int{http.StatusOK, http.StatusNoContent}, missing: hawkBitMisses,
	})
	if err != nil {
		return during(what, err)
	}
	return nil
}

// Check reports whether hawkBit can be reached, believed and asked about targets by this account.
func (h *HawkBit) Check(ctx context.Context) error {
	if err := h.list(ctx); err != nil {
		return during("list targets in hawkBit", err)
	}
	return nil
}

func targetPath(id string) []string { return []string{"rest", "v1", "targets", id} }

// hawkBitMisses knows hawkBit's code of a target that it does not have, which is spelt wrongly.
func hawkBitMisses(code any) bool {
	text, _ := code.(string)
	return text == "hawkbit.server.error.repo.entitiyNotFound" || text == "hawkbit.server.error.repo.entityNotFound"
}

// ask makes a request with the station's account. A 404 that does not say what is missing is the target's if the list of
// targets is there.
func (h *HawkBit) ask(ctx context.Context, r request) (reply, error) {
	rep, err := h.as(ctx, r)
	if errors.Is(err, errBare) {
		if lerr := h.list(ctx); lerr == nil {
			return reply{}, ErrUnknown
		}
	}
	return rep, err
}

// list asks for the first of all targets.
func (h *HawkBit) list(ctx context.Context) error {
	rep, err := h.as(ctx, request{
		method: http.MethodGet, segments: []string{"rest", "v1", "targets"}, query: url.Values{"limit": {"1"}}, good: []int{http.StatusOK},
	})
	if err != nil {
		return err
	}
	o, err := parse(rep)
	if err == nil {
		if _, ok := o.Raw("content"); !ok {
			err = errors.New("content is missing")
		}
	}
	if err != nil {
		return h.unbelieved(rep, err)
	}
	return nil
}

// as makes a request with the station's account.
func (h *HawkBit) as(ctx context.Context, r request) (reply, error) {
	password, err := h.who.Password.read(h.cfg.Getenv)
	if err != nil {
		return reply{}, h.secretFault(err)
	}
	basic := base64.StdEncoding.EncodeToString([]byte(h.who.Username + ":" + password))
	r.header, r.secrets = map[string]string{"Authorization": "Basic " + basic}, []string{password, basic}
	return h.send(ctx, r)
}
