package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"provstation/serialproto/agent"
)

// Key stores of --key-store.
const (
	keysInFile = "file"
	keysInTPM  = "tpm"
)

// keyStoreFlags say where the device's key lives. There is no "whichever is there": a box whose TPM does not come up once would
// get a key in a file, and nobody would have decided that.
func keyStoreFlags(cmd *cobra.Command, o *options) {
	f := cmd.Flags()
	f.StringVar(&o.keyStore, "key-store", keysInFile, "where the device's key lives: file, or tpm (a TPM 2.0; `provagent version` says whether "+
		"this build has it)")
	f.StringVar(&o.tpmDevice, "tpm-device", "/dev/tpmrm0", "with --key-store tpm: the TPM's device file; unix:PATH or tcp:HOST:PORT of an emulator")
}

// keys opens the key store that the flags name, not the TPM itself: one that is away is said to the station.
func (o options) keys() (agent.KeyStore, error) {
	switch o.keyStore {
	case keysInFile, "":
		return agent.FlashKeys{}, nil
	case keysInTPM:
		return tpmKeys(o.tpmDevice)
	default:
		return nil, fmt.Errorf("--key-store %q: want file or tpm", o.keyStore)
	}
}
