package main

import (
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"provstation/station/config"
)

func (a *app) profileCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "profile", Short: "Device profiles: list them, show one, try one on a port", Args: cobra.NoArgs,
		Long: `A device profile is how devices of one kind are spoken to: driver, speed, whether the station speaks first, key type, deadlines.
ports.profiles says which ports get which (docs/profiles.md).`,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.profileListCommand(), a.profileShowCommand(), a.profileTryCommand())
	return cmd
}

// configured is the configuration, or the defaults where there is none: ports and profiles are of use without one, too.
func (a *app) configured() (*config.Config, config.Sources, error) {
	cfg, src, err := a.load(nil)
	if errors.Is(err, config.ErrNotFound) {
		return config.Default(), config.Sources{}, nil
	}
	return cfg, src, err
}

// profilePurpose says what each built-in profile is for.
func profilePurpose(like string) string {
	return map[string]string{
		config.ProfileAgent:         "a box whose agent has the line for itself",
		config.ProfileConsole:       "a Linux box without an agent: the station logs in on its serial console",
		config.ProfileMCU:           "a microcontroller that starts again when its port is opened; small messages, one frame at a time",
		config.ProfileUBoot:         "a box whose boot loader counts down on the line: nothing is sent before its agent is heard",
		config.ProfileSharedConsole: "a box whose agent shares the line with kernel and login: short frames",
	}[like]
}

// profileRow is one profile as `profile list` shows it.
type profileRow struct {
	Name    string   `json:"name"`
	Like    string   `json:"like"`
	Driver  string   `json:"driver"`
	Baud    int      `json:"baud"`
	Key     string   `json:"key_type"`
	Silent  string   `json:"silent_after"`
	BuiltIn bool     `json:"built_in"`        // it stands in no file
	Where   string   `json:"where,omitempty"` // where it stands
	UsedBy  []string `json:"used_by,omitempty"`
	Purpose string   `json:"purpose"`
}

func profileRowOf(cfg *config.Config, src config.Sources, name string) (profileRow, bool) {
	p, ok := cfg.DeviceProfile(name)
	if !ok {
		return profileRow{}, false
	}
	_, named := cfg.Profiles[name]
	r := profileRow{
		Name: name, Like: p.Like, Driver: p.Driver, Baud: p.Baud, Key: cfg.KeyTypeOf(p), Silent: p.SilentAfter.String(), BuiltIn: !named,
		Where: src.Of("profiles." + name).Where, Purpose: profilePurpose(p.Like),
	}
	if cfg.Ports.Profile == name {
		r.UsedBy = append(r.UsedBy, byDefault)
	}
	for i, rule := range cfg.Ports.Profiles {
		if rule.Profile == name {
			r.UsedBy = append(r.UsedBy, fmt.Sprintf("rule %d: %s", i+1, rule))
		}
	}
	return r, true
}

func (a *app) profileListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "List the device profiles, built in and configured, and which ports get them", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.profileList(asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line on standard output")
	return cmd
}

func (a *app) profileList(asJSON bool) error {
	cfg, src, err := a.configured()
	if err != nil {
		return err
	}
	w := newLines(a.stdout)
	t := tabwriter.NewWriter(a.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "NAME\tLIKE\tBAUD\tKEY\tSILENT AFTER\tUSED BY")
	for _, name := range cfg.ProfileNames() {
		r, _ := profileRowOf(cfg, src, name)
		if asJSON {
			w.encode(struct {
				eventHead
				profileRow
			}{w.head("profile"), r})
			continue
		}
		like := r.Like
		if r.BuiltIn {
			like = "(built in)"
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\t%s\n", plain(r.Name), like, r.Baud, r.Key, r.Silent, plain(usedShort(r.UsedBy)))
	}
	if asJSON {
		return w.err
	}
	return t.Flush()
}

// usedShort names rules by their numbers alone: their conditions may be long.
func usedShort(by []string) string {
	if len(by) == 0 {
		return "-"
	}
	var short []string
	for _, s := range by {
		head, _, _ := strings.Cut(s, ":")
		short = append(short, head)
	}
	return strings.Join(short, ", ")
}

func (a *app) profileShowCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "show NAME", Short: "Print a device profile in full, as it would stand in the configuration", Args: cobra.ExactArgs(1),
		Long: `Print a device profile in full: what it has of its own, and what it takes from the built-in one that it begins as. The output
can be pasted into a configuration. Secrets are not in it: a profile only refers to them.`,
		RunE: func(_ *cobra.Command, args []string) error { return a.profileShow(args[0], asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object on standard output")
	return cmd
}

func (a *app) profileShow(name string, asJSON bool) error {
	cfg, src, err := a.configured()
	if err != nil {
		return err
	}
	r, ok := profileRowOf(cfg, src, name)
	if !ok {
		return usage("%v", cfg.NoProfile(name))
	}
	p, _ := cfg.DeviceProfile(name)
	text := p.Render(name)
	w := newLines(a.stdout)
	if asJSON {
		var doc map[string]map[string]any
		if err := yaml.Unmarshal(text, &doc); err != nil {
			return &exitError{exitFault, fmt.Errorf("show profile: %w", err)}
		}
		w.encode(struct {
			eventHead
			profileRow
			Settings any `json:"settings"`
		}{w.head("profile"), r, doc["profiles"][name]})
		return w.err
	}
	for _, line := range wrapWords(r.Purpose, reportWidth-2) {
		w.printf("# %s\n", line)
	}
	where := r.Where
	if r.BuiltIn {
		where = "built in"
	}
	if where != "" {
		w.printf("# %s\n", plain(where))
	}
	for _, by := range r.UsedBy {
		w.printf("# used by %s\n", plain(by))
	}
	if len(r.UsedBy) == 0 {
		w.printf("# no port gets it\n")
	}
	w.printf("%s", text)
	return w.err
}
