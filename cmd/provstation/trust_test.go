package main

import (
	"strings"
	"testing"

	"provstation/station"
	"provstation/station/config"
)

// A CA that does not answer is one that passes, and the operator is told to look at the network; a root that is not there is the
// line lead's.
func TestAnchorsFault(t *testing.T) {
	for name, row := range map[string]struct {
		pki   config.PKI
		code  station.Code
		class station.Class
	}{
		"CA away": {
			config.PKI{StepCAURL: "https://127.0.0.1:1", RootFingerprint: strings.Repeat("ab", 32), StepCATLS: config.TLS{Trust: config.TrustRoot}},
			station.CodeCADown, station.Passing,
		},
		"no root": {config.PKI{RootFile: t.TempDir() + "/root.pem"}, station.CodeTrustMissing, station.Misconfigured},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := (&trustSource{cfg: &config.Config{PKI: row.pki}}).Anchors(t.Context())
			if f, ok := station.AsFault(err); !ok || f.Code != row.code || f.Class != row.class || f.Outcome != station.Error {
				t.Errorf("got %v, want %s", err, row.code)
			}
		})
	}
}
