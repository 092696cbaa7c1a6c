//go:build !tpm

package main

import (
	"errors"

	"provstation/serialproto/agent"
)

// keyStores are those that this build has.
const keyStores = "file"

func tpmKeys(string) (agent.KeyStore, error) {
	return nil, errors.New("--key-store tpm: this provagent was built without TPM support; install one that was " +
		"(go build -tags tpm ./cmd/provagent)")
}
