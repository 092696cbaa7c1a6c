package retire

import (
	"crypto/x509"
	"testing"
	"time"

	"provstation/station/stationtest"
	"provstation/station/stepca"
)

// What brokers make of a revoked certificate, for each state that the CA's list can be in. One that has the certificate is
// made by a real CA, in the tests of cmd/provstation.
func TestJudge(t *testing.T) {
	p := stationtest.NewPKI(t)
	leaf := p.Issue(t, stationtest.NewCSR(t, stationtest.NewKey(t, "P-256"), device))
	cert := stationtest.ParseCert(t, leaf)
	now := cert.NotBefore.Add(time.Hour)
	c := Certificate{CertSerial: SerialText(cert.SerialNumber), Leaf: leaf, NotAfter: cert.NotAfter}
	list := func(from, to time.Duration, by *x509.Certificate, urls ...string) stepca.CRL {
		return stepca.CRL{DER: []byte{1}, Issuer: by, ThisUpdate: now.Add(from), NextUpdate: now.Add(to), URLs: urls}
	}
	over := c
	over.NotAfter = now.Add(-time.Second)
	for name, tc := range map[string]struct {
		crl  stepca.CRL
		cert Certificate
		want Brokers
	}{
		"none":                     {stepca.CRL{}, c, BrokersOff},
		"none, and it is over":     {stepca.CRL{}, over, BrokersOver},
		"over":                     {list(-time.Hour, time.Hour, p.Sub.Cert), over, BrokersOver},
		"not on it":                {list(-time.Hour, time.Hour, p.Sub.Cert), c, BrokersNotYet},
		"not on file":              {list(-time.Hour, time.Hour, p.Sub.Cert), Certificate{CertSerial: "0a"}, BrokersNotYet},
		"another issuer's":         {list(-time.Hour, time.Hour, p.ICA.Cert), c, BrokersScope},
		"of another place":         {list(-time.Hour, time.Hour, p.Sub.Cert, "http://ca/crl"), c, BrokersScope},
		"out of date":              {list(-2*time.Hour, -time.Hour, p.Sub.Cert), c, BrokersStale},
		"of the future":            {list(time.Hour, 2*time.Hour, p.Sub.Cert), c, BrokersEarly},
		"a clock that is a bit on": {list(30*time.Second, time.Hour, p.Sub.Cert), c, BrokersNotYet},
	} {
		got, w := Judge(tc.crl, tc.cert, now)
		if got != tc.want {
			t.Errorf("%s: got %s, want %s", name, got, tc.want)
		}
		if (w["next"] != "") != tc.crl.On() || (w["until"] != "") == tc.cert.NotAfter.IsZero() {
			t.Errorf("%s: got %v, want the dates that are known", name, w)
		}
	}
}
