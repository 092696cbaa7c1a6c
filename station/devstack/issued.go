package devstack

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"slices"
	"sync"
	"time"
)

// Issued is one certificate of the CA's own list: every one it ever signed for the bridge, whatever became of the answer.
type Issued struct {
	Serial      string    // lower-case hex, without leading zero bytes
	Fingerprint [32]byte  // SHA-256 of the DER
	SPKI        [32]byte  // SHA-256 of the key that was certified
	Subject     string    // common name
	At          time.Time // when it was signed
	Asked       string    // device id that the bridge was asked for
	CSR         [32]byte  // SHA-256 of the CSR that the bridge was given
}

// Seen is one client that the broker took a message of.
type Seen struct {
	ClientID string
	Leaf     [32]byte // SHA-256 of the certificate it presented
	At       time.Time
}

// book is a list that grows.
type book[T any] struct {
	mu   sync.Mutex
	list []T
}

func (b *book[T]) add(x T) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.list = append(b.list, x)
}

func (b *book[T]) all() []T {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.list)
}

// Issued is the CA's own list, oldest first. It is kept where the CA answers: a real step-ca is listed by its answers.
func (s *Stack) Issued() []Issued { return s.Bridge.issued.all() }

// Seen lists what the broker took, oldest first: one entry for each message.
func (s *Stack) Seen() []Seen { return s.broker.hook.seen.all() }

// note writes a certificate into the CA's list.
func (b *Bridge) note(leaf *x509.Certificate, posted *x509.CertificateRequest, id string) {
	b.issued.add(Issued{
		Serial: hex.EncodeToString(leaf.SerialNumber.Bytes()), Fingerprint: sha256.Sum256(leaf.Raw),
		SPKI: sha256.Sum256(leaf.RawSubjectPublicKeyInfo), Subject: leaf.Subject.CommonName,
		At: time.Now(), Asked: id, CSR: sha256.Sum256(posted.Raw),
	})
}
