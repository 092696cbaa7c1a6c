package devstack

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"strings"
)

// requestField is one field of a request's body.
type requestField struct {
	name               string
	required, nullable bool
}

func (c Contract) fields() []requestField {
	if c == Documented {
		return []requestField{{name: "csr_pem", required: true}}
	}
	return []requestField{
		{name: "csr", required: true},
		{name: "device_name", required: true},
		{name: "device_type"},
		{name: "wg_public_key", nullable: true},
	}
}

// validate reads a request's body. What is wrong with it comes as the list that FastAPI's validation puts into detail;
// unknown fields are ignored.
func (b *Bridge) validate(body []byte) (req map[string]any, invalid []any) {
	problem := func(typ, msg string, input any, loc ...any) map[string]any {
		return map[string]any{"type": typ, "loc": append([]any{"body"}, loc...), "msg": msg, "input": input}
	}
	if len(body) == 0 {
		return nil, []any{problem("missing", "Field required", nil)}
	}
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		at, why := whereInvalid(body)
		p := problem("json_invalid", "JSON decode error", map[string]any{}, at)
		p["ctx"] = map[string]string{"error": why}
		return nil, []any{p}
	}
	req, ok := value.(map[string]any)
	if !ok {
		const msg = "Input should be a valid dictionary or object to extract fields from"
		return nil, []any{problem("model_attributes_type", msg, value)}
	}
	for _, f := range b.contract.fields() {
		v, there := req[f.name]
		if _, text := v.(string); text || (!there && !f.required) || (there && v == nil && f.nullable) {
			continue
		}
		if there {
			invalid = append(invalid, problem("string_type", "Input should be a valid string", v, f.name))
		} else {
			invalid = append(invalid, problem("missing", "Field required", req, f.name))
		}
	}
	return req, invalid
}

// whereInvalid says where a body stops being JSON, in the words of Python's decoder: at a control character within a
// string (a PEM block pasted with its line ends), else at its beginning.
func whereInvalid(body []byte) (at int, why string) {
	quoted := false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case quoted && c < 0x20:
			return i, "Invalid control character at"
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		}
	}
	return 0, "Expecting value"
}

// The recorded words of the library that reads CSRs.
const (
	noPEM     = "Unable to load PEM file. See https://cryptography.io/en/latest/faq/#why-can-t-i-import-my-pem-file for more details. MalformedFraming"
	noRequest = "Valid PEM but no BEGIN CERTIFICATE REQUEST/END CERTIFICATE REQUEST delimiters. Are you sure this is a CSR?"
	badProof  = "CSR signature is invalid"
)

// csrError is why a CSR is not acceptable.
type csrError string

func (e csrError) Error() string { return string(e) }

func readCSR(text string) (*x509.CertificateRequest, error) {
	block, _ := pem.Decode(bytes.TrimSpace([]byte(text)))
	switch {
	case block == nil:
		return nil, csrError(noPEM)
	case !strings.HasSuffix(block.Type, "CERTIFICATE REQUEST"):
		return nil, csrError(noRequest)
	}
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("error parsing asn1 value: %w", err)
	}
	if err := csr.CheckSignature(); err != nil {
		return nil, csrError(badProof)
	}
	return csr, nil
}

// whyUnreachable is the reason behind "step-ca unreachable", empty where the CA was silent until the bridge gave up.
func whyUnreachable(err error) string {
	var ne net.Error
	if errors.As(err, &ne) && ne.Timeout() {
		return ""
	}
	return "All connection attempts failed"
}
