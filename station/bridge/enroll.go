package bridge

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"

	"provstation/station"
)

type documentedRequest struct {
	CSR string `json:"csr_pem"`
}

type deployedRequest struct {
	CSR          string  `json:"csr"`
	DeviceName   string  `json:"device_name"`
	DeviceType   string  `json:"device_type"`
	WireGuardKey *string `json:"wg_public_key"`
}

var errRequest = errors.New("request is not complete")

// Enroll posts once under the given contract, which must be one of the two. Errors are *station.Fault; one with
// [station.ErrMaybeIssued] in its chain means that a certificate may exist. A fault of class OtherContract means that
// the server named the other contract's fields; under auto, [Client.Contract] answers accordingly from then on.
func (c *Client) Enroll(ctx context.Context, contract station.Contract, r station.EnrollRequest) (station.EnrollAnswer, error) {
	body, err := requestBody(contract, r)
	if err != nil {
		return station.EnrollAnswer{}, fault(station.CodeInternal, station.Misconfigured,
			map[string]string{"reason": clean(err.Error())}, err)
	}
	rep, err := c.send(ctx, http.MethodPost, c.address("devices", r.DeviceID, "enroll"), body, maxAnswer, true)
	if err != nil {
		return station.EnrollAnswer{}, during("enroll", err)
	}
	if rep.status != http.StatusOK {
		f := classify(rep, contract, true)
		if f.Class == station.OtherContract && c.cfg.Contract == station.ContractAuto {
			c.contract.set(other(contract))
		}
		return station.EnrollAnswer{}, during("enroll", f)
	}
	a, err := parseAnswer(rep, contract, r)
	if err != nil {
		return a, during("enroll", answerFault(rep, err))
	}
	a.ServerTime = rep.serverTime
	return a, nil
}

func other(c station.Contract) station.Contract {
	if c == station.ContractDocumented {
		return station.ContractDeployed
	}
	return station.ContractDocumented
}

// requestBody is the JSON that is posted. What the server does not check is checked here.
func requestBody(contract station.Contract, r station.EnrollRequest) ([]byte, error) {
	switch {
	case r.DeviceID == "" || r.DeviceID == "." || r.DeviceID == "..":
		return nil, fmt.Errorf("%w: no usable device id", errRequest)
	case len(r.CSR) == 0 || len(r.CSR) > maxCSR:
		return nil, fmt.Errorf("%w: CSR of %d bytes", errRequest, len(r.CSR))
	case len(r.WireGuardKey) != 0 && len(r.WireGuardKey) != 32:
		return nil, fmt.Errorf("%w: WireGuard key of %d bytes instead of 32", errRequest, len(r.WireGuardKey))
	}
	csr := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: r.CSR}))
	switch contract {
	case station.ContractDocumented:
		return json.Marshal(documentedRequest{CSR: csr})
	case station.ContractDeployed:
		req := deployedRequest{CSR: csr, DeviceName: r.DeviceName, DeviceType: r.DeviceType}
		if req.DeviceName == "" {
			req.DeviceName = r.DeviceID // required by the server
		}
		if req.DeviceType == "" {
			req.DeviceType = "generic" // the server's own default
		}
		if len(r.WireGuardKey) != 0 {
			key := base64.StdEncoding.EncodeToString(r.WireGuardKey)
			req.WireGuardKey = &key
		}
		return json.Marshal(req)
	default:
		return nil, fmt.Errorf("%w: contract %q is not one to post under", errRequest, string(contract))
	}
}
