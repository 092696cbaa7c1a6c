package console

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"provstation/serialproto/port"
	"provstation/station"
)

// portFaults says what each way a port fails means for the slot.
var portFaults = []struct {
	err  error
	code station.Code
}{
	{port.ErrGone, station.CodePortGone},
	{port.ErrNotFound, station.CodePortGone},
	{port.ErrBusy, station.CodePortBusy},
	{port.ErrPermission, station.CodePortDenied},
	{port.ErrStuck, station.CodePortStuck},
	{port.ErrNotSerial, station.CodePortBad},
	{io.EOF, station.CodePortGone},
	{os.ErrClosed, station.CodePortGone},
}

// portFault puts an error of a port into a fault.
func portFault(path string, err error) *station.Fault {
	f := &station.Fault{Code: station.CodePortBad, Outcome: station.Error, Params: map[string]string{"port": path}, Err: err}
	for _, row := range portFaults {
		if errors.Is(err, row.err) {
			f.Code = row.code
			break
		}
	}
	switch f.Code {
	case station.CodePortBusy:
		if pe := new(port.Error); errors.As(err, &pe) && pe.Holder.PID != 0 {
			f.Params["holder"] = pe.Holder.Name
		}
	case station.CodePortBad:
		f.Params["detail"] = printable(err.Error(), 200)
	}
	return f
}

// fault says that the box, or what is on its console, is not as it has to be. Nothing of it passes by itself.
func fault(code station.Code, outcome station.Outcome, detail string) *station.Fault {
	f := &station.Fault{Code: code, Outcome: outcome, Params: map[string]string{}}
	if d := printable(detail, 160); d != "" {
		f.Params["detail"] = d
		f.Err = errors.New(d)
	}
	return f
}

func badAnswer(format string, args ...any) *station.Fault {
	return fault(station.CodeAgentBad, station.Fail, fmt.Sprintf(format, args...))
}

// boxFault puts what a command on the box said of its failure (a word, and a detail) into a fault.
func boxFault(doing, word, detail string) error {
	f := &station.Fault{Code: station.CodeAgentError, Outcome: station.Fail, Params: map[string]string{"doing": doing, "status": word}}
	if d := printable(detail, 160); d != "" {
		f.Params["detail"] = d
	}
	f.Err = fmt.Errorf("%s: %s %s", doing, word, f.Params["detail"])
	switch word {
	case "space":
		f.Code = station.CodeAgentSpace
	case "denied":
		f.Code = station.CodeConsoleDenied
	case "certkey":
		f.Code = station.CodeInstallKey
	case "digest":
		f.Code = station.CodeReadback
	case "sealed":
		f.Code = station.CodeAgentLocked
	case "refused":
		f.Code = station.CodeAgentRefuse
	case "retired", "args", "other":
		f.Err = fmt.Errorf("%w: %w", station.ErrEnrollIDUsed, f.Err)
	}
	return f
}

// printable makes text from the box safe for a record: one line, no control characters, bounded.
func printable(s string, most int) string {
	var b strings.Builder
	for _, r := range strings.TrimSpace(s) {
		switch {
		case r == '\n' || r == '\t':
			r = ' '
		case r == utf8.RuneError || !unicode.IsPrint(r):
			continue
		}
		if b.Len()+utf8.RuneLen(r) > most {
			break
		}
		b.WriteRune(r)
	}
	return b.String()
}
