package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"provstation/station"
	"provstation/station/bridge"
	"provstation/station/config"
)

// checkAuth: the station's own credentials can be read, and only by it. What they say is never shown.
func (d *doctor) checkAuth(context.Context) []finding {
	const name = "bridge-auth"
	c := d.cfg.Bridge.Auth
	var list []finding
	for _, s := range []struct{ key, file, env string }{
		{"bridge.auth.token", c.TokenFile, c.TokenEnv},
		{"bridge.auth.client_secret", c.ClientSecretFile, c.ClientSecretEnv},
	} {
		if s.file != "" || s.env != "" {
			list = append(list, d.secretFindings(s.key, s.file, s.env)...)
		}
	}
	if c.CertFile != "" || c.KeyFile != "" {
		list = append(list, d.clientCertFindings(c)...)
	}
	switch {
	case len(list) > 0:
		return list
	case c.Mode == config.AuthNone && c.CertFile == "":
		return []finding{skipped(name, "the bridge asks for nothing (bridge.auth.mode: none)")}
	default:
		return []finding{ok(name, "%s: its source can be read", c.Mode)}
	}
}

// maxSecretFile bounds what is read of a secret's file.
const maxSecretFile = 64 << 10

func (d *doctor) secretFindings(key, file, env string) []finding {
	const name = "bridge-auth"
	if file == "" {
		if strings.TrimSpace(d.sys.getenv(env)) == "" {
			return []finding{failed(name, "set $"+env+" for the user and the service that run the station, or use "+key+"_file", "$%s is empty", env)}
		}
		return nil
	}
	f, err := os.Open(file)
	if err != nil {
		return []finding{failed(name, "put the secret there, readable for this user alone, or correct "+key+"_file", "%v", err)}
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	switch {
	case err != nil:
		return []finding{failed(name, "correct "+key+"_file", "%v", err)}
	case len(strings.TrimSpace(string(text))) == 0:
		return []finding{failed(name, "put the secret there: one line", "%s is empty", file)}
	case len(text) > maxSecretFile:
		return []finding{failed(name, "correct "+key+"_file", "%s is longer than any secret", file)}
	}
	return d.privateFindings(file)
}

// privateFindings: a secret's file is for this user alone.
func (d *doctor) privateFindings(file string) []finding {
	if known, mode := d.sys.mode(file); known && mode&0o077 != 0 {
		return []finding{warned("bridge-auth", "chmod 600 "+shellWord(file), "others may read %s (mode %04o)", file, mode)}
	}
	return nil
}

func (d *doctor) clientCertFindings(c config.Auth) []finding {
	const name = "bridge-auth"
	pair, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
	if err != nil {
		return []finding{failed(name, "bridge.auth.cert_file and key_file must be PEM, readable, and belong together", "client certificate: %v", err)}
	}
	list := d.privateFindings(c.KeyFile)
	const renew = "renew the station's client certificate with whoever runs the bridge"
	switch left := pair.Leaf.NotAfter.Sub(d.sys.now()); {
	case left <= 0:
		list = append(list, failed(name, renew, "client certificate %q ended on %s", pair.Leaf.Subject.CommonName, day(pair.Leaf.NotAfter)))
	case left < soon/4:
		list = append(list, warned(name, renew, "client certificate %q ends in %d days", pair.Leaf.Subject.CommonName, days(left)))
	}
	return list
}

// checkBridge: found, believed, answering, its contract known, its clock near ours.
func (d *doctor) checkBridge(ctx context.Context) []finding {
	const name, contract, clock = "bridge", "bridge-contract", "bridge-clock"
	rest := func(why string) []finding { return []finding{skipped(contract, "%s", why), skipped(clock, "%s", why)} }
	b := d.cfg.Bridge
	c, err := bridge.New(b.URL, bridge.Config{
		Contract: b.Contract, Timeout: checkLimit, ConnectTimeout: checkLimit * 3 / 4, TLSTimeout: checkLimit * 3 / 4,
		Trust: bridgeTrust(d.cfg), ServerName: b.TLS.ServerName, Auth: bridgeAuth(b.Auth), Getenv: d.sys.getenv,
		UserAgent: "provstation/" + d.version,
	})
	if err != nil {
		return append([]finding{failed(name, "correct section bridge of the configuration", "%v", err)}, rest("needs a usable bridge.url")...)
	}
	defer c.Close()
	asked := d.sys.now()
	h, err := c.Health(ctx)
	if err != nil {
		return append([]finding{failed(name, bridgeFix(err), "%s: %v", b.URL, err)}, rest("needs the bridge's answer")...)
	}
	answered := d.sys.now()
	list := []finding{healthFinding(b.URL, h, answered.Sub(asked))}
	switch found, err := c.Contract(ctx); {
	case err != nil:
		list = append(list, failed(contract, bridgeFix(err), "%v", err))
	case b.Contract == station.ContractAuto:
		list = append(list, ok(contract, "%s, found out without issuing anything", found))
	default:
		list = append(list, ok(contract, "%s, as configured; it was not asked", found))
	}
	return append(list, clockFinding(h.ServerTime, asked.Add(answered.Sub(asked)/2), d.cfg.Clock.StationTolerance.D()))
}

func healthFinding(url string, h bridge.Health, took time.Duration) finding {
	if h.Status != "ok" {
		return warned("bridge", "look at the bridge's own log", "%s answers that it is %q", url, h.Status)
	}
	return ok("bridge", "%s answers: %s %s, in %d ms", url, h.Service, h.Status, took.Milliseconds())
}

// clockFinding compares clocks as a run does: beyond the tolerance every run ends ERROR.
func clockFinding(server, ours time.Time, tolerance time.Duration) finding {
	const name = "bridge-clock"
	if server.IsZero() {
		return warned(name, "have the bridge, or the proxy before it, send a Date header", "the bridge does not say what time it is")
	}
	off := ours.Sub(server).Round(time.Second)
	way := "ahead of"
	if off < 0 {
		way = "behind"
	}
	if off.Abs() > tolerance {
		return failed(name, clockFix+"; if this clock is right, tell whoever runs the bridge", "this station is %s %s the bridge, more than %s", off.Abs(), way, tolerance)
	}
	return ok(name, "this station is %s %s the bridge, within %s", off.Abs(), way, tolerance)
}

// bridgeFix says how to mend what the bridge, or the way to it, has against us.
func bridgeFix(err error) string {
	f, isFault := station.AsFault(err)
	if !isFault {
		return "correct section bridge of the configuration"
	}
	switch f.Code {
	case station.CodeBridgePath:
		return "bridge.url has the wrong path: it is what stands before /devices/... and /health, often with /api at its end"
	case station.CodeBridgeAuth:
		return "the bridge refuses this station: check bridge.auth, and have token, client secret or client certificate renewed"
	case station.CodeBridgeTokenBad:
		return "see bridge-auth, and bridge.auth.token_url"
	case station.CodeTrustMissing:
		return "see trust: the bridge is held to the tenant's root (bridge.tls.trust: root)"
	case station.CodeBridgeContract:
		return "set bridge.contract to deployed (field csr) or documented (field csr_pem): ask whoever runs the bridge"
	case station.CodeBridgeAnswer:
		return "another server answers there: check bridge.url; a login page or a proxy may be in between"
	case station.CodeBridgeTLS:
		if fix := tlsFix(err); fix != "" {
			return fix
		}
	}
	if fix := networkFix(err, "bridge.url", "bridge.tls.server_name"); fix != "" {
		return fix
	}
	if f.Code == station.CodeBridgeTimeout {
		return "it does not answer: check firewall and VPN, and whether the bridge is up"
	}
	return fmt.Sprintf("look at the bridge's own log (%s)", f.Code)
}

// tlsFix: a wrong CA is a matter of bridge.tls; the rest is common.
func tlsFix(err error) string {
	fix := networkFix(err, "bridge.url", "bridge.tls.server_name")
	if strings.HasPrefix(fix, "its certificate does not chain") {
		return "its certificate does not chain to what bridge.tls.trust names (system, file or root): set it to root for the tenant's own CA, to system for a public one, and check that bridge.url is the tenant's"
	}
	return fix
}
