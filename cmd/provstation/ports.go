package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
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
it, and whether the configuration makes it a slot. Works without a configuration, too.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.ports(asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line on standard output")
	return cmd
}

// portRow is one port as `ports` shows it.
type portRow struct {
	Type           string `json:"type"`
	Port           string `json:"port"`
	Slot           string `json:"slot"`     // its name, by the configuration
	SlotKey        string `json:"slot_key"` // what to write into ports.slots
	Use            string `json:"use"`      // slot|ignored
	Why            string `json:"why,omitempty"`
	USB            string `json:"usb,omitempty"` // VID:PID
	HardwareSerial string `json:"usb_serial,omitempty"`
	Product        string `json:"product,omitempty"`
	ByID           string `json:"by_id,omitempty"`
	Holder         string `json:"holder,omitempty"`
	Problem        string `json:"problem,omitempty"`
}

func (a *app) ports(asJSON bool) error {
	cfg, _, err := a.load(nil)
	if errors.Is(err, config.ErrNotFound) {
		cfg, err = config.Default(), nil
	}
	if err != nil {
		return err
	}
	rows, err := portRows(cfg)
	if err != nil {
		return &exitError{exitFault, err}
	}
	if asJSON {
		enc := json.NewEncoder(a.stdout)
		for _, r := range rows {
			if err := enc.Encode(r); err != nil {
				return err
			}
		}
		return nil
	}
	return writePorts(a.stdout, rows)
}

// portRows lists the system's ports and the configured ones that no enumeration shows.
func portRows(cfg *config.Config) ([]portRow, error) {
	list, err := port.List()
	if err != nil {
		return nil, fmt.Errorf("list serial ports: %w", err)
	}
	known := map[string]bool{}
	var rows []portRow
	for _, i := range list {
		known[i.Path] = true
		rows = append(rows, portRowOf(cfg, device.Describe(i)))
	}
	for _, path := range explicitPaths(cfg.Ports.Include) {
		if !known[path] {
			rows = append(rows, portRowOf(cfg, station.PortInfo{Path: path, Slot: path}))
		}
	}
	return rows, nil
}

func portRowOf(cfg *config.Config, p station.PortInfo) portRow {
	slot, why, use := station.PortUse(cfg.Ports.Include, cfg.Ports.Exclude, cfg.Ports.Slots, p)
	r := portRow{
		Type: "port", Port: p.Path, Slot: slot, SlotKey: p.Slot, Use: "ignored", Why: why, HardwareSerial: p.HardwareSerial,
		Product: p.Product, ByID: p.ByID, Problem: portProblem(p.Path),
	}
	if use {
		r.Use = "slot"
	}
	if p.VID != "" {
		r.USB = p.VID + ":" + p.PID
	}
	if pid, name, ok := port.Holder(p.Path); ok {
		r.Holder = fmt.Sprintf("%s (%d)", name, pid)
	}
	return r
}

// portProblem says why this user cannot open the port; nothing is sent and no line is touched.
func portProblem(path string) string {
	switch err := accessible(path); {
	case err == nil:
		return ""
	case errors.Is(err, fs.ErrNotExist):
		return "not there"
	case errors.Is(err, fs.ErrPermission):
		return "no permission"
	default:
		return err.Error()
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
	fmt.Fprintln(t, "PORT\tUSE\tSLOT\tPLACE\tUSB\tSERIAL\tPRODUCT\tHELD BY\tPROBLEM")
	for _, r := range rows {
		use := r.Use
		if r.Why != "" {
			use += " (" + r.Why + ")"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.Port, use, r.Slot, r.SlotKey, r.USB, r.HardwareSerial, r.Product, r.Holder, r.Problem)
	}
	return t.Flush()
}
