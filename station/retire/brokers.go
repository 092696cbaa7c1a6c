package retire

import (
	"crypto/x509"
	"time"

	"provstation/station/stepca"
)

// Brokers says what brokers make of a certificate that was revoked. Revocation is passive: only one that has the CA's list of
// revoked certificates refuses it.
type Brokers string

// What brokers do.
const (
	BrokersOver    Brokers = "over"    // it has expired: nobody accepts it
	BrokersOff     Brokers = "off"     // the CA makes no list: they accept it until it expires
	BrokersListed  Brokers = "listed"  // it is on the list: who has the list refuses it
	BrokersNotYet  Brokers = "not-yet" // it is not on the present list
	BrokersScope   Brokers = "scope"   // the list is not for it: who has the list refuses it, revoked or not
	BrokersStale   Brokers = "stale"   // the list is past its time: who has it refuses everybody
	BrokersEarly   Brokers = "early"   // the list is of the future: a clock is wrong
	BrokersUnknown Brokers = "unknown" // the list cannot be had
)

// Words are the facts of the sentence about it (revoke.brokers. and the word).
type Words map[string]string

// Judge says what brokers make of a revoked certificate by the CA's list. The leaf decides whether the list is for it; one
// that is not on file is taken for covered.
func Judge(crl stepca.CRL, c Certificate, now time.Time) (Brokers, Words) {
	w := Words{}
	if !c.NotAfter.IsZero() {
		w["until"] = stamp(c.NotAfter)
	}
	if crl.On() {
		w["made"], w["next"] = stamp(crl.ThisUpdate), stamp(crl.NextUpdate)
	}
	if c.Over(now) {
		return BrokersOver, w
	}
	switch CRLState(crl, now) {
	case stepca.CRLOff:
		return BrokersOff, w
	case stepca.CRLEarly:
		return BrokersEarly, w
	case stepca.CRLStale:
		return BrokersStale, w
	}
	if leaf, err := x509.ParseCertificate(c.Leaf); err == nil && !crl.Covers(leaf) {
		return BrokersScope, w
	}
	serial, err := c.Number()
	if err != nil {
		return BrokersNotYet, w
	}
	entry, listed := crl.Revoked(serial)
	if !listed {
		return BrokersNotYet, w
	}
	w["since"] = stamp(entry.At)
	return BrokersListed, w
}

// clockSlack is how far the CA's clock may be before this station's: a list is as fresh as can be just after a revocation.
const clockSlack = time.Minute

// CRLState is what the CA's list is worth, clocks that differ by a little aside.
func CRLState(crl stepca.CRL, now time.Time) stepca.CRLState {
	if ahead := crl.ThisUpdate.Sub(now); ahead > 0 && ahead <= clockSlack {
		now = crl.ThisUpdate
	}
	return crl.State(now)
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }
