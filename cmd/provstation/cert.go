package main

import "github.com/spf13/cobra"

func (a *app) certCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "cert", Short: "Renew, rekey, look at and revoke the certificates of finished devices", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.certRenewCommand(), a.certRekeyCommand())
	return cmd
}
