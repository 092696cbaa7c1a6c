package filestore

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"provstation/serialproto"
	"provstation/serialproto/agent"
)

const (
	fileAgent      = "agent.json"
	fileGeneration = "generation.json"
	recordVersion  = 1
	maxRetired     = 256 // enroll ids remembered; the oldest are forgotten
)

func fileMode(m uint32) fs.FileMode { return fs.FileMode(m) }

func exists(err error) bool { return errors.Is(err, fs.ErrExist) }

// agentRecord is agent.json.
type agentRecord struct {
	Version       int      `json:"version"`
	Last          uint32   `json:"last_generation"`
	Retired       []string `json:"retired_enroll_ids,omitempty"` // hex, oldest first
	Floor         int64    `json:"highest_time_us,omitempty"`    // microseconds since 1970 UTC
	ForeignSigned uint32   `json:"foreign_signed,omitempty"`     // TLS signatures of generation 0
	Failures      uint32   `json:"unlock_failures,omitempty"`    // in a row
	Erasing       bool     `json:"erasing,omitempty"`            // everything else here is to go, and counts as gone
}

func (r agentRecord) retired() [][]byte {
	var out [][]byte
	for _, h := range r.Retired {
		if b, err := hex.DecodeString(h); err == nil {
			out = append(out, b)
		}
	}
	return out
}

func (r agentRecord) floor() time.Time {
	if r.Floor == 0 {
		return time.Time{}
	}
	return time.UnixMicro(r.Floor).UTC()
}

// retire remembers an enroll id whose key is about to go.
func (r *agentRecord) retire(id []byte) {
	r.Retired = append(r.Retired, hex.EncodeToString(id))
	if n := len(r.Retired) - maxRetired; n > 0 {
		r.Retired = r.Retired[n:]
	}
}

func (s *Store) readAgent() (agentRecord, error) {
	b, err := s.fs.ReadFile(s.path(fileAgent))
	if missing(err) {
		return agentRecord{Version: recordVersion}, nil
	}
	if err != nil {
		return agentRecord{}, err
	}
	var r agentRecord
	if err := strictJSON(b, &r); err != nil {
		return agentRecord{}, fmt.Errorf("%w: %s: %w", ErrDamaged, fileAgent, err)
	}
	if r.Version != recordVersion {
		return agentRecord{}, fmt.Errorf("%w: %s: version %d", ErrDamaged, fileAgent, r.Version)
	}
	return r, nil
}

func (s *Store) writeAgent(r agentRecord) error {
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return s.write(s.dir, fileAgent, b, modePublic)
}

// generationRecord is generation.json. It holds no secret.
type generationRecord struct {
	Version   int       `json:"version"`
	Number    uint32    `json:"number"`
	EnrollID  []byte    `json:"enroll_id,omitempty"`
	DeviceID  string    `json:"device_id,omitempty"`
	Alg       agent.Alg `json:"alg,omitempty"`
	CSR       []byte    `json:"csr,omitempty"`
	SPKI      []byte    `json:"spki_sha256,omitempty"`
	WireGuard []byte    `json:"wireguard_public,omitempty"`
	Signed    uint32    `json:"tls_signatures"`
	Tokens    uint32    `json:"tokens,omitempty"`
	Purpose   uint8     `json:"begun_under_unlock,omitempty"`
	Keep      bool      `json:"keeps_tunnel,omitempty"`
	Installed bool      `json:"installed"`
	Foreign   bool      `json:"foreign,omitempty"`
}

func recordOf(g agent.Generation) generationRecord {
	return generationRecord{
		Version: recordVersion, Number: g.Number, EnrollID: g.EnrollID, DeviceID: g.DeviceID, Alg: g.Alg, CSR: g.CSR,
		SPKI: g.SPKI, WireGuard: g.WireGuard, Signed: g.Signed, Installed: g.Installed, Foreign: g.Foreign,
		Tokens: g.Tokens, Purpose: uint8(g.Purpose), Keep: g.KeepTunnel,
	}
}

func (r generationRecord) generation() *agent.Generation {
	return &agent.Generation{
		Number: r.Number, EnrollID: r.EnrollID, DeviceID: r.DeviceID, Alg: r.Alg, CSR: r.CSR,
		SPKI: r.SPKI, WireGuard: r.WireGuard, Signed: r.Signed, Installed: r.Installed, Foreign: r.Foreign,
		Tokens: r.Tokens, Purpose: serialproto.Purpose(r.Purpose), KeepTunnel: r.Keep,
	}
}

func (r generationRecord) check(number uint32) error {
	switch {
	case r.Version != recordVersion:
		return fmt.Errorf("version %d", r.Version)
	case r.Number != number:
		return fmt.Errorf("number %d in the directory of %d", r.Number, number)
	case r.Foreign && number == 0:
		return nil
	case number == 0 || r.Foreign:
		return errors.New("only generation 0 is foreign")
	case len(r.EnrollID) != 8 || len(r.SPKI) != 32 || len(r.CSR) == 0 || r.DeviceID == "":
		return errors.New("a field is missing")
	case len(r.WireGuard) != 0 && len(r.WireGuard) != 32:
		return errors.New("WireGuard key is not 32 bytes")
	}
	return nil
}

func (s *Store) readGeneration(r rev) (*agent.Generation, error) {
	b, err := s.fs.ReadFile(s.path(dirGenerations, r.String(), fileGeneration))
	if err != nil {
		return nil, fmt.Errorf("%w: generation %s: %w", ErrDamaged, r, err)
	}
	var rec generationRecord
	if err := strictJSON(b, &rec); err != nil {
		return nil, fmt.Errorf("%w: generation %s: %w", ErrDamaged, r, err)
	}
	if err := rec.check(r.number); err != nil {
		return nil, fmt.Errorf("%w: generation %s: %w", ErrDamaged, r, err)
	}
	return rec.generation(), nil
}

// strictJSON decodes exactly one value without unknown fields.
func strictJSON(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("data after the record")
	}
	return nil
}
