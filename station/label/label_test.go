package label

import (
	"strings"
	"testing"
)

func TestBuiltin(t *testing.T) {
	for _, n := range Builtin() {
		tm, err := Open(n)
		if err != nil {
			t.Fatal(err)
		}
		b, err := tm.Render(samples()[1])
		t.Logf("%s\n%s\n%v", b, strings.Join(tm.Preview(samples()[0]), "\n"), err)
	}
}
