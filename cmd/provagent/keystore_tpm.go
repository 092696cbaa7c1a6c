//go:build tpm

package main

import (
	"provstation/serialproto/agent"
	"provstation/station/onbox/tpmkey"
)

// keyStores are those that this build has.
const keyStores = "file, tpm"

func tpmKeys(device string) (agent.KeyStore, error) { return tpmkey.New(device, 0) }
