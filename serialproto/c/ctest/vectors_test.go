package ctest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// TestVectors: the C side reads the same files as the Go side, all of them.
func TestVectors(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("..", "..", "testdata", "vectors")
	want := 0
	for _, name := range []string{"cobs.txt", "frames.txt", "messages.txt", "refused.txt"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		want += bytes.Count(b, []byte("\nname: "))
	}
	got := ask(t, "sp1-vectors", nil, dir)
	if last := got[len(got)-1]; last != fmt.Sprintf("%d vectors, 0 failures", want) {
		t.Errorf("got %q, want %d vectors without a failure", got, want)
	}
}
