package mqttcheck

import (
	"crypto/tls"
	"crypto/x509"
	"os/exec"
	"testing"
	"time"
)

// The verdict on a broker's chain equals OpenSSL's, which is what a device will
// use.
func TestTrustAsOpenSSL(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		skipOrFail(t, "openssl is not installed (Debian package openssl)")
	}
	p, other := newTenant(t), newTenant(t)
	root, ica, sub := p.root.cert, p.ica.cert, p.sub.cert
	leaf := func(edit ...func(*x509.Certificate)) *x509.Certificate {
		cert, err := x509.ParseCertificate(p.server(t, edit...).Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		return cert
	}
	good := leaf()
	key := newKey(t)
	alone := sign(t, &x509.Certificate{
		DNSNames: []string{"broker.test"}, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, key.Public(), nil, key)
	type certs = []*x509.Certificate
	for _, tc := range []struct {
		name    string
		caFile  certs
		chain   certs
		host    string
		ok      bool
		partial bool
	}{
		{name: "root alone, full chain", caFile: certs{root}, chain: certs{good, sub, ica}, ok: true},
		{name: "whole file, leaf alone", caFile: certs{sub, ica, root}, chain: certs{good}, ok: true},
		{name: "whole file, chain with root", caFile: certs{sub, ica, root}, chain: certs{good, sub, ica, root}, ok: true},
		{name: "no root", caFile: certs{sub, ica}, chain: certs{good, sub, ica}, partial: true},
		{name: "Sub-CA alone", caFile: certs{sub}, chain: certs{good}, partial: true},
		{name: "leaf as anchor", caFile: certs{good}, chain: certs{good}, partial: true},
		{name: "root alone, leaf alone", caFile: certs{root}, chain: certs{good}},
		{name: "other root", caFile: other.caFile(), chain: certs{good, sub, ica}},
		{name: "empty file", caFile: nil, chain: certs{good, sub, ica, root}},
		{name: "expired", caFile: certs{root}, chain: certs{leaf(expired), sub, ica}},
		{name: "client certificate", caFile: certs{root}, chain: certs{leaf(func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		}), sub, ica}},
		{name: "other name", caFile: certs{root}, chain: certs{good, sub, ica}, host: "other.test"},
		{name: "self-signed, known", caFile: certs{alone}, chain: certs{alone}, ok: true},
		{name: "self-signed, unknown", caFile: certs{root}, chain: certs{alone}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			name := "broker.test"
			if tc.host != "" {
				name = tc.host
			}
			a := newAnchors(tc.caFile)
			err := a.verify(tc.chain, name, time.Now())
			if (err == nil) != tc.ok {
				t.Errorf("got %v, want ok=%v", err, tc.ok)
			}
			if err != nil && a.onlyPartial(tc.chain, name, time.Now()) != tc.partial {
				t.Errorf("got onlyPartial %v, want %v", !tc.partial, tc.partial)
			}
			dir := t.TempDir()
			raw := func(certs certs) (out [][]byte) {
				for _, c := range certs {
					out = append(out, c.Raw)
				}
				return out
			}
			args := []string{
				"verify", "-no-CAstore", "-no-CApath", "-purpose", "sslserver", "-verify_hostname", name,
				"-CAfile", writePEM(t, dir, "ca.pem", "CERTIFICATE", raw(tc.caFile)...),
			}
			if len(tc.chain) > 1 {
				args = append(args, "-untrusted", writePEM(t, dir, "chain.pem", "CERTIFICATE", raw(tc.chain[1:])...))
			}
			args = append(args, writePEM(t, dir, "leaf.pem", "CERTIFICATE", tc.chain[0].Raw))
			out, err := exec.CommandContext(t.Context(), openssl, args...).CombinedOutput()
			if (err == nil) != tc.ok {
				t.Errorf("openssl verify: got %v, want ok=%v\n%s", err, tc.ok, out)
			}
		})
	}
}

// A broker that sends its leaf alone passes with a CA file that holds the
// intermediates, as it does for the device.
func TestHelpersFromCAFile(t *testing.T) {
	p := newTenant(t)
	conf := p.serverTLS(t)
	conf.Certificates = []tls.Certificate{{Certificate: conf.Certificates[0].Certificate[:1], PrivateKey: conf.Certificates[0].PrivateKey}}
	res, err := Check(t.Context(), p.config(startMochi(t, conf, &aclHook{connect: true, write: true})), p.device(t, newKey(t)))
	passed(t, res, err, ProofBrokerDelivered, Protocol5)
}
