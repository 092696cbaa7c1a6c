package filestore

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"provstation/serialproto/agent"
)

const (
	modePublic = 0o644
	modeSecret = 0o600
	modeDir    = 0o755

	dirGenerations = "generations"
	dirStaging     = "staging"
	linkCurrent    = "current"
)

// ErrDamaged is the class of every state file that does not read. A damaged store is never taken for an empty one.
var ErrDamaged = errors.New("store is damaged")

// Names are the files that the device's other programs know, relative to the state directory. An empty name means the
// default beside it.
type Names struct {
	Key    string // device-key.pem
	Device string // device.pem
	Anchor string // ca-chain.pem
	WGConf string // wg0.conf
	Flag   string // .enrolled
	// OtherFlags are flags that mean the same to a store without agent state. Default: "enrolled".
	OtherFlags []string
}

// Config of a store. The zero value is the enrollment script's layout.
type Config struct {
	Names Names
	// Copies makes the visible files copies instead of symbolic links. Always so on Windows.
	Copies bool
	// Volatile leaves out syncing: for virtual devices, many of which share one disk and none of which loses its power
	// without the whole machine. Everything else is as ever.
	Volatile bool
	// Before, if not nil, is asked before every operation that changes the directory (mkdir, create, write, sync, rename,
	// remove, symlink); its error is the operation's. For tests and training: a full flash, a power cut.
	Before func(op, path string) error
}

// Store is an agent.Store in a directory. One process may use a directory at a time; that is the caller's to ensure.
type Store struct {
	mu    sync.Mutex
	fs    fsys
	dir   string
	names Names
	copy  bool
}

var _ agent.Store = (*Store)(nil)

// Open opens or creates the store in dir, finishes what a power cut interrupted and checks that all of it reads.
// Errors: ErrDamaged, agent.ErrNoSpace, or the file system's.
func Open(dir string, cfg Config) (*Store, error) {
	var f fsys = disk{}
	if cfg.Volatile {
		f = volatile{}
	}
	if cfg.Before != nil {
		f = guarded{f, cfg.Before}
	}
	return open(f, dir, cfg)
}

func open(f fsys, dir string, cfg Config) (*Store, error) {
	s := &Store{fs: f, dir: dir, names: cfg.Names.withDefaults(), copy: cfg.Copies || runtime.GOOS == "windows"}
	if err := s.names.check(); err != nil {
		return nil, fmt.Errorf("store %s: %w", dir, err)
	}
	if err := s.prepare(); err != nil {
		return nil, fmt.Errorf("store %s: %w", dir, mapped(err))
	}
	if _, err := s.Load(); err != nil {
		return nil, err
	}
	if err := s.finish(); err != nil {
		return nil, fmt.Errorf("store %s: finish what was interrupted: %w", dir, mapped(err))
	}
	return s, nil
}

func (n Names) withDefaults() Names {
	set := func(p *string, v string) {
		if *p == "" {
			*p = v
		}
	}
	set(&n.Key, fileKey)
	set(&n.Device, fileDevice)
	set(&n.Anchor, fileAnchor)
	set(&n.WGConf, fileWGConf)
	set(&n.Flag, fileFlag)
	if n.OtherFlags == nil {
		n.OtherFlags = []string{"enrolled"}
	}
	return n
}

func (n Names) check() error {
	all := append([]string{n.Key, n.Device, n.Anchor, n.WGConf, n.Flag}, n.OtherFlags...)
	reserved := []string{dirGenerations, dirStaging, linkCurrent, fileAgent, "renewal", "agent.lock"} // the last two are the agent's
	for i, name := range all {
		switch {
		case name == "" || name == "." || name == ".." || name != filepath.Base(name):
			return fmt.Errorf("file name %q is not a plain name", name)
		case slices.Contains(reserved, name) || slices.Contains(all[:i], name):
			return fmt.Errorf("file name %q is used twice", name)
		}
	}
	return nil
}

// prepare makes the directories.
func (s *Store) prepare() error {
	made := false
	for _, d := range []string{s.dir, s.path(dirGenerations), s.path(dirStaging)} {
		switch err := s.fs.Mkdir(d, modeDir); {
		case err == nil:
			made = true
			if err := s.fs.SyncDir(filepath.Dir(d)); err != nil {
				return err
			}
		case !exists(err):
			return err
		}
	}
	if made {
		return s.fs.SyncDir(s.dir)
	}
	return nil
}

// finish removes leftovers and, with copies, repeats the last publication.
func (s *Store) finish() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.sweep(); err != nil {
		return err
	}
	if err := s.sweepTemporary(); err != nil {
		return err
	}
	if !s.copy {
		return nil
	}
	cur, err := s.current()
	if err != nil || cur == nil {
		return err
	}
	return s.publishCopies(*cur)
}

// Load reads everything from the directory. Errors: ErrDamaged and the file system's.
func (s *Store) Load() (agent.State, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.finishErasing(); err != nil {
		return agent.State{}, fmt.Errorf("store %s: %w", s.dir, mapped(err))
	}
	st, err := s.load()
	if err != nil {
		return agent.State{}, fmt.Errorf("store %s: %w", s.dir, err)
	}
	return st, nil
}

func (s *Store) load() (agent.State, error) {
	rec, err := s.readAgent()
	if err != nil {
		return agent.State{}, err
	}
	lay, err := s.layout()
	if err != nil {
		return agent.State{}, err
	}
	st := agent.State{Last: rec.Last, Retired: rec.retired(), Floor: rec.floor(), Failures: rec.Failures, Pending: lay.renewed != nil}
	if lay.active != nil {
		if st.Active, err = s.readGeneration(*lay.active); err != nil {
			return agent.State{}, err
		}
	} else if st.Active, err = s.foreign(rec); err != nil {
		return agent.State{}, err
	}
	st.Newest = st.Active
	if n := lay.newest; n != nil && (lay.active == nil || n.number != lay.active.number) {
		if st.Newest, err = s.readGeneration(*n); err != nil {
			return agent.State{}, err
		}
	}
	if st.Newest != nil && st.Newest.Number > st.Last {
		return agent.State{}, fmt.Errorf("%w: %s does not know generation %d", ErrDamaged, fileAgent, st.Newest.Number)
	}
	return st, nil
}

// RaiseFloor stores the highest trusted time seen.
func (s *Store) RaiseFloor(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	rec, err := s.readAgent()
	if err != nil {
		return err
	}
	if !t.After(rec.floor()) {
		return nil
	}
	rec.Floor = t.UnixMicro()
	return mapped(s.writeAgent(rec))
}

func (s *Store) path(parts ...string) string {
	return filepath.Join(append([]string{s.dir}, parts...)...)
}

// write puts a file in place: the old content or the new one, whatever happens.
func (s *Store) write(dir, name string, data []byte, mode uint32) error {
	tmp := filepath.Join(dir, prefixTemporary+name)
	if err := s.fs.Remove(tmp); err != nil && !missing(err) {
		return err
	}
	if err := s.create(tmp, data, mode); err != nil {
		s.discard(tmp)
		return err
	}
	if err := s.fs.Rename(tmp, filepath.Join(dir, name)); err != nil {
		s.discard(tmp)
		return err
	}
	return s.fs.SyncDir(dir)
}

// sweepTemporary removes files that were on their way into place when the power went; one may hold a secret.
func (s *Store) sweepTemporary() error {
	l, err := s.layout()
	if err != nil {
		return err
	}
	dirs := []string{s.dir, s.path(dirStaging)}
	for _, r := range l.all {
		dirs = append(dirs, s.path(dirGenerations, r.String()))
	}
	for _, dir := range dirs {
		names, err := s.fs.ReadDir(dir)
		if err != nil {
			return err
		}
		for _, n := range names {
			if !strings.HasPrefix(n, prefixTemporary) {
				continue
			}
			if err := s.fs.Remove(filepath.Join(dir, n)); err != nil && !missing(err) {
				return err
			}
		}
	}
	return nil
}

// discard gives space back after a failure. What it cannot remove, the next sweep does.
func (s *Store) discard(path string) { _ = s.fs.Remove(path) }

// create makes a new file and syncs it.
func (s *Store) create(path string, data []byte, mode uint32) error {
	f, err := s.fs.Create(path, fileMode(mode))
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// readOptional reads a file; a missing one is empty.
func (s *Store) readOptional(path string) ([]byte, error) {
	b, err := s.fs.ReadFile(path)
	if missing(err) {
		return nil, nil
	}
	return b, err
}

func containsID(ids [][]byte, id []byte) bool {
	return slices.ContainsFunc(ids, func(x []byte) bool { return bytes.Equal(x, id) })
}
