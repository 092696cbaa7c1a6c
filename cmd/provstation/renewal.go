package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"go.step.sm/crypto/pemutil"

	"provstation/serialproto"
	"provstation/station"
	"provstation/station/config"
	"provstation/station/stepca"
)

// authority is the tenant's CA, asked when it is needed first.
type authority struct {
	cfg   *config.Config
	trust station.Trust

	mu     sync.Mutex
	client *stepca.Client
}

// get makes the client when the anchors are known. The error is a *station.Fault, or ctx's.
func (c *authority) get(ctx context.Context) (*stepca.Client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.client != nil {
		return c.client, nil
	}
	anchors, err := c.trust.Anchors(ctx)
	if err != nil {
		return nil, err
	}
	roots, err := caRoots(ctx, c.cfg, anchors.Roots)
	if err != nil {
		return nil, trustFault(err)
	}
	c.client, err = stepca.NewWith(c.cfg.PKI.StepCAURL, stepca.Config{
		Roots: roots, Name: c.cfg.PKI.StepCAName, ServerName: c.cfg.PKI.StepCATLS.ServerName, MaxTLS: tls.VersionTLS12,
	})
	return c.client, station.CAFault(err)
}

func (c *authority) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.client != nil {
		c.client.Close()
	}
	return nil
}

// caRoots is whom the station believes to be step-ca: the tenant's own root, unless a proxy with another certificate stands
// before it.
func caRoots(ctx context.Context, cfg *config.Config, roots []*x509.Certificate) (*x509.CertPool, error) {
	if t := cfg.PKI.StepCATLS; t.Trust != config.TrustRoot {
		return trustBy(cfg, t)(ctx)
	}
	pool := x509.NewCertPool()
	for _, r := range roots {
		pool.AddCert(r)
	}
	return pool, nil
}

// renewals is how certificates are renewed at the CA; not at all where none is configured.
func renewals(b *bench, trust station.Trust) station.Renewal {
	if b.config.PKI.StepCAURL == "" {
		return station.Renewal{}
	}
	ca := &authority{cfg: b.config, trust: trust}
	b.closes = append(b.closes, ca.close)
	return station.Renewal{
		Way: station.RenewWay(b.config.PKI.RenewBy),
		CA: func(ctx context.Context) (station.Authority, error) {
			c, err := ca.get(ctx)
			if err != nil {
				return nil, err
			}
			return c, nil
		},
	}
}

// maxKeyFile bounds the files of unlock keys, in bytes.
const maxKeyFile = 64 << 10

// unlockPolicy reads the keys that devices are given, and the one that opens them again.
func unlockPolicy(u config.Unlock) (p station.UnlockPolicy, err error) {
	p.Needed = u.Missing == config.PolicyRefuse
	if u.PinsFile == "" {
		return p, nil
	}
	if p.Pins, err = readPins(u.PinsFile); err != nil {
		return p, usage("device.unlock.pins_file: %v", err)
	}
	if u.KeyFile == "" {
		return p, nil
	}
	if p.Key, err = readUnlockKey(u); err != nil {
		return p, usage("device.unlock.key_file: %v", err)
	}
	pin, err := serialproto.UnlockPin(p.Key.Public())
	if err != nil {
		return p, usage("device.unlock.key_file: %v", err)
	}
	for _, have := range p.Pins {
		if bytes.Equal(have, pin) {
			return p, nil
		}
	}
	return p, usage("device.unlock.key_file: its public half is not in %s, so it would open no device", u.PinsFile)
}

// readPins reads PEM public keys. A private key among them was put there by mistake and is not looked at.
func readPins(path string) (pins [][]byte, err error) {
	text, err := readSmall(path)
	if err != nil {
		return nil, err
	}
	for rest := text; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "PUBLIC KEY" {
			return nil, fmt.Errorf("%s: want PUBLIC KEY blocks alone, found %s", path, plain(block.Type))
		}
		key, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%s: key %d: %w", path, len(pins)+1, err)
		}
		pin, err := serialproto.UnlockPin(key)
		if err != nil {
			return nil, fmt.Errorf("%s: key %d: %w", path, len(pins)+1, err)
		}
		pins = append(pins, pin)
	}
	if len(pins) == 0 || len(pins) > serialproto.MaxPins {
		return nil, fmt.Errorf("%s: %d public keys, want 1 to %d", path, len(pins), serialproto.MaxPins)
	}
	return pins, nil
}

// readUnlockKey reads the private key. Nothing of its text gets into an error.
func readUnlockKey(u config.Unlock) (crypto.Signer, error) {
	text, err := readSmall(u.KeyFile)
	if err != nil {
		return nil, err
	}
	var opts []pemutil.Options
	if read := ledgerPassword(config.Ledger{PasswordFile: u.PasswordFile, PasswordEnv: u.PasswordEnv}); read != nil {
		password, err := read()
		if err != nil {
			return nil, err
		}
		opts = append(opts, pemutil.WithPassword(password.Reveal()))
	} else {
		opts = append(opts, pemutil.WithPasswordPrompt("", func(string) ([]byte, error) {
			return nil, errors.New("it is encrypted: name its password in password_file or password_env")
		}))
	}
	key, err := pemutil.Parse(text, opts...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", u.KeyFile, err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("%s: not a private key", u.KeyFile)
	}
	return signer, nil
}

func readSmall(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err == nil && len(text) > maxKeyFile {
		err = fmt.Errorf("%s: more than %d bytes", path, maxKeyFile)
	}
	return text, err
}
