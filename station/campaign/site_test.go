package campaign_test

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"provstation/station"
	"provstation/station/audit"
	"provstation/station/devstack"
	"provstation/station/ledger"
	"provstation/station/pki"
	"provstation/station/words"
)

// site is a tenant's stack and what all its worlds share.
type site struct {
	dir        string
	generation int
	stack      *devstack.Stack
	anchors    anchors
	root       *x509.Certificate
	words      *words.Catalogue
	template   []byte // an empty ledger
	sharing    chan struct{}
	server     string // url of a database on a PostgreSQL server; empty: no plan asks for one
	tally      *tally // as in tallies
	codes      *tally
	hits       *tally
	points     *tally
	pulse      *pulse
	signer     *audit.Signer // the stations' key
	show       string        // ends with this code are printed as they come
	units      sync.Map
}

// anchors are the stack's, as a station pins them.
type anchors station.Anchors

// Anchors implements station.Trust.
func (a anchors) Anchors(context.Context) (station.Anchors, error) { return station.Anchors(a), nil }

func (s *site) hit(kind string) { s.hits.add(kind, 1) }

// openSite starts a stack below dir.
func openSite(ctx context.Context, dir string, generation int, template []byte, t tallies, p *pulse) (s *site, err error) {
	s = &site{
		dir: dir, generation: generation, sharing: make(chan struct{}, sharing), template: template, show: os.Getenv("FAULTS_SHOW"), pulse: p,
		tally: t.counted, codes: t.ends, hits: t.hits, points: t.points,
	}
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, err
	}
	if s.signer, err = audit.NewSigner(key); err != nil {
		return nil, err
	}
	if s.stack, err = devstack.Start(ctx, devstack.Config{StateDir: filepath.Join(dir, "stack")}); err != nil {
		return nil, err
	}
	root, err := os.ReadFile(s.stack.Root)
	if err != nil {
		return nil, err
	}
	ica, err := os.ReadFile(filepath.Join(filepath.Dir(s.stack.Root), "provider-ica.pem"))
	if err != nil {
		return nil, err
	}
	if s.anchors.Roots, err = pki.LoadRoots(root); err != nil {
		return nil, err
	}
	if s.anchors.Intermediates, err = pki.LoadIntermediates(ica); err != nil {
		return nil, err
	}
	block, _ := pem.Decode(root)
	if s.root, err = x509.ParseCertificate(block.Bytes); err != nil {
		return nil, err
	}
	if s.words, err = words.Load(""); err != nil {
		return nil, err
	}
	s.stack.Bridge.SetFault(s.bridgeFault)
	s.stack.SetBrokerFault(s.brokerFault)
	return s, nil
}

// emptyLedger is the file of a ledger with nothing in it: its schema is made once, not ten thousand times.
func emptyLedger(ctx context.Context, dir string) ([]byte, error) {
	path := filepath.Join(dir, "template.db")
	l, err := ledger.Open(ctx, "sqlite:"+path, ledger.Config{})
	if err != nil {
		return nil, err
	}
	if err := l.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

// unitOf finds whose device id that is.
func (s *site) unitOf(id string) *unit {
	x, ok := s.units.Load(id)
	if !ok {
		return nil
	}
	u, _ := x.(*unit)
	if u == nil || !u.faulty.Load() {
		return nil
	}
	return u
}

// bridgeFault decides about a post.
func (s *site) bridgeFault(id string, _ int) *devstack.Fault {
	u := s.unitOf(id)
	if u == nil {
		return nil
	}
	for _, f := range u.plan.faults {
		name, ok := strings.CutPrefix(f.kind, "bridge.")
		if !ok || !u.spend(f, f.n) {
			continue
		}
		s.hit(f.kind)
		detail := func(text string) string { return `{"detail":"` + text + `"}` }
		switch name {
		case "before":
			return &devstack.Fault{Status: http.StatusServiceUnavailable, Body: detail("step-ca unreachable: All connection attempts failed")}
		case "refuses":
			return &devstack.Fault{Status: http.StatusForbidden, Body: detail("Forbidden")}
		case "after":
			return &devstack.Fault{Status: http.StatusInternalServerError, Type: "text/plain", Body: "Internal Server Error", Issue: true}
		case "unsure":
			return &devstack.Fault{Status: http.StatusServiceUnavailable, Body: detail("step-ca unreachable: "), Issue: true}
		case "page":
			return &devstack.Fault{Status: http.StatusOK, Type: "text/html", Body: "<html>welcome</html>", Issue: true}
		case "cut":
			return &devstack.Fault{Cut: true}
		case "lost":
			return &devstack.Fault{Cut: true, Issue: true}
		case "half":
			return &devstack.Fault{Cut: true, Issue: true, Half: true}
		case "slow":
			return &devstack.Fault{Delay: time.Duration(f.k) * time.Millisecond}
		case "silent":
			return &devstack.Fault{Cut: true, Issue: true, Delay: bridgeTimeout + time.Second}
		default:
			return &devstack.Fault{Lie: devstack.Lie(name)}
		}
	}
	return nil
}

// brokerFault decides about a connection.
func (s *site) brokerFault(id string, _ int) devstack.BrokerFault {
	u := s.unitOf(id)
	if u == nil {
		return devstack.BrokerServes
	}
	for _, f := range u.plan.faults {
		if name, ok := strings.CutPrefix(f.kind, "broker."); ok && u.spend(f, f.n) {
			s.hit(f.kind)
			return devstack.BrokerFault(name)
		}
	}
	return devstack.BrokerServes
}

// close takes the stack down.
func (s *site) close() error {
	if err := s.stack.Close(); err != nil {
		return fmt.Errorf("close stack: %w", err)
	}
	return nil
}
