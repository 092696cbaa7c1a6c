package filestore

import (
	"io/fs"
	"slices"
	"strings"
)

// Erase removes all keys and files. The mark in agent.json is the point of no return: from then on the store is empty, and
// whoever opens it next finishes what was begun.
func (s *Store) Erase() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	rec, err := s.readAgent()
	if err != nil {
		return err
	}
	l, err := s.layout()
	if err != nil {
		return err
	}
	for _, r := range l.all {
		g, err := s.readGeneration(r)
		if err != nil {
			return err
		}
		if len(g.EnrollID) > 0 && !containsID(rec.retired(), g.EnrollID) {
			rec.retire(g.EnrollID)
		}
	}
	rec.Erasing, rec.Failures, rec.ForeignSigned = true, 0, 0
	if err := s.writeAgent(rec); err != nil {
		return mapped(err)
	}
	return mapped(s.finishErasing())
}

// finishErasing removes what an erasure has to remove, if one was begun. Visible names go first, then current, so that at no
// step a program sees half a set through it; then the keys.
func (s *Store) finishErasing() error {
	rec, err := s.readAgent()
	if err != nil || !rec.Erasing {
		return err
	}
	if err := s.removeVisible(); err != nil {
		return err
	}
	names, err := s.fs.ReadDir(s.path(dirGenerations))
	if err != nil {
		return err
	}
	for _, n := range names {
		if err := s.removeDir(s.path(dirGenerations, n)); err != nil {
			return err
		}
	}
	if err := s.fs.SyncDir(s.path(dirGenerations)); err != nil {
		return err
	}
	if names, err = s.fs.ReadDir(s.path(dirStaging)); err != nil {
		return err
	}
	for _, n := range names {
		if err := s.fs.Remove(s.path(dirStaging, n)); err != nil && !missing(err) {
			return err
		}
	}
	if err := s.fs.SyncDir(s.path(dirStaging)); err != nil {
		return err
	}
	rec.Erasing = false
	return s.writeAgent(rec)
}

// removeVisible removes the visible files and links, current, and files on their way into place.
func (s *Store) removeVisible() error {
	list := []string{linkCurrent}
	for _, v := range slices.Backward(s.visible()) { // the flag first
		list = append(list, v.name)
	}
	for _, other := range s.names.OtherFlags {
		mode, err := s.fs.Lstat(s.path(other))
		if err == nil && mode&fs.ModeSymlink != 0 {
			list = append(list, other)
		}
	}
	names, err := s.fs.ReadDir(s.dir)
	if err != nil {
		return err
	}
	for _, n := range names {
		if strings.HasPrefix(n, prefixTemporary) {
			list = append(list, n)
		}
	}
	for _, n := range list {
		if err := s.fs.Remove(s.path(n)); err != nil && !missing(err) {
			return err
		}
	}
	return s.fs.SyncDir(s.dir)
}
