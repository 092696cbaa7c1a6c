package filestore

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"provstation/serialproto/agent"
)

// Names inside a generation's directory. They are the script's names and do not follow Config.Names.
const (
	fileKey     = "device-key.pem"
	fileDevice  = "device.pem"
	fileAnchor  = "ca-chain.pem"
	fileWGConf  = "wg0.conf"
	fileFlag    = ".enrolled"
	fileWGKey   = "wireguard.key" // as `wg genkey` prints it
	filePins    = "unlock.pem"    // not among the visible names: nothing but the agent reads it
	prefixNew   = ".new-"
	prefixTrash = ".trash-"

	prefixTemporary = ".tmp-" // a single file before it is renamed into place
)

// rev names a generation's directory: number and revision. A revision is never changed in what it holds, but for its
// record and flag; installing makes the next one.
type rev struct{ number, revision uint32 }

func (r rev) String() string { return fmt.Sprintf("%d.%d", r.number, r.revision) }

func (r rev) after(o rev) bool {
	return r.number > o.number || r.number == o.number && r.revision > o.revision
}

// parseRev reads a directory name; anything that String would not have written is none.
func parseRev(name string) (rev, bool) {
	a, b, ok := strings.Cut(name, ".")
	if !ok {
		return rev{}, false
	}
	n, err1 := strconv.ParseUint(a, 10, 32)
	m, err2 := strconv.ParseUint(b, 10, 32)
	r := rev{uint32(n), uint32(m)}
	return r, err1 == nil && err2 == nil && r.String() == name
}

// layout is what the generations directory holds.
type layout struct {
	all     []rev
	newest  *rev // of the newest generation: the active revision where that is the active one
	active  *rev
	renewed *rev // a revision of the active generation beside the active one
}

func (s *Store) layout() (layout, error) {
	var l layout
	names, err := s.fs.ReadDir(s.path(dirGenerations))
	if err != nil {
		return l, err
	}
	for _, n := range names {
		if r, ok := parseRev(n); ok {
			l.all = append(l.all, r)
			if l.newest == nil || r.after(*l.newest) {
				l.newest = &r
			}
		}
	}
	if l.active, err = s.current(); err != nil {
		return l, err
	}
	if l.active != nil && !l.has(*l.active) {
		return l, fmt.Errorf("%w: active generation %s is missing", ErrDamaged, l.active)
	}
	l.renewals()
	return l, nil
}

// renewals tells revisions of the active generation that a renewal left beside it from a generation of its own.
func (l *layout) renewals() {
	if l.active == nil {
		return
	}
	for _, r := range l.all {
		if r.number == l.active.number && r.after(*l.active) && (l.renewed == nil || r.after(*l.renewed)) {
			l.renewed = &r
		}
	}
	if l.newest.number == l.active.number {
		l.newest = l.active
	}
}

func (l layout) has(r rev) bool {
	for _, x := range l.all {
		if x == r {
			return true
		}
	}
	return false
}

// of gives the directory of a generation: the active revision if it is active, else the newest one.
func (l layout) of(number uint32) (rev, error) {
	if l.active != nil && l.active.number == number {
		return *l.active, nil
	}
	var best *rev
	for _, r := range l.all {
		if r.number == number && (best == nil || r.after(*best)) {
			best = &r
		}
	}
	if best == nil {
		return rev{}, fmt.Errorf("generation %d: %w", number, agent.ErrNoGeneration)
	}
	return *best, nil
}

// Create stores a new generation and drops older ones that were not activated.
func (s *Store) Create(g agent.Generation, secrets agent.Secrets) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return mapped(s.createGeneration(g, secrets))
}

func (s *Store) createGeneration(g agent.Generation, secrets agent.Secrets) error {
	if err := recordOf(g).check(g.Number); err != nil {
		return fmt.Errorf("create generation: %w", err)
	}
	rec, err := s.readAgent()
	if err != nil {
		return err
	}
	if g.Number <= rec.Last {
		return fmt.Errorf("create generation %d: %d was used before", g.Number, rec.Last)
	}
	rec.Last = g.Number
	if err := s.writeAgent(rec); err != nil {
		return fmt.Errorf("create generation: %w", err)
	}
	if err := s.build(rev{g.Number, 1}, g, secrets, agent.Files{}); err != nil {
		return fmt.Errorf("create generation: %w", err)
	}
	return s.sweep()
}

// build writes a generation's directory under another name and renames it into place.
func (s *Store) build(r rev, g agent.Generation, secrets agent.Secrets, f agent.Files) error {
	return s.buildWith(r, g, secrets, f, nil)
}

// buildWith is build for a generation that has its flag already.
func (s *Store) buildWith(r rev, g agent.Generation, secrets agent.Secrets, f agent.Files, flag []byte) error {
	tmp := s.path(dirGenerations, prefixNew+r.String())
	if err := s.removeDir(tmp); err != nil {
		return err
	}
	if err := s.fill(tmp, g, secrets, f, flag); err != nil {
		_ = s.removeDir(tmp) // give the space back; else the next sweep does
		return err
	}
	if err := s.fs.Rename(tmp, s.path(dirGenerations, r.String())); err != nil {
		_ = s.removeDir(tmp)
		return err
	}
	return s.fs.SyncDir(s.path(dirGenerations))
}

func (s *Store) fill(dir string, g agent.Generation, secrets agent.Secrets, f agent.Files, flag []byte) error {
	rec, err := json.Marshal(recordOf(g))
	if err != nil {
		return err
	}
	if err := s.fs.Mkdir(dir, modeDir); err != nil {
		return err
	}
	var wg []byte
	if len(secrets.WireGuard) > 0 {
		wg = []byte(base64.StdEncoding.EncodeToString(secrets.WireGuard) + "\n")
	}
	for _, x := range []struct {
		name string
		data []byte
		mode uint32
	}{
		{fileKey, secrets.Key, modeSecret},
		{fileWGKey, wg, modeSecret},
		{fileDevice, f.Device, modePublic},
		{fileAnchor, f.Anchor, modePublic},
		{fileWGConf, f.WGConf, modeSecret},
		{filePins, f.Pins, modePublic},
		{fileFlag, flag, modePublic},
		{fileGeneration, rec, modePublic},
	} {
		if len(x.data) == 0 {
			continue
		}
		if err := s.create(dir+"/"+x.name, x.data, x.mode); err != nil {
			return err
		}
	}
	return s.fs.SyncDir(dir)
}

// Secrets reads a generation's private halves.
func (s *Store) Secrets(number uint32) (agent.Secrets, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.secrets(number)
}

func (s *Store) secrets(number uint32) (agent.Secrets, error) {
	l, err := s.layout()
	if err != nil {
		return agent.Secrets{}, err
	}
	if number == 0 && l.active == nil {
		key, err := s.fs.ReadFile(s.path(s.names.Key))
		return agent.Secrets{Key: key}, err
	}
	r, err := l.of(number)
	if err != nil {
		return agent.Secrets{}, err
	}
	key, err := s.fs.ReadFile(s.path(dirGenerations, r.String(), fileKey))
	if err != nil {
		return agent.Secrets{}, fmt.Errorf("%w: generation %s: %w", ErrDamaged, r, err)
	}
	wg, err := s.readOptional(s.path(dirGenerations, r.String(), fileWGKey))
	if err != nil {
		return agent.Secrets{}, err
	}
	out := agent.Secrets{Key: key}
	if len(wg) > 0 {
		out.WireGuard, err = base64.StdEncoding.DecodeString(strings.TrimSpace(string(wg)))
		if err != nil || len(out.WireGuard) != 32 {
			return agent.Secrets{}, fmt.Errorf("%w: generation %s: WireGuard key does not parse", ErrDamaged, r)
		}
	}
	return out, nil
}

// Count stores a generation's numbers of TLS signatures and tokens.
func (s *Store) Count(number, signed, tokens uint32) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return mapped(s.count(number, signed, tokens))
}

func (s *Store) count(number, signed, tokens uint32) error {
	l, err := s.layout()
	if err != nil {
		return err
	}
	if number == 0 && l.active == nil {
		rec, err := s.readAgent()
		if err != nil {
			return err
		}
		rec.ForeignSigned = signed
		return s.writeAgent(rec)
	}
	r, err := l.of(number)
	if err != nil {
		return err
	}
	g, err := s.readGeneration(r)
	if err != nil {
		return err
	}
	g.Signed, g.Tokens = signed, tokens
	return s.writeGeneration(r, *g)
}

func (s *Store) writeGeneration(r rev, g agent.Generation) error {
	b, err := json.Marshal(recordOf(g))
	if err != nil {
		return err
	}
	return s.write(s.path(dirGenerations, r.String()), fileGeneration, b, modePublic)
}

// CountFailures stores the number of unlocks that failed in a row.
func (s *Store) CountFailures(n uint32) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	rec, err := s.readAgent()
	if err != nil || rec.Failures == n {
		return err
	}
	rec.Failures = n
	return mapped(s.writeAgent(rec))
}

// Drop removes the newest generation unless it is active. Its enroll id is never used again.
func (s *Store) Drop(number uint32) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return mapped(s.drop(number))
}

func (s *Store) drop(number uint32) error {
	l, err := s.layout()
	if err != nil {
		return err
	}
	if l.active != nil && l.active.number == number {
		return fmt.Errorf("generation %d is active", number)
	}
	for _, r := range l.all {
		if r.number == number {
			if err := s.retire(r, true); err != nil {
				return err
			}
		}
	}
	return nil
}

// retire takes a generation's directory away in one step and then empties it. With forget, its enroll id is remembered
// first as one whose key is gone.
func (s *Store) retire(r rev, forget bool) error {
	if forget {
		g, err := s.readGeneration(r)
		if err != nil {
			return err
		}
		if err := s.forget(g.EnrollID); err != nil {
			return err
		}
	}
	trash := s.path(dirGenerations, prefixTrash+r.String())
	if err := s.removeDir(trash); err != nil {
		return err
	}
	if err := s.fs.Rename(s.path(dirGenerations, r.String()), trash); err != nil {
		return err
	}
	if err := s.fs.SyncDir(s.path(dirGenerations)); err != nil {
		return err
	}
	return s.removeDir(trash)
}

// forget remembers an enroll id as one whose key is gone or about to go.
func (s *Store) forget(id []byte) error {
	rec, err := s.readAgent()
	if err != nil || len(id) == 0 || containsID(rec.retired(), id) {
		return err
	}
	rec.retire(id)
	return s.writeAgent(rec)
}

// sweep removes what is neither the newest generation nor the active one nor its renewal, and what a power cut left half done.
func (s *Store) sweep() error {
	names, err := s.fs.ReadDir(s.path(dirGenerations))
	if err != nil {
		return err
	}
	for _, n := range names {
		if strings.HasPrefix(n, prefixNew) || strings.HasPrefix(n, prefixTrash) {
			if err := s.removeDir(s.path(dirGenerations, n)); err != nil {
				return err
			}
		}
	}
	l, err := s.layout()
	if err != nil {
		return err
	}
	for _, r := range l.all {
		keep := r == *l.newest || l.active != nil && r == *l.active
		if keep || l.renewed != nil && r == *l.renewed {
			continue
		}
		sameKey := r.number == l.newest.number || l.active != nil && r.number == l.active.number
		if err := s.retire(r, !sameKey); err != nil {
			return err
		}
	}
	return nil
}

// removeDir removes a flat directory; a missing one is fine.
func (s *Store) removeDir(dir string) error {
	names, err := s.fs.ReadDir(dir)
	if missing(err) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, n := range names {
		if err := s.fs.Remove(dir + "/" + n); err != nil && !missing(err) {
			return err
		}
	}
	return s.fs.Remove(dir)
}
