package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"provstation/station/audit"
	"provstation/station/config"
	"provstation/station/ledger"
	"provstation/station/words"
)

// verifyFlags are the flags of `provstation records verify`.
type verifyFlags struct {
	heads, keys []string
	json        bool
}

func (a *app) recordsVerifyCommand() *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Find what was altered in the records behind the station's back",
		Long: `Check the records against the station's hash chain, the signed heads of the chain, and the heads that are kept outside the
database. Every row that was altered, removed, put in or moved is named, with its table and column.

Without flags the key and the heads file beside the ledger are taken. Who could write there could change them, too: keep
copies elsewhere (provstation audit key; heads.log; every passport holds a head) and give them here.

Exit codes: 0 whole, 1 something was altered, 2 usage or configuration, 3 the records could not be read.`,
		Example: `  provstation records verify
  provstation records verify --heads /mnt/usb/heads.log --key /mnt/usb/bench-1.pub.pem
  provstation records verify --heads edge-0041-0193.json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.verifyRecords(cmd.Context(), f) },
	}
	fl := cmd.Flags()
	fl.StringArrayVar(&f.heads, "heads", nil, "a heads file or a passport, kept elsewhere (repeatable)")
	fl.StringArrayVar(&f.keys, "key", nil, "a station's public key (repeatable)")
	fl.BoolVar(&f.json, "json", false, "one JSON object a line on standard output")
	return cmd
}

func (a *app) verifyRecords(ctx context.Context, f verifyFlags) error {
	fault := func(err error) error { return &exitError{exitFault, err} }
	cfg, _, err := a.load(nil)
	if err != nil {
		return err
	}
	text, err := sentences(cfg)
	if err != nil {
		return fault(err)
	}
	// A station that shares its records has two histories: of what it wrote, and of what it has told.
	places := []struct{ url, heads string }{{ownURL(cfg), headsFile}}
	if isPostgres(cfg.Ledger.URL) {
		places = append(places, struct{ url, heads string }{cfg.Ledger.URL, sharedHeadsFile})
	}
	broken := false
	var unread error // the others are checked all the same
	for _, p := range places {
		if len(places) > 1 && !f.json {
			fmt.Fprintf(a.stdout, "%s:\n", plain(withoutSecret(p.url)))
		}
		r, err := verifyPlace(ctx, cfg, f, p.url, p.heads)
		if err == nil || len(r.Findings) > 0 { // what was not read to the end may not say that it is whole
			err = errors.Join(err, a.tellVerify(text, r, f.json))
		}
		unread = errors.Join(unread, err)
		broken = broken || len(r.Findings) > 0
	}
	switch {
	case unread != nil:
		return fault(unread)
	case broken:
		return &exitError{code: exitBad}
	}
	return nil
}

// verifyPlace checks one ledger.
func verifyPlace(ctx context.Context, cfg *config.Config, f verifyFlags, url, headsName string) (r ledger.VerifyReport, err error) {
	lc := ledger.Config{}
	if isPostgres(url) {
		lc.Password = ledgerPassword(cfg.Ledger)
	}
	l, err := ledger.Open(ctx, url, lc)
	if err != nil {
		return r, err
	}
	defer l.Close()
	dir, c := stateFolder(cfg), ledger.VerifyConfig{}
	if c.Keys, err = publicKeys(f.keys, dir); err != nil {
		return r, err
	}
	var before []audit.Finding
	if c.Heads, before, err = keptHeads(f.heads, dir, headsName); err != nil {
		return r, err
	}
	if l.Database() != ledger.SQLite && len(f.keys) == 0 {
		if c.Own, err = stationID(cfg, dir); err != nil {
			return r, err
		}
	}
	r, err = l.Verify(ctx, c)
	r.Findings = append(before, r.Findings...)
	return r, err
}

// publicKeys are the keys of the files, or the station's own.
func publicKeys(files []string, dir string) (audit.Keys, error) {
	var keys []audit.PublicKey
	for _, name := range files {
		text, err := readBounded(name, 64<<10)
		if err != nil {
			return nil, fmt.Errorf("read key: %w", err)
		}
		k, err := audit.ParsePublicKey(text)
		if err != nil {
			return nil, fmt.Errorf("key %s: %w", name, err)
		}
		keys = append(keys, k)
	}
	if len(files) > 0 {
		return audit.NewKeys(keys...), nil
	}
	if _, err := os.Stat(filepath.Join(dir, stationKeyFile)); dir == "" || err != nil {
		return nil, errNoKey
	}
	s, err := stationKey(dir)
	if err != nil {
		return nil, err
	}
	return audit.NewKeys(s.Public), nil
}

var errNoKey = errors.New("there is no station key here to check with: give the station's public key with --key")

// keptHeads reads the heads that were kept outside the database. found is what is wrong with them.
func keptHeads(files []string, dir, name string) (heads []audit.Checkpoint, found []audit.Finding, err error) {
	own := filepath.Join(dir, name)
	if len(files) == 0 && dir != "" {
		if _, err := os.Stat(own); errors.Is(err, fs.ErrNotExist) {
			return nil, []audit.Finding{{Kind: audit.Heads, Detail: own}}, nil
		}
		files = []string{own}
	}
	for _, name := range files {
		text, err := readBounded(name, 1<<30)
		if err != nil {
			return nil, nil, fmt.Errorf("read heads: %w", err)
		}
		if p, err := audit.ParsePassport(text); err == nil {
			heads = append(heads, p.Head)
			continue
		}
		list, bad, err := ledger.ReadHeads(bytes.NewReader(text))
		if err != nil {
			return nil, nil, err
		}
		heads = append(heads, list...)
		for _, n := range bad {
			found = append(found, audit.Finding{Kind: audit.Heads, Detail: name + ":" + strconv.Itoa(n)})
		}
	}
	return heads, found, nil
}

// readBounded reads a whole file of at most so many bytes.
func readBounded(name string, most int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(text)) > most {
		err = fmt.Errorf("%s is larger than %d bytes", name, most)
	}
	return text, err
}

// verifyLine is a finding as JSON.
type verifyLine struct {
	Type    string     `json:"type"` // finding, chain or result
	Kind    audit.Kind `json:"kind,omitempty"`
	Station string     `json:"station_id,omitempty"`
	N       uint64     `json:"n,omitempty"`
	Last    uint64     `json:"last,omitempty"`
	Table   string     `json:"table,omitempty"`
	Row     string     `json:"row,omitempty"`
	Column  string     `json:"column,omitempty"`
	Detail  string     `json:"detail,omitempty"`
	Digest  string     `json:"digest,omitempty"`
	Rows    uint64     `json:"rows,omitempty"`
	Whole   *bool      `json:"whole,omitempty"`
}

func (a *app) tellVerify(text *words.Catalogue, r ledger.VerifyReport, asJSON bool) error {
	whole := len(r.Findings) == 0
	if asJSON {
		e := json.NewEncoder(a.stdout)
		e.SetEscapeHTML(false)
		for _, f := range r.Findings {
			if err := e.Encode(verifyLine{
				Type: "finding", Kind: f.Kind, Station: f.Station, N: f.N, Last: f.Last, Table: f.Table, Row: f.Row, Column: f.Column,
				Detail: f.Detail,
			}); err != nil {
				return err
			}
		}
		for _, c := range r.Chains {
			if err := e.Encode(verifyLine{Type: "chain", Station: c.Station, N: c.Last, Rows: c.Rows, Digest: c.Digest.String()}); err != nil {
				return err
			}
		}
		return e.Encode(verifyLine{Type: "result", Rows: uint64(max(r.Rows, 0)), Whole: &whole}) //nolint:gosec // not negative
	}
	var out bytes.Buffer
	for _, f := range r.Findings {
		fmt.Fprintln(&out, plain(findingText(text, f)))
	}
	for _, c := range r.Chains {
		fmt.Fprintln(&out, plain(text.Text("audit.chain", map[string]string{
			"station": c.Station, "n": strconv.FormatUint(c.Last, 10), "signed": strconv.FormatUint(c.SignedTo, 10),
			"digest": c.Digest.String(),
		})))
	}
	if r.Unchecked > 0 {
		fmt.Fprintln(&out, text.Text("audit.unchecked", map[string]string{"n": strconv.Itoa(r.Unchecked)}))
	}
	if whole {
		fmt.Fprintln(&out, text.Text("audit.whole", map[string]string{"rows": strconv.Itoa(r.Rows), "signed": strconv.Itoa(r.Signed)}))
	} else {
		fmt.Fprintln(&out, text.Text("audit.broken", map[string]string{"n": strconv.Itoa(len(r.Findings))}))
	}
	_, err := a.stdout.Write(out.Bytes())
	return err
}

// findingText is the catalogue's sentence for a finding.
func findingText(text *words.Catalogue, f audit.Finding) string {
	p := map[string]string{"n": strconv.FormatUint(f.N, 10)}
	for name, value := range map[string]string{
		"station": f.Station, "table": f.Table, "row": f.Row, "column": f.Column, "detail": f.Detail,
	} {
		if value != "" {
			p[name] = value
		}
	}
	if f.Last != 0 {
		p["last"] = strconv.FormatUint(f.Last, 10)
	}
	if f.Kind == audit.Altered && f.Table != "" {
		return text.Text("audit.damaged", p)
	}
	return text.Text("audit."+string(f.Kind), p)
}

func (a *app) auditCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "audit", Short: "The station's key, and people's names in its history", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.auditKeyCommand(), a.auditEraseCommand())
	return cmd
}

func (a *app) auditKeyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "key",
		Short: "Print the station's public key, to check its records and passports elsewhere",
		Long: `Print the public half of the key that signs this station's history and passports, in PEM. The key is made when it is
needed first, beside the ledger; the private half stays there. Its id, the SHA-256 of the key's DER, goes to standard error:
passports and heads name the key by it, and it is short enough to be compared by telephone.`,
		Example: `  provstation audit key > bench-1.pub.pem`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withHistory(cmd.Context(), func(h *history, _ *words.Catalogue) error {
				text, err := h.signer.Public.PEM()
				if err != nil {
					return &exitError{exitFault, err}
				}
				if _, err = a.stdout.Write(text); err != nil {
					return &exitError{exitFault, err}
				}
				// Beside the key, not in it: to be read aloud, and held against what others print.
				_, err = fmt.Fprintln(a.stderr, "key id", h.signer.Public.ID)
				return err
			})
		},
	}
}

func (a *app) auditEraseCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "erase NAME",
		Short: "Forget a person: the records keep a pseudonym, and the history stays provable",
		Long: `Replace a person's name in all records by the pseudonym that the history has had for it from the beginning, and delete
what led from the one to the other. This cannot be taken back. Passports that were written hold the name in their member
"names", outside of what is signed: it may be removed there. Reasons and notes are what somebody wrote, and stay.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withHistory(cmd.Context(), func(h *history, text *words.Catalogue) error {
				n, err := h.ErasePerson(cmd.Context(), args[0])
				if err == nil && h.shared != nil {
					n, err = eraseShared(cmd.Context(), h, args[0])
				}
				switch {
				case errors.Is(err, ledger.ErrInvalid):
					return &exitError{exitUsage, err}
				case err != nil:
					return &exitError{exitFault, err}
				}
				_, err = fmt.Fprintln(a.stdout, text.Text("audit.erased", map[string]string{"n": strconv.Itoa(n)}))
				if n == 0 {
					err = &exitError{code: exitBad}
				}
				return err
			})
		},
	}
}

// withHistory opens the configured station's ledger, audited.
func (a *app) withHistory(ctx context.Context, do func(*history, *words.Catalogue) error) error {
	cfg, _, err := a.load(nil)
	if err != nil {
		return err
	}
	text, err := sentences(cfg)
	if err != nil {
		return &exitError{exitFault, err}
	}
	h, err := openHistory(ctx, cfg, nil, sharingMode{})
	if err != nil {
		return &exitError{exitFault, err}
	}
	defer h.Close()
	return do(h, text)
}

// passportsOf writes the passports of a ledger's runs.
func passportsOf(h *history, b *bench, failed func(error)) *passports {
	return &passports{
		ledger: h.Ledger, signer: h.signer, dir: filepath.Join(h.dir, passportFolder), log: b.Log, failed: failed,
	}
}

// eraseShared forgets a person in the records of all stations; those of this one have been seen to. What they all have says how
// many there were.
func eraseShared(ctx context.Context, h *history, name string) (int, error) {
	l, err := h.decisions(ctx)
	if err != nil {
		return 0, fmt.Errorf("the name is gone from this station's records, and not from those of all stations: %w; run it again", err)
	}
	return l.ErasePerson(ctx, name)
}
