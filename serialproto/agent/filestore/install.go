package filestore

import (
	"fmt"
	"io/fs"
	"path"
	"strings"

	"provstation/serialproto/agent"
)

// visible pairs a file inside a generation with the name the device's programs know it by.
type visible struct {
	inside string
	name   string
	mode   uint32
}

func (s *Store) visible() []visible {
	return []visible{
		{fileKey, s.names.Key, modeSecret},
		{fileDevice, s.names.Device, modePublic},
		{fileAnchor, s.names.Anchor, modePublic},
		{fileWGConf, s.names.WGConf, modeSecret},
		{fileFlag, s.names.Flag, modePublic},
	}
}

// Install stores the files of a generation that is not active, as its next revision.
func (s *Store) Install(number uint32, f agent.Files) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return mapped(s.install(number, f))
}

func (s *Store) install(number uint32, f agent.Files) error {
	l, err := s.layout()
	if err != nil {
		return err
	}
	if l.active != nil && l.active.number == number {
		return fmt.Errorf("install: generation %d is active", number)
	}
	r, err := l.of(number)
	if err != nil {
		return fmt.Errorf("install: %w", err)
	}
	g, err := s.readGeneration(r)
	if err != nil {
		return err
	}
	secrets, err := s.secrets(number)
	if err != nil {
		return err
	}
	g.Installed = true
	if err := s.build(rev{r.number, r.revision + 1}, *g, secrets, f); err != nil {
		return fmt.Errorf("install: %w", err)
	}
	return s.sweep()
}

// Files reads what a generation holds. For the active one the visible names count.
func (s *Store) Files(number uint32) (agent.Files, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, err := s.layout()
	if err != nil {
		return agent.Files{}, err
	}
	foreign := number == 0 && l.active == nil
	shown := foreign || l.active != nil && l.active.number == number && !s.copy
	var r rev
	if !foreign {
		if r, err = l.of(number); err != nil {
			return agent.Files{}, err
		}
	}
	read := func(v visible) ([]byte, error) {
		if shown {
			if b, err := s.fs.ReadFile(s.path(v.name)); foreign || err == nil || !missing(err) {
				if missing(err) {
					err = nil
				}
				return b, err
			}
		}
		return s.readOptional(s.path(dirGenerations, r.String(), v.inside))
	}
	var f agent.Files
	for _, v := range s.visible() {
		var err error
		switch v.inside {
		case fileDevice:
			f.Device, err = read(v)
		case fileAnchor:
			f.Anchor, err = read(v)
		case fileWGConf:
			f.WGConf, err = read(v)
		}
		if err != nil {
			return agent.Files{}, err
		}
	}
	if !foreign {
		if f.Pins, err = s.readOptional(s.path(dirGenerations, r.String(), filePins)); err != nil {
			return agent.Files{}, err
		}
	}
	return f, nil
}

// Activate writes the flag into the generation and switches to it.
func (s *Store) Activate(number uint32, flag string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return mapped(s.activate(number, flag))
}

func (s *Store) activate(number uint32, flag string) error {
	l, err := s.layout()
	if err != nil {
		return err
	}
	r, err := l.of(number)
	if err != nil {
		return fmt.Errorf("activate: %w", err)
	}
	g, err := s.readGeneration(r)
	if err != nil {
		return err
	}
	if !g.Installed {
		return fmt.Errorf("activate: generation %d holds no certificate", number)
	}
	content := []byte(flag + "\n")
	if err := s.write(s.path(dirGenerations, r.String()), fileFlag, content, modePublic); err != nil {
		return fmt.Errorf("activate: %w", err)
	}
	if l.active == nil {
		if err := s.adoptFiles(); err != nil {
			return fmt.Errorf("activate: keep the files that were there: %w", err)
		}
	}
	if err := s.forgetActive(); err != nil {
		return fmt.Errorf("activate: %w", err)
	}
	if !s.copy {
		if err := s.publishLinks(); err != nil {
			return fmt.Errorf("activate: %w", err)
		}
	}
	if err := s.setCurrent(r); err != nil {
		return fmt.Errorf("activate: %w", err)
	}
	if s.copy {
		if err := s.publishCopies(r); err != nil {
			return fmt.Errorf("activate: %w", err)
		}
	}
	return s.sweep()
}

// forgetActive remembers the enroll id that is about to be replaced. It is done before the switch, since after it
// nothing may need space any more. For an id that stays active it has no effect.
func (s *Store) forgetActive() error {
	cur, err := s.current()
	if err != nil || cur == nil {
		return err
	}
	g, err := s.readGeneration(*cur)
	if err != nil {
		return err
	}
	return s.forget(g.EnrollID)
}

// current gives the active generation, nil if there is none.
func (s *Store) current() (*rev, error) {
	p := s.path(linkCurrent)
	mode, err := s.fs.Lstat(p)
	if missing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var target string
	if mode&fs.ModeSymlink != 0 {
		target, err = s.fs.Readlink(p)
	} else {
		var b []byte
		b, err = s.fs.ReadFile(p)
		target = strings.TrimSpace(string(b))
	}
	if err != nil {
		return nil, err
	}
	dir, name := path.Split(target)
	r, ok := parseRev(name)
	if !ok || dir != dirGenerations+"/" {
		return nil, fmt.Errorf("%w: %q is not a generation", ErrDamaged, target)
	}
	return &r, nil
}

// setCurrent is the switch: one rename.
func (s *Store) setCurrent(r rev) error {
	target := dirGenerations + "/" + r.String()
	if s.copy {
		return s.write(s.dir, linkCurrent, []byte(target+"\n"), modePublic)
	}
	return s.link(target, linkCurrent)
}

// link puts a symbolic link in place of whatever has that name.
func (s *Store) link(target, name string) error {
	if err := s.linkUnsynced(target, name); err != nil {
		return err
	}
	return s.fs.SyncDir(s.dir)
}

// linkUnsynced is link without making it durable.
func (s *Store) linkUnsynced(target, name string) error {
	tmp := s.path(prefixTemporary + name)
	if err := s.fs.Remove(tmp); err != nil && !missing(err) {
		return err
	}
	if err := s.fs.Symlink(target, tmp); err != nil {
		return err
	}
	if err := s.fs.Rename(tmp, s.path(name)); err != nil {
		s.discard(tmp)
		return err
	}
	return nil
}

// linked reports whether a visible name is our link already.
func (s *Store) linked(v visible) bool {
	mode, err := s.fs.Lstat(s.path(v.name))
	if err != nil || mode&fs.ModeSymlink == 0 {
		return false
	}
	target, err := s.fs.Readlink(s.path(v.name))
	return err == nil && target == linkCurrent+"/"+v.inside
}

// publishLinks makes every visible name a link through current. Until current exists they lead nowhere, as if the files
// were not there; from then on all of them change together. A file that some program put in a link's place is first
// taken into the active generation, so that what programs see stays the same at every step.
func (s *Store) publishLinks() error {
	cur, err := s.current()
	if err != nil {
		return err
	}
	list := s.visible()
	for _, other := range s.names.OtherFlags {
		if _, err := s.fs.Lstat(s.path(other)); err == nil {
			list = append(list, visible{fileFlag, other, modePublic})
		}
	}
	changed := false
	for _, v := range list {
		if s.linked(v) {
			continue
		}
		b, err := s.readOptional(s.path(v.name))
		if err != nil {
			return err
		}
		if cur != nil && b != nil {
			if err := s.write(s.path(dirGenerations, cur.String()), v.inside, b, v.mode); err != nil {
				return err
			}
		}
		if err := s.linkUnsynced(linkCurrent+"/"+v.inside, v.name); err != nil {
			return err
		}
		changed = true
	}
	if !changed {
		return nil
	}
	return s.fs.SyncDir(s.dir) // once: each link by itself leaves what programs see as it was
}

// publishCopies writes the visible files of a generation, the flag last.
func (s *Store) publishCopies(r rev) error {
	for _, v := range s.visible() {
		b, err := s.readOptional(s.path(dirGenerations, r.String(), v.inside))
		if err != nil {
			return err
		}
		have, err := s.readOptional(s.path(v.name))
		if err != nil {
			return err
		}
		switch {
		case b == nil && have != nil:
			err = s.fs.Remove(s.path(v.name))
		case b != nil && string(b) != string(have):
			err = s.write(s.dir, v.name, b, v.mode)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
