package tenant

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"provstation/station/answer"
)

// uuidPattern is a UUID as ThingsBoard writes them.
var uuidPattern = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

var (
	errOther = errors.New("it is about another device")
	errToken = errors.New("the token is not one")
	errMany  = errors.New("there are more attributes than a target has")
)

// parse reads a body that must be one JSON object.
func parse(r reply) (*answer.Object, error) {
	data, err := r.json()
	if err != nil {
		return nil, err
	}
	return answer.ParseObject(data)
}

// parseToken reads {"token": ...}.
func parseToken(r reply) (string, error) {
	o, err := parse(r)
	if err != nil {
		return "", err
	}
	token := o.Text("token", true)
	switch {
	case o.Err() != nil:
		return "", o.Err()
	case !fitForHeader(token) || len(token) > 16<<10:
		return "", errToken
	}
	return token, nil
}

// parseDevice reads a device, which must be the one that was asked for: what is deleted later is its id.
func parseDevice(r reply, name string) (Device, error) {
	o, err := parse(r)
	if err != nil {
		return Device{}, err
	}
	id := o.Object("id")
	d := Device{ID: id.Text("id", true), Name: o.Text("name", true)}
	kind := id.Text("entityType", false)
	switch {
	case o.Err() != nil:
		return Device{}, o.Err()
	case id.Err() != nil:
		return Device{}, fmt.Errorf("id: %w", id.Err())
	case d.Name != name || kind != "" && kind != "DEVICE":
		return Device{}, errOther
	case !uuidPattern.MatchString(d.ID):
		return Device{}, errors.New("id.id is not a UUID")
	}
	return d, nil
}

// parseState reads a list of {"key", "value", "lastUpdateTs"}.
func parseState(r reply) (State, error) {
	data, err := r.json()
	if err != nil {
		return State{}, err
	}
	list, err := answer.ParseList(data, maxAttributes)
	if err != nil {
		return State{}, err
	}
	var st State
	for _, item := range list {
		o, err := answer.ParseObject(item)
		if err != nil {
			return State{}, err
		}
		key := o.Text("key", true)
		if o.Err() != nil {
			return State{}, o.Err()
		}
		if raw, ok := o.Raw("value"); ok && key == "active" {
			if json.Unmarshal(raw, &st.Active) != nil {
				return State{}, errors.New("active is neither true nor false")
			}
			st.Known = true
		}
	}
	return st, nil
}

// parseTarget reads a target, which must be the one that was asked for.
func parseTarget(data []byte, id string) (Target, error) {
	o, err := answer.ParseObject(data)
	if err != nil {
		return Target{}, err
	}
	t := Target{ControllerID: o.Text("controllerId", true), Name: o.Text("name", false), Status: answer.Clean(o.Text("updateStatus", false))}
	switch {
	case o.Err() != nil:
		return Target{}, o.Err()
	case t.ControllerID != id:
		return Target{}, errOther
	}
	return t, nil
}

// parseAttributes reads an object of texts. Names and values are the device's own words.
func parseAttributes(r reply) (map[string]string, error) {
	o, err := parse(r)
	if err != nil {
		return nil, err
	}
	names := o.Names()
	if len(names) > maxAttributes {
		return nil, errMany
	}
	out := make(map[string]string, len(names))
	for _, name := range names {
		value := o.Text(name, false)
		if o.Err() != nil {
			return nil, errors.New("an attribute is not a text")
		}
		out[cut(answer.Clean(name))] = cut(answer.Clean(value))
	}
	return out, nil
}

func cut(s string) string {
	if r := []rune(s); len(r) > maxText {
		return string(r[:maxText])
	}
	return s
}

// missingFrom are the names that are not among the attributes; of no names at all, any attribute will do.
func missingFrom(have map[string]string, want []string) (names []string, complete bool) {
	for _, n := range want {
		if have[n] == "" {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	return names, len(names) == 0 && len(have) > 0
}
