package tenant

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"strings"
	"sync"
	"time"

	"provstation/station"
	"provstation/station/answer"
)

// session keeps the JWT of one login for all runs, and makes one login at a time.
type session struct {
	turn chan struct{} // holds one token: whose turn it is to log in

	mu      sync.Mutex
	token   string
	until   time.Time // zero: until it is refused
	refused refusedLogin
}

// refusedLogin is a login that the server did not take.
type refusedLogin struct {
	password string
	at       time.Time
	fault    *station.Fault
}

const (
	refusedFor = time.Minute // a refused password is not tried again so soon
	tokenEarly = 30 * time.Second
)

func newSession() *session {
	s := &session{turn: make(chan struct{}, 1)}
	s.turn <- struct{}{}
	return s
}

// get gives a token that is not the stale one, by a new login where it has none.
func (s *session) get(ctx context.Context, now func() time.Time, stale string, login func(context.Context) (string, error)) (string, error) {
	if t, ok := s.have(now(), stale); ok {
		return t, nil
	}
	select {
	case <-s.turn:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	defer func() { s.turn <- struct{}{} }()
	if t, ok := s.have(now(), stale); ok { // by whoever had the turn before
		return t, nil
	}
	asked := now()
	t, err := login(ctx)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token, s.until, s.refused = t, time.Time{}, refusedLogin{}
	if life, ok := lifetime(t); ok {
		s.until = asked.Add(life - min(tokenEarly, life/10))
	}
	return t, nil
}

func (s *session) have(now time.Time, stale string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ok := s.token != "" && s.token != stale && (s.until.IsZero() || now.Before(s.until))
	return s.token, ok
}

// refuse remembers a password that was not taken; barred says that it was, a moment ago.
func (s *session) refuse(now time.Time, password string, f *station.Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token, s.refused = "", refusedLogin{password, now, f}
}

func (s *session) barred(now time.Time, password string) (*station.Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.refused
	if r.fault == nil || now.Sub(r.at) >= refusedFor || subtle.ConstantTimeCompare([]byte(r.password), []byte(password)) != 1 {
		return nil, false
	}
	return r.fault, true
}

// lifetime reads how long a JWT is good for (RFC 7519 4.1), counted from now: the server's clock need not be ours. The
// signature is the server's business. A token that is no JWT, or names no end, has none.
func lifetime(token string) (time.Duration, bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return 0, false
	}
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return 0, false
	}
	o, err := answer.ParseObject(claims)
	if err != nil {
		return 0, false
	}
	exp, ok := numericDate(o, "exp")
	if !ok {
		return 0, false
	}
	iat, ok := numericDate(o, "iat")
	if !ok || iat >= exp {
		return 0, false
	}
	return time.Duration(min(exp-iat, 366*24*3600)) * time.Second, true
}

// numericDate reads seconds since 1970 that a calendar knows.
func numericDate(o *answer.Object, name string) (int64, bool) {
	raw, ok := o.Raw(name)
	var n float64
	if !ok || json.Unmarshal(raw, &n) != nil || n < 0 || n > 1<<40 {
		return 0, false
	}
	return int64(n), true
}
