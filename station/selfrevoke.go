package station

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"math/big"

	"provstation/station/stepca"
)

// SelfRevoker has a device that is connected revoke its own certificate: no provisioner's password is needed.
type SelfRevoker struct {
	Visitor
	// CA asks the tenant's CA by mTLS; [stepca.Client.Revoke] is what there is.
	CA func(ctx context.Context, cert tls.Certificate, why stepca.Revocation) (stepca.Revoked, error)

	DeviceID, HardwareSerial string
}

// Revoke revokes the certificate with the serial number, which has to be the one that the device holds. The device signs one
// handshake of TLS 1.2 with the CA. Errors are stepca's, ErrNotHere, or a *Fault.
func (s *SelfRevoker) Revoke(ctx context.Context, serial *big.Int, why stepca.Revocation) (done stepca.Revoked, err error) {
	err = s.visit(ctx, s.DeviceID, s.HardwareSerial, func(ctx context.Context, d *visited) error {
		if d.greet.State == StateEmpty || !d.greet.SignTLS12 {
			return &Fault{Code: CodeProofImpossible, Outcome: Fail, Params: map[string]string{"device_id": s.DeviceID}}
		}
		chain, _, err := d.Certificates(ctx)
		if err != nil {
			return err
		}
		var leaf *x509.Certificate
		if len(chain) > 0 {
			if leaf, err = x509.ParseCertificate(chain[0]); err != nil {
				return &Fault{Code: CodeAgentBad, Outcome: Fail, Params: map[string]string{"detail": "its certificate does not parse"}, Err: err}
			}
		}
		if leaf == nil || leaf.SerialNumber.Cmp(serial) != 0 {
			return &Fault{Code: CodeRenewState, Outcome: Fail, Params: map[string]string{
				"device_id": s.DeviceID, "hardware_serial": s.HardwareSerial, "detail": "it holds another certificate than the one to be revoked",
			}}
		}
		done, err = s.CA(ctx, tls.Certificate{Certificate: chain, PrivateKey: d.Signer(ctx, leaf.PublicKey, chain)}, why)
		return err
	})
	return done, err
}
