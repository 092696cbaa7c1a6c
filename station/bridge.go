package station

import (
	"context"
	"errors"
	"time"
)

// Contract is the shape of the bridge's enroll endpoint.
type Contract string

// Contracts of POST {base}/devices/{id}/enroll.
const (
	ContractAuto       Contract = "auto"
	ContractDocumented Contract = "documented" // csr_pem; the API makes the WireGuard key
	ContractDeployed   Contract = "deployed"   // csr, device_name, wg_public_key; the device makes it
)

// EnrollRequest is what the bridge needs to have a certificate issued.
type EnrollRequest struct {
	DeviceID     string
	DeviceName   string
	DeviceType   string
	CSR          []byte // DER
	WireGuardKey []byte // public half, 32 bytes; nil for none
}

// EnrollAnswer is what the bridge answered: well-formed, bounded, and otherwise unchecked.
type EnrollAnswer struct {
	Contract    Contract
	Certificate string // PEM
	Chain       string // PEM
	WGConf      Secret // wg0.conf text; under the documented contract it holds a private key
	WireGuardIP string
	ServerTime  time.Time // the answer's Date header; zero if there was none
}

// ErrMaybeIssued is in the chain of a bridge error after which a certificate may exist that nobody received.
var ErrMaybeIssued = errors.New("a certificate may have been issued")

// Bridge is the tenant's IoT Bridge API. Errors are *Fault.
type Bridge interface {
	// Contract is the contract in force: configured, or found out (then the answer is kept); it may ask the server.
	Contract(ctx context.Context) (Contract, error)
	// Enroll posts once. It does not retry: the run journals each post. Where an answer came and is of no use, Certificate
	// and Chain beside the error hold what was issued, for the record alone.
	Enroll(ctx context.Context, contract Contract, r EnrollRequest) (EnrollAnswer, error)
}
