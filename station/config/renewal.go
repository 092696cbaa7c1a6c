package config

import (
	"net/url"
	"path"
	"strings"
)

// What a bench has to do with the renewal that a device does by itself.
const (
	RenewalOff   = "off"
	RenewalSet   = "set"   // a device is told where to renew before it is sealed
	RenewalCheck = "check" // it has to be set up, by whomever
)

// Renewal is the renewal that a device does by itself, over a network of its own.
type Renewal struct {
	Mode     string `yaml:"mode" enum:"off|set|check"`
	URL      string `yaml:"url"`      // where a device renews; empty: pki.step_ca_url with /1.0/renew
	Audience string `yaml:"audience"` // the CA's own renew address, where url is a proxy's; empty: url
	// Missing is what becomes of a device that cannot, is not set up, or fails.
	Missing string `yaml:"missing" enum:"warn|refuse"`
}

// RenewalURL is where a device is told to renew.
func (c *Config) RenewalURL() string {
	if c.Renewal.URL != "" || c.PKI.StepCAURL == "" {
		return c.Renewal.URL
	}
	return strings.TrimSuffix(c.PKI.StepCAURL, "/") + "/1.0/renew"
}

// maxRenewalURL is the longest that a device can be told (RENEW_SET in serialproto/doc.go), in bytes.
const maxRenewalURL = 256

func (v check) renewal() {
	r := v.c.Renewal
	if r.URL != "" {
		v.renewalURL("renewal.url", r.URL)
	}
	if r.Audience != "" {
		v.renewalURL("renewal.audience", r.Audience)
	}
	switch {
	case r.Audience != "" && r.URL == "":
		v.bad("renewal.audience", "goes with renewal.url: without a proxy before the CA both are the same")
	case r.Mode != RenewalSet || r.URL != "":
	case v.c.PKI.StepCAURL == "":
		v.bad("renewal.url", "mode set needs it, or pki.step_ca_url")
	default:
		v.renewalURL("renewal.url", v.c.RenewalURL())
	}
}

// renewalURL judges an address by the rules that a device has for it.
func (v check) renewalURL(key, text string) {
	u, err := url.Parse(text)
	ok := err == nil && u.Scheme == "https" && u.Hostname() != "" && u.User == nil && u.RawQuery == "" && !u.ForceQuery &&
		len(text) <= maxRenewalURL && strings.HasPrefix(text, "https://") && strings.HasSuffix(u.Path, "/renew") && path.Clean(u.Path) == u.Path &&
		!strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"\<>&%#`, r) })
	if !ok {
		v.bad(key, "want an https address that ends in /renew, without user, query or fragment, of at most %d bytes, got %q", maxRenewalURL, clip(text))
	}
}
