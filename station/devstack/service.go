package devstack

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// ServiceFault is what is wrong with ThingsBoard or hawkBit, for as long as it is set.
type ServiceFault string

// Service faults.
const (
	ServiceWorks        ServiceFault = ""
	ServiceDown         ServiceFault = "down"         // every connection is reset
	ServiceUnauthorized ServiceFault = "unauthorized" // the station's account is refused
	ServiceForbidden    ServiceFault = "forbidden"    // the account may not do it
	ServiceSlow         ServiceFault = "slow"         // every answer takes slowAnswer
	ServiceGarbage      ServiceFault = "garbage"      // half of a JSON object under 200
	ServicePage         ServiceFault = "page"         // a web page under 200
	ServiceBroken       ServiceFault = "500"
	ServiceGateway      ServiceFault = "502"   // from a proxy that does not reach it
	ServiceEmpty        ServiceFault = "empty" // it knows nothing, and does not learn

	ThingsBoardLate    ServiceFault = "late"      // a device is listed lateBy after it has connected
	ThingsBoardExpired ServiceFault = "expired"   // every token is expired once it is made, but the second of each pair
	HawkBitCut         ServiceFault = "cut"       // down for the station alone: a firewall stands between hawkBit and the bench
	HawkBit502First    ServiceFault = "502-first" // as recorded: a target is made, its attributes are refused, and the bridge says 502
)

// ThingsBoardFaults lists what can be wrong with ThingsBoard.
func ThingsBoardFaults() []ServiceFault {
	return append(serviceFaults(), ThingsBoardLate, ThingsBoardExpired)
}

// HawkBitFaults lists what can be wrong with hawkBit.
func HawkBitFaults() []ServiceFault { return append(serviceFaults(), HawkBitCut, HawkBit502First) }

func serviceFaults() []ServiceFault {
	return []ServiceFault{
		ServiceDown, ServiceUnauthorized, ServiceForbidden, ServiceSlow, ServiceGarbage, ServicePage, ServiceBroken, ServiceGateway,
		ServiceEmpty,
	}
}

// How long a service with a fault takes.
const (
	slowAnswer = 1500 * time.Millisecond
	lateBy     = 1500 * time.Millisecond
)

// service is what ThingsBoard and hawkBit have in common: an account for the station, faults, and a list that is kept.
type service struct {
	URL          string // base, for stations
	User         string
	PasswordFile string

	password string
	path     string // of the list
	now      func() time.Time
	gate     *gate

	mu    sync.Mutex // guards the fault, and the list of whoever embeds it
	fault ServiceFault
}

// open prepares the account and reads the list into state.
func (s *service) open(dir, name, user string, now func() time.Time, state any) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	s.User, s.PasswordFile, s.path, s.now = user, filepath.Join(dir, name+".password"), filepath.Join(dir, name+".json"), now
	var err error
	if s.password, err = filePassword(s.PasswordFile); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	data, err := os.ReadFile(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(data, state)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// save keeps the list. The caller holds the mutex.
func (s *service) save(state any) error {
	data, err := json.Marshal(state)
	if err != nil {
		return err
	}
	return replaceFile(s.path, string(data))
}

// SetFault says what is wrong from now on.
func (s *service) SetFault(f ServiceFault) {
	s.mu.Lock()
	was := s.fault
	s.fault = f
	s.mu.Unlock()
	dead := func(f ServiceFault) bool { return f == ServiceDown || f == HawkBitCut }
	switch {
	case s.gate == nil || dead(was) == dead(f):
	case dead(f):
		s.gate.shut()
	default:
		s.gate.open()
	}
}

func (s *service) present() ServiceFault {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fault
}

// behind puts the service behind a gate that can be made dead.
func (s *service) behind(web *http.Server, l net.Listener) net.Listener {
	s.gate = newGate(l)
	web.ConnState, web.Handler = s.gate.note, s.gate.refuse(web.Handler)
	return s.gate
}

// faulty does what any server with the present fault does; the rest is h's. refuse is its word for an account
// that it does not take (401), or that may not do it (403).
func (s *service) faulty(h http.Handler, refuse func(w http.ResponseWriter, r *http.Request, status int)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxRequest)
		switch s.present() {
		case ServiceUnauthorized:
			refuse(w, r, http.StatusUnauthorized)
		case ServiceForbidden:
			refuse(w, r, http.StatusForbidden)
		case ServiceGarbage:
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"token":"`)
		case ServicePage:
			webPage(w, http.StatusOK, "Sign in")
		case ServiceBroken:
			springError(w, r, http.StatusInternalServerError)
		case ServiceGateway:
			webPage(w, http.StatusBadGateway, "502 Bad Gateway")
		case ServiceSlow:
			if !wait(r.Context(), slowAnswer) {
				return
			}
			h.ServeHTTP(w, r)
		default:
			h.ServeHTTP(w, r)
		}
	})
}

func webPage(w http.ResponseWriter, status int, title string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, "<!doctype html><html><head><title>"+title+"</title></head><body></body></html>")
}

// springError is what the framework of both servers says by itself.
func springError(w http.ResponseWriter, r *http.Request, status int) {
	writeJSON(w, status, map[string]any{
		"timestamp": time.Now().UTC().Format("2006-01-02T15:04:05.000-07:00"), "status": status, "error": http.StatusText(status), "path": r.URL.Path,
	})
}
