package filestore

import (
	"encoding/json"
	"fmt"
	"strings"

	"provstation/serialproto"
	"provstation/serialproto/agent"
)

// stagedRecord is one staged object. wg0.conf is staged without its private key, so none of it is secret.
type stagedRecord struct {
	Version  int             `json:"version"`
	EnrollID []byte          `json:"enroll_id"`
	Obj      serialproto.Obj `json:"object"`
	Total    uint32          `json:"total"`
	SHA256   []byte          `json:"sha256"`
	Data     []byte          `json:"data,omitempty"`
}

// Stage stores what has come of an object, in place of what was there.
func (s *Store) Stage(x agent.Staged) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := json.Marshal(stagedRecord{
		Version: recordVersion, EnrollID: x.EnrollID, Obj: x.Obj, Total: x.Total, SHA256: x.SHA256, Data: x.Data,
	})
	if err != nil {
		return err
	}
	if err := s.write(s.path(dirStaging), fmt.Sprintf("object-%d.json", x.Obj), b, modeSecret); err != nil {
		return fmt.Errorf("stage object %d: %w", x.Obj, mapped(err))
	}
	return nil
}

// Staged reads everything staged. A staged file that does not read counts as not there: the station sends it again.
func (s *Store) Staged() ([]agent.Staged, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	names, err := s.fs.ReadDir(s.path(dirStaging))
	if err != nil {
		return nil, err
	}
	var out []agent.Staged
	for _, n := range names {
		if !strings.HasPrefix(n, "object-") {
			continue
		}
		b, err := s.fs.ReadFile(s.path(dirStaging, n))
		if err != nil {
			return nil, err
		}
		var r stagedRecord
		if strictJSON(b, &r) != nil || r.Version != recordVersion || uint32(len(r.Data)) > r.Total || len(r.SHA256) != 32 {
			continue
		}
		out = append(out, agent.Staged{EnrollID: r.EnrollID, Obj: r.Obj, Total: r.Total, SHA256: r.SHA256, Data: r.Data})
	}
	return out, nil
}

// Unstage drops everything staged.
func (s *Store) Unstage() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	names, err := s.fs.ReadDir(s.path(dirStaging))
	if err != nil {
		return err
	}
	for _, n := range names {
		if err := s.fs.Remove(s.path(dirStaging, n)); err != nil && !missing(err) {
			return err
		}
	}
	if len(names) == 0 {
		return nil
	}
	return s.fs.SyncDir(s.path(dirStaging))
}
