package agent

import (
	"errors"

	"provstation/serialproto"
)

// KeyError is what a KeyStore tells the station, where "key generation failed" would send somebody to the wrong place: a
// TPM that is off, busy, or not the one that made the key.
type KeyError struct {
	Status serialproto.Status // it is answered with
	Detail string             // crosses the wire: printable ASCII, at most serialproto.MaxDetail bytes, no secret, no path
	// Lost says that this key store will never open the key, on no other try and no other day. A device that is not sealed may
	// make another one then.
	Lost bool
	Err  error // for the device's log; may be nil
}

// Error gives the detail and the cause.
func (e *KeyError) Error() string {
	if e.Err == nil {
		return e.Detail
	}
	return e.Detail + ": " + e.Err.Error()
}

// Unwrap gives the cause.
func (e *KeyError) Unwrap() error { return e.Err }

// keyRefusal is the answer to an error of the key store: its own words, or else StatusCrypto with those given.
func keyRefusal(err error, detail string) error {
	var k *KeyError
	if errors.As(err, &k) {
		return refuse(k.Status, "%s", k.Detail)
	}
	return refuse(serialproto.StatusCrypto, "%s", detail)
}

// keyLost reports whether an error says that a key is gone for good.
func keyLost(err error) bool {
	var k *KeyError
	return errors.As(err, &k) && k.Lost
}

// errInTPM: the file holds what only the TPM that wrapped it can use.
var errInTPM = &KeyError{Status: serialproto.StatusCrypto, Detail: "the key is a TPM's; this agent was started without its TPM"}

// CheckKey opens the newest key and the active one, as a request would, so that a program can say at its start that a key is
// of no use: its TPM is away, or was cleared. Foreign and empty devices have nothing to check.
func (a *Agent) CheckKey() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.enter(); err != nil {
		return err
	}
	defer a.leave()
	v, err := a.load()
	if err != nil {
		return err
	}
	for _, g := range []*Generation{v.Newest, v.Active} {
		if g == nil || g.Foreign {
			continue
		}
		if _, err := a.openKey(g); err != nil {
			return err
		}
	}
	return nil
}
