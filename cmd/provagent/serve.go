package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"provstation/serialproto"
	"provstation/serialproto/agent"
	"provstation/serialproto/agent/filestore"
	"provstation/serialproto/link"
	"provstation/station/onbox"
	"provstation/station/wgconf"
)

// options are the flags of serve.
type options struct {
	tty, stateDir           string
	baud                    int
	reenroll                string
	signTLS12               bool
	manageClock             bool
	manageConsole           bool
	manageReboot            bool
	model, serial           string
	knownCA                 string
	allowServer             []string
	maxSignatures           uint32
	maxTokens               uint32
	wgInterface             string
	manageTunnel            bool
	names                   filestore.Names
	copies, verbose         bool
	keyStore, tpmDevice     string
	firstBackoff, mostPause time.Duration
}

const serveLong = `Serve a station on a serial line until SIGTERM.

The agent owns the tty: stop any getty on it. It makes the device's key and keeps it, takes certificates for that key
only, and after it is sealed makes no new key unless --reenroll allows it. It never hands out a key, and signs nothing
but its own certificate request, TLS client handshakes and tokens to renew its certificate.

An unlock is a signature over the device's challenge by a key whose public half the station pinned before it sealed the
device. It opens the device once, for one purpose: a new key, erasing, a TLS 1.3 proof. A device that was sealed without
such a pin cannot be unlocked; only flashing it anew makes a new key then.

In the state directory lie the files that the device's other programs use: device-key.pem, device.pem (leaf, Sub-CA,
ICA), ca-chain.pem (Sub-CA, ICA, Root), wg0.conf and .enrolled. With --key-store tpm device-key.pem is of use to this box's
TPM alone, and programs read it through OpenSSL's tpm2 provider; the tunnel's key stays in a file. A device that the tenant's own script enrolled under
these names is recognised and left as it is.

Exit codes: 0 stopped by a signal, 1 failure, 2 wrong usage.`

func serveCommand(errOut io.Writer) *cobra.Command { return serveCommandFor(&options{}, errOut) }

// serveCommandFor is the command with its flags put into o.
func serveCommandFor(o *options, errOut io.Writer) *cobra.Command {
	o.firstBackoff, o.mostPause = 50*time.Millisecond, 2*time.Second
	cmd := &cobra.Command{
		Use:   "serve --tty PATH --state-dir DIR",
		Short: "Serve a station on a serial line",
		Long:  serveLong,
		Example: `  provagent serve --tty /dev/ttyS1 --state-dir /var/lib/provagent
  provagent serve --tty /dev/ttyGS0 --state-dir /certs --sign-tls12 --manage-clock`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return serve(cmd.Context(), *o, errOut) },
	}
	f := cmd.Flags()
	f.StringVar(&o.tty, "tty", "", "serial line to serve (required)")
	f.IntVar(&o.baud, "baud", 115200, "speed of the line; 0 for a line without one (USB gadget, pty)")
	f.StringVar(&o.reenroll, "reenroll", "unlock", "new key once sealed: open (at any request), unlock (by an unlock that a pinned "+
		"key signed) or never")
	f.BoolVar(&o.signTLS12, "sign-tls12", false, "sign TLS 1.2 client handshakes whose transcript proves the tenant's own server; "+
		"sealed devices, too: name the broker with --allow-server")
	f.BoolVar(&o.manageClock, "manage-clock", false, "let the station set this host's clock before the device is sealed, or under an unlock")
	f.BoolVar(&o.manageConsole, "manage-console", false, "silence kernel messages on the console during a session")
	f.BoolVar(&o.manageReboot, "manage-reboot", false, "let the station restart this host")
	f.StringVar(&o.model, "model", "", "model to report (default: from the device tree or DMI)")
	f.StringVar(&o.serial, "serial", "", "hardware serial to report (default: from the device tree, DMI, or derived from the machine id)")
	f.StringVar(&o.knownCA, "known-ca", "", "file of the tenant's CA certificates that the firmware brings along: a station need not send them")
	f.StringSliceVar(&o.allowServer, "allow-server", nil, "server name to sign TLS 1.2 handshakes for; repeatable (default: any the CA file vouches for)")
	f.Uint32Var(&o.maxSignatures, "max-signatures", agent.DefaultMaxSignatures, "TLS signatures that one key gives out")
	f.Uint32Var(&o.maxTokens, "max-tokens", agent.DefaultMaxTokens, "renewal tokens that one key gives out")
	f.BoolVar(&o.manageTunnel, "manage-tunnel", false, "bring an interface up for a station's check where there is none (root or CAP_NET_ADMIN)")
	f.StringVar(&o.wgInterface, "wg-interface", "wg0", "WireGuard interface to look at when a station asks for it")
	storeFlags(cmd, o)
	return cmd
}

func (o options) policy() (serialproto.Reenroll, error) {
	switch o.reenroll {
	case "open":
		return serialproto.ReenrollOpen, nil
	case "unlock":
		return serialproto.ReenrollUnlock, nil
	case "never":
		return serialproto.ReenrollNever, nil
	}
	return 0, fmt.Errorf("--reenroll %q: want open, unlock or never", o.reenroll)
}

func (o options) check() error {
	switch {
	case o.tty == "":
		return errors.New("--tty is required")
	case o.stateDir == "":
		return errors.New("--state-dir is required")
	case o.baud < 0 || o.baud > 12_000_000:
		return fmt.Errorf("--baud %d: want 0 to 12000000", o.baud)
	case o.maxSignatures == 0:
		return errors.New("--max-signatures: want 1 or more")
	case o.maxTokens == 0:
		return errors.New("--max-tokens: want 1 or more")
	}
	if _, err := o.keys(); err != nil {
		return err
	}
	_, err := o.policy()
	return err
}

// otherFlags are the flags that mean enrolled beside the configured one: the script and its documentation differ.
func otherFlags(flag string) []string {
	var out []string
	for _, f := range []string{".enrolled", "enrolled"} {
		if f != flag {
			out = append(out, f)
		}
	}
	return out
}

// serve runs until ctx ends.
func serve(ctx context.Context, o options, errOut io.Writer) error {
	if err := o.check(); err != nil {
		return &usageError{err}
	}
	log := newLog(errOut, o.verbose)
	if err := os.MkdirAll(o.stateDir, 0o755); err != nil {
		return fmt.Errorf("make state directory: %w", err)
	}
	unlock, err := lockDir(o.stateDir)
	if err != nil {
		return err
	}
	defer unlock()
	store, err := openStore(&o)
	if err != nil {
		return err
	}
	cfg, err := agentConfig(o, log)
	if err != nil {
		return err
	}
	a, err := agent.New(store, cfg)
	if err != nil {
		return err
	}
	log.Info("agent starts", "version", version, "tty", o.tty, "state_dir", o.stateDir, "reenroll", o.reenroll,
		"hardware_serial", cfg.Serial, "model", cfg.Model, "key_store", cfg.Keys.Class())
	if err := a.CheckKey(); err != nil { // not the end: the station has to be told, and may have it replaced under an unlock
		log.Error("the device's key is of no use now", "error", err)
	}
	if err := keepServing(ctx, o, a, log); err != nil {
		return err
	}
	log.Info("agent stops")
	return nil
}

func agentConfig(o options, log *slog.Logger) (agent.Config, error) {
	policy, err := o.policy()
	if err != nil {
		return agent.Config{}, err
	}
	id := identity{root: "/"}
	cfg, err := fieldConfig(o, onbox.Files{Dir: o.stateDir}, log)
	if err != nil {
		return agent.Config{}, err
	}
	if cfg.Anchors, err = knownCA(o.knownCA); err != nil {
		return agent.Config{}, err
	}
	cfg.Model, cfg.Serial, cfg.Firmware = o.model, o.serial, version
	cfg.Reenroll, cfg.SignTLS12, cfg.AllowedServers = policy, o.signTLS12, o.allowServer
	cfg.MaxSignatures, cfg.MaxTokens, cfg.ManageClock = o.maxSignatures, o.maxTokens, o.manageClock
	look := wgTunnel{name: o.wgInterface, device: wgDevice, port: discardPort}
	if o.manageTunnel {
		look.bringUp = bringUp
	}
	cfg.CheckMQTT, cfg.Tunnel = onbox.CheckBroker, look
	cfg.RNGReady, cfg.Link = rngReady, link.DeviceConfig{Baud: lineBaud(o)}
	if cfg.Model == "" {
		cfg.Model = id.model()
	}
	if cfg.Serial == "" {
		serial, from, derived := id.serial()
		cfg.Serial = serial
		if derived {
			log.Warn("hardware serial is derived from the machine id; a cloned image shares it", "from", from)
		} else {
			log.Info("hardware serial", "from", from)
		}
	}
	if o.manageConsole {
		cfg.Console = hostConsole{}
	}
	if o.manageReboot {
		cfg.Reboot = hostReboot
	}
	return cfg, nil
}

func completeWG(conf []byte, priv [32]byte) ([]byte, error) {
	return wgconf.Complete(conf, wgtypes.Key(priv))
}

func stripWG(file []byte) ([]byte, error) { return wgconf.WithoutPrivateKey(file) }

// lineBaud is the speed that paces the agent's writes. A USB gadget has none, whatever it is set to.
func lineBaud(o options) int {
	p := o.tty
	if real, err := filepath.EvalSymlinks(p); err == nil {
		p = real
	}
	if strings.HasPrefix(filepath.Base(p), "ttyGS") {
		return 0
	}
	return o.baud
}

// errLocked: another process serves this tty or state directory.
var errLocked = errors.New("another agent is using it")

// errNotTTY: the path is no serial line, and will not become one.
var errNotTTY = errors.New("not a tty")

// keepServing serves the line, and opens it again whenever it is lost: a USB gadget hangs up at every unplug.
func keepServing(ctx context.Context, o options, a *agent.Agent, log *slog.Logger) error {
	pause, last := o.firstBackoff, ""
	for first := true; ; first = false {
		started := time.Now()
		err := serveOnce(ctx, o, a, log)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // stopped by a signal: the line ended because of that
		}
		if errors.Is(err, errNotTTY) || first && errors.Is(err, errLocked) {
			return err
		}
		if text := err.Error(); text != last {
			log.Warn("line lost, will be opened again", "error", err)
			last = text
		}
		if time.Since(started) > o.mostPause {
			pause, last = o.firstBackoff, ""
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
		pause = min(pause*2, o.mostPause)
	}
}

func serveOnce(ctx context.Context, o options, a *agent.Agent, log *slog.Logger) error {
	t, err := openTTY(o.tty, o.baud)
	if err != nil {
		if os.IsNotExist(err) {
			return fmt.Errorf("open %s: %w", o.tty, os.ErrNotExist)
		}
		return err
	}
	defer t.Close()
	log.Info("line open", "tty", o.tty)
	return a.Run(ctx, t)
}
