package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"provstation/station"
	"provstation/station/audit"
)

// ErrNoPass says that a passport was asked for of a run that did not pass.
var ErrNoPass = fmt.Errorf("%w: the run did not end PASS", ErrInvalid)

// ErrThinned says that a passport was asked for of a run whose phases were deleted by Prune: it would tell less than the one
// that the device got.
var ErrThinned = fmt.Errorf("%w: its phases were deleted", ErrInvalid)

// Passport puts together what a passport says of a run that ended PASS, with the newest signed head of this station's
// chain, which covers the run's end. name leads the operator's pseudonym back to the person; it is empty where nobody
// was signed in or the person was erased.
//
// Errors: station.ErrNotFound (no such run, or no head is signed yet), ErrNoPass, ErrThinned,
// ErrNoChain.
func (l *Ledger) Passport(ctx context.Context, run string) (p audit.Passport, name []audit.PassportName, err error) {
	p, name, err = l.passport(ctx, run)
	if err != nil {
		return audit.Passport{}, nil, l.wrap(err, "passport of run", run)
	}
	return p, name, nil
}

func (l *Ledger) passport(ctx context.Context, run string) (p audit.Passport, name []audit.PassportName, err error) {
	d, err := l.run(ctx, run)
	if err != nil {
		return p, nil, err
	}
	if d.Outcome != station.Pass {
		return p, nil, ErrNoPass
	}
	if len(d.Phases) == 0 {
		return p, nil, ErrThinned
	}
	p = audit.Passport{
		Tenant: d.Tenant, DeviceID: d.DeviceID, HardwareSerial: d.HardwareSerial, Leaf: hex.EncodeToString(d.Leaf),
		SPKI: hex.EncodeToString(d.SPKI), NotAfter: d.NotAfter, Contract: string(d.Contract), Run: d.Run, Attempt: d.Attempt,
		Batch: d.Batch, StartedAt: d.StartedAt, EndedAt: d.EndedAt, Phases: make([]audit.PassportPhase, len(d.Phases)),
		Station: audit.PassportStation{
			ID: d.StationID, Name: d.Station, Site: d.Site, Version: d.Version, ConfigDigest: d.ConfigDigest,
		},
	}
	for i, ph := range d.Phases {
		p.Phases[i] = audit.PassportPhase{
			Phase: string(ph.Phase), Status: string(ph.Status), StartedAt: ph.StartedAt, EndedAt: ph.EndedAt, Tries: ph.Tries,
		}
	}
	if n := len(d.Observations); n > 0 {
		p.Model, p.Firmware = d.Observations[n-1].Model, d.Observations[n-1].Firmware
	}
	for _, part := range []func(context.Context, RunDetail, *audit.Passport) error{
		l.passportCertificate, l.passportProof, l.passportBefore,
	} {
		if err := part(ctx, d, &p); err != nil {
			return p, nil, err
		}
	}
	if p.Operator, name, err = l.passportOperator(ctx, d.Operator); err != nil {
		return p, nil, err
	}
	p.Head, err = l.Head(ctx)
	return p, name, err
}

func (l *Ledger) passportCertificate(ctx context.Context, d RunDetail, p *audit.Passport) error {
	certs, err := l.certificates(ctx, "c.fingerprint = ?", d.Leaf)
	if err != nil {
		return err
	}
	for _, c := range certs {
		p.CertSerial, p.Subject, p.Issuer, p.NotBefore, p.NotAfter = c.CertSerial, c.Subject, c.Issuer, c.NotBefore, c.NotAfter
		for _, der := range c.Chain {
			sum := sha256.Sum256(der)
			p.Chain = append(p.Chain, hex.EncodeToString(sum[:]))
		}
	}
	key, err := l.Key(ctx, d.Tenant, d.SPKI)
	if isNotFound(err) { // a key that another tool made, and the station adopted
		return nil
	}
	p.CSR = hex.EncodeToString(key.CSRDigest)
	return err
}

// passportProof is the run's own proof, or the one that it took up from a run that was interrupted.
func (l *Ledger) passportProof(ctx context.Context, d RunDetail, p *audit.Passport) error {
	proof, err := l.Proof(ctx, d.Tenant, d.HardwareSerial, d.SPKI, d.Leaf)
	if err != nil {
		return err
	}
	if n := len(d.Proofs); n > 0 {
		proof = d.Proofs[n-1]
	}
	p.Readback = proof.Readback
	p.Proof = audit.PassportProof{Kind: string(proof.Proof), Broker: proof.Broker, TLS: proof.TLS, MQTT: proof.MQTT, At: proof.At}
	return nil
}

// passportBefore names the device's PASS before this one.
func (l *Ledger) passportBefore(ctx context.Context, d RunDetail, p *audit.Passport) error {
	rows, err := l.Runs(ctx, Filter{Tenant: d.Tenant, HardwareSerial: d.HardwareSerial, Outcome: station.Pass, After: d.Run, Limit: 1})
	for _, r := range rows {
		p.Previous = &audit.PassportBefore{Run: r.Run, Leaf: hex.EncodeToString(r.Leaf), EndedAt: r.EndedAt}
	}
	return err
}

// passportOperator is the pseudonym that the chain has for the person.
func (l *Ledger) passportOperator(ctx context.Context, operator string) (pseudonym string, name []audit.PassportName, err error) {
	if operator == "" || audit.IsPseudonym(operator) {
		return operator, nil, nil
	}
	rows, err := query(ctx, l, func(scan func(...any) error) (n audit.PassportName, err error) {
		n.Name = operator
		var salt []byte
		err = scan(&n.Pseudonym, &salt)
		n.Salt = salt
		return n, err
	}, "SELECT pseudonym, salt FROM people_names WHERE name = ? ORDER BY pseudonym LIMIT 1", operator)
	if err != nil || len(rows) == 0 {
		return "", nil, err
	}
	return rows[0].Pseudonym, rows, nil
}

// FileOf is the file that a ledger's url names; ok is false for one in memory or on a server.
func FileOf(ledgerURL string) (path string, ok bool) {
	path, err := parseURL(ledgerURL)
	return path, err == nil && path != ""
}
