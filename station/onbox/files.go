package onbox

import (
	"path/filepath"
	"time"

	"provstation/serialproto"
	"provstation/serialproto/agent"
)

// Files is what a serving agent and a renewer, which may be two processes, tell each other in the folder renewal of a state
// directory.
type Files struct {
	Dir    string                      // the state directory
	Before func(op, path string) error // asked before every operation that changes something; nil: nobody is. For tests
}

var _ agent.Renewal = Files{}

// renewalSetting is set.json: what the station set up.
type renewalSetting struct {
	URL      string `json:"url"`
	Audience string `json:"audience"`
}

// renewalProgress is state.json: how it goes.
type renewalProgress struct {
	Leaf      string    `json:"leaf_sha256"`          // hex; everything but Reload and Last is about this certificate
	Received  time.Time `json:"received,omitzero"`    // when this box fetched it; zero: it did not
	Last      time.Time `json:"last_success"`         // zero: never
	Next      time.Time `json:"next_attempt"`         // zero: not known
	Failures  uint32    `json:"failures,omitempty"`   // in a row
	Error     string    `json:"last_error,omitempty"` // a renewCode
	ReloadDue bool      `json:"reload_due,omitempty"` // programs may still use the certificate before
}

func (r Files) path(name string) string { return filepath.Join(r.Dir, "renewal", name) }

// Set stores where the station wants the box to renew.
func (r Files) Set(url, audience string) error {
	return writeJSON(r.path("set.json"), renewalSetting{url, audience}, r.Before)
}

// Get reads what Set stored.
func (r Files) Get() (url, audience string, err error) {
	var s renewalSetting
	err = readJSON(r.path("set.json"), &s)
	return s.URL, s.Audience, err
}

// State is what STATUS says. A file that does not read is said, not an error: it must not take STATUS away.
func (r Files) State() (serialproto.RenewalState, error) {
	url, _, err := r.Get()
	if err != nil {
		return serialproto.RenewalState{Error: string(codeStorage)}, nil //nolint:nilerr // said in the state
	}
	p, err := r.progress()
	if err != nil {
		return serialproto.RenewalState{URL: url, Error: string(codeStorage)}, nil //nolint:nilerr // said in the state
	}
	return serialproto.RenewalState{URL: url, Last: wireTime(p.Last), Next: wireTime(p.Next), Failures: p.Failures, Error: p.Error}, nil
}

func wireTime(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return max(t.UnixMicro(), 0)
}

func (r Files) progress() (renewalProgress, error) {
	var p renewalProgress
	err := readJSON(r.path("state.json"), &p)
	return p, err
}

func (r Files) save(p renewalProgress) error {
	return writeJSON(r.path("state.json"), p, r.Before)
}
