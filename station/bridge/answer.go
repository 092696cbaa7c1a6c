package bridge

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"provstation/station"
)

// errAnswer is in the chain of every reason not to believe a 200.
var errAnswer = errors.New("the bridge's answer is not usable")

// parseAnswer believes a 200 or says why not. Reasons hold field names and never values.
func parseAnswer(rep reply, contract station.Contract, r station.EnrollRequest) (station.EnrollAnswer, error) {
	switch {
	case rep.encoding != "":
		return station.EnrollAnswer{}, fmt.Errorf("%w: it is compressed, which was not asked for", errAnswer)
	case rep.isHTML:
		return station.EnrollAnswer{}, fmt.Errorf("%w: it is a web page", errAnswer)
	case !rep.isJSON:
		return station.EnrollAnswer{}, fmt.Errorf("%w: it does not say that it is JSON", errAnswer)
	}
	o, err := parseObject(rep.body)
	if err != nil {
		return station.EnrollAnswer{}, err
	}
	a := station.EnrollAnswer{Contract: contract}
	var wg string
	if contract == station.ContractDocumented {
		id := o.text("device_id", true)
		a.Certificate, a.Chain = o.text("certificate_pem", true), o.text("ca_chain_pem", true)
		wg = o.text("wireguard_config", false)
		if o.err == nil && id != r.DeviceID {
			return issuedPart(a), fmt.Errorf("%w: device_id is another device's", errAnswer)
		}
	} else {
		tunnel := len(r.WireGuardKey) != 0
		a.Certificate, a.Chain = o.text("certificate", true), o.text("ca_chain", true)
		a.WireGuardIP, wg = o.text("wireguard_ip", tunnel), o.text("wireguard_config", tunnel)
		if len(a.WireGuardIP) > 64 || strings.ContainsAny(a.WireGuardIP, "\n\r\t") {
			o.fail("wireguard_ip is not an address")
		}
	}
	if o.err != nil {
		return issuedPart(a), o.err
	}
	if wg != "" {
		a.WGConf = station.NewSecret([]byte(wg))
	}
	return a, nil
}

// object is a JSON object whose fields are read strictly; the first failure stays.
type object struct {
	fields map[string]json.RawMessage
	err    error
}

// parseObject reads one JSON object and nothing else: UTF-8, no field twice, nothing after it. The standard decoder
// lets the last of two fields win and matches names without regard to case; two readers of one answer must not differ
// about what it says.
func parseObject(data []byte) (*object, error) {
	notJSON := fmt.Errorf("%w: it is not one JSON object", errAnswer)
	if !utf8.Valid(data) {
		return nil, fmt.Errorf("%w: it is not UTF-8", errAnswer)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, notJSON
	}
	o := &object{fields: map[string]json.RawMessage{}}
	for dec.More() {
		t, err := dec.Token()
		name, ok := t.(string)
		if err != nil || !ok {
			return nil, notJSON
		}
		if _, twice := o.fields[name]; twice {
			return nil, fmt.Errorf("%w: field %q stands in it twice", errAnswer, clean(name))
		}
		var v json.RawMessage
		if err := dec.Decode(&v); err != nil {
			return nil, notJSON
		}
		o.fields[name] = v
	}
	if _, err := dec.Token(); err != nil {
		return nil, notJSON
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: something stands behind the JSON object", errAnswer)
	}
	return o, nil
}

func (o *object) fail(reason string) {
	if o.err == nil {
		o.err = fmt.Errorf("%w: %s", errAnswer, reason)
	}
}

// text reads a field that must be a text without control characters, line ends and tabs aside. One that is not required
// may be absent, null or empty.
func (o *object) text(name string, required bool) string {
	raw, ok := o.fields[name]
	if !ok || bytes.Equal(raw, []byte("null")) {
		if required {
			o.fail(name + " is missing")
		}
		return ""
	}
	var s string
	if len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		o.fail(name + " is not a text")
		return ""
	}
	if required && strings.TrimSpace(s) == "" {
		o.fail(name + " is empty")
		return ""
	}
	if strings.ContainsFunc(s, func(r rune) bool {
		return r < ' ' && r != '\n' && r != '\r' && r != '\t' || r == 0x7f || r == utf8.RuneError
	}) {
		o.fail(name + " holds control characters")
		return ""
	}
	return s
}

// issuedPart is what must not be lost of an answer that is otherwise of no use: the certificates that were issued.
func issuedPart(a station.EnrollAnswer) station.EnrollAnswer {
	return station.EnrollAnswer{Contract: a.Contract, Certificate: a.Certificate, Chain: a.Chain}
}
