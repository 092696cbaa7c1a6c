package main

import (
	"encoding/json"
	"errors"
	"fmt"

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
	return &cobra.Command{
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
			return cfg.Show(a.stdout, src)
		},
	}
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
