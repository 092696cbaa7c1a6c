package console

import (
	"regexp"
	"slices"
	"testing"
)

// TestToolsAreUsed: what is looked for on a box is what something there makes use of.
func TestToolsAreUsed(t *testing.T) {
	text := dense(coreScript + lookScript + workScript + signScript + checkScript)
	for _, w := range slices.Concat(hashes, encodes, decodes) {
		text += w.do + "\n"
	}
	for _, name := range slices.Concat(needed, wanted) {
		if !regexp.MustCompile(`(?m)(^|[^\w.-])` + regexp.QuoteMeta(name) + `($|[^\w=-])`).MatchString(text) {
			t.Errorf("%s is looked for and not used", name)
		}
	}
}
