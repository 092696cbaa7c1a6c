package station

import (
	"context"
	"crypto/tls"

	"provstation/station/stepca"
)

// Contracts of what the CA itself was asked for, in the records of requests and certificates.
const (
	ContractRenew Contract = "renew" // a new certificate for the key that the device has
	ContractRekey Contract = "rekey" // a certificate for a new key, by the certificate before
)

// Authority is the tenant's CA as one that renews. Its errors are those of package stepca, which has the one there is.
type Authority interface {
	// Audience is what a renewal token has to name.
	Audience(op stepca.Op) string
	RenewByToken(ctx context.Context, token stepca.Secret) (stepca.Issued, error)
	Renew(ctx context.Context, cert tls.Certificate) (stepca.Issued, error)
	Rekey(ctx context.Context, cert tls.Certificate, csr []byte) (stepca.Issued, error)
}

// RenewWay is how the CA is shown that it is the device which asks.
type RenewWay string

// Ways. Auto: by token, else, where the device's software makes none, by mTLS.
const (
	RenewAuto    RenewWay = "auto"
	RenewByToken RenewWay = "token" // the device builds and signs a token; works behind a proxy that ends TLS, too
	RenewByMTLS  RenewWay = "mtls"  // the device signs one TLS 1.2 handshake with the CA
)

// Renewal is how certificates are renewed and keys replaced at the CA.
type Renewal struct {
	// CA gives the tenant's CA. It may ask the network for the trust anchors. nil: none is configured.
	CA  func(ctx context.Context) (Authority, error)
	Way RenewWay // "": RenewAuto
}
