package station

import (
	"cmp"
	"time"

	"provstation/station/pki"
)

// Profile is how the bench treats the devices of one port where that differs from its policy for all: a device profile of the
// configuration, once it is chosen. The zero value differs in nothing. How the port is spoken to is the Connector's.
type Profile struct {
	Name        string                  // recorded with the run
	KeyType     string                  // P-256, P-384, Ed25519; empty: RunnerConfig.KeyType
	Timeouts    map[Phase]time.Duration // deadlines in place of RunnerConfig.Timeouts
	SilentAfter time.Duration           // how long the open port may say nothing before it is shown as silent; 0: BenchConfig.SilentAfter
}

// profileOf chooses the profile of a port.
func (b *Bench) profileOf(p PortInfo) Profile {
	if b == nil || b.cfg.Profiles == nil { // a relay has no port
		return Profile{}
	}
	return b.cfg.Profiles(p)
}

// keyType is what the device is asked for.
func (x *run) keyType() string { return cmp.Or(x.profile.KeyType, x.cfg.KeyType) }

// csrPolicy is what the device's CSR has to keep to: a key of another type than was asked for is refused.
func (x *run) csrPolicy() pki.CSRPolicy {
	policy := x.cfg.CSR
	policy.DeviceID = x.deviceID
	if x.profile.KeyType != "" {
		policy.KeyTypes = []pki.KeyType{pki.KeyType(x.profile.KeyType)}
	}
	return policy
}
