package bridge

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"provstation/station"
)

// probeID is the device id of the probe. Nothing is ever enrolled under it.
const probeID = "provstation-probe"

// Contract is the contract in force: the configured one, or the one that the server was found to speak, which is kept.
// It is found out from the field names of the enroll request in {base}/openapi.json; where that is not served, from the
// fields that the server misses in an empty JSON object, which cannot issue anything. What is not one contract clearly
// is a fault with CodeBridgeContract that says what was seen.
func (c *Client) Contract(ctx context.Context) (station.Contract, error) {
	if c.cfg.Contract != station.ContractAuto {
		return c.cfg.Contract, nil
	}
	found, err := c.contract.get(ctx, c.findContract)
	if err != nil {
		return "", during("find out the bridge's contract", err)
	}
	return found, nil
}

func (c *Client) findContract(ctx context.Context) (station.Contract, error) {
	rep, err := c.send(ctx, http.MethodGet, c.address("openapi.json"), nil, maxOpenAPI, false)
	if err != nil {
		if f, ok := station.AsFault(err); !ok || f.Code != station.CodeBridgeAnswer {
			return "", err
		}
		rep = reply{} // too long: as good as not served
	}
	if rep.status == http.StatusOK && rep.isJSON && rep.encoding == "" {
		if fields, ok := enrollFields(rep.body); ok {
			return judge(fields, "openapi.json names "+listed(fields))
		}
	}
	rep, err = c.send(ctx, http.MethodPost, c.address("devices", probeID, "enroll"), []byte("{}"), maxAnswer, false)
	if err != nil {
		return "", err
	}
	_, missing, _ := details(rep)
	switch {
	case rep.status == http.StatusUnprocessableEntity && len(missing) > 0:
		return judge(missing, "an empty request misses "+listed(missing))
	case rep.status == http.StatusUnprocessableEntity || rep.status/100 == 2 || rep.status == http.StatusBadRequest:
		return "", unclear("an empty request is answered with status "+strconv.Itoa(rep.status)+" and no missing fields", rep.status)
	default:
		return "", classify(rep, station.ContractDeployed, false)
	}
}

// judge tells the contract by field names. Each has a name for the CSR that the other lacks.
func judge(fields []string, seen string) (station.Contract, error) {
	documented, deployed := slices.Contains(fields, "csr_pem"), slices.Contains(fields, "csr")
	switch {
	case documented && !deployed:
		return station.ContractDocumented, nil
	case deployed && !documented:
		return station.ContractDeployed, nil
	default:
		return "", unclear(seen, 0)
	}
}

func unclear(seen string, status int) *station.Fault {
	params := map[string]string{"seen": clean(seen)}
	if status != 0 {
		params["status"] = strconv.Itoa(status)
	}
	return fault(station.CodeBridgeContract, station.Misconfigured, params,
		fmt.Errorf("%w: neither contract clearly: %s", errAnswer, clean(seen)))
}

func listed(fields []string) string {
	if len(fields) == 0 {
		return "no fields"
	}
	return strings.Join(fields[:min(len(fields), 12)], ", ")
}

// openAPI is as much of an OpenAPI 3 description as names the fields of a request.
type openAPI struct {
	Paths      map[string]map[string]json.RawMessage `json:"paths"`
	Components struct {
		Schemas map[string]apiSchema `json:"schemas"`
	} `json:"components"`
}

type apiOperation struct {
	RequestBody struct {
		Content map[string]struct {
			Schema apiSchema `json:"schema"`
		} `json:"content"`
	} `json:"requestBody"`
}

type apiSchema struct {
	Ref        string                     `json:"$ref"`
	Properties map[string]json.RawMessage `json:"properties"`
	AllOf      []apiSchema                `json:"allOf"`
}

// enrollFields gives the field names of the enroll request, false if the description does not have them.
func enrollFields(data []byte) ([]string, bool) {
	var doc openAPI
	if json.Unmarshal(data, &doc) != nil {
		return nil, false
	}
	fields := map[string]bool{}
	for path, operations := range doc.Paths {
		if !isEnrollPath(path) {
			continue
		}
		var op apiOperation
		if json.Unmarshal(operations["post"], &op) != nil {
			continue
		}
		for kind, content := range op.RequestBody.Content {
			if strings.HasPrefix(kind, "application/json") {
				doc.collect(content.Schema, fields, 4)
			}
		}
	}
	return slices.Sorted(maps.Keys(fields)), len(fields) > 0
}

// isEnrollPath reports whether a path ends in /devices/{...}/enroll.
func isEnrollPath(path string) bool {
	parts := strings.Split(path, "/")
	n := len(parts)
	return n >= 3 && parts[n-1] == "enroll" && parts[n-3] == "devices" && strings.HasPrefix(parts[n-2], "{")
}

// collect follows references to a bounded depth.
func (d *openAPI) collect(s apiSchema, into map[string]bool, depth int) {
	if depth == 0 {
		return
	}
	for name := range s.Properties {
		into[name] = true
	}
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		d.collect(d.Components.Schemas[name], into, depth-1)
	}
	for _, part := range s.AllOf[:min(len(s.AllOf), 16)] {
		d.collect(part, into, depth-1)
	}
}
