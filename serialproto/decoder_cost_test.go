package serialproto

import (
	"bytes"
	"testing"
)

// stream is what a line brings: frames of all sizes, and console text between them.
func stream(t testing.TB) []byte {
	t.Helper()
	var out []byte
	for i, size := range []int{0, 1, 40, MaxPayload, 100, MaxPayload} {
		var err error
		f := Frame{Kind: KindReq, ID: uint8(i + 1), Payload: bytes.Repeat([]byte{byte(i), 0}, size)[:size]} //nolint:gosec // small
		if out, err = AppendFrame(out, 5, f); err != nil {
			t.Fatal(err)
		}
		out = append(out, "kernel: random: crng init done\r\n"...)
	}
	return out
}

// Bytes come one at a time or in pieces: none of them costs an allocation. What is made of them does, and no more than twice:
// a frame owns its payload.
func TestFeedAllocatesNothingPerByte(t *testing.T) {
	data := stream(t)
	const frames, texts = 6, 6
	for _, piece := range []int{1, 7, 64, len(data)} {
		var d Decoder
		d.SetSession(5)
		gotFrames, gotTexts := 0, 0
		const runs = 20
		allocs := testing.AllocsPerRun(runs, func() {
			for rest := data; len(rest) > 0; rest = rest[min(piece, len(rest)):] {
				d.Feed(rest[:min(piece, len(rest))], func(Frame) { gotFrames++ }, func([]byte) { gotTexts++ })
			}
		})
		if limit := 2.0 * (frames + texts); allocs > limit {
			t.Errorf("pieces of %d bytes: got %.1f allocations for %d bytes, want at most %.0f", piece, allocs, len(data), limit)
		}
		if want := frames * (runs + 1); gotFrames != want || gotTexts < texts*runs {
			t.Errorf("pieces of %d bytes: got %d frames and %d texts, want %d and %d", piece, gotFrames, gotTexts, want, texts*runs)
		}
	}
}

func BenchmarkFeed(b *testing.B) {
	data := stream(b)
	var d Decoder
	d.SetSession(5)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		d.Feed(data, func(Frame) {}, func([]byte) {})
	}
}
