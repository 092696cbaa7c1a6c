package devstack

import (
	"crypto/tls"
	"errors"
	"time"
)

// BrokerFault is what the broker does to one connection of a client instead of serving it.
type BrokerFault string

// Broker faults.
const (
	BrokerServes   BrokerFault = ""
	BrokerCert     BrokerFault = "cert"    // the handshake refuses the client's certificate
	BrokerRefuses  BrokerFault = "refuse"  // CONNACK says no
	BrokerHangsUp  BrokerFault = "hang-up" // it closes the connection when it has heard CONNECT
	BrokerDrops    BrokerFault = "drop"    // it closes the connection when it has heard PUBLISH
	BrokerDenies   BrokerFault = "deny"    // it does not let the client publish
	BrokerIsSilent BrokerFault = "silent"  // it does not answer PUBLISH for a while, and then hangs up
	BrokerIsSlow   BrokerFault = "slow"    // it answers PUBLISH late
)

// BrokerFaults lists them all.
func BrokerFaults() []BrokerFault {
	return []BrokerFault{BrokerCert, BrokerRefuses, BrokerHangsUp, BrokerDrops, BrokerDenies, BrokerIsSilent, BrokerIsSlow}
}

// How long a broker with a fault takes.
const (
	silentFor = 3 * time.Second
	slowFor   = 150 * time.Millisecond
)

// SetBrokerFault decides what happens to the n-th connection (from 1) of the client whose certificate has this common
// name; nil: nothing.
func (s *Stack) SetBrokerFault(f func(id string, n int) BrokerFault) {
	if f == nil {
		s.broker.hook.fault.Store(nil)
		return
	}
	s.broker.hook.fault.Store(&f)
}

var errCertRefused = errors.New("this certificate is not wanted")

// arrives is asked by the TLS server about every client whose certificate has verified.
func (h *identityHook) arrives(state tls.ConnectionState) error {
	if len(state.PeerCertificates) == 0 {
		return nil
	}
	if err := h.revoked.check(state.PeerCertificates[0]); err != nil {
		return err
	}
	p := h.fault.Load()
	if p == nil {
		return nil
	}
	id := state.PeerCertificates[0].Subject.CommonName
	h.mu.Lock()
	if h.count == nil {
		h.count, h.now = map[string]int{}, map[string]BrokerFault{}
	}
	h.count[id]++
	n := h.count[id]
	h.mu.Unlock()
	f := (*p)(id, n)
	h.mu.Lock()
	h.now[id] = f
	h.mu.Unlock()
	if f == BrokerCert {
		return errCertRefused
	}
	return nil
}

// wait waits, but not for a broker that is closed.
func (h *identityHook) wait(d time.Duration) {
	select {
	case <-h.closed:
	case <-time.After(d):
	}
}

// of is the fault of the client's present connection.
func (h *identityHook) of(id string) BrokerFault {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now[id]
}
