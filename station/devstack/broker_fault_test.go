package devstack

import (
	"crypto/sha256"
	"crypto/tls"
	"testing"
	"time"
)

// What the broker does to a client's first connection, and that it serves the second.
func TestBrokerFaults(t *testing.T) {
	for _, row := range []struct {
		fault     BrokerFault
		in, taken bool
	}{
		{BrokerCert, false, false},
		{BrokerRefuses, false, false},
		{BrokerHangsUp, false, false},
		{BrokerDrops, true, false},
		{BrokerDenies, true, false},
		{BrokerIsSilent, true, false},
		{BrokerIsSlow, true, true},
	} {
		t.Run(string(row.fault), func(t *testing.T) {
			t.Parallel()
			spec, err := ParseSpec("broker=" + string(row.fault))
			if err != nil {
				t.Fatal(err)
			}
			s := start(t, Config{Faults: spec})
			id := identity(t, s.pki, "dev-001", s.pki.sub, s.pki.ica)
			for n, want := range []struct{ in, taken bool }{{row.in, row.taken}, {true, true}} {
				before := len(s.Seen())
				c, err := connect(t, s, "dev-001", id, tls.VersionTLS13)
				if (err == nil) != want.in {
					t.Fatalf("connection %d: got %v, want in: %v", n+1, err, want.in)
				}
				if err != nil {
					continue
				}
				tok := c.Publish("v1/devices/me/telemetry", 1, false, `{"test": 1}`)
				taken := tok.WaitTimeout(2*time.Second) && tok.Error() == nil
				if taken != want.taken {
					t.Errorf("connection %d: got taken %v (%v), want %v", n+1, taken, tok.Error(), want.taken)
				}
				c.Disconnect(0)
				if !taken {
					continue
				}
				seen := s.Seen()[before:]
				if len(seen) != 1 || seen[0].ClientID != "dev-001" || seen[0].Leaf != sha256.Sum256(id.Certificate[0]) {
					t.Errorf("connection %d: got %+v, want one message of dev-001", n+1, seen)
				}
			}
		})
	}
}
