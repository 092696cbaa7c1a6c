package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"provstation/serialproto"
	"provstation/serialproto/agent"
	"provstation/serialproto/agent/filestore"
	"provstation/station/onbox"
)

// renewOptions are the flags of renew.
type renewOptions struct {
	options
	once, daemon, force bool
	url, audience       string
	serverCA            string
	systemCA            bool
	reload              string
}

const renewLong = `Renew this box's certificate at the tenant's CA, over the box's own network, with the key it has.

The box signs a token that is good for five minutes; the CA answers with a certificate for the same key, name and lifetime.
The agent checks it and puts it in place in one step. A certificate is renewed at two thirds of its lifetime, give or take a
twentieth; after a failure again and again, with longer pauses. An expired certificate cannot be renewed.

Where to renew is set up by the station (RENEW_SET), or by --url. It runs beside "provagent serve" on the same state
directory. The last renewal, the next one and the last error are told to a station that asks.

Exit codes: 0 renewed, or not due yet, or stopped by a signal; 1 failure; 2 wrong usage.`

func renewCommand(errOut io.Writer) *cobra.Command { return renewCommandFor(&renewOptions{}, errOut) }

func renewCommandFor(o *renewOptions, errOut io.Writer) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "renew --once|--daemon --state-dir DIR",
		Short: "Renew this box's certificate over its own network",
		Long:  renewLong,
		Example: `  provagent renew --once --state-dir /certs
  provagent renew --daemon --state-dir /certs --reload 'systemctl try-reload-or-restart mosquitto'
  provagent renew --once --state-dir /certs --url https://tenant.example.com/pki/1.0/renew --audience https://ca.internal/1.0/renew --system-ca`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return renewMain(cmd.Context(), *o, errOut) },
	}
	f := cmd.Flags()
	f.BoolVar(&o.once, "once", false, "look once, renew if it is due, and end")
	f.BoolVar(&o.daemon, "daemon", false, "renew until SIGTERM")
	f.BoolVar(&o.force, "force", false, "with --once: renew though it is not due")
	f.StringVar(&o.url, "url", "", "where to renew: https URL that ends in /renew (default: what the station set up)")
	f.StringVar(&o.audience, "audience", "", "with --url: the CA's own renew URL, where a proxy lies before it (default: the URL)")
	f.StringVar(&o.serverCA, "server-ca", "", "CA file for the server's certificate (default: the device's own CA file)")
	f.BoolVar(&o.systemCA, "system-ca", false, "trust this system's CA certificates for the server: a proxy with a public certificate")
	f.StringVar(&o.reload, "reload", "", "shell command to run after a renewal, as often as it takes to succeed")
	storeFlags(cmd, &o.options)
	return cmd
}

// storeFlags are those of every command that opens the store.
func storeFlags(cmd *cobra.Command, o *options) {
	f := cmd.Flags()
	f.StringVar(&o.stateDir, "state-dir", "", "directory of keys, certificates and state (required)")
	f.StringVar(&o.names.Key, "file-key", "device-key.pem", "name of the private key's file")
	f.StringVar(&o.names.Device, "file-cert", "device.pem", "name of the certificate's file")
	f.StringVar(&o.names.Anchor, "file-ca", "ca-chain.pem", "name of the CA file")
	f.StringVar(&o.names.WGConf, "file-wg", "wg0.conf", "name of the tunnel's file")
	f.StringVar(&o.names.Flag, "file-flag", ".enrolled", "name of the enrolled flag")
	f.BoolVar(&o.copies, "copies", false, "copy the files instead of linking to them, for a file system without symbolic links")
	f.BoolVar(&o.verbose, "verbose", false, "log more")
	keyStoreFlags(cmd, o)
}

func (o renewOptions) check() error {
	switch {
	case o.once == o.daemon:
		return errors.New("want --once or --daemon")
	case o.force && !o.once:
		return errors.New("--force goes with --once")
	case o.stateDir == "":
		return errors.New("--state-dir is required")
	case o.audience != "" && o.url == "":
		return errors.New("--audience goes with --url")
	case o.serverCA != "" && o.systemCA:
		return errors.New("--server-ca or --system-ca, not both")
	}
	if _, err := o.keys(); err != nil {
		return err
	}
	for name, text := range map[string]string{"--url": o.url, "--audience": o.audience} {
		if err := serialproto.CheckRenewURL(text); text != "" && err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func renewMain(ctx context.Context, o renewOptions, errOut io.Writer) error {
	if err := o.check(); err != nil {
		return &usageError{err}
	}
	log := newLog(errOut, o.verbose)
	r, err := newRenewer(o, log)
	if err != nil {
		return err
	}
	if o.daemon {
		log.Info("renewing until stopped", "version", version, "state_dir", o.stateDir)
		r.Run(ctx)
		log.Info("renewing stops")
		return nil
	}
	next, err := r.Pass(ctx)
	if err != nil {
		return fmt.Errorf("renew: %w", err)
	}
	log.Info("done", "next", next)
	return nil
}

func newLog(w io.Writer, verbose bool) *slog.Logger {
	level := slog.LevelInfo
	if verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
}

// newRenewer opens the store, which a serving agent may have open as well, and makes an agent of its own on it.
func newRenewer(o renewOptions, log *slog.Logger) (*onbox.Renewer, error) {
	store, err := openStore(&o.options)
	if err != nil {
		return nil, err
	}
	files := onbox.Files{Dir: o.stateDir, Before: beforeFile()}
	cfg, err := fieldConfig(o.options, files, log)
	if err != nil {
		return nil, err
	}
	a, err := agent.New(store, cfg)
	if err != nil {
		return nil, err
	}
	c := onbox.Config{Files: files, Roots: o.roots, Force: o.force, URL: o.url, Audience: o.audience, Log: log}
	if o.reload != "" {
		c.Reload = func(ctx context.Context) error { return onbox.Shell(ctx, o.reload) }
	}
	return onbox.New(a, c), nil
}

// openStore opens the store under its lock: opening finishes what a power cut left.
func openStore(o *options) (*filestore.Store, error) {
	o.names.OtherFlags = otherFlags(o.names.Flag)
	if err := os.MkdirAll(o.stateDir, 0o755); err != nil {
		return nil, fmt.Errorf("make state directory: %w", err)
	}
	release, err := lockStore(o.stateDir)
	if err != nil {
		return nil, err
	}
	defer release()
	return filestore.Open(o.stateDir, filestore.Config{Names: o.names, Copies: o.copies, Before: beforeFile()})
}

// fieldConfig is what serve and renew have in common.
func fieldConfig(o options, files onbox.Files, log *slog.Logger) (agent.Config, error) {
	keys, err := o.keys()
	if err != nil {
		return agent.Config{}, err
	}
	return agent.Config{
		Keys:      keys,
		BuildTime: buildTime(), Clock: hostClock{}, CompleteWG: completeWG, StripWG: stripWG, Log: log, Renewal: files,
		Guard: func() (func(), error) { return lockStore(o.stateDir) },
	}, nil
}

// roots is whom the server's certificate may come from.
func (o renewOptions) roots() (*x509.CertPool, error) {
	if o.systemCA {
		return x509.SystemCertPool()
	}
	path := o.serverCA
	if path == "" {
		path = filepath.Join(o.stateDir, o.names.Anchor)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	pool, err := onbox.RootsOf(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return pool, nil
}
