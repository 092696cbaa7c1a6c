package config

import (
	"fmt"
	"net"
	"path"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// Bounds of what stands around the bench.
const (
	minScanGap, maxScanGap = 5 * time.Millisecond, 200 * time.Millisecond
	maxScanLength          = 64
	maxPrefix              = 16
	maxHoldAfter           = 1000
	maxSlotName            = 32
)

var (
	builtinPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,62}$`)
	columnPattern  = regexp.MustCompile(`^[a-z][a-z_]{0,31}$`)
)

func (v check) ports() {
	p := v.c.Ports
	for key, list := range map[string][]string{"ports.include": p.Include, "ports.exclude": p.Exclude} {
		for _, pattern := range list {
			if msg := portPatternProblem(pattern); msg != "" {
				v.bad(key, "%s", msg)
			}
		}
	}
	if p.Baud < leastBaud || p.Baud > mostBaud {
		v.bad("ports.baud", "want %d to %d, got %d", leastBaud, mostBaud, p.Baud)
	}
	for _, msg := range slotProblems(p.Slots) {
		v.bad("ports.slots", "%s", msg)
	}
}

// portPatternProblem says what is wrong with a path, a pattern or a serial server's address; empty: nothing.
func portPatternProblem(pattern string) string {
	if strings.HasPrefix(pattern, "rfc2217://") {
		return fmt.Sprintf("%q: RFC 2217 is not available in this version; have the serial server pass raw bytes and use tcp://", clip(pattern))
	}
	if strings.HasPrefix(pattern, "tcp://") {
		if !validTCP(pattern) {
			return fmt.Sprintf("%q: want a serial server as tcp://host:port", clip(pattern))
		}
		return ""
	}
	if _, err := path.Match(pattern, ""); err != nil || pattern == "" {
		return fmt.Sprintf("%q is not a path or a pattern", clip(pattern))
	}
	return ""
}

func (v check) scan() {
	s := v.c.Scan
	for key, prefix := range map[string]string{
		"scan.prefix": s.Prefix, "scan.badge_prefix": s.BadgePrefix, "scan.command_prefix": s.CommandPrefix,
	} {
		if utf8.RuneCountInString(prefix) > maxPrefix {
			v.bad(key, "want at most %d characters", maxPrefix)
		}
		if prefix == "" && key != "scan.prefix" {
			v.bad(key, "must not be empty: every scan would be one")
		}
	}
	badge, command := s.BadgePrefix, s.CommandPrefix
	if badge != "" && command != "" && (strings.HasPrefix(badge, command) || strings.HasPrefix(command, badge)) {
		v.bad("scan.command_prefix", "begins like scan.badge_prefix: a scan could be either (%q, %q)", clip(command), clip(badge))
	}
	if s.Pattern != "" {
		if _, err := regexp.Compile(s.Pattern); err != nil {
			v.bad("scan.pattern", "is not a regular expression (RE2): %s", clip(err.Error()))
		}
	}
	if d := s.Gap.D(); d < minScanGap || d > maxScanGap {
		v.bad("scan.gap", "want 5ms to 200ms, got %s", s.Gap)
	}
	if s.MinLength < 1 || s.MinLength > maxScanLength {
		v.bad("scan.min_length", "want 1 to %d, got %d", maxScanLength, s.MinLength)
	}
}

func (v check) labels() {
	l := v.c.Labels
	if l.Template == "" {
		v.bad("labels.template", "must not be empty: a built-in name such as zpl-50x25, or a file")
	}
	if l.Printer != "" && !validTCP(l.Printer) {
		v.bad("labels.printer", "want a raw printer as tcp://host:port, got %q", clip(l.Printer))
	}
	if l.Printer != "" && len(l.Command) > 0 {
		v.bad("labels.command", "labels.printer is set too: only one of them can print")
	}
	if l.Auto && l.Printer == "" && len(l.Command) == 0 {
		v.bad("labels.auto", "needs labels.printer or labels.command")
	}
	v.program("labels.command", l.Command)
}

// desk judges batches, people and the screen.
func (v check) desk() {
	b := v.c.Batch
	if b.HoldAfter < 0 || b.HoldAfter > maxHoldAfter {
		v.bad("batch.hold_after", "want 0 (never) to %d, got %d", maxHoldAfter, b.HoldAfter)
	}
	headers := map[string]string{}
	for _, column := range sortedKeys(b.Columns) {
		header := b.Columns[column]
		if !columnPattern.MatchString(column) || strings.TrimSpace(header) == "" || len(header) > 128 {
			v.bad("batch.columns", "%q: want what a column means, such as hardware_serial, and its header in the file", clip(column))
		}
		if other, twice := headers[header]; twice {
			v.bad("batch.columns", "%s and %s are the same column %q", clip(other), clip(column), clip(header))
		}
		headers[header] = column
	}
	v.program("screen.sound", v.c.Screen.Sound)
}

// program judges a command that is run without a shell.
func (v check) program(key string, argv []string) {
	if len(argv) > 0 && strings.TrimSpace(argv[0]) == "" {
		v.bad(key, "the first item is the program, and it is empty")
	}
}

// validTCP reports whether s is tcp://host:port and nothing else.
func validTCP(s string) bool {
	rest, ok := strings.CutPrefix(s, "tcp://")
	if !ok {
		return false
	}
	host, port, err := net.SplitHostPort(rest)
	return err == nil && validHost(host) && validPort(port)
}
