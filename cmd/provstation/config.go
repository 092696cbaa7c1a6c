package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"provstation/station/config"
)

func (a *app) configCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "config", Short: "Show or check the configuration", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.configShowCommand(), a.configCheckCommand())
	return cmd
}

func (a *app) configShowCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Print the effective configuration, each value with where it comes from",
		Long: `Print the effective configuration as YAML that reads back, each value with where it comes from: default, file and line,
environment variable or flag. Secrets are not in it: a configuration only refers to them.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			cfg, src, err := a.load(nil)
			if err != nil {
				return err
			}
			if asJSON {
				return a.showSettings(cfg, src)
			}
			return cfg.Show(a.stdout, src)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object a setting, a line each, on standard output")
	return cmd
}

// settingRow is one setting as `config show --json` prints it.
type settingRow struct {
	Key   string `json:"key"`   // dotted, as bridge.url
	Value any    `json:"value"` // null where nothing is set; durations with their unit
	From  string `json:"from"`  // default|host|file|tenant|env|flag
	Where string `json:"where,omitempty"`
}

// showSettings prints the file's place and digest, then every setting in the order of the file, those without a value, too.
func (a *app) showSettings(cfg *config.Config, src config.Sources) error {
	var values map[string]any
	if err := yaml.Unmarshal(cfg.Marshal(), &values); err != nil {
		return &exitError{exitFault, fmt.Errorf("show configuration: %w", err)}
	}
	f := newLines(a.stdout)
	f.encode(struct {
		eventHead
		Path   string `json:"path"`
		Digest string `json:"config_digest"`
	}{f.head("config"), src.Path, cfg.Digest()})
	for _, k := range config.Keys() {
		from := src.Of(k.Path)
		f.encode(struct {
			eventHead
			settingRow
		}{f.head("setting"), settingRow{Key: k.Path, Value: lookup(values, k.Path), From: from.From, Where: from.Where}})
	}
	if f.err != nil {
		return &exitError{exitFault, fmt.Errorf("show configuration: %w", f.err)}
	}
	return nil
}

// lookup follows a dotted path.
func lookup(values map[string]any, path string) any {
	first, rest, more := strings.Cut(path, ".")
	v := values[first]
	if !more {
		return v
	}
	inner, ok := v.(map[string]any)
	if !ok {
		return nil
	}
	return lookup(inner, rest)
}

func (a *app) configCheckCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check [FILE]",
		Short: "Check a configuration: every problem at once, with its place",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			path := a.configPath
			if len(args) == 1 {
				path = args[0]
			}
			return a.configCheck(path, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object on standard output")
	return cmd
}

// configVerdict is what `config check --json` prints.
type configVerdict struct {
	Type     string          `json:"type"`
	OK       bool            `json:"ok"`
	Path     string          `json:"path,omitempty"`
	Digest   string          `json:"config_digest,omitempty"`
	Problems []configProblem `json:"problems,omitempty"`
}

type configProblem struct {
	Where   string `json:"where,omitempty"`
	Key     string `json:"key,omitempty"`
	Message string `json:"message"`
	Nearest string `json:"nearest,omitempty"`
}

func (a *app) configCheck(path string, asJSON bool) error {
	cfg, src, err := config.Load(config.LoadOptions{Path: path})
	if !asJSON {
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(a.stdout, "%s is in order (digest %s)\n", src.Path, cfg.Digest())
		return err
	}
	v := configVerdict{Type: "config-check", OK: err == nil, Path: src.Path}
	var ce *config.Error
	switch {
	case err == nil:
		v.Digest = cfg.Digest()
	case errors.As(err, &ce):
		for _, p := range ce.Problems {
			v.Problems = append(v.Problems, configProblem(p))
		}
	default:
		v.Problems = []configProblem{{Message: err.Error()}}
	}
	if werr := json.NewEncoder(a.stdout).Encode(v); werr != nil {
		return werr
	}
	if err != nil {
		return &exitError{code: exitUsage}
	}
	return nil
}
