package station

import (
	"context"
	"errors"
	"slices"
	"strings"
)

// Where a device keeps its private key, as it says in its answer to ENROLL. It is the device's word: nothing attests it.
const (
	KeyStoreSE    = "secure-element" // a TPM is one
	KeyStoreTEE   = "tee"
	KeyStoreFlash = "flash"
)

// KeyStores lists every place a key can be kept in.
func KeyStores() []string { return []string{KeyStoreSE, KeyStoreTEE, KeyStoreFlash} }

// unknownStore stands for a key that nobody has on record where it is kept.
const unknownStore = "unknown"

// allowsStore holds the policy of where keys are kept against what a device says of the key it has just made or named: its
// request does not leave the bench otherwise.
func (x *run) allowsStore(have string) error {
	if len(x.cfg.KeyStores) == 0 || slices.Contains(x.cfg.KeyStores, have) {
		return nil
	}
	return x.storeFault(Fail, have)
}

// allowsHeldKey holds the policy against a key that was made before: that of an enrolled device, or of a request in the queue. Only ENROLL's answer tells of one key where it is
// kept; of a key that was made elsewhere nobody knows, so it is held for a person.
func (x *run) allowsHeldKey(ctx context.Context, spki []byte) error {
	if len(x.cfg.KeyStores) == 0 {
		return nil
	}
	k, err := x.ledger.Key(ctx, x.start.Tenant, spki)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return x.ledgerFault("look the device key up", err)
	}
	if err != nil || k.KeyStore == "" {
		return x.storeFault(Uncertain, unknownStore)
	}
	x.fact(FactKeyStore, k.KeyStore)
	return x.allowsStore(k.KeyStore)
}

// mayRenewKey is allowsHeldKey for a certificate that is to be renewed: a task for a new key leaves the old one behind.
func (x *run) mayRenewKey(ctx context.Context) error {
	if x.start.Task != TaskRenew {
		return nil
	}
	return x.allowsHeldKey(ctx, x.holding.SPKI)
}

func (x *run) storeFault(o Outcome, have string) error {
	if have == "" {
		have = unknownStore
	}
	id := x.deviceID
	if id == "" {
		id = x.holding.DeviceID
	}
	return &Fault{Code: CodeKeyStore, Outcome: o, Params: map[string]string{
		"have": have, "want": strings.Join(x.cfg.KeyStores, ", "), "hardware_serial": x.serial(), "device_id": id,
	}}
}
