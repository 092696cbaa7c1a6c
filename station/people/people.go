// Package people reads the list of who works at a bench: names, badges and roles, from a CSV file as a spreadsheet writes
// it. The list is immutable; who wants a change reads the file again.
//
// Out of scope: passwords, sessions, and what a role may do, which package station decides.
package people

import (
	"crypto/sha256"
	"crypto/subtle"
	"strings"
	"unicode"
	"unicode/utf8"

	"provstation/station"
)

// Limits of a list.
const (
	MaxFile   = 1 << 20 // bytes
	MaxPeople = 2000
	MaxName   = 64 // runes, of a name
	MaxBadge  = 128
	MinBadge  = 4 // bytes: a shorter badge is guessed, not read
)

// DefaultBadgePrefix is what marks a badge for the scanner. It may stand in the file or not.
const DefaultBadgePrefix = "PSB:"

// Config says how a list is read.
type Config struct {
	// BadgePrefix is taken off badges, in the file and when one is looked up, without regard to case. Empty:
	// DefaultBadgePrefix.
	BadgePrefix string
}

func (c Config) bare(badge string) string {
	prefix := c.BadgePrefix
	if prefix == "" {
		prefix = DefaultBadgePrefix
	}
	badge = strings.TrimSpace(badge)
	if len(badge) >= len(prefix) && strings.EqualFold(badge[:len(prefix)], prefix) {
		badge = badge[len(prefix):]
	}
	return strings.TrimSpace(badge)
}

// List is who works at a bench. It implements [station.Staff], is immutable, and holds hashes of badges alone.
type List struct {
	cfg     Config
	people  []station.Person
	badges  []badge
	byName  map[string]int
	unnamed bool // takes any name
}

// badge belongs to one of List.people.
type badge struct {
	hash   [sha256.Size]byte
	person int
}

var _ station.Staff = (*List)(nil)

// Anyone is the staff of a bench that lists no people: any printable name of 1 to 64 characters is an operator, and no
// badge is anybody's.
func Anyone() *List { return &List{unnamed: true} }

// Len is how many people are on the list.
func (l *List) Len() int { return len(l.people) }

// Leads is how many of them may release what an operator may not, and carry a badge to show for it.
func (l *List) Leads() int {
	n := 0
	for _, b := range l.badges {
		if l.people[b.person].Role == station.RoleLead {
			n++
		}
	}
	return n
}

// ByBadge finds who carries the badge. Every badge of the list is compared, in constant time: how long it takes says
// nothing of how near a guess was.
func (l *List) ByBadge(text string) (station.Person, bool) {
	if len(text) > 2*MaxBadge {
		return station.Person{}, false
	}
	bare := l.cfg.bare(text)
	hash := sha256.Sum256([]byte(bare))
	found := -1
	for _, b := range l.badges {
		match := subtle.ConstantTimeCompare(hash[:], b.hash[:])
		found = subtle.ConstantTimeSelect(match, b.person, found)
	}
	if found < 0 || bare == "" {
		return station.Person{}, false
	}
	return l.people[found], true
}

// ByName finds a person without regard to case and spacing.
func (l *List) ByName(name string) (station.Person, bool) {
	if len(name) > MaxName*utf8.UTFMax {
		return station.Person{}, false
	}
	name = oneSpaced(name)
	if l.unnamed {
		if nameTrouble(name) != "" {
			return station.Person{}, false
		}
		return station.Person{Name: name, Role: station.RoleOperator}, true
	}
	i, ok := l.byName[fold(name)]
	if !ok {
		return station.Person{}, false
	}
	return l.people[i], true
}

// oneSpaced removes spaces around a name and makes each run of them within it one.
func oneSpaced(name string) string {
	if strings.ContainsFunc(name, func(r rune) bool { return r != ' ' && unicode.IsSpace(r) }) {
		return name // a line end or tab is for the check to refuse
	}
	return strings.Join(strings.Fields(name), " ")
}

func fold(name string) string { return strings.ToLower(strings.ToUpper(name)) }

// nameTrouble says what is wrong with a name, or nothing.
func nameTrouble(name string) string {
	switch {
	case name == "":
		return "name is empty"
	case !utf8.ValidString(name):
		return "name is not UTF-8: save the file as UTF-8"
	case utf8.RuneCountInString(name) > MaxName:
		return "name is longer than 64 characters"
	}
	if !printable(name) {
		return "name has a character that cannot be printed"
	}
	return ""
}

func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError })
}
