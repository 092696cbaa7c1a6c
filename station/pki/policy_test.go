package pki_test

import (
	"crypto/x509"
	"errors"
	"strings"
	"testing"
	"time"

	"provstation/station/pki"
	"provstation/station/stationtest"
)

func TestPolicies(t *testing.T) {
	b := newBench(t, stationtest.PKIConfig{})
	tests := []struct {
		name string
		leaf []stationtest.LeafOption
		set  func(*pki.Policy)
		want pki.Check
	}{
		{"shelf life met", nil, func(p *pki.Policy) { p.MinValidity = 24 * time.Hour }, ""},
		{"shelf life missed", nil, func(p *pki.Policy) { p.MinValidity = 24*time.Hour + time.Second }, pki.CheckShelfLife},
		{"clock skew allowed", []stationtest.LeafOption{stationtest.Lifetime(b.Now.Add(time.Minute), b.Now.Add(time.Hour))}, func(p *pki.Policy) { p.ClockSkew = time.Minute }, ""},
		{"clock skew too large", []stationtest.LeafOption{stationtest.Lifetime(b.Now.Add(time.Minute), b.Now.Add(time.Hour))}, func(p *pki.Policy) { p.ClockSkew = 59 * time.Second }, pki.CheckNotYetValid},
		{"old leaf taken for new", []stationtest.LeafOption{stationtest.Lifetime(b.Now.Add(-30*time.Minute), b.Now.Add(time.Hour))}, func(p *pki.Policy) { p.MaxBackdate = 10 * time.Minute }, pki.CheckBackdated},
		{"serverAuth too, allowed", []stationtest.LeafOption{stationtest.ExtKeyUsage(x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth)}, func(*pki.Policy) {}, ""},
		{"serverAuth too, refused", []stationtest.LeafOption{stationtest.ExtKeyUsage(x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth)}, func(p *pki.Policy) { p.ClientAuthOnly = true }, pki.CheckExtraEKU},
		{"illegal id", nil, func(p *pki.Policy) { p.DeviceID = "../etc" }, pki.CheckDeviceID},
		{"no clock", nil, func(p *pki.Policy) { p.Now = time.Time{} }, pki.CheckExpired},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := b.policy()
			tt.set(&p)
			_, err := pki.VerifyAnswer(b.answer(t, tt.leaf...), p)
			if got := pki.CheckOf(err); got != tt.want {
				t.Errorf("got %q (%v), want %q", got, err, tt.want)
			}
		})
	}
}

// A leaf that outlives its issuer is as short-lived as the issuer.
func TestShelfLifeIsTheChains(t *testing.T) {
	b := newBench(t, stationtest.PKIConfig{})
	short := stationtest.NewCA(t, b.ICA, stationtest.CATemplate("Short Sub-CA", 0, b.Now, time.Hour))
	a := b.answer(t, stationtest.SignedBy(short))
	a.CAChain = short.PEM()
	chain, err := pki.VerifyAnswer(a, b.policy())
	if err != nil {
		t.Fatalf("verify: %v", err)
	}
	if got := chain.Left(b.Now); got != time.Hour {
		t.Errorf("got %s left, want 1h", got)
	}
	if err := chain.CheckShelfLife(b.Now, 2*time.Hour); pki.CheckOf(err) != pki.CheckShelfLife {
		t.Errorf("got %v, want %s", err, pki.CheckShelfLife)
	}
	if got := chain.DaysLeft(b.Now.Add(25 * time.Hour)); got != -1 {
		t.Errorf("got %d days left a day after the end, want -1", got)
	}
}

// What a hostile certificate says of itself must not reach a terminal as control characters, and no key text may.
func TestErrorsAreSafe(t *testing.T) {
	b := newBench(t, stationtest.PKIConfig{})
	a := b.answer(t, stationtest.CommonName("\x1b]0;owned\a\u009b31m\u202e"+strings.Repeat("x", 5000)))
	_, err := pki.VerifyAnswer(a, b.policy())
	if err == nil || strings.ContainsAny(err.Error(), "\x1b\a\u009b\u202e") || len(err.Error()) > 1200 {
		t.Errorf("got %q, want a short text without control characters", err)
	}
	key := keyPEM(t, b.key)
	_, err = pki.VerifyAnswer(pki.Answer{Certificate: a.Certificate, CAChain: key}, b.policy())
	var finding *pki.Error
	if !errors.As(err, &finding) || strings.Contains(err.Error(), strings.Split(key, "\n")[1][:16]) {
		t.Errorf("got %v, want a finding that does not quote the key", err)
	}
}
