package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"provstation/station"
	"provstation/station/tenant"
)

// checkThingsBoard: found, believed, its account good for what a run asks.
func (d *doctor) checkThingsBoard(ctx context.Context) []finding {
	const name, section = "thingsboard", "tenant.thingsboard"
	c := d.cfg.Tenant.ThingsBoard
	if c.URL == "" {
		return []finding{skipped(name, "no run asks it (%s.url is empty)", section)}
	}
	t, err := openThingsBoard(d.cfg, d.tenantConfig())
	if err != nil {
		return []finding{failed(name, "correct section "+section+" of the configuration", "%v", err)}
	}
	defer t.Close()
	who := c.Username
	if who == "" {
		who = "an API key"
	}
	list := d.tenantSecret(name, c.PasswordFile, c.APIKeyFile)
	return append(list, tenantFinding(name, section, c.URL, "answers to "+who+" and lets it look for devices", func() error { return t.Check(ctx) }))
}

// checkHawkBit: found, believed, its account good for what a run asks.
func (d *doctor) checkHawkBit(ctx context.Context) []finding {
	const name, section = "hawkbit", "tenant.hawkbit"
	c := d.cfg.Tenant.HawkBit
	if c.URL == "" {
		return []finding{skipped(name, "no run asks it (%s.url is empty)", section)}
	}
	h, err := openHawkBit(d.cfg, d.tenantConfig())
	if err != nil {
		return []finding{failed(name, "correct section "+section+" of the configuration", "%v", err)}
	}
	defer h.Close()
	list := d.tenantSecret(name, c.PasswordFile)
	return append(list, tenantFinding(name, section, c.URL, "answers to "+c.Username+" and lists targets", func() error { return h.Check(ctx) }))
}

func (d *doctor) tenantConfig() tenant.Config {
	return tenant.Config{
		Timeout: checkLimit * 3 / 4, ConnectTimeout: checkLimit * 3 / 4, Getenv: d.sys.getenv, UserAgent: "provstation/" + d.version, Now: d.sys.now,
	}
}

// tenantSecret: a secret's file is for this user alone.
func (d *doctor) tenantSecret(name string, files ...string) (list []finding) {
	for _, file := range files {
		if known, mode := d.sys.mode(file); file != "" && known && mode&0o077 != 0 {
			list = append(list, warned(name, "chmod 600 "+shellWord(file), "others may read %s (mode %04o)", file, mode))
		}
	}
	return list
}

func tenantFinding(name, section, url, well string, ask func() error) finding {
	began := time.Now()
	err := ask()
	if err != nil {
		return failed(name, tenantFix(section, err), "%s: %v", url, err)
	}
	return ok(name, "%s %s, in %d ms", url, well, time.Since(began).Milliseconds())
}

// tenantFix says how to mend what one of the tenant's servers, or the way to it, has against us.
func tenantFix(section string, err error) string {
	f, isFault := station.AsFault(err)
	if !isFault {
		return "correct section " + section + " of the configuration"
	}
	switch f.Code {
	case station.CodeTenantPath:
		return section + ".url has the wrong path, or a login page or proxy is in between: it is what stands before /api/auth/login (ThingsBoard) or /rest/v1/targets (hawkBit)"
	case station.CodeTenantAuth:
		if f.Params["status"] == "403" {
			return "the account may not do this: ThingsBoard wants a tenant administrator's, hawkBit one that may read targets"
		}
		return "the account is refused: check user name and secret in " + section + "; trying often can lock it"
	case station.CodeTenantSecret:
		return "put the secret where " + section + " says it is, readable for this user alone"
	case station.CodeTrustMissing:
		return "see trust: the server is held to the tenant's root (" + section + ".tls.trust: root)"
	case station.CodeTenantAnswer:
		return "another server answers there, or one of another version: check " + section + ".url"
	case station.CodeTenantBusy:
		return "it is overloaded: try again later"
	}
	fix := networkFix(err, section+".url", section+".tls.server_name")
	switch {
	case strings.HasPrefix(fix, "its certificate does not chain"):
		return "its certificate does not chain to what " + section + ".tls.trust names (system, file or root): set it to root for the tenant's own CA, to system for a public one, and check " + section + ".url"
	case fix != "":
		return fix
	case f.Code == station.CodeTenantTimeout:
		return "it does not answer: check firewall and VPN, and whether the server is up"
	}
	return fmt.Sprintf("look at the server's own log (%s)", f.Code)
}
