package scan

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Default prefixes of what is not a label.
const (
	DefaultBadgePrefix   = "PSB:"
	DefaultCommandPrefix = "PS:"
)

const (
	maxPrefix  = 16   // bytes
	maxPattern = 1024 // bytes
	maxBadge   = 128  // bytes
	groupID    = "id"
	spaces     = " \r\n\t"
)

// Rules say how the codes of a bench look.
type Rules struct {
	// Prefix and Suffix are stripped where they are present: what the scanner was set up to send around every code (control
	// characters allowed), or what stands around the id on the labels.
	Prefix, Suffix string
	// RequirePrefix refuses labels without Prefix.
	RequirePrefix bool
	// Pattern is a regular expression (RE2) that the whole text of a label must match; a group named "id" is the device's
	// identity. GS1 element strings are matched in the form "(01)09506000134352(21)A1". Empty: any label.
	Pattern string
	// BadgePrefix marks badges; empty: DefaultBadgePrefix. CommandPrefix marks commands; empty: DefaultCommandPrefix. Both
	// are read without regard to case: Caps Lock turns what a scanner types around.
	BadgePrefix, CommandPrefix string
}

// Reader reads scans by its rules. It is immutable.
type Reader struct {
	rules   Rules
	badge   string
	command string
	pattern *regexp.Regexp // nil: any
	group   int            // of the id in pattern; -1: none
	gs1     elements
}

// Compile checks the rules and makes them a Reader. All that is wrong is in the error.
func Compile(rules Rules) (*Reader, error) {
	r := &Reader{rules: rules, badge: rules.BadgePrefix, command: rules.CommandPrefix, group: -1, gs1: newElements()}
	if r.badge == "" {
		r.badge = DefaultBadgePrefix
	}
	if r.command == "" {
		r.command = DefaultCommandPrefix
	}
	errs := []error{
		checkMark("badge prefix", r.badge), checkMark("command prefix", r.command),
		checkAround("prefix", rules.Prefix), checkAround("suffix", rules.Suffix),
	}
	if hasFold(r.badge, r.command) || hasFold(r.command, r.badge) {
		errs = append(errs, fmt.Errorf("badge prefix %q and command prefix %q: one begins with the other", r.badge, r.command))
	}
	if rules.RequirePrefix && rules.Prefix == "" {
		errs = append(errs, errors.New("a prefix is required, but none is given"))
	}
	errs = append(errs, r.compilePattern(rules.Pattern))
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("compile scan rules: %w", err)
	}
	return r, nil
}

func (r *Reader) compilePattern(p string) error {
	if p == "" {
		return nil
	}
	if len(p) > maxPattern {
		return fmt.Errorf("pattern: longer than %d bytes", maxPattern)
	}
	if _, err := regexp.Compile(p); err != nil {
		return fmt.Errorf("pattern: %w", err)
	}
	re, err := regexp.Compile(`\A(?:` + p + `)\z`)
	if err != nil {
		return fmt.Errorf("pattern: %w", err)
	}
	r.pattern, r.group = re, re.SubexpIndex(groupID)
	return nil
}

// checkMark checks a prefix that tells what a code is: it is printed, and two characters at least, so that an ordinary
// label does not begin with it by chance.
func checkMark(what, s string) error {
	if len(s) < 2 || len(s) > maxPrefix || !printable(s) || strings.Contains(s, " ") {
		return fmt.Errorf("%s %q: want 2 to %d bytes, printable, no space", what, s, maxPrefix)
	}
	return nil
}

func checkAround(what, s string) error {
	if len(s) > maxPrefix || !utf8.ValidString(s) {
		return fmt.Errorf("%s %q: want at most %d bytes of UTF-8", what, s, maxPrefix)
	}
	if strings.ContainsAny(s, "\r\n\t") || strings.TrimSpace(s) != s {
		return fmt.Errorf("%s %q: line ends, tabs and spaces around a code are removed anyway", what, s)
	}
	return nil
}

// Read says what a scanned text means. The error is an *[Error].
func (r *Reader) Read(text string) (Label, error) {
	if len(text) > MaxText {
		return Label{}, r.fail(text[:MaxText], ReasonTooLong, fmt.Sprintf("more than %d bytes", MaxText))
	}
	whole := strings.Trim(strings.TrimSuffix(strings.Trim(text, spaces), r.rules.Suffix), spaces)
	aim, inner := cutSymbology(whole)
	// What the scanner adds stands before the symbology identifier, what is printed behind it.
	bare, hadPrefix := r.cutPrefix(whole)
	if a, rest := cutSymbology(bare); a != "" {
		aim, bare = a, rest
		if !hadPrefix {
			bare, hadPrefix = r.cutPrefix(rest)
		}
	}
	for _, s := range []string{bare, inner} {
		if l, err, ok := r.special(s); ok {
			return l, err
		}
	}
	if bare == "" {
		return Label{}, &Error{Reason: ReasonEmpty}
	}
	if r.safe(bare) == "" { // two scans in one, or a badge that lost its first characters to something else
		return Label{}, &Error{Reason: ReasonBadge}
	}
	if r.rules.RequirePrefix && !hadPrefix {
		return Label{}, r.fail(bare, ReasonPrefix, "")
	}
	return r.label(aim, bare)
}

// cutPrefix removes the configured prefix where it is present.
func (r *Reader) cutPrefix(s string) (rest string, had bool) {
	if r.rules.Prefix != "" {
		s, had = strings.CutPrefix(s, r.rules.Prefix)
	}
	return strings.Trim(s, spaces), had
}

// special reads badges and commands, and knows when one came through the wrong keyboard layout.
func (r *Reader) special(s string) (Label, error, bool) { //nolint:revive // error in the middle: ok says whether the others count
	if rest, ok := cutFold(s, r.badge); ok {
		if len(rest) > maxBadge || strings.TrimSpace(rest) == "" || !printable(rest) {
			return Label{}, &Error{Reason: ReasonBadge}, true
		}
		return Label{Kind: KindBadge, Badge: Badge(strings.TrimSpace(rest))}, nil, true
	}
	if rest, ok := cutFold(s, r.command); ok {
		name := strings.ToLower(strings.TrimSpace(rest))
		for _, c := range Commands() {
			if c.Name == name {
				return Label{Kind: KindCommand, Text: r.command + strings.ToUpper(name), Command: name}, nil, true
			}
		}
		return Label{}, &Error{Reason: ReasonCommand, Text: r.safe(s)}, true
	}
	for _, mark := range []string{r.badge, r.command} {
		if germanKeys(mark) != mark && hasFold(s, germanKeys(mark)) {
			return Label{}, &Error{Reason: ReasonLayout, Detail: "set the scanner to this machine's keyboard layout"}, true
		}
	}
	return Label{}, nil, false
}

// germanKeys is what a scanner that types for a US keyboard leaves on a machine with a German one.
func germanKeys(s string) string {
	return strings.NewReplacer("y", "z", "z", "y", "Y", "Z", "Z", "Y", ":", "Ö", "-", "ß", "_", "?", "/", "-", ";", "ö").Replace(s)
}

// label reads what is neither badge nor command.
func (r *Reader) label(aim, s string) (Label, error) {
	l := Label{Kind: KindLabel}
	found, err := r.gs1.find(aim, s)
	if err != nil && found.sure {
		return Label{}, r.wrap(s, err)
	}
	if err == nil && found.is {
		l.Text, l.GTIN, l.Serial, l.Batch, l.ID = found.text, found.gtin(), found.value("21"), found.value("10"), found.id()
	} else {
		if !printable(s) {
			return Label{}, r.fail(s, ReasonNotPrintable, "")
		}
		l.Text, l.ID = s, s
	}
	if r.pattern == nil {
		if err != nil {
			return Label{}, r.wrap(s, err)
		}
		if l.ID == "" {
			return Label{}, r.fail(l.Text, ReasonNoSerial, "")
		}
		return l, nil
	}
	return r.matched(l)
}

// matched holds a label against the configured pattern. Its group may find
// the identity where GS1 names only a product.
func (r *Reader) matched(l Label) (Label, error) {
	m := r.pattern.FindStringSubmatch(l.Text)
	if m == nil {
		return Label{}, r.fail(l.Text, ReasonPattern, "")
	}
	if r.group >= 0 {
		l.ID = m[r.group]
	}
	if l.ID = strings.TrimSpace(l.ID); l.ID == "" {
		return Label{}, r.fail(l.Text, ReasonNoSerial, "")
	}
	return l, nil
}

func (r *Reader) fail(text string, why Reason, detail string) *Error {
	return &Error{Reason: why, Detail: detail, Text: r.safe(text)}
}

func (r *Reader) wrap(text string, err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		e.Text = r.safe(text)
		return e
	}
	return r.fail(text, ReasonGS1, err.Error())
}

// safe is the text for an error, and nothing where a badge may be in it.
func (r *Reader) safe(text string) string {
	for _, mark := range []string{r.badge, germanKeys(r.badge)} {
		if strings.Contains(strings.ToLower(text), strings.ToLower(mark)) {
			return ""
		}
	}
	return show(text)
}

// cutSymbology takes a symbology identifier off (ISO/IEC 15424: a bracket, a letter, a modifier).
func cutSymbology(s string) (aim, rest string) {
	if len(s) < 3 || s[0] != ']' || !isLetter(s[1]) || !isLetter(s[2]) && !isDigit(s[2]) {
		return "", s
	}
	return s[1:3], strings.TrimLeftFunc(s[3:], func(r rune) bool { return r != gs && unicode.IsSpace(r) })
}

func isLetter(c byte) bool { return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }

func hasFold(s, prefix string) bool {
	_, ok := cutFold(s, prefix)
	return ok
}

// cutFold cuts a prefix without regard to case. Folding may change a character's length in bytes, so it goes by characters.
func cutFold(s, prefix string) (string, bool) {
	n := utf8.RuneCountInString(prefix)
	end := len(s)
	for i := range s {
		if n == 0 {
			end = i
			break
		}
		n--
	}
	if n > 0 || !strings.EqualFold(s[:end], prefix) {
		return s, false
	}
	return s[end:], true
}
