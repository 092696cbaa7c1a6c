package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"sync"
	"time"

	"provstation/station"
	"provstation/station/config"
	"provstation/station/stepca"
)

// caClient makes the client of the tenant's CA, believed by the roots, unless a proxy with another certificate stands before it.
// Devices lend their keys for TLS 1.2: in that they see for whom.
func caClient(ctx context.Context, cfg *config.Config, roots []*x509.Certificate, more ...func(*stepca.Config)) (*stepca.Client, error) {
	c := stepca.Config{Name: cfg.PKI.StepCAName, ServerName: cfg.PKI.StepCATLS.ServerName, MaxTLS: tls.VersionTLS12}
	if t := cfg.PKI.StepCATLS; t.Trust != config.TrustRoot {
		pool, err := trustBy(cfg, t)(ctx)
		if err != nil {
			return nil, fmt.Errorf("pki.step_ca_tls: %w", err)
		}
		c.Roots = pool
	} else {
		c.Roots = x509.NewCertPool()
		for _, r := range roots {
			c.Roots.AddCert(r)
		}
	}
	for _, do := range more {
		do(&c)
	}
	return stepca.NewWith(cfg.PKI.StepCAURL, c)
}

// timed bounds each request to the CA by another time than the client's own.
func timed(limit time.Duration, now func() time.Time) func(*stepca.Config) {
	return func(c *stepca.Config) { c.Timeout, c.Now = limit, now }
}

// lender is the tenant's CA for devices that lend their keys, asked when it is needed first.
type lender struct {
	cfg   *config.Config
	trust station.Trust

	mu     sync.Mutex
	client *stepca.Client
}

// get makes the client when the anchors are known. The error is a *station.Fault, or ctx's.
func (l *lender) get(ctx context.Context) (*stepca.Client, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.client != nil {
		return l.client, nil
	}
	anchors, err := l.trust.Anchors(ctx)
	if err != nil {
		return nil, err
	}
	client, err := caClient(ctx, l.cfg, anchors.Roots)
	if err != nil {
		return nil, station.CAFault(err)
	}
	l.client = client
	return client, nil
}

func (l *lender) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.client != nil {
		l.client.Close()
	}
	return nil
}
