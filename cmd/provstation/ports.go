package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"provstation/serialproto/port"
	"provstation/station"
	"provstation/station/config"
	"provstation/station/device"
)

func (a *app) portsCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "ports",
		Short: "List the serial ports, what is on them, and which are slots",
		Long: `List the serial ports of this machine: path, slot key (the physical place: USB topology), what is plugged in, who holds
it, whether the configuration makes it a slot, and the device profile that it gets and why. Works without a configuration, too.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.ports(asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line on standard output")
	return cmd
}

// portRow is one port as `ports` shows it.
type portRow struct {
	Port           string `json:"port"`
	Slot           string `json:"slot"`     // its name, by the configuration
	SlotKey        string `json:"slot_key"` // what to write into ports.slots
	Use            string `json:"use"`      // slot|ignored
	Why            string `json:"why,omitempty"`
	USB            string `json:"usb,omitempty"` // VID:PID
	HardwareSerial string `json:"usb_serial,omitempty"`
	Product        string `json:"product,omitempty"`
	ByID           string `json:"by_id,omitempty"`
	Driver         string `json:"driver,omitempty"`
	Network        bool   `json:"network,omitempty"`    // behind a serial server
	LatencyMS      int    `json:"latency_ms,omitempty"` // of an adapter that holds bytes back
	Holder         string `json:"holder,omitempty"`
	HolderPID      int    `json:"holder_pid,omitempty"`
	Problem        string `json:"problem,omitempty"`
	Profile        string `json:"profile"`    // the device profile that it gets, slot or not
	ProfileBy      string `json:"profile_by"` // why: ports.profile, or the rule

	err error // behind Problem
}

// byDefault is why a port gets its profile where no rule fits it.
const byDefault = "ports.profile"

// Uses of a port.
const (
	useSlot    = "slot"
	useIgnored = "ignored"
)

func (a *app) ports(asJSON bool) error {
	cfg, _, err := a.load(nil)
	if errors.Is(err, config.ErrNotFound) {
		cfg, err = config.Default(), nil
	}
	if err != nil {
		return err
	}
	rows, err := portRows(cfg, realSystem())
	if err != nil {
		return &exitError{exitFault, err}
	}
	if !asJSON {
		return writePorts(a.stdout, rows)
	}
	f := newLines(a.stdout)
	for _, r := range rows {
		f.encode(struct {
			eventHead
			portRow
		}{f.head("port"), r})
	}
	return f.err
}

// portRows are the ports as `ports` shows them.
func portRows(cfg *config.Config, sys system) ([]portRow, error) {
	list, err := portsOf(cfg, sys)
	if err != nil {
		return nil, err
	}
	var rows []portRow
	for _, p := range list {
		r := portRowOf(cfg, sys, p.PortInfo)
		r.Driver = p.driver
		rows = append(rows, r)
	}
	return rows, nil
}

// drivenPort is a port with the kernel's driver of it.
type drivenPort struct {
	station.PortInfo
	driver string
}

// portsOf lists the system's ports and the configured ones that no enumeration shows. A port that the configuration names
// by another path (a link) is listed under that path, as the bench opens it.
func portsOf(cfg *config.Config, sys system) ([]drivenPort, error) {
	list, err := sys.ports()
	if err != nil {
		return nil, fmt.Errorf("list serial ports: %w", err)
	}
	named := map[string]string{} // where it leads to the configured path
	explicit := explicitPaths(cfg)
	for _, p := range explicit {
		real, err := filepath.EvalSymlinks(p)
		if err != nil {
			real = p
		}
		named[real] = p
	}
	shown := map[string]bool{}
	var out []drivenPort
	for _, i := range list {
		if p, ok := named[i.Path]; ok {
			i.Path, i.Slot = p, p
		}
		shown[i.Path] = true
		out = append(out, drivenPort{device.Describe(i), i.Driver})
	}
	for _, p := range explicit {
		if !shown[p] {
			shown[p] = true
			out = append(out, drivenPort{PortInfo: station.PortInfo{Path: p, Slot: p, Network: port.IsNetwork(p)}})
		}
	}
	return out, nil
}

func portRowOf(cfg *config.Config, sys system, p station.PortInfo) portRow {
	slot, why, use := portRules(cfg).Use(p)
	r := portRow{
		Port: plain(p.Path), Slot: plain(slot), SlotKey: plain(p.Slot), Use: useIgnored, Why: why, HardwareSerial: plain(p.HardwareSerial),
		Product: plain(p.Product), ByID: plain(p.ByID), Network: p.Network,
	}
	if use {
		r.Use = useSlot
	}
	p.SlotName = slot
	chosen := cfg.ProfileFor(p)
	r.Profile, r.ProfileBy = plain(chosen.Name), plain(chosen.Why())
	if r.Network { // nothing of this machine's; only connecting could tell more
		return r
	}
	r.err = sys.access(p.Path)
	r.Problem = portProblem(r.err)
	if p.VID != "" {
		r.USB = p.VID + ":" + p.PID
	}
	if pid, name, ok := sys.holder(p.Path); ok {
		r.Holder, r.HolderPID = plain(name), pid
	}
	if ms, ok := sys.latency(p.Path); ok {
		r.LatencyMS = ms
	}
	return r
}

// portProblem says why this user cannot open the port.
func portProblem(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, fs.ErrNotExist):
		return "not there"
	case errors.Is(err, fs.ErrPermission):
		return "no permission"
	default:
		return plain(err.Error())
	}
}

// accessible asks the file's mode, not the driver: opening a port would pulse its modem lines.
func accessible(path string) error {
	if _, err := os.Stat(path); err != nil {
		return err
	}
	return mayReadWrite(path)
}

func writePorts(w io.Writer, rows []portRow) error {
	if len(rows) == 0 {
		_, err := fmt.Fprintln(w, "no serial port is there: plug a device in, or name a port in ports.include")
		return err
	}
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "PORT\tUSE\tSLOT\tPLACE\tPROFILE\tUSB\tSERIAL\tPRODUCT\tHELD BY\tPROBLEM\tBY-ID")
	for _, r := range rows {
		use := r.Use
		if r.Why != "" {
			use += " (" + r.Why + ")"
		}
		profile := r.Profile
		if r.ProfileBy != byDefault {
			profile += " (" + r.ProfileBy + ")"
		}
		held := r.Holder
		if held != "" {
			held = fmt.Sprintf("%s (%d)", r.Holder, r.HolderPID)
		}
		product := r.Product
		if r.Network {
			product = "serial server"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n",
			r.Port, use, r.Slot, r.SlotKey, profile, r.USB, r.HardwareSerial, product, held, r.Problem, r.ByID)
	}
	return t.Flush()
}
