package tenant

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"provstation/station"
)

// ThingsBoardConfig says where ThingsBoard is and who the station is there: a user with a password, or an API key.
type ThingsBoardConfig struct {
	Config
	URL      string // base, may carry a path
	Username string
	Password Secret
	APIKey   Secret
}

// ThingsBoard asks one ThingsBoard. It is safe for concurrent use and logs in once for all.
type ThingsBoard struct {
	*server
	who     ThingsBoardConfig
	session *session
}

const thingsBoardName = "ThingsBoard"

// NewThingsBoard makes a client. It reads no file and asks no server.
func NewThingsBoard(cfg ThingsBoardConfig) (*ThingsBoard, error) {
	bad := func(what string) (*ThingsBoard, error) {
		return nil, fmt.Errorf("%w: %s: %s", ErrConfig, thingsBoardName, what)
	}
	switch user := cfg.Username != "" || cfg.Password.set(); {
	case user && cfg.APIKey.set():
		return bad("a user and an API key")
	case user && (cfg.Username == "" || !cfg.Password.set()):
		return bad("user name and password go together")
	case !user && !cfg.APIKey.set():
		return bad("no user and no API key")
	case cfg.Password.File != "" && cfg.Password.Env != "", cfg.APIKey.File != "" && cfg.APIKey.Env != "":
		return bad("a secret in a file and in a variable")
	}
	s, err := newServer(thingsBoardName, cfg.URL, cfg.Config)
	if err != nil {
		return nil, err
	}
	return &ThingsBoard{server: s, who: cfg, session: newSession()}, nil
}

// Device is a device as ThingsBoard lists it.
type Device struct {
	ID   string // ThingsBoard's own, a UUID
	Name string // the device id
}

// Find looks a device up by its name, which is the device id. [ErrUnknown]: ThingsBoard knows no such device.
func (t *ThingsBoard) Find(ctx context.Context, deviceID string) (Device, error) {
	what := "find the device in ThingsBoard"
	if err := t.usable(deviceID); err != nil {
		return Device{}, during(what, err)
	}
	rep, err := t.ask(ctx, request{
		method: http.MethodGet, segments: []string{"api", "tenant", "devices"}, query: url.Values{"deviceName": {deviceID}},
		good: []int{http.StatusOK}, missing: thingsBoardMisses,
	})
	if err != nil {
		return Device{}, during(what, t.believe(err))
	}
	d, err := parseDevice(rep, deviceID)
	if err != nil {
		return Device{}, during(what, t.unbelieved(rep, err))
	}
	return d, nil
}

// State is ThingsBoard's connectivity state of a device. A server that is told to keep it as telemetry has none here.
type State struct {
	Known  bool
	Active bool
}

// State asks whether the device is active. It is for people: nothing is decided by it.
func (t *ThingsBoard) State(ctx context.Context, d Device) (State, error) {
	what := "read the device's state in ThingsBoard"
	rep, err := t.ask(ctx, request{
		method:   http.MethodGet,
		segments: []string{"api", "plugins", "telemetry", "DEVICE", d.ID, "values", "attributes", "SERVER_SCOPE"},
		query:    url.Values{"keys": {"active,lastConnectTime,lastActivityTime"}}, good: []int{http.StatusOK}, missing: thingsBoardMisses,
	})
	if err != nil {
		return State{}, during(what, t.believe(err))
	}
	st, err := parseState(rep)
	if err != nil {
		return State{}, during(what, t.unbelieved(rep, err))
	}
	return st, nil
}

// Delete takes the device out. [ErrUnknown]: it is gone already.
func (t *ThingsBoard) Delete(ctx context.Context, d Device) error {
	what := "delete the device in ThingsBoard"
	if !uuidPattern.MatchString(d.ID) {
		return during(what, t.fault(station.CodeInternal, station.Permanent, nil, errNotID))
	}
	_, err := t.ask(ctx, request{
		method: http.MethodDelete, segments: []string{"api", "device", d.ID},
		good: []int{http.StatusOK, http.StatusAccepted, http.StatusNoContent}, missing: thingsBoardMisses,
	})
	if err != nil {
		return during(what, t.believe(err))
	}
	return nil
}

// checkedName is a device that there is not. Asking for it shows address, account and the account's rights.
const checkedName = "provstation-doctor"

// Check reports whether ThingsBoard can be reached, believed and asked about devices by this account.
func (t *ThingsBoard) Check(ctx context.Context) error {
	if _, err := t.Find(ctx, checkedName); err != nil && !errors.Is(err, ErrUnknown) {
		return err
	}
	return nil
}

// thingsBoardMisses knows ITEM_NOT_FOUND.
func thingsBoardMisses(code any) bool { return code == float64(32) }

// believe takes a 404 that does not say what is missing for that of the device where a login below the same base has gone
// well: the path is right then.
func (t *ThingsBoard) believe(err error) error {
	if errors.Is(err, errBare) && !t.who.APIKey.set() {
		return ErrUnknown
	}
	return err
}

// ask makes a request with the station's account. A token that is refused is renewed once.
func (t *ThingsBoard) ask(ctx context.Context, r request) (reply, error) {
	if t.who.APIKey.set() {
		key, err := t.who.APIKey.read(t.cfg.Getenv)
		if err == nil && !fitForHeader(key) {
			err = fmt.Errorf("%w: the API key holds a space or a character beyond ASCII", errSecret)
		}
		if err != nil {
			return reply{}, t.secretFault(err)
		}
		return t.under(ctx, r, "ApiKey", key)
	}
	token, err := t.token(ctx, "")
	if err != nil {
		return reply{}, err
	}
	rep, err := t.under(ctx, r, "Bearer", token)
	if f, ok := station.AsFault(err); !ok || f.Params["status"] != "401" {
		return rep, err
	}
	if token, err = t.token(ctx, token); err != nil {
		return reply{}, err
	}
	return t.under(ctx, r, "Bearer", token)
}

func (t *ThingsBoard) under(ctx context.Context, r request, scheme, token string) (reply, error) {
	r.header, r.secrets = map[string]string{"X-Authorization": scheme + " " + token}, []string{token}
	return t.send(ctx, r)
}

// token gives a token that is not the stale one. A failure to wait for another's login is the context's.
func (t *ThingsBoard) token(ctx context.Context, stale string) (string, error) {
	token, err := t.session.get(ctx, t.cfg.Now, stale, t.login)
	if _, ok := station.AsFault(err); err != nil && !ok {
		return "", t.lost(ctx, err)
	}
	return token, err
}

func (t *ThingsBoard) login(ctx context.Context) (string, error) {
	password, err := t.who.Password.read(t.cfg.Getenv)
	if err != nil {
		return "", t.secretFault(err)
	}
	if f, barred := t.session.barred(t.cfg.Now(), password); barred {
		return "", f
	}
	body, err := json.Marshal(map[string]string{"username": t.who.Username, "password": password})
	if err != nil {
		return "", t.secretFault(errSecret)
	}
	rep, err := t.send(ctx, request{
		method: http.MethodPost, segments: []string{"api", "auth", "login"}, body: body, secrets: []string{password},
		good: []int{http.StatusOK},
	})
	if err != nil {
		err = during("log in to ThingsBoard", err)
		if f, ok := station.AsFault(err); ok && f.Code == station.CodeTenantAuth {
			t.session.refuse(t.cfg.Now(), password, f)
		}
		return "", err
	}
	token, err := parseToken(rep)
	if err != nil {
		return "", during("log in to ThingsBoard", t.unbelieved(rep, err))
	}
	return token, nil
}
