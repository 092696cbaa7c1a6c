package scan

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

const gs = '\x1d' // FNC1 as scanners hand it on (GS1 General Specifications 7.8.6)

// element is one application identifier with its data.
type element struct{ ai, data string }

// finding is what was found in a text.
type finding struct {
	is   bool // it is GS1
	sure bool // nothing else could have been meant, so that an error counts
	text string
	list []element
}

func (f finding) value(ai string) string {
	for _, e := range f.list {
		if e.ai == ai {
			return e.data
		}
	}
	return ""
}

func (f finding) gtin() string {
	for _, ai := range []string{"01", "03", "8006"} {
		if v := f.value(ai); len(v) >= 14 {
			return v[:14]
		}
	}
	return ""
}

// id is what names one thing, not a kind of things.
func (f finding) id() string {
	if v := f.value("21"); v != "" {
		return v
	}
	if v := f.value("8004"); v != "" {
		return v
	}
	if v := f.value("8003"); len(v) > 14 {
		return v[14:]
	}
	for _, ai := range []string{"8011", "250"} {
		if v := f.value(ai); v != "" {
			return v
		}
	}
	return ""
}

// find looks for GS1 in a text. Digits alone prove nothing: without a symbology identifier, an FNC1, parentheses or a Digital
// Link address a text is a plain code.
func (e elements) find(aim, s string) (finding, error) {
	switch aim {
	case "C1", "e0", "d2", "Q3", "J1": // GS1-128, DataBar, DataMatrix, QR, DotCode
		if f, err := e.link(s); f.is { // a GS1 QR code may hold an address, too
			return f, err
		}
		return e.carried(s)
	case "E0", "E4", "I1": // EAN-13 and UPC, EAN-8, ITF-14 with a check digit
		return e.product(s)
	}
	if f, err := e.link(s); f.is {
		return f, err
	}
	if e.readable(s) {
		f := finding{is: true}
		var err error
		f.list, err = e.splitReadable(s)
		f.text = render(f.list)
		return f, err
	}
	if t := standIns(s); strings.ContainsRune(t, gs) {
		f, err := e.carried(s)
		f.sure = strings.ContainsRune(s, gs) // a stand-in may be part of a plain code
		return f, err
	}
	return finding{}, nil
}

// standIns puts FNC1 for what scanners and their software show instead of it.
func standIns(s string) string {
	return strings.NewReplacer("{GS}", string(gs), "<GS>", string(gs), "␝", string(gs), "^]", string(gs),
		"{FNC1}", string(gs), "<FNC1>", string(gs)).Replace(s)
}

// carried reads element strings as a symbol carries them.
func (e elements) carried(s string) (finding, error) {
	f := finding{is: true, sure: true}
	rest := strings.TrimLeft(standIns(s), string(gs))
	for rest != "" {
		ai, r, ok := e.lookup(rest)
		if !ok {
			return f, gs1Error("no application identifier at %q", show(rest))
		}
		rest = rest[len(ai):]
		n := strings.IndexRune(rest, gs)
		if n < 0 {
			n = len(rest)
		}
		if r.predefined {
			n = min(n, r.length())
		}
		if err := r.check(ai, rest[:n]); err != nil {
			return f, err
		}
		f.list = append(f.list, element{ai, rest[:n]})
		rest = strings.TrimPrefix(rest[n:], string(gs))
	}
	if len(f.list) == 0 {
		return f, &Error{Reason: ReasonEmpty}
	}
	f.text = render(f.list)
	return f, once(f.list)
}

// readable reports whether a text begins like the form that people read: a known identifier in parentheses.
func (e elements) readable(s string) bool {
	_, ok := e.parenthesis(s)
	return ok
}

// parenthesis reads "(21)" with a known identifier in it.
func (e elements) parenthesis(s string) (ai string, ok bool) {
	end := strings.IndexByte(s[:min(len(s), 6)], ')')
	if end < 3 || s[0] != '(' {
		return "", false
	}
	ai, _, ok = e.lookup(s[1:end])
	return ai, ok && ai == s[1:end]
}

// splitReadable reads "(01)09506000134352(21)A1". Data may hold parentheses; an identifier that is known ends it.
func (e elements) splitReadable(s string) ([]element, error) {
	var list []element
	for s != "" {
		ai, ok := e.parenthesis(s)
		if !ok {
			return nil, gs1Error("no application identifier at %q", show(s))
		}
		s = s[len(ai)+2:]
		end := len(s)
		for i := range len(s) {
			if e.readable(s[i:]) {
				end = i
				break
			}
		}
		data := strings.Trim(s[:end], " ")
		_, r, _ := e.lookup(ai)
		if err := r.check(ai, data); err != nil {
			return nil, err
		}
		list = append(list, element{ai, data})
		s = s[end:]
	}
	return list, once(list)
}

// product reads a symbol that holds a GTIN and nothing else.
func (e elements) product(s string) (finding, error) {
	f := finding{is: true, sure: true}
	if len(s) > 14 || len(s) < 8 || !allDigits(s) {
		return f, gs1Error("a product code has 8 to 14 digits")
	}
	gtin := strings.Repeat("0", 14-len(s)) + s
	f.list, f.text = []element{{"01", gtin}}, "(01)"+gtin
	return f, e["01"].check("01", gtin)
}

// link reads a GS1 Digital Link address (GS1 Digital Link Standard: URI Syntax, section 4): key and qualifiers are pairs of
// path segments, everything else is in the query. Any host may serve one, so only a path with a sound key counts there.
func (e elements) link(s string) (finding, error) {
	u, ok := webAddress(s)
	if !ok {
		return finding{}, nil
	}
	f := finding{sure: strings.EqualFold(u.Hostname(), "id.gs1.org"), text: s}
	segments := strings.Split(strings.Trim(u.EscapedPath(), "/"), "/")
	start := keySegment(segments)
	if start < 0 {
		f.is = f.sure
		if f.sure {
			return f, gs1Error("no key in the address")
		}
		return f, nil
	}
	f.is = true
	for i := start; i+1 < len(segments); i += 2 {
		data, err := url.PathUnescape(segments[i+1])
		if err != nil {
			return f, gs1Error("path: %v", err)
		}
		if f.list, err = e.append(f.list, segments[i], data); err != nil {
			return f, err
		}
	}
	if (len(segments)-start)%2 != 0 {
		return f, gs1Error("identifier %q without data in the address", show(segments[len(segments)-1]))
	}
	var err error
	if f.list, err = e.query(f.list, u.RawQuery); err != nil {
		return f, err
	}
	return f, once(f.list)
}

func webAddress(s string) (*url.URL, bool) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || !printable(s) {
		return nil, false
	}
	return u, strings.EqualFold(u.Scheme, "https") || strings.EqualFold(u.Scheme, "http")
}

// query adds the elements of an address's query; what has no number is not of the standard: tracking and the like.
func (e elements) query(list []element, raw string) ([]element, error) {
	query, err := url.ParseQuery(raw)
	if err != nil {
		return nil, gs1Error("query: %v", err)
	}
	for _, ai := range slices.Sorted(maps.Keys(query)) {
		if !allDigits(ai) {
			continue
		}
		for _, v := range query[ai] {
			if list, err = e.append(list, ai, v); err != nil {
				return nil, err
			}
		}
	}
	return list, nil
}

// keySegment finds the last primary key in a path that has one, with digits of a fitting length behind it.
func keySegment(segments []string) int {
	for i := len(segments) - 2; i >= 0; i-- {
		data := segments[i+1]
		switch segments[i] {
		case "01":
			if allDigits(data) && (len(data) == 14 || len(data) == 13 || len(data) == 12 || len(data) == 8) {
				return i
			}
		case "8006":
			if allDigits(data) && len(data) == 18 {
				return i
			}
		case "8003":
			if len(data) >= 14 && allDigits(data[:14]) {
				return i
			}
		case "8004":
			if i == 0 && data != "" { // free text: only where nothing stands before it
				return i
			}
		}
	}
	return -1
}

func (e elements) append(list []element, ai, data string) ([]element, error) {
	if ai == "01" && allDigits(data) && len(data) < 14 {
		data = strings.Repeat("0", 14-len(data)) + data
	}
	known, r, ok := e.lookup(ai)
	if !ok || known != ai {
		return nil, gs1Error("unknown application identifier %q", show(ai))
	}
	if err := r.check(ai, data); err != nil {
		return nil, err
	}
	return append(list, element{ai, data}), nil
}

// once refuses an identifier that comes twice with different data (GS1 General Specifications 4.14.1).
func once(list []element) error {
	seen := map[string]string{}
	for _, e := range list {
		if old, ok := seen[e.ai]; ok && old != e.data {
			return gs1Error("application identifier %s twice, with different data", e.ai)
		}
		seen[e.ai] = e.data
	}
	return nil
}

func render(list []element) string {
	var b strings.Builder
	for _, e := range list {
		b.WriteString("(" + e.ai + ")" + e.data)
	}
	return b.String()
}

func gs1Error(format string, args ...any) *Error {
	return &Error{Reason: ReasonGS1, Detail: fmt.Sprintf(format, args...)}
}
