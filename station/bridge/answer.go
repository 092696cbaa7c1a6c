package bridge

import (
	"errors"
	"fmt"
	"strings"

	"provstation/station"
	"provstation/station/answer"
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
		id := o.Text("device_id", true)
		a.Certificate, a.Chain = o.Text("certificate_pem", true), o.Text("ca_chain_pem", true)
		wg = o.Text("wireguard_config", false)
		if o.Err() == nil && id != r.DeviceID {
			return issuedPart(a), fmt.Errorf("%w: device_id is another device's", errAnswer)
		}
	} else {
		tunnel := len(r.WireGuardKey) != 0
		a.Certificate, a.Chain = o.Text("certificate", true), o.Text("ca_chain", true)
		a.WireGuardIP, wg = o.Text("wireguard_ip", tunnel), o.Text("wireguard_config", tunnel)
		if len(a.WireGuardIP) > 64 || strings.ContainsAny(a.WireGuardIP, "\n\r\t") {
			o.Fail("wireguard_ip is not an address")
		}
	}
	if err := whyNot(o); err != nil {
		return issuedPart(a), err
	}
	if wg != "" {
		a.WGConf = station.NewSecret([]byte(wg))
	}
	return a, nil
}

// parseObject reads one JSON object and nothing else.
func parseObject(data []byte) (*answer.Object, error) {
	o, err := answer.ParseObject(data)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errAnswer, err)
	}
	return o, nil
}

// whyNot is the first field of an object that is not as it has to be.
func whyNot(o *answer.Object) error {
	if err := o.Err(); err != nil {
		return fmt.Errorf("%w: %w", errAnswer, err)
	}
	return nil
}

// issuedPart is what must not be lost of an answer that is otherwise of no use: the certificates that were issued.
func issuedPart(a station.EnrollAnswer) station.EnrollAnswer {
	return station.EnrollAnswer{Contract: a.Contract, Certificate: a.Certificate, Chain: a.Chain}
}
