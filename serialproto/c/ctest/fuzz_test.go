package ctest

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestFuzzTarget runs the fuzz target over inputs of a fixed seed; `make fuzz` lets libFuzzer look for others.
func TestFuzzTarget(t *testing.T) {
	t.Parallel()
	const n = 4000
	g := &generator{rand.New(rand.NewPCG(3, 0x5350_3143))}
	var in []byte
	for range n {
		p := append(g.bytes(1), 4, byte(g.IntN(64))) // how it is configured, and HELLO
		for range 10 + g.IntN(80) {
			if g.rarely(3) {
				p = append(p, g.bytes(1+g.IntN(12))...)
			} else {
				p = append(p, 9, byte(g.Uint32()), byte(g.Uint32())) // a request that is often right
			}
		}
		in = append(binary.LittleEndian.AppendUint32(in, uint32(len(p))), p...)
	}
	if got := ask(t, "sp1-replay", in); got[len(got)-1] != fmt.Sprintf("%d inputs", n) {
		t.Errorf("got %q, want %d inputs", got, n)
	}
}
