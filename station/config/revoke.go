package config

import (
	"net"
	"strings"
)

// revoke judges what the CA is asked with.
func (v check) revoke() {
	p := v.c.PKI
	if p.StepCAURL == "" && p.StepCAName != "" {
		v.bad("pki.step_ca_name", "belongs to pki.step_ca_url, which is empty")
	}
	if p.StepCAURL == "" && p.Revoke.On() {
		v.bad("pki.revoke.provisioner", "the CA is asked to revoke, and pki.step_ca_url is empty")
	}
	if p.StepCAName != "" && !validAudience(p.StepCAName) {
		v.bad("pki.step_ca_name", "want a host of the CA's dnsNames, with or without a port, got %q", clip(p.StepCAName))
	}
	v.short("pki.revoke.provisioner", p.Revoke.Provisioner)
	v.secretPlaces("pki.revoke.password", p.Revoke.PasswordFile, p.Revoke.PasswordEnv)
}

// validAudience reports whether a text is a host, or a host and a port.
func validAudience(text string) bool {
	if host, port, err := net.SplitHostPort(text); err == nil {
		return validHost(host) && validPort(port)
	}
	return validHost(text) && !strings.Contains(text, ":") // an address of IPv6 needs its brackets
}
