package main

import (
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"

	"github.com/spf13/cobra"

	"provstation/station/retire"
	"provstation/station/stepca"
)

func (a *app) certCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "cert", Short: "Renew, rekey, look at and revoke certificates", Args: cobra.NoArgs,
		Long: `Work with certificates that were issued.

Exit codes: 0 done, 1 something was refused or is left to do, 2 usage or configuration, 3 the station failed.`,
		Example: `  provstation cert renew edge-0041
  provstation cert show edge-0041 --ca
  provstation cert revoke edge-0041 --reason keyCompromise --text "stolen from the yard"
  provstation cert revoke --serial 3fa94c... --reason superseded --yes
  provstation cert revoke --orphans`,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.certRenewCommand(), a.certRekeyCommand(), a.certRevokeCommand(), a.certShowCommand())
	return cmd
}

// serialNumbers are the numbers that a person may mean: hexadecimal as the ledger shows it (with 0x or colons as other tools
// do), or decimal as the CA does. Digits alone are both.
func serialNumbers(text string) (hexadecimal, decimal *big.Int, err error) {
	digits := strings.ToLower(strings.ReplaceAll(strings.TrimSpace(text), ":", ""))
	bare := strings.TrimPrefix(digits, "0x")
	bad := usage("--serial %q: want a certificate's serial number, hexadecimal or decimal", plain(text))
	if hexadecimal, err = stepca.ParseSerial("0x" + bare); err != nil {
		hexadecimal = nil
	}
	if digits == bare && !strings.Contains(text, ":") {
		if decimal, err = stepca.ParseSerial(digits); err != nil {
			decimal = nil
		}
	}
	if hexadecimal == nil && decimal == nil {
		return nil, nil, bad
	}
	return hexadecimal, decimal, nil
}

// serialNamed is a serial number as the CA's own tools show it, beside the ledger's form.
func serialNamed(c retire.Certificate) string {
	n, err := c.Number()
	if err != nil {
		return plain(c.CertSerial)
	}
	return fmt.Sprintf("%s (decimal %s)", plain(c.CertSerial), n)
}

func fingerprintText(c retire.Certificate) string { return hex.EncodeToString(c.Fingerprint) }
