// Command provstation is the provisioning station: a terminal screen for a production bench, and the same work without
// a screen for scripts.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"charm.land/fang/v2"
	"github.com/spf13/cobra"

	"provstation/station/config"
)

// version is set by the linker; a plain build says what the module's build information knows.
var version string //nolint:gochecknoglobals // the linker needs a variable

// Exit codes: a contract, scripts depend on them.
const (
	exitGood  = 0 // every run PASS or SKIPPED, and as many as asked for
	exitBad   = 1 // otherwise, no device at all included
	exitUsage = 2 // usage or configuration
	exitFault = 3 // the station itself failed
)

// exitError ends the process with a code. A nil err prints nothing more.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

func main() {
	os.Exit(realMain(os.Args[1:], os.Stdout, os.Stderr))
}

// realMain runs the command line and returns the exit code. The first interrupt ends runs in order, the second at once.
func realMain(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal has its default effect
	// Who read standard output may be gone: that is an error of writing, and no reason to drop devices in mid-run.
	broken := make(chan os.Signal, 1)
	signal.Notify(broken, syscall.SIGPIPE)
	defer signal.Stop(broken)
	root := newRoot(&app{stdout: stdout, stderr: stderr, version: buildVersion()})
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := fang.Execute(ctx, root, fang.WithoutVersion(), fang.WithErrorHandler(printError))
	return exitCode(err)
}

// printError writes one plain line: errors are read in logs and by scripts, too.
func printError(w io.Writer, _ fang.Styles, err error) {
	var e *exitError
	if errors.As(err, &e) && e.err == nil {
		return
	}
	fmt.Fprintln(w, "provstation:", err)
}

func exitCode(err error) int {
	var e *exitError
	var ce *config.Error
	switch {
	case err == nil:
		return exitGood
	case errors.As(err, &e):
		return e.code
	case errors.As(err, &ce), errors.Is(err, config.ErrNotFound):
		return exitUsage
	default:
		return exitUsage // what cobra itself refuses: an unknown command or flag
	}
}

// app is what every subcommand shares.
type app struct {
	stdout, stderr io.Writer
	version        string
	configPath     string
}

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "provstation",
		Short: "Provision devices over USB serial: key, CSR, certificate, tunnel, proof",
		Long: `provstation stands at a production bench. Plug a device in: it makes its own key, the tenant's CA signs it,
the credentials go back, and the tenant's real broker proves them. The private key never leaves the device.

Without a subcommand it opens the screen with the configuration it finds: --config, $PROVSTATION_CONFIG,
./station.yaml, the user's configuration folder, /etc/provstation/station.yaml.`,
		Example: `  provstation demo                     the whole bench on this machine, nothing to set up
  provstation                          the screen, with the configuration found
  provstation run --json --count 8     no screen: eight devices, one JSON object a line
  provstation doctor                   what is wrong with this station, and how to mend it`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.screen(cmd.Context()) },
	}
	root.PersistentFlags().StringVar(&a.configPath, "config", "", "configuration file")
	root.AddCommand(
		a.demoCommand(), a.runCommand(), a.devstackCommand(), a.portsCommand(), a.profileCommand(), a.doctorCommand(), a.configCommand(),
		a.batchCommand(), a.labelsCommand(), a.collectCommand(), a.relayCommand(), a.recordsCommand(), a.auditCommand(),
		a.certCommand(), a.decommissionCommand(), a.conformCommand(),
		a.passportCommand(), a.versionCommand(),
	)
	manPages(root)
	return root
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Say which version this is", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(a.stdout, "provstation", a.version)
			return err
		},
	}
}

// buildVersion is the linker's version, else the module's.
func buildVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "devel"
}

// load finds and reads the configuration, flags on top.
func (a *app) load(overrides map[string]string) (*config.Config, config.Sources, error) {
	return config.Load(config.LoadOptions{Path: a.configPath, Overrides: overrides})
}
