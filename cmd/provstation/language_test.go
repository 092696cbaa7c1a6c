package main

import (
	"testing"

	"provstation/station/config"
	"provstation/station/words"
)

// TestEveryCheckHasAName: what the doctor looks at has a name on the screen, in every language.
func TestEveryCheckHasAName(t *testing.T) {
	names := []string{"port"} // one for each port, of the check of all
	for _, d := range []*doctor{{cfg: config.Default()}, {}} {
		for _, c := range d.checks() {
			names = append(names, c.names...)
		}
	}
	if len(names) < 20 {
		t.Fatalf("got the checks %v, want all of them", names)
	}
	for _, locale := range words.Locales() {
		c, err := words.Load(locale)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if key := "doctor." + name; c.Text(key, nil) == key {
				t.Errorf("%s: no name for the check %s", locale, name)
			}
		}
	}
}
