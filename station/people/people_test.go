package people_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"provstation/station"
	"provstation/station/people"
)

func read(t *testing.T, text string) *people.List {
	t.Helper()
	l, err := people.Read(strings.NewReader(text), people.Config{})
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	return l
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

func TestRead(t *testing.T) {
	ada, bob := station.Person{Name: "Ada Lovelace", Role: station.RoleLead}, station.Person{Name: "Bob Öztürk", Role: station.RoleOperator}
	for _, c := range []struct{ name, text string }{
		{"plain", "name,badge,role\nAda Lovelace,A-4711,lead\nBob Öztürk,B-4712,operator\n"},
		{"other order, any case, another column", "Role,Shift,BADGE,Name\nLEAD,2,A-4711,Ada Lovelace\n,1,B-4712,Bob Öztürk\n"},
		{"semicolons and byte order mark", "\xef\xbb\xbfname;badge;role\r\nAda Lovelace;A-4711;lead\r\nBob Öztürk;B-4712;\r\n"},
		{"quotes, spaces, empty lines", "name, badge, role\n\n\"Ada  Lovelace\",  \"A-4711\", lead\n,,\nBob Öztürk,B-4712\n"},
		{"hashes", "name,badge_sha256,role\nAda Lovelace," + strings.ToUpper(hash("A-4711")) + ",lead\nBob Öztürk," + hash("B-4712") + ",\n"},
		{"hash or badge", "name,badge_sha256,badge,role\nAda Lovelace," + hash("A-4711") + ",,lead\nBob Öztürk,,B-4712,\n"},
		{"the scanner's prefix", "name,badge,role\nAda Lovelace,PSB:A-4711,lead\nBob Öztürk,psb:B-4712,\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := read(t, c.text)
			if l.Len() != 2 || l.Leads() != 1 {
				t.Errorf("got %d people, %d leads, want 2 and 1", l.Len(), l.Leads())
			}
			for badge, want := range map[string]station.Person{
				"A-4711": ada, "PSB:A-4711": ada, "B-4712": bob, "psb:B-4712": bob,
			} {
				if got, ok := l.ByBadge(badge); !ok || got != want {
					t.Errorf("badge %s: got %+v, %v, want %+v", badge, got, ok, want)
				}
			}
			if got, ok := l.ByBadge(" A-4711\t"); !ok || got != ada {
				t.Errorf("badge with spaces: got %+v, %v, want %+v", got, ok, ada)
			}
			for name, want := range map[string]station.Person{
				"Ada Lovelace": ada, "ada  LOVELACE ": ada, "BOB ÖZTÜRK": bob,
			} {
				if got, ok := l.ByName(name); !ok || got != want {
					t.Errorf("name %q: got %+v, %v, want %+v", name, got, ok, want)
				}
			}
			for _, badge := range []string{"", "PSB:", "a-4711", "A-4711x", "A-471", hash("A-4711"), strings.Repeat("A", 10_000)} {
				if got, ok := l.ByBadge(badge); ok {
					t.Errorf("badge %.20q: got %+v, want nobody", badge, got)
				}
			}
			for _, name := range []string{"", "Ada", "Eve", "A-4711", strings.Repeat("A", 10_000)} {
				if got, ok := l.ByName(name); ok {
					t.Errorf("name %.20q: got %+v, want nobody", name, got)
				}
			}
		})
	}
}

func TestReadOwnPrefix(t *testing.T) {
	l, err := people.Read(strings.NewReader("name,badge\nAda,EMP4711\n"), people.Config{BadgePrefix: "EMP"})
	if err != nil {
		t.Fatal(err)
	}
	for badge, want := range map[string]bool{"EMP4711": true, "4711": true, "PSB:4711": false} {
		if _, ok := l.ByBadge(badge); ok != want {
			t.Errorf("badge %s: got %v, want %v", badge, ok, want)
		}
	}
}

// A person without a badge types the name, and is nobody by an empty badge.
func TestNoBadge(t *testing.T) {
	l := read(t, "name,badge,role\nAda,,lead\nBob,B-4712,\n")
	if p, ok := l.ByName("ada"); !ok || p.Role != station.RoleLead {
		t.Errorf("got %+v, %v, want Ada, a lead", p, ok)
	}
	if p, ok := l.ByBadge(""); ok {
		t.Errorf("got %+v by an empty badge, want nobody", p)
	}
	if got := l.Leads(); got != 0 {
		t.Errorf("got %d leads with a badge, want 0", got)
	}
}

func TestReadRefuses(t *testing.T) {
	many := "name,badge\n"
	for i := range people.MaxPeople + 1 {
		many += fmt.Sprintf("P%d,badge%d\n", i, i)
	}
	for _, c := range []struct {
		name, text string
		want       []people.Problem
	}{
		{"nothing", "", []people.Problem{{0, "the file is empty: want a header line with name, badge, role"}}},
		{"header alone", "name,badge,role\n", []people.Problem{{0, "nobody is on the list"}}},
		{"columns", "nom,insigne\nAda,A-4711\n", []people.Problem{
			{1, "column name is missing: want a header line with name, badge, role"},
			{1, "column badge (or badge_sha256) is missing"},
		}},
		{"column twice", "name,badge,Name\nAda,A-4711,x\n", []people.Problem{{1, "column name is there twice"}}},
		{"all mistakes at once", strings.Join([]string{
			"name,badge,role",
			"Ada,A-4711,lead",
			",secret-1,",
			"ADA,secret-2,",
			"Bob,A-4711,",
			"Carl,secret-3,boss",
			"Dora,abc,",
			"Eve\u202e,secret-4,",
			"Finn," + strings.Repeat("9", 129) + ",",
			strings.Repeat("G", 65) + ",secret-5,",
			"Hal,sec\x07ret,",
			"Ida,4.711E+11,",
		}, "\n"), []people.Problem{
			{3, "name is empty"},
			{4, "ADA is on line 2 already"},
			{5, "the badge is on line 2 already"},
			{6, "unknown role: want operator, lead, or nothing"},
			{7, "badge is shorter than 4 characters"},
			{8, "name has a character that cannot be printed"},
			{9, "badge is longer than 128 bytes"},
			{10, "name is longer than 64 characters"},
			{11, "badge has a character that cannot be printed"},
			{12, "badge was turned into a rounded number by a spreadsheet: format the column as text"},
		}},
		{"hashes", "name,badge,badge_sha256\nAda,,12\nBob,,zz" + hash("x")[2:] + "\nCarl,B-4712," + hash("B-4712") + "\n", []people.Problem{
			{2, "badge_sha256 is not 64 hexadecimal digits"},
			{3, "badge_sha256 is not 64 hexadecimal digits"},
			{4, "both badge and badge_sha256 are given"},
		}},
		{"badge and its hash", "name,badge,badge_sha256\nAda,A-4711,\nBob,," + hash("A-4711") + "\n", []people.Problem{
			{3, "the badge is on line 2 already"},
		}},
		{"line within quotes", "name,badge\n\"Ada\nLovelace\",A-4711\nBob,x,\n", []people.Problem{
			{2, "name has a character that cannot be printed"},
			{4, "badge is shorter than 4 characters"},
		}},
		{"quotes", "name,badge\nAda,\"A-4711\nBob,B-4712\n", []people.Problem{{3, `extraneous or missing " in quoted-field`}}},
		{"not UTF-8", "name,badge\nJ\xfcrgen,A-4711\n", []people.Problem{{0, "the file is not UTF-8: save it as CSV UTF-8"}}},
		{"too large", "name,badge\n" + strings.Repeat("x", people.MaxFile), []people.Problem{{0, "the file is larger than 1 MiB"}}},
		{"too many", many, []people.Problem{{people.MaxPeople + 2, "more than 2000 people"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, err := people.Read(strings.NewReader(c.text), people.Config{})
			var e *people.Error
			if !errors.As(err, &e) || l != nil {
				t.Fatalf("got %v, %v, want no list and a *people.Error", l, err)
			}
			if d := cmp.Diff(c.want, e.Problems); d != "" {
				t.Errorf("problems (-want +got):\n%s", d)
			}
			for _, secret := range []string{"secret", "4711", "99999"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("got %q: it shows a badge", err)
				}
			}
		})
	}
}

func TestErrorIsBounded(t *testing.T) {
	text := "name,badge\n" + strings.Repeat(",abcd1\n", 100)
	_, err := people.Read(strings.NewReader(text), people.Config{})
	if err == nil || strings.Count(err.Error(), "\n") != 21 || !strings.HasSuffix(err.Error(), "and 179 more") {
		t.Errorf("got %v, want 20 problems and how many more", err)
	}
}

func TestLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "people.csv")
	if _, err := people.Load(path, people.Config{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want fs.ErrNotExist", err)
	}
	if err := os.WriteFile(path, []byte("name,badge\nAda,A-4711\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if l, err := people.Load(path, people.Config{}); err != nil || l.Len() != 1 {
		t.Errorf("got %v, %v, want a list of one", l, err)
	}
	if err := os.WriteFile(path, []byte("name,badge\n,A-4711\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := people.Load(path, people.Config{}); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "line 2: name is empty") {
		t.Errorf("got %v, want the file and the line", err)
	}
}

func TestAnyone(t *testing.T) {
	staff := people.Anyone()
	for name, want := range map[string]string{"Ada": "Ada", "Ada   L.": "Ada L.", strings.Repeat("ö", 64): strings.Repeat("ö", 64)} {
		got, ok := staff.ByName(name)
		if want := (station.Person{Name: want, Role: station.RoleOperator}); !ok || got != want {
			t.Errorf("%q: got %+v, %v, want %+v", name, got, ok, want)
		}
	}
	for _, name := range []string{"", "  ", "a\x1b[2J", "a\nb", "a\tb", "a\u202eb", "\xff", strings.Repeat("a", 65), strings.Repeat("a", 1<<20)} {
		if got, ok := staff.ByName(name); ok {
			t.Errorf("%.20q: got %+v, want nobody", name, got)
		}
	}
	if got, ok := staff.ByBadge("PSB:4711"); ok {
		t.Errorf("got %+v by a badge, want nobody", got)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("name,badge,role\nAda,A-4711,lead\nBob,,\n")
	f.Add("\xef\xbb\xbfrole;name;badge_sha256\nlead;Ada;" + hash("x") + "\n")
	f.Add("name,badge\n\"Ada\nB\",\"x\"\"y\"\n")
	f.Fuzz(func(t *testing.T, text string) {
		l, err := people.Read(strings.NewReader(text), people.Config{})
		if err != nil {
			var e *people.Error
			if l != nil || !errors.As(err, &e) || len(e.Problems) == 0 {
				t.Fatalf("got %v, %v, want problems and no list", l, err)
			}
			for _, p := range e.Problems {
				if p.Line < 0 || strings.ContainsFunc(p.Text, func(r rune) bool { return !unicode.IsPrint(r) }) {
					t.Fatalf("got problem %+v, want a line and printable text", p)
				}
			}
			return
		}
		if l.Len() < 1 || l.Len() > people.MaxPeople {
			t.Fatalf("got %d people", l.Len())
		}
		if p, ok := l.ByBadge(""); ok {
			t.Fatalf("got %+v by an empty badge", p)
		}
	})
}
