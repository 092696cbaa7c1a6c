package wgconf

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// Severity is what a policy does about a problem.
type Severity uint8

// Severities. Default stands for the default that [Policy] documents for each field.
const (
	Default Severity = iota
	Allow
	Warn
	Refuse
)

func (s Severity) String() string {
	switch s {
	case Default:
		return "default"
	case Allow:
		return "allow"
	case Warn:
		return "warn"
	case Refuse:
		return "refuse"
	default:
		return fmt.Sprintf("unknown(%d)", uint8(s))
	}
}

// UnmarshalText reads allow, warn, refuse or default.
func (s *Severity) UnmarshalText(text []byte) error {
	for _, v := range []Severity{Default, Allow, Warn, Refuse} {
		if string(text) == v.String() {
			*s = v
			return nil
		}
	}
	return errors.New("want allow, warn, refuse or default")
}

// MarshalText writes what UnmarshalText reads.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Policy says what to do about what is unusual but may be meant. The zero value is every default.
type Policy struct {
	EndpointLoopback    Severity // the peer is the device itself, a sign of a misconfigured tenant; default Warn
	EndpointUnspecified Severity // 0.0.0.0 or ::, nobody's address; default Refuse
	NoEndpoint          Severity // the device can never begin a handshake; default Warn
	RouteEverything     Severity // AllowedIPs of 0.0.0.0/0 or ::/0, or half of it; default Warn
	NoAllowedIPs        Severity // nothing goes through the tunnel; default Warn
	DNS                 Severity // the device's name server is replaced; default Warn
	PresharedKey        Severity // it would cross the serial line in clear; default Refuse
	SeveralPeers        Severity // default Warn
}

// DevicePolicy is what a device applies to what a station pushes: the structure that [Parse] enforces is all a device
// can judge, policy was the station's, and only an endpoint that is nobody's address is refused still.
func DevicePolicy() Policy {
	return Policy{
		EndpointLoopback: Allow, EndpointUnspecified: Refuse, NoEndpoint: Allow, RouteEverything: Allow,
		NoAllowedIPs: Allow, DNS: Allow, PresharedKey: Allow, SeveralPeers: Allow,
	}
}

func (p Policy) severity(problem Problem) Severity {
	var set, def Severity
	switch problem {
	case ProblemEndpointLoopback:
		set, def = p.EndpointLoopback, Warn
	case ProblemEndpointUnspecified:
		set, def = p.EndpointUnspecified, Refuse
	case ProblemNoEndpoint:
		set, def = p.NoEndpoint, Warn
	case ProblemRouteEverything:
		set, def = p.RouteEverything, Warn
	case ProblemNoAllowedIPs:
		set, def = p.NoAllowedIPs, Warn
	case ProblemDNS:
		set, def = p.DNS, Warn
	case ProblemPresharedKey:
		set, def = p.PresharedKey, Refuse
	case ProblemSeveralPeers:
		set, def = p.SeveralPeers, Warn
	default:
		return Refuse
	}
	if set == Default {
		return def
	}
	return set
}

// Finding is something unusual in a configuration that policy does not simply allow.
type Finding struct {
	Problem  Problem
	Severity Severity // Warn or Refuse
	Key      string
	Detail   string // safe for a terminal, never a secret
}

func (f Finding) String() string {
	return fmt.Sprintf("%s: %s: %s", f.Key, f.Problem, f.Detail)
}

// Lint judges a parsed configuration. findings holds what is not simply allowed, in the order of the file. err is nil if
// none of it is refused, else it joins one [*Error] for each refusal.
func Lint(cfg *Config, p Policy) (findings []Finding, err error) {
	var refused []error
	note := func(problem Problem, key, format string, args ...any) {
		f := Finding{Problem: problem, Severity: p.severity(problem), Key: key, Detail: clean(fmt.Sprintf(format, args...))}
		if f.Severity == Allow {
			return
		}
		findings = append(findings, f)
		if f.Severity != Warn { // an unknown severity refuses
			refused = append(refused, &Error{Key: key, Problem: problem, Detail: f.Detail})
		}
	}
	if n := len(cfg.Interface.DNS) + len(cfg.Interface.Search); n > 0 {
		note(ProblemDNS, keyDNS, "the device's name servers are replaced by %s", joinDNS(&cfg.Interface))
	}
	if n := len(cfg.Peers); n > 1 {
		note(ProblemSeveralPeers, sectionPeer, "%d peers", n)
	}
	for i := range cfg.Peers {
		lintPeer(&cfg.Peers[i], note)
	}
	if own, ok := cfg.Interface.PrivateKey.PublicKey(); ok {
		if hasPeer(cfg, own) {
			note(ProblemOwnKey, keyPublicKey, "the peer's public key is the device's own")
		}
	}
	return findings, errors.Join(refused...)
}

func lintPeer(peer *Peer, note func(Problem, string, string, ...any)) {
	if peer.PresharedKey.Present() {
		note(ProblemPresharedKey, keyPresharedKey, "it would cross the serial line in clear")
	}
	switch host := peer.Endpoint.Host; {
	case peer.Endpoint == Endpoint{}:
		note(ProblemNoEndpoint, keyEndpoint, "the device can never begin a handshake")
	case unspecified(host):
		note(ProblemEndpointUnspecified, keyEndpoint, "%s is nobody's address", host)
	case loopback(host):
		note(ProblemEndpointLoopback, keyEndpoint, "%s is the device itself", host)
	}
	if len(peer.AllowedIPs) == 0 {
		note(ProblemNoAllowedIPs, keyAllowedIPs, "nothing goes through the tunnel")
	}
	for _, a := range peer.AllowedIPs {
		if a.Bits() <= 1 {
			note(ProblemRouteEverything, keyAllowedIPs, "%s sends all traffic into the tunnel", a)
		}
	}
}

func unspecified(host string) bool {
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsUnspecified()
}

func loopback(host string) bool {
	if a, err := netip.ParseAddr(host); err == nil {
		return a.Unmap().IsLoopback()
	}
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	switch name {
	case "localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback", "localhost6", "localhost4":
		return true
	}
	return strings.HasSuffix(name, ".localhost") // RFC 6761 6.3
}
