package main

import (
	"context"
	"crypto/x509"

	"provstation/station"
	"provstation/station/bridge"
	"provstation/station/config"
	"provstation/station/tenant"
)

// openThingsBoard makes the client of the tenant's ThingsBoard, nil where it is not configured. It asks no server.
func openThingsBoard(cfg *config.Config, common tenant.Config) (*tenant.ThingsBoard, error) {
	c := cfg.Tenant.ThingsBoard
	if c.URL == "" {
		return nil, nil //nolint:nilnil // nil is none
	}
	return tenant.NewThingsBoard(tenant.ThingsBoardConfig{
		Config: tenantCommon(cfg, common, c.TLS, c.Timeout), URL: c.URL, Username: c.Username,
		Password: tenant.Secret{File: c.PasswordFile, Env: c.PasswordEnv}, APIKey: tenant.Secret{File: c.APIKeyFile, Env: c.APIKeyEnv},
	})
}

// openHawkBit makes the client of the tenant's hawkBit, nil where it is not configured. It asks no server.
func openHawkBit(cfg *config.Config, common tenant.Config) (*tenant.HawkBit, error) {
	c := cfg.Tenant.HawkBit
	if c.URL == "" {
		return nil, nil //nolint:nilnil // nil is none
	}
	return tenant.NewHawkBit(tenant.HawkBitConfig{
		Config: tenantCommon(cfg, common, c.TLS, c.Timeout), URL: c.URL, Username: c.Username,
		Password: tenant.Secret{File: c.PasswordFile, Env: c.PasswordEnv},
	})
}

func tenantCommon(cfg *config.Config, common tenant.Config, tls config.TLS, timeout config.Duration) tenant.Config {
	common.ServerName = tls.ServerName
	if common.Timeout == 0 {
		common.Timeout = timeout.D()
	}
	trust := trustBy(cfg, tls)
	common.Trust = func(ctx context.Context) (*x509.CertPool, error) {
		roots, err := trust(ctx)
		if err != nil {
			return nil, trustFault(err)
		}
		return roots, nil
	}
	return common
}

// registry is whom a run asks whether the tenant lists its device; nil: nobody.
func (a *app) registry(b *bench) (station.Registry, error) {
	if !b.config.Tenant.On() {
		return nil, nil //nolint:nilnil // nil is nobody
	}
	common := tenant.Config{UserAgent: "provstation/" + a.version}
	things, err := openThingsBoard(b.config, common)
	if err != nil {
		return nil, usage("%v", err)
	}
	hawk, err := openHawkBit(b.config, common)
	if err != nil {
		return nil, usage("%v", err)
	}
	b.closes = append(b.closes, func() error {
		if things != nil {
			things.Close()
		}
		if hawk != nil {
			hawk.Close()
		}
		return nil
	})
	h := b.config.Tenant.HawkBit
	return tenant.NewRegistry(things, hawk, tenant.RegistryConfig{
		Attributes: h.Attributes, Missing: tenant.AttributePolicy(h.MissingAttributes),
	}), nil
}

// trustBy is whom the station believes to be a server with these settings.
func trustBy(c *config.Config, tls config.TLS) bridge.Trust {
	switch tls.Trust {
	case config.TrustFile:
		return bridge.TrustFile(tls.CAFile)
	case config.TrustRoot:
		if c.PKI.RootFile != "" {
			return bridge.TrustFile(c.PKI.RootFile)
		}
		return bridge.TrustRoot(c.PKI.StepCAURL, c.PKI.RootFingerprint)
	default:
		return bridge.TrustSystem()
	}
}
