package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"provstation/station/wgcheck"
	"provstation/station/wgconf"
)

const checkTunnelLong = `Bring the device's WireGuard tunnel up by its wg0.conf, wait for a handshake, and take it down again.

An interface that has the device's key already, as wg-quick makes it, is looked at and left alone. Else one is made for the
check, without address and route, so that nothing else on this host changes; it takes root or CAP_NET_ADMIN. Where the kernel
has no WireGuard, wireguard-go makes it.

Exit codes: 0 a handshake was seen, 1 none was, or something failed, 2 wrong usage.`

func checkTunnelCommand() *cobra.Command {
	var stateDir, file string
	wait := 20 * time.Second
	cmd := &cobra.Command{
		Use:     "check-tunnel --state-dir DIR",
		Short:   "See whether the device's WireGuard tunnel works",
		Long:    checkTunnelLong,
		Example: "  provagent check-tunnel --state-dir /var/lib/provagent",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if stateDir == "" {
				return &usageError{errors.New("--state-dir is required")}
			}
			if wait <= 0 || wait > 10*time.Minute {
				return &usageError{fmt.Errorf("--wait %s: want more than 0s and at most 10m", wait)}
			}
			conf, err := readConf(filepath.Join(stateDir, file))
			if err != nil {
				return err
			}
			r, err := wgcheck.Device(cmd.Context(), &hostTunnel{}, conf, wait, nil)
			if err != nil {
				if e, ok := errors.AsType[*wgcheck.Error](err); ok && e.Hint() != "" {
					return fmt.Errorf("%w; %s", err, e.Hint())
				}
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "handshake at %s with %s at %s\n", r.Handshake.UTC().Format(time.RFC3339), wgtypes.Key(r.Peer), r.Endpoint)
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&stateDir, "state-dir", "", "directory of keys, certificates and state (required)")
	f.StringVar(&file, "file-wg", "wg0.conf", "name of the tunnel's file")
	f.DurationVar(&wait, "wait", wait, "how long a handshake is waited for")
	return cmd
}

// readConf reads a wg0.conf, at most twice as much as one may be long: what is longer is refused by its parser.
func readConf(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, 2*wgconf.MaxSize))
}
