package ledger

import (
	"context"
	"database/sql"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"provstation/station"
)

// TextMax bounds a search text, in bytes.
const TextMax = 128

// fingerprintMin is the number of hex digits from which a search text may mean a fingerprint: with fewer, too many
// certificates begin with it by chance.
const fingerprintMin = 4

// refold brings the run's search text up to date: what a person may search it by, folded, one a line. A line break is
// never part of a search text, so none is found across two of them.
func (t *txn) refold(ctx context.Context, run string) error {
	var parts [6]string
	_, err := t.one(ctx, `SELECT operator, batch, slot, coalesce(hardware_serial, ''), coalesce(device_id, ''), code
		FROM runs WHERE run = ?`, []any{run}, &parts[0], &parts[1], &parts[2], &parts[3], &parts[4], &parts[5])
	if err != nil {
		return err
	}
	_, err = t.exec(ctx, "UPDATE runs SET search = ? WHERE run = ?", searchOf(parts[:]), run)
	return err
}

// searchOf is what a run is searched by, made of operator, batch, slot, hardware serial, device id and code.
func searchOf(parts []string) string {
	folded := make([]string, len(parts))
	for i, p := range parts {
		folded[i] = fold(cut(p, maxID))
	}
	return strings.Join(folded, "\n")
}

// The search text of older runs is made by the migration to searchSchema, which knows capital letters of ASCII and German
// alone; refoldAll makes it as refold does. It is done before a ledger leaves searchSchema or a later schema up to
// searchFixed, which programs had brought ledgers to before this was found: a kill in between has it done again.
const (
	searchSchema = 2
	searchFixed  = 3
)

// refoldAll brings the search text of all runs up to date.
func (l *Ledger) refoldAll(ctx context.Context, db *sql.DB) error {
	return l.alter(ctx, db, func(tx *sql.Tx) error {
		wrong, err := staleSearches(ctx, tx)
		if err != nil {
			return fmt.Errorf("read searches: %w", err)
		}
		for run, text := range wrong {
			if _, err := tx.ExecContext(ctx, l.d.rebind("UPDATE runs SET search = ? WHERE run = ?"), text, run); err != nil {
				return fmt.Errorf("search text of run %s: %w", run, err)
			}
		}
		return nil
	})
}

// staleSearches are the runs whose search text is another one than refold would make, with that.
func staleSearches(ctx context.Context, tx *sql.Tx) (map[string]string, error) {
	rows, err := tx.QueryContext(ctx, `SELECT run, search, operator, batch, slot, coalesce(hardware_serial, ''),
		coalesce(device_id, ''), code FROM runs`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	wrong := make(map[string]string)
	for rows.Next() {
		var run, have string
		var parts [6]string
		if err := rows.Scan(&run, &have, &parts[0], &parts[1], &parts[2], &parts[3], &parts[4], &parts[5]); err != nil {
			return nil, err
		}
		if text := searchOf(parts[:]); text != have {
			wrong[run] = text
		}
	}
	return wrong, rows.Err()
}

// cut shortens a text to n bytes, between two runes.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// check refuses a filter that cannot be meant. ErrInvalid.
func (f Filter) check() error {
	switch {
	case len(f.Text) > TextMax:
		return fmt.Errorf("%w: search text longer than %d bytes", ErrInvalid, TextMax)
	case !utf8.ValidString(f.Text) || strings.ContainsFunc(f.Text, unicode.IsControl):
		return fmt.Errorf("%w: search text with control characters", ErrInvalid)
	}
	for _, o := range f.Outcomes {
		if !slices.Contains(station.Outcomes(), o) {
			return fmt.Errorf("%w: outcome %q", ErrInvalid, o)
		}
	}
	return nil
}

// where is the filter's condition on runs r, without the page.
func (f Filter) where() *where {
	w := new(where)
	w.text("r.tenant", f.Tenant)
	w.text("r.site", f.Site)
	w.text("r.station", f.Station)
	w.text("r.operator", f.Operator)
	w.text("r.batch", f.Batch)
	w.text("r.slot", f.Slot)
	w.text("r.device_id_fold", fold(f.DeviceID))
	w.text("r.hardware_serial", f.HardwareSerial)
	if f.Outcome != "" && strings.TrimSpace(f.Text) != "" {
		// The index by outcome lacks the text: coalesce leads past it to the one by tenant, which has both.
		w.add("coalesce(r.outcome, '') = ?", string(f.Outcome))
	} else {
		w.text("r.outcome", string(f.Outcome))
	}
	w.text("r.code", string(f.Code))
	if f.Open {
		w.add("r.outcome IS NULL")
	}
	if f.Held {
		w.add(unresolved)
	}
	if len(f.Outcomes) > 0 {
		args := make([]any, len(f.Outcomes))
		for i, o := range f.Outcomes {
			args[i] = string(o)
		}
		// coalesce keeps the rows in the order of time: one range per outcome would have to be sorted.
		w.add("coalesce(r.outcome, '') IN (?"+strings.Repeat(", ?", len(args)-1)+")", args...)
	}
	w.search(f.Text)
	if !f.Since.IsZero() {
		w.add("r.started_at >= ?", f.Since.UnixMicro())
	}
	if !f.Until.IsZero() {
		w.add("r.started_at < ?", f.Until.UnixMicro())
	}
	return w
}

var likeText = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

func (w *where) search(text string) {
	text = strings.TrimSpace(text)
	if text == "" {
		return
	}
	pattern := "%" + likeText.Replace(fold(text)) + "%"
	low, high, ok := fingerprints(text)
	if !ok {
		w.add(`r.search LIKE ? ESCAPE '\'`, pattern)
		return
	}
	w.add(`(r.search LIKE ? ESCAPE '\' OR r.leaf BETWEEN ? AND ?)`, pattern, low, high)
}

// fingerprints is the range of the SHA-256 that begin with the text's hex digits; ok is false for any other text.
func fingerprints(text string) (low, high []byte, ok bool) {
	digits := strings.ReplaceAll(text, ":", "")
	if len(digits) < fingerprintMin || len(digits) > 64 {
		return nil, nil, false
	}
	low, err := hex.DecodeString(digits + strings.Repeat("0", 64-len(digits)))
	if err != nil {
		return nil, nil, false
	}
	high, err = hex.DecodeString(digits + strings.Repeat("f", 64-len(digits)))
	return low, high, err == nil
}
