package onbox

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"time"
)

// dueAt is when a certificate is renewed: at two thirds of its lifetime, give or take a twentieth, so that a batch of boxes
// does not come all at once. The lifetime counts from the time of receipt where that is later than the start: a CA that
// backdates would otherwise see a box renew without end. The jitter follows from the certificate: whoever asks again, after
// a restart say, gets the same time.
func dueAt(leaf *x509.Certificate, received time.Time) time.Time {
	start := leaf.NotBefore
	if received.After(start) {
		start = received
	}
	life := leaf.NotAfter.Sub(start)
	if life <= 0 {
		return start
	}
	sum := sha256.Sum256(leaf.Raw)
	jitter := float64(binary.BigEndian.Uint32(sum[:]))/(1<<32)/10 - 0.05
	return start.Add(life*2/3 + time.Duration(jitter*float64(life)))
}

// Bounds of the pause after a failed renewal.
const (
	leastBackOff = 2 * time.Second
	firstBackOff = 5 * time.Minute
	mostBackOff  = 6 * time.Hour
)

// backOff is the pause after so many failures in a row: twice as long each time, a quarter of it by chance, and shorter for
// certificates that do not live long. While the certificate is still good it leaves room for three more attempts.
func backOff(failures uint32, life, left time.Duration, chance float64) time.Duration {
	first := min(max(life/50, leastBackOff), firstBackOff)
	d := min(first<<min(max(failures, 1)-1, 16), mostBackOff)
	if left > 0 {
		d = min(d, max(left/4, leastBackOff))
	}
	return d - time.Duration(chance*float64(d)/4)
}
