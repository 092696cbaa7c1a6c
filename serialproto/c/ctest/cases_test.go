package ctest

import (
	"regexp"
	"testing"
)

// TestCases: storage that fails between two requests, and how many used enrollment ids a device remembers.
func TestCases(t *testing.T) {
	t.Parallel()
	got := ask(t, "sp1-cases", nil)
	if last := got[len(got)-1]; !regexp.MustCompile(`^[1-9]\d* checks, 0 failures$`).MatchString(last) {
		t.Errorf("got %q, want checks without a failure", got)
	}
}
