package station

import (
	"bytes"
	"context"
	"errors"
	"strings"

	"provstation/station/pki"
)

// verifyHeld judges the certificate that an enrolled device already holds, by the same rules.
func (x *run) verifyHeld(ctx context.Context) error {
	chain, err := x.heldChain(ctx)
	if err != nil {
		return err
	}
	spki := chain.SPKIHash()
	x.spki = spki[:]
	if err := x.acceptChain(chain); err != nil {
		return err
	}
	if err := x.recordHeld(ctx, chain); err != nil {
		return err
	}
	if on, found, err := x.onRecord(ctx, x.spki, x.leaf); err != nil {
		return err
	} else if found && on.Revoked { // a broker without the CA's list would take it
		return &Fault{Code: CodeUncertain, Outcome: Uncertain, Params: map[string]string{
			"device_id": x.deviceID, "not_after": stamp(x.notAfter), "left": left(x.notAfter.Sub(x.now())),
		}}
	}
	x.adopt(AdoptedKey, AdoptedCertificate)
	crash(pointHeldSaved)
	return nil
}

// heldChain reads what an enrolled device holds and wants it to be whole, valid, and for the key it says it has.
func (x *run) heldChain(ctx context.Context) (*pki.Chain, error) {
	device, anchorFile, err := x.line.Certificates(ctx)
	if err != nil {
		return nil, err
	}
	anchors, err := x.trust.Anchors(ctx)
	if err != nil {
		return nil, err
	}
	if len(device) == 0 {
		return nil, &Fault{Code: CodeReadback, Outcome: Uncertain, Params: map[string]string{"objects": ObjectLeaf}}
	}
	chain, err := pki.VerifyDER(device[0], anchorFile, x.policy(anchors))
	if err != nil {
		return nil, certFault(err)
	}
	if err := x.completeFiles(device, anchorFile, chain); err != nil {
		return nil, err
	}
	if spki := chain.SPKIHash(); x.holding.Generation == x.holding.Active && !bytes.Equal(spki[:], x.holding.SPKI) {
		return nil, &Fault{Code: CodeCertKey, Outcome: Uncertain, Params: map[string]string{"device_id": x.deviceID}}
	}
	return chain, nil
}

// recordHeld puts key and certificate of an enrolled device on record, where they are not yet.
func (x *run) recordHeld(ctx context.Context, chain *pki.Chain) error {
	spki := chain.SPKIHash()
	k := KeyRecord{
		Run: x.start.Run, Tenant: x.start.Tenant, HardwareSerial: x.serial(), DeviceID: x.deviceID, SPKI: spki[:],
		Generation: x.holding.Active, At: x.now().UTC(),
	}
	if x.holding.Generation == x.holding.Active { // else what it says is of the key that it has just made
		k.EnrollID, k.Generation, k.CSRDigest = x.holding.EnrollID, x.holding.Generation, x.holding.CSR
	}
	err := x.ledger.BindKey(ctx, k)
	if errors.Is(err, ErrKeyTaken) {
		return &Fault{Code: CodeKeyTaken, Outcome: Fail, Params: map[string]string{"device_id": x.deviceID, "detail": err.Error()}, Err: err}
	}
	if err != nil {
		return x.ledgerFault("record the device key", err)
	}
	rec := certRecord(chain.Leaf)
	rec.IssuerFingerprint = pki.Fingerprint(chain.Issuer())
	rec.Chain = chain.CAFileDER()
	return x.saveCertificate(ctx, rec)
}

// completeFiles wants the device's files to be what they have to be for its own OpenSSL clients: the whole chain to
// present, and the root to trust. The tenant's own script leaves the leaf alone and one CA certificate.
func (x *run) completeFiles(device, anchorFile [][]byte, chain *pki.Chain) error {
	var bad []string
	if !sameDER(device, chain.DeviceDER()) {
		bad = append(bad, "its certificate file lacks the intermediates")
	}
	if !sameDER(anchorFile, chain.CAFileDER()) {
		bad = append(bad, "its CA file lacks the chain up to the root")
	}
	if len(bad) == 0 {
		return nil
	}
	if x.greet.State == StateForeign {
		return &Fault{Code: CodeForeign, Outcome: Uncertain, Params: map[string]string{"device_id": x.deviceID, "detail": strings.Join(bad, "; ")}}
	}
	return &Fault{Code: CodeReadback, Outcome: Uncertain, Params: map[string]string{"objects": joined([]string{ObjectChain, ObjectAnchors}), "detail": strings.Join(bad, "; ")}}
}

// onRecord finds the certificate by its key and its fingerprint.
func (x *run) onRecord(ctx context.Context, spki, leaf []byte) (c CertRecord, found bool, err error) {
	certs, err := x.ledger.Certificates(ctx, x.start.Tenant, spki)
	if err != nil {
		return c, false, x.ledgerFault("look certificates up", err)
	}
	for _, c := range certs {
		if bytes.Equal(c.Fingerprint, leaf) {
			return c, true, nil
		}
	}
	return c, false, nil
}
