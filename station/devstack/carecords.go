package devstack

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"
)

// caRecords is what the built-in CA knows: what it issued, what is revoked, and which tokens were used. All of it is in one
// file, and a change is there before it is answered.
type caRecords struct {
	path string
	now  func() time.Time

	mu   sync.Mutex
	book caBook
}

type caBook struct {
	Issued  map[string]issuedRecord  `json:"issued"` // by decimal serial number
	Revoked map[string]revokedRecord `json:"revoked"`
	Tokens  map[string]time.Time     `json:"tokens"` // by id: when the token is over; zero: never
	Lists   int64                    `json:"lists"`  // how many lists of revoked certificates there were
}

type issuedRecord struct {
	Subject  string    `json:"subject"`
	At       time.Time `json:"at"`
	NotAfter time.Time `json:"not_after"`
}

type revokedRecord struct {
	At       time.Time `json:"at"`
	Code     int       `json:"code"`
	Reason   string    `json:"reason,omitempty"`
	NotAfter time.Time `json:"not_after,omitzero"` // zero: not one of the CA's own
	MTLS     bool      `json:"mtls,omitempty"`     // by itself
}

// How long the file keeps what is over: the CA has no use for it, but people look into it.
const (
	keepIssued = 30 * 24 * time.Hour
	keepTokens = time.Hour
)

func openCARecords(path string, now func() time.Time) (*caRecords, error) {
	r := &caRecords{path: path, now: now}
	data, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(data, &r.book)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("CA's records: %w", err)
	}
	if r.book.Issued == nil {
		r.book.Issued = map[string]issuedRecord{}
	}
	if r.book.Revoked == nil {
		r.book.Revoked = map[string]revokedRecord{}
	}
	if r.book.Tokens == nil {
		r.book.Tokens = map[string]time.Time{}
	}
	for serial, c := range r.book.Issued {
		if now().Sub(c.NotAfter) > keepIssued {
			delete(r.book.Issued, serial)
		}
	}
	return r, nil
}

// save writes the file. The caller holds the mutex.
func (r *caRecords) save() error {
	data, err := json.Marshal(r.book)
	if err != nil {
		return fmt.Errorf("CA's records: %w", err)
	}
	if err := replaceFile(r.path, string(data)); err != nil {
		return fmt.Errorf("CA's records: %w", err)
	}
	return nil
}

// issued keeps a certificate.
func (r *caRecords) issued(c *x509.Certificate) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	serial := c.SerialNumber.String()
	r.book.Issued[serial] = issuedRecord{Subject: c.Subject.CommonName, At: r.now().UTC(), NotAfter: c.NotAfter}
	err := r.save()
	if err != nil {
		delete(r.book.Issued, serial)
	}
	return err
}

// use keeps a token's id. It reports whether the id is new.
func (r *caRecords) use(id string, end time.Time) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, was := r.book.Tokens[id]; was {
		return false, nil
	}
	for old, end := range r.book.Tokens {
		if !end.IsZero() && r.now().Sub(end) > keepTokens { // refused for its age by now
			delete(r.book.Tokens, old)
		}
	}
	r.book.Tokens[id] = end
	err := r.save()
	if err != nil {
		delete(r.book.Tokens, id)
	}
	return err == nil, err
}

// revoke keeps a revocation. It reports whether there was none before: the first one stays.
func (r *caRecords) revoke(serial string, v revokedRecord) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, was := r.book.Revoked[serial]; was {
		return false, nil
	}
	if v.NotAfter.IsZero() {
		v.NotAfter = r.book.Issued[serial].NotAfter
	}
	r.book.Revoked[serial] = v
	err := r.save()
	if err != nil {
		delete(r.book.Revoked, serial)
	}
	return err == nil, err
}

func (r *caRecords) isRevoked(serial string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, was := r.book.Revoked[serial]
	return was
}

// list numbers a new list of what is revoked, and gives what belongs on it.
func (r *caRecords) list() (number int64, revoked map[string]revokedRecord, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.book.Lists++
	if err := r.save(); err != nil {
		r.book.Lists--
		return 0, nil, err
	}
	revoked = map[string]revokedRecord{}
	for serial, v := range r.book.Revoked {
		if v.NotAfter.IsZero() || r.now().Sub(v.NotAfter) <= time.Hour { // as step-ca: an hour more than it was valid
			revoked[serial] = v
		}
	}
	return r.book.Lists - 1, revoked, nil
}
