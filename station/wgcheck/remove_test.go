package wgcheck

import (
	"strings"
	"testing"
)

// Nothing but errno=0 on a line of its own says that a peer was removed.
func FuzzReadErrno(f *testing.F) {
	for _, s := range []string{"errno=0\n\n", "errno=-22\n\n", "errno=", "", "get=1\n", "errno=0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, answer string) {
		err := readErrno(strings.NewReader(answer))
		line, _, whole := strings.Cut(answer, "\n")
		value, ok := strings.CutPrefix(line, "errno=")
		good := whole && ok && strings.Trim(value, "-+0") == "" && strings.Contains(value, "0")
		if err == nil && !good {
			t.Errorf("%q counts as done", answer)
		}
		if err != nil && answer == "errno=0\n\n" {
			t.Errorf("got %v, want nil", err)
		}
	})
}
