package filestore

import (
	"errors"
	"fmt"

	"provstation/serialproto/agent"
)

var errNotActive = errors.New("generation is not active")

// Renew stores new files for the active generation as a revision beside the active one.
func (s *Store) Renew(number uint32, f agent.Files) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return mapped(s.renew(number, f))
}

func (s *Store) renew(number uint32, f agent.Files) error {
	l, err := s.layout()
	if err != nil {
		return err
	}
	if l.active == nil || l.active.number != number || number == 0 {
		return fmt.Errorf("renew generation %d: %w", number, errNotActive)
	}
	g, err := s.readGeneration(*l.active)
	if err != nil {
		return err
	}
	secrets, err := s.secrets(number)
	if err != nil {
		return err
	}
	flag, err := s.readOptional(s.path(dirGenerations, l.active.String(), fileFlag))
	if err != nil {
		return err
	}
	next := rev{number, l.active.revision + 1}
	if l.renewed != nil {
		next.revision = l.renewed.revision + 1
	}
	if err := s.buildWith(next, *g, secrets, f, flag); err != nil {
		return fmt.Errorf("renew: %w", err)
	}
	return s.sweep()
}

// Renewed reads what Renew stored.
func (s *Store) Renewed(number uint32) (agent.Files, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, err := s.layout()
	if err != nil {
		return agent.Files{}, err
	}
	if l.renewed == nil || l.renewed.number != number {
		return agent.Files{}, fmt.Errorf("renewal of generation %d: %w", number, agent.ErrNoGeneration)
	}
	return s.inside(*l.renewed)
}

// inside reads the files in a generation's directory.
func (s *Store) inside(r rev) (f agent.Files, err error) {
	for _, x := range []struct {
		name string
		to   *[]byte
	}{
		{fileDevice, &f.Device}, {fileAnchor, &f.Anchor}, {fileWGConf, (*[]byte)(&f.WGConf)}, {filePins, &f.Pins},
	} {
		if *x.to, err = s.readOptional(s.path(dirGenerations, r.String(), x.name)); err != nil {
			return agent.Files{}, err
		}
	}
	return f, nil
}

// Switch makes the renewal the active revision.
func (s *Store) Switch(number uint32) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return mapped(s.switchTo(number))
}

func (s *Store) switchTo(number uint32) error {
	l, err := s.layout()
	if err != nil {
		return err
	}
	if l.renewed == nil || l.renewed.number != number {
		return fmt.Errorf("switch to the renewal of generation %d: %w", number, agent.ErrNoGeneration)
	}
	if err := s.carryCounts(*l.active, *l.renewed); err != nil {
		return fmt.Errorf("switch: %w", err)
	}
	if !s.copy {
		if err := s.publishLinks(); err != nil { // a program may have put a file in a link's place
			return fmt.Errorf("switch: %w", err)
		}
	}
	if err := s.setCurrent(*l.renewed); err != nil {
		return fmt.Errorf("switch: %w", err)
	}
	if s.copy {
		if err := s.publishCopies(*l.renewed); err != nil {
			return fmt.Errorf("switch: %w", err)
		}
	}
	return s.sweep()
}

// carryCounts takes what the active revision has counted since the renewal was stored into the renewal.
func (s *Store) carryCounts(from, to rev) error {
	have, err := s.readGeneration(from)
	if err != nil {
		return err
	}
	g, err := s.readGeneration(to)
	if err != nil {
		return err
	}
	if g.Signed == have.Signed && g.Tokens == have.Tokens {
		return nil
	}
	g.Signed, g.Tokens = have.Signed, have.Tokens
	return s.writeGeneration(to, *g)
}

// Revert drops what Renew stored.
func (s *Store) Revert() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, err := s.layout()
	if err != nil || l.renewed == nil {
		return err
	}
	return mapped(s.retire(*l.renewed, false))
}
