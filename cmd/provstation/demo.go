package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"provstation/serialproto/link"
	"provstation/station"
	"provstation/station/config"
	"provstation/station/devstack"
)

// stackFlags are the flags of what stands on an embedded bench.
type stackFlags struct {
	stateDir string
	devices  int
	baud     int
	seed     uint64
	faults   string
	signer   string
	stepCA   string
	crl      bool
	contract string
	reenroll string
	noTLS12  bool
	outage   time.Duration // of the demo's batch
	tunnels  bool          // runs wait for the handshake: every device is one of the stack's, whose tunnel is up by itself
}

// maxDevices bounds the virtual devices: each holds a pty and its files.
const maxDevices = 256

func (f *stackFlags) register(cmd *cobra.Command, devices int) {
	fl := cmd.Flags()
	fl.StringVar(&f.stateDir, "state-dir", "", "keep everything below this folder and carry on from it the next time")
	fl.IntVar(&f.devices, "devices", devices, "virtual devices")
	fl.IntVar(&f.baud, "baud", 115200, "baud rate their lines are paced to")
	fl.Uint64Var(&f.seed, "seed", 0, "hardware serials and faults follow from it: the same seed, the same again")
	fl.StringVar(&f.faults, "faults", "", devstack.SpecHelp)
	fl.StringVar(&f.signer, "signer", devstack.SignerBuiltin, "what signs: builtin, or step-ca (a real process)")
	fl.StringVar(&f.stepCA, "step-ca", "", "the step-ca program (default: from PATH)")
	fl.BoolVar(&f.crl, "crl", false, "the CA makes a list of revoked certificates, and the broker refuses what is on it")
	fl.StringVar(&f.reenroll, "reenroll", "open", "a new key for a device that is finished: open (at any request), unlock (by device.unlock's key) or never")
	fl.BoolVar(&f.noTLS12, "no-tls12", false, "the devices sign no TLS 1.2 handshakes: once finished they are proven under an unlock, or by their own test")
	fl.StringVar(&f.contract, "contract", string(devstack.Deployed), "what the bridge speaks: deployed or documented")
}

// check turns the flags into a stack's configuration.
func (f *stackFlags) check() (devstack.Config, error) {
	faults, err := devstack.ParseSpec(f.faults)
	switch {
	case err != nil:
		return devstack.Config{}, usage("--faults: %v", err)
	case f.devices < 0 || f.devices > maxDevices:
		return devstack.Config{}, usage("--devices: between 0 and %d, got %d", maxDevices, f.devices)
	case f.baud < 300 || f.baud > 4_000_000:
		return devstack.Config{}, usage("--baud: between 300 and 4000000, got %d", f.baud)
	case f.signer != devstack.SignerBuiltin && f.signer != devstack.SignerStepCA:
		return devstack.Config{}, usage("--signer: builtin or step-ca, got %q", f.signer)
	case f.reenroll != "open" && f.reenroll != "unlock" && f.reenroll != "never":
		return devstack.Config{}, usage("--reenroll: open, unlock or never, got %q", f.reenroll)
	case f.contract != string(devstack.Deployed) && f.contract != string(devstack.Documented):
		return devstack.Config{}, usage("--contract: deployed or documented, got %q", f.contract)
	}
	return devstack.Config{
		StateDir: f.stateDir, Devices: f.devices, Baud: f.baud, Seed: f.seed, Faults: faults, Signer: f.signer,
		StepCA: f.stepCA, CRL: f.crl, Contract: devstack.Contract(f.contract), Reenroll: f.reenroll, NoTLS12: f.noTLS12,
	}, nil
}

func (a *app) demoCommand() *cobra.Command {
	var f stackFlags
	var headless, asJSON bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "The whole bench on this machine: embedded tenant stack, virtual devices, nothing to set up",
		Long: `The same screen on an embedded tenant stack (bridge, three-tier PKI, MQTT broker) and virtual devices: the real
agent on serial lines paced to a baud rate. Nothing to set up, nothing leaves this machine.

With --faults SPEC lines, devices, bridge and broker are in trouble; what a station makes of it is what there is to see.
SPEC is a comma list of NAME=VALUE:

` + devstack.SpecText() + `
What is drawn by chance follows from --seed, which is said at the start. ` + "`make faults`" + ` goes on from here: thousands of
runs under these and harder faults (a killed station, a full disk), judged by the devices' files.

On the screen, press b to open the batch that lies ready: two and a half times as many boxes as there are slots. From
then on finished boxes are swapped for the next ones, their labels are scanned, and some of them are in trouble.

With --state-dir everything is kept below that folder: station.yaml (for --config with every other command), the ledger,
the log, and each device's own files in devices/NAME/.`,
		Example: `  provstation demo
  provstation demo --headless --devices 4 --faults ` + devstack.SpecExample + ` --seed 7`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.demo(cmd.Context(), f, headless || asJSON, asJSON)
		},
	}
	f.register(cmd, 8)
	cmd.Flags().DurationVar(&f.outage, "outage", time.Minute, "how long the bridge is away in the middle of the batch; 0: never")
	cmd.Flags().BoolVar(&headless, "headless", false, "no screen: provision every device, then stop")
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line on standard output; implies --headless")
	return cmd
}

func (a *app) demo(ctx context.Context, f stackFlags, headless, asJSON bool) (err error) {
	if !headless && !isTerminal() {
		return usage("%v", errNoTerminal)
	}
	if f.faults != "" {
		fmt.Fprintf(a.stderr, "faults %s, seed %d\n", f.faults, f.seed)
	}
	f.tunnels = true
	e, err := a.startStack(ctx, f, !headless)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	o := openOptions{watcher: portList(e.ports()), openPort: e.open}
	if headless {
		o.stopAfter, o.settle = f.devices, settleFor
	} else {
		o.person, o.watcher = true, e.watcher()
	}
	b, err := a.open(ctx, e.config, o)
	if err != nil {
		return err
	}
	defer b.Close()
	if headless {
		return a.headless(ctx, b.Bench, asJSON, 0, f.devices)
	}
	if e.Line != nil {
		go robot{e.Line, b.Bench}.work(ctx, b.Subscribe())
	}
	return a.show(ctx, b, config.Sources{})
}

// embedded is a running stack and the configuration that fits it.
type embedded struct {
	*devstack.Stack
	config *config.Config
	remove string // temporary folder
	others string // temporary folder of what is not the station's, if not in the one above
	log    *os.File
}

// startStack brings the stack up and writes station.yaml, last of all and in one piece: who sees it can use it.
//
// line: boxes of a batch lie ready beside the bench, with somebody who swaps them.
func (a *app) startStack(ctx context.Context, f stackFlags, line bool) (_ *embedded, err error) {
	cfg, err := f.check()
	if err != nil {
		return nil, err
	}
	if line && cfg.Devices > 0 {
		cfg.Line = demoLine(cfg.Devices, f.outage)
	}
	e := &embedded{}
	defer func() {
		if err != nil {
			err = &exitError{exitFault, errors.Join(err, e.Close())}
		}
	}()
	if cfg.StateDir == "" {
		if cfg.StateDir, err = os.MkdirTemp("", "provstation-demo-"); err != nil {
			return nil, err
		}
		e.remove = cfg.StateDir
	}
	if cfg.StateDir, err = filepath.Abs(cfg.StateDir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cfg.StateDir, 0o700); err != nil {
		return nil, err
	}
	yaml := filepath.Join(cfg.StateDir, "station.yaml")
	if err := os.Remove(yaml); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err // yesterday's addresses would mislead whoever waits for the file
	}
	if e.log, err = os.OpenFile(filepath.Join(cfg.StateDir, "devstack.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		return nil, err
	}
	cfg.Log = slog.New(slog.NewTextHandler(e.log, nil))
	if e.Stack, err = devstack.Start(ctx, cfg); err != nil {
		return nil, err
	}
	e.config = stackConfig(e.Stack, cfg)
	if f.tunnels && e.TunnelSocket != "" {
		e.config.WireGuard.Mode = config.WGServer
	}
	if err := e.layOut(cfg); err != nil {
		return nil, err
	}
	if err := config.WriteFile(yaml, e.config); err != nil {
		return nil, err
	}
	return e, nil
}

// stackConfig is the configuration of a station that works on the stack.
func stackConfig(s *devstack.Stack, cfg devstack.Config) *config.Config {
	c := config.Default()
	c.Station.Name, c.Station.Tenant = "demo-bench", "demo"
	c.Bridge.URL, c.Bridge.TLS.Trust = s.BridgeURL, config.TrustRoot
	c.PKI.RootFile, c.PKI.RootFingerprint, c.PKI.StepCAURL = s.Root, s.RootPrint, s.StepCAURL
	c.PKI.Revoke.Provisioner, c.PKI.Revoke.PasswordFile = s.Provisioner.Name, s.Provisioner.PasswordFile
	c.PKI.MinValidity = config.Duration(12 * time.Hour) // the stack issues for 24 hours, as the recorded tenant does
	c.MQTT.Host, c.MQTT.Port = s.Broker, s.Port
	c.WireGuard.Policy.DNS, c.WireGuard.Policy.LoopbackEndpoint = "allow", "allow" // its server is on this machine
	c.WireGuard.Server = s.TunnelSocket
	tenantOf(s, &c.Tenant)
	c.Device.IDTemplate, c.Device.Type = "edge-{serial_lower}", "demo"
	c.Ports.Baud = cfg.Baud
	c.Ports.Slots = map[string]string{}
	for _, p := range s.Places() {
		c.Ports.Include = append(c.Ports.Include, p.Path)
		c.Ports.Slots[p.Path] = p.Slot
	}
	c.Ledger.URL = "sqlite:" + filepath.Join(cfg.StateDir, "ledger.db")
	c.Log.File = filepath.Join(cfg.StateDir, "station.log")
	c.Batch.Folder = filepath.Join(cfg.StateDir, "batches")
	c.People.File = filepath.Join(cfg.StateDir, "people.csv")
	c.Labels.Command = []string{"tee", "-a", filepath.Join(cfg.StateDir, "printed-labels.zpl")}
	if runtime.GOOS == "windows" {
		c.Labels.Command = nil
	}
	return c
}

// tenantOf names the stack's ThingsBoard and hawkBit.
func tenantOf(s *devstack.Stack, t *config.Tenant) {
	t.ThingsBoard.URL, t.ThingsBoard.Username, t.ThingsBoard.PasswordFile = s.ThingsBoard.URL, s.ThingsBoard.User, s.ThingsBoard.PasswordFile
	t.HawkBit.URL, t.HawkBit.Username, t.HawkBit.PasswordFile = s.HawkBit.URL, s.HawkBit.User, s.HawkBit.PasswordFile
	t.HawkBit.Attributes = []string{"device_type"}
	t.ThingsBoard.TLS.Trust, t.HawkBit.TLS.Trust = config.TrustRoot, config.TrustRoot
}

// Close takes the stack down and removes a temporary folder.
func (e *embedded) Close() error {
	var errs []error
	if e.Stack != nil {
		errs = append(errs, e.Stack.Close())
	}
	if e.log != nil {
		errs = append(errs, e.log.Close())
	}
	if e.remove != "" {
		errs = append(errs, os.RemoveAll(e.remove))
	}
	if e.others != "" {
		errs = append(errs, os.RemoveAll(e.others))
	}
	return errors.Join(errs...)
}

func (e *embedded) ports() []station.PortInfo {
	var list []station.PortInfo
	for _, d := range e.Devices {
		list = append(list, station.PortInfo{Path: d.Path, Slot: d.Path})
	}
	return list
}

// open opens a virtual device's port: a pty, or a line in memory where there are none.
func (e *embedded) open(path string, baud int) (link.Transport, error) {
	if t, ok := e.Open(path); ok {
		return t, nil
	}
	return realPort(path, baud)
}

// portList is a watcher of ports that are there from the start and stay.
type portList []station.PortInfo

// Watch tells of them all, then of nothing more.
func (l portList) Watch(ctx context.Context) (<-chan station.PortChange, error) {
	out := make(chan station.PortChange)
	go func() {
		defer close(out)
		for _, p := range l {
			select {
			case out <- station.PortChange{Added: true, Port: p}:
			case <-ctx.Done():
				return
			}
		}
		<-ctx.Done()
	}()
	return out, nil
}

func (a *app) devstackCommand() *cobra.Command {
	var f stackFlags
	cmd := &cobra.Command{
		Use:   "devstack",
		Short: "The embedded tenant stack and virtual devices, in the foreground",
		Long: `The embedded tenant stack and virtual devices, in the foreground, until interrupted. It writes STATE_DIR/station.yaml
when everything listens; use it from another terminal:

  provstation run --config STATE_DIR/station.yaml

--faults takes what that of demo does, see provstation demo --help.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.devstack(cmd.Context(), f) },
	}
	f.register(cmd, 8)
	return cmd
}

func (a *app) devstack(ctx context.Context, f stackFlags) error {
	if f.stateDir == "" {
		return usage("--state-dir says where its files go: give a folder")
	}
	if f.faults != "" {
		fmt.Fprintf(a.stderr, "faults  %s, seed %d\n", f.faults, f.seed)
	}
	e, err := a.startStack(ctx, f, false)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stderr, "bridge  %s\nstep-ca %s\nbroker  %s:%d\nthings  %s\nhawkbit %s\nconfig  %s\n", e.BridgeURL, e.StepCAURL, e.Broker, e.Port,
		e.ThingsBoard.URL, e.HawkBit.URL, filepath.Join(f.stateDir, "station.yaml"))
	for _, d := range e.Devices {
		fmt.Fprintf(a.stderr, "%-8s %s  %s\n", d.Name, d.Serial, d.Path)
	}
	<-ctx.Done()
	return e.Close()
}
