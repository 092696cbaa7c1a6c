package onbox

import (
	"context"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"provstation/serialproto"
	"provstation/serialproto/agent"
)

// Code says in a word why a renewal failed. It is kept, and said in STATUS.
type Code string

// Codes of failures.
const (
	codeNotSetUp  Code = "not-set-up"
	codeNotSealed Code = "not-sealed"
	codeExpired   Code = "expired"  // the CA renews no expired certificate: the box must be enrolled anew
	codeClock     Code = "clock"    // the box does not know the time
	codeDevice    Code = "device"   // the agent refused
	codeNetwork   Code = "network"  // no answer
	codeTLS       Code = "tls"      // the server is not trusted
	codeRefused   Code = "refused"  // the CA said no
	codeServer    Code = "server"   // the CA is not well
	codeAnswer    Code = "answer"   // the CA answered something else
	codeRejected  Code = "rejected" // the agent does not take the new certificate
	codeReload    Code = "reload"   // the command that was configured failed
	codeStorage   Code = "storage"
)

// renewError is a failure with its code.
type renewError struct {
	code Code
	err  error
}

func (e *renewError) Error() string { return string(e.code) + ": " + e.err.Error() }
func (e *renewError) Unwrap() error { return e.err }

func failed(code Code, format string, args ...any) error {
	return &renewError{code, fmt.Errorf(format, args...)}
}

// codeOf gives the code of any error.
func CodeOf(err error) Code {
	var r *renewError
	if errors.As(err, &r) {
		return r.code
	}
	return codeStorage
}

// local asks the agent in this process as a station would over a line, with the same checks.
type local struct{ agent *agent.Agent }

func (l local) call(ctx context.Context, args, result any) error {
	req, err := serialproto.EncodeRequest(args)
	if err != nil {
		return err
	}
	op := serialproto.RequestOp(args)
	head, err := serialproto.DecodeResponse(l.agent.Handle(ctx, op, req), result)
	if err != nil {
		return err
	}
	return head.Err(op)
}

// Config of a [Renewer].
type Config struct {
	Files  Files
	Roots  func() (*x509.CertPool, error)  // whom the CA's own certificate may come from, read anew each time
	Reload func(ctx context.Context) error // run after a renewal, as often as it takes to succeed; nil: nothing is to be reloaded
	Force  bool                            // renew though it is not due
	// URL and Audience stand in place of what the station set up; empty: that holds.
	URL, Audience string
	Log           *slog.Logger
}

// New makes the renewer of a box whose files the agent serves.
func New(a *agent.Agent, c Config) *Renewer {
	return &Renewer{
		dev: local{a}, files: c.Files, fetch: caClient{c.Roots}.fetch, reload: c.Reload, now: time.Now, chance: rand.Float64, force: c.Force,
		log: c.Log, url: c.URL, audience: c.Audience,
	}
}

// Renewer renews a box's own certificate, by tokens that its agent signs.
type Renewer struct {
	dev    local
	files  Files
	fetch  func(ctx context.Context, url, token string) (leaf []byte, err error)
	reload func(ctx context.Context) error // nil: nothing to reload
	now    func() time.Time
	chance func() float64
	force  bool // renew though it is not due
	log    *slog.Logger

	url, audience string // in place of what the station set up
}

// Pauses of the daemon.
const (
	mostSleep  = time.Hour        // the clock may have been set meanwhile
	idlePause  = 10 * time.Minute // where there is nothing to renew
	leastSleep = time.Second
)

// Run renews for as long as ctx lives.
func (r *Renewer) Run(ctx context.Context) {
	for ctx.Err() == nil {
		next, err := r.Pass(ctx)
		if err != nil && ctx.Err() == nil {
			r.log.Warn("not renewed", "code", CodeOf(err), "error", err, "next", next)
		}
		timer := time.NewTimer(min(max(next.Sub(r.now()), leastSleep), mostSleep))
		select {
		case <-ctx.Done():
			timer.Stop()
		case <-timer.C:
		}
	}
}

// held is what the box holds.
type held struct {
	enrollID []byte
	leaf     *x509.Certificate
	chain    [][]byte
	digest   string
}

// Pass looks once, renews if it is due, and says when to look again.
func (r *Renewer) Pass(ctx context.Context) (time.Time, error) {
	later := r.now().Add(idlePause)
	p, err := r.files.progress()
	if err != nil {
		r.log.Warn("state does not read, begun anew", "error", err)
		p = renewalProgress{}
	}
	if p.ReloadDue {
		if err := r.reloadNow(ctx, &p); err != nil {
			return later, err
		}
	}
	url, audience, err := r.target()
	if err != nil {
		return later, err
	}
	h, err := r.look(ctx)
	if err != nil {
		return later, err
	}
	if p.Leaf != h.digest { // installed at a bench, or fetched by a run that was cut before it could say so
		p = renewalProgress{Leaf: h.digest, Last: p.Last, ReloadDue: p.ReloadDue}
	}
	due := dueAt(h.leaf, p.Received)
	if p.Failures > 0 && p.Next.Before(h.leaf.NotAfter.Add(mostBackOff)) {
		due = p.Next
	}
	if r.now().Before(due) && !r.force {
		if p.Next.Equal(due) {
			return due, nil
		}
		p.Next = due
		return due, r.keep(p)
	}
	next, err := r.renew(ctx, h, url, audience, p)
	if err == nil {
		return r.settle(ctx, next)
	}
	return r.failure(h, p, err)
}

func (r *Renewer) keep(p renewalProgress) error {
	if err := r.files.save(p); err != nil {
		return failed(codeStorage, "keep the state: %w", err)
	}
	return nil
}

// failure counts a failure and says when to try again.
func (r *Renewer) failure(h held, p renewalProgress, err error) (time.Time, error) {
	p.Failures++
	p.Error = string(CodeOf(err))
	now := r.now()
	p.Next = now.Add(backOff(p.Failures, h.leaf.NotAfter.Sub(h.leaf.NotBefore), h.leaf.NotAfter.Sub(now), r.chance()))
	return p.Next, errors.Join(err, r.keep(p))
}

// settle keeps what a renewal came to, then reloads what uses the certificate.
func (r *Renewer) settle(ctx context.Context, p renewalProgress) (time.Time, error) {
	if err := r.keep(p); err != nil {
		return p.Next, err
	}
	if !p.ReloadDue {
		return p.Next, nil
	}
	return p.Next, r.reloadNow(ctx, &p)
}

// reloadNow runs the command; until it succeeds it stays due, across restarts.
func (r *Renewer) reloadNow(ctx context.Context, p *renewalProgress) error {
	if r.reload != nil {
		if err := r.reload(ctx); err != nil {
			p.Error = string(codeReload)
			return errors.Join(failed(codeReload, "%w", err), r.keep(*p))
		}
	}
	p.ReloadDue = false
	if p.Error == string(codeReload) {
		p.Error = ""
	}
	return r.keep(*p)
}

// target is where to renew.
func (r *Renewer) target() (url, audience string, err error) {
	url, audience = r.url, r.audience
	if url == "" {
		if url, audience, err = r.files.Get(); err != nil {
			return "", "", failed(codeStorage, "read what the station set up: %w", err)
		}
	}
	if url == "" {
		return "", "", failed(codeNotSetUp, "no URL to renew at: neither a station nor --url gave one")
	}
	if audience == "" {
		audience = url
	}
	return url, audience, nil
}

// look reads what the box holds.
func (r *Renewer) look(ctx context.Context) (held, error) {
	var s serialproto.StatusResult
	var leaf, rest serialproto.ReadResult
	if err := r.dev.call(ctx, &serialproto.SimpleArgs{Op: serialproto.OpStatus}, &s); err != nil {
		return held{}, failed(codeDevice, "%w", err)
	}
	if s.State != serialproto.StateSealed {
		return held{}, failed(codeNotSealed, "the device is %v", s.State)
	}
	for obj, to := range map[serialproto.Obj]*serialproto.ReadResult{serialproto.ObjLeaf: &leaf, serialproto.ObjChain: &rest} {
		if err := r.dev.call(ctx, &serialproto.ReadArgs{Op: serialproto.OpRead, Obj: obj}, to); err != nil {
			return held{}, failed(codeDevice, "%w", err)
		}
	}
	if len(leaf.Certs) != 1 {
		return held{}, failed(codeDevice, "no certificate is installed")
	}
	cert, err := x509.ParseCertificate(leaf.Certs[0])
	if err != nil {
		return held{}, failed(codeDevice, "%w", err)
	}
	return held{s.EnrollID, cert, append(leaf.Certs, rest.Certs...), hex.EncodeToString(s.Leaf)}, nil
}

// renew fetches a certificate and has the agent take it. What it returns is to be kept.
func (r *Renewer) renew(ctx context.Context, h held, url, audience string, p renewalProgress) (renewalProgress, error) {
	if r.now().After(h.leaf.NotAfter) {
		return p, failed(codeExpired, "the certificate ended %s; the device must be enrolled anew", h.leaf.NotAfter.UTC().Format(time.RFC3339))
	}
	var t serialproto.TokenResult
	if err := r.dev.call(ctx, &serialproto.TokenArgs{Op: serialproto.OpToken, Audience: audience}, &t); err != nil {
		code := codeDevice
		if errors.Is(err, &serialproto.StatusError{Status: serialproto.StatusBadArgument}) {
			code = codeClock
		}
		return p, failed(code, "%w", err)
	}
	token, _, err := serialproto.Token(t, h.leaf.PublicKey, h.chain, audience, h.leaf.Subject.CommonName)
	if err != nil {
		return p, failed(codeDevice, "%w", err)
	}
	der, err := r.fetch(ctx, url, token)
	if err != nil {
		return p, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return p, failed(codeAnswer, "the CA's certificate: %w", err)
	}
	received := r.now()
	if r.reload != nil { // before the switch: a cut right after it must not lose it
		p.ReloadDue = true
		if err := r.keep(p); err != nil {
			return p, err
		}
	}
	var in serialproto.InstallResult
	if err := r.dev.call(ctx, &serialproto.RenewArgs{Op: serialproto.OpRenew, Leaf: der, EnrollID: h.enrollID, Commit: true}, &in); err != nil {
		return p, failed(codeRejected, "%w", err)
	}
	next := renewalProgress{
		Leaf: sha256Hex(der), Received: received, Last: received, Next: dueAt(leaf, received), ReloadDue: p.ReloadDue,
	}
	r.log.Info("renewed", "serial", fmt.Sprintf("%x", leaf.SerialNumber), "until", leaf.NotAfter.UTC(), "next", next.Next)
	return next, nil
}
