package filestore

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"provstation/serialproto/agent"
)

func tagID(tag string) []byte { return []byte((tag + "--------")[:8]) }

// The steps of an enrollment, each as an agent that comes back after a reset would do it.

func create(tag string) func(*Store) error {
	return func(s *Store) error {
		st, err := s.Load()
		if err != nil {
			return err
		}
		if st.Newest != nil && bytes.Equal(st.Newest.EnrollID, tagID(tag)) {
			return nil
		}
		return s.Create(agent.Generation{
			Number: st.Last + 1, EnrollID: tagID(tag), DeviceID: tag, Alg: 1, CSR: []byte("csr of " + tag),
			SPKI: make([]byte, 32), WireGuard: make([]byte, 32),
		}, agent.Secrets{Key: []byte("key of " + tag), WireGuard: make([]byte, 32)})
	}
}

// createKeeping begins a generation that has the WireGuard key of the active one, whose tunnel it keeps.
func createKeeping(tag string) func(*Store) error {
	return func(s *Store) error {
		st, err := s.Load()
		if err != nil || bytes.Equal(st.Newest.EnrollID, tagID(tag)) {
			return err
		}
		secrets, err := s.Secrets(st.Active.Number)
		if err != nil {
			return err
		}
		return s.Create(agent.Generation{
			Number: st.Last + 1, EnrollID: tagID(tag), DeviceID: tag, Alg: 1, CSR: []byte("csr of " + tag),
			SPKI: make([]byte, 32), WireGuard: st.Active.WireGuard, KeepTunnel: true,
		}, agent.Secrets{Key: []byte("key of " + tag), WireGuard: secrets.WireGuard})
	}
}

func filesOf(tag string) agent.Files {
	return agent.Files{
		Device: []byte("device of " + tag), Anchor: []byte("anchor of " + tag), WGConf: []byte("tunnel of " + tag),
		Pins: []byte("pins of " + tag),
	}
}

// renewedFiles differ in the certificate alone.
func renewedFiles(tag, nth string) agent.Files {
	f := filesOf(tag)
	f.Device = []byte("device " + nth + " of " + tag)
	return f
}

// renew stores a certificate beside the active one; one that is there already is left.
func renew(tag, nth string) func(*Store) error {
	return func(s *Store) error {
		st, err := s.Load()
		if err != nil {
			return err
		}
		return s.Renew(st.Active.Number, renewedFiles(tag, nth))
	}
}

func commitRenewal(s *Store) error {
	st, err := s.Load()
	if err != nil || !st.Pending {
		return err
	}
	return s.Switch(st.Active.Number)
}

func countTokens(n uint32) func(*Store) error {
	return func(s *Store) error {
		st, err := s.Load()
		if err != nil {
			return err
		}
		return s.Count(st.Active.Number, st.Active.Signed, n)
	}
}

func countFailures(n uint32) func(*Store) error {
	return func(s *Store) error { return s.CountFailures(n) }
}

func revert(s *Store) error { return s.Revert() }

func erase(s *Store) error {
	st, err := s.Load()
	if err != nil || st.Newest == nil {
		return err
	}
	return s.Erase()
}

func install(tag string) func(*Store) error {
	return func(s *Store) error {
		st, err := s.Load()
		if err != nil {
			return err
		}
		return s.Install(st.Newest.Number, filesOf(tag))
	}
}

func count(s *Store) error {
	st, err := s.Load()
	if err != nil {
		return err
	}
	return s.Count(st.Newest.Number, 1, 1)
}

func activate(tag string) func(*Store) error {
	return func(s *Store) error {
		st, err := s.Load()
		if err != nil {
			return err
		}
		if st.Active != nil && bytes.Equal(st.Active.EnrollID, tagID(tag)) {
			return nil
		}
		return s.Activate(st.Newest.Number, "flag of "+tag)
	}
}

func drop(s *Store) error {
	st, err := s.Load()
	if err != nil {
		return err
	}
	if st.Active != nil && st.Active.Number == st.Newest.Number {
		return nil
	}
	return s.Drop(st.Newest.Number)
}

// shown gives the tag that all visible files agree on; "" where there are none.
func shown(t testing.TB, dir string) string {
	t.Helper()
	tags := map[string][]string{}
	for _, name := range []string{"device-key.pem", "device.pem", "ca-chain.pem", "wg0.conf", ".enrolled"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		_, tag, _ := strings.Cut(strings.TrimSpace(string(b)), " of ")
		tags[tag] = append(tags[tag], name)
	}
	if len(tags) != 1 {
		t.Errorf("visible files are a mixture: %v", tags)
		return "mixture"
	}
	for tag := range tags {
		return tag
	}
	return ""
}

// summary is what a station can tell of a state.
func summary(t testing.TB, s *Store, dir string) string {
	t.Helper()
	st, err := s.Load()
	if err != nil {
		t.Fatalf("load: %v", err)
	}
	line := func(g *agent.Generation) string {
		if g == nil {
			return "none"
		}
		return fmt.Sprintf("%s installed=%v signed=%d tokens=%d keeps=%v", g.EnrollID, g.Installed, g.Signed, g.Tokens, g.KeepTunnel)
	}
	device, err := os.ReadFile(filepath.Join(dir, "device.pem"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	pending := ""
	if st.Pending {
		f, err := s.Renewed(st.Active.Number)
		if err != nil {
			t.Fatal(err)
		}
		pending = string(f.Device)
	}
	return fmt.Sprintf("newest %s; active %s; shown %q; device.pem %q; waits %q; failures %d", line(st.Newest), line(st.Active),
		shown(t, dir), device, pending, st.Failures)
}

// scratch is a directory in memory where there is one: these tests make tens of thousands of files.
func scratch(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "filestore") //nolint:usetesting // t.TempDir is on a disk
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("remove %s: %v", dir, err)
		}
	})
	return dir
}

type scenario struct {
	prepare func(testing.TB, string)
	steps   []func(*Store) error
	erases  bool // what shows nothing any more may be an erasure that has begun
}

func scenarios() map[string]scenario {
	reenroll := []func(*Store) error{
		create("one"), install("one"), count, install("one"), activate("one"),
		create("two"), drop, create("three"), install("three"), count, activate("three"),
	}
	return map[string]scenario{
		"fresh": {func(testing.TB, string) {}, reenroll, false},
		"renewal": {func(testing.TB, string) {}, []func(*Store) error{
			create("one"), install("one"), activate("one"), renew("one", "2nd"), countTokens(1), commitRenewal,
			renew("one", "3rd"), renew("one", "4th"), revert,
		}, false},
		"renewal beside a new key": {func(testing.TB, string) {}, []func(*Store) error{
			create("one"), install("one"), activate("one"), renew("one", "2nd"), create("two"), commitRenewal,
			renew("one", "3rd"), install("two"), activate("two"),
		}, false},
		"new key that keeps the tunnel": {func(testing.TB, string) {}, []func(*Store) error{
			create("one"), install("one"), activate("one"), createKeeping("two"), install("two"), activate("two"),
		}, false},
		"erasure": {func(testing.TB, string) {}, []func(*Store) error{
			create("one"), install("one"), activate("one"), countFailures(3), renew("one", "2nd"), create("two"), install("two"),
			erase, create("three"), install("three"),
		}, true},
		"foreign": {foreignFiles(".enrolled"), []func(*Store) error{create("one"), install("one"), activate("one")}, false},
	}
}

func foreignFiles(flag string) func(testing.TB, string) {
	return func(t testing.TB, dir string) {
		t.Helper()
		for name, content := range map[string]string{
			"device-key.pem": "key of script", "device.pem": "device of script", "ca-chain.pem": "anchor of script",
			"wg0.conf": "tunnel of script", flag: "flag of script",
		} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// play runs a scenario until something fails; it returns how many steps were done.
func play(s *Store, steps []func(*Store) error, after func(i int)) (int, error) {
	for i, step := range steps {
		if err := step(s); err != nil {
			return i, err
		}
		after(i)
	}
	return len(steps), nil
}

// TestPowerCut cuts the power at every single operation, and finds the state before the interrupted step or after it;
// the scenario then goes on to its end.
func TestPowerCut(t *testing.T) {
	for name, sc := range scenarios() {
		t.Run(name, func(t *testing.T) {
			dir := scratch(t)
			sc.prepare(t, dir)
			f := newFaulty(t, -1, errCut)
			s, err := open(f, dir, Config{})
			if err != nil {
				t.Fatal(err)
			}
			states := []string{summary(t, s, dir)}
			if _, err := play(s, sc.steps, func(int) {
				f.checkDurable(states[len(states)-1])
				states = append(states, summary(t, s, dir))
			}); err != nil {
				t.Fatal(err)
			}
			if f.ops < 50 {
				t.Fatalf("got %d operations, want a real scenario", f.ops)
			}
			for n := range f.ops {
				cutAt(t, sc, n, states)
			}
		})
	}
}

func cutAt(t *testing.T, sc scenario, n int, states []string) {
	t.Helper()
	dir := scratch(t)
	sc.prepare(t, dir)
	f := newFaulty(t, n, errCut)
	done := 0
	s, err := open(f, dir, Config{})
	if err == nil {
		done, err = play(s, sc.steps, func(int) {})
	}
	if !errors.Is(err, errCut) {
		t.Fatalf("cut at %d: got %v, want the cut", n, err)
	}
	if s, err = open(newFaulty(t, -1, errCut), dir, Config{}); err != nil {
		t.Fatalf("cut at %d, after step %d: store does not open: %v", n, done, err)
	}
	got := summary(t, s, dir)
	if got != states[done] && got != states[done+1] {
		t.Errorf("cut at %d in step %d:\n got %s\nwant %s\n  or %s", n, done, got, states[done], states[done+1])
	}
	for _, pattern := range []string{".tmp-*", "generations/.*", "generations/*/.tmp-*"} {
		if left, err := filepath.Glob(filepath.Join(dir, pattern)); err != nil || len(left) > 0 {
			t.Errorf("cut at %d: left over %v (%v)", n, left, err)
		}
	}
	rest := sc.steps[done:]
	if got == states[done+1] && got != states[done] {
		rest = sc.steps[done+1:]
	}
	if _, err := play(s, rest, func(int) {}); err != nil {
		t.Errorf("cut at %d: going on after step %d: %v", n, done, err)
		return
	}
	if got, want := summary(t, s, dir), states[len(states)-1]; got != want {
		t.Errorf("cut at %d: at the end\n got %s\nwant %s", n, got, want)
	}
}

// TestFullDisk lets the space run out at every single operation: nothing visible changes, the error says so, and when
// there is space again the same step succeeds.
func TestFullDisk(t *testing.T) {
	for name, sc := range scenarios() {
		t.Run(name, func(t *testing.T) {
			for n := 0; ; n++ {
				if !fullAt(t, sc, n) {
					if n < 30 {
						t.Errorf("got %d operations, want a real scenario", n)
					}
					return
				}
			}
		})
	}
}

func fullAt(t *testing.T, sc scenario, n int) (hit bool) {
	t.Helper()
	dir := scratch(t)
	sc.prepare(t, dir)
	f := newFaulty(t, -1, errNoSpace)
	s, err := open(f, dir, Config{})
	if err != nil {
		t.Fatal(err)
	}
	f.left = n
	before := shown(t, dir)
	done, err := play(s, sc.steps, func(int) { before = shown(t, dir) })
	if !f.dead {
		return false
	}
	if !errors.Is(err, agent.ErrNoSpace) {
		t.Errorf("full at %d: got %v, want %v", n, err, agent.ErrNoSpace)
	}
	if now := shown(t, dir); now != before && (!sc.erases || now != "") {
		t.Errorf("full at %d in step %d: visible files went from %q to %q", n, done, before, now)
	}
	f.dead, f.left = false, -1
	if _, err := play(s, sc.steps[done:], func(int) {}); err != nil {
		t.Errorf("space again after %d, step %d: %v", n, done, err)
	}
	return true
}
