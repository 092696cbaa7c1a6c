package ledger

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"provstation/station"
)

// Formats of an export.
const (
	ExportCSV    = "csv"    // RFC 4180, a header, "" for what is not known
	ExportJSON   = "json"   // one array of objects
	ExportNDJSON = "ndjson" // one object a line
)

// ExportFormats lists the formats.
func ExportFormats() []string { return []string{ExportCSV, ExportJSON, ExportNDJSON} }

// exportPage is how many rows an export reads at once: a writer that is slow (a pager, a share on the network) then holds
// up neither the ledger's log nor its memory.
const exportPage = 500

// Export writes every run that the filter chooses, newest first, whatever its After and Limit, and says how many rows
// were written whole. Columns and keys are the same in every format and keep their names; times are RFC 3339 in UTC.
// Runs that begin meanwhile are left out. What a spreadsheet would take for a formula gets an apostrophe
// in front in CSV ([station.CSVCell]); the other formats hold the text as it is. w is written to in pieces and not closed.
//
// Errors: ErrInvalid (an unknown format; nothing is written then), those of w, and ctx's.
func (l *Ledger) Export(ctx context.Context, w io.Writer, f Filter, format string) (rows int, err error) {
	if err = f.check(); err == nil && !slices.Contains(ExportFormats(), format) {
		err = fmt.Errorf("%w: export format %q, want %s", ErrInvalid, format, strings.Join(ExportFormats(), ", "))
	}
	if err != nil {
		return 0, l.wrap(err, "export runs", "")
	}
	enc := newEncoder(w, format, exportRow(RunRow{}))
	rows, err = l.export(ctx, enc, f)
	return rows, l.wrap(err, "export runs as", format)
}

func (l *Ledger) export(ctx context.Context, enc encoder, f Filter) (rows int, err error) {
	if err := enc.begin(); err != nil {
		return 0, err
	}
	f.After, f.Limit = "", exportPage
	for {
		if err := ctx.Err(); err != nil {
			return rows, err
		}
		page, err := l.Runs(ctx, f)
		if err != nil {
			return rows, err
		}
		for _, r := range page {
			if err := enc.row(exportRow(r)); err != nil {
				return rows, err
			}
			rows++
		}
		if len(page) < exportPage {
			return rows, enc.end()
		}
		f.After = page[len(page)-1].Run
	}
}

// value is one column of an exported row: text, a number, a truth, a list of texts or a map; nil where it is not known.
type value struct {
	name string
	val  any
}

func exportRow(r RunRow) []value {
	o := r.Override
	if o == nil {
		o = new(station.Override)
	}
	return []value{
		{"run", r.Run},
		{"tenant", r.Tenant},
		{"site", r.Site},
		{"station", r.Station},
		{"station_id", r.StationID},
		{"operator", r.Operator},
		{"batch", r.Batch},
		{"slot", r.Slot},
		{"port", r.Port},
		{"profile", r.Profile},
		{"started_at", timeText(r.StartedAt)},
		{"ended_at", timeText(r.EndedAt)},
		{"elapsed_ms", r.Elapsed.Milliseconds()},
		{"outcome", string(r.Outcome)},
		{"proof", string(r.Proof)},
		{"phase", string(r.Phase)},
		{"code", string(r.Code)},
		{"params", r.Params},
		{"warnings", warningCodes(r.Warnings)},
		{"device_id", r.DeviceID},
		{"hardware_serial", r.HardwareSerial},
		{"attempt", int64(r.Attempt)},
		{"spki_sha256", hex.EncodeToString(r.SPKI)},
		{"cert_fingerprint", hex.EncodeToString(r.Leaf)},
		{"not_after", timeText(r.NotAfter)},
		{"contract", string(r.Contract)},
		{"wire_tx_bytes", counter(r.WireTx)},
		{"wire_rx_bytes", counter(r.WireRx)},
		{"requested_device_id", r.RequestedID},
		{"requested_key_type", r.RequestedKey},
		{"reenroll", r.Reenroll},
		{"override_code", string(o.Code)},
		{"override_run", o.Run},
		{"override_reason", o.Reason},
		{"override_operator", o.Operator},
		{"override_lead", o.Lead},
		{"version", r.Version},
		{"config_digest", r.ConfigDigest},
		{"task", string(r.Task)},
	}
}

func timeText(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("2006-01-02T15:04:05.000000Z")
}

func warningCodes(ws []station.Warning) []string {
	codes := make([]string, 0, len(ws))
	for _, w := range ws {
		codes = append(codes, string(w.Code))
	}
	return codes
}

// encoder writes rows in one format.
type encoder interface {
	begin() error
	row(cells []value) error
	end() error
}

// newEncoder makes an encoder of rows like columns.
func newEncoder(w io.Writer, format string, columns []value) encoder {
	switch format {
	case ExportCSV:
		return &csvEncoder{w: csv.NewWriter(w), columns: columns}
	case ExportJSON:
		return &jsonEncoder{w: w, open: "[", between: ",", closing: "]\n"}
	default:
		return &jsonEncoder{w: w}
	}
}

type csvEncoder struct {
	w       *csv.Writer
	columns []value
	line    []string
}

func (e *csvEncoder) begin() error {
	for _, c := range e.columns {
		e.line = append(e.line, c.name)
	}
	return e.flush()
}

func (e *csvEncoder) row(cells []value) error {
	e.line = e.line[:0]
	for _, c := range cells {
		text, err := cellText(c.val)
		if err != nil {
			return err
		}
		e.line = append(e.line, text)
	}
	return e.flush()
}

// flush hands the line on, so that a row that was counted was written.
func (e *csvEncoder) flush() error {
	if err := e.w.Write(e.line); err != nil {
		return fmt.Errorf("write row: %w", err)
	}
	e.w.Flush()
	if err := e.w.Error(); err != nil {
		return fmt.Errorf("write row: %w", err)
	}
	return nil
}

func (e *csvEncoder) end() error { return nil }

func cellText(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case bool:
		return strconv.FormatBool(v), nil
	case string:
		return station.CSVCell(v), nil
	case []string:
		return station.CSVCell(strings.Join(v, " ")), nil
	case map[string]string:
		if len(v) == 0 {
			return "", nil
		}
		b, err := jsonText(v)
		return station.CSVCell(string(b)), err
	default:
		return "", fmt.Errorf("%w: column of type %T", ErrInvalid, v)
	}
}

// jsonEncoder writes objects whose keys keep the order of the columns.
type jsonEncoder struct {
	w                      io.Writer
	open, between, closing string
	rows                   int
}

func (e *jsonEncoder) begin() error { return e.write([]byte(e.open)) }
func (e *jsonEncoder) end() error   { return e.write([]byte(e.closing)) }

func (e *jsonEncoder) row(cells []value) error {
	var b bytes.Buffer
	if e.rows > 0 {
		b.WriteString(e.between)
	}
	if e.open != "" {
		b.WriteByte('\n')
	}
	for i, c := range cells {
		b.WriteByte("{,"[min(i, 1)])
		val, err := jsonText(c.val)
		if err != nil {
			return err
		}
		b.WriteString(`"` + c.name + `":`)
		b.Write(val)
	}
	b.WriteByte('}')
	if e.open == "" {
		b.WriteByte('\n')
	}
	e.rows++
	return e.write(b.Bytes())
}

func (e *jsonEncoder) write(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	if _, err := e.w.Write(b); err != nil {
		return fmt.Errorf("write row: %w", err)
	}
	return nil
}

func jsonText(v any) ([]byte, error) {
	if m, ok := v.(map[string]string); ok && m == nil {
		v = map[string]string{}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // this is no web page, and "<" is for people's eyes
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return bytes.TrimSpace(b.Bytes()), nil
}
